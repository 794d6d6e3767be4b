"""Questions under way are listed, cancelled, and end when their client leaves."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.processes import Cordwood
from tests.support.servers import free_port
from tests.support.waiting import wait_until

EVENTS = 60_000
SLOW = "| stats " + ", ".join(f"count() if message:/(a|b){{{n}}}.*x{{1,9}}z$/ as c{n}" for n in range(1, 120))
"""Takes the engine half a minute."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path_factory.mktemp("running") / "data") as running:
        line = json.dumps({"message": "ab" * 200 + "xz"}).encode() + b"\n"
        status, _ = running.post("/log?wait=stored", line * EVENTS, **{"content-type": "application/x-ndjson"})
        assert status == 202
        yield running


@contextmanager
def asked(server: Cordwood, query: str, accept: str = "application/json") -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", f"/api/v1/query?query={quote(query)}", headers={"accept": accept})
        yield connection


def queries(server: Cordwood) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.json("/api/v1/queries")["queries"]
    return found


def await_one(server: Cordwood) -> dict[str, Any]:
    wait_until(lambda: len(queries(server)) == 1, 30, "the question to be listed")
    return queries(server)[0]


def test_a_question_is_listed_and_who_asked_is_told_that_it_was_cancelled(server: Cordwood) -> None:
    with asked(server, SLOW) as connection:
        listed = await_one(server)
        assert listed["asked"].startswith("/api/v1/query?query=")
        status, body = server.ask("DELETE", f"/api/v1/queries/{listed['id']}")
        assert (status, json.loads(body)["id"]) == (200, listed["id"])
        with connection.getresponse() as response:
            assert (response.status, json.loads(response.read())["type"]) == (409, "urn:cordwood:problem:cancelled")
    assert queries(server) == []


def test_a_client_that_leaves_ends_its_question(server: Cordwood) -> None:
    with asked(server, SLOW):
        await_one(server)
    wait_until(lambda: not queries(server), 10, "the question to end")


def test_sql_is_listed_and_ends_when_its_client_leaves(server: Cordwood) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        slow = (
            "select count(*) from range(100000) a, range(100000) b, range(100) c where a.range * b.range % 7 = c.range"
        )
        body = json.dumps({"sql": slow})
        connection.request("POST", "/api/v1/sql", body, {"content-type": "application/json"})
        assert await_one(server)["asked"] == "/api/v1/sql"
    wait_until(lambda: not queries(server), 10, "the question to end")


def test_a_stream_that_is_cancelled_breaks_off(server: Cordwood) -> None:
    with asked(server, "", "application/x-ndjson") as connection, connection.getresponse() as response:
        response.read(1 << 16)
        listed = await_one(server)
        server.ask("DELETE", f"/api/v1/queries/{listed['id']}")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
    assert queries(server) == []


def test_what_is_no_question_is_not_cancelled(server: Cordwood) -> None:
    status, _ = server.ask("DELETE", "/api/v1/queries/01a20a6b-c8c1-7b73-a9d5-ddce00000000")
    assert status == 404
    status, _ = server.ask("DELETE", "/api/v1/queries/x")
    assert status == 400


@pytest.fixture
def two(server: Cordwood, redis_url: str) -> Iterator[tuple[Cordwood, ...]]:
    """Query services over the same store, that meet in Redis."""
    data = Path(server.environment["CORDWOOD_DATA_DIR"])
    with (
        Cordwood("query", data, cache_url=redis_url) as one,
        Cordwood("query", data, cache_url=redis_url) as other,
    ):
        yield one, other


def test_a_question_is_listed_and_cancelled_at_another_process(two: tuple[Cordwood, ...]) -> None:
    one, other = two
    with asked(one, SLOW) as connection:
        listed = await_one(other)
        assert listed == await_one(one)
        status, body = other.ask("DELETE", f"/api/v1/queries/{listed['id']}")
        assert (status, json.loads(body)["id"]) == (200, listed["id"])
        with connection.getresponse() as response:
            assert (response.status, json.loads(response.read())["type"]) == (409, "urn:cordwood:problem:cancelled")
    assert queries(one) == []
    wait_until(lambda: not queries(other), 10, "the other process to hear that it ended")


def test_a_process_that_cannot_hear_others_says_so(server: Cordwood) -> None:
    data = Path(server.environment["CORDWOOD_DATA_DIR"])
    with Cordwood("query", data, cache_url=f"redis://127.0.0.1:{free_port()}") as query:
        assert query.json("/api/v1/queries") == {"queries": [], "complete": False}
        status, body = query.ask("DELETE", "/api/v1/queries/01a20a6b-c8c1-7b73-a9d5-ddce00000000")
        assert (status, json.loads(body)["detail"][:31]) == (503, "other query processes cannot be")
