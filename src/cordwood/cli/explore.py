"""`cordwood fields`, `facets` and `context`: what there is to ask for, and what happened beside an event."""

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from cordwood.cli.asking import checked
from cordwood.cli.search import blaming_usage, is_to_be_coloured, quiet_pipe, shape_of
from cordwood.cli.shown import print_json
from cordwood.cli.telling import tell_in_flight, telling_errors
from cordwood.client.explore import Context, Counted, Facets, Fields, Scalar, question
from cordwood.client.explore import context as ask_context
from cordwood.client.explore import facets as ask_facets
from cordwood.client.explore import fields as ask_fields
from cordwood.client.http import Api
from cordwood.neutral import neutral

_Query = Annotated[
    str,
    typer.Argument(metavar="[QUERY]", help="What events must match: level:error http.status:>=500", show_default=False),
]
_Start = Annotated[
    str | None, typer.Option(help="From this time on: RFC 3339, Unix time, or -15m.", show_default=False)
]
_End = Annotated[str | None, typer.Option(help="Before this time.", show_default=False)]
_Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", help="FIELD:VALUE that events must have; may be repeated.", show_default=False),
]
_Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
_Url = Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")]
_Key = Annotated[
    str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
]
_URL = "http://127.0.0.1:8080"
_BAR = "█"
_BAR_WIDTH = 20
_NARROWEST = 12
"""Columns that a name or value gets on the narrowest terminal."""


def fields(
    query: _Query = "",
    start: _Start = None,
    end: _End = None,
    filters: _Filters = None,
    is_json: _Json = False,
    url: _Url = _URL,
    api_key: _Key = None,
) -> None:
    """Print the fields that events have: types, how many have them, an example.

    cordwood fields --start -1h service:checkout
    """
    with telling_errors(), quiet_pipe(), blaming_usage():
        api = Api(url, api_key)
        found = ask_fields(api, question(checked(query), start, end, filters or ()))
        api.close()
        if is_json:
            print_json(found)
        else:
            _print_fields(found, _width())
    _require_complete(found.complete)


def facets(
    query: _Query = "",
    start: _Start = None,
    end: _End = None,
    filters: _Filters = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Values of each field.")] = 5,
    is_json: _Json = False,
    url: _Url = _URL,
    api_key: _Key = None,
) -> None:
    """Print the most frequent values of every field.

    cordwood facets --start -1h level:error
    """
    with telling_errors(), quiet_pipe(), blaming_usage():
        api = Api(url, api_key)
        found = ask_facets(api, question(checked(query), start, end, filters or ()), limit)
        api.close()
        if is_json:
            print_json(found)
        else:
            _print_facets(found, _width())
    _require_complete(found.complete)


def context(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id: search -o ndjson shows it.")],
    before: Annotated[int, typer.Option("--before", "-B", min=0, max=1000, help="Events before it.")] = 10,
    after: Annotated[int, typer.Option("--after", "-A", min=0, max=1000, help="Events after it.")] = 10,
    by: Annotated[str, typer.Option(help="Field whose value they share: service, host, …; or all.")] = "service",
    is_json: Annotated[bool, typer.Option("--json", help="JSON, one event a line, with id and times.")] = False,
    url: _Url = _URL,
    api_key: _Key = None,
    color: Annotated[Literal["auto", "always", "never"], typer.Option(help="Colour the text.")] = "auto",
) -> None:
    """Print what happened just before and after an event, the oldest first; the event itself is marked.

    cordwood context 01a20a6b-c8c1-7b73-a9d5-ddce00000003 --by host
    """
    is_terminal = sys.stdout.isatty()
    is_coloured = is_to_be_coloured(color, is_terminal=is_terminal)
    shape = shape_of("ndjson" if is_json else "text", is_terminal=is_terminal, is_coloured=is_coloured)
    with telling_errors(), quiet_pipe(), blaming_usage():
        api = Api(url, api_key)
        found: Context = ask_context(api, event_id, before, after, by)
        api.close()
        for number, event in enumerate([*found.before, found.event, *found.after]):
            mark = b"" if is_json else b"> " if number == len(found.before) else b"  "
            sys.stdout.buffer.write(mark + shape(bytes(event)) + b"\n")
        sys.stdout.buffer.flush()
    _require_complete(found.complete)


def _print_fields(found: Fields, width: int) -> None:
    # Who reads it by a program needs whole names.
    names = _shares([field.name for field in found.fields], width // 3 if sys.stdout.isatty() else sys.maxsize)
    for field in found.fields:
        head = f"{_cut(neutral(field.name), names)}  {_bar(field.coverage)} {100 * field.coverage:5.1f} %  "
        rest = f"{'|'.join(field.types):<12} {_spelt(field.example) if field.example is not None else ''}"
        typer.echo(head + rest[: max(_NARROWEST, width - len(head))].rstrip())
    _tell(found)


def _print_facets(found: Facets, width: int) -> None:
    for field in found.facets:
        about = f"{'|'.join(field.types)}, {field.events:,} events, {field.distinct:,} values"
        typer.echo(f"{neutral(field.name)}  ({about}{', hardly one twice' if field.unique else ''})")
        most = max((value.count for value in field.values), default=1)
        counts = max((len(f"{value.count:,}") for value in field.values), default=1)
        room = max(_NARROWEST, width - _BAR_WIDTH - counts - 6)
        texts = [_spelt(value.value) for value in field.values]
        longest = _shares(texts, room)
        for text, value in zip(texts, field.values, strict=True):
            typer.echo(f"  {_cut(text, longest)}  {_bar(value.count / most)} {value.count:>{counts},}")
    _tell(found)


def _tell(found: Counted) -> None:
    if not found.events:
        typer.echo("no event matches", err=True)
    elif not found.exact:
        typer.echo(f"estimated from {found.examined:,} of {found.events:,} events", err=True)
    tell_in_flight(found.in_flight)


def _require_complete(is_complete: bool) -> None:
    if not is_complete:
        typer.echo("not complete: some segments cannot be read; cordwood store check tells which", err=True)
        raise typer.Exit(1)


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _shares(texts: Sequence[str], most: int) -> int:
    """The width of a column that holds these."""
    return max(_NARROWEST, min(most, max((len(neutral(text)) for text in texts), default=0)))


def _cut(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)


def _bar(share: float) -> str:
    return (_BAR * max(1 if share > 0 else 0, round(share * _BAR_WIDTH))).ljust(_BAR_WIDTH)


def _spelt(value: Scalar) -> str:
    return neutral(value if isinstance(value, str) else json.dumps(value))
