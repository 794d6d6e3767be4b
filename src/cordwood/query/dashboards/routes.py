"""The endpoints of dashboards."""

from starlette.requests import Request
from starlette.routing import Route

from cordwood.alerts.checks import checked_name
from cordwood.alerts.dashboards import Dashboards
from cordwood.alerts.kept import SavedQueries
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.query.alerts.asking import granted, route
from cordwood.query.alerts.shapes import Deleted
from cordwood.query.asked import json_body
from cordwood.query.dashboards.built_in import built_in
from cordwood.query.dashboards.checks import check_dashboard
from cordwood.query.dashboards.shapes import DashboardList, DashboardRow, NamedDashboard, NewDashboard, named
from cordwood.tenancy.interface import Keys


class DashboardRoutes:
    """`/api/v1/dashboards`."""

    def __init__(
        self, dashboards: Dashboards, saved: SavedQueries, keys: Keys, clock: Clock, settings: AlertSettings
    ) -> None:
        self._dashboards = dashboards
        self._saved = saved
        self._keys = keys
        self._clock = clock
        self._settings = settings
        self._built_in = built_in()

    def routes(self) -> list[Route]:
        base = "/api/v1/dashboards"
        return [
            route(base, {"GET": self._list}),
            route(f"{base}/{{name}}", {"GET": self._show, "PUT": self._put, "DELETE": self._delete}),
        ]

    async def _list(self, request: Request) -> DashboardList:
        tenant = granted(request, self._keys, "query").tenant
        ours = [
            DashboardRow(name=name, title=each.title, about=each.about, built_in=True, panels=len(each.panels))
            for name, each in self._built_in.items()
        ]
        theirs = [
            DashboardRow(name=each.name, title=each.title, about=each.about, built_in=False, panels=each.panels)
            for each in await self._dashboards.all(tenant)
            if each.name not in self._built_in
        ]
        return DashboardList([*ours, *theirs])

    async def _show(self, request: Request) -> NamedDashboard:
        tenant = granted(request, self._keys, "query").tenant
        name = checked_name(request.path_params["name"])
        if name in self._built_in:
            return named(name, self._built_in[name], built_in=True)
        return named(name, await self._dashboards.get(tenant, name), built_in=False)

    async def _put(self, request: Request) -> NamedDashboard:
        tenant = granted(request, self._keys, "admin").tenant
        name = self._free_name(request)
        dashboard = (await json_body(request, NewDashboard)).plain()
        saved = await self._saved.all(tenant) if any(panel.saved for panel in dashboard.panels) else {}
        check_dashboard(dashboard, saved, self._clock.now_us())
        await self._dashboards.put(tenant, name, dashboard, self._settings.max_rules)
        return named(name, dashboard, built_in=False)

    async def _delete(self, request: Request) -> Deleted:
        tenant = granted(request, self._keys, "admin").tenant
        name = self._free_name(request)
        await self._dashboards.delete(tenant, name)
        return Deleted(name)

    def _free_name(self, request: Request) -> str:
        """Raises BadRequest for a name of ours."""
        name = checked_name(request.path_params["name"])
        if name in self._built_in:
            raise BadRequest(
                f"the dashboard {name!r} comes with Cordwood and cannot be changed",
                hint="keep your own under another name: what GET gave may be sent there",
            )
        return name
