"""The guide's ten questions, answered by plain Python from the lines themselves.

`python -m tests.support.ten_questions DIRECTORY` compares the answers that the guide prints with these, given the two
files that it is about.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from math import floor
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.pages import REFERENCE

GUIDE = REFERENCE.parent / "guide" / "ten-questions.md"
ACCESS, STATUS = "apache_combined.log", "nginxplus_status.ndjson"
Rows = list[dict[str, Any]]

_LINE = re.compile(
    r'(?P<client>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d+) (?P<bytes>\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"$)?'
)
"""A line that breaks off has neither of the last two."""


class Request(NamedTuple):
    client: str
    day: str
    method: str
    path: str
    status: int
    size: int | None
    referer: str
    agent: str


class Question(NamedTuple):
    """As the guide has it."""

    command: str
    answer: str


def questions() -> list[Question]:
    """All of them, in order."""
    blocks = re.findall(r"```console\n\$ cordwood (.+)\n((?:.+\n)*?)```", GUIDE.read_text())
    return [Question(command, answer) for command, answer in blocks]


def requests(lines: Iterable[str]) -> list[Request]:
    found = []
    for line in lines:
        each = _LINE.match(line)
        assert each is not None, line
        at = datetime.strptime(each["at"], "%d/%b/%Y:%H:%M:%S %z")
        method, path, _ = each["request"].split(" ", 2)
        size = None if each["bytes"] == "-" else int(each["bytes"])
        day = f"{at:%Y-%m-%d}T00:00:00.000000Z"
        fields = each["referer"] or "", each["agent"] or ""
        found.append(Request(each["client"], day, method, path, int(each["status"]), size, *fields))
    return found


def statuses(lines: Iterable[str]) -> Rows:
    return [json.loads(line) for line in lines]


def _by_status(log: Sequence[Request]) -> Rows:
    return [{"status": status, "n": n} for status, n in sorted(Counter(each.status for each in log).items())]


def _clients(log: Sequence[Request]) -> Rows:
    return _most((each.client for each in log), "remote_addr", 5)


def _missing(log: Sequence[Request]) -> Rows:
    return _most((each.path for each in log if each.status == 404), "path", 5)


def _sent(log: Sequence[Request]) -> Rows:
    total: Counter[str] = Counter()
    for each in log:
        total[each.day] += each.size or 0
    return [{"timestamp": day, "bytes": size} for day, size in sorted(total.items())]


def _visitors(log: Sequence[Request]) -> Rows:
    seen = defaultdict(set)
    for each in log:
        seen[each.day].add(each.client)
    return [{"timestamp": day, "visitors": len(clients)} for day, clients in sorted(seen.items())]


def _sizes(log: Sequence[Request]) -> Rows:
    sizes = defaultdict(list)
    for each in log:
        if each.size is not None:
            sizes[each.method].append(each.size)
    return [
        {"method": method, "n": len(found), "p50": _percentile(found, 50), "p99": _percentile(found, 99)}
        for method, found in sorted(sizes.items())
    ]


def _robots(log: Sequence[Request]) -> Rows:
    robots = [each.client for each in log if "bot" in each.agent.lower()]
    return [{"n": len(robots), "addresses": len(set(robots))}]


def _errors_of_a_network(log: Sequence[Request]) -> Rows:
    network = ip_network("66.249.0.0/16")
    return _by_status([each for each in log if each.status >= 400 and ip_address(each.client) in network])


def _sites(log: Sequence[Request]) -> Rows:
    found = (re.search("://(.*?)/", each.referer) for each in log)
    sites = (site[1] for site in found if site and site[1])
    return _most((site for site in sites if not site.endswith("semicomplete.com")), "site", 3)


def _growth(status: Rows) -> Rows:
    totals = [each["requests"]["total"] for each in status]
    return [{"low": min(totals), "high": max(totals), "grew": max(totals) - min(totals)}]


def _states(status: Rows) -> Rows:
    peers = (each["upstreams"]["trac-backend"]["peers"][1] for each in status)
    return _most((peer["state"] for peer in peers), "upstreams.trac-backend.peers.1.state", 10)


def _most(values: Iterable[str], name: str, count: int) -> Rows:
    counted = sorted(Counter(values).items(), key=lambda each: (-each[1], each[0]))
    return [{name: value, "count": n} for value, n in counted[:count]]


def _percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = ordered[floor(place)]
    return low + (place - floor(place)) * (ordered[min(floor(place) + 1, len(ordered) - 1)] - low)


_OF_ACCESS: Sequence[Callable[[Sequence[Request]], Rows]] = (
    _by_status, _clients, _missing, _sent, _visitors, _sizes, _robots, _errors_of_a_network, _sites,
)  # fmt: skip
_OF_STATUS: Sequence[Callable[[Rows], Rows]] = (_growth, _states)


def expected(access: Iterable[str], status: Iterable[str]) -> list[Rows]:
    """The answers, in the guide's order."""
    log, states = requests(access), statuses(status)
    return [*(answer(log) for answer in _OF_ACCESS), *(answer(states) for answer in _OF_STATUS)]


def shown(answer: str) -> list[list[str]]:
    """What the guide prints, cell by cell: names, then rows; without bars."""
    lines = [re.split(r"  +", line.strip()) for line in answer.splitlines()]
    return [[cell for cell in line if not re.match("[▁-▏█]", cell)] for line in lines]


def _texts(rows: Rows) -> list[list[str]]:
    return [list(rows[0]) if rows else [], *([_text(value) for value in row.values()] for row in rows)]


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def main(directory: Path) -> int:
    lines = [(directory / name).read_text().splitlines() for name in (ACCESS, STATUS)]
    wrong = 0
    for question, rows in zip(questions(), expected(*lines), strict=True):
        is_right = shown(question.answer) == _texts(rows)
        wrong += not is_right
        print("right" if is_right else "WRONG", question.command, "" if is_right else f"\n{_texts(rows)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
