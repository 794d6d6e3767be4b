"""What operators see of every store: counts and percentiles by tenant, from the books and the catalog."""

from cordwood.clock import SystemClock
from cordwood.model.deadletter import DeadLetter
from cordwood.model.plan import Plan
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Equals
from cordwood.model.tenant import Tenant
from cordwood.query.operating.room import answer_of
from cordwood.store.interface import Load, Store
from tests.support.builders import load

SECOND = 1_000_000
OTHER = Tenant("other-than-any")


def dead(made: Load) -> Load:
    """Its first event is a dead letter."""
    header = made.batch.header
    letter = DeadLetter(
        batch_id=header.id,
        ordinal=0,
        tenant=header.tenant,
        protocol="json",
        reason="it will not do",
        received_at_us=header.received_at_us,
        body=b"{}" * 10_000,
        events=1,
    )
    return Load(made.batch, b"{}\n" + made.ndjson.partition(b"\n")[2], [letter])


async def test_percentiles_are_of_the_batches_accepted_and_recorded_since(used_store: Store, tenant: Tenant) -> None:
    now_us = SystemClock().now_us()
    waited = [load(tenant=tenant, received_at_us=now_us - seconds * SECOND) for seconds in range(1, 101)]
    await used_store.write([*waited, load(tenant=OTHER, received_at_us=now_us - 900 * SECOND)])
    hour_us = now_us - 3600 * SECOND
    told = await used_store.latency(tenant, hour_us, hour_us, 1000)
    assert told is not None
    took_us = SystemClock().now_us() - now_us
    assert told.batches == 100
    for value_us, seconds in ((told.p50_us, 50), (told.p99_us, 99), (told.max_us, 100)):
        assert 0 <= value_us - seconds * SECOND <= took_us + SECOND // 100
    few = await used_store.latency(tenant, hour_us, hour_us, 10)
    assert few is not None
    assert (few.batches, few.max_us // SECOND) == (10, told.max_us // SECOND - 90), "those that were accepted last"
    late = await used_store.latency(tenant, now_us - 20 * SECOND - SECOND // 2, hour_us, 1000)
    assert late is not None
    assert late.batches == 20
    assert await used_store.latency(tenant, hour_us, now_us + 3600 * SECOND, 1000) is None, "none was recorded since"
    assert await used_store.latency(Tenant("nobody"), hour_us, hour_us, 1000) is None


async def test_one_batch_is_every_percentile(used_store: Store, tenant: Tenant) -> None:
    now_us = SystemClock().now_us()
    ahead = load(tenant=tenant, received_at_us=now_us + 900 * SECOND)
    await used_store.write([ahead])
    told = await used_store.latency(tenant, 0, 0, 1000)
    assert told is not None, "accepted by a clock that is ahead"
    assert (told.batches, told.p50_us, told.p99_us, told.max_us) == (1, 0, 0, 0)


async def test_a_gauge_counts_what_one_tenant_has(used_store: Store, kind: str, tenant: Tenant) -> None:
    await used_store.write(
        [
            load([{"n": 1}, {"n": 2}], tenant=tenant),
            dead(load([{"n": 3}, {"n": 4}], tenant=tenant)),
            load([{"n": 5}] * 7, tenant=OTHER),
        ]
    )
    told = await used_store.gauge(tenant)
    assert (told.events, told.dead_letters, told.dead_events) == (3, 1, 1)
    if kind == "postgres":
        assert (told.kind, told.segments, told.bytes) == ("postgresql", None, None)
    else:
        assert told.kind == ("both" if kind == "both" else "segments")
        assert told.segments is not None
        assert told.segments >= 1
        assert told.bytes is not None
        assert told.bytes > 0
    await used_store.delete(Plan(filter=Equals(Field("n"), "1")), tenant, "a test", dry_run=False)
    assert (await used_store.gauge(tenant)).events == 2
    empty = await used_store.gauge(Tenant("nobody"))
    assert (empty.events, empty.segments or 0, empty.bytes or 0, empty.dead_letters, empty.dead_events) == (0,) * 5


async def test_a_look_into_the_store_tells_nothing_of_others(used_store: Store, kind: str, tenant: Tenant) -> None:
    await used_store.write(
        [
            load([{"service": "ours", "n": n} for n in range(3)], tenant=tenant),
            load([{"service": "theirs", "secret": "x" * 1000, "n": n} for n in range(100)], tenant=OTHER),
        ]
    )
    told = answer_of(await used_store.survey(tenant), tenant)
    assert (told.events, [(each.service, each.events) for each in told.services]) == (3, [("ours", 3)])
    assert "secret" not in {each.field for each in told.fields}
    if kind == "postgres":
        assert (told.rows, told.segments, told.bytes, told.parts) == (3, None, None, [])
    else:
        assert told.bytes == (await used_store.gauge(tenant)).bytes
        assert sum(each.bytes for each in told.parts) == told.bytes
        assert "service" in {each.field for each in told.fields}
        assert told.rows == (3 if kind == "both" else None)
    nothing = answer_of(await used_store.survey(Tenant("nobody")), Tenant("nobody"))
    assert (nothing.events, nothing.bytes or 0, nothing.services, nothing.fields) == (0, 0, [], [])
