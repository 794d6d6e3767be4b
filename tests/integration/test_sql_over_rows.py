"""SQL of users over rows: the same contract as over segments, and every way out that could be thought of."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from cordwood.cli.app import app_of
from cordwood.errors import BadQuery
from cordwood.store.postgres.sql.reading import read
from tests.integration.test_sql_users import service_role
from tests.support.fixtures import database, drop_roles
from tests.support.processes import Cordwood
from tests.support.sql import OURS, THEIRS, asked, rows
from tests.support.waiting import wait_until

SECRET = "theirs-alone-4711"
FEW = [
    {"time": f"2026-01-01T00:00:{n:02}Z", "level": level, "service": "pay", "message": f"event {n}", "n": n}
    for n, level in enumerate(["info", "error", "info", "warn", "error"])
]
MANY = [{"time": "2026-01-02T00:00:00Z", "message": "many", "http": {"took": n / 2}, "n": n} for n in range(3000)]
AWKWARD = {"time": "2026-01-03", "dotted.key": "yes", "nul": "a\0b", "\ue0c0": 1, "huge": 0.5}


@pytest.fixture(scope="module")
def url(postgres: str) -> Iterator[str]:
    with database(postgres) as made:
        yield made
        drop_roles(made)


def settings(url: str) -> dict[str, str]:
    return {
        "store_url": url,
        "tenancy_api_keys": f"ours:{OURS},theirs:{THEIRS}",
        "store_sql_timeout_s": "4",
        "store_sql_spill_bytes": f"{16 << 20}",
        "query_max_waiting": "1",
    }


@pytest.fixture(scope="module")
def up(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("sql") / "data", **settings(url)) as running:
        fill(running)
        yield running


def fill(up: Cordwood) -> None:
    theirs = [{"message": SECRET, "n": SECRET, "service": SECRET, "time": "2026-01-01"}] * 50
    awkward = json.dumps(AWKWARD).replace("0.5", "1e400")
    for key, lines in (
        (OURS, [*map(json.dumps, FEW), awkward]),
        (OURS, [*map(json.dumps, MANY)]),
        (THEIRS, [*map(json.dumps, theirs)]),
    ):
        status, answer = up.post("/api/v1/ingest?wait=stored", "\n".join(lines).encode(), authorization=f"Bearer {key}")
        assert status == 202, answer


def test_one_select_is_answered_with_columns_and_rows(up: Cordwood) -> None:
    status, body = asked(
        up, "SELECT level, count(*) AS n FROM logs WHERE service = 'pay' GROUP BY level ORDER BY level;"
    )
    assert status == 200, body
    assert json.loads(body) == {
        "columns": [{"name": "level", "type": "text"}, {"name": "n", "type": "bigint"}],
        "complete": True,
        "truncated": False,
        "rows": [["error", 2], ["info", 2], ["warn", 1]],
    }


def test_every_event_has_these_columns(up: Cordwood) -> None:
    answer = json.loads(asked(up, "SELECT * FROM logs WHERE level = 'warn'")[1])
    assert [column["name"] for column in answer["columns"]] == [
        *("id", "timestamp", "ts", "inserted_at", "level", "service", "message", "data")
    ]
    ((_, timestamp, ts, _, level, service, message, data),) = answer["rows"]
    assert (timestamp, level, service, message) == ("2026-01-01T00:00:03.000000Z", "warn", "pay", "event 3")
    assert ts == timestamp
    assert data == FEW[3], "as it was sent"


def test_a_field_with_a_dot_is_a_column_however_it_was_sent(up: Cordwood) -> None:
    """As a text; as a key with a dot or as an object."""
    sql = 'SELECT max("http.took"::float8) AS "a.b", count("no.body") FROM logs WHERE "http.took" LIKE \'%.5\''
    assert rows(up, sql) == [[1499.5, 0]]
    assert rows(up, 'SELECT count(*) AS "x.y" FROM logs GROUP BY "http.took" ORDER BY "x.y" DESC LIMIT 2') == [[6], [1]]
    assert rows(up, 'SELECT l."dotted.key" FROM logs AS l WHERE l."dotted.key" IS NOT NULL') == [["yes"]]
    status, body = asked(up, 'SELECT "http.took", nothing FROM logs')
    assert (status, json.loads(body)["position"]) == (400, 20)
    assert asked(up, 'SELECT "a.b"; SELECT 2')[0] == 400
    assert asked(up, 'SELECT "a.b" FROM logs) AS x, (SELECT 2')[0] == 400
    assert rows(up, 'SELECT "it\'s.""quoted""", "{a,b}.c" FROM logs LIMIT 1') == [[None, None]]


