"""What is wrong with a dashboard is told before it is kept."""

from typing import Any

import msgspec
import pytest

from cordwood.errors import BadQuery, BadRequest
from cordwood.language.parser import parse
from cordwood.model.dashboard import Dashboard, Panel
from cordwood.query.dashboards.built_in import built_in
from cordwood.query.dashboards.checks import check_dashboard
from cordwood.query.dashboards.shapes import NewDashboard, named

NOW_US = 1_795_435_200_000_000


def made(**panel: Any) -> Dashboard:
    """Of one panel."""
    members = {"title": "x", "panels": [{"id": "p1", "query": "", "x": 0, "y": 0, "w": 6, "h": 4} | panel]}
    return msgspec.json.decode(msgspec.json.encode(members), type=NewDashboard).plain()


def test_those_that_come_with_cordwood_are_as_good_as_any() -> None:
    for name, dashboard in built_in().items():
        check_dashboard(dashboard, (), NOW_US)
        assert len({panel.title for panel in dashboard.panels}) == len(dashboard.panels)
        taken = [(x, y) for each in dashboard.panels for x in range(each.x, each.x + each.w)
                 for y in range(each.y, each.y + each.h)]  # fmt: skip
        assert len(taken) == len(set(taken)), f"{name}: panels lie over one another"
        for panel in dashboard.panels:
            is_events = not parse(panel.query, NOW_US).pipes
            assert is_events == (panel.chart == "events"), f"{name}: {panel.title}"


def test_what_was_shown_may_be_kept_under_another_name() -> None:
    dashboard = built_in()["http"]
    shown = msgspec.json.encode(named("http", dashboard, built_in=True))
    assert msgspec.json.decode(shown, type=NewDashboard).plain() == dashboard


def test_a_panel_may_ask_a_saved_query() -> None:
    check_dashboard(made(saved="slow ones"), {"slow ones"}, NOW_US)


@pytest.mark.parametrize(
    ("panel", "says"),
    [
        ({"id": "a b"}, "id"),
        ({"x": 12}, "x"),
        ({"x": 7}, "'p1' ends at column 13"),
        ({"w": 0}, "w"),
        ({"h": 41}, "h"),
        ({"y": 1001}, "y"),
        ({"x": 0.5}, "x"),
        ({"chart": "pie"}, "chart"),
        ({"query": "a" * 16_385}, "query"),
        ({"title": "a" * 201}, "title"),
        ({"title": "a\x1b[31m"}, "control characters"),
        ({"saved": "gone"}, "no saved query 'gone'"),
        ({"saved": "../x"}, "not usable"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_with_a_panel_is_told(panel: dict[str, Any], says: str) -> None:
    with pytest.raises((BadRequest, msgspec.ValidationError), match=says):
        check_dashboard(made(**panel), {"slow ones"}, NOW_US)


def test_a_query_that_is_not_understood_is_told_with_its_panel_and_place() -> None:
    with pytest.raises(BadQuery) as raised:
        check_dashboard(made(query="level:error | stat count()"), (), NOW_US)
    assert raised.value.message.startswith("panel 'p1': ")
    assert (raised.value.position, raised.value.length, raised.value.suggestion) == (14, 4, "stats")


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"range": {"start": "soon"}}, "'range.start' is no time"),
        ({"range": {"start": "-1h", "end": "-2h"}}, "not before"),
        ({"range": {"start": "2999-01-01T00:00:00Z"}}, "not before"),
        ({"refresh_s": 1}, "refresh_s"),
        ({"about": "a" * 2001}, "about"),
        ({"about": "a\0"}, "control characters"),
        ({"title": "a\nb"}, "control characters"),
        ({"panels": [{"id": f"p{n}", "x": 0, "y": n, "w": 1, "h": 1} for n in range(61)]}, "panels"),
        ({"panels": [{"id": "p", "x": 0, "y": n, "w": 1, "h": 1} for n in range(2)]}, "several panels have the id 'p'"),
    ],
)
def test_what_is_wrong_with_the_whole_is_told(members: dict[str, Any], says: str) -> None:
    with pytest.raises((BadRequest, msgspec.ValidationError), match=says):
        sent = msgspec.json.encode({"title": "x"} | members)
        check_dashboard(msgspec.json.decode(sent, type=NewDashboard).plain(), (), NOW_US)


def test_a_dashboard_is_not_too_large_as_a_whole() -> None:
    panels = tuple(Panel(id=f"p{n}", query="a" * 16_000, x=0, y=n, w=1, h=1) for n in range(20))
    with pytest.raises(BadRequest, match="262,144 bytes"):
        check_dashboard(Dashboard(title="x", panels=panels), (), NOW_US)
