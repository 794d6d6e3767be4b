"""Where events go, in the transaction that books their batches."""

from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from cordwood.db.postgres import Connection
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load

Answers: TypeAlias = Literal["rows", "segments"]
"""What questions are answered from."""


class Entry(Struct, frozen=True):
    """A load, and what its batch entry says of it. Times are µs since 1970 UTC."""

    load: Load
    stored: int
    min_us: int | None
    max_us: int | None

    @property
    def id(self) -> UUID:
        return self.load.batch.header.id


class Added(Struct, frozen=True):
    """What a transaction adds: events by tenant and day since 1970, and the slices that they touch."""

    held: Mapping[tuple[Tenant, int], int]
    touched: Set[tuple[Tenant, int]]
    rows: Mapping[tuple[Tenant, int], int] = {}
    """Those of the events that are kept as rows, too, beside the segments that answer for them."""
    rolled: Mapping[tuple[Tenant, int, str, str], int] = {}
    """Rows that answer for themselves, as `rolling` adds them."""


class Kept(Protocol):
    """Loads that are ready to be kept."""

    @property
    def entries(self) -> Sequence[Entry]:
        """One a load, in their order."""
        ...

    async def put(self, connection: Connection, places: Sequence[int]) -> Added:
        """Keep the loads at these places of `entries`, in the connection's transaction. What an earlier call put is
        taken to be undone. Raises Refused, Unavailable."""
        ...


class Keeper(Protocol):
    """Keeps events."""

    @property
    def answers(self) -> Answers:
        """What questions are answered from where this one writes."""
        ...

    def keeping(self, loads: Sequence[Load], now_us: int) -> AbstractAsyncContextManager[Kept]:
        """Make loads ready; within the block, a transaction may put them, and again if another was in its way. Leave
        the block with the error that ended the last one. Entering raises Refused, Unavailable."""
        ...

    async def probe(self, load: Load, now_us: int, first: int, count: int) -> None:
        """See `store.interface.Writer.probe`."""
        ...


async def require(connection: Connection, answers: Answers) -> None:
    """Events must go where questions look for them. Asked in the transaction that stores some, after it has inserted
    their batches: what questions look at changes only while nobody is doing that. Raises Unavailable."""
    refuse_other(await connection.fetchval("SELECT answers FROM keeping"), answers)


def refuse_other(found: str, answers: Answers) -> None:
    """Raises Unavailable when a database answers from something else."""
    if found == answers:
        return
    if found == "rows":
        raise Unavailable(
            "this database answers from rows, and this process would keep segments",
            hint="run `cordwood migrate` with this process's settings, or set CORDWOOD_STORE_KEEP=rows",
        )
    raise Unavailable(
        "this database answers from segments, and this process would keep rows only",
        hint="set CORDWOOD_STORE_KEEP to what the other processes have: segments or both",
    )
