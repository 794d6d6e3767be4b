"""The guide's commands, run as printed, and what they say."""

import gzip
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.guide import Page, javascript_packages, run
from tests.support.mending import poison
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

ACCESS = b'192.0.2.1 - - [26/Nov/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "curl"\n'


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path / "data") as server:
        yield server


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def found(up: Cordwood, count: int) -> list[dict[str, Any]]:
    """The events that were sent, once there are so many."""
    wait_until(lambda: up.count() >= count, 20, f"{count} events to be visible")
    return [event["data"] for event in up.events()]


def test_five_minutes(up: Cordwood, here: Path) -> None:
    page = Page("start")
    for line in page.commands("Send"):
        run(line, here, up)
    assert len(found(up, 2)) == 2
    said = [run(line, here, up) for line in page.commands("Ask")]
    assert len(said) == 4
    assert "card declined" in said[0]
    assert ("card declined" in said[1], "paid" in said[1]) == (True, False)
    assert "error" in said[2]
    assert json.loads(said[3][: said[3].rindex("}") + 1])["rows"]
    (audit,) = [run(line, here, up) for line in page.commands("Is everything there?")]
    assert "balanced" in audit
    assert page.all_commands()[0] == "make up", "which the README's test runs"
    assert len(page.all_commands()) == 8


def test_sending_with_curl_and_of_files(up: Cordwood, here: Path) -> None:
    (here / "app.ndjson").write_text('{"message":"of a file"}\n')
    (here / "access.log.gz").write_bytes(gzip.compress(ACCESS))
    page = Page("sending")
    for line in (*page.commands("curl"), *page.commands("Files")):
        assert '"rejected":0' in (said := run(line, here, up)) or "rejected 0" in said
    events = found(up, 8)
    assert len(events) == 8
    assert [event["status"] for event in events if "status" in event] == [200]
    assert [event.get("message") for event in events].count("of a file") == 3


def test_sending_with_python(up: Cordwood, here: Path) -> None:
    page = Page("sending")
    page.write_files(here, up)
    run("python program.py", here, up)
    (line,) = page.commands("Python: structlog")
    run(line, here, up)
    events = {event["message"]: event for event in found(up, 3)}
    assert events["sent by logging"]["items"] == 3
    assert "ZeroDivisionError" in events["that went wrong"]["exception"]
    assert (events["sent by structlog"]["items"], events["sent by structlog"]["service"]) == (3, "shop")
    assert {event["level"] for event in up.events()} == {"info", "error"}


def test_sending_with_node(up: Cordwood, here: Path) -> None:
    page = Page("sending")
    page.write_files(here, up)
    (here / "node_modules").symlink_to(javascript_packages())
    for heading in ("Node: pino", "Node: winston"):
        (line,) = page.commands(heading)
        run(line, here, up)
    events = {event["data"].get("message") or event["data"]["msg"]: event for event in (found(up, 3), up.events())[1]}
    assert sorted(events) == ["sent by pino", "sent by winston", "that went wrong"]
    assert {name: event["level"] for name, event in events.items()} == {
        "sent by pino": "info",
        "sent by winston": "info",
        "that went wrong": "error",
    }
    assert all(event["service"] == "shop" for event in events.values())
    assert all(event["data"]["items"] == 3 for name, event in events.items() if name.startswith("sent"))


@pytest.fixture
def handler_module(up: Cordwood, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    Page("sending").write_files(here, up)
    monkeypatch.syspath_prepend(str(here))
    import importlib

    yield importlib.import_module("cordwood_handler")
    sys.modules.pop("cordwood_handler")


def test_the_handler_waits_for_a_server_that_is_away_and_drops_what_is_too_much(
    up: Cordwood, handler_module: Any
) -> None:
    up.stop()
    handler = handler_module.CordwoodHandler(up.url, "shop", capacity=50, close_timeout_s=30)
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    logger.info("the first")
    wait_until(handler._waiting.empty, 5, "the first to be in hand")
    for n in range(60):
        logger.info("line %d", n)
    assert handler.dropped == 10
    up.start()
    handler.close()
    assert handler.dropped == 10
    assert sorted(event["message"] for event in found(up, 51)) == sorted(
        ["the first", *(f"line {n}" for n in range(50))]
    )


def test_the_handler_ends_when_the_server_stays_away(up: Cordwood, handler_module: Any) -> None:
    up.stop()
    handler = handler_module.CordwoodHandler(up.url, "shop", close_timeout_s=0.5)
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    logger.info("lost")
    handler.close()
    assert handler.dropped == 1


@pytest.mark.timeout(300)
async def test_operating(up: Cordwood, here: Path, tmp_path: Path) -> None:
    assert up.post("/api/v1/ingest?wait=stored", b'{"user":{"id":4711}}\n{"user":{"id":4712}}')[0] == 202
    page = Page("operating")

    def done(heading: str) -> list[str]:
        lines = page.commands(heading)
        assert lines
        lines = [
            line.replace("/backup/", f"{tmp_path}/").replace("/var/lib/cordwood", f"{tmp_path}/new") for line in lines
        ]
        return [run(line, here, up) for line in lines if not line.startswith("cordwood up")]

    said = done("Backup and restore: embedded")
    assert "2 events in 1 segments and the queue" in said[0]
    said = done("Retention and deletion")
    assert "1 events would be removed" in said[2]
    assert up.count() == 1
    await poison(tmp_path / "data", b'{"broken_field":"\\ud800","at":7}')
    wait_until(lambda: up.json("/api/v1/dead-letters")["groups"], 30, "a dead letter")
    assert done("Dead letters")[2].startswith("1 events were stored")
    assert "cw_" in done("Keys")[0]
    up.stop()
    assert "nothing to do" in done("Upgrade")[0]


def test_every_shell_line_of_the_guide_is_run() -> None:
    """Those of the pages' other sections are run by tests of their own."""
    services = (
        "PostgreSQL",
        "PostgreSQL, back",
        "Segments that PostgreSQL names",
        "Segments that PostgreSQL names, back",
    )
    page = Page("operating")
    here = ("Backup and restore: embedded", "Retention and deletion", "Upgrade", "Dead letters", "Keys")
    assert sorted(page.all_commands()) == sorted(
        line for heading in (*here, *services) for line in page.commands(heading)
    )
    page = Page("sending")
    sending = ("curl", "Files", "Python: structlog", "Node: pino", "Node: winston")
    assert sorted(page.all_commands()) == sorted(line for heading in sending for line in page.commands(heading))
