"""The ledger from outside: receipts, repeated requests, and an audit that notices what was removed behind its back."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until


class Platform:
    """Services on one store, and how to reach each."""

    def __init__(self, api: Cordwood, query: Cordwood, data: Path, postgres_url: str | None) -> None:
        self.api, self.query, self.data, self.postgres_url = api, query, data, postgres_url

    def send(self, body: bytes, **headers: str) -> str:
        status, answer = self.api.post("/api/v1/ingest?wait=stored", body, **headers)
        assert status == 202, answer
        assert json.loads(answer)["stored"] is True
        return str(json.loads(answer)["receipt"])

    def fate(self, receipt: str) -> Any:
        return self.query.json(f"/api/v1/receipts/{receipt}")

    def audit(self, *options: str) -> tuple[int, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "cordwood", "audit", "--json", *options],
            env=self.api.full_environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(params=["embedded", "services"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    data = tmp_path / "data"
    if request.param == "embedded":
        with Cordwood("up", data, ingest_heartbeat_s="0.2") as up:
            yield Platform(up, up, data, None)
        return
    urls = {
        "broker_url": request.getfixturevalue("amqp_url"),
        "broker_queue": request.getfixturevalue("queue_name"),
        "store_url": request.getfixturevalue("postgres_url"),
        "ingest_heartbeat_s": "0.2",
    }
    assert Cordwood("migrate", data, **urls).run().returncode == 0
    with ExitStack() as stack:
        api, query, _ = (stack.enter_context(Cordwood(name, data, **urls)) for name in ("api", "query", "worker"))
        yield Platform(api, query, data, urls["store_url"])


def lines(first: int, count: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % n for n in range(first, first + count))


def test_a_receipt_tells_what_became_of_its_events(platform: Platform) -> None:
    receipt = platform.send(lines(0, 10))
    fate = platform.fate(receipt)
    assert (fate["events"], fate["stored"], fate["in_flight"]) == (10, 10, 0)
    assert fate["parts"][0]["recorded_at"] > "2026"
    unknown = platform.fate("01a20a6b-c8c1-7b73-a9d5-ddce00000000~0~3")
    assert (unknown["stored"], unknown["in_flight"]) == (0, 3)
    status, problem = platform.query.get("/api/v1/receipts/nonsense")
    assert (status, json.loads(problem)["type"]) == (400, "urn:cordwood:problem:bad_request")


def test_a_repeated_request_is_deduplicated(platform: Platform) -> None:
    body = lines(0, 20_000) + b'{"pad":"' + b"x" * 300_000 + b'"}\n'
    key = {"Idempotency-Key": "order-7"}
    first, again = platform.send(body, **key), platform.send(body, **key)
    assert platform.query.count() == 20_001
    fate = platform.fate(again)
    assert (fate["stored"], fate["deduplicated"]) == (0, 20_001)
    assert fate["parts"][0]["duplicate_of"] == first.partition("~")[0]
    platform.send(lines(0, 1), **key)
    assert platform.query.count() == 20_002, "another body under the same key is not the same request"
    platform.send(body)
    assert platform.query.count() == 40_003, "without a key nothing is the same request"
    status, _ = platform.api.post("/log", b"{}", **{"Idempotency-Key": "k" * 256})
    assert status == 400
    code, report = platform.audit()
    assert (code, report["is_balanced"]) == (0, True)
    (account,) = report["accounts"]["tenants"]
    assert account["accepted"] == account["stored"] + account["deduplicated"] == 60_004


def test_the_ledger_counts_minutes_and_balances(platform: Platform) -> None:
    for n in range(5):
        platform.send(lines(n, 7))
    ledger = platform.query.json("/api/v1/ledger?count=true")
    assert ledger["is_balanced"] is True
    assert sum(minute["accepted"] for minute in ledger["minutes"]) == 35
    assert sum(minute["stored"] for minute in ledger["minutes"]) == 35
    assert platform.query.get("/api/v1/ledger?start=-8d")[0] == 400
    assert platform.query.get("/api/v1/ledger?began=-1d")[0] == 400


def test_the_producers_say_that_they_have_ended(platform: Platform) -> None:
    platform.send(lines(0, 3))
    wait_until(lambda: platform.audit("--quick")[1]["accounts"]["producers"][0]["highest"] >= 1, 10)
    assert platform.audit("--quick")[1]["accounts"]["producers"][0]["is_ended"] is False
    platform.api.stop()
    if platform.postgres_url is not None:
        wait_until(lambda: platform.audit("--quick")[1]["accounts"]["producers"][0]["is_ended"], 10)
    assert platform.audit()[1]["accounts"]["producers"][0]["is_ended"] is True


def rows_gone(platform: Platform) -> None:
    assert platform.postgres_url is not None
    with psycopg.connect(platform.postgres_url) as connection:
        connection.execute("DELETE FROM logs WHERE data->>'n' = '7'")


def batch_gone(platform: Platform) -> None:
    """The batch and its events: the counts by day still know of them."""
    if platform.postgres_url is None:
        with sqlite3.connect(platform.data / "store" / "catalog.sqlite") as connection:
            connection.execute("DELETE FROM batches WHERE sequence = 2")
        return
    with psycopg.connect(platform.postgres_url) as connection:
        connection.execute("DELETE FROM logs USING batches b WHERE b.sequence = 2 AND ts BETWEEN b.min_ts AND b.max_ts")
        connection.execute("DELETE FROM batches WHERE sequence = 2")


def segments(platform: Platform) -> list[Path]:
    return sorted((platform.data / "store" / "segments").rglob("*.parquet"))


def segment_gone(platform: Platform) -> None:
    segments(platform)[0].unlink()


def segment_forgotten(platform: Platform) -> None:
    with sqlite3.connect(platform.data / "store" / "catalog.sqlite") as connection:
        connection.execute("DELETE FROM segments WHERE path = (SELECT min(path) FROM segments)")


def segment_flipped(platform: Platform) -> None:
    path = segments(platform)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def segment_cut(platform: Platform) -> None:
    path = segments(platform)[0]
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("platform", "remove", "expected"),
    [
        ("services", rows_gone, {"events_missing"}),
        ("services", batch_gone, {"imbalance"}),
        ("embedded", batch_gone, {"imbalance"}),
        ("embedded", segment_gone, {"events_missing", "damage"}),
        ("embedded", segment_forgotten, {"events_missing"}),
        ("embedded", segment_flipped, {"events_missing", "damage"}),
        ("embedded", segment_cut, {"events_missing", "damage"}),
    ],
    indirect=["platform"],
)
def test_the_audit_notices_what_was_removed_behind_its_back(
    platform: Platform, remove: Callable[[Platform], None], expected: set[str]
) -> None:
    for n in range(3):
        platform.send(lines(n * 10, 10))
    code, report = platform.audit()
    assert (code, report["findings"]) == (0, [])
    remove(platform)
    code, report = platform.audit()
    assert code == 1
    assert expected <= {finding["kind"] for finding in report["findings"]}


@pytest.mark.parametrize("platform", ["embedded"], indirect=True)
def test_findings_are_published_as_metrics_and_shown(platform: Platform) -> None:
    platform.send(lines(0, 10))
    platform.send(lines(10, 10))
    platform.api.stop()
    batch_gone(platform)
    platform.api.start()
    wait_until(lambda: "cordwood_ledger_read_timestamp_seconds 1" in metrics_of(platform), 10, "the ledger to be read")
    assert 'cordwood_ledger_findings{kind="imbalance"} 1.0' in metrics_of(platform)
    assert 'cordwood_ledger_findings{kind="damage"} 0.0' in metrics_of(platform)
    shown = platform.api.run("audit")
    assert shown.returncode == 1
    assert "not everything is accounted for" in shown.stdout


def metrics_of(platform: Platform) -> str:
    return platform.api.get("/metrics")[1].decode()
