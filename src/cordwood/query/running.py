"""Questions that are being answered: listed, and cancelled."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from cordwood.clock import Clock
from cordwood.errors import Cancelled
from cordwood.model.tenant import Tenant
from cordwood.peers.interface import Asked


class Work:
    """One of them, in steps that each may be cancelled."""

    def __init__(self, asked: Asked, tenant: Tenant) -> None:
        self.asked = asked
        self.tenant = tenant
        self._is_cancelled = False
        self._task: asyncio.Task[object] | None = None

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """What this task does within the block. Raises Cancelled there, or before, when it is cancelled."""
        if self._is_over():
            raise Cancelled("the question was cancelled")
        self._task = task = asyncio.current_task()
        assert task is not None, "in a task"
        try:
            yield
        except asyncio.CancelledError:
            # Not the cancellation of somebody else, as when the service stops.
            if not self._is_over() or task.uncancel():
                raise
            raise Cancelled("the question was cancelled") from None
        finally:
            self._task = None

    def _is_over(self) -> bool:
        return self._is_cancelled

    def cancel(self) -> None:
        """At once, or before its next step."""
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()


class Running:
    """Of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._works: dict[UUID, Work] = {}

    @contextlib.contextmanager
    def noted(self, tenant: Tenant, what: str) -> Iterator[Work]:
        """Listed within the block."""
        asked = Asked(self._clock.batch_id(), what, self._clock.now_us())
        work = self._works[asked.id] = Work(asked, tenant)
        try:
            yield work
        finally:
            del self._works[asked.id]

    def listed(self, tenant: Tenant) -> list[Asked]:
        """A tenant's, the oldest first."""
        return [work.asked for work in self._works.values() if work.tenant == tenant]

    def by_tenant(self) -> Mapping[Tenant, Sequence[Asked]]:
        """All of them."""
        found: dict[Tenant, list[Asked]] = {}
        for work in self._works.values():
            found.setdefault(work.tenant, []).append(work.asked)
        return found

    def cancel(self, tenant: Tenant, asked: UUID) -> Asked | None:
        """What was cancelled; None: there is no such question of the tenant."""
        work = self._works.get(asked)
        if work is None or work.tenant != tenant:
            return None
        work.cancel()
        return work.asked
