"""The columns of a table: each has a name of its own."""

from collections.abc import Sequence

from cordwood.language.pipes.aggregates import Grouping
from cordwood.language.tokens import Reading
from cordwood.model.search.field import Field, name_of
from cordwood.model.search.pipes import Aggregate


def check_columns(reading: Reading, aggregates: Sequence[Aggregate], grouping: Grouping, start: int) -> None:
    """Raises BadQuery when a group and another column have one name."""
    taken = [name_of(field) for field in grouping.fields]
    taken += [] if grouping.span_us is None else ["timestamp"]
    taken += [aggregate.name for aggregate in aggregates]
    for name in taken:
        if taken.count(name) > 1:
            hint = 'give one another name: "as"'
            raise reading.problem(f'two columns are named "{name}"', start, reading.at, hint=hint)


def parse_fields(reading: Reading) -> tuple[Field, ...]:
    """Fields between commas, each once."""
    found: list[Field] = []
    while not found or reading.takes(","):
        reading.skip_blanks()
        start = reading.at
        found.append(reading.field())
        if found.count(found[-1]) > 1:
            raise reading.problem("this field is there twice", start, reading.at)
    return tuple(found)


def parse_count(reading: Reading, usual: int) -> int:
    """A number of rows, more than none, if one stands here."""
    reading.skip_blanks()
    start = reading.at
    count = reading.whole_number()
    if count == 0:
        raise reading.problem("a number above 0 is needed", start, reading.at)
    return usual if count is None else count
