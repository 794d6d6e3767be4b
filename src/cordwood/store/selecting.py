"""SQL of users, as stores answer it: rows of one tenant's events, in blocks, with the types of their columns."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from cordwood.model.tenant import Tenant

if TYPE_CHECKING:  # who only reads settings need not load it
    import pyarrow as pa


class Question(Struct, frozen=True):
    """One SELECT over the relation `logs`, which holds the events with start ≤ timestamp < end, µs since 1970 UTC."""

    text: str
    start_us: int | None = None
    end_us: int | None = None


class Column(Struct, frozen=True):
    """A column of an answer. `type` is how the store's own SQL names it, in lower case; `json` and `uuid` are texts;
    texts of the types `json`, `jsonb`, `numeric`, of arrays, rows and ranges are JSON."""

    name: str
    type: str


class Rows(Struct, frozen=True):
    """Some consecutive rows of an answer. Every block of an answer has the same columns, whose names may repeat."""

    columns: Sequence[Column]
    batch: "pa.RecordBatch"
    left_out: str = ""
    """What the answer lacks because it is damaged."""


class SqlReader(Protocol):
    """Who answers SQL."""

    def ask(self, question: Question, tenant: Tenant) -> AsyncGenerator[Rows, None]:
        """The rows, in blocks of bounded size; at least one block, which may have no rows. Closing it stops the work.

        The relation `logs` has no other tenant's events, and nothing else can be read. Raises BadQuery (with the place,
        where the database tells), BadRequest (more memory, or room on the disk, than one question may have),
        Unavailable, also when it takes longer than it may.
        """
        ...
