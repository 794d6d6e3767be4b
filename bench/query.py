"""`bench query`: how long questions take over events on segments, warm.

A running `cordwood up` is asked over HTTP, in the query language. Beside that, the scanning questions are put as SQL to
the segment files by DuckDB in this process: those figures' names begin with `sql`, and say what the format gives.
"""

import functools
import http.client
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from bench import data, ingest
from bench.files import Segments, await_rest, opened
from bench.setups import Setup
from bench.single import percentile
from bench.target import await_count, connection

_SEED_EVENTS, _BATCH, _CLIENTS = 1_000_000, 50_000, 2
_TRACE = re.compile(rb'"trace_id":"([0-9a-f]{32})"')
_ITEM = re.compile(rb"cache miss for key item:(\d{6})\b")
_TIMEOUT_S = 120.0

Arguments = list[tuple[str, str]]
Questions = dict[str, tuple[str, Callable[[], Arguments]]]
"""By their names: where each is put, and its arguments each time."""


@dataclass(frozen=True)
class QueryLoad:
    events: int
    runs: int = 20


PIPED = {
    "count_by_level": "| stats count() by level",
    "substring": "/item:4242/ | stats count()",
    "p99_by_service": "http.duration_ms:* | stats p99(http.duration_ms) by service",
    "histogram_by_level": "| timechart span=10s count() by level",
    "regex": "/completed in 1[0-9]{3} ms$/ | stats count()",
    "top_hosts": "| top 10 host",
    "patterns": "| patterns",
}
"""The scanning questions, in the query language."""
SQL = {
    "count_by_level": "SELECT level, count(*) FROM events GROUP BY ALL",
    "substring": """SELECT count(*) FROM events WHERE contains("message:str", 'item:4242')""",
    "p99_by_service": """
        SELECT service, quantile_cont("http.duration_ms:float", 0.99) FROM events
        WHERE "http.duration_ms:float" IS NOT NULL GROUP BY ALL
    """,
    "histogram_by_level": "SELECT epoch_us(ts) // 10_000_000, level, count(*) FROM events GROUP BY ALL",
    "regex": """SELECT count(*) FROM events WHERE regexp_matches("message:str", 'completed in 1[0-9]{3} ms$')""",
    "top_hosts": """
        SELECT "host:str", count(*) AS n FROM events WHERE "host:str" IS NOT NULL GROUP BY ALL ORDER BY n DESC LIMIT 10
    """,
}
"""The same. Of columns only: what is kept as text is told beside them."""


def measure(setup: Setup, load: QueryLoad) -> dict[str, Any]:
    """Fill an embedded set-up, let it come to rest, ask."""
    traces: list[str] = []
    items: list[str] = []
    target = setup.target("/api/v1/ingest")
    before = target.count()
    ingest.send(target, ingest.NDJSON, _bodies(load.events, traces, items), _CLIENTS)
    found = await_count(target, before + load.events, _TIMEOUT_S) - before
    segments = await_rest(setup.data_dir)
    figures: dict[str, Any] = {
        "events": load.events,
        "missing": load.events - found,
        "segments": len(segments.paths),
        "segment_bytes_per_event": segments.size_bytes / segments.events,
        "events_kept_as_text": segments.texts,
        "runs": load.runs,
    }
    figures |= _asked(setup, load.runs, traces, items)
    return figures | _scanned(segments, load.runs)


def _bodies(events: int, traces: list[str], items: list[str]) -> Iterator[bytes]:
    """All events are different; a trace id of each chunk goes to `traces`, a word that is in a few messages of ten
    millions to `items`."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    base = now - timedelta(milliseconds=events * data.STEP_MS)
    chunks: list[bytes] = []
    for seed, first in enumerate(range(0, events, _SEED_EVENTS), 1):
        start = base + timedelta(milliseconds=first * data.STEP_MS)
        for chunk in data.generate(min(_SEED_EVENTS, events - first), start, seed):
            if (trace := _TRACE.search(chunk)) is not None:
                traces.append(trace[1].decode())
            if (item := _ITEM.search(chunk)) is not None:
                items.append(item[1].decode())
            chunks.append(chunk)
            if sum(each.count(b"\n") for each in chunks) >= _BATCH:
                yield b"".join(chunks)
                chunks.clear()
    if any(chunks):
        yield b"".join(chunks)


def _asked(setup: Setup, runs: int, traces: list[str], items: list[str]) -> dict[str, float]:
    trace_ids, words = itertools.cycle(traces), itertools.cycle(items)
    errors = [("filter", "level:error"), ("filter", "http.status:500")]
    questions: Questions = {
        "newest_100": ("/api/v1/query", lambda: [("limit", "100")]),
        "trace_id": ("/api/v1/query", lambda: [("limit", "100"), ("filter", f"trace_id:{next(trace_ids)}")]),
        "rare_word": ("/api/v1/query", lambda: [("limit", "100"), ("query", next(words))]),
        "newest_50_errors": ("/api/v1/query", lambda: [("limit", "50"), *errors]),
        "count_errors": ("/api/v1/query/count", lambda: errors),
        "facets": ("/api/v1/facets", list),
    }
    for name, query in PIPED.items():
        questions[name] = ("/api/v1/query", functools.partial(piped, query))
    return ask_all(setup, runs, questions)


def ask_all(setup: Setup, runs: int, questions: Questions) -> dict[str, float]:
    """What the HTTP API answers. No question is put twice: `end` is always another one, behind all events."""
    ends = itertools.count(int(time.time()) + 3600)
    client = connection(setup.query_url)
    figures: dict[str, float] = {}
    for name, (path, arguments) in questions.items():

        def ask(path: str = path, arguments: Callable[[], Arguments] = arguments) -> bool:
            return _has_found(client, f"{path}?{urlencode([('end', str(next(ends))), *arguments()])}")

        figures |= _timed(name, ask, runs)
    client.close()
    return figures


def piped(query: str) -> Arguments:
    return [("query", query)]


def _has_found(client: http.client.HTTPConnection, path: str) -> bool:
    """Whether an answer, which must not be a cached one, has anything in it."""
    client.request("GET", path)
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} answered {response.status}: {body[:300]!r}")
    answer = json.loads(body)
    if answer.get("cached"):
        raise RuntimeError(f"{path} was answered from the cache")
    return any(answer.get(name) for name in ("events", "rows", "count", "counts", "facets"))


def _scanned(segments: Segments, runs: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with opened(segments) as engine:
        for name, sql in SQL.items():

            def ask(sql: str = sql) -> bool:
                return bool(engine.execute(sql).fetchall())

            figures |= _timed(f"sql_{name}", ask, runs)
    return figures


def _timed(name: str, ask: Callable[[], bool], runs: int) -> dict[str, float]:
    """p50 and p95 of so many times, after two that warm up. Raises RuntimeError where nothing is found."""
    took_ms: list[float] = []
    for run in range(-2, runs):
        started = time.perf_counter()
        has_found = ask()
        if run >= 0:
            took_ms.append((time.perf_counter() - started) * 1e3)
        if not has_found:
            raise RuntimeError(f"{name} found nothing")
    took_ms.sort()
    return {f"{name}_p50_ms": percentile(took_ms, 50), f"{name}_p95_ms": percentile(took_ms, 95)}
