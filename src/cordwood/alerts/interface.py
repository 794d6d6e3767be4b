"""Where saved queries, rules and what became of them are kept, and what a rule's evaluation asks for."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, LiteralString, Protocol
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from cordwood.model.alerts.found import Found
from cordwood.model.alerts.notice import Notice
from cordwood.model.alerts.rule import Receiver, Rule
from cordwood.model.alerts.state import Kind, State
from cordwood.model.answer import StoredEvent
from cordwood.model.search.pipes import Search
from cordwood.model.tenant import Tenant

DeliveryStatus = Literal["waiting", "delivered", "given_up"]


class Rows(Protocol):
    """A transaction. Statements number their values `$1`, `$2`, …; times are µs since 1970 UTC."""

    async def fetch(self, sql: LiteralString, *values: object) -> Sequence[Sequence[object]]:
        """What a statement returns, if it does. Raises Unavailable."""
        ...


class Tables(Protocol):
    """The tables of the book, in one of two engines."""

    skip_locked: LiteralString
    """What makes a SELECT take rows that nobody else is taking."""

    async def __aenter__(self) -> "Tables":
        """Raises ConfigError when a file cannot be used, never because a server is away."""
        ...

    async def __aexit__(self, *exc: object) -> None: ...

    def transaction(self) -> AbstractAsyncContextManager[Rows]:
        """All or nothing: durable when the block ends. Raises Unavailable."""
        ...


class KeptRule(Struct, frozen=True):
    """A rule with its state, and the evaluation time that comes next."""

    tenant: Tenant
    name: str
    rule: Rule
    state: State
    due_us: int


class Claim(Struct, frozen=True):
    """One evaluation of a rule, given to one evaluator; another may get it once the lease is over."""

    token: UUID
    kept: KeptRule


class Entry(Struct, frozen=True, kw_only=True):
    """A transition. `silence` is what kept receivers from hearing of it."""

    id: UUID
    rule: str
    kind: Kind
    at_us: int
    value: float | None = None
    error: str = ""
    note: str = ""
    silence: UUID | None = None
    found: Found | UnsetType = UNSET


class Letter(Struct, frozen=True):
    """A notice for one receiver."""

    notice: Notice
    receiver: Receiver


class Conclusion(Struct, frozen=True):
    """What an evaluation came to: everything in it is written, or nothing. `try_us` is when the rule may be claimed
    again, for the evaluation time `due_us`."""

    state: State
    due_us: int
    try_us: int
    entry: Entry | None = None
    letters: Sequence[Letter] = ()


class Dispatch(Struct, frozen=True):
    """A letter given to one sender, for the `attempts`-th time."""

    token: UUID
    letter: Letter
    created_us: int
    attempts: int


class Delivery(Struct, frozen=True):
    """What became of a letter."""

    id: UUID
    entry: UUID
    receiver: Receiver
    status: DeliveryStatus
    attempts: int
    error: str
    done_us: int | None


class Measured(Struct, frozen=True):
    """A value; `note` says what it is not made of, if anything is missing."""

    value: float
    note: str = ""


class Table(Struct, frozen=True):
    """All rows that pipes made; `note` as of Measured."""

    rows: Sequence[Mapping[str, object]]
    note: str = ""


class Evaluator(Protocol):
    """Asks the stores what rules want to know. Events with start ≤ timestamp < end."""

    async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
        """How many events match, and come out of the pipes. Raises Overloaded, Unavailable."""
        ...

    async def table(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Table:
        """What pipes make of them. Raises as `value`, and BadRequest for more rows than any rule is asked about."""
        ...

    async def newest(self, search: Search, start_us: int, end_us: int, tenant: Tenant, limit: int) -> list[StoredEvent]:
        """Some of the events that `value` counts, newest first unless pipes sort them. Raises as `value`."""
        ...
