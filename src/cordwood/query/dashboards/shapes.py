"""What the endpoints of dashboards take and answer."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from cordwood.model.dashboard import Dashboard

Name = Annotated[str, Meta(min_length=1, max_length=100, examples=["checkout"])]


class NewDashboard(Dashboard, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dashboard to keep. What was shown may be sent as it is, by the same name or another: `name` and `built_in` are
    not looked at, as the address names it."""

    name: Annotated[str, Meta(max_length=100)] | None = None
    built_in: bool = False

    def plain(self) -> Dashboard:
        """What is kept of it."""
        return Dashboard(
            title=self.title, about=self.about, range=self.range, refresh_s=self.refresh_s, panels=self.panels
        )


class NamedDashboard(Dashboard, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dashboard, whole."""

    name: Name
    built_in: bool


class DashboardRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One in the list: `panels` is how many it has."""

    name: Name
    title: str
    about: str
    built_in: bool
    panels: Annotated[int, Meta(ge=0)]


class DashboardList(Struct, frozen=True, forbid_unknown_fields=True):
    """Those that come with Cordwood, then the tenant's by name."""

    dashboards: Sequence[DashboardRow]


def named(name: str, dashboard: Dashboard, *, built_in: bool) -> NamedDashboard:
    return NamedDashboard(
        name=name,
        built_in=built_in,
        title=dashboard.title,
        about=dashboard.about,
        range=dashboard.range,
        refresh_s=dashboard.refresh_s,
        panels=dashboard.panels,
    )
