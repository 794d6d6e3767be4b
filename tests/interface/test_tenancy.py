"""What `tenancy.interface` promises, asked of either place where keys and limits are kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cordwood.clock import SystemClock
from cordwood.errors import ConfigError, NotFound, Unavailable
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from cordwood.tenancy.configured import configured_grants
from cordwood.tenancy.door import Door
from cordwood.tenancy.interface import SCOPES, Limits, Scope, StoredKey, Tenancy
from cordwood.tenancy.keys import digest_of, new_key
from cordwood.tenancy.postgres import PostgresTenancy
from cordwood.tenancy.sqlite import SqliteTenancy
from tests.support.servers import free_port
from tests.support.waiting import eventually

Opens = Callable[[], Tenancy]

ACME = Tenant("acme")
NOW_US = 1_795_500_000_000_001


@pytest.fixture(params=["sqlite", "postgres"])
async def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Opens:
    """Opens the same place, each time it is called."""
    if request.param == "sqlite":
        return lambda: SqliteTenancy(tmp_path / "keys.sqlite")
    url = request.getfixturevalue("postgres_url")
    async with PostgresStore(url, StoreSettings(partition_days_back=0, partition_days_ahead=0)) as store:
        await store.migrate()
    return lambda: PostgresTenancy(url)


@pytest.fixture
async def tenancy(opens: Opens) -> AsyncIterator[Tenancy]:
    async with opens() as opened:
        yield opened


async def added(
    tenancy: Tenancy,
    *scopes: Scope,
    tenant: Tenant = ACME,
    created_at_us: int = NOW_US,
    expires_at_us: int | None = None,
) -> tuple[str, StoredKey]:
    """A new key, kept."""
    key, key_id = new_key()
    stored = StoredKey(
        id=key_id,
        tenant=tenant,
        scopes=frozenset(scopes or ("ingest",)),
        name="a note, with 'quotes'",
        created_at_us=created_at_us,
        expires_at_us=expires_at_us,
    )
    await tenancy.add(stored, digest_of(key))
    return key, stored


class TestBooks:
    async def test_a_key_comes_back_as_it_was_kept(self, tenancy: Tenancy, opens: Opens) -> None:
        _, first = await added(tenancy, "admin", "query", expires_at_us=NOW_US + 1)
        _, second = await added(tenancy, created_at_us=NOW_US + 1)
        async with opens() as other:
            assert list(await other.keys()) == [first, second]

    async def test_only_the_digest_is_kept(self, tenancy: Tenancy) -> None:
        key, stored = await added(tenancy)
        snapshot = await tenancy.snapshot(None)
        assert snapshot is not None
        assert snapshot.keys == {digest_of(key): stored}
        assert key.rpartition("_")[2] not in repr(snapshot)

    async def test_a_key_is_revoked_once(self, tenancy: Tenancy) -> None:
        _, stored = await added(tenancy)
        assert (await tenancy.revoke(stored.id, NOW_US + 5)).revoked_at_us is None
        assert (await tenancy.revoke(stored.id, NOW_US + 9)).revoked_at_us == NOW_US + 5
        assert [key.revoked_at_us for key in await tenancy.keys()] == [NOW_US + 5]
        with pytest.raises(NotFound, match="no key with the id 'nobody'"):
            await tenancy.revoke("nobody", NOW_US)

    async def test_another_tenants_key_is_not_there(self, tenancy: Tenancy) -> None:
        _, ours = await added(tenancy)
        _, theirs = await added(tenancy, tenant=DEFAULT_TENANT)
        assert [key.id for key in await tenancy.keys(ACME)] == [ours.id]
        assert await tenancy.keys(Tenant("nobody")) == []
        with pytest.raises(NotFound, match=f"no key with the id '{ours.id}'"):
            await tenancy.revoke(ours.id, NOW_US, DEFAULT_TENANT)
        assert [key.revoked_at_us for key in await tenancy.keys()] == [None, None]
        assert (await tenancy.revoke(theirs.id, NOW_US, DEFAULT_TENANT)).id == theirs.id

    async def test_a_use_is_noted_and_never_moved_back(self, tenancy: Tenancy) -> None:
        _, one = await added(tenancy)
        _, two = await added(tenancy)
        await tenancy.mark_used([one.id, "gone"], NOW_US + 5)
        await tenancy.mark_used([one.id], NOW_US + 3)
        used = {key.id: key.last_used_at_us for key in await tenancy.keys()}
        assert used == {one.id: NOW_US + 5, two.id: None}

    async def test_limits_are_set_removed_and_kept_apart(self, tenancy: Tenancy) -> None:
        assert await tenancy.limits() == {}
        await tenancy.change_limits(ACME, {"daily_bytes": 1 << 40, "retention_days": 30})
        assert await tenancy.change_limits(ACME, {"rate_events_per_s": 5, "daily_bytes": None}) == Limits(
            rate_events_per_s=5, retention_days=30
        )
        await tenancy.change_limits(DEFAULT_TENANT, {"rate_bytes_per_s": 7})
        assert await tenancy.limits() == {
            ACME: Limits(rate_events_per_s=5, retention_days=30),
            DEFAULT_TENANT: Limits(rate_bytes_per_s=7),
        }
        assert await tenancy.retention_days() == {ACME: 30}

    async def test_every_change_shows_in_the_next_snapshot(self, tenancy: Tenancy, opens: Opens) -> None:
        async with opens() as watcher:
            version: int | None = None

            async def changed() -> None:
                nonlocal version
                snapshot = await watcher.snapshot(version)
                assert snapshot is not None
                version = snapshot.version
                assert await watcher.snapshot(version) is None

            await changed()
            _, stored = await added(tenancy)
            await changed()
            await tenancy.revoke(stored.id, NOW_US)
            await changed()
            await tenancy.change_limits(ACME, {"daily_bytes": 1})
            await changed()
            await tenancy.mark_used([stored.id], NOW_US)
            assert await watcher.snapshot(version) is None, "a use makes nobody read everything again"

    async def test_changes_made_at_once_are_all_kept(self, opens: Opens) -> None:
        async with opens() as one, opens() as two:
            await asyncio.gather(*(added(each) for each in (one, two) * 20))
            assert len(await one.keys()) == 40
            snapshot = await two.snapshot(None)
            assert snapshot is not None
            assert snapshot.version == 41


class TestDoor:
    async def test_a_new_key_opens_and_a_revoked_one_closes_within_a_second(self, opens: Opens) -> None:
        async with opens() as books, opens() as one, opens() as two:
            key, stored = await added(books, "query")
            async with door(one) as first, door(two) as second:
                for each in (first, second):
                    grant = each.grant(key)
                    assert grant is not None
                    assert (grant.tenant, grant.scopes) == (ACME, frozenset({"query"}))
                late, _ = await added(books)
                await books.revoke(stored.id, NOW_US)

                async def is_known_everywhere() -> bool:
                    return all(each.grant(late) and not each.grant(key) for each in (first, second))

                await eventually(is_known_everywhere, 1, "both to know")

    async def test_a_wrong_key_opens_nothing(self, tenancy: Tenancy) -> None:
        key, _ = await added(tenancy)
        async with door(tenancy) as opened:
            for wrong in (None, "", "x", key[:-1], key + "0", key.upper(), digest_of(key).hex(), "\x00\xff"):
                assert opened.grant(wrong) is None

    async def test_who_changes_keys_knows_of_it_at_once(self, tenancy: Tenancy) -> None:
        await added(tenancy)
        async with door(tenancy) as opened:
            key, stored = await added(tenancy)
            await opened.refresh()
            assert opened.grant(key)
            await tenancy.revoke(stored.id, NOW_US)
            await opened.refresh()
            assert opened.grant(key) is None

    async def test_a_key_ends_with_its_life(self, tenancy: Tenancy) -> None:
        clock = HeldClock(NOW_US)
        key, _ = await added(tenancy, expires_at_us=NOW_US + 10)
        async with Door(tenancy, {}, clock, may_be_open=True) as opened:
            clock.us = NOW_US + 9
            assert opened.grant(key)
            clock.us = NOW_US + 10
            assert opened.grant(key) is None
            assert opened.grant(None) is None

    async def test_configured_keys_open_beside_stored_ones(self, tenancy: Tenancy) -> None:
        key, _ = await added(tenancy)
        async with Door(
            tenancy, configured_grants("other:0123456789abcdef"), SystemClock(), may_be_open=True
        ) as opened:
            granted = opened.grant("0123456789abcdef")
            assert granted is not None
            assert (granted.tenant, granted.scopes) == (Tenant("other"), frozenset(SCOPES))
            assert opened.grant(key)
            assert opened.grant(None) is None

    async def test_it_is_open_until_the_first_key_and_never_again(self, tenancy: Tenancy) -> None:
        async with Door(tenancy, {}, SystemClock(), may_be_open=True) as opened:
            granted = opened.grant(None)
            assert granted is not None
            assert granted.tenant == DEFAULT_TENANT
            _, stored = await added(tenancy)

            async def is_closed() -> bool:
                return opened.grant(None) is None

            await eventually(is_closed, 1, "the door to close")
            await tenancy.revoke(stored.id, NOW_US)
        async with Door(tenancy, {}, SystemClock(), may_be_open=True) as opened:
            assert opened.grant(None) is None

    async def test_where_others_can_reach_it_it_needs_a_key(self, tenancy: Tenancy) -> None:
        with pytest.raises(ConfigError, match="no api keys"):
            await door(tenancy).__aenter__()
        await added(tenancy)
        async with door(tenancy) as opened:
            assert opened.grant(None) is None

    async def test_uses_are_noted_now_and_then_and_at_the_end(self, tenancy: Tenancy) -> None:
        key, _ = await added(tenancy)

        async def is_noted() -> bool:
            return (await tenancy.keys())[0].last_used_at_us is not None

        async with Door(tenancy, {}, SystemClock(), may_be_open=False, note_uses_s=0.1) as opened:
            assert not await is_noted()
            opened.grant(key)
            await eventually(is_noted, 2, "the use to be noted")
        late, _ = await added(tenancy, created_at_us=NOW_US - 1)
        async with door(tenancy) as opened:
            opened.grant(late)
        assert await is_noted()


async def test_keys_that_could_never_be_read_are_no_wrong_keys() -> None:
    async with PostgresTenancy(f"postgresql://postgres@127.0.0.1:{free_port()}/none") as tenancy:
        async with Door(tenancy, configured_grants("0123456789abcdef"), SystemClock(), may_be_open=True) as opened:
            assert opened.grant("0123456789abcdef")
            assert opened.grant(None) is None
            with pytest.raises(Unavailable, match="keys could not be read"):
                opened.grant(new_key()[0])
            await opened.check()
        async with Door(tenancy, {}, SystemClock(), may_be_open=True) as opened:
            with pytest.raises(Unavailable):
                opened.grant(None)
            with pytest.raises(Unavailable):
                await opened.check()


def door(tenancy: Tenancy) -> Door:
    """As on an address that others can reach."""
    return Door(tenancy, {}, SystemClock(), may_be_open=False)


class HeldClock(SystemClock):
    def __init__(self, us: int) -> None:
        self.us = us

    def now_us(self) -> int:
        return self.us
