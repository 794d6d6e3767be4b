"""What stands behind a field's colon. It depends on the field: the message is a text, a level has an order."""

from collections.abc import Sequence
from uuid import UUID

from cordwood.language.filters.joining import equals, is_another, is_missing
from cordwood.language.filters.levels import LEVEL_ORDER, level_named, parse_level_comparison, parse_level_range
from cordwood.language.filters.logic import parse_logic
from cordwood.language.filters.networks import network_of
from cordwood.language.filters.ranges import at_time, parse_comparison, parse_range, range_of
from cordwood.language.filters.regexes import parse_regex
from cordwood.language.filters.words import parse_words
from cordwood.language.tokens import Bare, Reading
from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import Exists, Filter, Like

_SIGNS = (">", "<", "=", "~", "[", "{", "!=")
_QUOTES = ('"', "'")


def parse_value(reading: Reading, field: Field) -> Filter:
    """One condition on a field, or several in parentheses."""
    if reading.takes_here("("):
        with reading.deeper(), reading.group_of(field, _words_of(field)):
            inner = parse_logic(reading, lambda each: parse_value(each, field))
        reading.needs(")")
        return inner
    if reading.is_at_blank or reading.sees(")", "|"):
        reading.offer("value", _words_of(field), field)
        hint = f'for the text put all of it in quotes: "{field.name[:40]}:"'
        raise reading.problem("a value is missing behind this colon", expected=["a value"], hint=hint)
    if reading.takes_here("!="):
        return is_another(field, _exactly(reading, field))
    if field.derived == "level":
        return _level(reading, field)
    if reading.sees(">", "<", "[", "{"):
        _refuse_for_id(reading, field)
        return parse_comparison(reading, field) or parse_range(reading, field)
    if reading.takes_here("="):
        return _exactly(reading, field)
    if field.derived in DERIVED_TIMES or field.derived == "_id":
        return _only_whole(reading, field)
    if reading.sees("/"):
        return parse_regex(reading, field)
    if field.derived == "message" or reading.takes_here("~"):
        reading.takes_here("~")
        return parse_regex(reading, field) if reading.sees("/") else _words(reading, field)
    return _plain(reading, field)


def _words_of(field: Field) -> Sequence[str]:
    """Values that are known without any event."""
    return LEVEL_ORDER if field.derived == "level" else ()


def parse_any_value(reading: Reading) -> Filter:
    """The same for any value at any depth: words, phrases, regular expressions."""
    if reading.takes_here("("):
        with reading.deeper(), reading.group_of(None):
            inner = parse_logic(reading, parse_any_value)
        reading.needs(")")
        return inner
    if reading.sees(*_SIGNS) and not reading.takes_here("~"):
        message = "any field can be looked through for words and regular expressions only"
        raise reading.problem(message, reading.at, reading.at + 1, hint="name a field to compare")
    return parse_regex(reading, None) if reading.sees("/") else parse_words(reading, None)


def _words(reading: Reading, field: Field) -> Filter:
    if (missing := _null(reading, field)) is not None:
        return missing
    return parse_words(reading, field)


def _plain(reading: Reading, field: Field) -> Filter:
    if reading.sees(*_QUOTES):
        return equals(field, reading.quoted())
    found = _bare(reading, field)
    if found.text.lower() == "null" and not found.has_escapes:
        return is_missing(field)
    if found.has_wildcards:
        return _like(reading, field, found)
    special = None if found.has_escapes else network_of(reading, field, found) or range_of(reading, field, found)
    return special or equals(field, found.text)


def _like(reading: Reading, field: Field, found: Bare) -> Filter:
    if not found.pattern.strip("*"):
        return Exists(field)
    reading.count_regex(found.start, found.end, len(found.pattern))
    return Like(field, found.pattern)


def _bare(reading: Reading, field: Field) -> Bare:
    reading.offer("value", _words_of(field), field)
    found = reading.bare()
    if not found.text:
        raise reading.unexpected("a value")
    return found


def _null(reading: Reading, field: Field) -> Filter | None:
    return is_missing(field) if reading.takes_keyword("null") else None


def _exactly(reading: Reading, field: Field) -> Filter:
    """The whole value, without wildcards."""
    reading.skip_blanks()
    start = reading.at
    text = reading.quoted() if reading.sees(*_QUOTES) else _bare(reading, field).text
    match field.derived:
        case "level":
            return equals(field, level_named(reading, text, start))
        case "_id":
            return equals(field, _id(reading, text, start))
        case "timestamp" | "_inserted_at":
            return at_time(reading, field, text, start)
        case _:
            return equals(field, text)


def _level(reading: Reading, field: Field) -> Filter:
    if reading.sees(">", "<"):
        compared = parse_level_comparison(reading, field)
        assert compared is not None, "a sign was seen"
        return compared
    if reading.sees("[", "{"):
        return parse_level_range(reading, field)
    if reading.sees("/"):
        return parse_regex(reading, field)
    if reading.takes_here("~"):
        return parse_regex(reading, field) if reading.sees("/") else parse_words(reading, field)
    reading.takes_here("=")
    if reading.sees(*_QUOTES):
        return _exactly(reading, field)
    found = _bare(reading, field)
    if found.text.lower() == "null":
        return is_missing(field)
    if found.has_wildcards:
        return _like(reading, field, found)
    return equals(field, level_named(reading, found.text, found.start))


def _only_whole(reading: Reading, field: Field) -> Filter:
    if reading.sees("/", "~"):
        what = "an id" if field.derived == "_id" else "a time"
        hint = f"the text as it was sent is .{field.name}"
        raise reading.problem(f"{field.name} is {what}, not a text", reading.at, reading.at + 1, hint=hint)
    if reading.takes_here("*"):
        return Exists(field)
    return _null(reading, field) or _exactly(reading, field)


def _refuse_for_id(reading: Reading, field: Field) -> None:
    if field.derived == "_id":
        raise reading.problem("ids are not compared", reading.at, reading.at + 1, hint="compare timestamps instead")


def _id(reading: Reading, text: str, start: int) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        hint = "a field that a sender called so is ._id"
        raise reading.problem("an event's id is a UUID", start, reading.at, hint=hint) from error
