"""What was sent comes back from segments, written and merged: every value with its type, whatever the events are."""

import decimal
import json
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cordwood.model.batch import event_id
from cordwood.model.derive import Columns
from cordwood.model.derive_many import derive_many
from cordwood.model.plan import Plan
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Load
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.store import SegmentStore
from cordwood.store.segments.tables import FEW_EVENTS
from cordwood.store.settings import StoreSettings
from tests.support.builders import load

NOON_MS = 1_795_435_200_000
_EXACT = decimal.Context(prec=100_000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SegmentStore]:
    async with SegmentStore(tmp_path, StoreSettings(), is_writer=True) as opened:
        yield opened


def meant(line: bytes) -> str:
    """What a JSON text says: its keys in no order, and each number as whole or broken, and its exact value."""

    def number(kind: str, text: str) -> dict[str, str]:
        return {f"\0{kind}": str(_EXACT.normalize(_EXACT.create_decimal(text)))}

    event = json.loads(
        line, parse_int=lambda text: number("whole", text), parse_float=lambda text: number("broken", text)
    )
    return json.dumps(event, sort_keys=True)


def segments(root: Path) -> list[Segment]:
    with closing(Catalog(root / "catalog.sqlite")) as catalog:
        return catalog.all_segments(None)


async def assert_kept(store: SegmentStore, loads: Sequence[Load], tenant: Tenant = DEFAULT_TENANT) -> None:
    """Each event is there under its id, and says what it said."""
    found = {each.id: each.data async for block in store.read(Plan(), tenant) for each in block}
    assert len(found) == sum(each.batch.header.events for each in loads)
    lines = [
        (found[event_id(each.batch.header.id, ordinal)], line)
        for each in loads
        for ordinal, line in enumerate(each.ndjson.split(b"\n")[:-1])
    ]
    # Most are the very bytes.
    for after, before in {(after, before) for after, before in lines if after != before}:
        assert meant(after) == meant(before)


def many(lines: Sequence[bytes], events: int = FEW_EVENTS) -> Iterable[bytes]:
    """These lines by turns, so many that those which can get columns do."""
    return (lines[place % len(lines)] for place in range(events))


ODD_VALUES = [
    "null", "true", "false", "0", "-0", "-0.0", "0.0", "1", "1.0", "1.50", "1e2", "1e400", "-1e400",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1" * 40,
    "0.1", "0.1000000000000000055511151231257827", "12345678901.0", "1e10", "4.9e-324", "5e-325",
    "1E-400", "-1e-310", "0e9",
    '""', '"null"', '"1"', '"true"', '"a\\u0000b"', '"\\ud83e\\udeb5"', '"\\u0001"',
    '"\x7f"', '"\\/"', '"\\\\u0000"', '"\\n\\t\\r\\"\\\\"', '"é🪵"', '"2026-11-23T12:00:00Z"',
    "{}", "[]", "[null]", "[1,1.0,\"1\"]", '{"":{"":0}}', '{"b":1}', '{"b.c":1}', '{"b":{"c":1}}',
    '[{"b":1},{"b":"1"}]',
]  # fmt: skip
"""Of every type, and at the edges of each: as they are spelt."""

scalars = st.sampled_from(ODD_VALUES) | st.builds(
    json.dumps,
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
"""The JSON text of a value."""
keys = st.sampled_from(["a", "b", "a.b", "A", "", "b.c", "level", "service", "ts"])
templates = st.dictionaries(keys, st.lists(scalars, min_size=1, max_size=3), max_size=4)
"""An event's fields, each with the values that it has by turns."""


def spelt(template: dict[str, list[str]], turn: int) -> bytes:
    fields = (f"{json.dumps(key)}:{values[turn % len(values)]}" for key, values in template.items())
    return "{{{}}}".format(",".join(fields)).encode()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=st.lists(st.lists(templates, min_size=1, max_size=3), min_size=2, max_size=4))
