"""What `store.interface` promises, asked of every store."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cordwood.clock import SystemClock
from cordwood.errors import Refused
from cordwood.model.answer import StoredEvent
from cordwood.model.batch import event_id
from cordwood.model.deadletter import DeadLetter
from cordwood.model.derive import derive
from cordwood.model.plan import Plan, Position
from cordwood.model.search.filters import And
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Load, Store
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.segments.piping.onward import EngineOnward
from cordwood.store.segments.store import SegmentStore
from cordwood.store.settings import StoreSettings
from cordwood.store.shared.bucket import Bucket
from cordwood.store.shared.folder import Folder
from cordwood.store.shared.place import Place
from cordwood.store.shared.store import SharedStore
from tests.support.builders import batch, equal, load

SECOND = 1_000_000
HOUR = 3600 * SECOND
NOON = 1_795_435_200 * SECOND  # 2026-11-23T12:00:00Z
QUIET = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OTHER = Tenant("other")


@asynccontextmanager
async def opened(
    kind: str, place: str, files: Path | None = None, bucket: Mapping[str, str] | None = None
) -> AsyncIterator[Store]:
    """A store in a directory, or in a database; of one that has both, the files are in `files`, or gone at the end, or
    in object storage."""
    few_days = StoreSettings(partition_days_back=1, partition_days_ahead=1)
    made: Store
    with TemporaryDirectory() as directory:
        match kind:
            case "segments":
                made = SegmentStore(Path(place), few_days, is_writer=True)
            case "postgres":
                made = PostgresStore(place, few_days, lambda: EngineOnward(Path(directory), few_days))
            case "bucket":
                assert bucket is not None, "its settings tell where it is"
                made = shared_store(place, files or Path(directory), "segments", **bucket)
            case _:
                made = shared_store(place, files or Path(directory), "segments" if kind == "shared" else "both")
        async with made as store:
            await store.migrate()
            yield store


def shared_store(url: str, directory: Path, keep: Literal["segments", "both"], **changed: Any) -> SharedStore:
    settings = StoreSettings(partition_days_back=1, partition_days_ahead=1, keep=keep, **changed)
    return SharedStore(url, place_of(settings, directory), directory / "spill", settings, is_writer=True)


def place_of(settings: StoreSettings, directory: Path) -> Place:
    """In `directory`, or where the settings say with copies in it."""
    if settings.segments_dir:
        return Bucket(settings, directory / "copies", {}, SystemClock())
    return Folder(directory / "segments", SystemClock())


async def rows(store: Store, plan: Plan | None = None, tenant: Tenant = DEFAULT_TENANT) -> list[StoredEvent]:
    return [event async for block in store.read(plan or Plan(), tenant) for event in block]


def exact(text: bytes) -> Any:
    """JSON with numbers by their value, also where a double would round."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def data(events: list[StoredEvent]) -> list[Any]:
    return [json.loads(event.data) for event in events]


def at(seconds: float, **fields: Any) -> dict[str, Any]:
    return {"timestamp": round((NOON + seconds * SECOND) / 1000), **fields}


# Everything JSON can say: NUL and other planes, long integers, floats and beyond, deep and odd keys.
pieces = ["\0", "\ue0c0", "0", "1", "\\", "\\u0000", '"', '{"', '"]}', "number", "json"]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.lists(
    st.sampled_from(pieces), max_size=8
).map("".join)
spellings = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.sampled_from(["0", "1", "5", "42", "17976931348623157", "9007199254740993"]),
    st.sampled_from(["", ".0", ".5", ".1000000000000000055511151231257827"]),
    st.sampled_from(["", "e2", "E+02", "e-5", "e-0300", "e308", "e399", "e-400", "e16000", "e131072", "e-999999999"]),
)


@dataclass(frozen=True)
class Spelt:
    """A number with its spelling."""

    text: str


def line_of(event: dict[str, Any], *, ensure_ascii: bool = True) -> bytes:
    """An event's JSON, with numbers as they are spelt."""
    text = json.dumps(event, default=lambda number: f"spelt:{number.text}", ensure_ascii=ensure_ascii)
    return re.sub(r'"spelt:([^"]*)"', r"\1", text).encode()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | spellings.map(Spelt)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
names = st.sampled_from(
    [
        "level",
        "severity",
        "timestamp",
        "time",
        "service",
        "message",
        "a",
        "a.b",
        "",
        "é",
        "\0",
        "\ue0c0",
        "\ue0c0number",
        "\ue0c0json",
    ]
)
objects = st.dictionaries(names | texts, values, max_size=6)


