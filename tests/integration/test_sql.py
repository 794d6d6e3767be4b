"""SQL of users: what it answers, and that it reaches nothing but the tenant's own events."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cordwood.store.segments.sql.checking import Wrong, check
from cordwood.store.segments.sql.job import File, Job
from cordwood.store.segments.sql.process import lock, opened
from tests.support.processes import Cordwood
from tests.support.sql import OURS, THEIRS, asked, rows

SECRET = "the other tenant's"
FEW = [
    {"time": f"2026-01-01T00:00:{n:02}Z", "level": level, "service": "pay", "message": f"event {n}", "http.status": n}
    for n, level in enumerate(["info", "error", "info", "warn", "error"])
]
MANY = [
    {"time": "2026-01-02T00:00:00Z", "message": "many", "http": {"status": 500 + n % 2, "took": n / 2}, "big": 2**63}
    for n in range(3000)
]
"""So many become columns; few stay text."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    settings = {
        "tenancy_api_keys": f"ours:{OURS},theirs:{THEIRS}",
        "store_sql_timeout_s": "10",
        "query_max_waiting": "1",
    }
    with Cordwood("up", tmp_path_factory.mktemp("sql") / "data", **settings) as running:
        for key, events in ((OURS, FEW), (OURS, MANY), (THEIRS, [{"message": SECRET, "time": "2026-01-01"}])):
            body = "\n".join(map(json.dumps, events)).encode()
            status, answer = running.post("/api/v1/ingest?wait=stored", body, authorization=f"Bearer {key}")
            assert status == 202, answer
        yield running


def test_one_select_is_answered_with_columns_and_rows(up):
    status, body = asked(
        up, "SELECT level, count(*) AS n FROM logs WHERE service = 'pay' GROUP BY level ORDER BY level"
    )
    assert status == 200
    assert json.loads(body) == {
        "columns": [{"name": "level", "type": "varchar"}, {"name": "n", "type": "bigint"}],
        "complete": True,
        "truncated": False,
        "rows": [["error", 2], ["info", 2], ["warn", 1]],
    }


def test_every_event_has_these_columns(up):
    answer = json.loads(asked(up, "SELECT * FROM logs WHERE level = 'warn'")[1])
    names = ["id", "timestamp", "ts", "inserted_at", "level", "service", "message", "data"]
    assert [column["name"] for column in answer["columns"]] == names
    ((_, timestamp, ts, _, level, service, message, data),) = answer["rows"]
    assert (timestamp, level, service, message) == ("2026-01-01T00:00:03.000000Z", "warn", "pay", "event 3")
    assert ts == timestamp
    assert data == FEW[3], "as it was sent"


def test_a_field_is_a_column_wherever_it_is_kept(up):
    """As text or in columns; as a key with a dot or as an object."""
    sql = 'SELECT "http.status", count(*) FROM logs GROUP BY 1 ORDER BY 1'
    assert rows(up, sql) == [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [500, 1500], [501, 1500]]
    assert rows(up, 'SELECT typeof("http.status"), max("http.took"), max(big) FROM logs GROUP BY 1') == [
        ["BIGINT", 1499.5, 2.0**63]
    ]
    assert rows(up, "SELECT DISTINCT data->'http'->>'status' AS s FROM logs ORDER BY s NULLS LAST") == [
        ["500"], ["501"], [None]
    ]  # fmt: skip
    assert rows(up, "SELECT count(nobody_sent_this) FROM logs") == [[0]]


def test_what_was_sent_comes_back_from_columns(up):
    found = rows(up, "SELECT data FROM logs WHERE message = 'many' ORDER BY id LIMIT 3")
    assert [data for (data,) in found] == MANY[:3]


def test_a_name_that_the_text_gives_is_no_field(up):
    sql = "WITH x AS (SELECT date_trunc('day', ts) AS day, 1 AS one FROM logs) SELECT day, sum(one) FROM x GROUP BY day"
    assert sorted(n for _, n in rows(up, sql)) == [5, 3000]
    assert rows(up, 'SELECT count(*) FROM logs AS l JOIN range(2) AS r(i) ON l."http.status" = r.i') == [[2]]


def test_a_time_range_is_what_logs_has(up):
    assert rows(up, "SELECT count(*) FROM logs", end="2026-01-02") == [[5]]
    assert rows(up, "SELECT count(*) FROM logs", start="2026-01-01T00:00:04Z", end="2026-01-02") == [[1]]
    assert asked(up, "SELECT 1", start="-1h", end="-2h")[0] == 400


