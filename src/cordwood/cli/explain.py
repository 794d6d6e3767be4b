"""`cordwood explain`: what differs between some events and others."""

import json
import shutil
from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec import UNSET

from cordwood.cli.asking import checked
from cordwood.cli.search import blaming_usage, quiet_pipe
from cordwood.cli.shown import print_json
from cordwood.cli.telling import telling_errors
from cordwood.client.explain import AlikeTold, Explained, FindingTold, PatternTold, Side
from cordwood.client.explain import explain as ask
from cordwood.client.http import Api
from cordwood.neutral import neutral

_NUMBERS = "  {:>9}  {:>9}  {:>8}  "
_HEAD = _NUMBERS.format("selection", "baseline", "lift")
_NARROWEST = 12
_Time = Annotated[str | None, typer.Option(help="From this time on: RFC 3339, Unix time, or -15m.", show_default=False)]


def explain(
    query: Annotated[
        str,
        typer.Argument(metavar="[QUERY]", help="The events to explain: level:error service:pay", show_default=False),
    ] = "",
    start: _Time = None,
    end: Annotated[str | None, typer.Option(help="Before this time.", show_default=False)] = None,
    baseline_query: Annotated[
        str | None, typer.Option(help="Compare with what matches this; '' is every event.", show_default=False)
    ] = None,
    baseline_start: Annotated[
        str | None, typer.Option(help="Compare with events from this time on.", show_default=False)
    ] = None,
    baseline_end: Annotated[
        str | None, typer.Option(help="Compare with events before this time.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Findings, and patterns.")] = 10,
    is_json: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
    url: Annotated[str, typer.Option(envvar="CORDWOOD_URL", help="Server to ask.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(envvar="CORDWOOD_API_KEY", help="Key with the query scope.", show_default=False)
    ] = None,
) -> None:
    """Print which values and messages differ most from those of the time before, or of all events.

    cordwood explain level:error --start -15m
    """
    baseline = _given(checked(baseline_query) if baseline_query else baseline_query, baseline_start, baseline_end)
    with telling_errors(), quiet_pipe(), blaming_usage():
        api = Api(url, api_key)
        asked = _given(checked(query) or None, start, end) | {"limit": limit}
        found = ask(api, asked | ({"baseline": baseline} if baseline else {}))
        api.close()
        if is_json:
            print_json(found)
        else:
            _print(found, shutil.get_terminal_size((100, 24)).columns)
    if not found.complete:
        typer.echo("not complete: some segments cannot be read; cordwood store check tells which", err=True)
        raise typer.Exit(1)


def _given(query: str | None, start: str | None, end: str | None) -> dict[str, object]:
    given = (("query", query), ("start", start), ("end", end))
    return {name: text for name, text in given if text is not None}


def _print(found: Explained, width: int) -> None:
    _print_side("selection", found.selection)
    _print_side("baseline", found.baseline)
    room = max(_NARROWEST, width - len(_HEAD) - 6)
    if found.findings:
        typer.echo("\n        " + _HEAD.rstrip())
    for finding in found.findings:
        _print_line(finding, _named(finding), room)
        for each in finding.alike:
            typer.echo(f"{'':{len(_HEAD) + 6}}= {_cut(_named(each), room - 2)}")
    if found.patterns:
        typer.echo("\nmessages" + _HEAD.rstrip())
    for pattern in found.patterns:
        _print_line(pattern, neutral(pattern.pattern), room)
    _tell(found)


def _print_line(found: FindingTold | PatternTold, what: str, room: int) -> None:
    numbers = _NUMBERS.format(_percent(found.selection), _percent(found.baseline), f"×{found.lift:.3g}")
    typer.echo(f"{found.change:<4}{'' if found.exact else '~':>2}{numbers}{_cut(what, room)}")


def _print_side(name: str, side: Side) -> None:
    when = f"{side.start or 'the first'} … {side.end or 'the last'}"
    about = "" if side.exact else f", estimated from {side.examined:,}"
    typer.echo(f"{name:<9}  {side.events:,} events{about}, {when}")


def _tell(found: Explained) -> None:
    sides: Sequence[tuple[str, Side]] = (("selection", found.selection), ("baseline", found.baseline))
    empty = [name for name, side in sides if not side.events]
    for name in empty:
        typer.echo(f"no event is in the {name}: there is nothing to compare", err=True)
    if not empty and not found.findings and not found.patterns:
        typer.echo("nothing differs for sure", err=True)


def _named(what: AlikeTold | FindingTold) -> str:
    field, value, within = neutral(what.field), what.value, what.range
    if within is not UNSET:
        return f"{field} < {within.below:g}" if within.at_least is None else f"{field} ≥ {within.at_least:g}"
    if value is UNSET:
        return f"{field} is there"
    return f"{field} = {neutral(value if isinstance(value, str) else json.dumps(value))}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
