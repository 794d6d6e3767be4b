"""Logins that see one tenant's events: made, given another password, dropped."""

import re
from collections.abc import Sequence
from secrets import token_hex
from typing import Self

from asyncpg import Record
from asyncpg import exceptions as driver
from msgspec import Struct

from cordwood.db.postgres import Connection, Database
from cordwood.errors import BadRequest, NotFound
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.sql.passwords import new_password, verifier_of
from cordwood.store.postgres.sql.view import ensure_view, is_view_there, run
from cordwood.store.postgres.sql.walls import left_open, require_walls
from cordwood.store.settings import StoreSettings
from cordwood.store.sql_users import Bounds, Made, SqlUser

_OWN = "cordwood_sql_"
_NAME = re.compile(r"(?!pg_|cordwood_sql_)[a-z_][a-z0-9_]{0,62}")
_OWN_CONNECTIONS = 64
"""Of all processes that answer a tenant's questions."""
_IDLE = "1h"
_IDLE_IN_TRANSACTION = "1min"
_LOCK_TIMEOUT = "5s"
_WORK_MEM = "32MB"


class Login(Struct, frozen=True):
    """A login of our own."""

    name: str
    password: str


class PostgresSqlUsers:
    """See `store.sql_users.SqlUsers`."""

    def __init__(self, database: Database, settings: StoreSettings) -> None:
        self._database = database
        self._settings = settings

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._database.close()

    async def create(self, name: str, tenant: Tenant, bounds: Bounds) -> Made:
        if not _NAME.fullmatch(name):
            raise BadRequest(
                f"{name!r} cannot be a login's name",
                hint=f"use up to 63 of a-z, 0-9 and _, not beginning with a digit, pg_ or {_OWN}",
            )
        password = new_password()
        async with self._database.connection() as connection, connection.transaction():
            await ensure_view(connection)
            if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name):
                raise BadRequest(f"there is a role {name!r} already", hint="choose another name: roles are of a server")
            await self._make(connection, name, password, tenant, bounds, is_own=False)
            return Made(name, password, self._database.shown, await left_open(connection, name))

    async def rotate(self, name: str) -> Made:
        password = new_password()
        async with self._database.connection() as connection, connection.transaction():
            found = await connection.fetchrow(f"{_USERS} WHERE role = $1 AND password IS NULL FOR UPDATE OF u", name)
            if found is None or not found["is_there"]:
                raise _unknown(name)
            await run(connection, "ALTER ROLE %I PASSWORD %L", name, verifier_of(password))
            return Made(name, password, self._database.shown)

    async def delete(self, name: str) -> SqlUser:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            found = await connection.fetchrow(f"{_USERS} WHERE role = $1 FOR UPDATE OF u", name)
            if found is None:
                raise _unknown(name)
            user = _user(found)
            if user.is_there:
                await run(connection, "ALTER ROLE %I NOLOGIN", name)
                # Whoever is a member may end its connections, and drop what it has.
                await run(connection, "GRANT %I TO CURRENT_USER", name)
                await connection.fetch(_END_CONNECTIONS, name)
                await run(connection, "DROP OWNED BY %I", name)
                await run(connection, "DROP ROLE %I", name)
            await connection.execute("DELETE FROM sql_users WHERE role = $1", name)
        return user

    async def users(self) -> Sequence[SqlUser]:
        async with self._database.connection() as connection:
            return [_user(row) for row in await connection.fetch(f"{_USERS} ORDER BY role")]

    async def own(self, tenant: Tenant) -> Login:
        """The service's login for a tenant, made when there is none. Raises Unavailable."""
        async with self._database.connection() as connection, connection.transaction():
            login = await _own(connection, tenant)
            if login is None or not await is_view_there(connection):
                await ensure_view(connection)
                # Another process may have been faster.
                login = await _own(connection, tenant)
            if login is None:
                # Names of roles are for everybody to see: they tell nothing of the tenant.
                login = Login(f"{_OWN}{token_hex(8)}", new_password())
                bounds = Bounds(self._settings.sql_timeout_s, _OWN_CONNECTIONS)
                await self._make(connection, login.name, login.password, tenant, bounds, is_own=True)
            else:
                await require_walls(connection, login.name)
        return login

    async def _make(
        self, connection: Connection, name: str, password: str, tenant: Tenant, bounds: Bounds, *, is_own: bool
    ) -> None:
        await run(
            connection,
            f"CREATE ROLE %I LOGIN NOINHERIT CONNECTION LIMIT {bounds.connections} PASSWORD %L",
            name,
            verifier_of(password),
        )
        home = await connection.fetchval("SELECT current_schema()")
        settings = {
            "statement_timeout": f"{max(1, round(bounds.timeout_s * 1000))}",
            "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION,
            "idle_session_timeout": _IDLE,
            "lock_timeout": _LOCK_TIMEOUT,
            "work_mem": _WORK_MEM,
            "default_transaction_read_only": "on",
            "jit": "off",
        }
        for setting, value in settings.items():
            await run(connection, f"ALTER ROLE %I SET {setting} = %L", name, value)
        await run(connection, "ALTER ROLE %I SET search_path = cordwood_sql, %I", name, home)
        await self._bound_files(connection, name)
        await connection.execute(_ADD, name, tenant, password if is_own else None)
        await require_walls(connection, name)

    async def _bound_files(self, connection: Connection, name: str) -> None:
        """A bound that the login cannot change: whoever may not set it leaves it open, which `left_open` tells."""
        try:
            async with connection.transaction():
                kilobytes = self._settings.sql_spill_bytes >> 10
                await run(connection, "ALTER ROLE %I SET temp_file_limit = %L", name, kilobytes)
        except driver.InsufficientPrivilegeError:
            return


async def _own(connection: Connection, tenant: Tenant) -> Login | None:
    row = await connection.fetchrow(_FIND_OWN, tenant)
    return None if row is None else Login(row["role"], row["password"])


def _user(row: Record) -> SqlUser:
    return SqlUser(row["role"], Tenant(row["tenant"]), row["created_at"], row["is_own"], row["is_there"])


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no SQL user {name!r}", hint="`cordwood sql-user list` shows them")


_USERS = """
    SELECT u.role, u.tenant, u.created_at, u.password IS NOT NULL AS is_own, EXISTS (
        SELECT FROM pg_roles WHERE rolname = u.role AND oid = u.number
    ) AS is_there
    FROM sql_users AS u
"""

_FIND_OWN = """
    SELECT u.role, u.password FROM sql_users AS u JOIN pg_roles AS r ON r.rolname = u.role AND r.oid = u.number
    WHERE u.tenant = $1 AND u.password IS NOT NULL ORDER BY u.created_at LIMIT 1
"""

_ADD = """
    INSERT INTO sql_users (role, number, tenant, password)
    SELECT rolname, oid, $2, $3 FROM pg_roles WHERE rolname = $1
"""

_END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
