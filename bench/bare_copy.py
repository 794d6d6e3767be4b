"""`bench copy`: what PostgreSQL itself can take, as the measure for everything above it.

The same JSONB rows go into the same `logs` table by binary COPY, encoded before the clock starts: nothing faster is
possible over one connection.
"""

import json
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from struct import pack
from typing import Any

import psycopg

from bench import data

TENANT = "bench-copy"

_STATEMENT = "COPY logs (id, data, inserted_at, ts, tenant, level, service) FROM STDIN (FORMAT BINARY)"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ROWS_PER_WRITE = 5_000


def measure(dsn: str, events: int, connections: int = 1) -> dict[str, Any]:
    """Copy `events` rows, one transaction a connection."""
    chunks = _chunks(events)
    shares = [chunks[number::connections] for number in range(connections)]
    failures: list[psycopg.Error] = []

    def run(share: list[bytes]) -> None:
        try:
            with psycopg.connect(dsn) as connection, connection.cursor().copy(_STATEMENT) as copying:
                copying.write(_HEADER)
                for chunk in share:
                    copying.write(chunk)
                copying.write(_TRAILER)
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(share,)) for share in shares]
    client_cpu = time.process_time()
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - started
    if failures:
        raise failures[0]
    return {
        "events": events,
        "connections": connections,
        "copied_s": took_s,
        "copied_rows_per_s": events / took_s,
        "row_bytes": sum(map(len, chunks)) / events,
        "client_cpu_us_per_row": (time.process_time() - client_cpu) / events * 1e6,
    }


def _chunks(events: int) -> list[bytes]:
    """The rows in COPY's binary form, https://www.postgresql.org/docs/current/sql-copy.html."""
    now = datetime.now(UTC)
    inserted = pack(">iq", 8, _microseconds(now))
    tenant = _text(TENANT)
    batch_id = uuid.UUID(
        int=(int(now.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | (uuid.uuid4().int & (2**62 - 2**32))
    )
    chunks: list[bytes] = []
    parts: list[bytes] = []
    for number, line in enumerate(bytes(data.prepared(events)).splitlines()):
        event = json.loads(line)
        level = event.get("level") or event.get("severity", "").lower()
        service = event["service"] if isinstance(event["service"], str) else event["service"]["name"]
        parts += (
            pack(">hi", 7, 16),
            (batch_id.int + number).to_bytes(16, "big"),
            pack(">ib", len(line) + 1, 1),
            line,
            inserted,
            pack(">iq", 8, _microseconds(_timestamp(event))),
            tenant,
            _text(level),
            _text(service),
        )
        if number % _ROWS_PER_WRITE == _ROWS_PER_WRITE - 1:
            chunks.append(b"".join(parts))
            parts.clear()
    return [*chunks, b"".join(parts)]


def _timestamp(event: dict[str, Any]) -> datetime:
    if "ts" in event:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=event["ts"])
    return datetime.fromisoformat(event.get("timestamp") or event.get("@timestamp") or event["time"])


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return pack(">i", len(encoded)) + encoded
