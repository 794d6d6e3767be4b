"""Words and phrases: terms without a field, and those of texts."""

from cordwood.language.tokens import Reading
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Everything, Exists, Filter, Words
from cordwood.model.search.wildcards import literal


def parse_words(reading: Reading, field: Field | None) -> Filter:
    """A word, with wildcards perhaps, or a phrase in quotes. `field` None: in any value."""
    start = reading.at
    if reading.sees('"', "'"):
        pattern = literal(reading.quoted())
    else:
        if field is not None and field.derived != "message":
            reading.offer("value", field=field, role="words")
        found = reading.bare()
        if found.pattern and not found.pattern.strip("*"):
            return Everything() if field is None else Exists(field)
        pattern = found.pattern
        if found.has_wildcards:
            reading.count_regex(found.start, found.end, len(pattern))
    if not pattern:
        if reading.at > start:
            raise reading.problem("an empty phrase is in every text", start, reading.at)
        raise reading.unexpected("a word")
    return Words(field, pattern)
