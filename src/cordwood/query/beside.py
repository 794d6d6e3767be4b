"""Questions that other query processes answer: heard of, and stopped there."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.peers.interface import Asked, Peers
from cordwood.query.running import Running

log = structlog.get_logger()

_LOOK_S = 0.5
_YOUNG_US = 500_000
"""Others hear of questions that last: most are answered before anybody could want to stop them."""
_REST_S = 5.0
"""After a failure."""


class Beside:
    """This process's questions and those of its peers."""

    def __init__(self, running: Running, peers: Peers, clock: Clock) -> None:
        self._running = running
        self._peers = peers
        self._clock = clock
        self._told: dict[UUID, Tenant] = {}
        """What this process told last."""

    async def keep(self, stop: asyncio.Event) -> None:
        """Tell what is answered here, and stop what somebody wants stopped, until `stop`."""
        is_away = False
        while not stop.is_set():
            try:
                await self._look()
                is_away = False
            except Unavailable as error:
                if not is_away:
                    log.warning("peers_unavailable", reason=error.message)
                is_away = True
            try:
                async with asyncio.timeout(_REST_S if is_away else _LOOK_S):
                    await stop.wait()
            except TimeoutError:
                continue

    async def listed(self, tenant: Tenant) -> tuple[Sequence[Asked], bool]:
        """A tenant's, the oldest first; and whether those of other processes could be heard of."""
        here = {asked.id: asked for asked in self._running.listed(tenant)}
        try:
            elsewhere = {asked.id: asked for asked in await self._peers.told(tenant)}
        except Unavailable:
            return list(here.values()), False
        ended = self._told.keys() - here.keys()
        found = {key: asked for key, asked in elsewhere.items() if key not in ended} | here
        return sorted(found.values(), key=lambda asked: (asked.since_us, asked.id)), True

    async def cancel(self, tenant: Tenant, question: UUID) -> Asked | None:
        """What was cancelled, here or by word to whoever answers it; None: there is no such question of the tenant.

        Raises Unavailable when it is not here, and others cannot be heard of.
        """
        if (asked := self._running.cancel(tenant, question)) is not None:
            return asked
        found = next((asked for asked in await self._peers.told(tenant) if asked.id == question), None)
        if found is not None:
            await self._peers.stop(question)
        return found

    async def _look(self) -> None:
        until_us = self._clock.now_us() - _YOUNG_US
        works: dict[Tenant, list[Asked]] = {tenant: [] for tenant in self._told.values()}
        for tenant, some in self._running.by_tenant().items():
            if lasting := [asked for asked in some if asked.since_us <= until_us]:
                works[tenant] = lasting
        if not works:
            return
        await self._peers.tell(works)
        self._told = {asked.id: tenant for tenant, some in works.items() for asked in some}
        for question in await self._peers.to_stop(list(self._told)):
            self._running.cancel(self._told[question], question)
