"""Deterministic events of four shapes, about 260 bytes each, as logs of a small web shop would be."""

import hashlib
import mmap
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

STEP_MS = 3
"""Between two events."""
_VERSION = 1
_CHUNK_EVENTS = 10_000
_KEEP_S = 2 * 3600

SERVICES = ("checkout", "auth", "search", "billing", "gateway", "inventory")
_LEVELS = ("info",) * 7 + ("warn", "error", "debug")
_STATUSES = (200, 200, 200, 404, 500)


def generate(events: int, base: datetime, seed: int = 1) -> Iterator[bytes]:
    """NDJSON in chunks. The same arguments always give the same bytes; timestamps rise from `base`."""
    source = random.Random(seed)
    below, bits, unit, pick = source.randrange, source.getrandbits, source.random, source.choice
    base_ms = int(base.timestamp() * 1000)
    lines: list[str] = []
    for number in range(events):
        ms = base_ms + number * STEP_MS
        if number % 4 != 2:
            second, fraction = divmod(ms, 1000)
            stamp = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:03}Z"
        match number % 4:
            case 0:
                lines.append(
                    f'{{"timestamp":"{stamp}","level":"{pick(_LEVELS)}","service":"{pick(SERVICES)}",'
                    f'"host":"ip-10-0-{below(20)}-{below(250)}","message":"request completed in {below(2000)} ms",'
                    f'"http":{{"method":"GET","status":{pick(_STATUSES)},"path":"/api/v1/items/{below(10_000)}",'
                    f'"duration_ms":{unit() * 500:.3f}}},"trace_id":"{bits(128):032x}"}}\n'
                )
            case 1:
                lines.append(
                    f'{{"@timestamp":"{stamp}","level":"{pick(_LEVELS)}","service":"{pick(SERVICES)}",'
                    f'"message":"user {below(100_000)} logged in from 10.{below(256)}.{below(256)}.1",'
                    f'"user":{{"id":{below(100_000)},"plan":"pro","locale":"en-GB"}},"session":"{bits(64):016x}",'
                    f'"region":"eu-west-1","mfa":true,"ok":true,"device":null}}\n'
                )
            case 2:
                lines.append(
                    f'{{"ts":{ms},"severity":"{pick(("INFO", "WARN", "ERROR"))}","service":"{pick(SERVICES)}",'
                    f'"msg":"query took {unit() * 100:.2f} ms: SELECT * FROM orders WHERE id = {below(1_000_000)}",'
                    f'"db":{{"rows":{below(100)},"pool":{below(10)}}},'
                    f'"kubernetes":{{"pod":"db-{below(50)}","namespace":"prod","node":"node-{below(10)}"}}}}\n'
                )
            case _:
                lines.append(
                    f'{{"time":"{stamp}","level":"{pick(_LEVELS)}","service":{{"name":"{pick(SERVICES)}"}},'
                    f'"message":"cache miss for key item:{below(1_000_000)}",'
                    f'"tags":["cache","redis","{pick(SERVICES)}"],"latency_us":{below(100_000)},'
                    f'"span_id":"{bits(64):016x}","trace_id":"{bits(128):032x}"}}\n'
                )
        if len(lines) == _CHUNK_EVENTS:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def prepared(events: int, seed: int = 1) -> memoryview:
    """The same, kept in a file of the temporary directory and mapped: costs no CPU when it is sent.

    The timestamps end at the last full hour, so that no store takes them for history.
    """
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    base = now - timedelta(milliseconds=events * STEP_MS)
    key = hashlib.sha256(f"{_VERSION} {events} {seed} {base.isoformat()}".encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"cordwood-bench-{os.getuid()}-{key}.ndjson"
    if not path.exists():
        _remove_old(path.parent)
        partial = path.with_suffix(f".{os.getpid()}")
        with partial.open("wb") as file:
            file.writelines(generate(events, base, seed))
        partial.rename(path)
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _remove_old(folder: Path) -> None:
    """They are as large as what is sent, and nobody asks for a past hour's again."""
    for old in folder.glob(f"cordwood-bench-{os.getuid()}-*.ndjson"):
        with suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > _KEEP_S:
                old.unlink()


def bodies(data: memoryview, batch: int) -> list[memoryview]:
    """Cut NDJSON into request bodies of `batch` events."""
    whole = data.obj
    assert isinstance(whole, mmap.mmap), "made by prepared()"
    cuts, at = [0], 0
    for number, line in enumerate(iter(whole.readline, b""), 1):
        at += len(line)
        if number % batch == 0:
            cuts.append(at)
    whole.seek(0)
    if cuts[-1] != at:
        cuts.append(at)
    return [data[start:end] for start, end in pairwise(cuts)]
