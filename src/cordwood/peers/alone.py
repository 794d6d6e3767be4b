"""Of a process that is the only one."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from cordwood.model.tenant import Tenant
from cordwood.peers.interface import Asked


class Alone:
    """Nobody hears, nobody tells."""

    async def __aenter__(self) -> "Alone":
        return self

    async def __aexit__(self, *exc: object) -> None: ...

    async def tell(self, works: Mapping[Tenant, Sequence[Asked]]) -> None: ...

    async def told(self, tenant: Tenant) -> Sequence[Asked]:
        return ()

    async def stop(self, question: UUID) -> None: ...

    async def to_stop(self, questions: Sequence[UUID]) -> Collection[UUID]:
        return ()
