"""What takes the room in PostgreSQL: events counted, sizes as the server knows them."""

from collections import Counter
from typing import Self

from cordwood.db.postgres import Database
from cordwood.model.tenant import Tenant
from cordwood.store.care import PartitionSize, PartSize, ServiceRows, Survey, TenantSize
from cordwood.store.postgres.keeping import refuse_other

_COUNT_TIMEOUT_S = 3600.0


class PostgresLook:
    """A `Surveyor` of a database that answers from rows."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._database.close()

    async def survey(self, tenant: Tenant | None) -> Survey:
        """See `store.care.Surveyor.survey`. Sizes are of all tenants' rows: they share the tables."""
        async with self._database.connection() as connection:
            refuse_other(await connection.fetchval("SELECT answers FROM keeping"), "rows")
        return await survey_rows(self._database, tenant)


async def survey_rows(database: Database, tenant: Tenant | None) -> Survey:
    """See `PostgresLook.survey`; whatever questions are answered from. Raises Unavailable."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        counted = await connection.fetch(_EVENTS, tenant, timeout=_COUNT_TIMEOUT_S)
        sizes = await connection.fetch(_SIZES)
    tenants: Counter[Tenant] = Counter()
    services: Counter[tuple[Tenant, str | None]] = Counter()
    in_partition: Counter[str] = Counter()
    for row in counted:
        tenants[Tenant(row["tenant"])] += row["events"]
        services[Tenant(row["tenant"]), row["service"]] += row["events"]
        in_partition[row["partition"]] += row["events"]
    all_bytes = sum(row["bytes"] for row in sizes)
    index_bytes = sum(row["index_bytes"] for row in sizes)
    return Survey(
        kind="postgresql",
        events=tenants.total(),
        segments=None,
        rows=tenants.total(),
        bytes=all_bytes,
        parts=[PartSize("rows", all_bytes - index_bytes), PartSize("indexes", index_bytes)],
        tenants=[
            TenantSize(tenant=owner, events=events, segments=None, bytes=None)
            for owner, events in sorted(tenants.items())
        ],
        services=[
            ServiceRows(owner, service, events)
            for (owner, service), events in sorted(services.items(), key=_most_first)
        ],
        partitions=[
            PartitionSize(
                partition=row["partition"],
                events=in_partition[row["partition"]],
                bytes=row["bytes"],
                index_bytes=row["index_bytes"],
            )
            for row in sizes
        ],
    )


def _most_first(counted: tuple[tuple[Tenant, str | None], int]) -> tuple[Tenant, int, str]:
    (tenant, service), events = counted
    return tenant, -events, service or ""


_EVENTS = """
    SELECT tableoid::regclass::text AS partition, tenant, service, count(*) AS events FROM logs
    WHERE $1::text IS NULL OR tenant = $1 GROUP BY 1, 2, 3
"""

_SIZES = """
    SELECT inhrelid::regclass::text AS partition, pg_total_relation_size(inhrelid) AS bytes,
        pg_indexes_size(inhrelid) AS index_bytes
    FROM pg_inherits WHERE inhparent = 'logs'::regclass ORDER BY 1 DESC
"""
