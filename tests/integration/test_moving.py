"""`cordwood import` and `cordwood export`: killed, cut off, resumed, and there and back again."""

import csv
import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from cordwood.cli.app import app_of
from cordwood.client.importing import PART_EVENTS
from cordwood.model.event import TIMESTAMP_NAMES
from cordwood.model.zstd import ZstdDecompressor
from cordwood.model.zstd import compress as zstd
from tests.support.processes import Cordwood
from tests.support.scripted import Answer, Request, Scripted, drop, refuse, take, take_and_drop
from tests.support.waiting import wait_until

HOSTILE = [
    {"time": "2026-01-01T00:00:00.000001Z", "message": "=cmd|'/C calc'!A0", "level": "error", "service": "-1+1"},
    {"time": "2026-01-01T00:00:00.000002Z", "message": "NUL \x00 ESC \x1b[2J \u202e \x1f", "n": 10**40, "e": ""},
    {"time": "2026-01-01T00:00:00.000003Z", "message": 'a,"b"\r\n@c', "service": "\x00\n,\x1f", "nil": None},
    {"time": "0001-01-01T00:00:00Z", "": {"a.b": [1.5, {"c": []}]}, "message": "größe 🪵"},
    {"timestamp": "no time", "_time": {}, "message": "+1"},
    {},
    {"message": "no time of its own", "level": "WARNING"},
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(command: str, *arguments: object, url: str) -> Result:
    return CliRunner().invoke(app_of([command]), [command, "--url", url, *map(str, arguments)])


def imported(*arguments: object, url: str, status: int = 0) -> dict[str, int]:
    result = run("import", "--json", *arguments, url=url)
    assert result.exit_code == status, result.output
    counts: dict[str, int] = json.loads(result.stdout)
    assert counts["read"] == counts["accepted"] + counts["rejected"] + counts["failed"]
    return counts


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ndjson(first: int, last: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % number for number in range(first, last + 1))


def numbers(server: Scripted) -> list[int]:
    return sorted(json.loads(event)["n"] for event in server.events)


def stored(server: Cordwood) -> list[tuple[str, str]]:
    """Timestamps and events, in an order of their own."""
    return sorted((event["timestamp"], json.dumps(event["data"], sort_keys=True)) for event in server.events())


@pytest.fixture(scope="class")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """A server with hostile events and plain ones."""
    with Cordwood("up", tmp_path_factory.mktemp("full") / "data") as running:
        lines = [json.dumps(event) for event in [*HOSTILE, *({"time": 1767225600 + n, "n": n} for n in range(3000))]]
        status, answer = running.post("/api/v1/ingest?wait=stored", "\n".join(lines).encode())
        assert (status, json.loads(answer)["accepted"]) == (202, len(lines)), answer
        yield running


def accepted(server: Cordwood) -> float:
    """Events that the server has answered for, which is long before they can be queried."""
    metrics = server.get("/metrics")[1].decode()
    return sum(map(float, re.findall(r"^cordwood_ingest_events_total\{.*accepted.*\} (\S+)$", metrics, re.MULTILINE)))


class TestImport:
    def test_directories_are_read_sorted_with_all_kinds_of_files_and_once(self, tmp_path):
        logs = tmp_path / "logs"
        write(logs / "b" / "2.gz", gzip.compress(ndjson(11, 20)))
        write(logs / "a.ndjson", ndjson(1, 10))
        write(logs / "c.zst", zstd(ndjson(21, 30)))
        write(logs / ".hidden", ndjson(91, 99))
        write(logs / "d.json", b'[{"n": 31},\n {"n": 32}]')
        os.mkfifo(logs / "pipe")
        with Scripted() as server:
            assert imported(logs, logs / "a.ndjson", url=server.url)["accepted"] == 32
            assert numbers(server) == list(range(1, 33))
            requests = len(server.requests)
            again = imported(logs, logs / "a.ndjson", url=server.url)
            assert len(server.requests) == requests
        assert (again["read"], again["already"], again["whole"]) == (0, 32, 4)

    def test_parts_and_keys_are_the_same_in_every_run(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 50_000))
        runs = []
        for name in ("one", "two"):
            with Scripted() as server:
                imported(file, "--state", tmp_path / name, url=server.url)
                runs.append({request.headers["idempotency-key"]: request.lines for request in server.requests})
        assert runs[0] == runs[1]
        assert len(runs[0]) == 3

    def test_lines_that_cannot_be_read_are_told_once_and_leave_the_file_whole(self, tmp_path):
        file = write(tmp_path / "f", b"free words\n" * PART_EVENTS)
        with Scripted() as server:
            told = [run("import", "--parse", "combined", file, url=server.url) for _ in range(2)]
        assert [each.exit_code for each in told] == [0, 0]
        assert [f"{PART_EVENTS:,} lines were not as --parse has it" in each.output for each in told] == [True, False]

    @pytest.mark.parametrize("lost", [drop, take_and_drop, refuse(503)])
    def test_a_run_goes_on_where_the_server_went_away(self, tmp_path, lost):
        file = write(tmp_path / "f", ndjson(1, 100_000))
        with Scripted([take, take, lost], otherwise=refuse(503)) as server:
            counts = imported(file, "--retry-for", 0, "--concurrency", 1, url=server.url, status=1)
            assert counts["accepted"] == 40_000
            server._otherwise = take
            counts = imported(file, url=server.url)
            assert numbers(server) == list(range(1, 100_001))
        assert (counts["already"], counts["accepted"]) == (40_000, 60_000)

    def test_a_part_that_is_too_large_is_halved_alike_in_every_run(self, tmp_path):
        def small(server: Scripted, request: Request) -> None:
            answer: Answer = take if len(request.lines) <= 3000 else refuse(413)
            answer(server, request)

        file = write(tmp_path / "f", ndjson(1, 20_000))
        with Scripted(otherwise=small) as server:
            for state in ("one", "two"):
                assert imported(file, "--state", tmp_path / state, url=server.url)["accepted"] == 20_000
            assert numbers(server) == list(range(1, 20_001))

    def test_a_file_that_changed_is_named_and_not_doubled(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 10))
        with Scripted() as server:
            imported(file, url=server.url)
            write(file, ndjson(1, 11))
            result = run("import", file, url=server.url)
            assert result.exit_code == 1
            assert f"{file}: it has changed since 10 of its events were imported" in result.stderr
            assert imported(file, "--again", url=server.url)["accepted"] == 11

    def test_bad_lines_are_named_and_stop_nothing_but_a_strict_run(self, tmp_path):
        lines = ndjson(1, 70_000).splitlines()
        lines[30_000] = b"{broken"
        file = write(tmp_path / "f", b"\n".join(lines))
        with Scripted() as server:
            result = run("import", file, "--strict", "--concurrency", 1, url=server.url)
            assert result.exit_code == 1
            assert f"{file}:30001: rejected: not a JSON object" in result.stderr
            assert len(server.events) < 69_999
            counts = imported(file, url=server.url)
            assert len(server.events) == 69_999
        assert counts["already"] + counts["accepted"] == 70_000

    @pytest.mark.parametrize("content", [b"something else", b"{}\n", b'{"version":9}\n', b"\x00" * 50 + b"\n"])
    def test_a_file_that_is_no_state_is_not_touched(self, tmp_path, content):
        state = write(tmp_path / "s", content)
        with Scripted() as server:
            result = run("import", write(tmp_path / "f", b"x"), "--state", state, url=server.url)
        assert result.exit_code == 2, result.output
        assert state.read_bytes() == content

    def test_a_state_is_of_one_server(self, tmp_path):
        file = write(tmp_path / "f", b"x")
        with Scripted() as one, Scripted() as other:
            imported(file, "--state", tmp_path / "s", url=one.url)
            assert run("import", file, "--state", tmp_path / "s", url=other.url).exit_code == 2

    def test_what_cannot_be_read_is_named_and_the_others_are_imported(self, tmp_path):
        good = write(tmp_path / "good", ndjson(1, 3))
        broken = write(tmp_path / "bad.parquet", b"PAR1" + os.urandom(1000) + b"PAR1")
        with Scripted() as server:
            result = run("import", tmp_path / "missing", broken, good, url=server.url)
            assert numbers(server) == [1, 2, 3]
        assert result.exit_code == 1
        assert f"{tmp_path / 'missing'}: No such file" in result.stderr
        assert f"{broken}: the Parquet file cannot be read" in result.stderr

    def test_a_killed_import_goes_on_to_the_exact_count(self, tmp_path):
        file = write(tmp_path / "f", ndjson(1, 400_000))

        def is_noted() -> bool:
            """That a part was answered for, which the next run then does not send again."""
            files = (path for path in (tmp_path / "state").rglob("*") if path.is_file())
            return any(b'"part":' in path.read_bytes() for path in files)

        with Cordwood("up", tmp_path / "data") as server:
            for _ in range(2):
                before = accepted(server)
                process = subprocess.Popen(
                    [sys.executable, "-m", "cordwood", "import", str(file), "--url", server.url],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                wait_until(lambda: accepted(server) > before and is_noted(), 60, "events")  # noqa: B023
                process.send_signal(signal.SIGKILL)
                assert process.wait() == -signal.SIGKILL, "it was under way"
            counts = imported(file, url=server.url)
            assert 0 < counts["already"] < 400_000
            assert counts["already"] + counts["accepted"] == 400_000
            wait_until(lambda: server.count() >= 400_000, 60, "all events")
            assert sorted(event["data"]["n"] for event in server.events()) == list(range(1, 400_001))


class TestParquet:
    def test_rows_of_any_file_become_events(self, tmp_path):
        file = tmp_path / "it's [1]*.parquet"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'Asia/Tokyo'")
            connection.execute(
                f"""COPY (SELECT 1 AS a, NULL AS gone, TIMESTAMP '2026-01-02 03:04:05.678901' AS t,
                TIMESTAMPTZ '2026-01-02 03:04:05+09' AS z, TIMESTAMP_NS '2026-01-02 03:04:05.123456789' AS ns,
                DATE '2026-01-02' AS d, 1.10::DECIMAL(9, 2) AS dec, 'nan'::DOUBLE AS nan, '\\x00\\xff'::BLOB AS b,
                [TIMESTAMPTZ '2026-01-02 03:04:05Z'] AS zs, {{'x': [1, NULL]}} AS s, 'infinity'::TIMESTAMP AS inf,
                true AS "q""uote") TO '{str(file).replace("'", "''")}' (FORMAT parquet)"""
            )
        with Scripted() as server:
            assert imported(file, url=server.url)["accepted"] == 1
            (event,) = server.events
        assert json.loads(event) == {
            "a": 1,
            "t": "2026-01-02T03:04:05.678901Z",
            "z": "2026-01-01T18:04:05.000000Z",
            "ns": "2026-01-02T03:04:05.123456789Z",
            "d": "2026-01-02",
            "dec": 1.1,
            "nan": None,
            "b": "AP8=",
            "zs": ["2026-01-02T03:04:05"],
            "s": {"x": [1, None]},
            "inf": "infinity",
            'q"uote': True,
        }

    def test_segments_give_back_their_events(self, full, tmp_path):
        segments = Path(full.environment["CORDWOOD_DATA_DIR"]) / "store" / "segments"
        with Cordwood("up", tmp_path / "data") as server:
            assert imported(segments, url=server.url)["rejected"] == 0
            wait_until(lambda: server.count() >= full.count(), 30, "the events")
            assert without_added_times(stored(server)) == without_added_times(stored(full))


def without_added_times(events: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Events that had no time of their own have got one; nothing else may differ."""
    plain = []
    for timestamp, text in events:
        data = json.loads(text)
        for name in TIMESTAMP_NAMES:
            if data.get(name) == timestamp:
                del data[name]
        plain.append((timestamp, json.dumps(data, sort_keys=True)))
    return sorted(plain)


class TestExport:
    @pytest.mark.parametrize(
        "how",
        [
            ["--format", "ndjson"],
            ["--format", "ndjson", "--compress", "zstd"],
            ["--format", "ndjson", "--compress", "gzip"],
            ["--format", "parquet"],
        ],
    )
    def test_there_and_back_again(self, full, tmp_path, how):
        file = tmp_path / "export"
        result = run("export", *how, "--output", file, "--json", url=full.url)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["events"] == full.count()
        assert [path.name for path in tmp_path.iterdir()] == ["export"]
        with Cordwood("up", tmp_path / "data") as server:
            assert imported(file, url=server.url)["accepted"] == full.count()
            wait_until(lambda: server.count() >= full.count(), 30, "the events")
            assert without_added_times(stored(server)) == without_added_times(stored(full))
            # From now on every event has a time of its own, and nothing changes any more.
            run("export", *how, "--output", tmp_path / "second", url=server.url)
            with Cordwood("up", tmp_path / "data2") as third:
                imported(tmp_path / "second", url=third.url)
                wait_until(lambda: third.count() >= full.count(), 30, "the events")
                assert stored(third) == stored(server)

    def test_parquet_is_read_by_any_engine(self, full, tmp_path):
        run("export", "-f", "parquet", "-o", tmp_path / "e.parquet", url=full.url)
        columns = "id::VARCHAR, epoch_us(timestamp), epoch_us(inserted_at), level, service, data"
        rows = duckdb.execute(f"SELECT {columns} FROM read_parquet('{tmp_path / 'e.parquet'}')").fetchall()
        answered = full.events()
        assert [row[0] for row in rows] == [event["id"] for event in answered]
        assert [row[3:5] for row in rows] == [(event["level"], event["service"]) for event in answered]
        assert [json.loads(row[5]) for row in rows] == [event["data"] for event in answered]

    def test_csv_holds_no_formulas(self, full, tmp_path):
        assert run("export", "-f", "csv", "--compress", "zstd", "-o", tmp_path / "e", url=full.url).exit_code == 0
        text = ZstdDecompressor().decompress((tmp_path / "e").read_bytes()).decode()
        header, *rows = list(csv.reader(text.splitlines(keepends=True)))
        assert header == ["id", "timestamp", "level", "service", "message", "data"]
        assert len(rows) == full.count()
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@")]
        assert {"'=cmd|'/C calc'!A0", "'-1+1", "'+1", 'a,"b"\r\n@c'} <= set(cells)

    def test_filters_and_times_choose_and_directories_get_a_file(self, full, tmp_path):
        result = run("export", "--filter", "level:error", "--start", "2026-01-01", "-o", tmp_path, url=full.url)
        assert result.exit_code == 0, result.output
        (file,) = tmp_path.glob("cordwood-*.ndjson")
        assert [json.loads(line)["data"] for line in file.read_text().splitlines()] == [HOSTILE[0]]

    @pytest.mark.parametrize(
        "arguments",
        [
            ["-f", "parquet"],
            ["-f", "parquet", "-o", "x", "--compress", "zstd"],
            ["-o", "no/such/directory/x"],
            ["--start", "yesterday"],
            ["--filter", "nocolon"],
        ],
    )
    def test_wrong_usage_is_2(self, full, arguments):
        assert run("export", *arguments, url=full.url).exit_code == 2

    @pytest.mark.parametrize("form", ["ndjson", "parquet"])
    def test_giving_up_leaves_nothing_behind(self, tmp_path, form):
        with Scripted() as server:
            pass
        kept = write(tmp_path / "out", b"the last export")
        assert run("export", "-f", form, "-o", kept, "--retry-for", 0, url=server.url).exit_code == 1
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert kept.read_bytes() == b"the last export"

    @pytest.mark.parametrize("form", ["ndjson", "parquet"])
    def test_a_server_that_is_killed_meanwhile_costs_nothing(self, tmp_path, form):
        events = 120_000
        lines = b"".join(
            b'{"time":%d,"n":%d,"pad":"%s"}\n' % (1767225600 + n // 50, n, os.urandom(100).hex().encode())
            for n in range(events)
        )
        with Cordwood("up", tmp_path / "data") as server:
            assert server.post("/api/v1/ingest?wait=stored", lines)[0] == 202
            wait_until(lambda: server.count() == events, 30, "the events")
            out = tmp_path / "out"
            process = subprocess.Popen(
                [sys.executable, "-m", "cordwood", "export", "-f", form, "-o", str(out), "--json", "--url", server.url],
                stdout=subprocess.PIPE,
            )
            wait_until(lambda: list(tmp_path.glob(".out.*")), 30, "the export to begin")
            process.send_signal(signal.SIGSTOP)
            server.kill()
            process.send_signal(signal.SIGCONT)
            server.start()
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert json.loads(output)["events"] == events
        text = "SELECT data FROM read_parquet($1)"
        found = (
            [row[0] for row in duckdb.execute(text, [str(out)]).fetchall()]
            if form == "parquet"
            else [json.dumps(json.loads(line)["data"]) for line in out.read_text().splitlines()]
        )
        assert sorted(json.loads(data)["n"] for data in found) == list(range(events))
