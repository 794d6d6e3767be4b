"""What is known of the columns that pipes make before any event is seen."""

from collections.abc import Mapping, Sequence
from typing import Literal

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.functions import type_of
from cordwood.language.pipes.fields import covers
from cordwood.model.search.expressions import Column, Expression
from cordwood.model.search.field import DERIVED, DERIVED_TIMES, TIMESTAMP, Field, field_named, name_of
from cordwood.model.search.pipes import (
    Aggregate,
    Eval,
    Extract,
    Fields,
    Patterns,
    Pipe,
    Rename,
    Stats,
    Timechart,
    Top,
)
from cordwood.model.search.wildcards import plain

ColumnType = Literal["whole", "real", "time", "text", "truth", "any"]
"""`any`: its values may be of several, or lists, or objects."""

OF_PATTERNS: Mapping[str, ColumnType] = {
    "pattern": "text",
    "count": "whole",
    "first_seen": "time",
    "last_seen": "time",
    "pattern_id": "text",
}


def column_types(pipes: Sequence[Pipe]) -> dict[str, ColumnType]:
    """The columns that pipes make or name, in order; without those that only a pattern of `fields` shows."""
    known: dict[str, ColumnType] = {}
    is_table = False
    for pipe in pipes:
        match pipe:
            case Stats(aggregates=aggregates, by=by, span_us=span_us):
                known = _grouped([*by, *([TIMESTAMP] if span_us else [])], aggregates, known, is_table=is_table)
            case Timechart(aggregates=aggregates, by=by):
                known = _grouped([TIMESTAMP, *by], aggregates, known, is_table=is_table)
            case Top(fields=fields, by=by):
                known = {**_grouped([*by, *fields], [], known, is_table=is_table), "count": "whole"}
            case Patterns():
                known = dict(OF_PATTERNS)
            case Fields(patterns=patterns, is_excluding=False):
                names = [name for pattern in patterns if (name := plain(pattern)) is not None]
                # What a pattern shows of what was set goes on being that.
                kept = known if len(names) < len(patterns) else {}
                known = kept | {name: _of_field(field_named(name), known, is_table=is_table) for name in names}
            case Fields(patterns=patterns):
                known = {name: kind for name, kind in known.items() if not any(covers(each, name) for each in patterns)}
            case Eval(columns=columns):
                for name, expression in columns:
                    known[name] = _of(expression, known, is_table=is_table)
            case Extract(pattern=pattern):
                known |= dict.fromkeys(compile_regex(pattern).groupindex, "text")
            case Rename(pairs=pairs):
                for field, name in pairs:
                    known = _renamed(known, field, name, is_table=is_table)
            case _:
                pass
        is_table = is_table or isinstance(pipe, Stats | Timechart | Top | Patterns)
    return known


def _grouped(
    by: Sequence[Field], aggregates: Sequence[Aggregate], known: Mapping[str, ColumnType], *, is_table: bool
) -> dict[str, ColumnType]:
    groups = {name_of(field): _of_field(field, known, is_table=is_table) for field in by}
    return groups | {each.name: _of_aggregate(each, known, is_table=is_table) for each in aggregates}


def _of_aggregate(found: Aggregate, known: Mapping[str, ColumnType], *, is_table: bool) -> ColumnType:
    match found.function:
        case "count" | "count_distinct" | "approx_count_distinct":
            return "whole"
        case "sum" | "avg" | "percentile" | "rate":
            return "real"
        case "values":
            return "any"
        case "min" | "max":
            # Of texts it is that of the numbers that they spell, if any do.
            argument = "any" if found.argument is None else _of(found.argument, known, is_table=is_table)
            return {"text": "any", "whole": "real"}.get(argument, argument)  # type: ignore[return-value]
        case "first" | "last":
            return "any" if found.argument is None else _of(found.argument, known, is_table=is_table)


def _of(expression: Expression, known: Mapping[str, ColumnType], *, is_table: bool) -> ColumnType:
    if isinstance(expression, Column):
        return _of_field(expression.field, known, is_table=is_table)
    found: dict[str, ColumnType] = {"number": "real", "boolean": "truth", "text": "text"}
    return found.get(type_of(expression), "any")


def _renamed(known: Mapping[str, ColumnType], field: Field, name: str, *, is_table: bool) -> dict[str, ColumnType]:
    """A table's column keeps its place; what is set beside events comes last."""
    old, kind = name_of(field), _of_field(field, known, is_table=is_table)
    others = {each: known[each] for each in known if each != name}
    if is_table and old in others:
        return {name if each == old else each: others[each] for each in others}
    return {each: others[each] for each in others if each != old} | {name: kind}


def _of_field(field: Field, known: Mapping[str, ColumnType], *, is_table: bool) -> ColumnType:
    name = name_of(field)
    if name in known:
        return known[name]
    if is_table or field.derived not in DERIVED:
        return "any"
    return "time" if field.derived in DERIVED_TIMES else "text"
