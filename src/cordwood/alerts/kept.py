"""Saved queries and silences, in tables."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from cordwood.alerts.interface import Tables
from cordwood.alerts.rows import decoded, encoded
from cordwood.errors import NotFound
from cordwood.model.alerts.rule import SavedQuery, Silence
from cordwood.model.tenant import Tenant


class SavedQueries:
    """Every call returns when what it did is durable; all raise Unavailable."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def all(self, tenant: Tenant) -> Mapping[str, SavedQuery]:
        """By name, in its order."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch("SELECT name, query FROM saved_queries WHERE tenant = $1 ORDER BY name", tenant)
        return {str(name): decoded(query, SavedQuery) for name, query in found}

    async def get(self, tenant: Tenant, name: str) -> SavedQuery:
        """Raises NotFound."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch("SELECT query FROM saved_queries WHERE tenant = $1 AND name = $2", tenant, name)
        if not found:
            raise _no_query(name)
        return decoded(found[0][0], SavedQuery)

    async def put(self, tenant: Tenant, name: str, query: SavedQuery) -> None:
        async with self._tables.transaction() as rows:
            await rows.fetch(
                "INSERT INTO saved_queries (tenant, name, query) VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant, name) DO UPDATE SET query = excluded.query",
                tenant,
                name,
                encoded(query),
            )

    async def delete(self, tenant: Tenant, name: str) -> None:
        """Raises NotFound."""
        async with self._tables.transaction() as rows:
            gone = await rows.fetch(
                "DELETE FROM saved_queries WHERE tenant = $1 AND name = $2 RETURNING name", tenant, name
            )
        if not gone:
            raise _no_query(name)


class Silences:
    """As saved queries."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def all(self, tenant: Tenant, ending_after_us: int) -> Sequence[Silence]:
        """Those that have not ended at a time, the next to end first."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch(
                "SELECT silence FROM alert_silences WHERE tenant = $1 AND ends_at > $2 ORDER BY ends_at, id",
                tenant,
                ending_after_us,
            )
        return [decoded(silence, Silence) for (silence,) in found]

    async def add(self, tenant: Tenant, silence: Silence) -> None:
        async with self._tables.transaction() as rows:
            await rows.fetch(
                "INSERT INTO alert_silences (tenant, id, silence, ends_at) VALUES ($1, $2, $3, $4)",
                tenant,
                silence.id,
                encoded(silence),
                silence.end_us,
            )

    async def remove(self, tenant: Tenant, silence_id: UUID) -> None:
        """End one at once. Raises NotFound."""
        async with self._tables.transaction() as rows:
            gone = await rows.fetch(
                "DELETE FROM alert_silences WHERE tenant = $1 AND id = $2 RETURNING ends_at", tenant, silence_id
            )
        if not gone:
            raise NotFound("there is no such silence", hint="`cordwood alerts silences` shows them")


def _no_query(name: str) -> NotFound:
    return NotFound(f"there is no saved query {name!r}", hint="`cordwood saved list` shows them")
