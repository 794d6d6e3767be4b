"""Dashboards, in a table beside that of the saved queries."""

from collections.abc import Sequence

from msgspec import Struct

from cordwood.alerts.interface import Tables
from cordwood.alerts.rows import decoded, encoded
from cordwood.errors import BadRequest, NotFound
from cordwood.model.dashboard import Dashboard
from cordwood.model.tenant import Tenant


class Listed(Struct, frozen=True):
    """A dashboard in a list: how many panels it has."""

    name: str
    title: str
    about: str
    panels: int


class Dashboards:
    """Every call returns when what it did is durable; all raise Unavailable."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def all(self, tenant: Tenant) -> Sequence[Listed]:
        """A tenant's, by name."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch(
                "SELECT name, title, about, panels FROM dashboards WHERE tenant = $1 ORDER BY name", tenant
            )
        return [Listed(str(name), str(title), str(about), int(str(panels))) for name, title, about, panels in found]

    async def get(self, tenant: Tenant, name: str) -> Dashboard:
        """Raises NotFound."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch("SELECT dashboard FROM dashboards WHERE tenant = $1 AND name = $2", tenant, name)
        if not found:
            raise _no_dashboard(name)
        return decoded(found[0][0], Dashboard)

    async def put(self, tenant: Tenant, name: str, dashboard: Dashboard, most: int) -> None:
        """Keep it under a name. Raises BadRequest where the tenant has `most` others."""
        async with self._tables.transaction() as rows:
            others = await rows.fetch("SELECT name FROM dashboards WHERE tenant = $1 AND name <> $2", tenant, name)
            if len(others) >= most:
                raise BadRequest(f"there are {len(others)} dashboards already", hint="delete some")
            await rows.fetch(
                "INSERT INTO dashboards (tenant, name, title, about, panels, dashboard) "
                "VALUES ($1, $2, $3, $4, $5, $6) "
                "ON CONFLICT (tenant, name) DO UPDATE SET title = excluded.title, about = excluded.about, "
                "panels = excluded.panels, dashboard = excluded.dashboard",
                tenant,
                name,
                dashboard.title,
                dashboard.about,
                len(dashboard.panels),
                encoded(dashboard),
            )

    async def delete(self, tenant: Tenant, name: str) -> None:
        """Raises NotFound."""
        async with self._tables.transaction() as rows:
            gone = await rows.fetch(
                "DELETE FROM dashboards WHERE tenant = $1 AND name = $2 RETURNING name", tenant, name
            )
        if not gone:
            raise _no_dashboard(name)


def _no_dashboard(name: str) -> NotFound:
    return NotFound(f"there is no dashboard {name!r}", hint="GET /api/v1/dashboards lists them")
