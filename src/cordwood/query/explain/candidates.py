"""Two censuses → what may differ between them. CPU-heavy where there are many fields: for threads."""

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cordwood.language.spelling import scalar_text
from cordwood.model.census import Census, FieldCount, Scalar
from cordwood.model.event import TIMESTAMP_NAMES, parse_timestamp
from cordwood.model.search.field import DERIVED, field_named
from cordwood.model.search.filters import Within
from cordwood.query.explain.contrast import Seen, bound_for, counted, score

_NEARLY_ALL = 0.5
_SAYS_THE_SAME = 0.9
_MOST_ALIKE = 10
_TIME = re.compile(r"\d{4}-\d\d-\d\d")
_NOTHING = FieldCount("", (), 0)


What = Scalar | Within | None
"""A value, a range of numbers, or that a field is there at all."""


class Candidate(msgspec.Struct, frozen=True):
    """What a field is, and who has it so. `alike`: others with the same numbers on both sides, of other fields."""

    field: str
    value: What
    selection: Seen
    baseline: Seen
    alike: Sequence[tuple[str, What]] = ()


class LeftOut(msgspec.Struct, frozen=True):
    """Fields that were not compared: the question names them; they are times; hardly a value comes twice."""

    asked: Sequence[str]
    times: Sequence[str]
    unique: Sequence[str]


class Paired(msgspec.Struct, frozen=True):
    """One field on both sides."""

    name: str
    selection: FieldCount
    baseline: FieldCount

    @property
    def both(self) -> tuple[FieldCount, FieldCount]:
        return self.selection, self.baseline


def candidates(
    selection: Census, baseline: Census, asked_of: frozenset[str], ranges: Sequence[Candidate] = ()
) -> tuple[list[Candidate], float, LeftOut]:
    """What may differ, the greatest possible score first; the bound of G to tell with; what is left out."""
    fields = paired(selection, baseline)
    found: list[Candidate] = []
    names = [name for name in fields if field_named(name).name not in asked_of]
    asked = sorted(fields.keys() - set(names))
    times = [name for name in names if _is_time(fields[name])]
    unique = [name for name in names if name not in set(times) and _is_unique(fields[name])]
    left = LeftOut(asked, times, unique)
    # Patterns tell of messages.
    silent = {*times, *unique, "message", ".message"}
    valued = [name for name in names if name not in silent]
    values = sum(max(each.distinct for each in fields[name].both) for name in valued)
    bound = bound_for(len(names) + values + len(ranges))
    for name in names:
        one, other = fields[name].both
        found.append(Candidate(name, None, _known(one.events, selection), _known(other.events, baseline)))
    for name in valued:
        found += _values(fields[name], selection, baseline)
    found += _widest(ranges, bound)
    ranked = [(abs(best(each, bound)), each) for each in found]
    sure = [pair for pair in ranked if pair[0]]
    sure.sort(key=lambda pair: (-pair[0], pair[1].field not in DERIVED, pair[1].value is None, pair[1].field))
    return _grouped([each for _, each in sure], bound), bound, left


def best(candidate: Candidate, bound: float) -> float:
    """The score, as if of what is not known the least were so."""
    return score(candidate.selection.at_best, candidate.baseline.at_best, bound)


def _widest(ranges: Sequence[Candidate], bound: float) -> list[Candidate]:
    """Of each field the one that tells most: others are of the same events. That numbers from 200 on are more is told
    rather than that those below are less."""
    most: dict[str, tuple[tuple[bool, float], Candidate]] = {}
    for each in ranges:
        of = best(each, bound)
        weight = (of > 0, abs(of))
        if each.field not in most or weight > most[each.field][0]:
            most[each.field] = weight, each
    return [each for _, each in most.values()]


def paired(selection: Census, baseline: Census) -> dict[str, Paired]:
    one = {field.name: field for field in selection.fields if field.events}
    other = {field.name: field for field in baseline.fields if field.events}
    return {
        name: Paired(name, one.get(name, _NOTHING), other.get(name, _NOTHING))
        for name in sorted(one.keys() | other.keys())
    }


def _values(field: Paired, selection: Census, baseline: Census) -> Iterator[Candidate]:
    one, other = _by_text(field.selection), _by_text(field.baseline)
    for text in one.keys() | other.keys():
        value = one[text][0] if text in one else other[text][0]
        yield Candidate(
            field.name,
            value,
            _seen(text, one, field.selection, selection),
            _seen(text, other, field.baseline, baseline),
        )


def _seen(text: str, values: Mapping[str, tuple[Scalar, int]], field: FieldCount, census: Census) -> Seen:
    if text in values:
        return _known(values[text][1], census)
    if field.distinct <= len(field.values):
        return _known(0, census)
    # It is behind those that were listed.
    return Seen(0, min((count for _, count in field.values), default=field.events), census.examined, False)


def _known(count: int, census: Census) -> Seen:
    return counted(count, census.examined, is_exact=census.is_exact)


def _by_text(field: FieldCount) -> dict[str, tuple[Scalar, int]]:
    """Values as a query spells them: to it 200 and "200" are one."""
    found: dict[str, tuple[Scalar, int]] = {}
    for value, count in field.values:
        text = scalar_text(value)
        found[text] = (found[text][0], found[text][1] + count) if text in found else (value, count)
    return found


def _is_unique(field: Paired) -> bool:
    """Where there are values at all, hardly one comes twice."""
    having = [each for each in field.both if each.distinct]
    return bool(having) and all(
        each.distinct > len(each.values) and each.distinct > _NEARLY_ALL * each.events for each in having
    )


def _is_time(field: Paired) -> bool:
    """Of two windows these always differ."""
    if field_named(field.name).name in TIMESTAMP_NAMES:
        return True
    values = [value for each in field.both for value, _ in each.values]
    return bool(values) and all(
        isinstance(value, str) and _TIME.match(value) is not None and parse_timestamp(value) is not None
        for value in values
    )


class _Head:
    """What goes in front of others with the same numbers."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.alike: list[tuple[str, What]] = []
        self.fields = {candidate.field}


def _grouped(ranked: Sequence[Candidate], bound: float) -> list[Candidate]:
    """Those with the same numbers become one, which names the others; and a field says nothing that a value of it
    says."""
    told: dict[str, list[float]] = {}
    for each in ranked:
        if each.value is not None:
            told.setdefault(each.field, []).append(best(each, bound))
    heads: dict[tuple[Seen, Seen], list[_Head]] = {}
    order: list[_Head] = []
    for each in ranked:
        if each.value is None and _is_said(best(each, bound), told.get(each.field, ())):
            continue
        same = heads.setdefault((each.selection, each.baseline), [])
        head = next((head for head in same if each.field not in head.fields), None)
        if head is None:
            same.append(_Head(each))
            order.append(same[-1])
            continue
        head.fields.add(each.field)
        if len(head.alike) < _MOST_ALIKE:
            head.alike.append((each.field, each.value))
    return [msgspec.structs.replace(head.candidate, alike=head.alike) for head in order]


def _is_said(of: float, values: Sequence[float]) -> bool:
    return any(of * value > 0 and abs(value) >= _SAYS_THE_SAME * abs(of) for value in values)
