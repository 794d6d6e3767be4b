"""The endpoints of saved queries."""

from starlette.requests import Request
from starlette.routing import Route

from cordwood.alerts.checks import check_saved, checked_name
from cordwood.alerts.kept import SavedQueries
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.model.alerts.rule import SavedQuery
from cordwood.query.alerts.asking import granted, route
from cordwood.query.alerts.shapes import Deleted, NamedQuery, SavedQueryList
from cordwood.query.asked import json_body
from cordwood.query.parameters import parse_time
from cordwood.tenancy.interface import Keys


class SavedQueryRoutes:
    """`/api/v1/saved-queries`."""

    def __init__(self, saved: SavedQueries, keys: Keys, clock: Clock, settings: AlertSettings) -> None:
        self._saved = saved
        self._keys = keys
        self._clock = clock
        self._settings = settings

    def routes(self) -> list[Route]:
        base = "/api/v1/saved-queries"
        return [
            route(base, {"GET": self._list}),
            route(f"{base}/{{name}}", {"GET": self._show, "PUT": self._put, "DELETE": self._delete}),
        ]

    async def _list(self, request: Request) -> SavedQueryList:
        tenant = granted(request, self._keys, "query").tenant
        found = await self._saved.all(tenant)
        return SavedQueryList([NamedQuery(name, query) for name, query in found.items()])

    async def _show(self, request: Request) -> NamedQuery:
        tenant = granted(request, self._keys, "query").tenant
        name = checked_name(request.path_params["name"])
        return NamedQuery(name, await self._saved.get(tenant, name))

    async def _put(self, request: Request) -> NamedQuery:
        tenant = granted(request, self._keys, "admin").tenant
        name = checked_name(request.path_params["name"])
        query = await json_body(request, SavedQuery)
        now_us = self._clock.now_us()
        check_saved(query, now_us)
        for member, text in (("start", query.start), ("end", query.end)):
            if text is not None:
                parse_time(member, text, now_us)
        kept = await self._saved.all(tenant)
        if name not in kept and len(kept) >= self._settings.max_rules:
            raise BadRequest(f"there are {len(kept)} saved queries already", hint="delete some")
        await self._saved.put(tenant, name, query)
        return NamedQuery(name, query)

    async def _delete(self, request: Request) -> Deleted:
        tenant = granted(request, self._keys, "admin").tenant
        name = checked_name(request.path_params["name"])
        await self._saved.delete(tenant, name)
        return Deleted(name)
