"""Pipes over HTTP and in the terminal, against the real server."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from cordwood.cli.app import app_of
from tests.support.processes import Cordwood

START_S = 1_795_435_200  # 2026-11-23T12:00Z
EVENTS = [
    {
        "ts": START_S + number,
        "level": "error" if number % 3 == 0 else "info",
        "service": f"s{number % 2}",
        "message": f"took {number} ms for user u{number}",
        "n": number,
    }
    for number in range(12)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("pipes") / "data") as running:
        body = "\n".join(map(json.dumps, EVENTS)).encode()
        status, _ = running.post("/log?wait=stored", body, **{"content-type": "application/x-ndjson"})
        assert status == 202
        yield running


def asked(server: Cordwood, query: str, accept: str = "application/json", **parameters: object) -> tuple[int, bytes]:
    text = urlencode({"query": query, **parameters})
    return server.get(f"/api/v1/query?{text}", accept=accept)


def answer(server: Cordwood, query: str, **parameters: object) -> dict[str, Any]:
    status, body = asked(server, query, "application/json", **parameters)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def test_a_table_is_answered_as_rows(server: Cordwood) -> None:
    found = answer(server, "level:error | stats count() as n, max(n) as most by service")
    assert found["columns"] == ["service", "n", "most"]
    assert found["rows"] == [{"service": "s0", "n": 2, "most": 6}, {"service": "s1", "n": 2, "most": 9}]
    assert (found["truncated"], found["complete"], "events" in found) == (False, True, False)


def test_events_stay_events_with_what_was_set_beside_them(server: Cordwood) -> None:
    found = answer(server, "| sort n | eval half = n / 2 | fields - message | head 2")
    assert [event["data"]["n"] for event in found["events"]] == [0, 1]
    assert [event["columns"] for event in found["events"]] == [{"half": 0}, {"half": 0.5}]
    assert all("message" not in event["data"] and event["id"] for event in found["events"])


def test_what_is_more_than_asked_for_is_told(server: Cordwood) -> None:
    found = answer(server, "| stats count() by n", limit=5)
    assert len(found["rows"]) == 5
    assert found["truncated"]


def test_the_same_question_comes_from_the_cache_until_something_is_stored(server: Cordwood) -> None:
    query = "service:cached | stats count() as n"
    assert [answer(server, query)["cached"] for _ in range(2)] == [False, True]
    server.post("/log?wait=stored", b'{"service":"cached"}', **{"content-type": "application/json"})
    found = answer(server, query)
    assert (found["rows"], found["cached"]) == ([{"n": 1}], False)


def test_a_stream_has_a_row_a_line(server: Cordwood) -> None:
    _, body = asked(server, "service:s0 | top 2 level", "application/x-ndjson")
    assert [json.loads(line) for line in body.splitlines()] == [
        {"level": "info", "count": 4},
        {"level": "error", "count": 2},
    ]


def test_csv_has_names_in_front(server: Cordwood) -> None:
    _, body = asked(server, 'n:<2 | sort n | eval t = concat("a,", n) | fields n, t, nowhere', "text/csv")
    assert list(csv.reader(io.StringIO(body.decode()))) == [["n", "t", "nowhere"], ["0", "a,0", ""], ["1", "a,1", ""]]
    _, body = asked(server, "n:0", "text/csv")
    (row,) = csv.DictReader(io.StringIO(body.decode()))
    assert (row["level"], json.loads(row["data"])) == ("error", EVENTS[0])


def arrow(server: Cordwood, query: str, **parameters: object) -> pa.Table:
    status, body = asked(server, query, "application/vnd.apache.arrow.stream", **parameters)
    assert status == 200, body
    return pa.ipc.open_stream(body).read_all()


def test_a_stream_of_arrow_has_types_that_the_query_tells(server: Cordwood) -> None:
    found = arrow(
        server, 'service:s0 | stats count() as c, avg(n) as a, max(ts) as m, last(message) as l by level, "n"'
    )
    assert [(field.name, str(field.type)) for field in found.schema] == [
        ("level", "string"),
        ("n", "string"),
        ("c", "int64"),
        ("a", "double"),
        ("m", "string"),
        ("l", "string"),
    ]
    assert found.to_pylist()[0] == {
        "level": "error", "n": "0", "c": 1, "a": 0.0, "m": str(START_S), "l": "took 0 ms for user u0"
    }  # fmt: skip
    found = arrow(server, "service:s0 | timechart span=6s count() as c | eval few = c < 4, half = c / 2")
    assert found.schema.types == [pa.timestamp("us", "UTC"), pa.int64(), pa.bool_(), pa.float64()]
    assert found["timestamp"].to_pylist()[0] == datetime.fromtimestamp(START_S, UTC)
    assert found["half"].to_pylist() == [1.5, 1.5]


def test_events_are_in_arrow_with_their_json_and_what_pipes_set_beside_it(server: Cordwood) -> None:
    (event,) = arrow(server, "n:0").to_pylist()
    assert json.loads(event.pop("data")) == EVENTS[0]
    assert (event["timestamp"], event["level"]) == (datetime.fromtimestamp(START_S, UTC), "error")
    assert set(event) == {"id", "timestamp", "inserted_at", "level", "service"}
    (event,) = arrow(server, 'n:0 | eval double = n * 2, level = "high", list = "x"').to_pylist()
    assert (event["double"], event["level"], event["columns.level"]) == (0.0, "error", "high")


def test_no_rows_in_arrow_have_names_and_types(server: Cordwood) -> None:
    found = arrow(server, "service:none | stats count() as c by service | where c > 0")
    assert (found.num_rows, found.schema.names) == (0, ["service", "c"])
    assert arrow(server, "service:none").schema.names[:2] == ["id", "timestamp"]


def test_no_cell_is_a_formula(server: Cordwood) -> None:
    _, body = asked(
        server, '| limit 1 | eval "=name" = "=1+1", n = -5, list = "@x" | fields "=name", n, list', "text/csv"
    )
    assert list(csv.reader(io.StringIO(body.decode()))) == [["'=name", "n", "list"], ["'=1+1", "-5", "'@x"]]


def test_patterns_are_what_messages_have_in_common(server: Cordwood) -> None:
    found = answer(server, "service:s0 OR service:s1 | patterns | where count > 5")
    (row,) = found["rows"]
    assert row["count"] == 12
    assert row["pattern"].startswith("took ")
    assert (row["first_seen"], row["last_seen"]) == ("2026-11-23T12:00:00.000000Z", "2026-11-23T12:00:11.000000Z")
    assert answer(server, "service:none | patterns")["rows"] == []


@pytest.mark.parametrize(
    ("query", "says"),
    [("| stat count()", "stats"), ("| stats count() by service | where level = 1", "level"), ("| limit", "number")],
)
def test_a_wrong_pipe_is_told_with_its_place(server: Cordwood, query: str, says: str) -> None:
    status, body = asked(server, query)
    problem = json.loads(body)
    assert status == 400
    assert problem["position"] > 0
    assert says in json.dumps(problem)


def test_a_cursor_does_not_go_with_pipes(server: Cordwood) -> None:
    cursor = answer(server, "", limit=1)["next"]
    status, body = asked(server, "| head 1", "application/json", cursor=cursor)
    assert (status, "cursor" in json.loads(body)["detail"]) == (400, True)


def test_counting_and_deleting_take_no_pipes(server: Cordwood) -> None:
    status, body = server.get(f"/api/v1/query/count?{urlencode({'query': '| head 1'})}")
    assert (status, json.loads(body)["detail"]) == (400, "no pipe can stand here")


def run(server: Cordwood, *arguments: str) -> str:
    result = CliRunner().invoke(app_of([arguments[0]]), [*arguments, "--url", server.url])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_terminal_shows_a_table(server: Cordwood) -> None:
    text = run(server, "search", "service:s0 OR service:s1 | stats count() as n, sum(n) as total by service")
    assert text == "service  n  total\ns0       6     30\ns1       6     36\n"


def test_counts_over_time_have_bars(server: Cordwood) -> None:
    lines = run(server, "search", "service:s0 | timechart span=6s count() as n").splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["3", "3"]
    assert all(line.endswith("█") for line in lines[1:])


def test_frequent_questions_have_commands(server: Cordwood) -> None:
    assert run(server, "stats", "count() as n by level", "service:s0").splitlines()[1:] == ["error  2", "info   4"]
    assert run(server, "top", "level", "service:s0", "-n", "1", "--json") == '{"level":"info","count":4}\n'
    assert "took" in run(server, "patterns", "service:s0")


def test_programs_get_json(server: Cordwood) -> None:
    rows = json.loads(run(server, "search", "service:s0 | stats count() as n", "-o", "json"))
    assert rows == [{"n": 6}]
    assert run(server, "search", "service:s0 | stats count() as n", "--json") == '{"n":6}\n'


def test_hostile_texts_reach_no_terminal(server: Cordwood, tmp_path: Path) -> None:
    server.post("/log?wait=stored", b'{"service":"\\u001b[31mred"}', **{"content-type": "application/json"})
    assert "\x1b" not in run(server, "search", "service:* | stats count() by service")


def test_what_a_question_looks_at_is_told_before_and_after(server: Cordwood) -> None:
    text = urlencode({"query": "service:s0 | stats count()", "end": START_S + 60})
    cost = server.json(f"/api/v1/query/cost?{text}")
    found = server.json(f"/api/v1/query?{text}")
    assert cost["scanned"] >= 12
    for name in ("complete", "scanned", "segments", "row_groups"):
        assert cost[name] == found[name], name


def test_a_histogram_is_shown_by_span_and_value(server: Cordwood) -> None:
    lines = run(server, "histogram", "service:s0", "--span", "6s").splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["2026-11-23T12:00:00.000000Z", "3"],
        ["2026-11-23T12:00:06.000000Z", "3"],
    ]
    lines = run(server, "histogram", "service:s0", "--span", "1h", "--by", "level").splitlines()
    assert [line.split() for line in lines] == [
        ["timestamp", "count", "error", "info"],
        ["2026-11-23T12:00:00.000000Z", "6", "2", "4"],
    ]
    assert json.loads(run(server, "histogram", "service:s0", "--json"))["total"] == 6
