"""`sort [-]FIELD, …`: rows in order."""

from cordwood.language.spelling import name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.field import name_of
from cordwood.model.search.pipes import Sort, SortKey


def parse(reading: Reading) -> Sort:
    """Behind the pipe's name."""
    reading.takes_keyword("by")
    keys: list[SortKey] = []
    while not keys or reading.takes(","):
        is_descending = reading.takes("-")
        if not is_descending:
            reading.takes("+")
        start = reading.at
        field = reading.field()
        if reading.text.startswith("(", reading.at):
            whole = reading.text[start : reading.text.find(")", reading.at) + 1] or f"{field.name}()"
            raise reading.problem(
                "a column whose name has parentheses is quoted", start, reading.at, suggestion=f'"{whole.strip()}"'
            )
        # As SQL writes it.
        is_descending = reading.takes_keyword("desc") or is_descending
        reading.takes_keyword("asc")
        keys.append(SortKey(field, is_descending))
    return Sort(tuple(keys))


def text(pipe: Sort) -> str:
    """As a query writes it."""
    keys = (("-" if key.is_descending else "") + name_text(name_of(key.field)) for key in pipe.keys)
    return f"sort {', '.join(keys)}"
