"""What a login could do beyond reading its view. PostgreSQL gives some of it to everybody; administrators may, too."""

from collections.abc import Sequence

from cordwood.db.postgres import Connection
from cordwood.errors import Unavailable

_MOST_TOLD = 5


async def require_walls(connection: Connection, role: str) -> None:
    """Raises Unavailable when a role may read or change anything of the database but the view."""
    found = [str(row[0]) for row in await connection.fetch(_BEYOND, role)]
    if found:
        more = f", and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        raise Unavailable(
            f"a login of one tenant could do more in this database: {'; '.join(found[:_MOST_TOLD])}{more}",
            hint="everybody (PUBLIC) may: as the owner, revoke it, and grant it to those who need it",
        )


async def left_open(connection: Connection, role: str) -> Sequence[str]:
    """What stays open to a role and only a superuser can close, in words, with the statement that does."""
    return [str(row[0]) for row in await connection.fetch(_OPEN, role)]


_BEYOND = """
    SELECT format('make temporary tables (REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC)', current_database())
    WHERE has_database_privilege($1::name, current_database(), 'TEMPORARY')
    UNION ALL
    SELECT format('make schemas (REVOKE CREATE ON DATABASE %I FROM PUBLIC)', current_database())
    WHERE has_database_privilege($1::name, current_database(), 'CREATE')
    UNION ALL
    SELECT format('make tables (REVOKE CREATE ON SCHEMA %I FROM PUBLIC)', nspname) FROM pg_namespace
    WHERE has_schema_privilege($1::name, oid, 'CREATE')
    UNION ALL
    SELECT format('be %I (REVOKE %1$I FROM %I)', pg_get_userbyid(roleid), $1::name) FROM pg_auth_members
    WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1::name)
    UNION ALL
    SELECT 'everything: it is a superuser, or has another attribute of one' FROM pg_roles
    WHERE rolname = $1::name AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    UNION ALL
    SELECT format('use %s (REVOKE ALL ON %1$s FROM PUBLIC)', c.oid::regclass) FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        AND c.oid IS DISTINCT FROM to_regclass('cordwood_sql.logs')
        AND (has_any_column_privilege($1::name, c.oid, 'SELECT, INSERT, UPDATE')
            OR has_table_privilege($1::name, c.oid, 'DELETE, TRUNCATE'))
        -- Extensions open their own to everybody, as pg_stat_statements does, and look themselves at who asks.
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
"""

_OPEN = """
    SELECT 'temporary files have no bound (GRANT SET ON PARAMETER temp_file_limit TO the login of store.url)'
    WHERE NOT EXISTS (
        SELECT FROM pg_db_role_setting, unnest(setconfig) AS each
        WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = $1::name) AND each LIKE 'temp_file_limit=%'
    ) AND current_setting('temp_file_limit') = '-1'
    UNION ALL
    SELECT 'it may make large objects (REVOKE EXECUTE ON FUNCTION lo_create, lo_creat, lo_from_bytea FROM PUBLIC)'
    WHERE has_function_privilege($1::name, 'lo_from_bytea(oid, bytea)', 'EXECUTE')
        OR has_function_privilege($1::name, 'lo_create(oid)', 'EXECUTE')
        OR has_function_privilege($1::name, 'lo_creat(integer)', 'EXECUTE')
    UNION ALL
    SELECT format('it may call %s, which acts with the rights of its owner', p.oid::regprocedure) FROM pg_proc AS p
    WHERE p.prosecdef AND p.pronamespace <> 'pg_catalog'::regnamespace
        AND has_function_privilege($1::name, p.oid, 'EXECUTE')
"""
