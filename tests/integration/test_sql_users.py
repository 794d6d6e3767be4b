"""Logins for psql and other tools: what they see, and every way out that could be thought of."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql as names
from typer.testing import CliRunner, Result

from cordwood.cli.app import app_of
from cordwood.logs import LogSettings, configure_logs
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.support.builders import load
from tests.support.fixtures import database, drop_roles
from tests.support.servers import Postgres

OURS, THEIRS = Tenant("ours"), Tenant("theirs")
SECRET = "theirs-alone-4711"
Connection = psycopg.Connection[tuple[Any, ...]]


class Place:
    """A database with the events of two tenants."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = {"CORDWOOD_STORE_URL": url, "CORDWOOD_TENANCY_API_KEYS": ""}

    def run(self, *arguments: str, **settings: str) -> Result:
        environment = {**self.environment, **settings}
        try:
            return CliRunner().invoke(app_of(["sql-user"]), ["sql-user", *arguments], env=environment)
        finally:
            # The command sends logs to the runner's own output, which is closed by now.
            configure_logs(LogSettings(level="warning"))

    def create(self, tenant: str, *arguments: str) -> str:
        """The name of a new login."""
        name = f"user_{secrets.token_hex(6)}"
        done = self.run("create", name, "--tenant", tenant, *arguments)
        assert done.exit_code == 0, done.stderr
        return name

    @contextmanager
    def login(self, name: str, *, url: str = "") -> Iterator[Connection]:
        with psycopg.connect(as_user(url or self.url, name), autocommit=True) as connection:
            yield connection

    @contextmanager
    def admin(self) -> Iterator[Connection]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection


def as_user(url: str, name: str, password: str = "") -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}{':' if password else ''}{password}@{parts.hostname}:{parts.port}"))


async def fill(url: str) -> None:
    async with PostgresStore(url, StoreSettings(partition_days_back=1, partition_days_ahead=1)) as store:
        await store.migrate()
        ours = [{"message": f"event {n}", "n": n, "level": "info", "time": f"2026-01-0{n}"} for n in range(1, 6)]
        theirs = [{"message": SECRET, "n": SECRET, "service": SECRET, "time": "2026-01-01"}] * 50
        await store.write([load(ours, tenant=OURS), load(theirs, tenant=THEIRS)])


@pytest.fixture(scope="module")
def place(postgres: str) -> Iterator[Place]:
    with database(postgres) as url:
        asyncio.run(fill(url))
        yield Place(url)
        drop_roles(url)


@pytest.fixture(scope="module")
def user(place: Place) -> str:
    return place.create("ours", "--timeout", "5", "--connections", "2")


def test_a_login_sees_its_tenants_events_and_no_others(place: Place, user: str) -> None:
    with place.login(user) as connection:
        rows = connection.execute("SELECT message, data->>'n' FROM logs ORDER BY ts").fetchall()
        assert rows == [(f"event {n}", str(n)) for n in range(1, 6)]
        described = connection.execute("SELECT * FROM logs LIMIT 0").description
        assert [column.name for column in described or ()] == [
            *("id", "timestamp", "ts", "inserted_at", "level", "service", "message", "data")
        ]
    with place.login(place.create("theirs")) as connection:
        assert connection.execute("SELECT DISTINCT message FROM logs").fetchall() == [(SECRET,)]
    with place.login(place.create("nobody")) as connection:
        assert connection.execute("SELECT count(*) FROM logs").fetchone() == (0,)


def test_the_password_is_told_once_and_not_kept(place: Place) -> None:
    name = f"user_{secrets.token_hex(6)}"
    done = place.run("create", name, "--tenant", "ours", "--json")
    told = json.loads(done.stdout)
    assert told["url"].startswith(f"postgresql://{name}:{told['password']}@127.0.0.1:")
    with place.admin() as admin:
        (kept,) = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [name]).fetchone() or ("",)
        assert kept.startswith("SCRAM-SHA-256$4096:")
        assert admin.execute("SELECT password FROM sql_users WHERE role = %s", [name]).fetchone() == (None,)
    listed = json.loads(place.run("list", "--json").stdout)
    assert told["password"] not in json.dumps(listed)
    assert {"name": name, "tenant": "ours", "is_own": False, "is_there": True}.items() <= next(
        each for each in listed if each["name"] == name
    ).items()


