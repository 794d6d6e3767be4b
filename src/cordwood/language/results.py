"""What comes out of a search, known before any event is seen: events, rows, or a series over time; and its columns."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from cordwood.language.checks import Columns, columns_behind
from cordwood.language.pipes.known import makes_table
from cordwood.language.pipes.types import column_types
from cordwood.model.search.field import TIMESTAMP, Field, name_of
from cordwood.model.search.pipes import Aggregate, Eval, Patterns, Pipe, Rename, Stats, Timechart, Top

Kind = Literal["events", "rows", "series"]
_NO_NUMBERS = ("text", "time", "truth")


class Result(NamedTuple):
    """`columns`: all of a table, None if only rows tell them; of events those that pipes have set, if any. Of groups:
    the columns that tell them apart, the one of their time, and those that are counted or computed for each."""

    kind: Kind
    columns: tuple[str, ...] | None
    by: tuple[str, ...] = ()
    time_column: str | None = None
    values: tuple[str, ...] = ()


def result_of(pipes: Sequence[Pipe]) -> Result:
    """What some pipes make of events."""
    is_table = is_series = False
    columns: Columns = None
    groups = _Groups((), None, ())
    for pipe in pipes:
        is_table = is_table or makes_table(pipe)
        if (made := _grouped(pipe)) is not None:
            groups, is_series = made, isinstance(pipe, Timechart)
        columns = columns_behind(pipe, columns)
        groups = _kept(_behind(pipe, groups), columns)
    types = column_types(pipes)
    names = tuple(name for name in types if columns is None or name in columns)
    if not is_table:
        return Result("events", names or None)
    values = tuple(name for name in groups.values if types[name] not in _NO_NUMBERS)
    kind: Kind = "series" if is_series and groups.time is not None else "rows"
    return Result(kind, None if columns is None else names, groups.by, groups.time, values)


class _Groups(NamedTuple):
    by: tuple[str, ...]
    time: str | None
    values: tuple[str, ...]


def _grouped(pipe: Pipe) -> _Groups | None:
    """Those that a pipe makes; None for one that makes none."""
    match pipe:
        case Stats(aggregates=aggregates, by=by, span_us=span_us):
            return _Groups(_names(by), TIMESTAMP.name if span_us else None, _filled(aggregates))
        case Timechart(aggregates=aggregates, by=by):
            return _Groups(_names(by), TIMESTAMP.name, _filled(aggregates))
        case Top(fields=fields, by=by):
            return _Groups(_names([*by, *fields]), None, ("count",))
        case Patterns():
            return _Groups(("pattern",), None, ("count",))
        case _:
            return None


def _behind(pipe: Pipe, groups: _Groups) -> _Groups:
    """The same as other pipes call them; what is computed of a group is one of its values."""
    match pipe:
        case Rename(pairs=pairs):
            for field, name in pairs:
                groups = _renamed(groups, name_of(field), name)
            return groups
        case Eval(columns=made) if groups.values:
            further = dict.fromkeys(name for name, _ in made if name not in (*groups.by, groups.time, *groups.values))
            return groups._replace(values=(*groups.values, *further))
        case _:
            return groups


def _renamed(groups: _Groups, old: str, new: str) -> _Groups:
    by, values = (tuple(new if each == old else each for each in names) for names in (groups.by, groups.values))
    return _Groups(by, new if groups.time == old else groups.time, values)


def _kept(groups: _Groups, columns: Columns) -> _Groups:
    """Those that rows still have; none, where nobody knows."""
    known = columns or frozenset()
    by, values = (tuple(each for each in names if each in known) for names in (groups.by, groups.values))
    return _Groups(by, groups.time if groups.time in known else None, values)


def _names(fields: Sequence[Field]) -> tuple[str, ...]:
    return tuple(map(name_of, fields))


def _filled(aggregates: Sequence[Aggregate]) -> tuple[str, ...]:
    return tuple(each.name for each in aggregates)
