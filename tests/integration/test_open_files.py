"""The segments are open: engines that are not ours, and a reader that knows the reference page alone, find in them what
the platform answers."""

import json
import math
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench import data

from tests.support.pages import REFERENCE
from tests.support.processes import Cordwood

ENGINES = ("duckdb", "polars", "chdb")
Event = dict[str, Any]

# Types that vary, nulls beside missing, deep and empty objects, keys with dots, what only text keeps.
ODD: tuple[bytes, ...] = (
    b'{"level":"error","http":{"status":500,"duration_ms":0.5},"user":{"id":7}}',
    b'{"level":"warn","http":{"status":"501"},"user":{"id":"7"}}',
    b'{"level":"fatal","http":{"status":null},"user":null,"tags":[1,"two",{"three":3.0}]}',
    b'{"a.b":1,"c":{"d.e":{"f":true}}}',
    b'{"a":{"b":1.5},"empty":{},"none":[],"text":"\\u0000 and \\"quotes\\""}',
    b'{"big":12345678901234567890123,"small":1e-400,"twice":1,"twice":2}',
    '{"message":"snö ☃ 𝄞","level":"ERROR","http":{"status":404}}'.encode(),
)


@pytest.fixture(scope="module")
def sent() -> list[bytes]:
    """Lines: enough alike ones for columns, and odd ones among them."""
    base = datetime(2026, 11, 23, tzinfo=UTC)
    regular = list(chain.from_iterable(chunk.splitlines() for chunk in data.generate(9_000, base)))
    kinds = (b'{"n":%d,"value":%d}', b'{"value":%d.25,"whole":false,"n":%d}', b'{"a":"a","value":"%d","n":%d}')
    varying = [kinds[n % 3] % (n, n) for n in range(9_000)]
    return [*regular, *varying, *ODD]


@pytest.fixture(scope="module", params=["fresh", "compacted"])
def up(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sent: list[bytes]
) -> Iterator[Cordwood]:
    """A server that has all of it: in several files, some with columns and some with text only; or in one."""
    folder = tmp_path_factory.mktemp("open")
    with Cordwood("up", folder / "data", worker_tend_interval_s="3600") as server:
        for lines in (sent[:5_000], sent[5_000:15_000], sent[15_000:18_000], sent[18_000:], sent[:100]):
            assert server.post("/api/v1/ingest?wait=stored", b"\n".join(lines))[0] == 202
        if request.param == "compacted":
            server.stop()
            assert server.run("store", "compact").returncode == 0
            server.start()
        yield server


@pytest.fixture(scope="module")
def events(up: Cordwood) -> list[Event]:
    """Every event, as the platform answers."""
    return up.events()


def blocks() -> list[str]:
    """The examples of the reference page: first the one that finds the files, then one an engine."""
    section = (REFERENCE / "segments.md").read_text().split("## Reading them with other engines")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def store_of(up: Cordwood) -> Path:
    return Path(up.environment["CORDWOOD_DATA_DIR"]) / "store"


def run(up: Cordwood, *parts: str) -> str:
    """What a program says that runs where `store` is."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(parts)],
        cwd=store_of(up).parent,
        env=up.full_environment | {"POLARS_FMT_MAX_ROWS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def counted(up: Cordwood, filters: str) -> int:
    return int(up.json(f"/api/v1/query/count?filter={filters}")["count"])


def test_the_page_has_an_example_for_each_engine() -> None:
    find, *examples = blocks()
    assert "catalog.sqlite" in find
    assert len(examples) == len(ENGINES)
    for engine, example in zip(ENGINES, examples, strict=True):
        assert f"import {engine}" in example


@pytest.mark.parametrize("engine", ENGINES)
def test_the_examples_count_as_the_platform_does(up: Cordwood, engine: str) -> None:
    find, *examples = blocks()
    (example,) = (each for each in examples if f"import {engine}" in each)
    said = run(up, find, example)
    numbers = [int(number) for number in re.findall(r"(?<![\w.:])\d+(?![\w.:])", said)]
    for level in ("debug", "info", "warn", "error", "fatal"):
        (found,) = re.findall(rf"{level}\W+(\d+)", said)
        assert int(found) == counted(up, f"level:{level}") > 0
    assert counted(up, "http.status:500") in numbers


QUESTIONS = {
    "duckdb": """