def test_what_jsonb_cannot_hold_comes_back_as_sent(up: Cordwood) -> None:
    status, body = asked(up, "SELECT data, data->>'nul' AS nul, data->'huge' AS huge FROM logs WHERE data ? 'nul'")
    assert status == 200
    assert b"1e400" in body
    ((data, nul, _),) = json.loads(body.replace(b"1e400", b"0.5"))["rows"]
    assert (data, nul) == (AWKWARD, "a\0b")


def test_a_time_range_is_what_logs_has(up: Cordwood) -> None:
    assert rows(up, "SELECT count(*) FROM logs", end="2026-01-02") == [[5]]
    assert rows(up, "SELECT count(*) FROM logs", start="2026-01-01T00:00:04Z", end="2026-01-02") == [[1]]
    assert rows(up, "WITH x AS (SELECT * FROM logs) SELECT count(*) FROM x, logs", end="2026-01-02") == [[25]]
    assert rows(up, "SELECT count(*) FROM logs", start="2026-01-02", end="2026-01-03") == [[3000]]


def test_a_json_answer_is_cut_and_says_so(up: Cordwood) -> None:
    answer = json.loads(asked(up, "SELECT message FROM logs", limit=7)[1])
    assert (len(answer["rows"]), answer["truncated"]) == (7, True)
    answer = json.loads(asked(up, "SELECT message FROM logs WHERE false")[1])
    assert ([column["name"] for column in answer["columns"]], answer["rows"]) == (["message"], [])


def test_streams_have_no_cap_and_keep_the_order(up: Cordwood) -> None:
    sql = "SELECT i FROM generate_series(0, 19999) AS r(i) ORDER BY i"
    lines = asked(up, sql, "application/x-ndjson")[1].splitlines()
    assert [json.loads(line)["i"] for line in lines] == [*range(20_000)]
    table = pa.ipc.open_stream(asked(up, sql, "application/vnd.apache.arrow.stream")[1]).read_all()
    assert table["i"].to_pylist() == [*range(20_000)]
    assert len(asked(up, sql, "text/csv")[1].splitlines()) == 20_001


def test_csv_has_no_formulas(up: Cordwood) -> None:
    assert asked(up, "SELECT '=1+1' AS a, 2 AS b, NULL AS c", "text/csv")[1] == b'"a","b","c"\r\n"\'=1+1","2",""\r\n'


def test_values_of_every_kind_are_written(up: Cordwood) -> None:
    values = {
        "1.50": 1.5,
        "2::numeric ^ 70": 2**70,
        "'NaN'::numeric": None,
        "'Infinity'::float8": None,
        "1.5::real": 1.5,
        "ARRAY[1, 2]": [1, 2],
        "ARRAY[1.5, NULL]": [1.5, None],
        "ARRAY['{\"a\": 1}'::jsonb]": [{"a": 1}],
        "ROW(1, 'a', '\\x00'::bytea)": [1, "a", "AA=="],
        "int4range(1, 3)": "[1,3)",
        "DATE '20260-01-02'": "20260-01-02",
        "TIMESTAMP '2026-01-02 03:04:05'": "2026-01-02T03:04:05.000000",
        "TIMESTAMPTZ '20260-01-01 00:00:00Z'": "20260-01-01T00:00:00.000000Z",
        "'infinity'::timestamptz": None,
        "INTERVAL '1 month 2 days'": "1 mon 2 days",
        "'x'::bytea": "eA==",
        "'{\"a\": [1, null]}'::json": {"a": [1, None]},
        "NULL": None,
        "true": True,
        "'::1'::inet": "::1",
        "'a'::\"char\"": "a",
        "jsonb_typeof(data)": "object",
    }
    assert rows(up, f"SELECT {', '.join(values)} FROM logs LIMIT 1") == [[*values.values()]]
    assert json.loads(asked(up, "SELECT 1 AS a, 2 AS a", "application/x-ndjson")[1]) == {"a": 1, "a_2": 2}
    status, body = asked(up, "SELECT TIMESTAMPTZ '294270-01-01'")
    assert (status, b"cast it to text" in body) == (400, True)


