"""What an earlier release has left is brought to this one, and nothing is lost on the way."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

from cordwood.broker.sqlite_schema import SCHEMA as QUEUE
from cordwood.db.migrate import migrations_in
from cordwood.db.sqlite import migrate
from cordwood.store.segments.catalog_schema import SCHEMA as CATALOG
from tests.support.backups import stored, until_balanced
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


def set_back(path: Path, steps: Sequence[str]) -> None:
    """Make a database what it would be, had a release with only these steps written it."""
    new = path.with_suffix(".new")
    path.rename(new)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode = WAL")
        migrate(old, steps)
        old.execute("ATTACH ? AS new", (str(new),))
        for (table,) in old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(name for _, name, *_ in old.execute(f"PRAGMA main.table_info({table})"))
            old.execute(f"DELETE FROM main.{table}")
            old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    new.unlink()


@pytest.mark.timeout(300)
def test_an_embedded_platform_of_an_earlier_release_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Cordwood("up", data) as up:
        lines = [b'{"n":%d,"level":"info","http":{"status":200}}' % n for n in range(3000)]
        assert up.post("/api/v1/ingest?wait=stored", b"\n".join(lines))[0] == 202
        up.stop()
    with Cordwood("api", data) as api:
        assert api.post("/api/v1/ingest", b'{"n":3000}')[0] == 202
        api.stop()
    set_back(data / "store" / "catalog.sqlite", CATALOG[:6])
    set_back(data / "queue.sqlite", QUEUE[:1])
    refused = up.run("store", "check")
    assert (refused.returncode, "has schema version 6" in refused.stderr) == (2, True)
    with Cordwood("up", data) as up:
        wait_until(lambda: up.count() == 3001, 30, "what waited to be stored")
        until_balanced(up)
        assert sorted(stored(up)) == list(range(3001))
        assert up.json("/api/v1/histogram?span=1h")["total"] == 3001
        assert up.run("store", "check").returncode == 0


def test_a_database_of_an_earlier_release_takes_nothing_until_it_is_migrated(
    service_urls: dict[str, str], tmp_path: Path
) -> None:
    migrations = migrations_in(files("cordwood.store.postgres") / "migrations")
    with psycopg.connect(service_urls["store_url"], autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE schema_migrations "
            "(number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL)"
        )
        for each in migrations[:-2]:
            connection.execute(each.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations VALUES (%s, %s, %s, now())", (each.number, each.name, each.checksum)
            )
    with ExitStack() as stack:
        api = stack.enter_context(Cordwood("api", tmp_path / "data", **service_urls))
        assert api.post("/api/v1/ingest", b'{"n":1}')[0] == 202
        worker = Cordwood("worker", tmp_path / "data", **service_urls)
        worker.start(wait=False)
        stack.callback(worker.kill)
        wait_until(lambda: _says(worker, b"run `cordwood migrate`"), 30, "the worker to say what to do")
        assert _migrated_at_once(worker).count(migrations[-1].name) == 1, "by one of two at the same time"
        wait_until(worker.is_ready, 30, "the worker to go on by itself")
        query = stack.enter_context(Cordwood("query", tmp_path / "data", **service_urls))
        wait_until(lambda: query.count() == 1, 30, "what waited in RabbitMQ to be stored")


def _says(worker: Cordwood, text: bytes) -> bool:
    try:
        return text in worker.get("/ready")[1]
    except OSError:  # not listening yet
        return False


def _migrated_at_once(service: Cordwood) -> str:
    """What two runs side by side say."""

    def run(_: int) -> str:
        command = [sys.executable, "-m", "cordwood", "migrate"]
        env = service.full_environment
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(run, range(2)))
    return "".join(said)
