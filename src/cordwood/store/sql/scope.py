"""What names mean between two pipes."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from cordwood.language.pipes.fields import covers
from cordwood.model.search.field import Field, name_of
from cordwood.store.sql.value import Order, Value


class Alias(Struct, frozen=True):
    """A column that is a field of the event. `is_asked`: there is such a column even where the event has none."""

    field: Field
    is_asked: bool = True


Column: TypeAlias = Value | Alias


class Scope(Struct, frozen=True):
    """`columns` hide the fields of events; behind a pipe that makes a table there is nothing else, but of the event
    what one pattern of each lot in `wild` shows, if there are any."""

    order: Order
    columns: Mapping[str, Column] = {}
    is_table: bool = False
    has_event: bool = True
    wild: tuple[tuple[str, ...], ...] = ()
    left_out: tuple[str, ...] = ()
    """What a table has not of what `wild` shows."""
    hidden: tuple[str, ...] = ()
    """What events have not any more."""

    def meant(self, field: Field) -> Column | None:
        """What a field is; None: null in every row."""
        name = name_of(field)
        if name in self.columns:
            return self.columns[name]
        if not self.is_table:
            return None if any(hides(pattern, name) for pattern in self.hidden) else Alias(field)
        return Alias(Field(name, is_sent=True), is_asked=False) if self.shows(name) else None

    def shows(self, name: str) -> bool:
        """Whether `wild` shows a field that was sent."""
        return (
            bool(self.wild)
            and all(any(covers(pattern, name) for pattern in patterns) for patterns in self.wild)
            and not any(covers(pattern, name) for pattern in self.left_out)
            and not any(hides(pattern, name) for pattern in self.hidden)
        )

    @property
    def needs_event(self) -> bool:
        """Whether an answer shows anything of the event itself."""
        return not self.is_table or bool(self.wild) or any(isinstance(each, Alias) for each in self.columns.values())


def hides(pattern: str, name: str) -> bool:
    """Whether leaving out what a pattern names leaves out a field: itself, or what it is within; derived or sent."""
    parts = name.removeprefix(".").split(".")
    return any(covers(pattern, ".".join(parts[:length])) for length in range(1, len(parts) + 1))