def test_texts_of_every_kind_are_read_as_postgresql_reads_them(up: Cordwood) -> None:
    sql = """
        SELECT 'it''s', E'a\\'b', $$c'd$$, $tag$ $$ e $tag$, "set_config" -- '
        FROM (SELECT 1 AS "set_config") AS x /* ' /* " */ $$ */;  -- the end
    """
    status, body = asked(up, sql)
    assert (status, b"not open" in body) == (400, True), "a name is refused, also where it is a column's"
    assert rows(up, sql.replace('"set_config"', '"pg""x"')) == [["it's", "a'b", "c'd", " $$ e ", 1]]
    assert rows(up, "SELECT count(*) FROM logs WHERE message LIKE '%pg_sleep(1)%' OR message = $$set_config$$") == [[0]]


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("SELEC 1", "no SELECT", (0, 5)),
        ("SELECT 'ä', nothing_like_it(1)", "nothing_like_it", (12, 15)),
        ("SELECT 'a'::int", "invalid input syntax", None),
        ("SELECT * FROM elsewhere", "elsewhere", (14, 9)),
        ("SELECT tenant FROM logs", "tenant", (7, 6)),
        ("SELECT $1", "parameters", (7, 2)),
        ("SELECT 1) AS p, (SELECT 2", "syntax error", (8, 1)),
        ("SELECT 1 /* never closed", "comment", None),
        ("SELECT 1 WHERE 1 = ", "syntax error", None),
    ],
)
def test_what_is_wrong_is_said_with_its_place(up: Cordwood, sql: str, said: str, place: tuple[int, int] | None) -> None:
    status, body = asked(up, sql)
    problem = json.loads(body)
    assert (status, problem["type"]) == (400, "urn:cordwood:problem:bad_query"), problem
    assert said in problem["detail"]
    assert place is None or (problem["position"], problem["length"]) == place


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "SELECT repeat('x', 100000000)",
        "SELECT array_fill(1e100000::numeric, ARRAY[200])",
        "SELECT string_agg(repeat('x', 1000000), '') FROM generate_series(1, 100000)",
        "SELECT i FROM generate_series(1, 5000000) AS r(i) ORDER BY md5(i::text)",
        "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT max(i) FROM r",
        "SELECT " + "(" * 40_000 + "1" + ")" * 40_000,
    ],
)
def test_what_takes_too_much_is_stopped_and_others_are_answered(up: Cordwood, sql: str) -> None:
    status, body = asked(up, sql)
    assert status in (400, 503), body
    assert any(told in json.loads(body)["detail"] for told in ("stopped", "memory exhausted"))
    assert rows(up, "SELECT count(*) FROM logs") == [[3006]]


def test_a_large_answer_is_sent_in_small_parts(up: Cordwood) -> None:
    """Also one whose rows are as large as they may be."""
    sql = "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 70)"
    status, body = asked(up, sql)
    assert (status, b"of JSON" in body) == (400, True)
    assert len(asked(up, sql, "application/x-ndjson")[1]) > 70_000_000


def test_another_tenant_has_its_own_logs(up: Cordwood) -> None:
    assert rows(up, "SELECT DISTINCT message FROM logs", key=THEIRS) == [[SECRET]]
    assert rows(up, f"SELECT count(*) FROM logs WHERE data::text LIKE '%{SECRET}%'") == [[0]]


