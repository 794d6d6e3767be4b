"""`query/check`, `query/complete` and `query/refine`, asked over HTTP, of both stores."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.fixtures import database
from tests.support.processes import Cordwood

KEY, OTHER_KEY = "e" * 20, "o" * 20
EVENTS = [
    {
        "time": f"2026-01-01T00:00:{number:02}Z",
        "level": "error" if number % 5 == 0 else "info",
        "service": "pay web" if number % 2 else "é\U0001f600",
        "http": {"status": 500 if number % 5 == 0 else 200},
    }
    for number in range(40)
]


@pytest.fixture(scope="module", params=["embedded", "services"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    urls = request.getfixturevalue("postgres_rows_url") if request.param == "services" else {}
    keys = {"tenancy_api_keys": f"default:{KEY},other:{OTHER_KEY}"}
    with Cordwood("up", tmp_path_factory.mktemp("line") / "data", **urls, **keys) as running:
        body = "\n".join(map(json.dumps, EVENTS)).encode()
        assert running.post("/api/v1/ingest?wait=stored", body, authorization=f"Bearer {KEY}")[0] == 202
        yield running


@pytest.fixture(scope="module")
def postgres_rows_url(postgres: str) -> Iterator[dict[str, str]]:
    with database(postgres) as url:
        yield {"store_url": url}


def ask(server: Cordwood, path: str, **given: str | int) -> tuple[int, Any]:
    return ask_with(KEY, server, path, given)


def ask_with(key: str, server: Cordwood, path: str, given: Mapping[str, str | int]) -> tuple[int, Any]:
    status, body = server.get(f"/api/v1/query{path}?{urlencode(given)}", authorization=f"Bearer {key}")
    return status, json.loads(body)


def refine(server: Cordwood, asked: object, key: str = KEY, kind: str = "application/json") -> tuple[int, Any]:
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": kind}
    status, answer = server.ask("POST", "/api/v1/query/refine", body, **headers)
    return status, json.loads(answer)


def test_a_query_is_checked_without_being_asked(server: Cordwood) -> None:
    text = "level:err  (é OR .x:1) \n | timechart span=5m count() as n by level | sort n"
    assert ask(server, "/check", query=text) == (
        200,
        {
            "kind": "series",
            "query_end": text.index("|"),
            "filter": "level:error (\"é\" OR .x:1)",
            "pipes": ["timechart span=5m count() as n by level", "sort n"],
            "fields": ["level", ".x"],
            "columns": ["timestamp", "level", "n"],
            "by": ["level"],
            "time_column": "timestamp",
            "values": ["n"],
        },
    )  # fmt: skip
    status, empty = ask(server, "/check")
    assert (status, empty["kind"], empty["query_end"], empty["filter"], empty["columns"]) == (
        200,
        "events",
        0,
        "",
        None,
    )


@pytest.mark.parametrize(
    "query",
    [
        "level:error", "| eval x = n", "| fields level, http.status", "| stats count() as n, avg(http.status) by level",
        "| stats count() by time(10s), level", "| top 3 service by level", "| patterns http.status | fields - *_*",
        "| timechart count() by level | fields - level", "| timechart count() as n | rename n as m | eval k = m / 2",
        "| stats count() as n by level | rename level as l | sort n | limit 1",
    ],
)  # fmt: skip
def test_columns_are_told_as_the_answer_has_them(server: Cordwood, query: str) -> None:
    _, told = ask(server, "/check", query=query)
    _, answer = ask(server, "", query=query, start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z")
    assert answer.get("columns", None) == told["columns"]
    assert ("events" in answer) is (told["kind"] == "events")


def test_a_query_that_cannot_be_read_is_told_with_its_place(server: Cordwood) -> None:
    for path in ("/check", ""):
        status, told = ask(server, path, query="é | stat count()")
        assert (status, told["type"]) == (400, "urn:cordwood:problem:bad_query")
        assert (told["position"], told["length"], told["suggestion"]) == (4, 4, "stats")


def test_fields_and_values_are_offered_in_characters_of_the_text(server: Cordwood) -> None:
    text = "\U0001f600 serv | top service"
    status, told = ask(server, "/complete", query=text, cursor=6)
    assert (status, told["from"], told["to"]) == (200, 2, 6)
    assert told["options"][0] == {"text": "service:", "label": "service", "kind": "field", "detail": "str · 100 %"}
    _, told = ask(server, "/complete", query="service:", start="2026-01-01T00:00:00Z")
    assert {each["text"] for each in told["options"]} == {'"pay web"', '"é\U0001f600"'}
    assert {each["kind"] for each in told["options"]} == {"value"}
    _, told = ask(server, "/complete", query="service:", end="2025-01-01T00:00:00Z")
    assert told["options"] == []
    _, told = ask(server, "/complete", query="", limit=3)
    assert len(told["options"]) == 3


def test_an_unfinished_query_is_no_error(server: Cordwood) -> None:
    for text in ("", "(", '"', "level:", "| ", "| stats", "| stats count(", "| frob ", "a:[1 TO", "/", "\\", "-"):
        status, told = ask(server, "/complete", query=text)
        assert status == 200, told
        assert 0 <= told["from"] <= told["to"] <= len(text)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"query": "ab", "cursor": 3}, "'cursor' is no number from 0 to 2"),
        ({"query": "ab", "cursor": "x"}, "'cursor' is no number"),
        ({"limit": 101}, "'limit' is no number from 1 to 100"),
        ({"limit": 0}, "'limit' is no number"),
        ({"start": "noon"}, "'start' is no time"),
        ({"start": "now", "end": "-1h"}, "'start' is not before 'end'"),
        ({"cursr": 1}, "unknown parameter 'cursr'"),
    ],
)
def test_a_wrong_parameter_is_named(server: Cordwood, given: dict[str, str | int], says: str) -> None:
    status, told = ask_with(KEY, server, "/complete", given)
    assert status == 400
    assert says in told["detail"]


def test_what_a_click_refines_finds_just_those_events(server: Cordwood) -> None:
    query = "level:info OR level:error | stats count() as n"
    for value, how, count in (("pay web", "include", 20), ("pay web", "exclude", 20), ("é\U0001f600", "only", 20)):
        status, told = refine(server, {"query": query, "field": "service", "value": value, "how": how})
        assert status == 200, told
        _, answer = ask(server, "", query=told["query"])
        assert answer["rows"] == [{"n": count}]
        query = told["query"] if how != "exclude" else query


def test_findings_of_explain_are_clauses(server: Cordwood) -> None:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    _, body = server.ask("POST", "/api/v1/explain", b'{"query":"level:error"}', **headers)
    findings = json.loads(body)["findings"]
    assert findings
    for finding in findings:
        status, told = refine(server, {"query": "a OR b", "clause": finding["query"], "how": "exclude"})
        assert (status, told["query"]) == (200, f"(a OR b) -{finding['query']}")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"query": "x", "field": "a", "how": "include"}, "x a:*"),
        ({"query": "x", "field": "a", "how": "exclude"}, "x -a:*"),
        ({"query": "x", "field": "a", "value": None, "how": "include"}, "x -a:*"),
        ({"query": "x", "field": "a", "value": None, "how": "exclude"}, "x a:*"),
        ({"query": "x", "field": "a", "value": True, "how": "include"}, 'x a:"true"'),
        ({"query": "x", "field": "a", "value": -1.5, "how": "include"}, 'x a:"-1.5"'),
        ({"query": "x", "field": "a", "value": 10**30, "how": "include"}, f"x a:{10**30}"),
        ({"query": "x", "field": "a b", "value": "\n|", "how": "only"}, '"a b":"\\n|"'),
        ({"query": "x -a:1 | top b", "clause": "a:1", "how": "include"}, "x a:1 | top b"),
    ],
)
def test_what_is_refined(server: Cordwood, asked: dict[str, object], found: str) -> None:
    assert refine(server, asked) == (200, {"query": found})


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"query": "x", "how": "include"}, 400, "either a 'field' or a 'clause'"),
        ({"query": "x", "field": "a", "clause": "b", "how": "include"}, 400, "either a 'field' or a 'clause'"),
        ({"query": "x", "clause": "b", "value": 1, "how": "include"}, 400, "either a 'field' or a 'clause'"),
        ({"query": "x", "field": "", "how": "include"}, 400, "a field's name is empty"),
        ({"query": "x", "field": "level", "value": "loud", "how": "include"}, 400, 'unknown level "loud"'),
        ({"query": "x", "field": "a", "value": [1], "how": "include"}, 400, "$.value"),
        ({"query": "x", "field": "a", "value": "y" * 65_536, "how": "include"}, 400, "at most 65,536"),
        ({"query": "x", "clause": "b | top c", "how": "include"}, 400, "this is no clause"),
        ({"query": "x", "field": "a", "how": "perhaps"}, 400, "$.how"),
        ({"query": "x", "field": "a", "how": "include", "more": 1}, 400, "more"),
        (b'{"query":"x","field":"\\ud800","how":"include"}', 400, "surrogate"),
        ({"query": "x | stat", "field": "a", "how": "include"}, 400, 'unknown pipe "stat"'),
    ],
)
def test_what_cannot_be_refined_is_told(server: Cordwood, asked: object, status: int, says: str) -> None:
    answered, told = refine(server, asked)
    assert answered == status
    assert says in told["detail"]


def test_a_page_of_another_origin_cannot_ask_unseen(server: Cordwood) -> None:
    assert refine(server, {"query": "", "field": "a", "how": "only"}, kind="text/plain")[0] == 415


def test_a_key_is_needed_and_opens_its_own_tenant_alone(server: Cordwood) -> None:
    for path in ("/check", "/complete"):
        assert ask_with("x" * 20, server, path, {})[0] == 401
    assert refine(server, {"query": "", "field": "a", "how": "only"}, key="x" * 20)[0] == 401
    _, told = ask_with(OTHER_KEY, server, "/complete", {"query": "service:"})
    assert told["options"] == []
