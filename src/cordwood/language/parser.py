"""Query text → search. Recursive descent; what is wrong is told with its place, whatever the text is."""

from typing import NamedTuple

from cordwood.errors import BadQuery
from cordwood.language.bounds import MAX_CHARACTERS, MAX_PIPES
from cordwood.language.checks import check_columns
from cordwood.language.filters.terms import parse_search_line
from cordwood.language.noting import Clause, Mention
from cordwood.language.pipes.known import PIPES, makes_table
from cordwood.language.tokens import Reading
from cordwood.model.search.filters import Filter
from cordwood.model.search.pipes import Pipe, Search


class Parsed(NamedTuple):
    """A search, where its text names fields, the clauses of its search line, and where that ends."""

    search: Search
    mentions: tuple[Mention, ...]
    clauses: tuple[Clause, ...]
    query_end: int


def parse(text: str, now_us: int) -> Search:
    """The search that a query means; times relative to now are counted from `now_us`. Raises BadQuery."""
    return parse_noting(text, now_us).search


def parse_filter(text: str, now_us: int) -> Filter:
    """The filter that a search line without pipes means. Raises BadQuery."""
    reading = Reading(text, now_us)
    found = read_search(reading)
    if reading.first_pipe is not None:
        raise reading.problem("no pipe can stand here", reading.first_pipe, reading.first_pipe + 1)
    return found.filter


def parse_noting(text: str, now_us: int) -> Parsed:
    """The same, with places in the text."""
    reading = Reading(text, now_us)
    search = read_search(reading)
    check_columns(text, search, reading.mentions)
    query_end = len(text) if reading.first_pipe is None else reading.first_pipe
    return Parsed(search, tuple(reading.mentions), tuple(reading.clauses), query_end)


def read_search(reading: Reading) -> Search:
    """Everything that is there to read."""
    _check_text(reading)
    found = parse_search_line(reading)
    pipes = reading.pipes
    while reading.takes("|"):
        reading.pipe += 1
        if reading.first_pipe is None:
            reading.first_pipe = reading.at - 1
        pipe = _pipe(reading)
        pipes.append(pipe)
        if len(pipes) > MAX_PIPES:
            raise reading.problem(f"more than {MAX_PIPES} pipes", reading.pipe_start, reading.at)
        reading.has_events = reading.has_events and not makes_table(pipe)
        reading.offer("keyword", ("|",))
        if not (reading.sees_next("|") or reading.is_at_end):
            raise reading.unexpected('"|"', "the end")
    if reading.sees(")"):
        raise reading.problem("this parenthesis closes nothing", reading.at, reading.at + 1)
    if not reading.is_at_end:
        raise reading.unexpected("a term", '"|"')
    return Search(found, tuple(pipes))


def _pipe(reading: Reading) -> Pipe:
    reading.offer("pipe", PIPES)
    reading.pipe_start = reading.at
    return PIPES[reading.choice("pipe", PIPES)](reading)


def _check_text(reading: Reading) -> None:
    text = reading.text
    if len(text) > MAX_CHARACTERS:
        raise BadQuery(
            f"a query of {len(text):,} characters; at most {MAX_CHARACTERS:,} are taken",
            query=text[:MAX_CHARACTERS],
            position=0,
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise reading.problem("half of a character (a lone surrogate)", error.start, error.start + 1) from error
