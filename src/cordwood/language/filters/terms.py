"""The search line: terms, each a word, a phrase, a regular expression, or a condition on a field."""

import re

from cordwood.language.filters.logic import ends, parse_logic
from cordwood.language.filters.regexes import parse_regex
from cordwood.language.filters.values import parse_any_value, parse_value
from cordwood.language.filters.words import parse_words
from cordwood.language.tokens import Reading
from cordwood.model.search.field import MESSAGE
from cordwood.model.search.filters import Everything, Filter

_COMPARISON = re.compile(r"([A-Za-z_@][\w.@]*)((?:[<>]=?|!=)[+-]?\d.*)", re.DOTALL)
_SIGN = re.compile("[<>=!]+")


def parse_search_line(reading: Reading) -> Filter:
    """Everything up to the first bar."""
    if ends(reading) and not reading.sees(")"):
        reading.offer("keyword", ("NOT", "|"))
        return Everything()
    return parse_logic(reading, parse_term)


def parse_term(reading: Reading) -> Filter:
    """One term."""
    reading.offer("field")
    if (condition := parse_condition(reading)) is not None:
        return condition
    if reading.sees("/"):
        return parse_regex(reading, MESSAGE)
    start = reading.at
    found = parse_words(reading, MESSAGE)
    _check_sign(reading, start)
    return Everything() if reading.text[start : reading.at].strip("*") == "" else found


def _check_sign(reading: Reading, start: int) -> None:
    """Other languages compare without a colon; here that would look for the text, and find nothing without a word."""
    text = reading.text[start : reading.at]
    if (found := _COMPARISON.fullmatch(text)) is not None:
        name, comparison = found.groups()
        hint = "for the text, put it in quotes"
        raise reading.problem(
            "to compare, a field needs a colon", start, reading.at, suggestion=f"{name}:{comparison}", hint=hint
        )
    if _SIGN.fullmatch(text):
        hint = "a comparison is written http.status:>=500; for the text, put it in quotes"
        raise reading.problem("a sign without a field", start, reading.at, hint=hint)


def parse_condition(reading: Reading) -> Filter | None:
    """A condition with a field, or on any field; None, and nothing is read, if there is no colon."""
    if reading.takes_here("*:"):
        return parse_any_value(reading)
    field = reading.target()
    return None if field is None else parse_value(reading, field)