# Each would tell a value of another tenant, or fail with one in its message, if it saw one.
LEAKS = [
    "SELECT * FROM logs WHERE (data->>'n')::integer > 100000",
    "SELECT * FROM (SELECT (data->>'n')::integer AS n FROM logs OFFSET 0) AS x WHERE n > 100000",
    "SELECT * FROM logs WHERE service LIKE 'theirs%'",
    "SELECT * FROM logs WHERE (CASE WHEN service LIKE 'theirs%' THEN 1 / (length(service) - 17) END) = 1",
    "SELECT * FROM cordwood_sql.logs WHERE (data->>'n')::integer > 100000",
    "SELECT * FROM logs AS a JOIN cordwood_sql.logs AS b ON (a.data->>'n')::integer = (b.data->>'n')::integer - 100000",
    "SELECT * FROM logs WHERE xpath('/' || message, '<a/>')::text = 'x' AND service LIKE 'theirs%'",
]


@pytest.mark.parametrize("sql", LEAKS)
def test_no_condition_sees_another_tenants_row(up: Cordwood, sql: str) -> None:
    status, body = asked(up, sql)
    assert SECRET not in body.decode()
    if status == 200:
        assert json.loads(body)["rows"] == []
    else:
        assert "xpath" in sql


# What is wanted of a server by those who should not have it: refused before the database sees it.
CLOSED = [
    "SET statement_timeout = 0",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "RESET ALL",
    "DO $$ BEGIN NULL; END $$",
    "CALL x()",
    "COPY logs TO '/tmp/cordwood-attack'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/cordwood-attack'",
    "LISTEN x",
    "NOTIFY x",
    "UNLISTEN *",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "LOCK logs",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DECLARE c CURSOR FOR SELECT 1",
    "FETCH ALL FROM cordwood_answer",
    "CLOSE ALL",
    "DISCARD ALL",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT * FROM logs",
    "SHOW ALL",
    "ANALYZE",
    "VACUUM",
    "CHECKPOINT",
    "LOAD 'x'",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE EXTENSION dblink",
    "DROP VIEW logs",
    "INSERT INTO logs SELECT * FROM logs",
    "DELETE FROM logs",
    "UPDATE logs SET level = 'x'",
    "MERGE INTO logs USING logs AS x ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE logs",
    "GRANT postgres TO CURRENT_USER",
    "SELECT 1; SELECT 2",
    "SELECT 1;; SELECT 2",
    "SELECT 1; COMMIT; DROP TABLE logs",
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT \"set_config\"('statement_timeout', '0', false)",
    "SELECT SET_CONFIG('role', 'postgres', true)",
    "SELECT pg_catalog.set_config('statement_timeout', '0', false)",
    "SELECT U&\"s\\0065t_config\"('statement_timeout', '0', false)",
    "SELECT set_config/**/('statement_timeout', '0', false)",
    "SELECT E'\\'', set_config('a.b', '0', false), '\\''",
    "SELECT E'a'\n'\\' ' , set_config('a.b', '0', false), ''",
    "SELECT E'a' -- x\n'\\' ' , set_config('a.b', '0', false), ''",
    "SELECT '\\', set_config('a.b', '0', false), '\\'",
    "SELECT $a$ $b$ $a$, set_config('a.b', '0', false), $b$ $b$",
    "SELECT /* /* */ ' */ set_config('a.b', '0', false) --'",
    "SELECT 1.5set_config('a.b', '0', false)",
    "SELECT a.set_config FROM logs AS a",
    "SELECT current_setting('data_directory')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_create(0)",
    "SELECT pg_sleep(100)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_notify('x', 'y')",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_export_snapshot()",
    "SELECT query_to_xml('SELECT pg_sleep(100)', true, true, '')",
    "SELECT database_to_xml(true, true, '')",
    "SELECT cursor_to_xml('cordwood_answer', 1, true, true, '')",
    "SELECT ts_stat('SELECT * FROM api_keys')",
    "SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t(x int)",
    "SELECT nextval('x')",
    "SELECT 'api_keys'::regclass",
    "SELECT to_regclass('api_keys')",
    "SELECT has_table_privilege('api_keys', 'SELECT')",
    "SELECT txid_current()",
    "SELECT * FROM pg_class",
    "SELECT * FROM pg_catalog.pg_roles",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_settings",
    "SELECT * FROM information_schema.tables",
    "",
    ";",
    "-- nothing",
]


