"""`bench rows`: how long questions take over events that are rows in PostgreSQL, warm."""

import functools
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import ingest
from bench.endless import Endless
from bench.query import PIPED, Questions, ask_all, piped
from bench.setups import Setup
from bench.target import await_count

_TIMEOUT_S = 300.0
_CLIENTS, _BATCH = 4, 50_000
_SCANS = 2
"""Of questions that read every row, and have no goal: each takes long."""
_SLOW = ("patterns",)
"""Minutes each."""


@dataclass(frozen=True)
class RowsLoad:
    events: int
    runs: int = 20


def measure(setup: Setup, load: RowsLoad) -> dict[str, Any]:
    """Fill api, worker and query on RabbitMQ, PostgreSQL and Redis, let the tables be analysed, ask."""
    target = setup.target("/api/v1/ingest")
    endless = Endless(load.events, _BATCH)
    before = target.count()
    ingest.send(target, ingest.NDJSON, endless.bodies(0, load.events), _CLIENTS)
    found = await_count(target, before + load.events, _TIMEOUT_S) - before
    assert setup.dsn is not None, "measured where there are rows"
    with psycopg.connect(setup.dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) logs")
        connection.execute("CHECKPOINT")
        size = connection.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'logs'::regclass"
        ).fetchone()
    assert size is not None, "an aggregate has one row"
    figures: dict[str, Any] = {
        "events": load.events,
        "missing": load.events - found,
        "table_bytes_per_event": int(size[0] or 0) / load.events,
        "runs": load.runs,
    }
    questions: Questions = {
        "newest_100": ("/api/v1/query", lambda: [("limit", "100")]),
        "newest_100_of_a_service": (
            "/api/v1/query",
            lambda: [("limit", "100"), ("query", "service:checkout")],
        ),
        "histogram_by_level_from_rollups": ("/api/v1/histogram", lambda: [("by", "level")]),
    }
    scans: Questions = {
        name: ("/api/v1/query", functools.partial(piped, query)) for name, query in PIPED.items() if name not in _SLOW
    }
    return figures | ask_all(setup, load.runs, questions) | ask_all(setup, _SCANS, scans)
