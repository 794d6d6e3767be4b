"""A dashboard that somebody wants to keep: what can be known to be wrong with it is told before it is kept."""

from collections import Counter
from collections.abc import Collection

import msgspec

from cordwood.alerts.checks import check_texts, checked_name
from cordwood.errors import BadQuery, BadRequest
from cordwood.language.parser import parse
from cordwood.model.dashboard import COLUMNS, MAX_DASHBOARD_BYTES, Dashboard, Panel, Range
from cordwood.query.parameters import parse_time


def check_dashboard(dashboard: Dashboard, saved: Collection[str], now_us: int) -> None:
    """`saved` are the names of the tenant's saved queries. Raises BadRequest, naming the panel and the member, and
    BadQuery. Sizes are bounded by the types."""
    if len(msgspec.json.encode(dashboard)) > MAX_DASHBOARD_BYTES:
        raise BadRequest(f"the dashboard has more than {MAX_DASHBOARD_BYTES:,} bytes", hint="make two of it")
    check_texts("title", [dashboard.title])
    check_texts("about", [dashboard.about.replace("\n", " ")])
    _check_range(dashboard.range, now_us)
    twice = [name for name, count in Counter(panel.id for panel in dashboard.panels).items() if count > 1]
    if twice:
        raise BadRequest(f"several panels have the id {twice[0]!r}", hint="give each one of its own")
    for panel in dashboard.panels:
        _check_panel(panel, saved, now_us)


def _check_range(asked: Range, now_us: int) -> None:
    start_us = None if asked.start is None else parse_time("range.start", asked.start, now_us)
    end_us = None if asked.end is None else parse_time("range.end", asked.end, now_us)
    if start_us is not None and start_us >= (now_us if end_us is None else end_us):
        raise BadRequest("'range.start' is not before 'range.end'", hint="for instance -1h, without an end")


def _check_panel(panel: Panel, saved: Collection[str], now_us: int) -> None:
    check_texts(f"panel {panel.id}: title", [panel.title])
    if panel.x + panel.w > COLUMNS:
        raise BadRequest(
            f"panel {panel.id!r} ends at column {panel.x + panel.w}",
            hint=f"the grid has {COLUMNS}: x + w is at most that",
        )
    if panel.saved is not None and checked_name(panel.saved) not in saved:
        raise BadRequest(
            f"panel {panel.id!r}: there is no saved query {panel.saved!r}",
            hint="save it first (PUT /api/v1/saved-queries/NAME), or give the panel its 'query'",
        )
    try:
        parse(panel.query, now_us)
    except BadQuery as error:
        raise BadQuery(
            f"panel {panel.id!r}: {error.message}",
            query=error.query,
            position=error.position,
            length=error.length,
            expected=error.expected,
            suggestion=error.suggestion,
            hint=error.hint,
        ) from error