@QUIET
@given(events=st.lists(objects, min_size=1, max_size=8))
async def test_what_was_sent_comes_back(store: Store, events: list[dict[str, Any]]) -> None:
    lines = [line_of(event, ensure_ascii=index % 2 == 0) for index, event in enumerate(events)]
    written = load(lines)
    await store.write([written])
    for ordinal in range(len(events)):
        found = await store.find(event_id(written.batch.header.id, ordinal), DEFAULT_TENANT)
        assert found is not None
        assert exact(found.data) == exact(lines[ordinal])
        derived = derive(lines[ordinal], written.batch.header.received_at_us)
        assert (found.timestamp_us, found.level, found.service) == (
            derived.timestamp_us,
            derived.level,
            derived.service,
        )


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1e999}',
        b'{"a":1e200000,"b":"\\u0000"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":-0.0,"b":0.1e-5}',
        b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"a\\u0000b":"\\\\u0000"}',
        b'{"quote\\"key":{"new\\nline":{"emoji \xf0\x9f\xaa\xb5":"\xee\x83\x800"}}}',
        b'{"\\ue0c0json":"x","\\uE0C0":"\\ue0c01"}',
        b'{"":{"":null}}',
        b'{"a.b":1,"a":{"b":2}}',
        b"{}",
    ],
)
async def test_odd_events_come_back(used_store: Store, tenant: Tenant, line: bytes) -> None:
    await used_store.write([load([line], tenant=tenant)])
    (stored,) = await rows(used_store, tenant=tenant)
    assert exact(stored.data) == exact(line)


NINES, ONES = "9" * 200_000, "0." + "1" * 200_000


@pytest.mark.parametrize(
    "number",
    ["1e100000", "-1e100000", "1E+100000", "1e00100000", "1e131071", "1e131072", "1e999999999", "1e99999999999999999",
     "1e-400", "1e-16000", "1e-16383", "1e-16384", "1.5e-16383", "1e-999999999", "0e100000", "-0e-16000", "0.0e999999",
     "1e399", "1e400", "1.7976931348623157e308", "4.9e-324", NINES, f"-{NINES}", ONES, f"{NINES}e-200000",
     "9" * 14_994, "9" * 14_995 + "e99", "9" * 14_995 + "e-99", "9" * 15_000 + "e399", "0." + "1" * 14_990 + "e-399",
     "9" * 131_072, "9" * 131_073, "0." + "1" * 16_383, "0." + "1" * 16_384],
    ids=lambda number: f"{number[:24]}-{len(number)}",
)  # fmt: skip
async def test_any_number_comes_back_wherever_it_stands(used_store: Store, tenant: Tenant, number: str) -> None:
    lines = [
        f'{{"a":{number}}}',
        f'{{"a":"{number}","b":":{number}","c":[{number},[ {number} , {{"d" : {number}\t}}]],"level":"info"}}',
        f'{{"\\ue0c0number":[{number},"\\ue0c0"],"\\u0000":"\\"{number}","n":{{"n":{{"n":{number}}}}}}}',
        '{"plain":1}',
    ]
    written = load([line.encode() for line in lines], tenant=tenant)
    (outcome,) = await used_store.write([written])
    assert (outcome.stored, outcome.dead_lettered) == (4, 0)
    for ordinal, line in enumerate(lines):
        found = await used_store.find(event_id(written.batch.header.id, ordinal), tenant)
        assert found is not None
        assert exact(found.data) == exact(line.encode())


async def test_the_last_of_duplicate_keys_wins_whatever_the_first_was(store: Store) -> None:
    await store.write([load([b'{"n":0,"a":1e131072,"a":1}', b'{"n":1,"a":1,"a":1e131072}'])])
    assert {exact(event.data)["n"]: exact(event.data)["a"] for event in await rows(store)} == {
        0: 1,
        1: Decimal("1e131072"),
    }


async def test_an_event_full_of_great_numbers_is_read_as_small_as_it_was_sent(store: Store) -> None:
    """Spelt out, each would take 100 kB, and all together more than a server can put out."""
    line = b'{"n":1,"a":[' + b",".join([b"1e100000", b"1e-16000"] * 6_000) + b"]}"
    await store.write([load([line, {"n": 2}])])
    found = await rows(store)
    assert sorted(exact(event.data)["n"] for event in found) == [1, 2]
    assert sum(len(event.data) for event in found) < 8 * len(line)
    assert await store.count(Plan(filter=equal("a.11999", "0")), DEFAULT_TENANT) == 1


async def test_the_last_of_duplicate_keys_is_what_a_reader_sees(store: Store) -> None:
    await store.write([load([b'{"a":1,"a":2}'])])
    assert data(await rows(store)) == [{"a": 2}]


