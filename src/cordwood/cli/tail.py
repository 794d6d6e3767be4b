"""`cordwood tail`: events as they are stored, for people and for other programs."""

import sys
from typing import Annotated, Literal

import typer

from cordwood.cli.asking import checked
from cordwood.cli.search import blaming_usage, is_to_be_coloured, quiet_pipe, shape_of
from cordwood.cli.telling import telling_errors
from cordwood.client.http import Api
from cordwood.client.tail import Gap, Heard, Interrupted, follow
from cordwood.neutral import neutral

_INTERRUPTED = 130
"""What a shell reports for a program that SIGINT ended."""


def tail(
    query: Annotated[
        str, typer.Argument(help="A search line, for instance 'level:error checkout'; all events without one.")
    ] = "",
    history: Annotated[int, typer.Option("--history", "-n", min=0, help="Stored events to begin with.")] = 10,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="FIELD:VALUE that events must have; may be repeated.", show_default=False),
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="JSON, one event a line, with id and times.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
    ] = None,
    color: Annotated[Literal["auto", "always", "never"], typer.Option(help="Colour the text.")] = "auto",
) -> None:
    """Print events as they are stored, until Ctrl-C.

    cordwood tail 'level:>=error service:checkout' --history 50

    A connection that breaks is taken up again, with what was stored meanwhile. What was missed is told on the error
    output.
    """
    is_terminal = sys.stdout.isatty()
    is_coloured = is_to_be_coloured(color, is_terminal=is_terminal)
    shape = shape_of("ndjson" if is_json else "text", is_terminal=is_terminal, is_coloured=is_coloured)
    with telling_errors(), quiet_pipe(), blaming_usage():
        api = Api(url, api_key)
        try:
            for said in follow(api, checked(query), filters or (), history):
                match said:
                    case Heard(line=line):
                        sys.stdout.buffer.write(shape(line) + b"\n")
                        sys.stdout.buffer.flush()
                    case Gap(events=None):
                        typer.echo("missed: some events; `cordwood search` finds them", err=True)
                    case Gap(events=events):
                        typer.echo(f"missed: {events:,} events; `cordwood search` finds them", err=True)
                    case Interrupted(reason=reason, pause_s=pause_s):
                        typer.echo(f"interrupted: {neutral(reason)}; again in {pause_s:g} s", err=True)
        except KeyboardInterrupt as error:
            raise typer.Exit(_INTERRUPTED) from error
        finally:
            api.close()
