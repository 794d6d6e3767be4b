"""Keys and limits in a SQLite file: the embedded tenancy. Any number of processes read and write it."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cordwood.db.sqlite import DatabaseThread, hint_for, migrate, open_database, unusable
from cordwood.errors import Unavailable
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import SCOPES, LimitName, Limits, Snapshot, StoredKey
from cordwood.tenancy.issuing import no_key

T = TypeVar("T")

_SCHEMA = (
    """
    CREATE TABLE api_keys (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        scopes TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        expires_at_us INTEGER,
        revoked_at_us INTEGER,
        last_used_at_us INTEGER
    );
    CREATE TABLE tenant_limits (
        tenant TEXT PRIMARY KEY,
        rate_events_per_s INTEGER,
        rate_bytes_per_s INTEGER,
        daily_bytes INTEGER,
        retention_days INTEGER
    );
    CREATE TABLE tenancy_version (version INTEGER NOT NULL);
    INSERT INTO tenancy_version VALUES (1)
    """,
)
"""Numbered from 1, forward only; never edited once released. Scopes are joined by commas."""

_KEY = "id, tenant, scopes, name, created_at_us, expires_at_us, revoked_at_us, last_used_at_us"
_LIMITS = "tenant, rate_events_per_s, rate_bytes_per_s, daily_bytes, retention_days"


class SqliteTenancy:
    """One file. Writes are synced: a key that was shown is there after a power cut."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aenter__(self) -> "SqliteTenancy":
        """Makes the file when it is missing. Raises ConfigError."""
        self._thread = DatabaseThread(await asyncio.to_thread(self._open), "tenancy")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._thread.close()

    def _open(self) -> sqlite3.Connection:
        connection = open_database(self._path, synchronous="FULL")
        try:
            migrate(connection, _SCHEMA)
        except sqlite3.Error as error:
            connection.close()
            raise unusable(self._path, error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    async def snapshot(self, known_version: int | None) -> Snapshot | None:
        return await self._run(lambda connection: _snapshot(connection, known_version))

    async def add(self, key: StoredKey, digest: bytes) -> None:
        row = (key.id, digest, key.tenant, ",".join(sorted(key.scopes)), key.name, key.created_at_us, key.expires_at_us)
        await self._change("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)

    async def keys(self, owner: Tenant | None = None) -> Sequence[StoredKey]:
        sql = f"SELECT {_KEY} FROM api_keys WHERE ?1 IS NULL OR tenant = ?1 ORDER BY created_at_us, id"
        return await self._run(lambda connection: [_key(row) for row in connection.execute(sql, (owner,))])

    async def revoke(self, key_id: str, now_us: int, owner: Tenant | None = None) -> StoredKey:
        before = {key.id: key for key in await self.keys(owner)}.get(key_id)
        if before is None:
            raise no_key(key_id)
        await self._change(
            "UPDATE api_keys SET revoked_at_us = ? WHERE id = ? AND revoked_at_us IS NULL", (now_us, key_id)
        )
        return before

    async def mark_used(self, key_ids: Sequence[str], now_us: int) -> None:
        sql = "UPDATE api_keys SET last_used_at_us = max(coalesce(last_used_at_us, 0), ?) WHERE id = ?"

        def mark(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, [(now_us, key_id) for key_id in key_ids])
            connection.execute("COMMIT")

        await self._run(mark)

    async def limits(self) -> Mapping[Tenant, Limits]:
        return await self._run(_limits)

    async def change_limits(self, tenant: Tenant, changes: Mapping[LimitName, int | None]) -> Limits:
        def change(connection: sqlite3.Connection) -> Limits:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR IGNORE INTO tenant_limits (tenant) VALUES (?)", (tenant,))
            for name, value in changes.items():
                connection.execute(f"UPDATE tenant_limits SET {name} = ? WHERE tenant = ?", (value, tenant))
            connection.execute("UPDATE tenancy_version SET version = version + 1")
            changed = _limits(connection)[tenant]
            connection.execute("COMMIT")
            return changed

        return await self._run(change)

    async def retention_days(self) -> Mapping[Tenant, int]:
        limits = await self.limits()
        return {tenant: each.retention_days for tenant, each in limits.items() if each.retention_days is not None}

    async def _change(self, sql: str, values: Sequence[object]) -> None:
        def change(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(sql, values)
            connection.execute("UPDATE tenancy_version SET version = version + 1")
            connection.execute("COMMIT")

        await self._run(change)

    async def _run(self, call: Callable[[sqlite3.Connection], T]) -> T:
        def run(connection: sqlite3.Connection) -> T:
            try:
                return call(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

        try:
            return await self._thread.run(run)
        except sqlite3.Error as error:
            raise Unavailable(f"cannot use {self._path}: {error}", hint=hint_for(error)) from error


def _snapshot(connection: sqlite3.Connection, known_version: int | None) -> Snapshot | None:
    # The version first: what is read after it may be newer, and is read once more then.
    (version,) = connection.execute("SELECT version FROM tenancy_version").fetchone()
    if version == known_version:
        return None
    keys = {row[0]: _key(row[1:]) for row in connection.execute(f"SELECT digest, {_KEY} FROM api_keys")}
    return Snapshot(version, keys, _limits(connection))


def _limits(connection: sqlite3.Connection) -> dict[Tenant, Limits]:
    rows = connection.execute(f"SELECT {_LIMITS} FROM tenant_limits ORDER BY tenant")
    return {
        Tenant(tenant): Limits(
            rate_events_per_s=events, rate_bytes_per_s=size, daily_bytes=daily, retention_days=retention
        )
        for tenant, events, size, daily, retention in rows
    }


def _key(row: Sequence[object]) -> StoredKey:
    key_id, tenant, scopes, name, *times = row
    assert isinstance(scopes, str), "as it was written"
    created, expires, revoked, used = times
    return StoredKey(
        id=str(key_id),
        tenant=Tenant(str(tenant)),
        scopes=frozenset(scope for scope in SCOPES if scope in scopes.split(",")),
        name=str(name),
        created_at_us=_time(created) or 0,
        expires_at_us=_time(expires),
        revoked_at_us=_time(revoked),
        last_used_at_us=_time(used),
    )


def _time(value: object) -> int | None:
    assert value is None or isinstance(value, int), "a column of integers"
    return value
