"""`limit N [OFFSET]`, `head N`: the first rows."""

from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Limit


def parse(reading: Reading) -> Limit:
    """Behind the pipe's name."""
    count = reading.whole_number()
    if count is None:
        raise reading.unexpected("a number of rows")
    return Limit(count, reading.whole_number() or 0)


def text(pipe: Limit) -> str:
    """As a query writes it."""
    return f"limit {pipe.count} {pipe.offset}" if pipe.offset else f"limit {pipe.count}"
