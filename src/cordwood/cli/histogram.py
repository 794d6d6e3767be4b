"""`cordwood histogram`: how many events there are, over time."""

import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import typer

from cordwood.cli.asking import checked
from cordwood.cli.rows import print_rows
from cordwood.cli.search import blaming_usage, quiet_pipe
from cordwood.cli.shown import print_json
from cordwood.cli.telling import tell_in_flight, telling_errors
from cordwood.client.http import Api


class _Count(msgspec.Struct, frozen=True):
    start: str
    count: int
    value: str | None = None


class _Histogram(msgspec.Struct, frozen=True):
    counts: Sequence[_Count]
    complete: bool
    in_flight: int | None = None


def histogram(
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="What events must match: level:error", show_default=False)
    ] = "",
    start: Annotated[
        str | None, typer.Option(help="From this time on: RFC 3339, Unix time, or -15m.", show_default=False)
    ] = None,
    end: Annotated[str | None, typer.Option(help="Before this time.", show_default=False)] = None,
    span: Annotated[
        str | None, typer.Option(help="Of a bar: 30s, 5m, 1h; else at most 120 fit.", show_default=False)
    ] = None,
    by: Annotated[
        Literal["level", "service"] | None, typer.Option(help="Count each of its values.", show_default=False)
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="The answer as the server gives it.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
    ] = None,
) -> None:
    """Print how many events there are in each span of time.

    cordwood histogram level:error --start -6h --by service

    Exit status: 0 when the answer is complete, 1 when it is not, 2 for wrong usage.
    """
    with telling_errors(), quiet_pipe(), blaming_usage():
        api = Api(url, api_key)
        given = (("query", checked(query) or None), ("start", start), ("end", end), ("span", span), ("by", by))
        parameters = [(name, value) for name, value in given if value is not None]
        answer = api.get("/api/v1/histogram", msgspec.Raw, parameters)
        api.close()
        found = msgspec.json.decode(answer, type=_Histogram)
        if is_json:
            print_json(answer)
        else:
            print_rows(map(msgspec.json.encode, _rows(found.counts, is_grouped=by is not None)), sys.stdout.buffer)
    tell_in_flight(found.in_flight)
    if not found.complete:
        typer.echo("not complete: damaged segments are left out", err=True)
        raise typer.Exit(1)


def _rows(counts: Sequence[_Count], *, is_grouped: bool) -> list[dict[str, object]]:
    """One for each span; with groups, a column for each value and one for all."""
    rows: dict[str, dict[str, int]] = {}
    for each in counts:
        values = rows.setdefault(each.start, {"count": 0})
        values["count"] += each.count
        if is_grouped:
            values["-" if each.value is None else each.value] = each.count
    names = list(dict.fromkeys(name for values in rows.values() for name in values))
    return [{"timestamp": at, **{name: values.get(name, 0) for name in names}} for at, values in rows.items()]
