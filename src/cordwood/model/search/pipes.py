"""Pipes: what is done with the events that a filter selects, as data; and the whole of a search."""

from typing import Literal, TypeAlias

import msgspec

from cordwood.model.search.expressions import Expression
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Everything, Filter

AggregateName = Literal[
    "approx_count_distinct", "avg", "count", "count_distinct", "first", "last", "max", "min", "percentile", "rate",
    "sum", "values",
]  # fmt: skip


class Aggregate(msgspec.Struct, frozen=True):
    """A value computed from many rows, those where `condition` is true. `name` is the column it fills."""

    function: AggregateName
    argument: Expression | None
    name: str
    condition: Expression | None = None
    percent: float | None = None
    """Of a percentile: 0 to 100."""


class Where(msgspec.Struct, frozen=True, tag="where"):
    """Only rows for which the condition is true."""

    condition: Expression


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """A row for each group. With `span_us` events are also grouped by time, in the column `timestamp`."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[Field, ...] = ()
    span_us: int | None = None


class Timechart(msgspec.Struct, frozen=True, tag="timechart"):
    """A row for each span of time and group. `span_us` None: as the time range asks for (`spans.fitting`)."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[Field, ...] = ()
    span_us: int | None = None


class Top(msgspec.Struct, frozen=True, tag="top"):
    """For each group of `by` the values that occur most, or least, in the column `count` how often."""

    count: int
    fields: tuple[Field, ...]
    by: tuple[Field, ...] = ()
    is_rare: bool = False


class SortKey(msgspec.Struct, frozen=True):
    """A field to sort by."""

    field: Field
    is_descending: bool = False


class Sort(msgspec.Struct, frozen=True, tag="sort"):
    """In this order; what is equal stays in the order it had."""

    keys: tuple[SortKey, ...]


class Limit(msgspec.Struct, frozen=True, tag="limit"):
    """`count` rows behind the first `offset`."""

    count: int
    offset: int = 0


class Fields(msgspec.Struct, frozen=True, tag="fields"):
    """Only these fields, in this order, or all but these. Patterns as of Like."""

    patterns: tuple[str, ...]
    is_excluding: bool = False


class Rename(msgspec.Struct, frozen=True, tag="rename"):
    """Columns under other names, one after the other."""

    pairs: tuple[tuple[Field, str], ...]


class Dedup(msgspec.Struct, frozen=True, tag="dedup"):
    """The first `count` rows of those that are equal in these fields."""

    count: int
    fields: tuple[Field, ...]


class Extract(msgspec.Struct, frozen=True, tag="extract"):
    """Columns from the named groups of a regular expression, where it is first found in the text of a field."""

    pattern: str
    field: Field


class Eval(msgspec.Struct, frozen=True, tag="eval"):
    """Columns from expressions, one after the other."""

    columns: tuple[tuple[str, Expression], ...]


class Patterns(msgspec.Struct, frozen=True, tag="patterns"):
    """The templates of the texts of a field, with counts."""

    field: Field


class Sample(msgspec.Struct, frozen=True, tag="sample"):
    """Some events, the same ones each time: `count` of them, or one in `one_in`."""

    count: int | None = None
    one_in: int | None = None


Pipe: TypeAlias = (
    Where | Stats | Timechart | Top | Sort | Limit | Fields | Rename | Dedup | Extract | Eval | Patterns | Sample
)


class Search(msgspec.Struct, frozen=True):
    """Events that match, and what is done with them, pipe by pipe."""

    filter: Filter = Everything()
    pipes: tuple[Pipe, ...] = ()
