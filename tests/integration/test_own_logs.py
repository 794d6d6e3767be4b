"""A Cordwood that keeps its own logs: what it says is found by a query, and its errors do not feed themselves."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.metering import shown
from tests.support.processes import Cordwood
from tests.support.threaded_proxy import ThreadedProxy
from tests.support.waiting import wait_until

JSON = {"content-type": "application/json"}


def found(process: Cordwood, query: str) -> list[dict[str, object]]:
    return [event["data"] for event in process.json(f"/api/v1/query?query={query}")["events"]]


def test_a_line_of_its_own_is_found_by_a_query(tmp_path: Path) -> None:
    key = "k" * 20
    keys = {"tenancy_api_keys": f"acme:{key},cordwood:{key[::-1]}o", "log_api_key": f"{key[::-1]}o"}
    up = Cordwood("up", tmp_path / "data", log_to="self", **keys)
    with up:
        mine = {"authorization": f"Bearer {key[::-1]}o"}
        assert (
            up.ask("POST", "/api/v1/keys", b'{"name":"n","scopes":["ingest"],"expires":null}', **mine, **JSON)[0] == 200
        )

        def told() -> list[dict[str, object]]:
            answer = up.json("/api/v1/query?query=service:cordwood%20key_made", **mine)
            return [event["data"] for event in answer["events"]]

        wait_until(told, 15, f"the line to be found: {up.log()}")
        assert told()[0]["process"] == "up"
        assert up.json("/api/v1/query/count", authorization=f"Bearer {key}")["count"] == 0, "another tenant sees none"
        assert b"key_made" in up.log().encode(), "and it stands where it stood before"
        assert up.stop() == 0


def test_errors_of_its_own_do_not_feed_themselves(tmp_path: Path, service_urls: dict[str, str]) -> None:
    """The broker is away while lines wait: no try to send them succeeds, and there are lines about that."""
    with ThreadedProxy(service_urls["broker_url"]) as proxy, ExitStack() as stack:
        assert Cordwood("migrate", tmp_path / "data", **service_urls).run().returncode == 0
        through = {**service_urls, "broker_url": proxy.url, "broker_confirm_timeout_s": "0.3", "log_level": "debug"}
        api = stack.enter_context(Cordwood("api", tmp_path / "data", **through, log_to="self"))
        query = stack.enter_context(Cordwood("query", tmp_path / "data", **service_urls, log_to=api.url))
        stack.enter_context(Cordwood("worker", tmp_path / "data", **service_urls, log_to=api.url))
        wait_until(lambda: found(query, "service:cordwood%20process:worker"), 20, "a line of another process")
        with proxy.away():
            assert api.post("/log", b'{"n":1}')[0] == 503
            wait_until(lambda: "own_logs_not_taken" in api.log(), 20, f"it to be told: {api.log()}")
            began, lines, asked = time.monotonic(), api.log().count("\n"), requests(api)
            wait_until(lambda: requests(api) - asked >= 3, 40, "it to be tried again")
            took_s = time.monotonic() - began
            assert requests(api) - asked <= 3 * took_s + 3, "one a second and process at the most, and fewer later on"
            assert api.log().count("\n") - lines <= 10 * (requests(api) - asked)
        wait_until(lambda: found(query, "service:cordwood%20broker_away"), 60, f"what it said: {api.log()}")
        assert api.log().count("own_logs_not_taken") == 1
        assert found(query, "own_logs_not_taken%20process:api") == []


def requests(api: Cordwood) -> float:
    return shown(api, "cordwood_http_requests_total", route="/api/v1/ingest")


def test_a_full_queue_of_its_own_counts_and_stops_in_time(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data", log_to="http://127.0.0.1:9") as up:
        wait_until(lambda: "own_logs_not_taken" in up.log(), 10, "it to be told")
        assert up.post("/log?wait=stored", b'{"n":1}')[0] == 202
        assert up.count() == 1
        began = time.monotonic()
        assert up.stop() == 0
        assert time.monotonic() - began < 10
        said = [json.loads(each)["event"] for each in up.log().splitlines() if each.startswith("{")]
        assert said.count("own_logs_not_taken") == 1


@pytest.mark.parametrize("command", ["worker", "query"])
def test_who_takes_no_logs_has_to_be_told_where_to_send(tmp_path: Path, command: str) -> None:
    refused = Cordwood(command, tmp_path / "data", log_to="self").run()
    assert refused.returncode == 2
    assert "CORDWOOD_LOG_TO" in refused.stderr