def test_partitions_are_left_out_and_the_index_gives_the_order(place: Place, user: str) -> None:
    """What a view with a security barrier would not do: it is planned without regard to what asks for it."""
    with place.login(user) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plan = "\n".join(
            line
            for (line,) in connection.execute(
                "EXPLAIN SELECT * FROM logs WHERE ts > now() - interval '1 hour' ORDER BY ts DESC LIMIT 10"
            )
        )
    assert "Index Scan Backward" in plan
    assert "Sort  (" not in plan
    assert "Subplans Removed" in plan


# What is wanted of a database by those who should not have it.
REFUSED = [
    "SELECT * FROM public.logs",
    "SELECT * FROM public.logs_other",
    "SELECT * FROM api_keys",
    "SELECT * FROM sql_users",
    "SELECT password FROM sql_users",
    "SELECT * FROM batches",
    "SELECT * FROM dead_letters",
    "TABLE pg_authid",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_largeobject",
    "SELECT * FROM pg_user_mapping",
    "SELECT query_to_xml('SELECT * FROM public.logs', true, true, '')",
    "SELECT table_to_xml('public.logs', true, true, '')",
    "SELECT set_config('role', 'postgres', true)",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT set_config('session_authorization', 'postgres', false)",
    "SET SESSION AUTHORIZATION {theirs}",
    "SET ROLE {theirs}",
    "SET ROLE {owner}",
    "SET ROLE pg_read_all_data",
    "SET temp_file_limit = -1",
    "SET log_statement = 'all'",
    "SET session_preload_libraries = 'x'",
    "LOAD '/tmp/x.so'",
    "GRANT {owner} TO CURRENT_USER",
    "GRANT SELECT ON public.logs TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
    "ALTER VIEW cordwood_sql.logs RENAME TO x",
    "ALTER TABLE public.logs DISABLE ROW LEVEL SECURITY",
    "DROP POLICY sql_users ON public.logs",
    "CREATE OR REPLACE VIEW cordwood_sql.logs AS SELECT 1",
    "CREATE RULE r AS ON SELECT TO cordwood_sql.logs DO INSTEAD SELECT 1",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "CREATE SCHEMA mine",
    "BEGIN READ WRITE; CREATE TABLE mine ()",
    "BEGIN READ WRITE; CREATE TABLE cordwood_sql.mine ()",
    "BEGIN READ WRITE; CREATE TABLE public.mine ()",
    "BEGIN READ WRITE; CREATE TEMP TABLE mine ()",
    "BEGIN READ WRITE; CREATE VIEW public.v AS SELECT 1",
    "BEGIN READ WRITE; CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE sql COST 0.0001 AS 'SELECT true'",
    "BEGIN READ WRITE; CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE sql COST 0.0001 AS 'SELECT true'",
    "BEGIN READ WRITE; INSERT INTO logs (data) VALUES ('{{}}')",
    "BEGIN READ WRITE; DELETE FROM logs",
    "BEGIN READ WRITE; UPDATE logs SET level = 'x'",
    "BEGIN READ WRITE; TRUNCATE public.logs",
    "BEGIN READ WRITE; DROP VIEW logs",
    "BEGIN READ WRITE; DO $$ BEGIN DELETE FROM public.logs; END $$",
    "BEGIN READ WRITE; SELECT nextval('alert_letters_number_seq')",
    "DO $$ BEGIN PERFORM * FROM public.logs; END $$",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION plpython3u",
    "SELECT dblink('dbname=postgres', 'SELECT 1')",
    "COPY logs TO '/tmp/cordwood-attack'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/cordwood-attack'",
    "COPY logs FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('postgresql.conf')",
    "SELECT pg_current_logfile()",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/cordwood-attack')",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres' AND pid <> pg_backend_pid()",
    "SELECT pg_create_physical_replication_slot('x')",
    "SELECT pg_export_snapshot() FROM public.logs",
    "LOCK public.logs IN ACCESS EXCLUSIVE MODE",
    "BEGIN; LOCK TABLE cordwood_sql.logs IN ACCESS EXCLUSIVE MODE",
    "VACUUM public.logs; SELECT * FROM public.logs",
    "CHECKPOINT",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "CREATE SERVER s FOREIGN DATA WRAPPER x",
    "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION x()",
    "CREATE PUBLICATION p FOR ALL TABLES",
    "COMMENT ON VIEW logs IS 'x'",
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM public.logs",
    "PREPARE p AS SELECT * FROM public.logs; EXECUTE p",
    "EXPLAIN SELECT * FROM public.logs",
    "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z",
]


