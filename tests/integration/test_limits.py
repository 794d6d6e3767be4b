"""Tenants' limits over HTTP: set by command, obeyed within a second, told to whom they concern."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordwood.broker.settings import BrokerSettings
from cordwood.broker.sqlite import SqliteBroker
from cordwood.clock import SystemClock
from cordwood.errors import Overloaded
from cordwood.ingest.service import Ingest
from cordwood.ingest.settings import IngestSettings
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Limits
from cordwood.tenancy.quota.gate import Gate
from cordwood.tenancy.quota.memory import MemoryQuota
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

KEYS = "acme:0123456789abcdef-a,other:0123456789abcdef-b"
ACME, OTHER = {"X-API-Key": "0123456789abcdef-a"}, {"X-API-Key": "0123456789abcdef-b"}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Cordwood]:
    with Cordwood("up", tmp_path / "data", tenancy_api_keys=KEYS) as process:
        yield process


def limited(process: Cordwood, *arguments: str) -> None:
    """Set limits of acme, and wait until the process knows."""
    done = process.run("tenants", "set", "acme", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    wanted = json.loads(done.stdout)
    wait_until(
        lambda: {"tenant": "acme", **process.json("/api/v1/limits", **ACME)["limits"]} == wanted,
        1.5,
        "limits to be known",
    )


def test_a_day_s_bytes_over_http(up: Cordwood) -> None:
    limited(up, "--daily-bytes", "20")
    event = b'{"n":1234}\n'
    assert up.post("/log", event, **ACME)[0] == 202
    status, body = up.post("/log", event, **ACME)
    problem = json.loads(body)
    assert (status, problem["type"]) == (429, "urn:cordwood:problem:overloaded")
    for part in ("acme", "20 bytes a day", "11 are used"):
        assert part in problem["detail"]
    assert up.post("/log", b'{"n":1}\n', **ACME)[0] == 202, "what fits is let in; the refused request counted nothing"
    assert up.post("/log", event, **OTHER)[0] == 202
    told = up.json("/api/v1/limits", **ACME)
    assert (told["tenant"], told["limits"]["daily_bytes"], told["use"]["daily_bytes"]) == ("acme", 20, 19)
    assert told["use"]["rate_events_ahead_s"] is None
    other = up.json("/api/v1/limits", **OTHER)
    assert (other["tenant"], other["limits"]["daily_bytes"], other["use"]["daily_bytes"]) == ("other", None, None)
    assert b'cordwood_quota_refusals_total{limit="daily_bytes"} 1.0' in up.get("/metrics")[1]
    limited(up, "--daily-bytes", "none")
    assert up.post("/log", event, **ACME)[0] == 202


def test_a_rate_over_http_and_its_retry_after(up: Cordwood) -> None:
    limited(up, "--rate-events-per-s", "10")
    assert up.post("/log", b'{"n":1}\n' * 25, **ACME)[0] == 202
    refused_s = time.monotonic()
    headers = _refusal_headers(up)
    assert headers["retry-after"] == "2"
    wait_until(lambda: up.post("/log", b'{"n":1}', **ACME)[0] == 202, 4, "room to come back")
    assert 1 <= time.monotonic() - refused_s <= 2.5
    wait_until(lambda: up.json("/api/v1/query/count", **ACME)["count"] == 26, 10, "nothing of the refused to be kept")


def test_bad_events_and_empty_requests_cost_nothing(up: Cordwood) -> None:
    limited(up, "--rate-events-per-s", "1", "--daily-bytes", "100")
    for _ in range(5):
        assert up.post("/log", b"no json\n" * 50, **ACME)[0] == 400
    assert up.json("/api/v1/limits", **ACME)["use"] == {
        "rate_events_ahead_s": 0.0,
        "rate_bytes_ahead_s": None,
        "daily_bytes": 0,
    }


async def test_what_the_queue_refuses_does_not_count(tmp_path: Path) -> None:
    acme, limits = Tenant("acme"), Limits(daily_bytes=1000)
    quota = MemoryQuota(SystemClock())
    async with SqliteBroker(tmp_path / "queue.sqlite", BrokerSettings(max_size_bytes=10)) as full:
        ingest = Ingest(full, SystemClock(), IngestSettings(), Gate(lambda _: limits, quota))
        with pytest.raises(Overloaded, match="queue"):
            await ingest.take_json(acme, b'{"n":1}', "", wait=False)
    assert (await quota.state(acme, limits)).bytes_today == 0


def test_tenants_are_listed_with_their_limits(tmp_path: Path) -> None:
    place = Cordwood("up", tmp_path / "data")
    assert place.run("keys", "create", "--tenant", "quiet").returncode == 0
    assert "no limits" in place.run("tenants", "set", "acme").stdout
    place.run("tenants", "set", "acme", "--rate-bytes-per-s", "1_000_000", "--retention-days", "30")
    place.run("tenants", "set", "acme", "--rate-bytes-per-s", "none", "--daily-bytes", "5000")
    rates = {"rate_events_per_s": None, "rate_bytes_per_s": None}
    assert json.loads(place.run("tenants", "list", "--json").stdout) == [
        {"tenant": "acme", **rates, "daily_bytes": 5000, "retention_days": 30},
        {"tenant": "quiet", **rates, "daily_bytes": None, "retention_days": None},
    ]
    assert "5,000" in place.run("tenants", "list").stdout
    for wrong in ("0", "-1", "1.5", "many", ""):
        done = place.run("tenants", "set", "acme", f"--daily-bytes={wrong}")
        assert done.returncode == 2
        assert "--daily-bytes" in done.stderr
    assert place.run("tenants", "set", "A B", "--daily-bytes", "1").returncode == 2


def _refusal_headers(up: Cordwood) -> dict[str, str]:
    import http.client

    client = http.client.HTTPConnection("127.0.0.1", up.port)
    client.request("POST", "/log", b'{"n":1}', ACME)
    response = client.getresponse()
    response.read()
    client.close()
    assert response.status == 429
    return dict(response.getheaders())
