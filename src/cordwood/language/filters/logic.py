"""AND, OR, NOT and parentheses, around whatever a term is."""

from collections.abc import Callable

from cordwood.language.filters.joining import all_of, any_of
from cordwood.language.tokens import Reading
from cordwood.model.search.filters import Filter, Not

Term = Callable[[Reading], Filter]


def parse_logic(reading: Reading, term: Term) -> Filter:
    """One or more terms, up to the end, a closing parenthesis or a bar."""
    parts = [_all(reading, term)]
    while reading.takes_keyword("or"):
        parts.append(_all(reading, term))
    found = any_of(parts)
    if len(parts) > 1 and not reading.is_nested:
        reading.note_choice(found)
    return found


def _all(reading: Reading, term: Term) -> Filter:
    parts = [_one(reading, term)]
    while True:
        reading.offer("keyword", ("AND", "OR", "NOT") if reading.is_nested else ("AND", "OR", "NOT", "|"))
        joined = reading.takes_keyword("and")
        if not joined and (ends(reading) or reading.sees_keyword("or")):
            return all_of(parts)
        parts.append(_one(reading, term))


def _check_not(reading: Reading) -> None:
    """`file not found` is more likely a text than a question for files that nobody found."""
    start = reading.at
    if not reading.in_expression and not reading.sees("NOT"):
        hint = 'write NOT, or "-" in front of a term, to leave it out; or "not" in quotes to look for the word'
        raise reading.problem("this may be a word or an operator", start, start + len("not"), hint=hint)


def ends(reading: Reading) -> bool:
    """Whether no term follows."""
    reading.skip_blanks()
    if reading.is_at_end:
        reading.offer_term()
    return reading.is_at_end or reading.sees(")", "|")


def _one(reading: Reading, term: Term) -> Filter:
    reading.skip_blanks()
    start = reading.at
    found = _whole(reading, term)
    if not reading.is_nested:
        reading.note_clause(found, start)
    return found


def _whole(reading: Reading, term: Term) -> Filter:
    reading.offer("keyword", ("NOT",))
    if reading.sees_keyword("and", "or"):
        raise reading.unexpected("a term")
    if reading.sees_keyword("not"):
        _check_not(reading)
        reading.takes_keyword("not")
        with reading.deeper():
            return Not(_one(reading, term))
    if reading.sees("-", "!") and not reading.sees("!="):
        start = reading.at
        reading.at += 1
        if reading.is_at_blank or reading.sees("-", "!"):
            if reading.is_at_end:
                reading.offer_term()
            hint = "to look for this text, put it in quotes"
            raise reading.problem("nothing to leave out", start, reading.at, expected=["a term"], hint=hint)
        with reading.deeper():
            return Not(_one(reading, term))
    if reading.takes("("):
        with reading.deeper():
            inner = parse_logic(reading, term)
        reading.needs(")")
        return inner
    if ends(reading):
        raise reading.unexpected("a term")
    start = reading.at
    reading.count_term(start)
    return term(reading)
