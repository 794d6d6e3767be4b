"""`/api/v1/keys`: the caller's tenant's own api keys."""

from collections.abc import Awaitable, Callable

import structlog
from msgspec.structs import asdict, replace
from starlette.requests import Request
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest, Forbidden, Unconfirmed
from cordwood.neutral import neutral
from cordwood.query.alerts.asking import granted, route
from cordwood.query.asked import json_body
from cordwood.query.operating.shapes import KeyList, MadeKey, NewKey
from cordwood.tenancy.interface import Grant, KeyBook, Keys
from cordwood.tenancy.issuing import KeyEntry, Wanted, entry_of, id_in, issued
from cordwood.tenancy.keys import digest_of

log = structlog.get_logger()

_MOST_KEYS = 10_000
"""Of a tenant, ever made: every process holds them all."""


class KeyRoutes:
    """Of one tenant: what a key may not see is not there for it. `heed` makes this process know of a change at once;
    the others do within a second."""

    def __init__(self, book: KeyBook, keys: Keys, clock: Clock, heed: Callable[[], Awaitable[None]]) -> None:
        self._book = book
        self._keys = keys
        self._clock = clock
        self._heed = heed

    def routes(self) -> list[Route]:
        base, unkept = "/api/v1/keys", {"cache-control": "no-store"}
        return [
            route(base, {"GET": self._list, "POST": self._make}, unkept),
            route(f"{base}/{{id}}", {"DELETE": self._revoke}, unkept),
        ]

    async def _list(self, request: Request) -> KeyList:
        tenant = granted(request, self._keys, "admin").tenant
        now_us = self._clock.now_us()
        return KeyList([entry_of(key, now_us) for key in await self._book.keys(tenant)])

    async def _make(self, request: Request) -> MadeKey:
        grant = granted(request, self._keys, "admin")
        asked = await json_body(request, NewKey)
        _check(asked, grant)
        if self._keys.grant(None) is not None and not asked.closes_door:
            raise Unconfirmed(
                "nobody needs a key yet; with the first one everybody does, also on this machine",
                hint='send "closes_door": true if that is meant, and keep the key: it is shown once',
            )
        if len(await self._book.keys(grant.tenant)) >= _MOST_KEYS:
            raise BadRequest(
                f"{_MOST_KEYS:,} keys were made for {grant.tenant} already", hint="ask those who run this Cordwood"
            )
        now_us = self._clock.now_us()
        wanted = Wanted(name=asked.name, scopes=asked.scopes, expires=asked.expires)
        key, stored = issued(wanted, grant.tenant, now_us)
        await self._book.add(stored, digest_of(key))
        log.info("key_made", key_id=stored.id, tenant=stored.tenant, scopes=sorted(stored.scopes), actor=grant.actor)
        await self._heed()
        return MadeKey(key=key, **asdict(entry_of(stored, now_us)))

    async def _revoke(self, request: Request) -> KeyEntry:
        grant = granted(request, self._keys, "admin")
        key_id, now_us = id_in(request.path_params["id"]), self._clock.now_us()
        before = await self._book.revoke(key_id, now_us, grant.tenant)
        if before.revoked_at_us is None:
            log.info("key_revoked", key_id=before.id, tenant=before.tenant, actor=grant.actor)
        await self._heed()
        return entry_of(replace(before, revoked_at_us=before.revoked_at_us or now_us), now_us)


def _check(asked: NewKey, maker: Grant) -> None:
    """Raises BadRequest, Forbidden."""
    if neutral(asked.name) != asked.name:
        raise BadRequest("'name' holds control characters", hint="leave them out")
    if lacking := sorted(set(asked.scopes) - maker.scopes):
        raise Forbidden(
            f"this api key has not the scope {lacking[0]!r} itself, and cannot give it",
            hint=f"it can give {', '.join(sorted(maker.scopes))}",
        )
