"""A query and a clause → the query with the clause: what a click on a value does to the text that a person wrote."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from cordwood.errors import BadQuery, BadRequest
from cordwood.language.noting import Clause
from cordwood.language.parser import Parsed, parse_noting
from cordwood.language.problems import said
from cordwood.language.spelling import filter_text, scalar_text
from cordwood.model.census import Scalar
from cordwood.model.search.field import field_named
from cordwood.model.search.filters import And, Equals, Everything, Exists, Filter, Not

How = Literal["include", "exclude", "only"]
Parts = frozenset[Filter]
"""What must all hold."""

_NOT = re.compile(r"NOT(?![\w.:@$*?-])\s*")
"""The operator, as the reader knows it."""


def refined(text: str, clause: str, how: How, now_us: int) -> str:
    """The query that finds what `text` finds and, at once, the clause; with `exclude` not the clause; with `only` the
    clause alone, and goes on with the pipes. What was written stays as it is: parentheses come around choices, a clause
    that is there is not put in again, and its opposite gives way to it, as a lone `*` does.

    Raises BadQuery for the text, and BadRequest for a clause that cannot be read, or when a bound is passed.
    """
    query = parse_noting(text, now_us)
    wanted = _wanted(clause, how, now_us)
    line = _alone(query, wanted) if how == "only" else _joined(text, query, wanted)
    if line is None:
        return text
    start, end = (query.clauses[0].start, query.clauses[-1].end) if query.clauses else (0, 0)
    found = f"{text[:start]}{line}{' ' * (line != '' and text.startswith('|', end))}{text[end:]}"
    try:
        parse_noting(found, now_us)
    except BadQuery as error:
        raise BadRequest(f"the query cannot be refined so: {said(error)}", hint="a shorter clause may do") from error
    return found


def clause_of(name: str, value: Scalar | None) -> str:
    """The clause for events that have a value of a field, as a query names it; None: those without one, or null."""
    field = field_named(name)
    return filter_text(Not(Exists(field)) if value is None else Equals(field, scalar_text(value)))


def clause_of_any(name: str) -> str:
    """The clause for events that have the field at all."""
    return filter_text(Exists(field_named(name)))


class _Wanted(NamedTuple):
    """A clause as it is to stand in a query, and what would be the opposite of it."""

    text: str
    parts: Parts
    opposite: Parts
    is_loose: bool

    def beside(self, others: int) -> str:
        return f"({self.text})" if self.is_loose and others else self.text


def _wanted(text: str, how: How, now_us: int) -> _Wanted:
    try:
        read = parse_noting(text, now_us)
    except BadQuery as error:
        raise BadRequest(f"this clause cannot be read: {text[:80]!r}: {said(error)}", hint=error.hint) from error
    if not read.clauses or read.search.pipes:
        raise BadRequest(f"this is no clause: {text[:80]!r}", hint="write what a search line may have, without pipes")
    text = text[read.clauses[0].start : read.clauses[-1].end]
    parts, opposite = _parts(read.search.filter), _parts(Not(read.search.filter))
    if how == "exclude":
        return _Wanted(_negated(text, read.clauses), opposite, parts, is_loose=False)
    return _Wanted(text, parts, opposite, any(each.is_loose for each in read.clauses))


def _negated(text: str, clauses: Sequence[Clause]) -> str:
    if len(clauses) == 1 and isinstance(clauses[0].filter, Not):
        if text[0] in "-!":
            return text[1:]
        if (found := _NOT.match(text)) is not None:
            return text[found.end() :]
    if len(clauses) > 1 or clauses[0].is_loose or text[0] in "-!" or _NOT.match(text):
        return f"-({text})"
    return f"-{text}"


def _parts(found: Filter) -> Parts:
    match found:
        case Not(part=Not(part=inner)):
            return _parts(inner)
        case And(parts=parts):
            return frozenset[Filter]().union(*map(_parts, parts))
        case _:
            return frozenset({found})


def _all(clauses: Sequence[Clause]) -> Parts:
    return frozenset[Filter]().union(*(_parts(each.filter) for each in clauses))


def _alone(query: Parsed, wanted: _Wanted) -> str | None:
    return None if _all(query.clauses) == wanted.parts else wanted.text


def _joined(text: str, query: Parsed, wanted: _Wanted) -> str | None:
    """All clauses, with what stands between them; None: nothing is to change."""
    clauses = query.clauses
    stale = [each for each in clauses if _parts(each.filter) <= wanted.opposite]
    if _all(stale) != wanted.opposite:
        stale = []
    gone = {each.start for each in stale}
    others = [each for each in clauses if each.start not in gone]
    is_there = wanted.parts <= _all(others) | {Everything()}
    if is_there and not gone:
        return None
    if [each.filter for each in others] == [Everything()] and not is_there:
        gone, others = {each.start for each in clauses}, []
    line, is_beside = "", False
    for number, clause in enumerate(clauses):
        gap = text[clauses[number - 1].end : clause.start] if number else ""
        if is_kept := clause.start not in gone:
            own = text[clause.start : clause.end]
            own = f"({own})" if clause.is_loose else own
        elif is_there:
            is_beside = False
            continue
        else:
            own, is_there = wanted.beside(len(others)), True
        # Parentheses and the like may touch, but not what takes their place.
        line += own if not line else f"{gap or (not (is_beside and is_kept)) * ' '}{own}"
        is_beside = is_kept
    if not is_there:
        line += (" " if line else "") + wanted.beside(len(others))
    return line