@example([[{"a": ["1"]}], [{"a": ["1.0"]}], [{"a": ['"1"']}], [{"a": ["null"]}, {}]])
@example([[{"a.b": ["1"], "a": ['{"b":1}', '{"b":2.5}']}], [{"a.b": ['"x"'], "a": ["[1]", '{"b.c":null}']}]])
@example([[{"a": ["1", "2.5", '"x"']}], [{"a": ["-0.0", "-0", "0"]}], [{"a": ["9223372036854775808", "1"]}]])
async def test_types_may_change_between_events_batches_and_segments(
    store: SegmentStore, batches: list[list[dict[str, list[str]]]]
) -> None:
    tenant = Tenant(f"tenant-{secrets.token_hex(6)}")
    loads = [
        load(many([spelt(template, turn) for turn in range(3) for template in batch]), tenant=tenant)
        for batch in batches
    ]
    # And small ones, which stay text until they are merged.
    loads += [
        load([spelt(template, turn) for turn in range(40) for template in batch], tenant=tenant)
        for batch in batches * 4
    ]
    for each in loads:
        await store.write([each])
    await assert_kept(store, loads, tenant)
    while await store.merge_rest():
        pass
    assert (await store.coverage(Plan(), tenant)).read == 1
    await assert_kept(store, loads, tenant)


@pytest.mark.parametrize("value", ODD_VALUES)
async def test_an_odd_value_comes_back_alone_among_others_and_in_columns_of_its_own(
    store: SegmentStore, value: str
) -> None:
    odd = f'{{"a":{value},"in":{{"a":{value}}},"list":[{value}]}}'.encode()
    plain = b'{"a":1,"in":{"a":"x"},"list":[1]}'
    loads = [
        load([odd]),
        load([odd] * FEW_EVENTS),
        load([*[plain] * FEW_EVENTS, odd, *[plain] * FEW_EVENTS]),
        load(many([odd, plain, b'{"a":null,"list":[]}', b"{}"])),
    ]
    for each in loads:
        await store.write([each])
    while await store.merge_rest():
        pass
    await assert_kept(store, loads)


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"a.b":1,"a":{"b":1}}', b'{"a":{"b":1},"a.b":1}', b'{"a.b":1}', b'{"a":{"b":1}}'],
        [b'{"a":null}', b"{}", b'{"a":{}}', b'{"a":[]}', b'{"a":""}'],
        [b'{"a":{"b.c":{"d":1}}}', b'{"a.b":{"c":{"d":1}}}', b'{"a":{"b":{"c":{"d":1}}}}', b'{"a.b.c.d":1}'],
        [b'{"User":1,"user":"1"}', b'{"user":1}', b'{"USER":1}'],
        [b'{"a":1,"a":"1"}', b'{"a":1}', b'{"a":"1","a":1}'],
        [b'{"raw":"x","shape":"y","ts":1,"batch_id":2,"ordinal":"z"}', b'{"ts:int":1,"a:str":2,"a":"x"}'],
    ],
)
async def test_fields_that_look_alike_stay_apart(store: SegmentStore, lines: list[bytes]) -> None:
    loads = [load(many(lines)), *(load([line] * FEW_EVENTS) for line in lines)]
    for each in loads:
        await store.write([each])
    await assert_kept(store, loads)
    while await store.merge_rest():
        pass
    await assert_kept(store, loads)


async def test_ten_thousand_fields_in_one_event_in_one_batch_and_over_many(store: SegmentStore, tmp_path: Path) -> None:
    wide = {f"field{number}": number for number in range(10_000)}
    loads = [
        load([wide, {"n": 1}]),
        load([wide] * 40),
        load([{f"field{number}": f"value {number}", "n": number} for number in range(10_000)]),
        *(load([{f"field{batch * 60 + n % 60}": n} for n in range(FEW_EVENTS)]) for batch in range(20)),
    ]
    for each in loads:
        await store.write([each])
    await assert_kept(store, loads)
    while await store.merge_rest():
        pass
    await assert_kept(store, loads)
    assert max(len(each.columns) for each in segments(tmp_path)) <= 1000, "more would be too many for some engines"
    assert any(each.columns for each in segments(tmp_path)), "and what is frequent has columns all the same"


