"""PostgreSQL, RabbitMQ, Redis stopped, killed and started under load: nothing lost or doubled, nobody stuck."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fixtures import database
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ, Redis, Server
from tests.support.waiting import wait_until

SETTLED_S = 2.5
"""A quorum queue killed sooner after its declaration does not recover on RabbitMQ 3.10."""


class Sender:
    """Sends numbered events until told to stop; remembers those that were acknowledged, and who said no."""

    def __init__(self, api: Cordwood) -> None:
        self._api = api
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]
        self.acknowledged: set[int] = set()
        self.uncertain: set[int] = set()
        self.refusals: set[int] = set()

    def __enter__(self) -> "Sender":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._stop.is_set():
            number = next(self._numbers)
            status, _ = self._api.post("/log", b'{"n":%d}' % number)
            if status == 202:
                self.acknowledged.add(number)
            else:
                self.refusals.add(status)
                self.uncertain.add(number)

    def wait_for_more(self, count: int = 50) -> None:
        target = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= target, 30, "acknowledgements to go on")


@pytest.fixture
def victims(victim_postgres: Postgres, victim_rabbitmq: RabbitMQ, victim_redis: Redis) -> dict[str, Server]:
    return {"postgres": victim_postgres, "rabbitmq": victim_rabbitmq, "redis": victim_redis}


@pytest.fixture
def services(victims: dict[str, Server], queue_name: str, tmp_path: Path) -> Iterator[dict[str, Cordwood]]:
    data = tmp_path / "data"
    with ExitStack() as stack:
        urls = {
            "broker_url": victims["rabbitmq"].url,
            "broker_queue": queue_name,
            "broker_confirm_timeout_s": "3",
            "store_url": stack.enter_context(database(victims["postgres"].url)),
            "cache_url": victims["redis"].url,
        }
        # Undone first, so that the database can be dropped whatever the test did.
        stack.callback(lambda: [server.start() for server in victims.values()])
        assert Cordwood("migrate", data, **urls).run().returncode == 0
        started = {name: Cordwood(name, data, **urls).start(wait=False) for name in ("api", "worker", "query")}
        for process in started.values():
            stack.push(process.__exit__)
            wait_until(process.is_ready, 20, "the services to be ready")
        yield started


def settle(services: dict[str, Cordwood], sender: Sender) -> None:
    """All acknowledged events are stored, none twice; beyond them only those whose outcome was unknown."""
    query = services["query"]
    wait_until(query.is_ready, 30, "the query service to be ready")
    wait_until(lambda: query.count() >= len(sender.acknowledged), 60, "every acknowledged event to be stored")
    stored = [event["data"]["n"] for event in query.events()]
    assert len(stored) == len(set(stored)), "nothing is doubled"
    assert sender.acknowledged <= set(stored), "nothing is lost"
    assert set(stored) - sender.acknowledged <= sender.uncertain, "nothing came from nowhere"


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("part", ["postgres", "rabbitmq", "redis"])
def test_an_outage_under_load(part: str, how: str, services: dict[str, Cordwood], victims: dict[str, Server]) -> None:
    victim = victims[part]
    since = time.monotonic()
    with Sender(services["api"]) as sender:
        sender.wait_for_more()
        wait_until(lambda: time.monotonic() - since > SETTLED_S, 10)
        getattr(victim, how)()
        if part == "redis":
            answer = services["query"].json("/api/v1/query?limit=1")
            assert answer["cached"] is False, "slower, never an error"
            for _ in range(2):
                answer = services["query"].json("/api/v1/query?start=-1d&query=%7C+stats+count()")
                assert (answer["cached"], answer["slices"]["kept"]) == (False, 0), "and so are its parts"
            sender.wait_for_more()
        elif part == "postgres":
            sender.wait_for_more()  # the api does not need the store
            wait_until(lambda: not services["worker"].is_ready(), 10, "the worker to say that it is not ready")
            status, body = services["query"].get("/api/v1/query")
            assert (status, json.loads(body)["type"]) == (503, "urn:cordwood:problem:unavailable")
        else:
            wait_until(lambda: 503 in sender.refusals, 20, "the api to refuse")
            wait_until(lambda: not services["api"].is_ready(), 10, "the api to say that it is not ready")
            reasons = json.loads(services["api"].get("/ready")[1])["reasons"]
            assert "RabbitMQ" in reasons["broker"]
        victim.start()
        sender.wait_for_more()
    settle(services, sender)
    for process in services.values():
        wait_until(process.is_ready, 20, "every service to be ready again")
