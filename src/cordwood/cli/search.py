"""`cordwood search`: events out of the platform, for people and for other programs."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, BinaryIO, Literal

import typer

from cordwood.cli.asking import asked
from cordwood.cli.rows import print_rows
from cordwood.cli.telling import tell_in_flight, telling_errors
from cordwood.client.http import Api
from cordwood.client.search import parse_event, told_of
from cordwood.client.search import search as ask
from cordwood.client.show import empty_text, event_text, unknown_texts
from cordwood.errors import BadRequest, ConfigError, CordwoodError
from cordwood.neutral import neutral, neutral_json

_Output = Literal["text", "json", "ndjson", "raw"]
_PIPE_CLOSED = 141
"""What a shell reports for a program that SIGPIPE ended."""


def search(
    query: Annotated[
        str,
        typer.Argument(
            metavar="[QUERY]",
            help="What events must match, and what becomes of them: level:error http.status:>=500 | top host",
            show_default=False,
        ),
    ] = "",
    start: Annotated[
        str | None,
        typer.Option(help="From this time on: RFC 3339, Unix time, or -15m. Without it, all time.", show_default=False),
    ] = None,
    end: Annotated[str | None, typer.Option(help="Before this time.", show_default=False)] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="FIELD:VALUE that events must have; may be repeated.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="The newest events, at most so many; of a table, every row.")
    ] = 100,
    is_all: Annotated[bool, typer.Option("--all", help="Every event, newest first, printed as they arrive.")] = False,
    output: Annotated[
        _Output,
        typer.Option(
            "--output",
            "-o",
            help="text for people; ndjson and json with id and times; raw: the events as they were sent, one a line.",
        ),
    ] = "text",
    is_json: Annotated[bool, typer.Option("--json", help="The same as --output ndjson.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
    ] = None,
    color: Annotated[Literal["auto", "always", "never"], typer.Option(help="Colour the text.")] = "auto",
) -> None:
    """Print stored events, the newest last; or what pipes make of them.

    cordwood search --start -15m 'level:error service:checkout "card declined"'

    cordwood search --start -1d 'http.status:>=500 | stats count() as n, p99(http.duration_ms) by service'

    Exit status: 0 when the answer is complete (found or not), 1 when it is not, 2 for wrong usage.
    """
    output = "ndjson" if is_json else output
    is_terminal = sys.stdout.isatty()
    is_coloured = is_to_be_coloured(color, is_terminal=is_terminal)
    with telling_errors(), quiet_pipe(), blaming_usage():
        what = asked(query)
        api = Api(url, api_key)
        left_out: list[str] = []
        in_flight: list[int] = []
        answer = ask(
            api,
            start=start,
            end=end,
            query=query,
            filters=filters or (),
            limit=None if is_all or what.is_table else limit,
            on_incomplete=left_out.append,
            on_in_flight=in_flight.append,
        )
        is_unfilled = False
        if what.is_table and output == "text":
            count, is_unfilled = print_rows(answer, sys.stdout.buffer)
        else:
            is_table = what.is_table and output == "raw"
            shape = shape_of("ndjson" if is_table else output, is_terminal=is_terminal, is_coloured=is_coloured)
            ordered = answer if is_all or what.has_pipes else _oldest_first(answer)
            count = _print(ordered, shape, output == "json", sys.stdout.buffer)
        why = ""
        if (count == 0 or is_unfilled) and sys.stderr.isatty():
            told = told_of(api, start=start, end=end, query=query, filters=filters or ())
            why = "; ".join(unknown_texts(told.unknown_fields)) if count else empty_text(told.empty)
        api.close()
    tell_in_flight(sum(in_flight))
    if left_out:
        typer.echo(f"not complete: {neutral(left_out[0])}", err=True)
        raise typer.Exit(1)
    if why:
        typer.echo(why, err=True)
    elif sys.stderr.isatty() and not is_all and not what.is_table and count == limit:
        typer.echo(f"the newest {limit:,}; there may be more: --limit, --all, --start", err=True)


def is_to_be_coloured(color: Literal["auto", "always", "never"], *, is_terminal: bool) -> bool:
    """Whether text is coloured; https://no-color.org is obeyed."""
    return color == "always" or (color == "auto" and is_terminal and "NO_COLOR" not in os.environ)


def _oldest_first(answer: Iterator[bytes]) -> Iterator[bytes]:
    """The same events the other way round; when the answer breaks off, first what had come."""
    lines: list[bytes] = []
    try:
        lines.extend(answer)
    except CordwoodError:
        yield from reversed(lines)
        raise
    yield from reversed(lines)


def shape_of(output: _Output, *, is_terminal: bool, is_coloured: bool) -> Callable[[bytes], bytes]:
    """How one event is printed. Programs get JSON byte for byte; a terminal gets no control codes, in any form."""
    if output == "text":
        return lambda line: event_text(parse_event(line), is_coloured=is_coloured).encode()
    pick: Callable[[bytes], bytes] = (lambda line: bytes(parse_event(line).data)) if output == "raw" else bytes
    return (lambda line: neutral_json(pick(line).decode()).encode()) if is_terminal else pick


def _print(lines: Iterator[bytes], shape: Callable[[bytes], bytes], is_array: bool, out: BinaryIO) -> int:
    """Write the events; returns how many. A JSON array is left open when the answer breaks off, so that nobody takes
    it for whole."""
    count = 0
    out.write(b"[" if is_array else b"")
    try:
        for count, line in enumerate(lines, 1):
            between = b"" if not is_array else b",\n " if count > 1 else b"\n "
            out.write(between + shape(line) + (b"" if is_array else b"\n"))
        out.write(b"\n]\n" if is_array else b"")
    finally:
        out.flush()
    return count


@contextmanager
def blaming_usage() -> Iterator[None]:
    """A time or filter that the server cannot read is the caller's slip, as an unknown option is."""
    try:
        yield
    except BadRequest as error:
        if error.status != BadRequest.status:
            raise
        raise ConfigError(error.message, hint=error.hint) from error


@contextmanager
def quiet_pipe() -> Iterator[None]:
    """Whoever reads our output may stop early (`| head`): that is no error of ours."""
    try:
        yield
    except BrokenPipeError as error:
        # The interpreter would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_PIPE_CLOSED) from error
