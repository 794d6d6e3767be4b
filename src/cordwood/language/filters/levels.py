"""The derived level: any spelling that events may use, and an order."""

from typing import get_args

from cordwood.language.filters.joining import any_of, equals
from cordwood.language.tokens import Reading
from cordwood.model.event import LEVELS, Level
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Everything, Filter, Not

LEVEL_ORDER: tuple[Level, ...] = get_args(Level)


def level_named(reading: Reading, text: str, start: int) -> Level:
    """The level that a text at `start` spells."""
    level = LEVELS.get(text.lower()) if text.isascii() else None
    if level is None:
        raise reading.unknown("level", text, start, LEVEL_ORDER)
    return level


def parse_level_comparison(reading: Reading, field: Field) -> Filter | None:
    """`>=warn`: those of the levels that compare so; None if no such sign stands here."""
    for sign in (">=", "<=", ">", "<"):
        if reading.sees(sign):
            reading.at += len(sign)
            at = LEVEL_ORDER.index(_level(reading))
            if sign[0] == ">":
                return _one_of(field, LEVEL_ORDER[at + (sign == ">") :])
            return _one_of(field, LEVEL_ORDER[: at + (sign == "<=")])
    return None


def parse_level_range(reading: Reading, field: Field) -> Filter:
    """`[warn TO fatal]`, at its first bracket."""
    first = 0 if reading.sees("[") else 1
    reading.at += 1
    first += LEVEL_ORDER.index(_level(reading))
    if not reading.takes_keyword("to"):
        raise reading.unexpected('"TO"')
    last = LEVEL_ORDER.index(_level(reading))
    if reading.takes("]"):
        last += 1
    elif not reading.takes("}"):
        raise reading.unexpected('"]"', '"}"')
    return _one_of(field, LEVEL_ORDER[first:last])


def _level(reading: Reading) -> Level:
    reading.skip_blanks()
    start = reading.at
    reading.offer("value", LEVEL_ORDER)
    text = reading.quoted() if reading.sees('"', "'") else reading.bare("]}").text
    if not text:
        raise reading.unexpected("a level")
    return level_named(reading, text, start)


def _one_of(field: Field, levels: tuple[Level, ...]) -> Filter:
    return any_of(equals(field, level) for level in levels) if levels else Not(Everything())
