"""Rules whose query has pipes, asked of both stores."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from cordwood.alerts.settings import AlertSettings
from cordwood.alerts.sqlite import SqliteTables
from cordwood.cache.memory import MemoryCache
from cordwood.cache.settings import CacheSettings
from cordwood.model.alerts.found import Found, HeldGroup
from cordwood.model.alerts.notice import Notice
from cordwood.model.alerts.rule import Rule, Silence, Webhook
from cordwood.model.tenant import DEFAULT_TENANT
from cordwood.query.alerts.backtest import BackTester
from cordwood.query.alerts.values import EngineEvaluator
from cordwood.query.engine import Engine
from cordwood.query.settings import QuerySettings
from cordwood.store.interface import Store
from tests.interface.test_store import NOON, at
from tests.support.alerting import SETTINGS, US, Alerts, history
from tests.support.builders import load
from tests.support.clock import SettableClock

MINUTE_US = 60 * US
NOWHERE = Webhook("http://127.0.0.1:9/")
LINES = replace(SETTINGS, lines=2)
SLOW = "service:checkout | stats p99(ms) as slow by host"


@pytest.fixture(params=["segments", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def evaluator(store: Store) -> EngineEvaluator:
    return EngineEvaluator(Engine(store, MemoryCache(1 << 20), QuerySettings(), CacheSettings()))


@pytest.fixture
async def alerts(evaluator: EngineEvaluator, tmp_path: Path) -> AsyncIterator[Alerts]:
    """With a clock at noon."""
    clock = SettableClock()
    clock.advance_us(NOON - clock.now_us())
    async with SqliteTables(tmp_path / "alerts.sqlite") as tables:
        yield Alerts(tables, evaluator, clock, LINES)


async def fill(store: Store, *events: dict[str, Any]) -> None:
    await store.write([load([{"service": "checkout", **event} for event in events])])


async def next_minute(alerts: Alerts) -> None:
    assert isinstance(alerts.clock, SettableClock)
    alerts.clock.advance_us(MINUTE_US)
    assert await alerts.evaluate() == 1


def made(query: str, condition: str, **members: Any) -> Rule:
    return Rule(query=query, condition=condition, window="1m", interval="1m", receivers=(NOWHERE,), **members)


async def told(alerts: Alerts) -> list[Notice]:
    """What waits to be sent, in order."""
    notices: list[Notice] = []
    while taken := await alerts.delivering.take(100):
        for each in taken:
            notices.append(each.letter.notice)
            await alerts.outbox.settle(each, "delivered", alerts.clock.now_us())
    return notices


FIVE = (
    at(1, host="pay-1", ms=510, user="a"),
    at(2, host="pay-2", ms=40, user="b"),
    at(3, host="pay-3", ms=812, user="a"),
    at(4, host="pay-4", ms=600),
    at(5, host="pay-5"),
)


CASES: Sequence[tuple[str, str, tuple[str, float | None, list[tuple[dict[str, str], float]]]]] = (
    (SLOW, "> 500", ("firing", 812, [({"host": "pay-3"}, 812), ({"host": "pay-4"}, 600)])),
    (SLOW, "< 50", ("firing", 40, [({"host": "pay-2"}, 40)])),
    (SLOW, "= 601", ("ok", 600, [])),
    (SLOW, "= 600", ("firing", 600, [({"host": "pay-4"}, 600)])),
    (SLOW, "> 812.5", ("ok", 812, [])),
    (f"{SLOW} | where slow > 800", "> 0", ("firing", 812, [({"host": "pay-3"}, 812)])),
    (f"{SLOW} | where slow > 900", "< 5", ("ok", None, [])),
    (f"{SLOW} | where slow > 900", "no matches", ("firing", 0, [])),
    (SLOW, "no matches", ("ok", 5, [])),
    ("host:pay-5 | stats max(ms) by host", "< 5", ("ok", None, [])),
    ("service:none | stats count()", "< 1", ("firing", 0, [({}, 0)])),
    ("service:none | stats count() by host", "< 1", ("ok", None, [])),
    ("service:checkout | stats count_distinct(user) as users", ">= 2", ("firing", 2, [({}, 2)])),
    ("service:checkout | stats min(ms) as m | eval r = m / -80", "<= -0.5", ("firing", -0.5, [({}, -0.5)])),
    ("service:checkout | where ms > 500", ">= 3", ("firing", 3, [])),
    ("service:checkout | dedup user | where ms > 100", "= 1", ("firing", 1, [])),
    ("service:none | where ms > 500", "no matches", ("firing", 0, [])),
)
"""Query and condition; status, value and groups at 12:01."""


async def test_the_number_of_any_row_is_compared(store: Store, alerts: Alerts) -> None:
    await fill(store, *FIVE, at(-1, host="pay-6", ms=9999), at(60, host="pay-7", ms=9999))
    for number, (query, condition, _) in enumerate(CASES):
        members = {"value": "r"} if "eval r" in query else {}
        await alerts.put(f"r{number}", made(query, condition, **members))
    assert isinstance(alerts.clock, SettableClock)
    alerts.clock.advance_us(MINUTE_US)
    assert await alerts.evaluate() == len(CASES)
    for number, (query, condition, expected) in enumerate(CASES):
        state = (await alerts.book.rule(DEFAULT_TENANT, f"r{number}")).state
        groups = () if state.found is UNSET else state.found.groups
        found = (state.status, state.value, [(dict(each.by), each.value) for each in groups])
        assert (state.error, found) == ("", expected), (query, condition)


async def test_the_message_and_the_history_tell_which_groups_held(store: Store, alerts: Alerts) -> None:
    await fill(store, *FIVE, at(61, host="pay-\x1b[2J", ms=300))
    await alerts.put("r", made(SLOW, "> 500"))
    await next_minute(alerts)
    await next_minute(alerts)
    firing, resolved = await told(alerts)
    assert (firing.kind, firing.value) == ("firing", 812)
    assert firing.lines == ("host=pay-3 slow=812", "host=pay-4 slow=600")
    assert firing.note == "groups that hold: 3, shown: 2"
    assert (resolved.kind, resolved.value, resolved.found, resolved.lines) == ("resolved", 300, Found("slow"), ())
    entries = (await history(alerts.outbox))[0]
    held = (HeldGroup({"host": "pay-3"}, 812), HeldGroup({"host": "pay-4"}, 600))
    assert [each.found for each in entries] == [Found("slow"), Found("slow", held)]


async def test_labels_are_harmless_and_bounded(store: Store, alerts: Alerts) -> None:
    await fill(store, at(1, host="\x1b[2J\u202e" + "x" * 5000, zone=[1, "a"], n=2**70))
    await alerts.put("r", made("service:checkout | stats max(n) as n by host, zone", "> 1"))
    await next_minute(alerts)
    (firing,) = await told(alerts)
    assert firing.found is not UNSET
    ((group,), (line,)) = firing.found.groups, firing.lines
    assert str(group.by["host"]).startswith("\\x1b[2J\\u202exxx")
    assert len(str(group.by["host"])) <= 300
    assert len(line) <= 300
    assert line.endswith(" n=1.1805916207174113e+21")


async def test_events_that_pipes_leave_are_counted_and_told(store: Store, alerts: Alerts) -> None:
    await fill(store, *(at(n, ms=n, message=f"took {n}") for n in range(1, 9)))
    await alerts.put("r", made("service:checkout | eval slow = ms * 2 | where slow > 10", ">= 3"))
    await next_minute(alerts)
    (firing,) = await told(alerts)
    assert (firing.value, firing.found) == (3, UNSET)
    assert [line[-6:] for line in firing.lines] == ["took 8", "took 7"]


async def test_more_groups_than_are_asked_about_make_it_unknown(store: Store, alerts: Alerts) -> None:
    await fill(store, at(1, host="one", ms=700), *(at(61, host=f"h{number}", ms=number) for number in range(10_001)))
    await alerts.put("r", made("service:checkout | stats max(ms) as slow by host", "> 500"))
    for _ in range(4):
        await next_minute(alerts)
    state = (await alerts.book.rule(DEFAULT_TENANT, "r")).state
    assert (state.status, state.is_firing) == ("unknown", True)
    assert state.error == "the table of the query has more than 10,000 rows"
    firing, unknown = await told(alerts)
    assert (firing.kind, firing.lines) == ("firing", ("host=one slow=700",))
    assert (unknown.kind, unknown.error, unknown.found) == ("unknown", state.error, Found("slow"))


async def test_a_silence_tells_the_groups_of_the_evaluation_in_which_it_ends(store: Store, alerts: Alerts) -> None:
    await fill(store, at(1, host="early", ms=700), at(61, host="late", ms=800))
    await alerts.put("r", made(SLOW, "> 500"))
    silence = Silence(
        id=alerts.clock.batch_id(),
        rule="r",
        labels={},
        start_us=NOON,
        end_us=NOON + MINUTE_US + 1,
        comment="",
        author="me",
    )
    await alerts.silences.add(DEFAULT_TENANT, silence)
    await next_minute(alerts)
    assert await told(alerts) == []
    await next_minute(alerts)
    (firing,) = await told(alerts)
    assert (firing.kind, firing.lines) == ("firing", ("host=late slow=800",))


class TestBacktest:
    EVENTS: Sequence[dict[str, Any]] = tuple(
        at(-60 * minutes + 1, host=host, ms=ms)
        for minutes, host, ms in [
            (3, "a", 100),
            (5, "a", 600),
            (5, "b", 20),
            (6, "a", 501),
            (6, "b", 900),
            (9, "b", 700),
        ]
    )

    async def test_every_evaluation_is_asked_for(self, store: Store, evaluator: EngineEvaluator) -> None:
        await fill(store, *self.EVENTS)
        rule = replace(made(SLOW.replace("p99", "max"), "> 500"), interval="1h", window="1h")
        tried = await BackTester(evaluator, AlertSettings(delay_s=0)).run(rule, 1, DEFAULT_TENANT, NOON)
        assert (tried.complete, tried.evaluations, tried.counts) == (True, 24, 24)
        assert (tried.matches, tried.fired, tried.value) == (1, 1, "slow")
        assert [(each.start[:19], each.peak) for each in tried.firings] == [("2026-11-23T12:00:00", 900)]

    async def test_its_bound_leaves_the_latest_and_says_how_far_back(
        self, store: Store, evaluator: EngineEvaluator
    ) -> None:
        await fill(store, *self.EVENTS)
        tester = BackTester(evaluator, AlertSettings(delay_s=0, backtest_counts=7))
        tried = await tester.run(made(SLOW, "> 500"), 1, DEFAULT_TENANT, NOON)
        assert (tried.complete, tried.evaluations, tried.counts) == (False, 7, 7)
        assert (tried.start[:19], tried.matches) == ("2026-11-23T11:54:00", 2)
        assert [(each.start[11:16], (each.end or "")[11:16], each.peak) for each in tried.firings] == [
            ("11:55", "11:57", 900)
        ]