async def test_events_come_newest_first_with_ties_by_id(store: Store) -> None:
    first = load([at(3, n=0), at(1, n=1), at(3, n=2)])
    second = load([at(2, n=3), at(3, n=4)])
    await store.write([first])
    await store.write([second])
    assert [event["n"] for event in data(await rows(store))] == [4, 2, 0, 3, 1]


async def test_a_limit_cuts_and_a_position_goes_on(store: Store) -> None:
    for part in range(7):
        await store.write([load([at(n % 5, n=part * 10 + n) for n in range(10)])])
    everything = await rows(store)
    assert len(everything) == 70
    paged: list[StoredEvent] = []
    after = None
    while page := await rows(store, Plan(limit=9, after=after)):
        paged += page
        after = Position(page[-1].timestamp_us, page[-1].id)
    assert paged == everything


async def test_a_count_ignores_limit_and_place(store: Store) -> None:
    await store.write([load([{"n": number, "level": "error"} for number in range(5)])])
    (newest, *_) = await rows(store, Plan())
    place = Position(newest.timestamp_us, newest.id)
    for found in (Plan(), Plan(filter=equal("level", "error"))):
        assert await store.count(replace(found, limit=1, after=place), DEFAULT_TENANT) == 5


async def test_start_is_within_and_end_is_not(store: Store) -> None:
    await store.write([load([at(n, n=n) for n in range(5)])])
    plan = Plan(start_us=NOON + SECOND, end_us=NOON + 3 * SECOND)
    assert [event["n"] for event in data(await rows(store, plan))] == [2, 1]
    assert await store.count(plan, DEFAULT_TENANT) == 2
    assert await store.count(Plan(), DEFAULT_TENANT) == 5


FILTERED = [
    {"n": 0, "http": {"status": 500}, "level": "ERROR"},
    {"n": 1, "http.status": "500", "service": "auth"},
    {"n": 2, "http": {"status": 500.0}, "severity": "err", "service": {"name": "auth"}},
    {"n": 3, "http": {"status": 404}, "ok": True, "level": "info"},
    {"n": 4, "http": "500", "none": None, 'k"\n~/é': "x"},
    {"n": 5, "a": {"b.c": "deep"}, "big": 12345678901234567890},
    {"n": 6, "a.b": {"c": "deep"}, "text": "it's \0 here"},
]


@pytest.mark.parametrize(
    ("field", "text", "found"),
    [
        ("http.status", "500", [2, 1, 0]),
        ("http.status", "5e2", [2, 0]),
        ("http", "500", [4]),
        ("ok", "true", [3]),
        ("none", "null", []),
        ("level", "error", [2, 0]),
        ("service", "auth", [2, 1]),
        ("a.b.c", "deep", [6, 5]),
        ("big", "12345678901234567890", [5]),
        ('k"\n~/é', "x", [4]),
        ("text", "it's \0 here", [6]),
        ("nowhere", "1", []),
        ("n", "nan", []),
        ("n", "1; DROP TABLE logs", []),
    ],
)
async def test_a_filter_finds_its_events(
    used_store: Store, tenant: Tenant, field: str, text: str, found: list[int]
) -> None:
    await used_store.write([load(FILTERED, received_at_us=NOON, tenant=tenant)])
    plan = Plan(filter=equal(field, text))
    assert [event["n"] for event in data(await rows(used_store, plan, tenant))] == found
    assert await used_store.count(plan, tenant) == len(found)


SPELT = [
    "0", "-0.0", "0e400", "1e-400", "-1e-16000", "2.4e-324", "2.5e-324", "4.9e-324", "1", "10e-1", "500", "5e2",
    "500.0", "0.1", "0.10000000000000001", "0.1000000000000000055511151231257827", "0.10000000000000002",
    "9007199254740992", "9007199254740993", "9007199254740994", "12345678901234567890", "12345678901234567891",
    "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e399", "1e400", "-1e400",
    "1e100000", "1e131072", "-1e999999999", "9" * 5_000, "9" * 20_000, "0." + "1" * 20_000,
]  # fmt: skip


async def test_a_filter_finds_the_numbers_with_the_same_double(store: Store) -> None:
    others = ['"500"', '"1e400"', '"inf"', "true", "null", '{"1":500}', '["500"]', '{"\\ue0c0number":["1e400","inf"]}']
    values = SPELT + others
    lines = [f'{{"n":{n},"v":{value},"w":[0,{{"x":{value}}}]}}'.encode() for n, value in enumerate(values)]
    await store.write([load(lines)])
    for text in [*SPELT, "+500", "0500", "1e0400"]:
        expected = [value for value in SPELT if float(value) == float(text)]
        # A text that is spelt so, also as an element of an array.
        expected += [value for value in others if value in (f'"{text}"', f'["{text}"]')]
        for field in ("v", "w.1.x"):
            found = [exact(event.data)["n"] for event in await rows(store, Plan(filter=equal(field, text)))]
            assert sorted(values[int(n)] for n in found) == sorted(expected), (field, text)