@pytest.mark.parametrize("sql", CLOSED)
def test_the_first_wall_refuses_it(sql: str) -> None:
    with pytest.raises(BadQuery):
        read(sql)


# What the text itself does not show, or would not if the first wall were wrong: refused by the database.
REFUSED = [
    "SELECT * FROM public.logs",
    "SELECT * FROM public.logs_other",
    "SELECT * FROM api_keys",
    "SELECT * FROM public.sql_users",
    "SELECT * FROM cordwood_sql.logs FOR UPDATE",
    "SELECT * INTO mine FROM logs",
    "WITH x AS (DELETE FROM cordwood_sql.logs RETURNING 1) SELECT * FROM x",
    "WITH x AS (INSERT INTO cordwood_sql.logs (level) VALUES ('x') RETURNING 1) SELECT * FROM x",
    "SELECT cordwood_within(1, 0)",
    "SELECT 1) AS cordwood_p OFFSET 0) AS cordwood_q UNION ALL SELECT * FROM (SELECT * FROM (SELECT 2",
    "SELECT 1 AS cordwood_q, repeat('x', 9000000)",
    'SELECT "a.b" AS x) AS cordwood_p OFFSET 0) AS cordwood_q UNION ALL SELECT * FROM (SELECT * FROM (SELECT 2',
    'SELECT "a.b" INTO mine FROM logs',
    'WITH x AS (DELETE FROM cordwood_sql.logs RETURNING "a.b") SELECT * FROM x',
    'WITH x AS (DELETE FROM cordwood_sql.logs RETURNING 1) SELECT "a.b" FROM logs',
]


@pytest.mark.parametrize("sql", [*REFUSED, *CLOSED[::9]])
def test_nothing_but_logs_is_read(up: Cordwood, sql: str) -> None:
    status, body = asked(up, sql)
    assert status == 400, body
    assert SECRET.encode() not in body
    assert not Path("/tmp/cordwood-attack").exists()


@pytest.mark.parametrize(
    "sql",
    [
        *(each for each in REFUSED if "public" in each or "api_keys" in each or "INTO" in each or "DELETE" in each),
        "SELECT set_config('role', 'postgres', true)",
        "SELECT set_config('session_authorization', 'postgres', true)",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT set_config('temp_file_limit', '-1', true)",
        "SELECT query_to_xml('SELECT * FROM public.logs', true, true, '')",
        "SELECT query_to_xml('SELECT password FROM public.sql_users', true, true, '')",
        "SELECT * FROM ts_stat('SELECT to_tsvector(data::text) FROM public.logs')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_statistic",
        "SELECT dblink('dbname=postgres', 'SELECT 1')",
        "SELECT 1; SELECT 2",
        "DELETE FROM cordwood_sql.logs",
        "SET ROLE postgres",
    ],
)
def test_the_second_wall_holds_alone(up: Cordwood, url: str, sql: str) -> None:
    """As the login itself, without the check of the text."""
    assert rows(up, "SELECT 1") == [[1]]
    with psycopg.connect(url) as admin:
        found = admin.execute("SELECT role FROM sql_users WHERE tenant = 'ours' AND password IS NOT NULL").fetchall()
    assert len(found) == 1, "made once"
    with psycopg.connect(url, user=found[0][0]) as connection:
        connection.read_only = True
        with pytest.raises(psycopg.Error) as refused, connection.cursor() as cursor:
            cursor.execute(f"DECLARE c CURSOR FOR {sql}".encode(), prepare=True)
            cursor.execute("FETCH ALL FROM c")
        assert SECRET not in str(refused.value)


def test_a_session_leaves_nothing_behind(up: Cordwood, url: str) -> None:
    rows(up, "SELECT 1")
    with psycopg.connect(url) as admin:
        wait_until(lambda: not working(admin), 10, "its connections to end")
        admin.rollback()
        assert admin.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)


def test_password_and_tenant_are_not_for_others_to_see(up: Cordwood, url: str) -> None:
    with psycopg.connect(url) as admin:
        found = admin.execute("SELECT role, password FROM sql_users WHERE password IS NOT NULL").fetchall()
    assert found
    assert all("ours" not in role and "theirs" not in role for role, _ in found)
    log = up.log()
    assert all(password not in log for _, password in found)


