"""What explains a spike, of every store: causes that were planted are in front, and chance is told as nothing."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from cordwood.language.parser import parse
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.explain.explainer import Explainer
from cordwood.query.explain.shapes import Explained
from cordwood.query.explain.sides import Compared, Explain, sides_of
from cordwood.store.interface import Store
from tests.support.builders import load

NOON = 1_795_435_200_000_000
MINUTE = 60_000_000
Event = dict[str, Any]
EVERY = Explain(start="2026-11-23T12:00:00Z", end="2026-11-23T12:10:00Z")
assert NOON // 1_000_000 == 1_795_435_200


def noise(chance: random.Random, at_us: int) -> Event:
    """An event with twenty fields that tell nothing, one that is unique, and few of some."""
    event: Event = {f"noise{n}": chance.choice("abcdefgh"[: 2 + n % 7]) for n in range(20)}
    event |= {
        "timestamp": at_us,
        "request_id": f"{chance.getrandbits(64):016x}",
        "host": f"h{chance.randrange(10)}",
        "version": chance.choice(("1.0", "1.1")),
        "level": "info",
        "message": f"request {chance.randrange(1_000_000)} took {chance.randrange(900)} ms",
        "took_ms": chance.lognormvariate(4, 1),
        "bytes": chance.randrange(100_000),
        "received": at_us // 1000 - chance.randrange(600_000),
        "number": 4_000_000 + (at_us - NOON) // 1000,
    }
    return event


def minutes(chance: random.Random, first: int, behind: int, count: int) -> list[Event]:
    return [noise(chance, NOON + chance.randrange(first * MINUTE, behind * MINUTE)) for _ in range(count)]


def spike(chance: random.Random) -> list[Event]:
    """Ten quiet minutes, then ten in which one host with a new version fails."""
    before, after = minutes(chance, -10, 0, 400), minutes(chance, 0, 10, 700)
    for number, event in enumerate(after[:400]):
        event |= {"level": "error", "host": "h7", "message": f"card {chance.randrange(10**6)} declined by upstream"}
        if number < 360:
            event["version"] = "2.0"
    for event in before[:3]:
        event["rare"] = "before"
    for event in after[:3]:
        event["rare"] = "after"
    for event in before[:200]:
        event["retired"] = True
    chance.shuffle(after)
    return before + after


async def explained(store: Store, tenant: Tenant, asked: Explain = EVERY, limit: int = 10) -> Explained:
    return await Explainer(store).explained(sides_of(asked, NOON + 60 * MINUTE), tenant, limit)


@pytest.fixture
async def spiked(used_store: Store, tenant: Tenant) -> Store:
    await used_store.write([load(spike(random.Random(1)), tenant=tenant, received_at_us=NOON)])
    return used_store


async def test_what_was_planted_is_in_front(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant)
    assert (found.selection.events, found.baseline.events) == (700, 400)
    assert (found.selection.exact, found.baseline.exact) == (True, True)
    told = {(each.field, each.value): each for each in found.findings}
    front = [(each.field, each.value) for each in found.findings if each.change in ("new", "more")]
    assert set(front) == {("level", "error"), ("version", "2.0"), ("host", "h7")}
    new = told["version", "2.0"]
    assert (new.change, new.selection_events, new.baseline_events) == ("new", 360, 0)
    assert (new.selection, new.baseline) == (round(360 / 700, 6), 0)
    assert new.lift > 300
    assert [(each.field, each.value) for each in told["level", "error"].alike] == [(".level", "error")]
    assert told["host", "h7"].change == "more"
    assert not any(each.field.startswith("noise") for each in found.findings)


async def test_errors_are_explained_by_what_is_no_error(spiked: Store, tenant: Tenant) -> None:
    asked = Explain(query="level:error", baseline=Compared(query="-level:error"), limit=3)
    found = await explained(spiked, tenant, asked, 3)
    assert [(each.field, each.value) for each in found.findings[:2]] == [("version", "2.0"), ("host", "h7")]
    assert ".level" in found.left_out.asked
    assert not any(each.field in ("level", ".level") for each in found.findings)


async def test_only_a_query_is_compared_with_all_of_the_same_time(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant, Explain(query="level:error"))
    assert (found.selection.events, found.baseline.events) == (400, 1_100)
    assert {(each.field, each.value) for each in found.findings[:2]} == {("version", "2.0"), ("host", "h7")}


async def test_numbers_that_grew_are_told_as_a_range(used_store: Store, tenant: Tenant) -> None:
    chance = random.Random(11)
    before, after = minutes(chance, -10, 0, 600), minutes(chance, 0, 10, 600)
    for number, event in enumerate(after):
        event["took_ms"] *= 3
        event["bytes"] = event["bytes"] // 50 if number < 200 else event["bytes"]
    await used_store.write([load(before + after, tenant=tenant, received_at_us=NOON)])
    found = await explained(used_store, tenant)
    slower, smaller = found.findings
    assert (slower.field, slower.value, slower.change) == ("took_ms", UNSET, "more")
    assert slower.range is not UNSET
    assert slower.range.at_least is not None
    assert slower.query == f"took_ms:>={slower.range.at_least:.0f}"
    assert (smaller.field, smaller.change, smaller.query[:7]) == ("bytes", "more", "bytes:<")
    for each in found.findings:
        plan = replace(sides_of(EVERY, NOON).selection, filter=parse(each.query, NOON).filter)
        assert await used_store.count(plan, tenant) == each.selection_events
        assert each.exact
        assert each.example is not None


async def test_what_is_gone_is_told(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant)
    (gone,) = [each for each in found.findings if each.field == "retired"]
    assert (gone.change, gone.value, gone.baseline_events, gone.selection_events) == ("gone", True, 200, 0)
    assert gone.lift < 0.01
    assert not gone.complement


async def test_what_became_rarer_because_something_else_came_is_behind(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant, limit=50)
    behind = [each.complement for each in found.findings]
    assert behind == sorted(behind)
    assert {each.field for each in found.findings if each.complement} >= {"version", "level"}
    assert all(each.change in ("less", "gone") for each in found.findings if each.complement)


async def test_a_small_cause_is_in_front_of_a_greater_complement(used_store: Store, tenant: Tenant) -> None:
    """Every zone but the failing one is rarer; one of these is a greater difference than the new ones that came."""
    chance = random.Random(7)
    before, after = minutes(chance, -10, 0, 500), minutes(chance, 0, 10, 500)
    for event in before:
        event["zone"] = "old"
    for number, event in enumerate(after):
        event["zone"] = f"new{number % 10}"
    await used_store.write([load(before + after, tenant=tenant, received_at_us=NOON)])
    found = await explained(used_store, tenant, limit=50)
    assert [each.value for each in found.findings][-1] == "old"
    assert found.findings[-1].score > found.findings[0].score


async def test_what_few_events_have_and_what_is_unique_is_left_out(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant, limit=50)
    assert "request_id" in found.left_out.unique
    assert not any(each.field in ("rare", "request_id", "timestamp", ".timestamp") for each in found.findings)


async def test_an_example_has_what_was_found(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant)
    kept = {str(event.id): event.data async for block in spiked.read(Plan(), tenant) for event in block}
    for each in found.findings:
        assert each.example is not None
        assert each.field.lstrip(".").encode() in kept[each.example]
    (new,) = [each for each in found.findings if each.value == "2.0"]
    assert json.loads(kept[new.example or ""])["version"] == "2.0"


async def test_new_messages_are_in_front(spiked: Store, tenant: Tenant) -> None:
    found = await explained(spiked, tenant)
    first, second = found.patterns
    assert (first.change, first.selection_events, first.baseline_events) == ("new", 400, 0)
    assert "declined by upstream" in first.pattern
    assert first.example is not None
    assert first.example.message.endswith("declined by upstream")
    assert (second.change, second.selection_events, second.baseline_events) == ("less", 300, 400)
    assert (first.complement, second.complement) == (False, True)


async def test_halves_of_one_whole_differ_in_nothing(used_store: Store, tenant: Tenant) -> None:
    chance = random.Random(5)
    both = minutes(chance, -10, 0, 500) + minutes(chance, 0, 10, 500)
    await used_store.write([load(both, tenant=tenant, received_at_us=NOON)])
    found = await explained(used_store, tenant)
    assert (found.findings, found.patterns) == ([], [])


async def test_a_value_behind_the_list_of_the_other_side_is_counted(used_store: Store, tenant: Tenant) -> None:
    """Of fields with many values only the most frequent are listed; a value behind them is not taken for new."""
    chance = random.Random(6)
    before, after = minutes(chance, -10, 0, 600), minutes(chance, 0, 10, 600)
    for number, event in enumerate(before):
        event["path"] = f"/{number % 50}" if number >= 20 else "/slow"
    for number, event in enumerate(before):
        if number < 10:
            event["path"] = "/slow"
        elif number < 20:
            event["path"] = "/0"
    for number, event in enumerate(after):
        event["path"] = "/slow" if number < 200 else f"/{number % 50}"
    await used_store.write([load(before + after, tenant=tenant, received_at_us=NOON)])
    found = await explained(used_store, tenant)
    assert [(each.field, each.value) for each in found.findings] == [("path", "/slow")]
    (slow,) = found.findings
    assert (slow.change, slow.selection_events, slow.baseline_events, slow.exact) == ("more", 200, 10, True)


async def test_of_a_sample_what_is_told_is_counted_exactly(
    spiked: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("segments", "postgres"):
        monkeypatch.setattr(f"cordwood.store.{room}.exploring._MOST_EVENTS", 150)
    monkeypatch.setattr("cordwood.query.explain.messages._MOST_MINED", 150)
    found = await explained(spiked, tenant, limit=3)
    assert (found.selection.events, found.selection.exact, found.baseline.exact) == (700, False, False)
    new = {(each.field, each.value): each for each in found.findings}["level", "error"]
    assert (new.change, new.selection_events, new.baseline_events, new.exact) == ("new", 400, 0, True)
    (pattern,) = [each for each in found.patterns if "declined" in each.pattern]
    # Not counted as a whole: that it was never there before is not said.
    assert (pattern.change, pattern.exact) == ("more", False)
    assert 300 < pattern.selection_events < 500


async def test_tenants_are_apart(spiked: Store, tenant: Tenant) -> None:
    other = Tenant(f"{tenant}-other")
    await spiked.write([load(minutes(random.Random(8), 0, 10, 50), tenant=other, received_at_us=NOON)])
    found = await explained(spiked, other)
    assert (found.selection.events, found.baseline.events, found.findings) == (50, 0, [])
    assert (await explained(spiked, tenant)).selection.events == 700


async def test_where_a_side_is_empty_nothing_is_found(spiked: Store, tenant: Tenant) -> None:
    for asked in (
        Explain(start="2026-11-23T11:50:00Z", end="2026-11-23T12:00:00Z"),
        Explain(query="service:nothing"),
        Explain(query="service:nothing", baseline=Compared(query="service:neither")),
    ):
        found = await explained(spiked, tenant, asked)
        assert 0 in (found.selection.events, found.baseline.events)
        assert (found.findings, found.patterns) == ([], [])


AWKWARD: list[Callable[[int], Any]] = [
    lambda n: n % 2 == 0,
    lambda n: [n],
    lambda n: {"": {"a.b": n % 2}},
    lambda n: 2**63 + n % 2,
    lambda n: 1e300,
    lambda n: "\x00\u202e'\"\\; DROP",
    lambda n: 0.1,
    lambda n: -0.0,
    lambda n: "x" * 10_000,
]


@pytest.mark.parametrize("name", ["a", "a b", "", "a.b", ".a", '"', "%s", "level", "_id", "$1", "é"])
async def test_awkward_names_and_values_are_compared(used_store: Store, tenant: Tenant, name: str) -> None:
    events: list[Event] = [
        {"timestamp": NOON + number, "n": number, f"{name}{kind or ''}": value(number)}
        for kind, value in enumerate(AWKWARD)
        for number in range(30)
    ]
    events += [{"timestamp": NOON - 1 - number, "n": number % 30} for number in range(270)]
    await used_store.write([load(events, tenant=tenant, received_at_us=NOON)])
    found = await explained(used_store, tenant, limit=50)
    assert found.findings
    assert all(each.change == "new" and each.exact and each.example for each in found.findings), found.findings