@pytest.mark.parametrize(
    "text", [".5", "5.", "1_0", "\u0661", "nan", "inf", "Infinity", "0x10", " 5", "5 ", "", "{", "[1, 2]", '{"b": 1}']
)
async def test_what_json_calls_no_number_equals_texts_alone(used_store: Store, tenant: Tenant, text: str) -> None:
    others = [1, 10, 16, 5, 0.5, [1, 2], {"b": 1}, [5], None, ""][: None if text else -1]
    await used_store.write([load([{"v": text, "n": 0}, *({"v": other} for other in others)], tenant=tenant)])
    found = await rows(used_store, Plan(filter=equal("v", text)), tenant)
    assert [event.get("n") for event in data(found)] == [0]


@pytest.mark.parametrize(("field", "found"), [("a.0", 1), ("a.-1", 0), ("a.00", 0), ("a.+0", 0), ("a. 0", 0)])
async def test_an_array_has_no_places_but_its_indexes(
    used_store: Store, tenant: Tenant, field: str, found: int
) -> None:
    key = field[2:]
    await used_store.write([load([{"a": ["x"]}, {"a": {key: "x"}}, {"a": {key: ["y"]}}], tenant=tenant)])
    assert await used_store.count(Plan(filter=equal(field, "x")), tenant) == found + 1
    assert await used_store.count(Plan(filter=equal(f"{field}.{key}", "y")), tenant) == found


async def test_filters_are_joined_by_and(store: Store) -> None:
    await store.write([load(FILTERED, received_at_us=NOON)])
    plan = Plan(filter=And((equal("http.status", "500"), equal("service", "auth"))), limit=10)
    assert [event["n"] for event in data(await rows(store, plan))] == [2, 1]


async def test_a_batch_written_twice_is_stored_once(store: Store) -> None:
    written = load([{"n": 1}, {"n": 2}])
    (first,) = await store.write([written])
    (second,) = await store.write([written])
    assert (first.stored, first.is_duplicate) == (2, False)
    assert (second.stored, second.is_duplicate) == (0, True)
    assert len(await rows(store)) == 2


async def test_a_batch_twice_in_one_call_is_stored_once(store: Store) -> None:
    written = load([{"n": 1}])
    outcomes = await store.write([written, load([{"n": 2}]), written])
    assert [outcome.is_duplicate for outcome in outcomes] == [False, False, True]
    assert len(await rows(store)) == 2


async def test_a_batch_written_by_many_at_once_is_stored_once(store: Store) -> None:
    shared = [load([{"n": n}]) for n in range(5)]
    outcomes = await asyncio.gather(*(store.write([*shared[turn:], *shared[:turn]]) for turn in range(5)))
    fresh = [outcome for written in outcomes for outcome in written if not outcome.is_duplicate]
    assert len(fresh) == 5
    assert len(await rows(store)) == 5


async def test_many_small_batches_in_one_call_keep_their_ids(store: Store) -> None:
    loads = [load([{"n": n, "m": m} for m in range(n % 4 + 1)]) for n in range(120)]
    await store.write(loads)
    for n in (0, 1, 57, 119):
        found = await store.find(event_id(loads[n].batch.header.id, n % 4), DEFAULT_TENANT)
        assert found is not None
        assert json.loads(found.data) == {"n": n, "m": n % 4}
    assert await store.count(Plan(), DEFAULT_TENANT) == sum(n % 4 + 1 for n in range(120))


async def test_dead_letters_are_set_aside_with_their_batch(store: Store) -> None:
    made = batch([{"n": 0}, {"n": 1}, {"n": 2}])
    dead = DeadLetter(
        batch_id=made.header.id,
        ordinal=1,
        tenant=DEFAULT_TENANT,
        protocol="json",
        reason="for a test",
        received_at_us=NOON,
        body=b'{"n":1}',
    )
    (written,) = await store.write([Load(made, b'{"n":0}\n{}\n{"n":2}\n', [dead])])
    assert (written.stored, written.dead_lettered) == (2, 1)
    stored = {event.id for event in await rows(store)}
    assert stored == {event_id(made.header.id, 0), event_id(made.header.id, 2)}


