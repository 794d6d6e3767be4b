"""Prometheus and Grafana (`--profile observability`): every process is scraped, every rule is evaluated."""

import base64
import json
import urllib.parse
import urllib.request
from functools import partial
from typing import Any

import yaml

from tests.compose.checks import check_bounds
from tests.compose.stack import DEPLOY, Stack
from tests.support.promql import named
from tests.support.waiting import wait_until

_SCRAPED_TIMEOUT_S = 90
_PROCESSES = {"cordwood-api": 2, "cordwood-worker": 2, "cordwood-query": 1}
_RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
_SERIES_AT_ONCE = {
    "CordwoodNotReady",
    "CordwoodFilesRunOut",
    "CordwoodDiskFills",
    "CordwoodSlowToAppear",
    "CordwoodIngestFails",
}
"""Rules all of whose metrics are there as soon as something was sent."""


def check_prometheus(stack: Stack) -> None:
    """Needs a stack to which something was sent."""
    check_bounds(stack, "prometheus")
    wait_until(partial(_all_up, stack), _SCRAPED_TIMEOUT_S, "all processes to be scraped")
    wait_until(partial(_all_evaluated, stack), _SCRAPED_TIMEOUT_S, "all rules to be evaluated")
    for rule in _RULES:
        if rule["alert"] in _SERIES_AT_ONCE:
            for each in named(rule["expr"]):
                wait_until(partial(_asked, stack, each.metric), _SCRAPED_TIMEOUT_S, f"{each.metric} to be there")
    told_of = [each["labels"] for each in _prometheus(stack, "alerts")["alerts"] if each["state"] == "firing"]
    assert not told_of, told_of


def check_who_is_gone(stack: Stack) -> None:
    """All workers are killed, and a rule misses them, whether their name leads nowhere now or where they were."""
    missed = " or ".join(rule["expr"] for rule in _RULES if rule["alert"] in ("CordwoodDown", "CordwoodGone"))
    wait_until(lambda: not _asked(stack, missed), _SCRAPED_TIMEOUT_S, "nobody to be missed")
    with stack.without(*stack.containers("worker")):
        wait_until(partial(_asked, stack, missed), _SCRAPED_TIMEOUT_S, "workers to be missed")
        assert {each["metric"]["job"] for each in _asked(stack, missed)} == {"cordwood-worker"}


def _all_up(stack: Stack) -> bool:
    targets = _prometheus(stack, "targets")["activeTargets"]
    up = [target["labels"]["job"] for target in targets if target["health"] == "up"]
    return {job: up.count(job) for job in _PROCESSES} == _PROCESSES and len(up) == len(targets)


def _all_evaluated(stack: Stack) -> bool:
    rules = [rule for group in _prometheus(stack, "rules")["groups"] for rule in group["rules"]]
    wrong = [(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")]
    assert not wrong, wrong
    assert {rule["name"] for rule in rules} == {rule["alert"] for rule in _RULES}
    return all(rule["health"] == "ok" for rule in rules)


def _asked(stack: Stack, expression: str) -> Any:
    return _prometheus(stack, f"query?query={urllib.parse.quote(expression)}")["result"]


def _prometheus(stack: Stack, path: str) -> Any:
    with urllib.request.urlopen(f"{stack.prometheus}/api/v1/{path}", timeout=10) as answer:
        return json.load(answer)["data"]


def check_grafana(stack: Stack) -> None:
    """What was provisioned is there: the dashboard, and a data source that answers."""
    wait_until(partial(_says, stack, "health", "database", "ok"), _SCRAPED_TIMEOUT_S, "Grafana to be up")
    assert _grafana(stack, "dashboards/uid/cordwood")["meta"]["provisioned"]
    wait_until(partial(_says, stack, "datasources/uid/prometheus/health", "status", "OK"), 30, "its data source")


def _says(stack: Stack, path: str, name: str, value: str) -> bool:
    try:
        return bool(_grafana(stack, path).get(name) == value)
    except OSError:
        return False


def _grafana(stack: Stack, path: str) -> Any:
    login = base64.b64encode(f"admin:{stack.grafana_password}".encode()).decode()
    asked = urllib.request.Request(f"{stack.grafana}/api/{path}", headers={"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)
