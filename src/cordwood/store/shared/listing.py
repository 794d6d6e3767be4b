"""What PostgreSQL names, for those who read."""

from collections.abc import Mapping
from uuid import UUID

from cordwood.db.postgres import Database
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.books import PostgresBooks
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.naming import Told
from cordwood.store.shared import names
from cordwood.store.slices import FAR_SLICE, hours


class SharedListing:
    """See `store.segments.naming.Listing`."""

    def __init__(self, database: Database, books: PostgresBooks) -> None:
        self._database = database
        self._books = books

    async def segments(
        self, tenant: Tenant, start_us: int | None, end_us: int | None
    ) -> tuple[list[Segment], Mapping[str, str]]:
        async with self._database.connection() as connection:
            return await names.within(connection, tenant, start_us, end_us)

    async def told(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> Told:
        async with self._database.connection() as connection:
            return await names.told(connection, tenant, start_us, end_us)

    async def version(self, tenant: Tenant, start_us: int | None, end_us: int | None) -> int:
        first, last = hours(start_us, end_us)
        least, most = FAR_SLICE if first is None else first, -FAR_SLICE if last is None else last
        async with self._database.connection() as connection:
            return int(await connection.fetchval(_VERSION, tenant, FAR_SLICE, least, most))

    async def span(self, batch_id: UUID, tenant: Tenant) -> tuple[int, int] | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_SPAN, batch_id, tenant)
        return None if row is None else (row["min_ts"], row["max_ts"])

    async def forgotten(self, tenant: Tenant) -> UUID | None:
        return await self._books.forgotten(tenant)


_VERSION = """
    SELECT coalesce(sum(version), 0)::bigint FROM slices
    WHERE tenant = $1 AND (hour = $2 OR hour BETWEEN $3 AND $4)
"""

_SPAN = "SELECT min_ts, max_ts FROM batches WHERE id = $1 AND tenant = $2 AND min_ts IS NOT NULL"
