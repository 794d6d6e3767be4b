"""What stores tell of fields and values, compared with a plain count; and what is beside an event."""

import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cordwood.language.match import Seen, matcher
from cordwood.language.parser import parse_filter
from cordwood.model.answer import StoredEvent
from cordwood.model.census import Asked, Census, named
from cordwood.model.plan import Plan, Position
from cordwood.model.search.field import Field, field_named
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Store
from tests.support.awkward import events
from tests.support.builders import load

NOON = 1_795_435_200_000_000
ALL = Asked(top=1_000_000)
Value = tuple[str, str | int | float | bool]
"""With its type, as `1`, `1.0` and true are equal in Python; numbers are of one type."""


class Tallied:
    """One field, counted."""

    def __init__(self) -> None:
        self.events = 0
        self.types: set[str] = set()
        self.values: Counter[Value] = Counter()


def leaves(prefix: str, data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if value is not None:
            yield prefix + key, value
        if isinstance(value, dict):
            yield from leaves(f"{prefix}{key}.", value)


def counted(seen: list[Seen]) -> dict[str, Tallied]:
    found: dict[str, Tallied] = {}
    for each in seen:
        derived = {"level": each.level, "service": each.service, "message": each.message}
        of_event = [(name, value) for name, value in derived.items() if value is not None]
        of_event += [(named(name), value) for name, value in leaves("", each.data)]
        values: set[tuple[str, Value]] = set()
        for name, value in of_event:
            field = found.setdefault(name, Tallied())
            kind, scalar = typed(value)
            field.types.add(kind)
            if scalar is not None:
                values.add((name, scalar))
        for name in {name for name, _ in of_event}:
            found[name].events += 1
        for name, scalar in values:
            found[name].values[scalar] += 1
    for field in found.values():
        if "float" in field.types:
            field.types.discard("int")
    return found


def typed(value: Any) -> tuple[str, Value | None]:
    match value:
        case dict():
            return "object", None
        case list():
            return "array", None
        case bool():
            return "bool", ("bool", value)
        case str():
            return "str", ("str", value)
        case int() if -(1 << 63) <= value < 1 << 63:
            return "int", ("number", value)
        case _:
            try:
                number = float(value)
            except OverflowError:
                return "float", None
            if not math.isfinite(number):
                return "float", None
            if number.is_integer() and -(1 << 63) <= number < 1 << 63:
                return "int", ("number", int(number))
            return "float", ("number", number)


def told(census: Census) -> dict[str, tuple[int, set[str], Counter[Value]]]:
    found: dict[str, tuple[int, set[str], Counter[Value]]] = {}
    for field in census.fields:
        values: Counter[Value] = Counter()
        for value, count in field.values:
            scalar = typed(value)[1]
            assert scalar is not None
            assert scalar not in values, f"{field.name} has {scalar} twice"
            values[scalar] = count
        assert field.distinct == len(values), field
        assert field.name not in found, f"{field.name} twice"
        found[field.name] = (field.events, {*map(str, field.types)}, values)
    return found


def seen_of(event: StoredEvent, line: bytes) -> Seen:
    return Seen(
        json.loads(line),
        event_id=event.id,
        timestamp_us=event.timestamp_us,
        inserted_at_us=event.inserted_at_us,
        level=event.level,
        service=event.service,
    )


async def awkward(store: Store, tenant: Tenant) -> list[Seen]:
    """Many events alike, which segments keep in columns, and others as text."""
    some = events(random.Random(11), 100)
    lots = [some * 24, events(random.Random(12), 100)]
    await store.write([load(lot, tenant=tenant, received_at_us=NOON) for lot in lots])
    kept = {event.id: event async for block in store.read(Plan(), tenant) for event in block}
    lines = [line for lot in lots for line in lot]
    assert len(kept) == len(lines)
    return [seen_of(event, line) for line, event in zip(lines, (kept[each] for each in sorted(kept)), strict=True)]


async def test_a_census_counts_what_events_hold(used_store: Store, tenant: Tenant) -> None:
    seen = await awkward(used_store, tenant)
    for query in ("", "level:error OR a:*", 'NOT (b OR "card declined") a.b:*', "msg:*"):
        plan = Plan(filter=parse_filter(query, NOON))
        match = matcher(plan.filter)
        matched = [each for each in seen if match(each)]
        census = await used_store.census(plan, tenant, ALL)
        assert census.is_exact
        assert census.matched == len(matched)
        expected = counted(matched)
        found = told(census)
        assert sorted(found) == sorted(expected)
        for name, field in expected.items():
            assert found[name] == (field.events, field.types, field.values), (query, name)


async def test_the_values_of_one_field_are_those_of_all(used_store: Store, tenant: Tenant) -> None:
    seen = await awkward(used_store, tenant)
    expected = counted(seen)
    for name in ("level", "service", "message", ".level", "a.b", "a", "took", "tags", "x\0y", "no.such", "b.c"):
        census = await used_store.census(Plan(), tenant, Asked(10_000, field_named(name)))
        field = expected.get(name)
        assert told(census) == ({} if field is None else {name: (field.events, field.types, field.values)}), name
    messages = [str(value) for _, value in expected["message"].values]
    for prefix in {text[:1] for text in messages}:
        begun = await used_store.census(Plan(), tenant, Asked(10_000, Field("message"), prefix))
        found = [value for each in begun.fields for value, _ in each.values]
        assert sorted(map(str, found)) == sorted(text for text in messages if text.startswith(prefix))


async def test_the_most_frequent_values_come_first(used_store: Store, tenant: Tenant) -> None:
    lines = [{"color": color} for color in ["red"] * 5 + ["blue"] * 7 + ["green"] * 2 + ["grey"] * 2]
    await used_store.write([load(lines, tenant=tenant)])
    (field,) = (await used_store.census(Plan(), tenant, Asked(3))).fields
    assert field.values == [("blue", 7), ("red", 5), ("green", 2)]
    assert field.distinct == 4


async def test_a_census_is_of_a_time_range_and_a_tenant(used_store: Store, tenant: Tenant) -> None:
    lines = [{"timestamp": f"2026-11-23T12:00:0{second}Z", "n": second} for second in range(8)]
    await used_store.write([load(lines, tenant=tenant), load([{"other": 1}], tenant=Tenant(f"{tenant}-2"))])
    plan = Plan(start_us=NOON + 2_000_000, end_us=NOON + 5_000_000)
    found = {field.name: field for field in (await used_store.census(plan, tenant, ALL)).fields}
    assert sorted(found) == [".timestamp", "n"]
    assert found["n"].values == [(2, 1), (3, 1), (4, 1)]
    assert (await used_store.census(Plan(), Tenant(f"{tenant}-3"), ALL)) == Census(0, 0, [])


async def test_what_follows_an_event_is_in_order_of_time_then_id(used_store: Store, tenant: Tenant) -> None:
    times = [1, 1, 1, 2, 0, 2, 1, 3]
    lines = [{"timestamp": f"2026-11-23T12:00:0{second}Z", "n": n % 2} for n, second in enumerate(times)]
    await used_store.write([load(lines[:5], tenant=tenant)])
    await used_store.write([load(lines[5:], tenant=tenant)])
    newest = [event async for block in used_store.read(Plan(), tenant) for event in block]
    oldest = newest[::-1]
    for number, event in enumerate(oldest):
        position = Position(event.timestamp_us, event.id)
        following = await used_store.following(position, Plan(limit=3), tenant)
        assert [each.id for each in following] == [each.id for each in oldest[number + 1 : number + 4]]
    odd = Plan(limit=10, filter=parse_filter("n:1", NOON), end_us=NOON + 3_000_000)
    position = Position(oldest[0].timestamp_us, oldest[0].id)
    expected = [each for each in oldest[1:-1] if json.loads(each.data)["n"] == 1]
    assert list(await used_store.following(position, odd, tenant)) == expected


async def test_of_many_events_a_sample_tells(
    used_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room, bound in (("segments", "_MOST_EVENTS"), ("postgres", "_MOST_EVENTS"), ("postgres", "_MOST_OF_ONE_FIELD")):
        monkeypatch.setattr(f"cordwood.store.{room}.exploring.{bound}", 1_000)
    lines = [{"n": n, "kind": "rare" if n % 4 == 0 else "often"} for n in range(10_000)]
    await used_store.write([load(lines, tenant=tenant)])
    for plan in (Plan(), Plan(filter=parse_filter("n:>=2000", NOON))):
        census = await used_store.census(plan, tenant, Asked(10))
        assert not census.is_exact
        assert census.matched == (10_000 if plan == Plan() else 8_000)
        assert 800 <= census.examined <= 1_400
        found = {field.name: field for field in census.fields}
        (often, most), (rare, less) = found["kind"].values
        assert (often, rare) == ("often", "rare")
        assert most + less == found["kind"].events == found["n"].distinct == census.examined
        assert 0.15 < less / census.examined < 0.35
        assert await used_store.census(plan, tenant, Asked(10)) == census
    census = await used_store.census(Plan(end_us=1), tenant, Asked(10))
    assert census == Census(0, 0, [])
    few = await used_store.census(Plan(filter=parse_filter("n:<1500", NOON)), tenant, Asked(10))
    assert few.is_exact
    assert few.examined == 1_500


async def test_fields_that_no_event_of_a_sample_has_are_named_where_columns_tell(
    used_store: Store, tenant: Tenant, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cordwood.store.segments.exploring._MOST_EVENTS", 10)
    monkeypatch.setattr("cordwood.store.postgres.exploring._MOST_EVENTS", 10)
    lines = [{"n": n, **({"odd": True} if n < 300 else {})} for n in range(6_000)]
    await used_store.write([load(lines, tenant=tenant)])
    census = await used_store.census(Plan(), tenant, Asked(10))
    assert census.examined < 100
    if kind != "postgres":
        assert "odd" in {field.name for field in census.fields}
