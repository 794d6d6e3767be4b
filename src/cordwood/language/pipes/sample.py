"""`sample N`, `sample 1/N`: some events, the same ones each time."""

from cordwood.language.pipes.aggregates import need_events
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Sample

_MOST = 1 << 32


def parse(reading: Reading) -> Sample:
    """Behind the pipe's name."""
    reading.skip_blanks()
    start = reading.at
    need_events(reading, "sample")
    count = reading.whole_number()
    if count is None:
        raise reading.unexpected("a number of events", '"1/N"')
    if not reading.takes("/"):
        return Sample(count=count)
    one_in = reading.whole_number()
    if count != 1 or one_in is None or not 1 <= one_in <= _MOST:
        raise reading.problem("a share is 1/N", start, reading.at, hint="for instance 1/100")
    return Sample(one_in=one_in)


def text(pipe: Sample) -> str:
    """As a query writes it."""
    return f"sample 1/{pipe.one_in}" if pipe.count is None else f"sample {pipe.count}"
