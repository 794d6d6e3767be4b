"""Rows that are encoded together are the rows that are encoded one by one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Set
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cordwood.errors import Refused
from cordwood.model.deadletter import DeadLetter
from cordwood.model.derive_many import derive_many
from cordwood.model.event import LEVEL_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES
from cordwood.store.columns import shred
from cordwood.store.interface import Load
from cordwood.store.postgres import copy
from cordwood.store.postgres.copy import Rows, rows_of
from cordwood.store.postgres.jsonb import NUMBER, SENTINEL, storable
from tests.support import builders

NOW_US = 1_795_600_800_000_000
ARRIVAL_US = 1_795_435_200_000_000
BATCH_ID = UUID("0199b0c2-1111-7111-8111-111100000000")
HOUR_US = 3_600_000_000

Outcome = tuple[bytes, int, int | None, int | None, dict[int, int], set[int]]


def load(lines: list[bytes], *, dead: Set[int] = frozenset(), first: int = 0, last: bytes = b"") -> Load:
    made = builders.batch(lines, batch_id=BATCH_ID, received_at_us=ARRIVAL_US)
    letters = [
        DeadLetter(
            batch_id=BATCH_ID,
            ordinal=ordinal,
            tenant=made.header.tenant,
            protocol="json",
            reason="bad",
            received_at_us=ARRIVAL_US,
            body=b"",
        )
        for ordinal in dead
    ]
    return Load(made, b"".join(line + b"\n" for line in lines) + last, letters, first)


def one_by_one(made: Load, **part: int) -> Rows:
    with patch.object(copy, "FEW_EVENTS", sys.maxsize):
        return rows_of(made, NOW_US, **part)


def together(made: Load, **part: int) -> Rows:
    """As many lines of a shape as there are get columns."""
    with patch.object(copy, "FEW_EVENTS", 0), patch.object(shred, "_LEAST_ROWS_PICKED", 2):
        return rows_of(made, NOW_US, **part)


def outcome(encode: Callable[..., Rows], made: Load, **part: int) -> Outcome | None:
    """None when it is refused."""
    try:
        rows = encode(made, **part)
    except Refused:
        return None
    hours = {timestamp_us // HOUR_US for timestamp_us in rows.timestamps}
    assert len(hours) == len(rows.timestamps)
    return rows.encoded.tobytes(), rows.stored, rows.min_us, rows.max_us, dict(rows.days), hours


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.sampled_from(
    [
        "2026-11-25T10:00:00.123Z", "2026-11-25T23:59:59Z", "2026-11-26T00:00:00+02:00", "0001-01-01T00:00:00Z",
        "info", "WARN", "odd", "web", "\0", SENTINEL, SENTINEL + "0", "\\u0000", "\\", '"', "1e400", "{", "é", "",
    ]
)  # fmt: skip
numbers = st.sampled_from(
    ["1e400", "1e399", "-1E-16000", "1e05", "1.5e+100", "1e99", "0", "-0", "1795564800006", "1.5", "30"]
    + ["9" * length for length in (999, 1000, 1001, 15_000, 15_001)]
    + ["0." + "1" * 15_000, "1e0000000001"]
)
spelt = texts.map(json.dumps) | texts.map(lambda text: json.dumps(text, ensure_ascii=False))
scalars = spelt | numbers | st.sampled_from(["null", "true", "false"])
values = scalars | st.lists(scalars, max_size=3).map(lambda found: "[" + ",".join(found) + "]")
names = st.sampled_from([*TIMESTAMP_NAMES, *LEVEL_NAMES, *SERVICE_NAMES, "x", "y", "é", "a\\u0000"])
members = st.dictionaries(names, values, max_size=4)


def spelling(event: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in event.items()) + "}"


inner = st.dictionaries(st.sampled_from(["name", "level", "z"]), values, max_size=2).map(spelling)
objects = st.dictionaries(names, values | inner, max_size=4).map(spelling).map(str.encode)
lines = st.one_of(
    objects,
    objects,
    objects,
    st.sampled_from(
        [b"", b" ", b"{}", b'{"a":1}{"b":2}', b"[1]", b'{"a":\xff}', b'{"a":"\xff"}', b'{"a":01}', b"{} \r"]
    ),
    st.sampled_from([b'{"service":"\xff"}', b'{"\xff":1}', b'{"level":"\xff"}', b'{"ts":"\xff"}']),
    st.sampled_from([b'{"a":' * 59 + b"{}" + b"}" * 59, b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}"]),
)
many = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])


@many
@given(
    found=st.lists(objects, max_size=6),
    times=st.integers(1, 4),
    first=st.integers(0, 5),
    dead=st.sets(st.integers(0, 9)),
)
@example(found=[b'{"service":-0}', b'{"service":0}'], times=2, first=0, dead=set())
@example(found=[b'{"service":"\\ue0c0\\u0000"}', b"{}"], times=2, first=1, dead={1})
def test_rows_encoded_together_are_those_encoded_one_by_one(
    found: list[bytes], times: int, first: int, dead: set[int]
) -> None:
    made = load(found * times, dead=dead, first=first)
    assert outcome(together, made) == outcome(one_by_one, made)


@many
@given(
    found=st.lists(lines, min_size=1, max_size=5),
    times=st.integers(1, 3),
    last=st.sampled_from([b"", b"", b"{}", b" "]),
    first=st.integers(0, 12),
    count=st.none() | st.integers(0, 12),
)
@example(found=[b'{"service":"\xff"}'], times=3, last=b"", first=0, count=None)
@example(found=[b'{"\xff":1}'], times=3, last=b"", first=0, count=None)
@example(found=[b'{"a":1}{"b":2}', b""], times=2, last=b"", first=0, count=None)
def test_what_is_refused_is_refused_together_too(
    found: list[bytes], times: int, last: bytes, first: int, count: int | None
) -> None:
    made = load(found * times, last=last)
    part = {} if count is None else {"first": first, "count": count}
    assert outcome(together, made, **part) == outcome(one_by_one, made, **part)


@pytest.mark.parametrize(
    "value", ['"\\u0000"', f'"{SENTINEL}"', "1e400", "[1e400]", "9" * 20_000, '["' + "x" * 9 + '\\u0000"]']
)
def test_one_odd_event_is_the_only_one_that_is_changed(value: str) -> None:
    lines = [b'{"n":%d,"value":[1.5]}' % number for number in range(500)]
    lines[77] = b'{"n":77,"value":%b}' % value.encode()
    made = load(lines)
    encoded = together(made).encoded.tobytes()
    assert encoded == one_by_one(made).encoded.tobytes()
    assert all(line in encoded for line in lines[:77] + lines[78:])
    assert lines[77] not in encoded
    assert SENTINEL.encode() in encoded or b"\\ue0c0" in encoded or NUMBER.encode() in encoded


def test_events_of_the_usual_kinds_are_not_looked_at_one_by_one() -> None:
    lines = [
        b'{"timestamp":"2026-11-25T10:00:0%d.5Z","level":"info","service":"web","took":%d.5e-07,"s":"\\"\xc3\xa9"}'
        % (number % 10, number)
        for number in range(2000)
    ]
    made = load(lines)
    expected = one_by_one(made).encoded
    with (
        patch("cordwood.store.postgres.copy_many.derive_many", wraps=derive_many) as derived,
        patch("cordwood.store.postgres.copy_many.storable", wraps=storable) as stored,
    ):
        assert rows_of(made, NOW_US).encoded == expected
    assert [len(call.args[0]) for call in derived.call_args_list] == [0]
    assert [len(call.args[0]) for call in stored.call_args_list] == [0]


@pytest.mark.parametrize("line", [b'{"service":"\xff"}', b'{"a":' + b"[" * 9999 + b"]" * 9999 + b"}", b'{"a":', b""])
@pytest.mark.parametrize("encode", [one_by_one, together])
def test_what_is_no_event_is_refused(line: bytes, encode: Callable[..., Rows]) -> None:
    with pytest.raises(Refused):
        encode(load([b"{}", line, b"{}"]))


def test_few_events_do_not_load_the_compiler() -> None:
    code = (
        "import sys; from tests.support.builders import load; from cordwood.store.postgres.copy import rows_of;"
        "rows_of(load([b'{}'] * 99), 0); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_compiled_loops_stay_within_their_arrays(tmp_path: Path) -> None:
    """They check no index: here they do, and the properties are tried again."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-k", "together or odd", __file__]
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout.decode()
