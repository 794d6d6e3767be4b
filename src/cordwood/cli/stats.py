"""`cordwood stats`, `top` and `patterns`: frequent questions, briefly; the same as `cordwood search` with a pipe."""

from typing import Annotated, Literal

import typer

from cordwood.cli.search import search

_Query = Annotated[
    str, typer.Argument(metavar="[QUERY]", help="What events must match: level:error", show_default=False)
]
_Start = Annotated[
    str | None, typer.Option(help="From this time on: RFC 3339, Unix time, or -15m.", show_default=False)
]
_End = Annotated[str | None, typer.Option(help="Before this time.", show_default=False)]
_Form = Literal["text", "json", "ndjson"]
_Output = Annotated[_Form, typer.Option("--output", "-o", help="text for people; json and ndjson.")]
_IsJson = Annotated[bool, typer.Option("--json", help="The same as --output ndjson.")]
_Url = Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")]
_Key = Annotated[
    str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
]
_HERE = "http://127.0.0.1:8080"


def stats(
    aggregates: Annotated[
        str, typer.Argument(metavar="AGGREGATES", help="As behind | stats: 'count() as n, p99(took_ms) by service'")
    ],
    query: _Query = "",
    start: _Start = None,
    end: _End = None,
    output: _Output = "text",
    is_json: _IsJson = False,
    url: _Url = _HERE,
    api_key: _Key = None,
) -> None:
    """Print aggregates of stored events.

    cordwood stats 'count() as n, p99(http.duration_ms) by service' 'level:error' --start -1h
    """
    _ask(f"{query} | stats {aggregates}", start, end, output, is_json, url, api_key)


def top(
    fields: Annotated[str, typer.Argument(metavar="FIELD[,FIELD…]", help="Whose values: host, or service,level")],
    query: _Query = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many values.")] = 10,
    by: Annotated[str, typer.Option(help="For each value of these fields.", show_default=False)] = "",
    is_rare: Annotated[bool, typer.Option("--rare", help="The least frequent.")] = False,
    start: _Start = None,
    end: _End = None,
    output: _Output = "text",
    is_json: _IsJson = False,
    url: _Url = _HERE,
    api_key: _Key = None,
) -> None:
    """Print the most frequent values of a field.

    cordwood top host 'level:error' --start -1h
    """
    pipe = f"{'rare' if is_rare else 'top'} {count} {fields}{f' by {by}' if by else ''}"
    _ask(f"{query} | {pipe}", start, end, output, is_json, url, api_key)


def patterns(
    query: _Query = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many patterns.")] = 50,
    field: Annotated[str, typer.Option(help="Whose texts.")] = "message",
    start: _Start = None,
    end: _End = None,
    output: _Output = "text",
    is_json: _IsJson = False,
    url: _Url = _HERE,
    api_key: _Key = None,
) -> None:
    """Print what messages have in common, the most frequent first.

    cordwood patterns 'service:checkout' --start -1h
    """
    _ask(f"{query} | patterns {field} | limit {count}", start, end, output, is_json, url, api_key)


def _ask(
    query: str, start: str | None, end: str | None, output: _Form, is_json: bool, url: str, api_key: str | None
) -> None:
    search(query, start=start, end=end, output=output, is_json=is_json, url=url, api_key=api_key)
