"""The search line: terms, each a word, a phrase, a regular expression, or a condition on a field."""

from cordwood.language.filters.logic import ends, parse_logic
from cordwood.language.filters.regexes import parse_regex
from cordwood.language.filters.values import parse_any_value, parse_value
from cordwood.language.filters.words import parse_words
from cordwood.language.tokens import Reading
from cordwood.model.search.field import MESSAGE
from cordwood.model.search.filters import Everything, Filter


def parse_search_line(reading: Reading) -> Filter:
    """Everything up to the first bar."""
    return Everything() if ends(reading) and not reading.sees(")") else parse_logic(reading, parse_term)


def parse_term(reading: Reading) -> Filter:
    """One term."""
    reading.offer("field")
    if (condition := parse_condition(reading)) is not None:
        return condition
    if reading.sees("/"):
        return parse_regex(reading, MESSAGE)
    start = reading.at
    found = parse_words(reading, MESSAGE)
    return Everything() if reading.text[start : reading.at].strip("*") == "" else found


def parse_condition(reading: Reading) -> Filter | None:
    """A condition with a field, or on any field; None, and nothing is read, if there is no colon."""
    if reading.takes_here("*:"):
        return parse_any_value(reading)
    field = reading.target()
    return None if field is None else parse_value(reading, field)
