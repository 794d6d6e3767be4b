"""After the fault: is every acknowledged event in the store once, and do ledger and receipts say so?"""

import contextlib
import random
from collections import Counter
from typing import Any

import msgspec
from msgspec import Struct

from tests.chaos.load import Load
from tests.chaos.set_up import SetUp
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

_SETTLE_S = 60.0
"""In which something has to be stored: a spool takes minutes to drain on a busy machine."""
_RECEIPTS = 200


class Reconciled(Struct, frozen=True, kw_only=True):
    """Exact counts of events. Lost and doubled have to be 0."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    strangers: int
    """Stored, but neither acknowledged nor of an unknown outcome."""
    faults: list[str]
    """What the audit calls a fault, and receipts that disagree."""
    unverified: int

    @property
    def is_exact(self) -> bool:
        return not (self.lost or self.doubled or self.strangers or self.faults)


class _Data(Struct):
    n: int


class _Event(Struct):
    data: _Data


_events = msgspec.json.Decoder(_Event)


def reconcile(setup: SetUp, load: Load) -> Reconciled:
    """Wait until everything is stored, then compare event by event."""
    query = setup.query
    acknowledged = Counter(n for each in load.acknowledged for n in range(each.first, each.first + each.count))
    wait_until(query.is_ready, _SETTLE_S, f"the query service to be ready: {query.log()[-2000:]}")
    _settle(setup, len(acknowledged))
    stored = Counter(_stored(query))
    uncertain = {n for numbers in load.uncertain for n in numbers}
    report = setup.audit()
    faults = [finding["what"] for finding in report["findings"] if finding["kind"] not in ("unverified", "in_flight")]
    faults += [finding["what"] for finding in report["findings"] if finding["kind"] == "in_flight"]
    faults += _receipts_that_disagree(query, load, setup.rng)
    return Reconciled(
        acknowledged=len(acknowledged),
        stored=stored.total(),
        lost=len(acknowledged.keys() - stored.keys()),
        doubled=sum(count - 1 for count in stored.values()),
        strangers=len(stored.keys() - acknowledged.keys() - uncertain),
        faults=faults + load.surprises,
        unverified=sum(finding["kind"] == "unverified" for finding in report["findings"]),
    )


def _settle(setup: SetUp, acknowledged: int) -> None:
    """Return when all is stored, or nothing more comes: what is missing then is counted."""
    before = -1
    while (stored := setup.query.count()) > before:
        before = stored
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: _settled(setup, acknowledged), _SETTLE_S)
            return


def _settled(setup: SetUp, acknowledged: int) -> bool:
    """Stored at least as much, and nothing is on its way: the ledger knows."""
    if setup.query.count() < acknowledged:
        return False
    report = setup.audit()
    return not any(finding["kind"] == "in_flight" for finding in report["findings"])


def _stored(query: Cordwood) -> list[int]:
    status, body = query.get("/api/v1/query", accept="application/x-ndjson")
    assert status == 200, body[:500]
    return [event.data.n for event in _events.decode_lines(body)]


def _receipts_that_disagree(query: Cordwood, load: Load, rng: random.Random) -> list[str]:
    chosen = rng.sample(load.acknowledged, min(_RECEIPTS, len(load.acknowledged)))
    wrong: list[str] = []
    for each in chosen:
        fate: Any = query.json(f"/api/v1/receipts/{each.receipt}")
        if fate["stored"] + fate["deduplicated"] != each.count or fate["events"] != each.count:
            wrong.append(f"receipt {each.receipt} of {each.count} events: {fate}")
    return wrong