SLOW = "SELECT count(*) FROM generate_series(1, 1000000000000)"


@contextmanager
def asking(up: Cordwood, sql: str, accept: str = "application/json") -> Iterator[http.client.HTTPConnection]:
    headers = {"authorization": f"Bearer {OURS}", "content-type": "application/json", "accept": accept}
    with closing(http.client.HTTPConnection("127.0.0.1", up.port, timeout=60)) as connection:
        connection.request("POST", "/api/v1/sql", json.dumps({"sql": sql}), headers)
        yield connection


def listed(up: Cordwood) -> list[Any]:
    found: list[Any] = up.json("/api/v1/queries", authorization=f"Bearer {OURS}")["queries"]
    return found


def working(admin: "psycopg.Connection[Any]") -> list[Any]:
    admin.rollback()
    return admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'cordwood\\_sql\\_%' AND datname = current_database()"
    ).fetchall()


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_a_client_that_leaves_ends_the_work_in_the_database(up: Cordwood, url: str, accept: str) -> None:
    with psycopg.connect(url) as admin:
        with asking(up, SLOW, accept):
            wait_until(lambda: bool(working(admin)), 10, "the question to begin")
            assert [each["asked"] for each in listed(up)] == ["/api/v1/sql"]
        wait_until(lambda: not working(admin), 3, "the question to end, before its time is over")


def test_a_stream_ends_with_its_client_and_with_its_time(up: Cordwood, url: str) -> None:
    sql = "SELECT generate_series(1, 1000000000000) AS i"
    with psycopg.connect(url) as admin:
        with asking(up, sql, "application/x-ndjson") as connection:
            assert connection.getresponse().read(1000)
        wait_until(lambda: not working(admin), 3, "the question to end, before its time is over")
    with asking(up, sql, "application/x-ndjson") as connection:
        response = connection.getresponse()
        began_s = time.monotonic()
        with pytest.raises(http.client.IncompleteRead):
            while response.read(1 << 20):
                pass
    assert time.monotonic() - began_s < 6


def test_a_question_is_listed_and_cancelled(up: Cordwood, url: str) -> None:
    with psycopg.connect(url) as admin, asking(up, SLOW) as connection:
        wait_until(lambda: bool(working(admin)), 10, "the question to begin")
        (question,) = listed(up)
        assert up.ask("DELETE", f"/api/v1/queries/{question['id']}", authorization=f"Bearer {OURS}")[0] == 200
        with connection.getresponse() as response:
            assert (response.status, json.loads(response.read())["type"]) == (409, "urn:cordwood:problem:cancelled")
        wait_until(lambda: not working(admin), 4, "the question to end, before its time is over")


def test_the_command_asks_rows_too(up: Cordwood) -> None:
    arguments = ["sql", "select level, count(*) as n from logs where level is not null group by 1 order by 1"]
    result = CliRunner().invoke(app_of(["sql"]), [*arguments, "--url", up.url, "--api-key", OURS])
    assert (result.exit_code, result.stdout) == (0, "level  n\nerror  2\ninfo   2\nwarn   1\n"), result.stderr


def test_a_service_that_may_not_make_roles_says_so(postgres: str, tmp_path: Path) -> None:
    with service_role(postgres) as (url, name), Cordwood("up", tmp_path / "data", **settings(url)) as up:
        status, body = asked(up, "SELECT 1")
        problem = json.loads(body)
        assert (status, f"the login '{name}' of store.url may not make roles" in problem["detail"]) == (503, True)
        assert "CREATEROLE" in problem["hint"]


def test_a_service_that_is_no_superuser_answers(postgres: str, tmp_path: Path) -> None:
    with service_role(postgres, "CREATEROLE") as (url, _), Cordwood("up", tmp_path / "data", **settings(url)) as up:
        assert rows(up, "SELECT count(*) FROM logs") == [[5]]
        assert rows(up, "SELECT DISTINCT service FROM logs", key=THEIRS) == [[SECRET]]
