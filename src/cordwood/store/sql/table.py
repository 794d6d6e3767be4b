"""A small table that was made outside the database, as what pipes go on with."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from cordwood.model.search.field import Field
from cordwood.model.search.filters import Leaf
from cordwood.store.sql.scope import Scope
from cordwood.store.sql.value import Kind, Order, Term, Value


class Table(Struct, frozen=True):
    """Columns by name: which part of a value they hold, and the values of all rows."""

    columns: Mapping[str, tuple[Kind, Sequence[Any]]]

    @property
    def names(self) -> Mapping[str, tuple[str, Kind]]:
        """The columns of the relation that holds it, with one more behind them: the number of the row."""
        return {name: (f"t{number}", kind) for number, (name, (kind, _)) in enumerate(self.columns.items())}

    @property
    def scope(self) -> Scope:
        """What names mean in it."""
        columns = {name: Value(**{kind: column}) for name, (column, kind) in self.names.items()}
        return Scope((Term(NUMBER),), columns, is_table=True, has_event=False)


NUMBER = "number"


class NoEvents:
    """See `dialect.Source`: what needs events cannot stand behind a pipe that makes a table."""

    order: Order = ()
    event_id = "NULL"
    time: str = "NULL"
    count: str = "count(*)"
    reference: Sequence[str] = ()

    def value(self, field: Field) -> Value:
        self._refuse()

    def is_there(self, field: Field) -> str:
        self._refuse()

    def holds(self, found: Leaf, field: Field | None) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise AssertionError("a table has no events")


class Counts(NoEvents):
    """A table whose rows each stand for many events of one time and with the same values."""

    def __init__(self, table: Table, events: str) -> None:
        """`events`: the column that says how many; `timestamp` tells when they happened."""
        self.table = table
        self.scope = replace(table.scope, has_event=True)
        """Until a pipe makes a table of them."""
        self.time, _ = table.names["timestamp"]
        number, _ = table.names[events]
        self.count = f"CAST(coalesce(sum({number}), 0) AS BIGINT)"
