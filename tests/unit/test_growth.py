"""Eight times the input takes about eight times the work, however it is made: nothing here is quadratic."""

import gzip
import random
import time
import zlib
from collections.abc import Callable

import pytest

from cordwood.errors import CordwoodError
from cordwood.http.auth import token_of
from cordwood.http.inflate import inflate
from cordwood.model.receipt import parse_receipt
from cordwood.model.zstd import compress
from cordwood.protocols import combined, logfmt, native, text
from cordwood.protocols.decoded import Limits
from cordwood.query.parameters import equality, plan_of

TIMES = 8
WORST = 24
"""Linear work is 8 times as much, quadratic 64 times."""
LIMITS = Limits(max_event_bytes=1 << 30, max_depth=1 << 30, max_fields=1 << 30, max_rejects=1 << 30)


def _native(body: bytes) -> None:
    native.decode(body, "", LIMITS)


def _auto(body: bytes) -> None:
    text.event_of(body, "auto", LIMITS)


def _combined(body: bytes) -> None:
    combined.parse(body.decode("latin-1"))


def _logfmt(body: bytes) -> None:
    logfmt.parse(body.decode("latin-1"))


def _filter(body: bytes) -> None:
    equality(body.decode("latin-1"))


def _unknown(body: bytes) -> None:
    plan_of([(body.decode("latin-1"), "")], 0)


def _receipt(body: bytes) -> None:
    parse_receipt(body.decode("latin-1"))


def _bearer(body: bytes) -> None:
    token_of({b"authorization": body})


def _inflating(coding: str) -> Callable[[bytes], None]:
    def run(body: bytes) -> None:
        inflate(body, coding, 1 << 30)

    return run


_NOISE = random.Random(0).randbytes(2048)
ACCESS = b'a - - [01/Feb/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5'

CASES: dict[str, tuple[Callable[[bytes], None], Callable[[int], bytes]]] = {
    "good lines": (_native, lambda n: b'{"n":1}\n' * (n * 80)),
    "bad lines": (_native, lambda n: b'{"n":}\n' * (n * 10)),
    "blank lines": (_native, lambda n: b"\r\n \n" * (n * 40) + b"{}"),
    "one line of brackets": (_native, lambda n: b"[" * (n * 100)),
    "an open string": (_native, lambda n: b'{"a":"' + b'\\"' * (n * 100)),
    "an array of bad elements": (_native, lambda n: b"[" + b"1," * (n * 10) + b"1]"),
    "an object over many lines": (_native, lambda n: b"{\n" + b'"a":\n1,\n' * (n * 10) + b'"b":2}'),
    "a line of fields": (_native, lambda n: b'{"a":[' + b'{"b":1},' * (n * 20) + b"1]}\nx"),
    "carriage returns": (_native, lambda n: b'{"a":1}\r' * (n * 20)),
    "words, no access log": (_combined, lambda n: b"a " * (n * 100)),
    "brackets, no access log": (_combined, lambda n: b"a - b [" * (n * 50)),
    "an open quote in an access log": (_combined, lambda n: ACCESS + b' "' + b'\\"' * (n * 1000)),
    "a tail of an access log": (_combined, lambda n: ACCESS + b' "x" "y" ' + b'" "' * (n * 100)),
    "pairs": (_logfmt, lambda n: b"a=1 " * (n * 20)),
    "keys without end": (_logfmt, lambda n: b'a=1 b="' + b"x" * (n * 200)),
    "escapes without end": (_logfmt, lambda n: b'a=1 b="' + b"\\\\" * (n * 3000)),
    "spaces without end": (_logfmt, lambda n: b"a=1" + b" " * (n * 200) + b'"'),
    "a long word, then a quote": (_logfmt, lambda n: b"a" * (n * 200) + b'"'),
    "any line": (_auto, lambda n: b'{"a":' * (n * 50) + b"= " * (n * 50)),
    "a filter's open field": (_filter, lambda n: b'"' + b"\\a" * (n * 3000)),
    "a filter's quotes": (_filter, lambda n: b'"' + b'"' * (n * 100)),
    "an unknown parameter": (_unknown, lambda n: b"start" * (n * 40)),
    "a receipt of many parts": (_receipt, lambda n: b".".join([b"01a20a6b-c8c1-7b73-a9d5-ddce00000000~0~1"] * n)),
    "a token": (_bearer, lambda n: b"Basic " + b"QUJD" * (n * 1000)),
    "members of gzip": (_inflating("gzip"), lambda n: gzip.compress(_NOISE, mtime=0) * (n * 4)),
    "frames of zstd": (_inflating("zstd"), lambda n: compress(_NOISE) * (n * 4)),
    "a deflate bomb": (_inflating("deflate"), lambda n: zlib.compress(bytes(n * 20_000))),
}


@pytest.mark.parametrize("name", CASES)
def test_work_grows_with_the_input(name: str) -> None:
    run, make = CASES[name]
    size = 100
    # Long enough to be measured, and past the steps in which memory is taken; more of it when the machine is busy.
    ratios = [_seconds(run, make(size * TIMES)) / _seconds(run, make(size)) for _ in range(2)]
    while min(ratios) > WORST and len(ratios) < 6:
        ratios.append(_seconds(run, make(size * TIMES)) / _seconds(run, make(size)))
    assert min(ratios) <= WORST, f"{TIMES} times the input took {min(ratios):.0f} times the work"


def _seconds(run: Callable[[bytes], None], data: bytes) -> float:
    """CPU seconds of this thread, the least of three runs."""
    return max(1e-4, min(_once(run, data) for _ in range(3)))


def _once(run: Callable[[bytes], None], data: bytes) -> float:
    began = time.thread_time()
    try:
        run(data)
    except CordwoodError:
        return time.thread_time() - began  # a refusal is work, too
    return time.thread_time() - began
