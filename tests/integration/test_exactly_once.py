"""A worker killed between the commit and the ack changes nothing, with every broker over every store."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

EVENTS = 500


@pytest.mark.parametrize("store", ["segments", "postgres", "both"])
@pytest.mark.parametrize("broker", ["sqlite", "rabbitmq"])
def test_a_worker_killed_between_write_and_ack_stores_once(
    broker: str, store: str, tmp_path: Path, queue_name: str, request: pytest.FixtureRequest
) -> None:
    data = tmp_path / "data"
    urls = {"broker_queue": queue_name}
    if broker == "rabbitmq":
        urls["broker_url"] = request.getfixturevalue("amqp_url")
    if store != "segments":
        urls |= {"store_url": request.getfixturevalue("postgres_url"), "store_keep": "rows"}
    if store == "both":
        urls["store_keep"] = "both"
    assert Cordwood("migrate", data, **urls).run().returncode == 0
    with ExitStack() as stack:
        api = stack.enter_context(Cordwood("api", data, **urls))
        for part in range(5):
            body = b"\n".join(b'{"n":%d}' % n for n in range(part * 100, part * 100 + 100))
            assert api.post("/api/v1/ingest", body)[0] == 202
        for _ in range(2):
            dead = subprocess.run(
                [sys.executable, "-m", "tests.support.dying_worker"],
                env={**os.environ, **api.environment},
                timeout=60,
                capture_output=True,
                check=False,
            )
            assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
        query = stack.enter_context(Cordwood("query", data, **urls))
        stored = query.count()
        assert stored > 0, "the dying worker committed"
        worker = stack.enter_context(Cordwood("worker", data, **urls))
        wait_until(lambda: query.count() == EVENTS, 30, "every event to be stored")
        wait_until(lambda: b"cordwood_store_duplicate_batches_total 0.0" not in worker.get("/metrics")[1], 10)
        wait_until(lambda: b"cordwood_broker_backlog_batches 0.0" in worker.get("/metrics")[1], 30, "an empty queue")
        assert sorted(event["data"]["n"] for event in query.events()) == list(range(EVENTS))
        counted = query.json("/api/v1/histogram?span=1h")
        assert (counted["total"], counted["rolled_up"]) == (EVENTS, EVENTS)
        assert json.loads(query.get("/ready")[1])["status"] == "ready"