@pytest.fixture(scope="module")
def others(place: Place) -> dict[str, str]:
    """Roles that a login might want to be."""
    with place.admin() as admin:
        (owner,) = admin.execute(
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'cordwood_sql.logs'::regclass"
        ).fetchone() or ("",)
    return {"owner": owner, "theirs": place.create("theirs")}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_is_no_reading_of_ones_own_is_refused(
    place: Place, user: str, others: dict[str, str], statement: str
) -> None:
    with place.login(user) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement.format(**others).encode())
    assert SECRET not in str(refused.value)


# What is allowed, and tells nothing of another tenant's events.
SILENT = [
    "SELECT * FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    "SELECT * FROM pg_stats_ext_exprs",
    "SELECT query FROM pg_stat_activity WHERE usename <> session_user AND query NOT LIKE '<insuff%' AND query <> ''",
    "SELECT * FROM logs WHERE message LIKE '%alone%'",
    "SELECT * FROM logs WHERE (CASE WHEN service = 'theirs-alone-4711' THEN 1 / (length(service) - 17) END) = 1",
    "SELECT * FROM logs WHERE (data->>'n')::integer > 100",
    "SELECT * FROM logs WHERE (data->>'n')::integer > 100 AND level IS NOT NULL OFFSET 0",
    "SELECT * FROM (SELECT (data->>'n')::integer AS n FROM logs) AS x WHERE n > 100",
    "SELECT * FROM logs a JOIN logs b ON (a.data->>'n')::integer = (b.data->>'n')::integer + 100",
    "SELECT * FROM logs WHERE ts < '2026-01-02' AND cast(data->>'n' AS integer) = 100",
    "SELECT * FROM logs TABLESAMPLE SYSTEM (100) WHERE message LIKE '%alone%'",
    "SELECT * FROM information_schema.tables WHERE table_schema = 'public'",
    "SET search_path = public, pg_temp; SELECT 1 WHERE false",
    "RESET ALL; SELECT * FROM cordwood_sql.logs WHERE service IS NOT NULL",
    "SET row_security = on; SELECT * FROM logs WHERE service IS NOT NULL",
    "RESET ROLE; SELECT * FROM cordwood_sql.logs WHERE service IS NOT NULL",
    "SET ROLE NONE; SELECT * FROM logs WHERE service IS NOT NULL",
]


@pytest.mark.parametrize("statement", SILENT)
def test_what_is_allowed_tells_nothing_of_others(place: Place, user: str, statement: str) -> None:
    """Errors included: what a cast is given is in its message, so that none may see a row before the tenant is."""
    with place.login(user) as connection:
        try:
            cursor = connection.execute(statement.encode())
            while cursor.nextset():
                pass
            told = str(cursor.fetchall())
        except psycopg.Error as error:
            assert "TABLESAMPLE" in statement, error
            return
    assert told == "[]"


def test_the_cheapest_condition_sees_no_row_before_the_tenant_does(place: Place, user: str) -> None:
    """Of conditions the planner tries the cheaper ones first; this one tells what it is given."""
    with place.admin() as admin:
        admin.execute("""
            CREATE FUNCTION leak(value text) RETURNS boolean LANGUAGE plpgsql STRICT COST 0.0000001 AS
            $$ BEGIN RAISE EXCEPTION 'saw %', value; END $$
        """)
        with place.login(user) as connection:
            assert connection.execute("SELECT count(*) FROM logs WHERE leak(service)").fetchone() == (0,)
            with pytest.raises(psycopg.Error, match="saw info"):
                connection.execute("SELECT count(*) FROM logs WHERE leak(level)")
        admin.execute("DROP FUNCTION leak")


def test_a_login_that_may_become_another_still_sees_its_own(place: Place, user: str, others: dict[str, str]) -> None:
    with place.admin() as admin:
        roles = names.Identifier(others["theirs"]), names.Identifier(user)
        admin.execute(names.SQL("GRANT {} TO {}").format(*roles))
        with place.login(user) as connection:
            connection.execute(names.SQL("SET ROLE {}").format(roles[0]))
            assert connection.execute("SELECT count(*) FROM cordwood_sql.logs").fetchone() == (5,)
        admin.execute(names.SQL("REVOKE {} FROM {}").format(*roles))


