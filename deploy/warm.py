"""Run once where an image is built: takes logs, stores them and answers, so that what is compiled for that is there.

Compiled functions are kept beside the source (`cordwood.compiled`), each for the types that it was called with: so they
are called as the services call them.
"""

import json
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from cordwood.model.batch import Batch, BatchHeader, compressed
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.store.interface import Load
from cordwood.store.mining import mined
from cordwood.store.postgres.copy import rows_of

_EVENTS, _FEW = 40_000, 500
_NOW_US = 1_795_600_800_000_000
_QUESTIONS = (
    "timeout", "*:timeout", 'message:"took 1? ms"', "/took 9+ ms/", "took_ms:>500", "level:error -service:checkout",
    "* | patterns", '* | extract "took <t> ms" | stats avg(t) by service', "* | top user.id", "* | sort -took_ms",
    "* | timechart count() by level", "* | stats count_distinct(message), p99(took_ms) by service",
)  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = [_line(number) for number in range(_EVENTS)]
        many, few, data = Path(folder, "many"), Path(folder, "few"), Path(folder, "data")
        many.write_bytes(b"".join(lines))
        few.write_bytes(b"".join(lines[:_FEW]))
        with _platform(data) as url:
            for file in (few, many, many):
                _cordwood("send", "--url", url, str(file))
            with urllib.request.urlopen(  # the last request is stored behind all others
                urllib.request.Request(f"{url}/log?wait=stored", lines[0], method="POST"), timeout=60
            ) as answer:
                answer.read()
            for question in _QUESTIONS:
                _cordwood("search", "--url", url, question)
            for command in (("fields",), ("facets",), ("histogram",), ("patterns",), ("explain", "level:error")):
                _cordwood(*command, "--url", url)
        _cordwood("store", "compact", "--data-dir", str(data))
        _cordwood("audit", "--data-dir", str(data))
        # What PostgreSQL is sent, and how messages that come from it are grouped.
        rows_of(_load(lines), _NOW_US)
        mined(pa.array([json.loads(line)["message"] for line in lines]), pa.array(range(_EVENTS), pa.int64()))


def _line(number: int) -> bytes:
    """Events of four shapes, with what lines have that is awkward: nesting, escapes, text beyond ASCII."""
    level = ("info", "warn", "error", "debug")[number % 4]
    event: dict[str, object] = {
        "timestamp": f"2026-11-25T10:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z",
        "level": level,
        "service": ("checkout", "search", "mail")[number % 3],
        "message": f'request /cart/{number} of "Jürgen" took {number % 997} ms: timeout\n',
        "took_ms": number % 997 if number % 2 else number / 8,
    }
    if number % 4 == 1:
        event["user"] = {"id": number % 50, "name": "日本", "tags": ["a", number % 2 == 0, None]}
    if number % 4 == 2:
        event |= {"trace_id": f"{number:032x}", "path": "C:\\temp", "note": None}
    if number % 4 == 3:
        event["ts"] = _NOW_US + number
    return json.dumps(event, ensure_ascii=number % 2 == 0).encode() + b"\n"


def _load(lines: Sequence[bytes]) -> Load:
    """As a worker has it that writes rows of PostgreSQL."""
    ndjson, nil = b"".join(lines), UUID(int=0)
    header = BatchHeader(
        id=UUID("0199b0c2-1111-7111-8111-111100000000"), tenant=DEFAULT_TENANT, events=len(lines),
        size_bytes=len(ndjson), protocol="json", received_at_us=_NOW_US, producer=nil, sequence=1,
    )  # fmt: skip
    return Load(Batch(header, compressed(ndjson)), ndjson)


@contextmanager
def _platform(data: Path) -> Iterator[str]:
    """The embedded platform, on a port that nobody has; the URL that it announces."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    where = ["--host", "127.0.0.1", "--port", port, "--data-dir", str(data)]
    command = [sys.executable, "-m", "cordwood", "up", *where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None, "asked for above"
        try:
            url = next(line.split(" is ready at ")[1].split()[0] for line in running.stdout if " is ready at " in line)
            yield url
        finally:
            running.terminate()


def _cordwood(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "cordwood", *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
