"""Field: what a question names in an event, and the values derived beside events that it may name too."""

import msgspec


class Field(msgspec.Struct, frozen=True):
    """A dotted path into an event: a literal key, nested objects, or both mixed (`plan.paths` lists the ways).

    A name in `DERIVED` means the derived value instead, unless `is_sent`: then what the sender called so. Behind a pipe
    that makes a table, and for a name that a pipe has set, it is that column.
    """

    name: str
    is_sent: bool = False

    @property
    def derived(self) -> str | None:
        """The name of the derived value, if it means one."""
        return self.name if self.name in DERIVED and not self.is_sent else None


MESSAGE = Field("message")
TIMESTAMP = Field("timestamp")
ID = Field("_id")
DERIVED_TIMES = frozenset({"timestamp", "_inserted_at"})
DERIVED = DERIVED_TIMES | {"level", "service", "message", "_id"}


def field_named(text: str) -> Field:
    """The field that a name means; one with a dot in front is the sent one."""
    return Field(text[1:], is_sent=True) if text.startswith(".") else Field(text)


def name_of(field: Field) -> str:
    """The name that means a field, and of the column that it fills."""
    return "." + field.name if field.is_sent else field.name
