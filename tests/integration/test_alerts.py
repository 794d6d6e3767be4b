"""Alerts as people use them: rules, webhooks, silences, back-tests, by HTTP and by command; and evaluators that are
killed."""

import hashlib
import hmac
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cordwood.alerts.postgres import PostgresTables
from cordwood.clock import SystemClock
from cordwood.model.alerts.rule import Webhook
from cordwood.store.postgres.store import PostgresStore
from cordwood.store.settings import StoreSettings
from tests.support.alerting import US, Alerts, Hook, Values, history, rule
from tests.support.processes import Cordwood, _die_with_parent
from tests.support.waiting import eventually, wait_until

JSON = {"content-type": "application/json"}
RULES = "/api/v1/alerts/rules"


@pytest.fixture(scope="module", params=["embedded", "services"])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    urls: dict[str, str] = {}
    if request.param == "services":
        from tests.support.fixtures import database

        with database(request.getfixturevalue("postgres")) as url:
            data = tmp_path_factory.mktemp("alerts") / "data"
            with Cordwood("up", data, store_url=url, **SETTINGS) as running:
                yield filled(running)
        return
    with Cordwood("up", tmp_path_factory.mktemp("alerts") / "data", **SETTINGS, **urls) as running:
        yield filled(running)


SETTINGS = {
    "alerts_hosts": "127.0.0.1",
    "alerts_delay_s": "0",
    "alerts_public_url": "https://logs.example.org/",
}


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def filled(up: Cordwood) -> Cordwood:
    """Twenty errors, ten hours ago."""
    events = [{"time": ago(10), "level": "error", "service": "old", "message": f"event {n}"} for n in range(20)]
    assert up.post("/api/v1/ingest?wait=stored", json.dumps(events).encode())[0] == 202
    return up


def put(up: Cordwood, name: str, made: dict[str, Any], query: str = "") -> tuple[int, Any]:
    status, body = up.ask("PUT", f"{RULES}/{name}{query}", json.dumps(made).encode(), **JSON)
    return status, json.loads(body)


