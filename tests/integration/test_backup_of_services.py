"""Backups with PostgreSQL's own tools, by the commands of docs/guide/operating.md, run as printed."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.backups import Sending, audit, stored, until_balanced
from tests.support.fixtures import database
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "operating.md").read_text()


def commands(heading: str) -> str:
    """The shell lines below a heading of the page."""
    section = PAGE.split(f"### {heading}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return str(block)


def run(script: str, where: Path, **variables: str) -> None:
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=where,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def new_url(postgres: str) -> Iterator[str]:
    """The database after all is lost: an empty one."""
    with database(postgres) as url:
        yield url


@pytest.fixture(params=["rows", "both"])
def settings(request: pytest.FixtureRequest, service_urls: dict[str, str], tmp_path: Path) -> dict[str, str]:
    # A heartbeat may be in a dump before a batch that it tells of: then the audit misses the batch, as it should.
    kept = {"store_keep": request.param, "ingest_heartbeat_s": "3600"}
    if request.param != "rows":
        kept["store_segments_dir"] = str(tmp_path / "segments")
    return service_urls | kept


def lost(settings: dict[str, str], new_url: str, tmp_path: Path) -> dict[str, str]:
    """Another database and another directory, as a new machine has them."""
    moved = settings | {"store_url": new_url}
    if "store_segments_dir" in settings:
        moved["store_segments_dir"] = str(tmp_path / "new-segments")
    return moved


def back_up(settings: dict[str, str], tmp_path: Path) -> None:
    heading = "PostgreSQL" if settings["store_keep"] == "rows" else "Segments that PostgreSQL names"
    run(commands(heading), tmp_path, **_variables(settings))


def bring_back(settings: dict[str, str], tmp_path: Path) -> None:
    heading = "PostgreSQL, back" if settings["store_keep"] == "rows" else "Segments that PostgreSQL names, back"
    run(commands(heading), tmp_path, **_variables(settings))


def _variables(settings: dict[str, str]) -> dict[str, str]:
    return {f"CORDWOOD_{name.upper()}": value for name, value in settings.items()}


@pytest.mark.timeout(300)
def test_a_dump_taken_under_load_holds_all_that_was_stored_before(
    settings: dict[str, str], new_url: str, tmp_path: Path
) -> None:
    assert Cordwood("migrate", tmp_path / "data", **settings).run().returncode == 0
    with ExitStack() as stack:
        api = stack.enter_context(Cordwood("api", tmp_path / "data", **settings))
        worker = stack.enter_context(Cordwood("worker", tmp_path / "data", **settings, worker_tend_interval_s="0.05"))
        query = stack.enter_context(Cordwood("query", tmp_path / "data", **settings))
        with Sending(api) as sending:
            sending.until(1000)
            wait_until(lambda: query.count() >= 1000, 30, "events to be stored")
            before = stored(query)
            back_up(settings, tmp_path)
            sending.until(500)
        sent = set(sending.accepted())
        for service in (api, worker, query):
            service.kill()
    after = lost(settings, new_url, tmp_path)
    bring_back(after, tmp_path)
    after["broker_queue"] += ".new"  # what RabbitMQ held is lost too
    with Cordwood("up", tmp_path / "new", **after) as up:
        until_balanced(up)
        found = stored(up)
        assert len(found) == len(set(found)), "nothing is doubled"
        assert set(before) <= set(found) <= sent
        if settings["store_keep"] != "rows":
            assert up.run("store", "check").returncode == 0
        assert up.post("/api/v1/ingest?wait=stored", b'{"n":-1}')[0] == 202
        assert -1 in stored(up)


def test_what_rabbitmq_still_held_is_stored_once_after_a_restore(
    settings: dict[str, str], new_url: str, tmp_path: Path
) -> None:
    assert Cordwood("migrate", tmp_path / "data", **settings).run().returncode == 0
    with ExitStack() as stack:
        api = stack.enter_context(Cordwood("api", tmp_path / "data", **settings))
        query = stack.enter_context(Cordwood("query", tmp_path / "data", **settings))
        for part in range(5):
            body = b"\n".join(b'{"n":%d}' % n for n in range(part * 100, part * 100 + 100))
            assert api.post("/api/v1/ingest", body)[0] == 202
        # Dies after a commit, before RabbitMQ is told.
        dead = subprocess.run(
            [sys.executable, "-m", "tests.support.dying_worker"],
            env={**os.environ, **api.environment},
            timeout=60,
            capture_output=True,
            check=False,
        )
        assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
        assert query.count() > 0, "PostgreSQL holds what RabbitMQ holds too"
        back_up(settings, tmp_path)
    after = lost(settings, new_url, tmp_path)
    bring_back(after, tmp_path)
    with Cordwood("up", tmp_path / "new", **after) as up:
        wait_until(lambda: up.count() == 500, 30, "what waited to be stored")
        until_balanced(up)
        assert sorted(stored(up)) == list(range(500))
        assert b"cordwood_store_duplicate_batches_total 0.0" not in up.get("/metrics")[1]


@pytest.mark.parametrize("settings", ["segments"], indirect=True)
def test_files_that_are_merged_while_they_are_copied_are_in_the_second_copy(
    settings: dict[str, str], new_url: str, tmp_path: Path
) -> None:
    """The commands of the page with the worst between them: everything is merged, and the replaced files are gone."""
    begin, first, dump, again, *rest = commands("Segments that PostgreSQL names").splitlines()
    assert (first, rest) == (again, [])
    run(begin, tmp_path)
    with Cordwood("up", tmp_path / "data", **settings, worker_tend_interval_s="3600", store_query_timeout_s="1") as up:
        for n in range(4):
            assert up.post("/api/v1/ingest?wait=stored", b'{"n":%d}' % n)[0] == 202
        run(first, tmp_path, **_variables(settings))
        old = {path.name for path in (tmp_path / "segments").rglob("*.parquet")}
        assert up.run("store", "compact").returncode == 0
        run(dump, tmp_path, **_variables(settings))
        assert up.post("/api/v1/ingest?wait=stored", b'{"n":4}')[0] == 202
        assert up.run("store", "compact").returncode == 0
        for path in (tmp_path / "segments").rglob("*.parquet"):
            if path.name in old:
                path.unlink()
        run(again, tmp_path, **_variables(settings))
    after = lost(settings, new_url, tmp_path)
    bring_back(after, tmp_path)
    with Cordwood("up", tmp_path / "new", **(after | {"broker_queue": after["broker_queue"] + ".new"})) as up:
        assert sorted(stored(up)) == [0, 1, 2, 3], "as it was when it was dumped"
        status, report = audit(up)
        assert status == 0, json.dumps(report["findings"])
        assert up.run("store", "check").returncode == 0