def test_a_json_answer_is_cut_and_says_so(up):
    answer = json.loads(asked(up, "SELECT message FROM logs", limit=7)[1])
    assert (len(answer["rows"]), answer["truncated"]) == (7, True)
    assert asked(up, "SELECT 1", limit=10_001)[0] == 400


def test_streams_have_no_cap(up):
    sql = "SELECT i FROM range(30000) AS r(i) ORDER BY i"
    lines = asked(up, sql, "application/x-ndjson")[1].splitlines()
    assert [json.loads(line)["i"] for line in lines] == [*range(30_000)]
    table = pa.ipc.open_stream(asked(up, sql, "application/vnd.apache.arrow.stream")[1]).read_all()
    assert table["i"].to_pylist() == [*range(30_000)]
    assert len(asked(up, sql, "text/csv")[1].splitlines()) == 30_001


def test_csv_has_no_formulas(up):
    assert asked(up, "SELECT '=1+1' AS a, 2 AS b, NULL AS c", "text/csv")[1] == b'"a","b","c"\r\n"\'=1+1","2",""\r\n'


def test_values_of_every_kind_are_written(up):
    sql = "SELECT 1.5::DECIMAL(9, 2), 2::HUGEINT, [1, 2], {'a': 1}, DATE '2026-01-02', 'x'::BLOB, NULL, 1e400, id, id"
    found = rows(up, f"{sql} FROM logs LIMIT 1")[0]
    assert found[:8] == [1.5, 2, [1, 2], {"a": 1}, "2026-01-02", "eA==", None, None]
    assert rows(up, "SELECT TIMESTAMPTZ '20260-01-01 00:00:00Z'")[0][0].startswith("20260-01-01T")
    line = json.loads(asked(up, "SELECT 1 AS a, 2 AS a", "application/x-ndjson")[1])
    assert line == {"a": 1, "a_2": 2}


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("SELEC 1", "syntax error", (0, 5)),
        ("SELECT 'ä', nothing_like_it(1)", "nothing_like_it", (12, 18)),
        ("SELECT 'a'::INT", "Could not convert", None),
        ("SELECT * FROM elsewhere", "elsewhere", (14, 9)),
        ("SELECT $1", "parameters", None),
    ],
)
def test_what_is_wrong_is_said_with_its_place(up, sql, said, place):
    status, body = asked(up, sql)
    problem = json.loads(body)
    assert (status, problem["type"]) == (400, "urn:cordwood:problem:bad_query")
    assert said in problem["detail"]
    assert place is None or (problem["position"], problem["length"]) == place


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(1000000000000)",
        "SELECT repeat('x', 1000000000)",
        "SELECT " + "(" * 40_000 + "1" + ")" * 40_000,
    ],
)
def test_what_takes_too_much_is_stopped_and_others_are_answered(up, sql):
    assert asked(up, sql)[0] in (400, 503)
    assert rows(up, "SELECT count(*) FROM logs") == [[3005]]


def test_another_tenant_has_its_own_logs(up):
    assert rows(up, "SELECT message FROM logs", key=THEIRS) == [[SECRET]]
    assert rows(up, f"SELECT count(*) FROM logs WHERE data::VARCHAR LIKE '%{SECRET[:9]}%'") == [[0]]


def test_a_key_without_the_scope_and_a_body_without_a_type_are_refused(up):
    assert asked(up, "SELECT 1", key="nobody's")[0] == 401
    assert (
        up.post(
            "/api/v1/sql", b'{"sql": "SELECT 1"}', authorization=f"Bearer {OURS}", **{"content-type": "text/plain"}
        )[0]
        == 415
    )