def test_a_rule_tells_a_webhook_what_matched_and_that_it_is_over(up: Cordwood) -> None:
    with Hook() as hook:
        made = {
            "query": "level:error service:pay",
            "window": "3s",
            "interval": "1s",
            "condition": ">= 2",
            "severity": "critical",
            "receivers": [{"kind": "webhook", "url": hook.url, "secret": "0123456789"}],
        }
        status, answer = put(up, "pay-errors", made)
        assert status == 200, answer
        assert "s3cret" not in json.dumps(answer)
        assert "0123456789" not in json.dumps(answer)
        events = [{"level": "error", "service": "pay", "message": f"declined \x1b[31m {n}"} for n in range(3)]
        assert up.post("/api/v1/ingest?wait=stored", json.dumps(events).encode())[0] == 202
        wait_until(lambda: len(hook.got) >= 2, 20, "both to be told")
        headers, body = hook.got[0]
        first, second = hook.bodies()[:2]
        assert (first["kind"], first["rule"], first["severity"]) == ("firing", "pay-errors", "critical")
        assert "groups" not in first
        assert first["value"] in (2, 3)
        assert "declined \\x1b[31m" in first["lines"][0]
        assert first["link"].startswith("https://logs.example.org/?query=level%3Aerror+service%3Apay&start=20")
        assert (second["kind"], second["value"] < 2) == ("resolved", True)
        assert headers["cordwood-notice"] == first["id"]
        at, _, mac = headers["cordwood-signature"].removeprefix("t=").partition(",v1=")
        assert mac == hmac.new(b"0123456789", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        told = up.json("/api/v1/alerts/history?rule=pay-errors")["history"]
        assert [each["kind"] for each in told][-2:] == ["resolved", "firing"]
        assert told[-1]["deliveries"][0]["status"] == "delivered"
        assert told[-1]["deliveries"][0]["receiver"]["url"] == f"http://127.0.0.1:{hook.port}/***"
        state = up.json(f"{RULES}/pay-errors")["state"]
        assert (state["status"], state["value"]) == ("ok", 0)
        assert not {"groups"} & {*state, *told[-1]}
        assert "value" not in answer["rule"]
        metrics = up.get("/metrics")[1].decode()
        assert 'cordwood_alert_deliveries_total{outcome="delivered",receiver="webhook"}' in metrics
        assert up.ask("DELETE", f"{RULES}/pay-errors")[0] == 200
        assert up.get(f"{RULES}/pay-errors")[0] == 404


def test_a_rule_on_a_table_tells_which_groups_held(up: Cordwood, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = up.run("alerts", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    query = "service:till | stats count() as n, max(ms) as slow by host | where n > 0"
    with Hook() as hook:
        file = tmp_path / "rule.toml"
        file.write_text(
            f'name = "slow-tills"\nquery = "{query}"\nvalue = "slow"\ncondition = "> 500"\nwindow = "4s"\n'
            f'interval = "1s"\n[[receivers]]\nkind = "webhook"\nurl = "{hook.url}"\n'
        )
        up.add_environment(CORDWOOD_URL=up.url)
        assert run("put", str(file), "--backtest-days", "0") == "slow-tills is kept\n"
        assert json.loads(run("show", "slow-tills"))["rule"]["value"] == "slow"
        events = [{"service": "till", "host": f"till-{n}", "ms": 400 + 100 * n} for n in range(4)]
        assert up.post("/api/v1/ingest?wait=stored", json.dumps(events).encode())[0] == 202
        groups = [{"by": {"host": "till-3"}, "value": 700.0}, {"by": {"host": "till-2"}, "value": 600.0}]
        wait_until(lambda: len(hook.got) >= 2, 20, "both to be told")
        first, second = hook.bodies()[:2]
        assert (first["value"], first["groups"]) == (700, groups)
        assert first["lines"] == ["host=till-3 slow=700", "host=till-2 slow=600"]
        assert first["text"] == "[warning] slow-tills FIRING: slow = 700 (condition: > 500)"
        assert "%7C+stats+count%28%29" in first["link"]
        assert (second["kind"], second["value"], second["groups"]) == ("resolved", None, [])
        told = up.json("/api/v1/alerts/history?rule=slow-tills")["history"]
        assert [(each["kind"], each["groups"]) for each in told] == [("resolved", []), ("firing", groups)]
        assert "host=till-3 700; host=till-2 600" in run("history", "slow-tills")
        assert up.json(f"{RULES}/slow-tills")["state"]["groups"] == []
        run("delete", "slow-tills")
        old = tmp_path / "old.json"
        asked = {"query": "service:old | stats count() as n by level", "condition": "> 10"}
        old.write_text(json.dumps({"name": "old", "interval": "1h", "window": "1h", **asked}))
        assert "n = 20 at worst" in run("backtest", str(old), "--days", "1")


def test_a_new_rule_is_tried_on_the_past(up: Cordwood) -> None:
    made = {"query": "service:old", "window": "5m", "interval": "1m", "condition": "> 10"}
    status, answer = put(up, "old", made, "?backtest_days=2")
    assert status == 200, answer
    tried = answer["backtest"]
    assert (tried["fired"], tried["matches"], tried["complete"]) == (1, 5, True)
    assert tried["firings"][0]["peak"] == 20
    assert tried["evaluations"] == 2 * 24 * 60
    assert tried["counts"] < 100, "quiet days are counted together"
    status, body = up.post(
        "/api/v1/alerts/backtest", json.dumps({"rule": made | {"condition": "> 20"}}).encode(), **JSON
    )
    assert (status, json.loads(body)["fired"]) == (200, 0)
    assert up.ask("DELETE", f"{RULES}/old")[0] == 200


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"query": "level:error ("}, "bad_query"),
        ({"query": "level:error | timechart count() by host"}, "write stats count() by host"),
        ({"query": "level:error | stats count() as n, max(ms) as slow by host"}, "several numbers: n, slow"),
        ({"query": "a", "condition": "many"}, "a condition is for instance > 100"),
        ({"query": "a", "window": "0s"}, "'window' is no span"),
        ({"query": "a", "interval": "soon"}, "'interval' is no span"),
        ({"query": "a", "for": 0}, "for"),
        ({"query": "a", "receivers": [{"kind": "webhook", "url": "http://169.254.169.254/"}]}, "may not go"),
        ({"query": "a", "receivers": [{"kind": "webhook", "url": "file:///etc/passwd"}]}, "no http"),
        ({"query": "a", "receivers": [{"kind": "slack", "url": "http://127.0.0.1/***"}]}, "masked"),
        ({"query": "a", "receivers": [{"kind": "email", "to": ["a@b.example"]}]}, "SMTP_HOST"),
        ({"query": "a", "unknown": 1}, "unknown"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_when_it_is_made(up: Cordwood, made: dict[str, Any], says: str) -> None:
    status, answer = put(up, "wrong", made)
    assert status == 400
    assert says in json.dumps(answer)
    assert up.get(f"{RULES}/wrong")[0] == 404


def test_a_shown_rule_can_be_sent_back_with_its_masks(up: Cordwood) -> None:
    with Hook() as hook:
        made = {"query": "nothing", "receivers": [{"kind": "slack", "url": hook.url}]}
        assert put(up, "masked", made, "?backtest_days=0")[0] == 200
        shown = up.json(f"{RULES}/masked")["rule"]
        status, answer = put(up, "masked", shown | {"severity": "info"})
        assert (status, answer["rule"]["severity"], answer["backtest"]) == (200, "info", None)
        status, body = up.post(f"{RULES}/masked/test", b"")
        assert (status, json.loads(body)["deliveries"][0]["delivered"]) == (200, True), body
        assert "masked test message" in hook.bodies()[0]["text"]
        up.ask("DELETE", f"{RULES}/masked")


def test_the_commands(up: Cordwood, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        up.add_environment(CORDWOOD_URL=up.url)
        done = up.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with Hook() as hook:
        file = tmp_path / "rule.toml"
        file.write_text(
            'name = "by command"\nquery = "service:old"\ncondition = "> 10"\nfor = 2\n'
            f'[[receivers]]\nkind = "webhook"\nurl = "{hook.url}"\n'
        )
        assert "would have fired once" in run("alerts", "backtest", str(file), "--days", "1")
        said = run("alerts", "put", str(file), "--backtest-days", "1")
        assert said.startswith("by command is kept\nwould have fired once")
        assert "by command" in run("alerts", "list")
        shown = run("alerts", "show", "by command")
        assert "s3cret" not in shown
        (tmp_path / "shown.json").write_text(shown)
        assert "is kept" in run("alerts", "put", str(tmp_path / "shown.json"))
        assert "delivered" in run("alerts", "test", "by command")
        assert "silent until" in run("alerts", "silence", "by command", "--for", "2h", "--comment", "moving")
        assert "(silenced)" in run("alerts", "list")
        silence = json.loads(run("alerts", "silences", "--json"))[0]["id"]
        assert silence in run("alerts", "unsilence", silence)
        run("alerts", "history", "by command")
        run("alerts", "delete", "by command")
        assert run("saved", "put", "old ones", "service:old", "--start=-2d") == "old ones is saved\n"
        assert "service:old" in run("saved", "list")
        assert json.loads(run("saved", "show", "old ones"))["start"] == "-2d"
        assert len(run("saved", "run", "old ones", "--limit", "7", "-o", "raw").splitlines()) == 7
        run("saved", "delete", "old ones")
        assert up.run("saved", "show", "old ones").returncode == 1


def test_reading_needs_the_scope_query_and_changing_admin(tmp_path: Path) -> None:
    place = Cordwood("up", tmp_path / "data")
    reads = place.run("keys", "create", "--scope", "query").stdout.strip()
    rules = place.run("keys", "create", "--scope", "admin", "--tenant", "other").stdout.strip()
    saved = "/api/v1/saved-queries"
    with place:
        made = json.dumps({"query": "a"}).encode()
        assert place.ask("PUT", f"{RULES}/a", made, **JSON)[0] == 401
        assert place.ask("PUT", f"{RULES}/a", made, **JSON, **{"x-api-key": reads})[0] == 403
        assert place.ask("PUT", f"{saved}/a", made, **JSON, **{"x-api-key": reads})[0] == 403
        assert place.ask("PUT", f"{RULES}/a", made, **JSON, **{"x-api-key": rules})[0] == 200
        assert place.ask("PUT", f"{saved}/a", made, **JSON, **{"x-api-key": rules})[0] == 200
        assert place.json(RULES, **{"x-api-key": reads}) == {"rules": []}, "another tenant's"
        assert place.json(saved, **{"x-api-key": reads}) == {"saved_queries": []}
        assert place.get(RULES, **{"x-api-key": rules})[0] == 403


async def test_evaluators_that_are_killed_lose_no_transition_and_tell_none_twice(postgres_url: str) -> None:
    """Every evaluation is a transition, and shows: three processes, one killed after the other in the middle."""
    async with PostgresStore(postgres_url, StoreSettings(partition_days_back=0, partition_days_ahead=0)) as store:
        await store.migrate()
    with Hook() as hook:
        async with PostgresTables(postgres_url) as tables:
            alerts = Alerts(tables, Values(lambda *_: 0), SystemClock())
            names = [f"rule {number}" for number in range(3)]
            for name in names:
                made = rule(Webhook(hook.url), window="1s", interval="1s")
                await alerts.put(name, made, interval_us=US)
            running = [begun(postgres_url) for _ in range(3)]
            try:
                for victim in range(6):
                    before = len(hook.got)

                    async def goes_on(before: int = before) -> bool:
                        return len(hook.got) >= before + 3

                    await eventually(goes_on, 60, "messages to come")
                    running[victim % 3].kill()
                    running[victim % 3].wait()
                    running[victim % 3] = begun(postgres_url)
            finally:
                for process in running:
                    process.kill()
                    process.wait()
            # What the dead held is free once their leases are over: a clock ahead of them finds it.
            await eventually(lambda: alerts_settled(alerts), 60, "letters to be delivered")
            for name in names:
                entries = (await history(alerts.outbox, name))[0][::-1]
                assert [each.kind for each in entries] == ["firing", "resolved"] * (len(entries) // 2) + ["firing"] * (
                    len(entries) % 2
                )
                steps = {b.at_us - a.at_us for a, b in itertools.pairwise(entries)}
                assert steps <= {US}, "no evaluation time is left out, or concluded twice"
            deliveries = (await history(alerts.outbox))[1]
            assert {str(each.id) for each in deliveries} == {body["id"] for body in hook.bodies()}


class _Ahead(SystemClock):
    def now_us(self) -> int:
        return super().now_us() + 120 * US


async def alerts_settled(alerts: Alerts) -> bool:
    """Send what waits, also what somebody else had taken."""
    alerts.delivering._clock = _Ahead()
    await alerts.deliver()
    return all(each.status == "delivered" for each in (await history(alerts.outbox))[1])


def begun(url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.alert_evaluator", url],
        preexec_fn=_die_with_parent,
        stdout=subprocess.DEVNULL,
    )


def test_the_service_stays_when_its_database_goes(tmp_path: Path, victim_postgres: Any) -> None:
    with Cordwood("up", tmp_path / "data", store_url=victim_postgres.url, alerts_delay_s="0") as up:
        assert put(up, "r", {"query": "a", "interval": "1s", "window": "1s"}, "?backtest_days=0")[0] == 200
        wait_until(lambda: up.json(f"{RULES}/r")["state"]["evaluated_at"], 20, "it to be evaluated")
        victim_postgres.kill()
        assert up.get(RULES)[0] == 503
        wait_until(lambda: "alerts_put_off" in up.log(), 20, "it to be told")
        victim_postgres.start()
        wait_until(lambda: up.get(RULES)[0] == 200, 30, "the database")
        before = up.json(f"{RULES}/r")["state"]["evaluated_at"]
        wait_until(lambda: up.json(f"{RULES}/r")["state"]["evaluated_at"] > before, 60, "it to go on")
        assert up.json(f"{RULES}/r")["state"]["status"] == "ok"
