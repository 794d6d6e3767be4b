"""The derive rules for columns say what `model.derive` says, of anything that may arrive."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cordwood.model.derive import Columns, derive
from cordwood.model.event import LEVEL_NAMES, LEVELS, SERVICE_NAMES, TIMESTAMP_NAMES, TIMESTAMP_PATTERN
from cordwood.store.columns.derive_columns import derive_columns
from cordwood.store.columns.shred import shred
from cordwood.store.columns.shredded import Rows

ARRIVAL_US = 1_795_435_200_000_000
ALIKE = 40
"""So many events of a shape go into columns."""

Derived = tuple[int, str | None, str | None]


def in_columns(lines: list[bytes]) -> dict[int, Derived]:
    """What is derived from columns, by the number of the line; lines that go into none are left out."""
    found: dict[int, Derived] = {}
    for group in shred(b"".join(line + b"\n" for line in lines)).groups:

        def exactly(places: Rows, rows: Rows = group.rows) -> list[Columns]:
            return [columns for row in rows[places] for columns in in_python([lines[row]])]

        received = np.full(len(group.rows), ARRIVAL_US, np.int64)
        derived = derive_columns(group.columns, received, exactly)
        assert derived.timestamps.dtype == np.int64
        values = zip(derived.timestamps.tolist(), derived.levels.to_pylist(), derived.services.to_pylist(), strict=True)
        found |= dict(zip(group.rows.tolist(), values, strict=True))
    return found


def in_python(lines: list[bytes]) -> list[Columns]:
    made = [derive(line, ARRIVAL_US) for line in lines]
    return [(each.timestamp_us, each.level, each.service) for each in made]


def spelt(text: str) -> st.SearchStrategy[str]:
    """A JSON string as some sender might write it."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in text if ord(letter) < 0x10000)
    plain = json.dumps(text, ensure_ascii=False)
    return st.sampled_from([plain, plain, plain, json.dumps(text), f'"{escaped}"' if escaped else plain])


texts = st.one_of(
    st.from_regex(TIMESTAMP_PATTERN, fullmatch=True),
    st.from_regex(r"[12]\d{0,19}(\.\d{1,12})?", fullmatch=True),
    st.from_regex(r"0{0,3}\d{1,20}(\.\d{1,30})?", fullmatch=True),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(
        [
            "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
            "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-14:00", "2024-02-30", "2024-02-29", "2023-02-29",
            "2026-11-23t10:00:00,5z", "2026-11-23 10:00", "2026-11-23T24:00:00Z", "2026-11-23T10:00:60Z", "infinity",
            "2026-11-23T10:00:00.123456789+0530", "2026-11-23T10:00 Z", "-infinity", "epoch", "now", "today", "",
            "{", "[", "{}", '{"name":"x"}', '{"level":"info"}', " ", " info", "null", "\0", "İNFO", "\u212a", "ſevere",
        ]
    ),
    st.sampled_from(list(LEVELS)).flatmap(lambda name: st.sampled_from([name, name.upper(), name.title()])),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)  # fmt: skip
numbers = st.one_of(
    st.integers(-(10**22), 10**22).map(str),
    st.integers(-5, 70).map(str),
    st.integers(0, 10**19).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 1e20).map(repr),
    st.from_regex(r"[1-9][0-9]{8,18}\.[0-9]{1,10}", fullmatch=True),
    st.sampled_from(["1e999", "1E9", "1.79e9", "1.79e12", "0.0", "10.0", "5e1", "1e-8", "1e16", "1e22", "0.00001"]),
)
scalars = st.one_of(texts.flatmap(spelt), numbers, st.sampled_from(["null", "true", "false", "{}", "[]", '["info"]']))


def objects(
    keys: st.SearchStrategy[str], values: st.SearchStrategy[str], most: int, *, may_repeat: bool
) -> st.SearchStrategy[str]:
    """JSON objects as text: keys may be repeated, are spelt with escapes, and have blanks around them."""
    blank = st.sampled_from(["", "", "", " "])
    member = keys.flatmap(lambda key: st.tuples(st.just(key), spelt(key), blank, values, blank))
    members = st.lists(member, max_size=most, unique_by=None if may_repeat else lambda found: found[0])
    return members.map(
        lambda found: "{" + ",".join(f"{b}{key}{b}:{a}{value}{a}" for _, key, b, value, a in found) + "}"
    )


inner = objects(st.sampled_from(["name", "level", "name.x", "other", ""]), scalars, 4, may_repeat=True)
names = st.sampled_from([*TIMESTAMP_NAMES, *LEVEL_NAMES, *SERVICE_NAMES, "service", "log", "Level", "x", ""])
# Only what lies within is repeated: a key of the event itself is for the other test.
events = objects(names, st.one_of(scalars, scalars, inner), 5, may_repeat=False).map(str.encode)
many = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@many
@given(lines=st.lists(events, min_size=1, max_size=25))
@example(lines=[b'{"log":{"level":"info"},"log.level":"nonsense"}'])
@example(
    lines=[b'{"ts":"2026-11-23T10:00 Z"}', b'{"ts":"2026-11-23 10:00 +05"}', b'{"ts":"2026-11-23T10:00:00.5 -0530"}']
)
@example(lines=[b'{"ts":"0000-12-31T23:00:00-14:00"}', b'{"ts":"0000-12-31t23:00:00-14:00"}'])
@example(lines=[b'{"service":-0}', b'{"service":0}'])
@example(lines=[b'{"service":{"name":"a","name":"b"}}', b'{"service":"{\\"name\\":\\"x\\"}"}'])
def test_columns_derive_what_python_derives(lines: list[bytes]) -> None:
    known = in_python(lines) * ALIKE
    for row, derived in in_columns(lines * ALIKE).items():
        assert derived == known[row], lines[row % len(lines)]


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"ts":1795564800006,"level":"INFO","service":"web"}', b'{"ts":1795564800.5,"level":30,"service":7}'],
        [b'{"@timestamp":"2026-11-25T00:00:00Z"}', b'{"@timestamp":"2026-11-25T02:00:00.5+02:00"}'],
        [b'{"timestamp":"soon","ts":3,"severity":"odd","lvl":"warn"}'],
        [b'{"log":{"level":"warn"},"service":{"name":"web"}}'],
    ],
)  # fmt: skip
def test_the_usual_spellings_go_into_columns(lines: list[bytes]) -> None:
    known = in_python(lines) * ALIKE
    assert in_columns(lines * ALIKE) == dict(enumerate(known))