# What is wanted of a server by those who should not have it. {0} is a file of another tenant.
ATTACKS = [
    "SELECT * FROM '{0}'",
    "SELECT * FROM read_parquet('{0}')",
    "SELECT * FROM parquet_scan('{0}')",
    "SELECT * FROM parquet_metadata('{0}')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/**')",
    "SELECT * FROM '/proc/self/environ'",
    "SELECT * FROM '/etc/passwd'",
    "WITH t AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM t",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT 1 WHERE EXISTS (SELECT * FROM read_text('/etc/passwd'))",
    "SELECT * FROM logs ORDER BY (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM logs LIMIT (SELECT length(content) FROM read_text('/etc/passwd'))",
    "SELECT * FROM logs UNION ALL SELECT * FROM '{0}'",
    "SELECT * FROM logs, LATERAL (SELECT * FROM read_text('/etc/passwd'))",
    "FROM '{0}'",
    "TABLE '{0}'",
    "DESCRIBE '{0}'",
    "SUMMARIZE '{0}'",
    "SELECT list_transform([1], lambda x: (SELECT content FROM read_text('/etc/passwd')))",
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "SELECT * FROM query_table('{0}')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''/etc/passwd'')'))",
    "SELECT getenv('HOME')",
    "SELECT current_setting('temp_directory')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_views",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM main.logs",
    "SELECT * FROM which_secret('s3://bucket', 's3')",
    "SELECT * FROM sniffed",
    "SELECT cordwood_data_0({{'c0': NULL}})",
    "SELECT write_log('x')",
    "SELECT getvariable('x')",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SET memory_limit = '64GB'",
    "RESET memory_limit",
    "SET enable_external_access = true",
    "SET VARIABLE x = 1",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL duckdb_settings()",
    "ATTACH '{0}' AS x",
    "ATTACH ':memory:' AS x",
    "DETACH memory",
    "USE memory",
    "COPY (SELECT 1) TO '/tmp/cordwood-attack'",
    "COPY logs TO '/tmp/cordwood-attack'",
    "EXPORT DATABASE '/tmp/cordwood-attack'",
    "IMPORT DATABASE '/tmp/cordwood-attack'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '/tmp/attack.duckdb_extension'",
    "CREATE SECRET s (TYPE s3)",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE MACRO m() AS 1",
    "CREATE SEQUENCE s",
    "INSERT INTO logs SELECT * FROM logs",
    "UPDATE logs SET level = 'x'",
    "DELETE FROM logs",
    "DROP VIEW logs",
    "ALTER VIEW logs RENAME TO x",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "EXPLAIN ANALYZE SELECT 1",
    "VACUUM",
    "CHECKPOINT",
    "BEGIN",
    "SELECT 1; DROP VIEW logs",
    "SELECT 1; SELECT * FROM read_text('/etc/passwd')",
    "SELECT 1 /* */; -- \n ATTACH '{0}'",
    "",
    ";",
    "-- nothing",
]


def test_attacks_are_refused(up):
    """Over HTTP, some of each kind: a process for each takes time. The next test has all of them."""
    for sql in ATTACKS[::20]:
        status, body = asked(up, sql.format(_theirs(up)))
        assert status == 400, (sql, status, body)
        assert SECRET.encode() not in body
    assert not Path("/tmp/cordwood-attack").exists()


@pytest.mark.parametrize("sql", ATTACKS)
def test_the_first_wall_refuses_every_attack(sql):
    with duckdb.connect() as connection, pytest.raises(Wrong):
        check(connection, sql.format("/data/segments/tenant=theirs/x.parquet"))


SETTINGS = ("SET m", "SET e", "RESET", "INSTALL", "LOAD")
REACHING = [
    sql for sql in ATTACKS if any(place in sql for place in ("{0}", "/etc/", "/tmp/")) or sql.startswith(SETTINGS)
]


@pytest.mark.parametrize("sql", [each for each in REACHING if "query_table" not in each])
def test_the_second_wall_holds_alone(sql, tmp_path):
    """Without the check of the text: the engine opens no file but those of the job, and no setting changes."""
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    for path in (ours, theirs):
        pq.write_table(pa.table({"raw": ["{}"]}), path)
    job = Job("", [File(str(ours), (), True, False)], None, None, str(tmp_path / "spill"), 64 << 20, 1 << 20, 5)
    with opened(job) as connection:
        connection.execute(f"CREATE VIEW logs AS FROM read_parquet('{ours}')")
        lock(connection)
        assert connection.execute("SELECT count(*) FROM logs").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            for statement in connection.extract_statements(sql.format(theirs)):
                connection.execute(statement).fetchall()
    assert not Path("/tmp/cordwood-attack").exists()


def _theirs(up: Cordwood) -> str:
    data = Path(up.environment["CORDWOOD_DATA_DIR"])
    return str(next(data.glob("store/segments/tenant=theirs/**/*.parquet")).absolute())
