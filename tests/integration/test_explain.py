"""`POST /api/v1/explain` and `cordwood explain`, asked over HTTP and in the terminal, of both stores."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cordwood.cli.app import app_of
from tests.support.fixtures import database
from tests.support.processes import Cordwood

KEY, OTHER_KEY = "e" * 20, "o" * 20
HOSTILE = "\x1b[2J\u202e"
SELECTION = {"start": "2026-01-01T00:10:00Z", "end": "2026-01-01T00:20:00Z"}


def event(minute: int, number: int) -> dict[str, Any]:
    is_failing = minute >= 10 and number % 4 > 0
    return {
        "time": f"2026-01-01T00:{minute:02}:{number:02}Z",
        "level": "error" if is_failing else "info",
        "host": HOSTILE if is_failing else f"h{number % 3}",
        "message": f"cannot reach 10.0.0.{number}" if is_failing else f"served {number}",
    }


@pytest.fixture(scope="module", params=["embedded", "services"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    urls = request.getfixturevalue("postgres_rows_url") if request.param == "services" else {}
    keys = {"tenancy_api_keys": f"default:{KEY},other:{OTHER_KEY}"}
    with Cordwood("up", tmp_path_factory.mktemp("explain") / "data", **urls, **keys) as running:
        body = "\n".join(json.dumps(event(minute, number)) for minute in range(20) for number in range(20))
        sent = running.post("/api/v1/ingest?wait=stored", body.encode(), authorization=f"Bearer {KEY}")
        assert sent[0] == 202, sent
        yield running


@pytest.fixture(scope="module")
def postgres_rows_url(postgres: str) -> Iterator[dict[str, str]]:
    with database(postgres) as url:
        yield {"store_url": url}


def ask(server: Cordwood, asked: object, key: str = KEY, kind: str = "application/json") -> tuple[int, Any]:
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": kind}
    status, answer = server.ask("POST", "/api/v1/explain", body, **headers)
    return status, json.loads(answer)


def test_a_window_is_compared_with_the_one_before(server: Cordwood) -> None:
    status, told = ask(server, SELECTION)
    assert status == 200, told
    assert told["selection"] == {
        "start": "2026-01-01T00:10:00.000000Z", "end": "2026-01-01T00:20:00.000000Z",
        "events": 200, "examined": 200, "exact": True,
    }  # fmt: skip
    assert (told["baseline"]["start"], told["baseline"]["events"]) == ("2026-01-01T00:00:00.000000Z", 200)
    assert told["complete"] is True
    first = told["findings"][0]
    assert {first["field"], *(each["field"] for each in first["alike"])} == {"level", ".level", "host"}
    assert (first["change"], first["selection"], first["baseline"], first["exact"]) == ("new", 0.75, 0, True)
    assert (first["selection_events"], first["baseline_events"]) == (150, 0)
    pattern = told["patterns"][0]
    assert (pattern["change"], pattern["selection_events"], pattern["baseline_events"]) == ("new", 150, 0)
    assert pattern["example"]["message"].startswith("cannot reach 10.0.0.")
    assert told["left_out"]["times"] == ["time"]


def test_the_same_question_is_answered_from_the_cache_until_something_is_written(server: Cordwood) -> None:
    asked = {**SELECTION, "query": "level:info", "baseline": {"start": "2025-12-31T00:00:00Z"}, "limit": 3}
    assert [ask(server, asked)[1]["cached"] for _ in range(2)] == [False, True]
    # A write that only the baseline sees.
    late = b'{"time":"2025-12-31T00:00:30Z","level":"info","host":"h1","message":"served 1"}'
    assert server.post("/api/v1/ingest?wait=stored", late, authorization=f"Bearer {KEY}")[0] == 202
    told = ask(server, asked)[1]
    assert (told["cached"], told["baseline"]["events"]) == (False, 1)


def test_another_question_about_the_same_events_has_its_own_answer(server: Cordwood) -> None:
    whole = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:20:00Z"}
    asked = [
        {**whole, "query": "level:error", "baseline": {"query": "level:info"}},
        {**whole, "query": "level:info", "baseline": {"query": "level:error"}},
        {**whole, "query": "level:info", "baseline": {"query": "level:error"}, "limit": 1},
    ]
    for _ in range(2):
        told = [ask(server, each)[1] for each in asked]
        assert [each["selection"]["events"] for each in told] == [150, 250, 250]
        assert [len(each["findings"]) == 1 for each in told] == [False, False, True]


def test_another_tenant_sees_nothing_of_it(server: Cordwood) -> None:
    ask(server, SELECTION)
    status, told = ask(server, SELECTION, OTHER_KEY)
    assert (status, told["selection"]["events"], told["findings"], told["patterns"]) == (200, 0, [], [])
    assert ask(server, SELECTION, "x" * 20)[0] == 401


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "there is nothing to compare"),
        ({"end": "2026-01-01"}, "there is nothing to compare"),
        ({"baseline": {}}, "there is nothing to compare"),
        ({"start": "2026-01-02", "end": "2026-01-01"}, "'start' is not before 'end'"),
        ({"start": "2999-01-01"}, "'start' is not before 'end'"),
        ({"start": "soon"}, "'start' is no time"),
        ({"start": "-1h", "baseline": {"start": "soon"}}, "'baseline.start' is no time"),
        ({"start": "-1h", "baseline": {"start": "-2h", "end": "-3h"}}, "'baseline.start' is not before"),
        ({"query": "a", "baseline": {"query": "a"}}, "the baseline is the selection itself"),
        ({"query": "level:"}, "a value is missing"),
        ({"query": "a | stats count()"}, "pipe"),
        ({"query": "a", "baseline": {"query": "("}}, ""),
        ({"query": "a", "limit": 51}, "$.limit"),
        ({"query": "a", "limit": 0}, "$.limit"),
        ({"query": "a", "more": 1}, "more"),
        ({"query": ["a"]}, "$.query"),
        ([], "object"),
        (b"{", "the body is not what this takes"),
        (b"\xff", "the body is not what this takes"),
        (b"[" * 100_000, "the body is not what this takes"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_named(server: Cordwood, asked: object, said: str) -> None:
    status, problem = ask(server, asked)
    assert status == 400, problem
    assert said in problem["detail"]


def test_another_type_of_body_and_the_beginning_of_time_are_understood(server: Cordwood) -> None:
    assert ask(server, SELECTION, kind="text/plain")[0] == 415
    status, told = ask(server, {"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T00:00:01Z"})
    assert (status, "baseline" in told["detail"]) == (400, True)
    status, told = ask(server, {"start": "0001-01-01T00:00:00Z", "query": "level:error", "baseline": {"query": ""}})
    assert (status, told["selection"]["events"], told["baseline"]["events"] >= 400) == (200, 150, True)


def run(server: Cordwood, *arguments: str) -> Result:
    given = ["explain", "--url", server.url, "--api-key", KEY, *arguments]
    return CliRunner().invoke(app_of(["explain"]), given, env={"COLUMNS": "90"})


def test_findings_are_printed_as_a_table(server: Cordwood) -> None:
    result = run(server, "--start", SELECTION["start"], "--end", SELECTION["end"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("selection  200 events")
    assert any(line.startswith("new") and "75.00 %" in line and "level = error" in line for line in lines), lines
    assert any("cannot reach <" in line for line in lines)
    assert "\x1b" not in result.stdout
    assert all(len(line) <= 90 for line in lines)


def test_findings_are_printed_as_json_too(server: Cordwood) -> None:
    compared = ["--baseline-query", "level:info", "--baseline-start", "2026-01-01", "--baseline-end", "2026-01-02"]
    result = run(server, "level:error", "--json", "--limit", "2", *compared)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["selection"]["events"] == 150
    assert told["findings"][0]["value"] == HOSTILE


def test_the_terminal_says_what_is_wrong(server: Cordwood) -> None:
    for arguments in (["level:"], [], ["a", "--baseline-query", "("]):
        result = run(server, *arguments)
        assert result.exit_code == 2, result.output
    result = run(server, "service:nothing")
    assert (result.exit_code, "nothing to compare" in result.stderr) == (0, True)


def test_what_is_damaged_is_left_out_and_told(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up:
        for minutes in (range(10), range(10, 20)):
            body = "\n".join(json.dumps(event(minute, number)) for minute in minutes for number in range(20))
            assert up.post("/api/v1/ingest?wait=stored", body.encode())[0] == 202
        newest = max((tmp_path / "data").rglob("*.parquet"), key=os.path.getmtime)
        newest.write_bytes(b"damaged")
        status, answer = up.ask(
            "POST", "/api/v1/explain", json.dumps(SELECTION).encode(), **{"content-type": "application/json"}
        )
        told = json.loads(answer)
        assert status == 200, told
        assert (told["complete"], len(told["damaged"]), told["findings"]) == (False, 1, [])
