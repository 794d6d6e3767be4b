"""The canary: finds its events while all is well, says so when they are lost, and is off unless asked for."""

import re
from contextlib import ExitStack
from pathlib import Path

import psycopg

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


def outcomes(process: Cordwood) -> dict[str, float]:
    metrics = process.get("/metrics")[1].decode()
    found = re.findall(r'cordwood_canary_events_total\{outcome="(\w+)"\} (\S+)', metrics)
    return {outcome: float(count) for outcome, count in found}


def test_it_finds_what_it_sends(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data", canary_interval_s="0.05") as up:
        wait_until(lambda: outcomes(up).get("found", 0) >= 3, 20, "canaries to be found")
        assert outcomes(up).get("lost", 0) == 0
        assert b"cordwood_canary_visible_seconds_count" in up.get("/metrics")[1]
        assert {event["service"] for event in up.events()} == {"cordwood-canary"}
        assert up.stop() == 0


def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up:
        assert outcomes(up) == {}
        assert up.count() == 0


def test_it_tells_of_loss_and_of_refusal(tmp_path: Path, amqp_url: str, queue_name: str, postgres_url: str) -> None:
    key = "k" * 20
    urls = {"broker_url": amqp_url, "broker_queue": queue_name, "store_url": postgres_url, "tenancy_api_keys": key}
    data = tmp_path / "data"
    assert Cordwood("migrate", data, **urls).run().returncode == 0
    with ExitStack() as stack:
        api, worker = (stack.enter_context(Cordwood(name, data, **urls)) for name in ("api", "worker"))
        with psycopg.connect(postgres_url) as connection:  # rows that are stored and vanish at once
            connection.execute("CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
            connection.execute("CREATE TRIGGER vanish BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION vanish()")
        canary = {"canary_interval_s": "0.05", "canary_timeout_s": "0.5", "canary_url": api.url, "canary_api_key": key}
        query = stack.enter_context(Cordwood("query", data, **urls, **canary))
        wait_until(lambda: outcomes(query).get("lost", 0) >= 1, 20, "a loss to be noticed")
        assert "canary_lost" in query.log()
        api.kill()
        wait_until(lambda: outcomes(query).get("refused", 0) >= 1, 30, "a refusal to be noticed")
        assert worker.is_ready()


def test_the_query_service_has_to_be_told_where_to_send(tmp_path: Path) -> None:
    refused = Cordwood("query", tmp_path / "data", canary_interval_s="1").run()
    assert refused.returncode == 2
    assert "CORDWOOD_CANARY_URL" in refused.stderr