def test_row_level_security_switched_off_is_an_error_not_a_way(place: Place, user: str) -> None:
    with place.login(user) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SET row_security = off; SELECT * FROM logs")


def test_a_login_begins_with_bounds(place: Place, user: str) -> None:
    """Those of time it may change: the number of connections it may not."""
    with place.login(user) as connection:
        for setting, value in {
            "statement_timeout": "5s",
            "temp_file_limit": "1GB",
            "work_mem": "32MB",
            "idle_session_timeout": "1h",
            "idle_in_transaction_session_timeout": "1min",
            "default_transaction_read_only": "on",
        }.items():
            assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)
        with place.login(user), pytest.raises(psycopg.OperationalError, match="too many connections"):
            place.login(user).__enter__()
        connection.execute("SET statement_timeout = 50")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(30)")


def test_a_deleted_login_is_gone_with_its_connections(place: Place) -> None:
    name = place.create("ours")
    with place.login(name) as connection:
        connection.execute("BEGIN READ WRITE")
        connection.execute("SELECT lo_from_bytea(0, 'x')")
        connection.execute("COMMIT")
        done = place.run("delete", name)
        assert (done.exit_code, done.stdout) == (0, f"dropped: {name} · tenant ours\n"), done.stderr
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT * FROM logs")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        place.login(name).__enter__()
    assert place.run("delete", name).exit_code == 1
    assert name not in place.run("list").stdout


def test_another_role_of_the_same_name_sees_nothing(place: Place) -> None:
    name = place.create("ours")
    with place.admin() as admin:
        role = names.Identifier(name)
        admin.execute(names.SQL("DROP ROLE {0}; CREATE ROLE {0} LOGIN").format(role))
    with place.login(name) as connection:
        assert connection.execute("SELECT count(*) FROM cordwood_sql.logs").fetchone() == (0,)
    assert "dropped by hand" in place.run("list").stdout
    assert place.run("rotate", name).exit_code == 1
    with place.admin() as admin:
        admin.execute(names.SQL("DROP ROLE {0}").format(role))
    assert place.run("delete", name).exit_code == 0


def test_a_view_of_another_owner_tells_a_login_no_more(place: Place, user: str) -> None:
    """So a dump is restored without its roles: row-level security does not bind whoever owns the table."""
    with place.admin() as admin:
        owner = admin.execute("SELECT relowner::regrole::text FROM pg_class WHERE oid = 'cordwood_sql.logs'::regclass")
        (before,) = owner.fetchone() or ("",)
        admin.execute("ALTER VIEW cordwood_sql.logs OWNER TO CURRENT_USER")
        with place.login(user) as connection:
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (5,)
        assert admin.execute("SELECT count(*) FROM cordwood_sql.logs").fetchone() == (0,)
        place.create("ours")
        owner = admin.execute("SELECT relowner::regrole::text FROM pg_class WHERE oid = 'cordwood_sql.logs'::regclass")
        assert owner.fetchone() == (before,), "made anew"


def test_who_could_read_the_table_before_still_can(place: Place, user: str) -> None:
    name = f"analyst_{secrets.token_hex(6)}"
    with place.admin() as admin:
        role = names.Identifier(name)
        admin.execute(names.SQL("CREATE ROLE {0} LOGIN; GRANT SELECT ON logs TO {0}").format(role))
        with place.login(name) as connection:
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (55,)
        admin.execute(names.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ("GRANT SELECT ON api_keys TO PUBLIC", "REVOKE SELECT ON api_keys FROM PUBLIC"),
        ("GRANT SELECT (data) ON logs TO PUBLIC", "REVOKE SELECT (data) ON logs FROM PUBLIC"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        ("CREATE SCHEMA open; GRANT CREATE ON SCHEMA open TO PUBLIC", "DROP SCHEMA open"),
    ],
)
def test_no_login_is_made_where_everybody_may_do_more(place: Place, user: str, opened: str, closed: str) -> None:
    with place.admin() as admin:
        admin.execute(opened.encode())
        done = place.run("create", "one_too_many")
        admin.execute(closed.encode())
        assert done.exit_code == 1
        assert "could do more in this database" in done.stderr
        assert "FROM PUBLIC" in done.stderr
        assert admin.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'one_too_many'").fetchone() == (0,)


