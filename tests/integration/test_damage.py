"""A damaged segment: found, named, the others answer, and every answer says that it is incomplete."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cordwood.cli.app import app_of
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path / "data", worker_tend_interval_s="0.2") as server:
        yield server


def send(up: Cordwood, first: int, count: int) -> None:
    body = b"\n".join(b'{"n":%d,"text":"%s"}' % (n, b"word " * 20) for n in range(first, first + count))
    status, answer = up.post("/api/v1/ingest?wait=stored", body)
    assert (status, json.loads(answer)["stored"]) == (202, True)


def asked(up: Cordwood, sql: str) -> tuple[int, dict[str, object]]:
    status, body = up.post("/api/v1/sql", json.dumps({"sql": sql}).encode(), **{"content-type": "application/json"})
    return status, json.loads(body)


@pytest.mark.parametrize("how", ["cut", "gone"])
def test_sql_leaves_a_damaged_segment_out_and_says_so(up: Cordwood, tmp_path: Path, how: str) -> None:
    """Also when nothing else has found the damage before; it is no fault of the question."""
    send(up, 0, 100)
    (victim,) = (tmp_path / "data" / "store" / "segments").rglob("*.parquet")
    send(up, 100, 100)
    if how == "cut":
        victim.write_bytes(victim.read_bytes()[:-100])
    else:
        victim.unlink()
    status, answer = asked(up, "SELECT count(*), min(n) FROM logs")
    assert (status, answer["rows"], answer["complete"]) == (200, [[100, 100]], False)
    assert asked(up, "SELECT nothing_like_it(n) FROM logs")[0] == 400
    shown = CliRunner().invoke(app_of(["sql"]), ["sql", "SELECT count(*) AS n FROM logs", "--url", up.url])
    assert (shown.exit_code, "damaged segments are left out" in shown.stderr) == (1, True)


@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_a_damaged_segment_is_named_and_the_others_answer(up: Cordwood, tmp_path: Path, how: str) -> None:
    send(up, 0, 100)
    (victim,) = (tmp_path / "data" / "store" / "segments").rglob("*.parquet")
    content = bytearray(victim.read_bytes())
    send(up, 100, 100)
    assert up.json("/api/v1/query?limit=1000")["complete"] is True
    match how:
        case "cut":
            victim.write_bytes(content[: len(content) // 2])
        case "flipped":
            content[len(content) // 2] ^= 4
            victim.write_bytes(content)
            wait_until(lambda: up.json("/api/v1/query?limit=1")["complete"] is False, 10, "the damage to be found")
        case "gone":
            victim.unlink()
    answer = up.json("/api/v1/query?limit=1000&filter=text:" + "%20".join(["word"] * 20) + "%20")
    assert answer["complete"] is False
    (damage,) = answer["damaged"]
    assert (damage["events"], damage["segment"].rpartition("/")[2]) == (100, victim.name)
    assert sorted(event["data"]["n"] for event in answer["events"]) == list(range(100, 200))
    counted = up.json("/api/v1/query/count")
    assert (counted["count"], counted["complete"]) == (100, False)
    # What cannot be read is not counted either, though rollups would tell.
    by_hour = up.json("/api/v1/histogram?span=1h")
    assert (by_hour["total"], by_hour["rolled_up"], by_hour["complete"]) == (100, 100, False)
    assert len(up.events()) == 100
    searched = CliRunner().invoke(app_of(["search"]), ["search", "--url", up.url, "--all"])
    assert (searched.exit_code, searched.stdout.count("\n")) == (1, 100)
    assert "not complete: 1 damaged segments with 100 events" in searched.stderr
    findings = {finding["kind"] for finding in up.json("/api/v1/ledger?count=true")["findings"]}
    assert findings == {"damage", "events_missing"}
    victim.write_bytes(content if how != "flipped" else bytes(content[:-1]))
    send(up, 200, 1)
    assert up.post("/log", b"{}")[0] == 202
