"""SIGTERM: accepted requests are answered, nothing half-written stays, and a rolling restart fails no request."""

import http.client
import json
import random
import signal
from pathlib import Path

import pytest

from tests.chaos.load import Load
from tests.chaos.reconcile import reconcile
from tests.chaos.setups import services
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


@pytest.mark.timeout(180)
def test_a_rolling_restart_fails_no_request(tmp_path: Path) -> None:
    with services(tmp_path, random.Random(7)) as setup:
        with Load(setup.api_urls, setup.rng) as load:
            for name in ("api", "worker", "query", "api2", "worker2", "api"):
                seen = load.events
                wait_until(lambda: load.events > seen + 1000, 30, "the load to go on")  # noqa: B023  # run at once
                assert setup.end(name) == 0, setup.processes[name].log()[-2000:]
                setup.restart(name)
                setup.wait_ready(name)
        assert load.broken == 0, "no request was cut off"
        assert load.surprises == []
        reconciled = reconcile(setup, load)
        assert reconciled.is_exact, reconciled
        assert reconciled.unverified == 0, "every producer said that it had ended"


def test_a_request_under_way_is_answered_and_later_ones_are_sent_elsewhere(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data", http_drain_s="1") as up:
        slow = http.client.HTTPConnection("127.0.0.1", up.port, timeout=20)
        slow.putrequest("POST", "/log")
        slow.putheader("Content-Length", "9")
        slow.endheaders(b'{"n"')
        idle = http.client.HTTPConnection("127.0.0.1", up.port, timeout=20)
        idle.request("GET", "/health")
        idle.getresponse().read()
        assert up.process is not None
        up.process.send_signal(signal.SIGTERM)
        wait_until(lambda: up.get("/ready")[0] == 503, 5, "readiness to end")
        idle.request("POST", "/log", b'{"n":1}')
        answer = idle.getresponse()
        assert (answer.status, answer.getheader("connection")) == (202, "close")
        assert up.get("/api/v1/query")[0] == 200
        wait_until(lambda: up.get("/api/v1/query")[0] == 503, 5, "new requests to be sent elsewhere")
        slow.send(b":12}\n")
        answered = slow.getresponse()
        assert (answered.status, json.loads(answered.read())["accepted"]) == (202, 1)
        slow.close()
        idle.close()
        assert up.process.wait(20) == 0
        up.start()
        wait_until(lambda: up.count() == 2, 10)
