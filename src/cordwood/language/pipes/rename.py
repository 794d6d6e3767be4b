"""`rename FIELD as NAME, …`: columns under other names."""

from cordwood.language.spelling import name_text
from cordwood.language.tokens import Reading
from cordwood.model.search.field import Field, name_of
from cordwood.model.search.pipes import Rename


def parse(reading: Reading) -> Rename:
    """Behind the pipe's name."""
    pairs: list[tuple[Field, str]] = []
    while not pairs or reading.takes(","):
        reading.skip_blanks()
        start = reading.at
        field = reading.field()
        if field.is_sent and reading.has_events:
            hint = f"eval {field.name} = {name_of(field)} makes a column of it"
            raise reading.problem("what was sent has no other name", start, reading.at, hint=hint)
        if not reading.takes_keyword("as"):
            raise reading.unexpected('"as"')
        pairs.append((field, reading.column()))
    return Rename(tuple(pairs))


def text(pipe: Rename) -> str:
    """As a query writes it."""
    return "rename " + ", ".join(f"{name_text(name_of(field))} as {name_text(name)}" for field, name in pipe.pairs)
