"""What PromQL expressions name, and what there is."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.metrics import MetricWrapperBase

from cordwood import metrics

_METRIC = re.compile(r"\b((?:cordwood|process)_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_OF_PROMETHEUS = {"instance", "job", "le"}
_OF_BUILD = {"service", "version", "python"}
_OF_PYTHON = {
    "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
    "process_start_time_seconds",
}  # fmt: skip


class Named(NamedTuple):
    """A metric, as an expression names it."""

    metric: str
    labels: set[str]
    values: set[tuple[str, str]]
    """Of matchers: labels, and the values that they are compared with."""


def known() -> Mapping[str, set[str]]:
    """Every name that a process exposes, and its labels."""
    names: dict[str, set[str]] = {name: set() for name in _OF_PYTHON}
    for metric in vars(metrics).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        (family,) = metric.describe()
        labels = set(metric._labelnames)
        match family.type:
            case "counter":
                names[f"{family.name}_total"] = labels
            case "histogram":
                names |= {f"{family.name}_{part}": labels | {"le"} for part in ("bucket", "count", "sum")}
            case "info":
                names[f"{family.name}_info"] = _OF_BUILD
            case _:
                names[family.name] = labels
    return names


def named(expression: str) -> Iterator[Named]:
    """Each metric in it; what it is grouped by counts for all of them."""
    grouped = {label.strip() for by in _BY.findall(expression) for label in by.split(",")}
    for metric, within in _METRIC.findall(expression):
        matchers = _MATCHER.findall(within)
        labels = grouped | {label for label, _, _ in matchers}
        values = {(label, value) for label, _, text in matchers for value in text.split("|")}
        yield Named(metric, labels - _OF_PROMETHEUS, values)


def troubles(expression: str) -> list[str]:
    """What it names that is not there."""
    there = known()
    found = []
    for each in named(expression):
        if each.metric not in there:
            found.append(f"there is no metric {each.metric}")
        else:
            found += [f"{each.metric} has no label {label}" for label in each.labels - there[each.metric]]
    return found


def closed(expression: str) -> str:
    """As Prometheus gets it from Grafana."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
