"""What differs between the databases: the narrow waist of the compiler."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cordwood.model.search.field import Field
from cordwood.model.search.filters import Leaf
from cordwood.store.sql.value import Kind, Order, Value


class Dialect(Protocol):
    """SQL of one database. Arguments are SQL, atoms that can be repeated; nothing that is made here raises an error,
    whatever the values are, and null gives null unless it says otherwise."""

    types: Mapping[Kind, str]
    """Names of the types of parts; of `items` only the cast of null matters."""
    fence: str
    """At the end of a subquery, so that its columns are computed once."""
    no_items: str
    """An empty list."""

    def bind(self, value: str | float) -> str:
        """What stands for a value that is given beside the text."""
        ...

    def number_of(self, text: str) -> str:
        """The finite double that a text spells."""
        ...

    def whole_of(self, real: str) -> str:
        """The 64-bit integer that a double is, if it is one."""
        ...

    def text_of_real(self, real: str) -> str:
        """A double's canonical text."""
        ...

    def text_of_time(self, time: str) -> str:
        """RFC 3339 with µs, in UTC."""
        ...

    def seconds(self, time: str) -> str:
        """A time's Unix time in seconds, as a double."""
        ...

    def arithmetic(self, sign: str, left: str, right: str) -> str:
        """Of two doubles, not yet looked at whether it is finite; null for a division by zero."""
        ...

    def finite(self, real: str) -> str:
        """The double, or null if it is not finite."""
        ...

    def power_of_ten(self, digits: str) -> str:
        """10 to the power of a whole number from 0 to 15, as a double."""
        ...

    def ordered(self, text: str) -> str:
        """A text as it is compared and ordered: by code points."""
        ...

    def unordered(self, ordered: str) -> str:
        """The text behind what `ordered` gives."""
        ...

    def lower(self, text: str) -> str:
        """A to Z in lower case."""
        ...

    def upper(self, text: str) -> str:
        """a to z in upper case."""
        ...

    def length(self, text: str) -> str:
        """Code points, as a double."""
        ...

    def part(self, text: str, start: str, length: str | None) -> str:
        """`length` code points from the one numbered `start` (a double, at least 1) on; all if None."""
        ...

    def replaced(self, text: str, old: str, new: str) -> str:
        """With every occurrence of a text that is not empty replaced."""
        ...

    def contains(self, text: str, part: str) -> str: ...

    def starts_with(self, text: str, part: str) -> str: ...

    def ends_with(self, text: str, part: str) -> str: ...

    def extracted(self, text: str, pattern: str, groups: Mapping[str, int], count: int) -> Mapping[str, str]:
        """What groups of an expression found, by their names; null for nothing. `count`: how many groups it has.

        Raises Unsupported.
        """
        ...

    def holds(self, found: Leaf, value: Value) -> str:
        """Whether a filter holds for a value that is not an event's; true, or else false or null. Raises
        Unsupported."""
        ...

    def count_distinct(self, keys: Sequence[str], condition: str) -> str:
        """How many different ones there are of what is not null in all keys, where the condition is true."""
        ...

    def total(self, real: str, condition: str) -> str:
        """The sum of doubles, where the condition is true; null if there are none, or if it is not finite."""
        ...

    def average(self, real: str, condition: str) -> str:
        """Their sum divided by their number."""
        ...

    def percentile(self, real: str, percent: float, condition: str) -> str:
        """Linear between the two beside it; null if there are none, or if it is not finite."""
        ...

    def at_end(self, parts: Mapping[Kind, str], order: Order, condition: str, *, is_last: bool) -> Mapping[Kind, str]:
        """The parts of the row that is first, or last, in an ascending order, where the condition is true."""
        ...

    def items(self, parts: Mapping[Kind, str], order: Order, condition: str, most: int) -> str:
        """The different values, in order, as a list."""
        ...

    def first_of_each(self, rows: str, keys: Sequence[str], order: Order, most: int) -> str | None:
        """A SELECT of all columns of the first rows of those with the same keys, out of a SELECT. The order is total,
        and of what is never null. None: a window is as good."""
        ...

    def span(self, time: str, span_us: int) -> str:
        """When the span that holds a moment begins."""
        ...

    def mark(self, event_id: str) -> str:
        """The MD5 of a text in hexadecimal digits, compared by code points."""
        ...


class Source(Protocol):
    """Events that a plan selects. What is asked of them becomes columns of a relation that is made in the end."""

    order: Order
    """Of events, newest first."""
    time: str
    """When an event happened."""
    event_id: str
    """As a text."""
    count: str
    """How many events there are in a group of rows."""
    reference: Sequence[str]
    """The columns by which an event can be fetched."""

    def value(self, field: Field) -> Value:
        """The columns of a field's value."""
        ...

    def is_there(self, field: Field) -> str:
        """The column that tells whether a field is there and not null."""
        ...

    def holds(self, found: Leaf, field: Field | None) -> str:
        """The column that tells whether a filter holds for an event; of a filter with a field, for this one. Raises
        Unsupported."""
        ...
