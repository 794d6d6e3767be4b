"""Dead letters for people: listed by reason, shown as they were sent, mended, replayed once, or given up."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cordwood.broker.settings import BrokerSettings
from cordwood.config import Config
from cordwood.model.batch import Batch
from cordwood.model.tenant import Tenant
from cordwood.wiring.parts import open_broker
from tests.support.builders import batch
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

SURROGATE = b'{"n":"\\ud800","at":7}'
JSON = {"Content-Type": "application/json"}
OTHER_KEY = "k" * 20
KEY = {"Authorization": "Bearer " + "d" * 20}


class Platform:
    """One server for people, and the queue behind it."""

    def __init__(self, server: Cordwood, broker: BrokerSettings, data: Path) -> None:
        self.server = server
        self._config = Config(broker=broker, data_dir=data)

    def poison(self, *batches: Batch) -> None:
        """Put batches into the queue that no ingest check has seen."""

        async def publish() -> None:
            async with open_broker(self._config) as broker:
                for each in batches:
                    await broker.publish(each)

        asyncio.run(publish())

    def letters(self, query: str = "", **headers: str) -> Any:
        status, body = self.server.get(f"/api/v1/dead-letters{query}", **(KEY | headers))
        assert status == 200, body
        return json.loads(body)

    def wait_for_letters(self, count: int) -> list[Any]:
        wait_until(lambda: sum(group["letters"] for group in self.letters()["groups"]) == count, 20, "dead letters")
        return list(self.letters()["letters"])

    def act(self, action: str, **asked: object) -> tuple[int, Any]:
        status, body = self.server.post(f"/api/v1/dead-letters/{action}", json.dumps(asked).encode(), **JSON, **KEY)
        return status, json.loads(body)

    def events(self) -> list[Any]:
        status, body = self.server.get("/api/v1/query", accept="application/x-ndjson", **KEY)
        assert status == 200
        return [json.loads(line) for line in body.splitlines()]

    def is_balanced(self) -> bool:
        status, body = self.server.get("/api/v1/ledger?count=true", **KEY)
        assert status == 200
        return bool(json.loads(body)["is_balanced"])

    def fate(self, receipt: str) -> Any:
        status, body = self.server.get(f"/api/v1/receipts/{receipt}", **KEY)
        assert status == 200
        return json.loads(body)


@pytest.fixture(params=["embedded", "services"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    data = tmp_path / "data"
    keys = {"tenancy_api_keys": f"default:{'d' * 20},other:{OTHER_KEY}"}
    if request.param == "embedded":
        with Cordwood("up", data, **keys) as up:
            yield Platform(up, BrokerSettings(), data)
        return
    broker = BrokerSettings(url=request.getfixturevalue("amqp_url"), queue=request.getfixturevalue("queue_name"))
    store = request.getfixturevalue("postgres_url")
    urls = {"broker_url": broker.url, "broker_queue": broker.queue, "store_url": store} | keys
    assert Cordwood("migrate", data, **urls).run().returncode == 0
    with ExitStack() as stack:
        query, _ = (stack.enter_context(Cordwood(name, data, **urls)) for name in ("query", "worker"))
        yield Platform(query, broker, data)


def test_a_letter_is_listed_shown_mended_and_stored_once(platform: Platform) -> None:
    poisoned = batch([{"n": 0}, SURROGATE, {"n": 2}, SURROGATE])
    platform.poison(poisoned)
    first, second = platform.wait_for_letters(2)
    (group,) = platform.letters()["groups"]
    assert (group["letters"], group["events"], group["protocol"]) == (2, 2, "json")
    assert first["id"] == f"{poisoned.header.id}~1"
    assert platform.letters("?limit=1")["next"] == first["id"]
    assert platform.letters(f"?limit=1&cursor={first['id']}")["letters"] == [second]
    shown = json.loads(platform.server.get(f"/api/v1/dead-letters/{first['id']}", **KEY)[1])
    assert shown["body"].encode() == SURROGATE
    fate = platform.fate(f"{poisoned.header.id}~0~4")
    assert (fate["stored"], fate["dead_lettered"]) == (2, 2)
    assert [letter["index"] for letter in fate["parts"][0]["dead_letters"]] == [1, 3]

    status, outcome = platform.act("replay", all=True)
    assert (status, outcome["events"], outcome["failed_letters"]) == (200, 0, 2), "as they are, they will not do"
    mended = {"edit": {"drop": ["n"], "rename": {"at": "n"}, "set": {"mended": True}}}
    status, outcome = platform.act("replay", all=True, dry_run=True, **mended)
    assert (outcome["events"], outcome["is_dry_run"]) == (2, True)
    assert len(platform.events()) == 2
    status, outcome = platform.act("replay", ids=[first["id"]], body={"n": "by hand"})
    assert (status, outcome["events"]) == (200, 1)
    status, outcome = platform.act("replay", ids=[second["id"]], **mended)
    assert (status, outcome["events"]) == (200, 1)
    status, problem = platform.act("replay", ids=[first["id"], second["id"]], **mended)
    assert (status, problem["type"]) == (404, "urn:cordwood:problem:not_found"), "replayed once"
    data = {event["id"][-1]: event["data"] for event in platform.events()}
    assert data == {"0": {"n": 0}, "1": {"n": "by hand"}, "2": {"n": 2}, "3": {"n": 7, "mended": True}}
    fate = platform.fate(f"{poisoned.header.id}~0~4")
    assert (fate["stored"], fate["dead_lettered"]) == (4, 0)
    assert platform.is_balanced()
    found = platform.server.get(f"/api/v1/events/{poisoned.header.id}"[:-1] + "3", **KEY)
    assert found[0] == 200


def test_a_damaged_batch_is_a_letter_as_a_whole(platform: Platform) -> None:
    damaged = batch([{"n": n} for n in range(5)])
    platform.poison(Batch(damaged.header, damaged.body[:-3]))
    (letter,) = platform.wait_for_letters(1)
    assert (letter["id"], letter["events"]) == (f"{damaged.header.id}~all", 5)
    status, outcome = platform.act("replay", all=True)
    assert (status, outcome["events"], outcome["failed"][0]["id"]) == (200, 0, letter["id"])
    fate = platform.fate(f"{damaged.header.id}~0~5")
    assert (fate["dead_lettered"], fate["parts"][0]["dead_letters"][0]["index"]) == (5, None)
    status, answer = platform.act("discard", ids=[letter["id"]])
    assert (status, answer) == (200, {"events": 5})
    fate = platform.fate(f"{damaged.header.id}~0~5")
    assert fate["parts"][0]["dead_letters"][0]["settled_as"] == "discarded"
    assert platform.letters() == {"groups": [], "letters": [], "next": None}
    (action,) = json.loads(platform.server.get("/api/v1/actions", **KEY)[1])["actions"]
    assert (action["action"], action["events"]) == ("discard", 5)
    assert action["actor"] == "a key of the settings"
    assert platform.is_balanced()


def test_letters_are_chosen_by_reason(platform: Platform) -> None:
    platform.poison(batch([SURROGATE, {"n": 1}]), batch([{"n": 2}, b"[]"]))
    letters = platform.wait_for_letters(2)
    reasons = {letter["reason"] for letter in letters}
    assert len(reasons) == 2
    reason = letters[0]["reason"]
    assert platform.act("discard", reason=reason) == (200, {"events": 1})
    (left,) = platform.letters()["letters"]
    assert left["reason"] != reason
    assert platform.act("discard", reason="no such reason") == (200, {"events": 0})
    assert platform.act("discard", reason="a\0b")[0] == 400
    assert platform.is_balanced()


def test_another_tenant_sees_and_changes_nothing(platform: Platform) -> None:
    platform.poison(batch([SURROGATE], tenant=Tenant("other")))
    other = {"Authorization": f"Bearer {OTHER_KEY}"}
    wait_until(lambda: platform.letters(**other)["letters"], 20)
    (letter,) = platform.letters(**other)["letters"]
    assert platform.letters()["letters"] == []
    assert platform.server.get(f"/api/v1/dead-letters/{letter['id']}", **KEY)[0] == 404
    assert platform.act("replay", ids=[letter["id"]], body={})[0] == 404
    assert platform.act("discard", ids=[letter["id"]]) == (200, {"events": 0})
    assert platform.act("discard", all=True) == (200, {"events": 0})
    assert platform.letters(**other)["letters"] == [letter]


def test_the_command_line_lists_shows_mends_and_gives_up(platform: Platform) -> None:
    platform.poison(batch([SURROGATE, SURROGATE, b'"\\u001b[31m[bold]red"']))
    letters = platform.wait_for_letters(3)

    def cordwood(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cordwood", "dead-letters", *arguments],
            env={**os.environ, "CORDWOOD_URL": platform.server.url, "CORDWOOD_API_KEY": "d" * 20},
            capture_output=True,
            text=True,
            check=False,
        )

    listed = cordwood("list")
    assert listed.returncode == 0, listed.stderr
    assert all(letter["id"] in listed.stdout for letter in letters)
    assert "[bold]red" in listed.stdout
    shown = cordwood("show", letters[0]["id"])
    assert shown.stdout.encode() == SURROGATE
    assert cordwood("replay").returncode == 2
    dry = cordwood("replay", letters[0]["id"], "--drop", "n", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, "1 events would be stored, 0 letters would not do\n")
    some = cordwood("replay", "--all", "--drop", "n", "--rename", "at=n", "--set", 'by="hand"')
    assert some.returncode == 1
    assert some.stdout.startswith("2 events were stored, 1 letters would not do\n")
    assert [event["data"] for event in platform.events()] == [{"n": 7, "by": "hand"}] * 2
    assert cordwood("discard", "--all").stdout == "1 events were given up\n"
    assert cordwood("list").stdout == "there are no dead letters\n"
    assert "no dead letter fits that choice" in cordwood("replay", "--all").stderr
    assert platform.is_balanced()


def test_a_wrong_request_is_told_why(platform: Platform) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({}, "name the letters"),
        ({"all": True, "reason": "x"}, "name the letters"),
        ({"ids": ["nonsense"]}, "no dead letter"),
        ({"all": True, "body": {}}, "one event"),
        ({"all": True, "bdoy": {}}, "unknown field"),
        ({"all": "yes"}, "Expected `bool`"),
    ]
    for asked, said in wrong:
        status, problem = platform.act("replay", **asked)
        assert (status, said in problem["detail"]) == (400, True), (asked, problem)
    # A page of another origin cannot ask unnoticed: it may not say that it sends JSON.
    status, _ = platform.server.post("/api/v1/dead-letters/discard", b'{"all":true}', **KEY)
    assert status == 415