@pytest.mark.parametrize(
    "name", ["pg_x", "cordwood_sql_x", "Grafana", "a b", 'a"; DROP TABLE logs; --', "1a", "a" * 64]
)
def test_a_name_that_is_none_is_refused(place: Place, name: str) -> None:
    done = place.run("create", name)
    assert done.exit_code == 1
    assert "cannot be a login's name" in done.stderr


def test_a_role_that_is_there_is_not_taken_over(place: Place, user: str) -> None:
    done = place.run("create", user, "--tenant", "theirs")
    assert done.exit_code == 1
    assert "already" in done.stderr
    with place.login(user) as connection:
        assert connection.execute("SELECT count(*) FROM logs").fetchone() == (5,)


def test_a_store_without_rows_has_no_logins(place: Place) -> None:
    done = place.run("create", "grafana", CORDWOOD_STORE_KEEP="segments")
    assert (done.exit_code, "has none" in done.stderr) == (2, True)
    done = place.run("create", "grafana", CORDWOOD_STORE_URL="file:")
    assert (done.exit_code, "has none" in done.stderr) == (2, True)


@contextmanager
def service_role(postgres: str, *attributes: str) -> Iterator[tuple[str, str]]:
    """A role that is no superuser, and its own database, filled."""
    name = f"service_{secrets.token_hex(6)}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        role = names.Identifier(name)
        admin.execute(names.SQL("CREATE ROLE {0} LOGIN " + " ".join(attributes)).format(role))
        with database(postgres) as made:
            base = urlsplit(made).path[1:]
            admin.execute(names.SQL("ALTER DATABASE {0} OWNER TO {1}").format(names.Identifier(base), role))
            with psycopg.connect(made, autocommit=True) as connection:
                connection.execute(names.SQL("GRANT CREATE ON SCHEMA public TO {0}").format(role))
            url = as_user(made, name)
            asyncio.run(fill(url))
            yield url, name
            with psycopg.connect(made) as connection:
                if connection.execute("SELECT to_regclass('cordwood_sql.logs')").fetchone() != (None,):
                    drop_roles(made)
        admin.execute(names.SQL("DROP ROLE {0}").format(role))


def test_a_service_that_is_no_superuser_makes_and_drops_logins(postgres: str) -> None:
    with service_role(postgres, "CREATEROLE") as (url, _):
        place = Place(url)
        name = f"user_{secrets.token_hex(6)}"
        done = place.run("create", name, "--tenant", "ours")
        assert done.exit_code == 0, done.stderr
        assert "temp_file_limit" in done.stderr, "what it cannot bound is told"
        with place.login(name) as connection:
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (5,)
            assert place.run("rotate", name).exit_code == 0
            done = place.run("delete", name)
            assert done.exit_code == 0, done.stderr
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        asyncio.run(fill(url))  # it still writes: row-level security does not bind the owner
        with place.admin() as connection:
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (110,)


def test_a_service_that_may_not_make_roles_is_told_what_to_grant(postgres: str) -> None:
    with service_role(postgres) as (url, name):
        done = Place(url).run("create", "grafana")
        assert done.exit_code == 1
        assert "may not make roles" in done.stderr
        assert f'ALTER ROLE "{name}" CREATEROLE' in done.stderr.replace("\n", "")


def test_a_password_opens_until_it_is_rotated(victim_postgres: Postgres) -> None:
    """On a server of the test's own, that asks for passwords."""
    with database(victim_postgres.url) as url:
        asyncio.run(fill(url))
        place = Place(url)
        name = f"user_{secrets.token_hex(6)}"
        first = place.run("create", name, "--tenant", "ours").stdout.strip()
        with place.admin() as admin:
            file = Path(*(admin.execute("SHOW hba_file").fetchone() or ()))
            before = file.read_text()
            file.write_text(f"host all {name} all scram-sha-256\n{before}")
            admin.execute("SELECT pg_reload_conf()")
        with psycopg.connect(as_user(url, name, first)) as connection:
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (5,)
        second = place.run("rotate", name).stdout.strip()
        with psycopg.connect(as_user(url, name, second)) as connection:
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (5,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(as_user(url, name, first))
        file.write_text(before)
        drop_roles(url)
