"""`fields FIELD, pre*`, `fields - FIELD`: which columns stay."""

from functools import lru_cache

from cordwood.language.filters.regexes import Compiled, compile_regex
from cordwood.language.spelling import name_text, wild_text
from cordwood.language.texts import like_regex
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Fields
from cordwood.model.search.wildcards import literal, plain


def parse(reading: Reading) -> Fields:
    """Behind the pipe's name."""
    is_excluding = reading.takes("-")
    patterns: list[str] = []
    while not patterns or reading.takes(","):
        pattern = _pattern(reading)
        # What is left out is neither sent nor derived any more.
        patterns.append(pattern.removeprefix(".") if is_excluding else pattern)
    return Fields(tuple(patterns), is_excluding)


def _pattern(reading: Reading) -> str:
    reading.skip_blanks()
    start = reading.at
    reading.offer("field")
    is_quoted = reading.sees('"', "'", "`")
    pattern = literal(reading.quoted()) if is_quoted else reading.bare(",").pattern
    if not pattern.strip("."):
        raise reading.unexpected("a field") if reading.at == start else reading.problem("no field", start, reading.at)
    name = plain(pattern)
    if name is not None:
        reading.mention(name, start)
    return pattern


def text(pipe: Fields) -> str:
    """As a query writes it."""
    names = [wild_text(each) if (name := plain(each)) is None else name_text(name) for each in pipe.patterns]
    return f"fields {'- ' if pipe.is_excluding else ''}{', '.join(names)}"


def covers(pattern: str, name: str) -> bool:
    """Whether a name is as a pattern says."""
    return _regex(pattern).search(name) is not None


@lru_cache(maxsize=256)
def _regex(pattern: str) -> Compiled:
    return compile_regex(like_regex(pattern))