async def test_a_write_raises_the_version_of_what_it_touches(store: Store) -> None:
    around = Plan(start_us=NOON - HOUR, end_us=NOON + HOUR)
    before = await store.coverage(around, DEFAULT_TENANT)
    elsewhere = await store.coverage(Plan(start_us=NOON + 48 * HOUR, end_us=NOON + 50 * HOUR), DEFAULT_TENANT)
    await store.write([load([at(0)])])
    after = await store.coverage(around, DEFAULT_TENANT)
    assert after.version > before.version
    assert (await store.coverage(Plan(), DEFAULT_TENANT)).version > 0
    assert (await store.coverage(around, OTHER)).version == (await store.coverage(Plan(), OTHER)).version
    again = await store.coverage(Plan(start_us=NOON + 48 * HOUR, end_us=NOON + 50 * HOUR), DEFAULT_TENANT)
    assert again.version == elsewhere.version
    await store.write([load([at(0)])])
    assert (await store.coverage(around, DEFAULT_TENANT)).version > after.version


async def test_two_stores_with_the_same_history_differ_in_version(store: Store, tmp_path: Path) -> None:
    """They may share a cache: a database made anew must not be answered from its predecessor's."""
    async with opened("segments", str(tmp_path / "another")) as another:
        await store.write([load([at(0, n=1)])])
        await another.write([load([at(0, n=2)])])
        assert await store.coverage(Plan(), DEFAULT_TENANT) != await another.coverage(Plan(), DEFAULT_TENANT)


async def test_tenants_do_not_see_each_other(store: Store) -> None:
    mine, theirs = load([at(0, whose="mine")]), load([at(0, whose="theirs")], tenant=OTHER)
    await store.write([mine, theirs])
    assert data(await rows(store)) == [at(0, whose="mine")]
    assert data(await rows(store, tenant=OTHER)) == [at(0, whose="theirs")]
    assert await store.find(event_id(theirs.batch.header.id, 0), DEFAULT_TENANT) is None
    assert await store.count(Plan(), OTHER) == 1


async def test_an_unknown_event_is_not_found(store: Store) -> None:
    written = load([{"n": 1}])
    assert await store.find(event_id(written.batch.header.id, 0), DEFAULT_TENANT) is None
    await store.write([written])
    assert await store.find(event_id(written.batch.header.id, 7), DEFAULT_TENANT) is None


@pytest.mark.parametrize(
    "timestamp",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z", "2015-05-17T10:05:03+05:30"],
)
async def test_far_timestamps_are_kept_and_found(used_store: Store, tenant: Tenant, timestamp: str) -> None:
    line = json.dumps({"timestamp": timestamp}).encode()
    written = load([line, {"n": 1}], tenant=tenant)
    await used_store.write([written])
    expected = derive(line, 0).timestamp_us
    plan = Plan(start_us=expected, end_us=expected + 1)
    assert [event.timestamp_us for event in await rows(used_store, plan, tenant)] == [expected]
    found = await used_store.find(event_id(written.batch.header.id, 0), tenant)
    assert found is not None
    assert found.timestamp_us == expected


async def test_poison_is_refused_and_a_probe_points_at_it(store: Store) -> None:
    poison = load([b'{"n":0}', b'{"n":"\\ud800"}', b'{"n":2}'])
    with pytest.raises(Refused):
        await store.write([poison, load([{"n": 3}])])
    assert await rows(store) == []
    await store.probe(poison, 0, 1)
    await store.probe(poison, 2, 1)
    with pytest.raises(Refused):
        await store.probe(poison, 1, 1)
    with pytest.raises(Refused):
        await store.probe(poison, 0, 3)
    assert await rows(store) == []


async def test_migrating_twice_and_at_once_changes_nothing(store: Store) -> None:
    await store.write([load([{"n": 1}])])
    await asyncio.gather(store.migrate(), store.migrate(), store.migrate())
    assert await store.migrate() == []
    await store.tend()
    await store.check()
    assert len(await rows(store)) == 1


async def test_chores_keep_every_event(store: Store) -> None:
    for n in range(30):
        await store.write([load([at(n, n=n)])])
    before = await rows(store)
    await asyncio.gather(store.tend(), store.tend())
    assert await rows(store) == before


async def test_a_stream_may_be_left_early(store: Store) -> None:
    await store.write([load([at(n) for n in range(3000)])])
    async with AsyncExitStack() as stack:
        blocks = store.read(Plan(), DEFAULT_TENANT)
        stack.push_async_callback(blocks.aclose)  # type: ignore[attr-defined]
        assert len(await anext(blocks)) <= 3000
    assert len(await rows(store)) == 3000
