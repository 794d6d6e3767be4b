"""Keys and limits in PostgreSQL, beside the logs. The tables come with the store's migrations."""

from collections.abc import Mapping, Sequence

import asyncpg

from cordwood.db.postgres import Connection, Database
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import SCOPES, LimitName, Limits, Snapshot, StoredKey
from cordwood.tenancy.issuing import no_key

_KEY = "id, tenant, scopes, name, created_at, expires_at, revoked_at, last_used_at"
_LIMITS = "tenant, rate_events_per_s, rate_bytes_per_s, daily_bytes, retention_days"
_CHANGED = "UPDATE tenancy_version SET version = version + 1"


class PostgresTenancy:
    """Tables of the store's database, on connections of its own: long reads of logs do not hold up keys."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    async def __aenter__(self) -> "PostgresTenancy":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._database.close()

    async def snapshot(self, known_version: int | None) -> Snapshot | None:
        async with self._database.connection() as connection:
            # The version first: what is read after it may be newer, and is read once more then.
            version = await connection.fetchval("SELECT version FROM tenancy_version")
            if version == known_version:
                return None
            rows = await connection.fetch(f"SELECT digest, {_KEY} FROM api_keys")
            return Snapshot(version, {bytes(row["digest"]): _key(row) for row in rows}, await _limits(connection))

    async def add(self, key: StoredKey, digest: bytes) -> None:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO api_keys VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, NULL)",
                key.id,
                digest,
                key.tenant,
                sorted(key.scopes),
                key.name,
                key.created_at_us,
                key.expires_at_us,
            )
            await connection.execute(_CHANGED)

    async def keys(self, owner: Tenant | None = None) -> Sequence[StoredKey]:
        sql = f"SELECT {_KEY} FROM api_keys WHERE $1::text IS NULL OR tenant = $1 ORDER BY created_at, id"
        async with self._database.connection() as connection:
            return [_key(row) for row in await connection.fetch(sql, owner)]

    async def revoke(self, key_id: str, now_us: int, owner: Tenant | None = None) -> StoredKey:
        sql = f"SELECT {_KEY} FROM api_keys WHERE id = $1 AND ($2::text IS NULL OR tenant = $2) FOR UPDATE"
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(sql, key_id, owner)
            if row is None:
                raise no_key(key_id)
            await connection.execute(
                "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL", now_us, key_id
            )
            await connection.execute(_CHANGED)
            return _key(row)

    async def mark_used(self, key_ids: Sequence[str], now_us: int) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE api_keys SET last_used_at = greatest(last_used_at, $1) WHERE id = ANY($2)",
                now_us,
                list(key_ids),
            )

    async def limits(self) -> Mapping[Tenant, Limits]:
        async with self._database.connection() as connection:
            return await _limits(connection)

    async def change_limits(self, tenant: Tenant, changes: Mapping[LimitName, int | None]) -> Limits:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("INSERT INTO tenant_limits (tenant) VALUES ($1) ON CONFLICT DO NOTHING", tenant)
            for name, value in changes.items():
                await connection.execute(f"UPDATE tenant_limits SET {name} = $1 WHERE tenant = $2", value, tenant)
            await connection.execute(_CHANGED)
            return (await _limits(connection))[tenant]

    async def retention_days(self) -> Mapping[Tenant, int]:
        limits = await self.limits()
        return {tenant: each.retention_days for tenant, each in limits.items() if each.retention_days is not None}


async def _limits(connection: Connection) -> dict[Tenant, Limits]:
    rows = await connection.fetch(f"SELECT {_LIMITS} FROM tenant_limits ORDER BY tenant")
    return {
        Tenant(tenant): Limits(
            rate_events_per_s=events, rate_bytes_per_s=size, daily_bytes=daily, retention_days=retention
        )
        for tenant, events, size, daily, retention in rows
    }


def _key(row: asyncpg.Record) -> StoredKey:
    return StoredKey(
        id=row["id"],
        tenant=Tenant(row["tenant"]),
        scopes=frozenset(scope for scope in SCOPES if scope in row["scopes"]),
        name=row["name"],
        created_at_us=row["created_at"],
        expires_at_us=row["expires_at"],
        revoked_at_us=row["revoked_at"],
        last_used_at_us=row["last_used_at"],
    )
