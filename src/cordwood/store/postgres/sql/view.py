"""The view that logins see, made when the first of them is.

Its owner is a role that nobody can be, and row-level security on `logs` binds that role to the tenant of whoever is
logged in: `session_user`, which no statement of theirs changes. (Why not a security barrier: decision 24.)
"""

from cordwood.db.postgres import Connection
from cordwood.errors import Unavailable

SCHEMA = "cordwood_sql"
_VERSION = "1"
"""Of all that is made here: a database that has another gets it anew."""
# "cordwsql" in ASCII.
_LOCK = 0x636F72647773716C
_LOCK_TIMEOUT = "5s"


async def ensure_view(connection: Connection) -> None:
    """In a transaction, by one process at a time: what logins see is there when it returns. Raises Unavailable.

    The first time, `logs` is locked for a moment; behind a long question that is given up after some seconds.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    await _require_rights(connection)
    if await is_view_there(connection):
        return
    owner = await connection.fetchval(_OWNER)
    await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", owner):
        await run(connection, "CREATE ROLE %I NOLOGIN NOINHERIT", owner)
    home, database, is_super = await connection.fetchrow(_HERE)
    if not is_super:
        await run(connection, "GRANT %I TO CURRENT_USER", owner)
    await connection.execute(_VIEW)
    await run(connection, "GRANT USAGE, CREATE ON SCHEMA cordwood_sql TO %I", owner)
    await run(connection, "ALTER VIEW cordwood_sql.logs OWNER TO %I", owner)
    await run(connection, "REVOKE CREATE ON SCHEMA cordwood_sql FROM %I", owner)
    await run(connection, "GRANT USAGE ON SCHEMA %I TO %I", home, owner)
    await run(connection, "GRANT SELECT ON logs TO %I", owner)
    await run(connection, "GRANT SELECT (role, number, tenant) ON sql_users TO %I", owner)
    # Whoever is no login of ours finds it empty; and a role that has been given nothing can be dropped by anybody.
    await connection.execute(
        "GRANT USAGE ON SCHEMA cordwood_sql TO PUBLIC; GRANT SELECT ON cordwood_sql.logs TO PUBLIC"
    )
    await run(connection, f"COMMENT ON VIEW cordwood_sql.logs IS '{_VERSION}'")
    await connection.execute("DROP POLICY IF EXISTS everybody ON logs; DROP POLICY IF EXISTS sql_users ON logs")
    # Nothing changes for any other role that was given the right to read.
    await connection.execute("CREATE POLICY everybody ON logs USING (true) WITH CHECK (true)")
    await run(connection, _POLICY, owner)
    await connection.execute("ALTER TABLE logs ENABLE ROW LEVEL SECURITY")
    if not is_super:
        await run(connection, "REVOKE %I FROM CURRENT_USER", owner)
    # What PostgreSQL gives to everybody who may log in: a place to fill. Where that is not ours to revoke, these do
    # nothing, and no login is made: see `walls`.
    await run(connection, "REVOKE CREATE ON SCHEMA %I FROM PUBLIC", home)
    await run(connection, "REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC", database)


async def is_view_there(connection: Connection) -> bool:
    """Whether it is as this version makes it, and row-level security binds its owner."""
    return bool(await connection.fetchval(_IS_THERE, await connection.fetchval(_OWNER), _VERSION))


async def run(connection: Connection, template: str, *names: object) -> None:
    """A statement that takes no parameters: the server puts names (%I) and values (%L) into it, quoted."""
    statement = await connection.fetchval(
        "SELECT format($1, VARIADIC $2::text[])", template, [str(name) for name in names]
    )
    await connection.execute(statement)


async def _require_rights(connection: Connection) -> None:
    me, may_make_roles, owns_logs, may_make_schema, database = await connection.fetchrow(_RIGHTS)
    lacks = None
    if not may_make_roles:
        lacks = "make roles", f'ALTER ROLE "{me}" CREATEROLE'
    elif not owns_logs:
        lacks = "protect logs", f'make it the owner of the table logs, or a member of its owner: GRANT owner TO "{me}"'
    elif not may_make_schema:
        lacks = f"make the schema {SCHEMA}", f'GRANT CREATE ON DATABASE "{database}" TO "{me}"'
    if lacks is not None:
        raise Unavailable(
            f"the login {me!r} of store.url may not {lacks[0]}, which SQL over rows needs",
            hint=f"as an administrator of PostgreSQL: {lacks[1]}",
        )


# By the number of the database, which is the cluster's own: roles are of the cluster, views are not.
_OWNER = "SELECT 'cordwood_sql_' || oid FROM pg_database WHERE datname = current_database()"

_RIGHTS = f"""
    SELECT current_user::text, rolsuper OR rolcreaterole,
        (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'logs'::regclass),
        has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('{SCHEMA}') IS NOT NULL,
        current_database()::text
    FROM pg_roles WHERE rolname = current_user
"""

_HERE = "SELECT current_schema()::text, current_database()::text, rolsuper FROM pg_roles WHERE rolname = current_user"

_IS_THERE = """
    SELECT EXISTS (
        SELECT FROM pg_class AS view, pg_class AS guarded, pg_policy AS policy
        WHERE view.oid = to_regclass('cordwood_sql.logs') AND view.relowner = to_regrole(quote_ident($1))
            AND obj_description(view.oid, 'pg_class') = $2
            AND guarded.oid = 'logs'::regclass AND guarded.relrowsecurity
            AND policy.polrelid = guarded.oid AND policy.polname = 'sql_users' AND NOT policy.polpermissive
            AND view.relowner = ANY (policy.polroles)
            AND has_table_privilege('public', view.oid, 'SELECT')
    )
"""

_TENANT = """
    (SELECT u.tenant FROM sql_users AS u JOIN pg_catalog.pg_roles AS r ON r.rolname = u.role AND r.oid = u.number
    WHERE u.role = session_user)
"""

# The condition is the policy's once more: a dump that is restored without its roles has a view of another owner, whom
# the policy does not bind. Within `coalesce` it is not taken into account twice when rows are estimated.
_VIEW = f"""
    CREATE SCHEMA IF NOT EXISTS cordwood_sql;
    CREATE OR REPLACE VIEW cordwood_sql.logs AS
    SELECT id, ts AS "timestamp", ts, inserted_at, level, service, cordwood_message(data) AS message, data
    FROM logs WHERE coalesce(tenant = {_TENANT}, false)
"""

_POLICY = f"CREATE POLICY sql_users ON logs AS RESTRICTIVE TO %I USING (tenant = {_TENANT})"
