"""Dashboard: panels that each ask a query, on a grid of twelve columns."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

COLUMNS = 12
MAX_PANELS = 60
MAX_DASHBOARD_BYTES = 256 << 10
"""Of its JSON."""
PANEL_PATTERN = "^[A-Za-z0-9_-]{1,64}$"

Chart = Literal["auto", "lines", "bars", "area", "table", "number", "events", "top"]
Title = Annotated[str, Meta(max_length=200)]
About = Annotated[str, Meta(max_length=2000)]
_Time = Annotated[str, Meta(max_length=40, examples=["-1h"])]


class Panel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked, how it is drawn, and where: `x`, `y`, `w` and `h` are cells. Where `saved` names a saved query,
    that one is asked, not `query`."""

    id: Annotated[str, Meta(pattern=PANEL_PATTERN, examples=["p1"])]
    title: Title = ""
    query: Annotated[str, Meta(max_length=16_384, examples=["level:error | timechart count() by service"])] = ""
    saved: Annotated[str, Meta(max_length=100)] | None = None
    chart: Chart = "auto"
    x: Annotated[int, Meta(ge=0, lt=COLUMNS)]
    y: Annotated[int, Meta(ge=0, le=1000)]
    w: Annotated[int, Meta(ge=1, le=COLUMNS)]
    h: Annotated[int, Meta(ge=1, le=40)]


class Range(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The time range that the panels are asked for; without an end, up to now."""

    start: _Time | None = "-1h"
    end: _Time | None = None


class Dashboard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it. `refresh_s`: seconds after which the panels are asked again."""

    title: Title
    about: About = ""
    range: Range = Range()
    refresh_s: Annotated[int, Meta(ge=5, le=86_400)] | None = None
    panels: Annotated[tuple[Panel, ...], Meta(max_length=MAX_PANELS)] = ()
