"""`fields`, `facets` and `context`, asked over HTTP and by the commands, of both stores."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from cordwood.cli.app import app_of
from cordwood.model.census import Census, FieldCount
from cordwood.query.censuses import facets_of
from tests.support.fixtures import database
from tests.support.processes import Cordwood

HOSTILE = "\x1b[2J\u202e"
EVENTS: list[dict[str, Any]] = [
    {
        "time": f"2026-01-01T00:00:{number // 2:02}Z",
        "level": "error" if number % 5 == 0 else "info",
        "service": "pay" if number % 2 else "web",
        "host": f"h{number % 3}",
        "message": f"event {number}",
        "n": number,
        "http": {"status": 500 if number % 5 == 0 else 200},
    }
    for number in range(40)
]
EVENTS[7]["a/b"] = HOSTILE
EVENTS[8]["tags"] = ["x"]
del EVENTS[9]["host"]


@pytest.fixture(scope="module", params=["embedded", "services"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    urls = request.getfixturevalue("postgres_rows_url") if request.param == "services" else {}
    with Cordwood("up", tmp_path_factory.mktemp("exploring") / "data", **urls) as running:
        body = "\n".join(map(json.dumps, EVENTS))
        assert running.post("/api/v1/ingest?wait=stored", body.encode())[0] == 202
        yield running


@pytest.fixture(scope="module")
def postgres_rows_url(postgres: str) -> Iterator[dict[str, str]]:
    with database(postgres) as url:
        yield {"store_url": url}


def test_fields_are_listed_with_types_and_coverage(server: Cordwood) -> None:
    told = server.json("/api/v1/fields?start=2026-01-01T00:00:00Z")
    assert (told["events"], told["examined"], told["exact"], told["complete"]) == (40, 40, True, True)
    fields = {field["name"]: field for field in told["fields"]}
    assert sorted(fields) == sorted(
        [
            ".level",
            ".message",
            ".service",
            "a/b",
            "host",
            "http",
            "http.status",
            "level",
            "message",
            "n",
            "service",
            "tags",
            "time",
        ]
    )
    assert fields["http.status"] == {
        "name": "http.status", "types": ["int"], "events": 40, "coverage": 1.0, "example": 200
    }  # fmt: skip
    assert fields["host"]["coverage"] == 39 / 40
    assert (fields["tags"]["types"], fields["http"]["types"]) == (["array"], ["object"])


def test_facets_are_of_what_a_query_matches(server: Cordwood) -> None:
    told = server.json("/api/v1/facets?limit=2&query=" + quote("level:error"))
    assert told["events"] == 8
    facets = {facet["name"]: facet for facet in told["facets"]}
    assert facets["service"]["values"] == [{"value": "pay", "count": 4}, {"value": "web", "count": 4}]
    assert facets["http.status"]["values"] == [{"value": 500, "count": 8}]
    assert (facets["n"]["unique"], facets["n"]["distinct"], facets["n"]["values"]) == (True, 8, [])
    assert "tags" not in facets


def test_what_was_sent_is_no_facet_beside_a_derived_value_that_says_the_same(server: Cordwood) -> None:
    names = {facet["name"] for facet in server.json("/api/v1/facets")["facets"]}
    assert {"level", "service", "message"} <= names
    assert not {".level", ".service", ".message"} & names


def test_it_is_one_where_it_says_something_else() -> None:
    sent = FieldCount(".level", ("str",), 2, 2, (("WARN", 1), ("warn", 1)))
    census = Census(2, 2, [FieldCount("level", ("str",), 2, 1, (("warn", 2),)), sent, replace(sent, name=".a")])
    facets = facets_of(census)["facets"]
    assert isinstance(facets, list)
    assert {facet["name"] for facet in facets} == {"level", ".level", ".a"}


def test_values_of_a_field_are_completed(server: Cordwood) -> None:
    told = server.json("/api/v1/fields/message/values?prefix=event+1&limit=3&start=2026-01-01T00:00:05Z")
    assert [each["value"] for each in told["values"]] == ["event 10", "event 11", "event 12"]
    assert (told["distinct"], told["having"]) == (10, 30)
    assert server.json("/api/v1/fields/a/b/values")["values"] == [{"value": HOSTILE, "count": 1}]
    assert server.json("/api/v1/fields/a%2Fb/values")["values"] == [{"value": HOSTILE, "count": 1}]
    assert server.json("/api/v1/fields/nothing/values")["values"] == []
    assert server.json("/api/v1/fields/%0A/values")["values"] == []


def test_what_is_known_is_kept_until_something_is_written(server: Cordwood) -> None:
    asked = "/api/v1/facets?limit=3&filter=service:later"
    assert [server.json(asked)["cached"] for _ in range(2)] == [False, True]
    assert server.post("/api/v1/ingest?wait=stored", b'{"service":"later","time":"2025-01-01"}')[0] == 202
    told = server.json(asked)
    assert (told["cached"], told["events"]) == (False, 1)


def context(server: Cordwood, number: int, further: str = "") -> Any:
    (event,) = server.json(f"/api/v1/query?filter=n:{number}")["events"]
    return server.json(f"/api/v1/context?id={event['id']}{further}")


def numbers(events: list[Any]) -> list[int]:
    return [event["data"]["n"] for event in events]


def test_context_is_in_the_events_service_in_order(server: Cordwood) -> None:
    told = context(server, 20, "&before=3&after=2")
    assert (told["by"], told["value"], told["event"]["data"]["n"]) == ("service", "web", 20)
    assert (numbers(told["before"]), numbers(told["after"])) == ([14, 16, 18], [22, 24])
    assert (told["more_before"], told["more_after"]) == (True, True)
    told = context(server, 38)
    assert (numbers(told["after"]), told["more_after"]) == ([], False)


@pytest.mark.parametrize(
    ("by", "before", "after"),
    [("host", [16, 19], [25, 28]), ("all", [20, 21], [23, 24]), ("http.status", [19, 21], [23, 24])],
)
def test_context_by_another_field(server: Cordwood, by: str, before: list[int], after: list[int]) -> None:
    told = context(server, 22, f"&before=2&after=2&by={by}")
    assert (numbers(told["before"]), numbers(told["after"])) == (before, after)


def test_context_of_an_event_without_the_field_is_of_those_without_it(server: Cordwood) -> None:
    told = context(server, 9, "&by=host")
    assert told["value"] is None
    assert all("host" not in event["data"] for event in [*told["before"], *told["after"]])
    told = context(server, 30, "&by=a/b&before=1&after=1")
    assert (numbers(told["before"]), numbers(told["after"])) == ([29], [31])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("facets?limit=0", "'limit' is no number from 1 to 100"),
        ("facets?limit=101", "'limit' is no number from 1 to 100"),
        ("fields?limit=3", "unknown parameter 'limit'"),
        ("fields?query=a:(", "the query ends too early"),
        ("fields/timestamp/values", "are not counted"),
        ("fields/n/values?prefix=" + "x" * 1001, "'prefix' has 1,001 characters"),
        ("context", "'id' is missing"),
        ("context?id=x", "is no event id"),
        ("context?id=00000000-0000-7000-8000-000000000001&after=1001", "'after' is no number from 0 to 1,000"),
    ],
)
def test_what_is_wrong_is_told(server: Cordwood, path: str, said: str) -> None:
    status, body = server.get(f"/api/v1/{path}")
    assert status == 400
    assert said in json.loads(body)["detail"]


def test_context_of_what_is_not_there_or_has_no_value(server: Cordwood) -> None:
    assert server.get("/api/v1/context?id=00000000-0000-7000-8000-000000000001")[0] == 404
    (event,) = server.json("/api/v1/query?filter=n:8")["events"]
    for by, said in (("tags", "array or object"), ("timestamp", "no two events")):
        status, body = server.get(f"/api/v1/context?id={event['id']}&by={by}")
        assert status == 400
        assert said in json.loads(body)["detail"]


def run(command: str, server: Cordwood, *arguments: str) -> Result:
    return CliRunner().invoke(app_of([command]), [command, "--url", server.url, *arguments], env={"COLUMNS": "60"})


def test_fields_are_printed_with_bars_that_fit(server: Cordwood) -> None:
    result = run("fields", server, "--start", "2026-01-01")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "████████████████████ 100.0 %  int          200" in lines["http.status"]
    assert all(line.isprintable() and len(line) <= 60 for line in result.stdout.splitlines())
    assert json.loads(run("fields", server, "--json").stdout)["exact"] is True


def test_facets_are_printed_with_bars_that_fit(server: Cordwood) -> None:
    result = run("facets", server, "level:error")
    assert result.exit_code == 0, result.output
    assert "service  (str, 8 events, 2 values)" in result.stdout
    assert "  pay           ████████████████████ 4" in result.stdout
    assert "hardly one twice" in result.stdout
    assert all(line.isprintable() and len(line) <= 60 for line in run("facets", server).stdout.splitlines())
    assert len(json.loads(run("facets", server, "--json", "level:error").stdout)["facets"]) > 5
    assert run("facets", server, "level:(").exit_code == 2


def test_context_is_printed_with_the_event_marked(server: Cordwood) -> None:
    (event,) = server.json("/api/v1/query?filter=n:20")["events"]
    lines = run("context", server, event["id"], "-B", "1", "-A", "1").stdout.splitlines()
    assert [line[:2] for line in lines] == ["  ", "> ", "  "]
    assert "event 20" in lines[1]
    shown = run("context", server, event["id"], "--json", "-B", "0", "-A", "1").stdout.splitlines()
    assert numbers([json.loads(line) for line in shown]) == [20, 22]
    assert run("context", server, "x").exit_code == 2
