"""`bench patterns`: how well messages are grouped by their templates, and what it costs.

Grouping accuracy as Zhu et al. define it ("Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019): the share
of messages whose group is exactly that of the truth. The truth is that of loghub (https://github.com/logpai/loghub),
files `NAME.log_structured.csv` with the columns Content and EventId; they are not ours to keep.
"""

import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench import data
from cordwood.patterns import Matcher, Pattern, Patterns, merge, mine, values_of

PUBLISHED = {
    "HDFS": 0.998,
    "Hadoop": 0.948,
    "Spark": 0.920,
    "Zookeeper": 0.967,
    "OpenStack": 0.733,
    "Linux": 0.690,
    "Apache": 1.000,
    "OpenSSH": 0.788,
}
"""The accuracy of Drain there, with expressions and thresholds chosen for each log."""

_MESSAGES = 50_000
_PART = 100
_END = "_structured.csv"


def measure(directory: Path | None, runs: int) -> dict[str, Any]:
    """Costs with our own events; with a directory, accuracy and costs with each log in it."""
    lines = b"".join(data.generate(_MESSAGES, datetime(2026, 1, 1, tzinfo=UTC))).splitlines()
    events = [json.loads(line) for line in lines]
    figures = _costs("events", pa.array([event.get("message") or event.get("msg") for event in events]), runs)
    accuracies: list[tuple[float, float, float]] = []
    for path in sorted(directory.glob(f"*{_END}")) if directory else ():
        name = path.name.removesuffix(_END).removesuffix(".log").removesuffix("_2k")
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        messages, truth = [row["Content"] for row in rows], [row["EventId"] for row in rows]
        found, in_parts = _accuracies(messages, truth, figures, name)
        accuracies.append((found, in_parts, PUBLISHED.get(name, 0.0)))
        times = -(-_MESSAGES // len(messages))
        figures |= _costs(name, pa.array((messages * times)[:_MESSAGES]), runs)
    if accuracies:
        for place, figure in enumerate(("accuracy", "accuracy_merged", "accuracy_of_drain")):
            figures[f"mean_{figure}"] = sum(each[place] for each in accuracies) / len(accuracies)
    return figures


def grouping_accuracy(found: Sequence[object], truth: Sequence[object]) -> float:
    """The share of messages whose group is one of the truth."""
    groups = set(_groups(truth))
    return sum(len(group) for group in _groups(found) if group in groups) / len(truth)


def _groups(labels: Sequence[object]) -> list[frozenset[int]]:
    rows: defaultdict[object, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        rows[label].append(row)
    return [frozenset(each) for each in rows.values()]


def _accuracies(messages: list[str], truth: list[str], figures: dict[str, Any], name: str) -> tuple[float, float]:
    column = pa.array(messages)
    mined = mine(column)
    merged: Patterns = ()
    for start in range(0, len(messages), _PART):  # as many workers would: each finds its own, in whatever order
        part = mine(column[start : start + _PART])
        counted = zip(part.templates, part.counts.tolist(), strict=True)
        merged = merge([merged, tuple(Pattern(template, count) for template, count in counted)]).patterns
    templates = [pattern.template for pattern in merged]
    whole = grouping_accuracy(mined.numbers.tolist(), truth)
    in_parts = grouping_accuracy(Matcher(templates).assign(column).tolist(), truth)
    figures[f"{name}_templates"] = len(mined.templates)
    figures[f"{name}_templates_true"] = len(set(truth))
    figures[f"{name}_templates_merged_alike"] = len(set(templates) & set(mined.templates))
    figures[f"{name}_accuracy"] = whole
    figures[f"{name}_accuracy_merged"] = in_parts
    if name in PUBLISHED:
        figures[f"{name}_accuracy_of_drain"] = PUBLISHED[name]
    lost = [row for row, text in enumerate(messages) if values_of(mined.templates[mined.numbers[row]], text) is None]
    if lost:
        figures["missing"] = figures.get("missing", 0) + len(lost)
    return whole, in_parts


def _costs(name: str, messages: pa.Array, runs: int) -> dict[str, Any]:
    """CPU of this thread, beside that of the cheapest mask that a library has: one expression for digits."""
    matcher = Matcher(mine(messages).templates)
    done: list[Callable[[], object]] = [
        lambda: mine(messages),
        lambda: matcher.assign(messages),
        lambda: pc.replace_substring_regex(messages, r"\d+", "<num>").dictionary_encode(),
    ]
    spent: list[list[float]] = [[], [], []]
    for _ in range(runs):
        for place, work in enumerate(done):
            started = time.thread_time()
            work()
            spent[place].append((time.thread_time() - started) / len(messages) * 1e6)
    mining, matching, masking = map(median, spent)
    return {
        f"{name}_mine_cpu_us": mining,
        f"{name}_match_cpu_us": matching,
        f"{name}_mine_to_one_expression": mining / masking,
    }
