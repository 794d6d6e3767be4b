"""What can be known of a query's fields without events: columns that a table has not; and with a list of names, fields
that no event has."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import or_
from typing import NamedTuple

from cordwood.errors import BadQuery
from cordwood.language.filters.regexes import group_names
from cordwood.language.noting import Mention
from cordwood.language.pipes.fields import covers
from cordwood.language.pipes.types import OF_PATTERNS
from cordwood.language.problems import nearest
from cordwood.model.search.field import DERIVED, Field, name_of
from cordwood.model.search.pipes import Eval, Extract, Fields, Patterns, Pipe, Rename, Search, Stats, Timechart, Top
from cordwood.model.search.wildcards import plain

Columns = frozenset[str] | None
"""Those that rows have; None: any."""


class UnknownField(NamedTuple):
    """A field that no event has, where the query names it, and the most similar one."""

    name: str
    start: int
    end: int
    suggestion: str | None


def check_columns(text: str, search: Search, mentions: Sequence[Mention]) -> None:
    """Raises BadQuery for the first mention of a column that the rows cannot have."""
    columns: Columns = None
    for number, pipe in enumerate(search.pipes, 1):
        made = made_by(pipe)
        for mention in mentions:
            name = name_of(mention.field)
            if mention.pipe == number and columns is not None and name not in columns | (made or frozenset()):
                raise _unknown(text, mention, name, columns)
        columns = columns_behind(pipe, columns)


def columns_behind(pipe: Pipe, before: Columns) -> Columns:
    """What columns rows have that have gone through a pipe."""
    match pipe:
        case Stats() | Timechart() | Top() | Patterns():
            return made_by(pipe)
        case Fields(patterns=patterns, is_excluding=False):
            names = [plain(pattern) for pattern in patterns]
            return None if None in names else frozenset(name for name in names if name is not None)
        case Rename(pairs=pairs) if before is not None:
            return before - {name_of(field) for field, _ in pairs} | made_by(pipe)
        case Fields(patterns=patterns) if before is not None:
            return frozenset(name for name in before if not any(covers(pattern, name) for pattern in patterns))
        case _:
            return None if before is None else before | made_by(pipe)


def made_by(pipe: Pipe) -> frozenset[str]:
    """The columns that a pipe fills itself."""
    match pipe:
        case Stats(aggregates=aggregates, by=by, span_us=span_us):
            span = () if span_us is None else ("timestamp",)
            return frozenset([*(each.name for each in aggregates), *map(name_of, by), *span])
        case Timechart(aggregates=aggregates, by=by):
            return frozenset([*(each.name for each in aggregates), *map(name_of, by), "timestamp"])
        case Top(fields=fields, by=by):
            return frozenset([*map(name_of, fields), *map(name_of, by), "count"])
        case Patterns():
            return frozenset(OF_PATTERNS)
        case Eval(columns=columns):
            return frozenset(name for name, _ in columns)
        case Extract(pattern=pattern):
            return frozenset(group_names(pattern))
        case Rename(pairs=pairs):
            return frozenset(name for _, name in pairs)
        case _:
            return frozenset()


def unknown_fields(search: Search, mentions: Sequence[Mention], known: Iterable[str]) -> list[UnknownField]:
    """The fields of a query that are none of the known, nor lead to one, nor are made by its pipes."""
    made = list(accumulate(map(made_by, search.pipes), or_, initial=frozenset[str]()))

    def is_made(mention: Mention) -> bool:
        # Only expressions name what their own pipe makes: groups are made of what was there before.
        within = mention.pipe > 0 and isinstance(search.pipes[mention.pipe - 1], Eval)
        return mention.field.name in made[mention.pipe if within else max(0, mention.pipe - 1)]

    named = [mention for mention in mentions if not is_made(mention)]
    near = dict(unknown_among((mention.field for mention in named), known))
    return [
        UnknownField(each.field.name, each.start, each.end, near[each.field.name])
        for each in named
        if each.field.derived is None and each.field.name in near
    ]


def unknown_among(fields: Iterable[Field], known: Iterable[str]) -> list[tuple[str, str | None]]:
    """Those that are none of the known, nor lead to one, each with the most similar one."""
    known = frozenset(known)
    heads = {name[:at] for name in known for at, sign in enumerate(name) if sign == "."}
    found: dict[str, str | None] = {}
    for field in fields:
        name = field.name
        if field.derived is None and name not in known | heads and not _leads_into_array(name, known):
            found[name] = nearest(name, known | DERIVED)
    return list(found.items())


def _leads_into_array(name: str, known: frozenset[str]) -> bool:
    parts = name.split(".")
    return any(part.isdigit() and ".".join(parts[:at]) in known for at, part in enumerate(parts))


def _unknown(text: str, mention: Mention, name: str, columns: frozenset[str]) -> BadQuery:
    near = nearest(name, columns)
    listed = ", ".join(sorted(columns)[:20])
    return BadQuery(
        f'no column "{name}" comes out of the pipe before',
        query=text,
        position=mention.start,
        length=mention.end - mention.start,
        suggestion=near,
        hint="" if near else f"there are {listed}",
    )
