"""What the book of alerts promises, asked of either place where it is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from cordwood.alerts.dashboards import Dashboards, Listed
from cordwood.alerts.interface import Measured, Tables
from cordwood.alerts.kept import SavedQueries
from cordwood.alerts.postgres import PostgresTables
from cordwood.alerts.service import Watching
from cordwood.alerts.sqlite import SqliteTables
from cordwood.errors import BadRequest, CordwoodError, NotFound, Unavailable
from cordwood.language.parser import parse_filter
from cordwood.model.alerts.rule import SavedQuery, Silence, Webhook
from cordwood.model.dashboard import Dashboard, Panel
from cordwood.model.search.pipes import Search
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.support.alerting import SETTINGS, US, Alerts, Hook, Values, history, rule
from tests.support.clock import SettableClock
from tests.support.waiting import eventually

Opens = Callable[[], Tables]

MINUTE_US = 60 * US
NOWHERE = Webhook("http://127.0.0.1:9/")


@pytest.fixture(params=["sqlite", "postgres"])
async def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Opens:
    """Opens the same place, each time it is called."""
    if request.param == "sqlite":
        return lambda: SqliteTables(tmp_path / "alerts.sqlite")
    url = request.getfixturevalue("postgres_url")
    async with PostgresStore(url, StoreSettings(partition_days_back=0, partition_days_ahead=0)) as store:
        await store.migrate()
    return lambda: PostgresTables(url)


@pytest.fixture
async def tables(opens: Opens) -> AsyncIterator[Tables]:
    async with opens() as opened:
        yield opened


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


def alerts_of(tables: Tables, clock: SettableClock, values: list[float | CordwoodError]) -> Alerts:
    """Each evaluation takes the next value; the last one stays."""
    return Alerts(tables, Values(lambda *_: values.pop(0) if len(values) > 1 else values[0]), clock)


async def minutes(alerts: Alerts, clock: SettableClock, number: int) -> None:
    for _ in range(number):
        clock.advance_us(MINUTE_US)
        assert await alerts.evaluate() == 1


async def test_saved_queries_are_kept_by_tenant_and_name(tables: Tables) -> None:
    saved = SavedQueries(tables)
    await saved.put(DEFAULT_TENANT, "b", SavedQuery(query="level:error", start="-1h"))
    await saved.put(DEFAULT_TENANT, "a", SavedQuery(query="old"))
    await saved.put(DEFAULT_TENANT, "a", SavedQuery(query='"new"\0'))
    assert list((await saved.all(DEFAULT_TENANT)).items()) == [
        ("a", SavedQuery(query='"new"\0')),
        ("b", SavedQuery(query="level:error", start="-1h")),
    ]
    assert await saved.all(Tenant("other")) == {}
    with pytest.raises(NotFound):
        await saved.get(Tenant("other"), "a")
    await saved.delete(DEFAULT_TENANT, "a")
    with pytest.raises(NotFound, match="no saved query 'a'"):
        await saved.delete(DEFAULT_TENANT, "a")


async def test_dashboards_are_kept_by_tenant_and_name(tables: Tables) -> None:
    kept, other = Dashboards(tables), Tenant("other")
    board = Dashboard(title="Käse", about="two\nlines", panels=(Panel(id="p", query='"\0"', x=0, y=0, w=1, h=1),))
    await kept.put(DEFAULT_TENANT, "b", Dashboard(title="B"), 2)
    await kept.put(DEFAULT_TENANT, "a", Dashboard(title="old"), 2)
    await kept.put(DEFAULT_TENANT, "a", board, 2)
    with pytest.raises(BadRequest, match="2 dashboards already"):
        await kept.put(DEFAULT_TENANT, "c", board, 2)
    assert await kept.get(DEFAULT_TENANT, "a") == board
    assert await kept.all(DEFAULT_TENANT) == [Listed("a", "Käse", "two\nlines", 1), Listed("b", "B", "", 0)]
    assert await kept.all(other) == []
    for use in (kept.get, kept.delete):
        with pytest.raises(NotFound):
            await use(other, "a")
    await kept.put(other, "a", Dashboard(title="theirs"), 1)
    await kept.delete(DEFAULT_TENANT, "a")
    with pytest.raises(NotFound, match="no dashboard 'a'"):
        await kept.delete(DEFAULT_TENANT, "a")
    assert (await kept.get(other, "a")).title == "theirs"


async def test_a_rule_fires_after_enough_matches_and_resolves(tables: Tables, clock: SettableClock) -> None:
    alerts = alerts_of(tables, clock, [11, 10, 11, 12, 13, 3])
    kept = await alerts.put("r", rule(NOWHERE, consecutive=2))
    assert await alerts.evaluate() == 0, "not before it is due"
    await minutes(alerts, clock, 6)
    entries, deliveries = await history(alerts.outbox)
    assert [(each.kind, each.value) for each in entries] == [("resolved", 3), ("firing", 12)]
    assert [each.at_us - kept.due_us for each in entries] == [5 * MINUTE_US, 3 * MINUTE_US]
    assert len({each.id for each in deliveries}) == 2
    state = (await alerts.book.rule(DEFAULT_TENANT, "r")).state
    assert (state.status, state.value, state.matches) == ("ok", 3, 0)


async def test_windows_end_a_delay_before_the_evaluation(tables: Tables, clock: SettableClock) -> None:
    values = Values(lambda *_: 0)
    alerts = Alerts(tables, values, clock, replace(SETTINGS, delay_s=7))
    kept = await alerts.put("r", rule(window="5m"))
    await minutes(alerts, clock, 1)
    end_us = kept.due_us - 7 * US
    assert values.asked == [(end_us - 5 * MINUTE_US, end_us)]


async def test_what_cannot_be_evaluated_becomes_unknown_and_never_resolves(
    tables: Tables, clock: SettableClock
) -> None:
    away = Unavailable("the store is away")
    values: list[float | CordwoodError] = [11, away]
    alerts = alerts_of(tables, clock, values)
    await alerts.put("r", rule(NOWHERE))
    await minutes(alerts, clock, 1)
    for _ in range(4):
        clock.advance_us(MINUTE_US)
        await alerts.evaluate()
    kept = await alerts.book.rule(DEFAULT_TENANT, "r")
    assert (kept.state.status, kept.state.error, kept.state.is_firing) == ("unknown", "the store is away", True)
    assert await alerts.kinds() == ["firing", "unknown"], "told once"
    values[:] = [12, 12, 12, 3]
    clock.advance_us(MINUTE_US)
    while await alerts.evaluate():
        pass
    assert await alerts.kinds() == ["firing", "unknown", "firing", "resolved"], "every missed minute is made up for"
    assert (await alerts.book.rule(DEFAULT_TENANT, "r")).state.skipped == 0


async def test_a_query_that_is_too_slow_is_told_and_tried_again(tables: Tables, clock: SettableClock) -> None:
    class Slow(Values):
        async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

    slow = Alerts(tables, Slow(lambda *_: 0), clock, replace(SETTINGS, timeout_s=0.05))
    kept = await slow.put("r", rule())
    clock.advance_us(MINUTE_US)
    assert await slow.evaluate() == 1
    after = await slow.book.rule(DEFAULT_TENANT, "r")
    assert after.due_us == kept.due_us
    assert "took longer than 0.05 s" in after.state.error
    assert await slow.evaluate() == 0, "not at once"
    clock.advance_us(2 * US)
    assert await slow.evaluate() == 1


async def test_one_slow_rule_holds_up_no_other(tables: Tables, clock: SettableClock) -> None:
    class Slow(Values):
        async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
            if search.filter == parse_filter("slow", 0):
                await asyncio.Event().wait()
            return Measured(0.0)

    alerts = Alerts(tables, Slow(lambda *_: 0), clock)
    await alerts.put("a", rule(query="slow"))
    await alerts.put("b", rule())
    stop = asyncio.Event()
    watching = Watching(alerts.evaluating, alerts.delivering, alerts.outbox, clock, SETTINGS)
    running = asyncio.create_task(watching.run(stop))

    async def is_evaluated() -> bool:
        kept = await alerts.book.rule(DEFAULT_TENANT, "b")
        return kept.due_us > clock.now_us()

    for _ in range(3):
        clock.advance_us(MINUTE_US)
        await eventually(is_evaluated, 10, "the other to be evaluated")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_was_missed_for_long_is_skipped_and_counted(tables: Tables, clock: SettableClock) -> None:
    alerts = alerts_of(tables, clock, [0])
    await alerts.put("r", rule())
    clock.advance_us(100 * MINUTE_US)
    evaluations = 0
    while await alerts.evaluate():
        evaluations += 1
    state = (await alerts.book.rule(DEFAULT_TENANT, "r")).state
    assert evaluations + state.skipped in (100, 101)
    assert 10 <= evaluations <= 12


async def test_a_silence_keeps_receivers_from_hearing_until_it_ends(tables: Tables, clock: SettableClock) -> None:
    alerts = alerts_of(tables, clock, [11])
    await alerts.put("r", rule(NOWHERE, labels={"team": "shop"}))
    silence = Silence(
        id=clock.batch_id(),
        rule=None,
        labels={"team": "shop", "severity": "warning"},
        start_us=clock.now_us(),
        end_us=clock.now_us() + 3 * MINUTE_US,
        comment="",
        author="me",
    )
    await alerts.silences.add(DEFAULT_TENANT, silence)
    await minutes(alerts, clock, 2)
    entries, deliveries = await history(alerts.outbox)
    assert [(each.kind, each.silence) for each in entries] == [("firing", silence.id)]
    assert deliveries == []
    await minutes(alerts, clock, 2)
    entries, deliveries = await history(alerts.outbox)
    assert [(each.kind, each.silence) for each in entries] == [("firing", None), ("firing", silence.id)]
    assert len(deliveries) == 1
    assert "silence has ended" in entries[0].note
    assert await alerts.silences.all(DEFAULT_TENANT, clock.now_us()) == []


async def test_of_a_resolution_nobody_hears_who_did_not_hear_of_the_firing(
    tables: Tables, clock: SettableClock
) -> None:
    alerts = alerts_of(tables, clock, [11, 0, 11, 0])
    await alerts.put("r", rule(NOWHERE, tells_resolved=False))
    await minutes(alerts, clock, 2)
    assert len((await history(alerts.outbox))[1]) == 1


async def test_a_changed_question_begins_anew_and_other_changes_do_not(tables: Tables, clock: SettableClock) -> None:
    alerts = alerts_of(tables, clock, [11])
    kept = await alerts.put("r", rule())
    await minutes(alerts, clock, 1)
    now = await alerts.book.rule(DEFAULT_TENANT, "r")
    await alerts.book.put_rule(replace(now, rule=rule(severity="critical")), is_new_question=False)
    assert (await alerts.book.rule(DEFAULT_TENANT, "r")).state.status == "firing"
    await alerts.book.put_rule(kept, is_new_question=True)
    assert (await alerts.book.rule(DEFAULT_TENANT, "r")).state.status == "ok"


async def test_a_rule_changed_under_way_is_not_concluded_for_the_old_one(tables: Tables, clock: SettableClock) -> None:
    alerts = alerts_of(tables, clock, [11])
    kept = await alerts.put("r", rule())
    clock.advance_us(MINUTE_US)
    (claim,) = await alerts.evaluating.take(5)
    await alerts.book.put_rule(kept, is_new_question=True)
    await alerts.evaluating.evaluate(claim)
    assert await alerts.kinds() == []


async def test_an_evaluation_is_given_to_one_and_to_another_once_the_lease_is_over(
    tables: Tables, clock: SettableClock
) -> None:
    alerts = alerts_of(tables, clock, [11])
    await alerts.put("r", rule(NOWHERE))
    clock.advance_us(MINUTE_US)
    (dead,) = await alerts.evaluating.take(5)
    assert await alerts.evaluating.take(5) == []
    clock.advance_us(2 * MINUTE_US)
    (second,) = await alerts.evaluating.take(5)
    assert second.kept.due_us == dead.kept.due_us
    await alerts.evaluating.evaluate(second)
    await alerts.evaluating.evaluate(dead)  # it was slow, not dead
    entries, deliveries = await history(alerts.outbox)
    assert (len(entries), len(deliveries)) == (1, 1)


async def test_many_evaluators_conclude_each_time_of_each_rule_once(opens: Opens, clock: SettableClock) -> None:
    """The value changes from minute to minute, so each evaluation is a transition, and shows in the history."""
    async with AsyncExitStack() as stack:
        several = [
            Alerts(
                await stack.enter_async_context(opens()),
                Values(lambda _, end_us: 11 if end_us // MINUTE_US % 2 else 0),
                clock,
            )
            for _ in range(4)
        ]
        names = [f"rule {number}" for number in range(6)]
        for name in names:
            await several[0].put(name, rule(NOWHERE, window="1m"))
        for _ in range(5):
            clock.advance_us(MINUTE_US)
            counts = await asyncio.gather(*(each.evaluate() for each in several * 2))
            assert sum(counts) == len(names)
        for name in names:
            entries, deliveries = await history(several[0].outbox, name)
            assert len(entries) in (4, 5), "the first may find it ok"
            assert len({each.at_us for each in entries}) == len(entries)
            assert sorted(each.entry for each in deliveries) == sorted(each.id for each in entries)


class TestDelivering:
    async def test_a_letter_is_tried_until_it_is_taken(self, tables: Tables, clock: SettableClock) -> None:
        with Hook() as hook:
            hook.statuses = [500, 302, 200]
            alerts = alerts_of(tables, clock, [11])
            await alerts.put("r", rule(Webhook(hook.url, "key")))
            await minutes(alerts, clock, 1)
            assert await alerts.deliver() == 1
            assert await alerts.deliver() == 0, "not at once again"
            for _ in range(2):
                clock.advance_us(MINUTE_US)
                assert await alerts.deliver() == 1
            (delivery,) = (await history(alerts.outbox))[1]
            assert (delivery.status, delivery.attempts, delivery.error) == ("delivered", 3, "")
            assert len({body["id"] for body in hook.bodies()}) == 1, "one id, to tell repetitions by"
            assert len(hook.got) == 3, "a redirect is not followed"
            clock.advance_us(60 * MINUTE_US)
            assert await alerts.deliver() == 0

    async def test_letters_to_one_receiver_keep_their_order(self, tables: Tables, clock: SettableClock) -> None:
        with Hook() as hook:
            hook.statuses = [503]
            alerts = alerts_of(tables, clock, [11, 0])
            await alerts.put("r", rule(Webhook(hook.url), Webhook(hook.url + "&other")))
            await minutes(alerts, clock, 2)
            for _ in range(3):
                await alerts.deliver()
                clock.advance_us(MINUTE_US)
            kinds = [body["kind"] for body in hook.bodies()]
            # The first lane's firing is refused once; its resolution waits, the other lane's does not.
            assert kinds == ["firing", "firing", "firing", "resolved", "resolved"]
            assert [each.status for each in (await history(alerts.outbox))[1]] == ["delivered"] * 4

    async def test_one_whose_sender_died_is_sent_by_another(self, tables: Tables, clock: SettableClock) -> None:
        with Hook() as hook:
            alerts = alerts_of(tables, clock, [11])
            await alerts.put("r", rule(Webhook(hook.url)))
            await minutes(alerts, clock, 1)
            (dead,) = await alerts.delivering.take(5)
            assert await alerts.deliver() == 0
            clock.advance_us(MINUTE_US)
            assert await alerts.deliver() == 1
            assert await alerts.outbox.settle(dead, "given_up", clock.now_us()) is False
            assert len(hook.got) == 1

    async def test_it_is_given_up_after_a_bound(self, tables: Tables, clock: SettableClock) -> None:
        alerts = alerts_of(tables, clock, [11])
        await alerts.put("r", rule(NOWHERE))
        await minutes(alerts, clock, 1)
        await alerts.deliver()
        clock.advance_us(25 * 60 * MINUTE_US)
        await alerts.deliver()
        (delivery,) = (await history(alerts.outbox))[1]
        assert (delivery.status, delivery.attempts) == ("given_up", 2)
        assert "127.0.0.1" in delivery.error

    async def test_old_history_is_forgotten_and_waiting_letters_are_not(
        self, tables: Tables, clock: SettableClock
    ) -> None:
        alerts = alerts_of(tables, clock, [11])
        await alerts.put("r", rule(NOWHERE))
        await minutes(alerts, clock, 1)
        await alerts.outbox.forget(clock.now_us() + MINUTE_US)
        assert await alerts.kinds() == []
        assert await alerts.deliver() == 1


async def test_a_transaction_that_is_given_up_leaves_nothing(tables: Tables) -> None:
    async def begin() -> None:
        async with tables.transaction() as rows:
            await rows.fetch("INSERT INTO saved_queries (tenant, name, query) VALUES ('default', 'x', '{}')")
            await asyncio.Event().wait()

    task = asyncio.create_task(begin())
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await task
    assert await SavedQueries(tables).all(DEFAULT_TENANT) == {}


async def test_a_change_and_what_tells_of_it_are_written_together_or_not_at_all(
    tables: Tables, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = alerts_of(tables, clock, [11])
    await alerts.put("r", rule(NOWHERE))

    async def fail(*_: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("cordwood.alerts.book.add_letters", fail)
        clock.advance_us(MINUTE_US)
        assert await alerts.evaluate() == 1
    assert await history(alerts.outbox) == ([], [])
    assert (await alerts.book.rule(DEFAULT_TENANT, "r")).state.status == "ok"
    clock.advance_us(60 * MINUTE_US)  # the claim is over
    while "firing" not in await alerts.kinds():
        assert await alerts.evaluate()
    entries, deliveries = await history(alerts.outbox)
    assert ([each.kind for each in entries], len(deliveries)) == (["firing"], 1)
