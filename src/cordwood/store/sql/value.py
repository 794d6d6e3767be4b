"""A value whose type varies from row to row, as SQL."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

Kind = Literal["whole", "real", "time", "text", "truth", "items"]
KINDS: tuple[Kind, ...] = ("whole", "real", "time", "text", "truth", "items")


class Value(Struct, frozen=True):
    """In a row at most one part is not null; a part that is None never is. Each is a column's name or a bound value, so
    that it can be repeated."""

    whole: str | None = None
    """A 64-bit integer."""
    real: str | None = None
    """A finite double, which may be a whole number, too."""
    time: str | None = None
    """µs since 1970 UTC, once it has left the database."""
    text: str | None = None
    truth: str | None = None
    items: str | None = None
    """A list of values: shown, counted and filtered, and null to everything else."""

    @property
    def parts(self) -> Mapping[Kind, str]:
        """Those that there are."""
        found = ((kind, getattr(self, kind)) for kind in KINDS)
        return {kind: part for kind, part in found if part is not None}

    @property
    def usable(self) -> "Value":
        """What expressions, groups and orders see of it."""
        return Value(self.whole, self.real, self.time, self.text, self.truth)


class Term(Struct, frozen=True):
    """What rows are ordered by. Null is last, also from the greatest."""

    sql: str
    is_descending: bool = False
    is_ever_null: bool = True
    """If it is not, nothing is said about nulls: an index may have them elsewhere."""

    def __str__(self) -> str:
        return f"{self.sql} {'DESC' if self.is_descending else 'ASC'}{' NULLS LAST' if self.is_ever_null else ''}"


Order: TypeAlias = tuple[Term, ...]


def order_by(order: Order) -> str:
    """As the end of a statement, or of a window."""
    return f"ORDER BY {', '.join(map(str, order))}" if order else ""


def is_there(value: Value) -> str:
    """Whether it is not null."""
    parts = [f"{part} IS NOT NULL" for part in value.parts.values()]
    return "(" + " OR ".join(parts) + ")" if parts else "false"