def ask(sql): return duckdb.sql(sql).fetchall()
pods = ask('SELECT "kubernetes.pod:str" AS pod, count(*) FROM events WHERE pod IS NOT NULL GROUP BY ALL')
values = 'SELECT sum("value:int") + sum("value:float") + sum("value:str"::DOUBLE) FROM events'
print(json.dumps([
    ask('SELECT sum("http.duration_ms:float") FROM events')[0][0],
    ask('SELECT count(DISTINCT "user.id:int") FROM events')[0][0],
    dict(pods),
    ask(values)[0][0],
]))
""",
    "polars": """
def ask(expression): return events.select(expression).collect().item()
pods = events.drop_nulls("kubernetes.pod:str").group_by("kubernetes.pod:str").len().collect()
values = pl.col("value:int").sum() + pl.col("value:float").sum() + pl.col("value:str").cast(pl.Float64).sum()
print(json.dumps([
    ask(pl.col("http.duration_ms:float").sum()),
    ask(pl.col("user.id:int").drop_nulls().n_unique()),
    dict(pods.rows()),
    ask(values),
]))
""",
    "chdb": """
def ask(sql): return [json.loads(line) for line in str(chdb.query(sql, "JSONCompactEachRow")).splitlines()]
pods = ask(f"SELECT `kubernetes.pod:str` AS pod, count() FROM ({events}) WHERE pod IS NOT NULL GROUP BY pod")
values = "sum(`value:int`) + sum(`value:float`) + sum(toFloat64(`value:str`))"
print(json.dumps([
    ask(f"SELECT sum(`http.duration_ms:float`) FROM ({events})")[0][0],
    int(ask(f"SELECT uniqExact(`user.id:int`) FROM ({events})")[0][0]),
    {pod: int(count) for pod, count in pods},
    ask(f"SELECT {values} FROM ({events})")[0][0],
]))
""",
}
"""A sum of a float, a count of distinct values, counts by a group, and a sum over a field whose type varies."""


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_sum_and_group_as_the_events_do(up: Cordwood, engine: str) -> None:
    # Of what has columns: the platform's own answers, but for events that are kept as text.
    find, *examples = blocks()
    (example,) = (each for each in examples if f"import {engine}" in each)
    said = run(up, "import json", find, re.sub(r"^print.*$", "", example, flags=re.MULTILINE), QUESTIONS[engine])
    took, users, pods, values = json.loads(said.splitlines()[-1])
    typed = [event for event, has_shape in _by_shape(up) if has_shape]
    assert len(typed) > 15_000
    assert took == pytest.approx(math.fsum(event["http"]["duration_ms"] for event in typed if "http" in event))
    assert users == len({event["user"]["id"] for event in typed if "user" in event})
    assert pods == Counter(event["kubernetes"]["pod"] for event in typed if "kubernetes" in event)
    assert values == pytest.approx(math.fsum(float(event["value"]) for event in typed if "value" in event))


def test_events_are_made_again_by_the_page_alone(up: Cordwood, events: list[Event]) -> None:
    def told(event: object) -> str:
        return json.dumps(event, sort_keys=True)

    remade = Counter(told(event) for event, _ in _by_shape(up))
    assert remade == Counter(told(event["data"]) for event in events)


def _by_shape(up: Cordwood) -> list[tuple[Event, bool]]:
    """Every event, made by the reference page's rules with polars; and whether it has a shape."""
    with closing(sqlite3.connect(store_of(up) / "catalog.sqlite")) as catalog:
        paths = [path for (path,) in catalog.execute("SELECT path FROM segments WHERE tenant = 'default'")]
    found: list[tuple[Event, bool]] = []
    for path in paths:
        for row in pl.read_parquet(store_of(up) / path).iter_rows(named=True):
            shape = row["shape"]
            found.append((json.loads(row["raw"] if shape is None else _remade(shape, row)), shape is not None))
    return found


_TYPES = {"s": "str", "i": "int", "f": "float", "d": "float", "b": "bool", "j": "json"}


def _remade(shape: str, row: dict[str, Any]) -> str:
    """ "To make the event again, replace each letter by the value of that path's column"."""
    out: list[str] = []
    path: list[str] = []
    key = ""
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|.', shape):
        if token.startswith('"'):
            key = json.loads(token)
        elif token == "{":
            path.append(key)
        elif token == "}":
            path.pop()
        elif token in _TYPES:
            token = _spelt(token, row[".".join([*path[1:], key]) + ":" + _TYPES[token]])
        out.append(token)
    return "".join(out)


def _spelt(letter: str, value: Any) -> str:
    if value is None:
        return "null"
    match letter:
        case "j":
            return str(value)
        case "f" if value == int(value):
            return str(int(value))
        case _:
            return json.dumps(value)