async def test_hundreds_of_shapes_with_fields_of_their_own_take_linear_work(
    store: SegmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each shape lacks the columns of all others: these are not made for each."""
    made = 0
    nulls = pa.nulls

    def counted(size: int, type: pa.DataType = None) -> pa.Array:  # noqa: A002  # as pyarrow names it
        nonlocal made
        made += 1
        return nulls(size, type)

    monkeypatch.setattr(pa, "nulls", counted)
    await store.write([load([{f"field{number % 300}": number} for number in range(300 * 40)])])
    assert made < 10 * 300


def status(chance: random.Random, turn: int) -> dict[str, Any]:
    """As a proxy tells of itself: several KB, nested, with addresses as keys, and fields that come and go."""

    def peer(number: int) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": number,
            "server": f"10.0.0.{number}:8080",
            "backup": number == 3,
            "state": chance.choice(["up", "down", "unavail"]),
            "requests": turn * 17 + number,
            "responses": {f"{each}xx": chance.randrange(1000) for each in range(1, 6)} | {"total": turn},
            "health_checks": {"checks": turn, "fails": 0, "last_passed": chance.choice([True, None])},
        }
        if chance.random() < 0.5:
            made["response_time"] = chance.choice([1, 2.5, 0.0])
        return made

    return {
        "version": 8,
        "timestamp": NOON_MS + turn,
        "connections": {"accepted": turn, "dropped": 0, "active": chance.randrange(9)},
        "server_zones": {
            name: {"processing": 0, "discarded": chance.choice([0, None]), "sent": turn * 1_000_003}
            for name in ("hg.example.org", "lxr.example.org", "a.b.c")
        },
        "upstreams": {
            name: {"peers": [peer(number) for number in range(2)], "first": peer(9), "keepalive": 0}
            for name in ("trac-backend", "hg-backend")
        },
        "caches": {"http_cache": {"size": 530915328, "cold": False, "hit": {"responses": turn, "bytes": turn << 20}}},
        "peers": {f"10.0.0.{number}:8080": peer(number) for number in range(4)},
    }


async def test_deep_documents_with_hundreds_of_paths_come_back(store: SegmentStore, tmp_path: Path) -> None:
    chance = random.Random(5)
    loads = [
        load([status(chance, batch * 1000 + turn) for turn in range(size)]) for batch, size in enumerate([2500, 50])
    ]
    loads += [load([status(chance, 9000 + turn) for turn in range(300)]) for _ in range(8)]
    for each in loads:
        await store.write([each])
    while await store.merge_rest():
        pass
    (merged,) = segments(tmp_path)
    assert len(merged.columns) > 100
    assert "peers.10.0.0.1:8080.responses.2xx:int" in merged.columns
    await assert_kept(store, loads)


@pytest.mark.parametrize("moment", ["2026-11-23T12:00:00Z", "2026-11-23 12:00", "soon", "1795435200", 1795435200, 1.5])
async def test_timestamps_may_be_null_now_and_then(store: SegmentStore, moment: object) -> None:
    written = load(many([b'{"ts":null,"n":1}', json.dumps({"ts": moment, "n": 2}).encode()]))
    await store.write([written])
    await assert_kept(store, [written])


@pytest.mark.parametrize(
    ("odd", "is_text"),
    [
        (b'{"ts":%d,"level":"info","service":"web","n":1e400}', True),
        (b'{"ts":%d,"level":"info","service":"web","n":18446744073709551616}', True),
        (b'{"ts":%d,"level":"info","service":"web\\u0000","n":1}', True),
        (b'{"ts":%d,"level":"info","service":"web","n":{"deep":[{"er":1}]}}', True),
        (b'{"ts":%d,"level":"info","service":"web","n":1,"n":2}', True),
        (b'{"ts":-%d,"level":"info","service":"web","n":1}', False),
        (b'{"ts":%d,"level":"odd","service":"web","n":1}', False),
        (b'{"ts":%d,"level":"info","service":"{","n":1}', False),
        (b'{"ts":%d,"level":"info","service":"web","n":null}', False),
    ],
)
async def test_an_odd_event_among_50_000_leaves_the_others_on_the_fast_way(
    store: SegmentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: bytes, is_text: bool
) -> None:
    exactly: Counter[bytes] = Counter()

    def counted(ndjson: bytes, received_at_us: int) -> list[Columns]:
        exactly.update(ndjson.splitlines())
        return derive_many(ndjson, received_at_us)

    monkeypatch.setattr("cordwood.store.segments.tables.derive_many", counted)
    line = odd % (NOON_MS + 25_000)
    lines = [b'{"ts":%d,"level":"info","service":"web","n":%d}' % (NOON_MS + n, n) for n in range(50_000)]
    lines[25_000] = line
    written = load(lines)
    await store.write([written])
    assert exactly.keys() <= {line}, "no other one was looked at by itself"
    (segment,) = segments(tmp_path)
    assert segment.texts == is_text
    await assert_kept(store, [written])
