"""A shop's logs of two hours, with a story in them: at one host a new version of `payments` lets cards be declined.

The same every time but for the moment at which they end.
"""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

MINUTES = 120
SPIKE_MINUTES = range(100, 106)
"""Minutes of the two hours in which cards are declined."""
BAD_HOST, BAD_VERSION = "pay-3", "2.4.1"
_REQUESTS_PER_MINUTE = 25
_PATHS = ("/", "/search", "/product/17", "/product/221", "/cart", "/checkout")
_HOSTS = {
    "gateway": ("gw-1", "gw-2"),
    "search": ("find-1",),
    "checkout": ("shop-1", "shop-2"),
    "payments": ("pay-1", "pay-2", "pay-3"),
}
_TRACE = """Traceback (most recent call last):
  File "/srv/payments/gateway.py", line 88, in charge
    answer = self._bank.charge(card, amount, timeout=3.0)
  File "/srv/payments/bank.py", line 41, in charge
    raise BankTimeout(f"no answer within {timeout} s")
payments.bank.BankTimeout: no answer within 3.0 s"""


def story(end_s: float) -> bytes:
    """NDJSON of about 9,000 events, the last of them at `end_s` (Unix time) or little before."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in _events(end_s))


@contextmanager
def with_story(folder: Path) -> Iterator[Cordwood]:
    """`cordwood up` that has the story, up to now."""
    with Cordwood("up", folder / "data") as service:
        told = story(time.time())
        assert service.post("/log", told)[0] == 202
        expected = told.count(b"\n")
        wait_until(lambda: service.count() == expected, 60, "the story to be stored")
        yield service


def _events(end_s: float) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    for minute in range(MINUTES):
        for _ in range(_REQUESTS_PER_MINUTE + (8 if minute in SPIKE_MINUTES else 0)):
            at_s = end_s - 60 * (MINUTES - minute) + chance.uniform(0, 59)
            yield from _request(chance, at_s, minute)
        yield _beat(chance, end_s - 60 * (MINUTES - minute) + 30, minute)


def _request(chance: random.Random, at_s: float, minute: int) -> Iterator[dict[str, Any]]:
    trace, path = f"{chance.getrandbits(128):032x}", chance.choice(_PATHS)
    took_ms = round(chance.lognormvariate(3.4, 0.7), 1)
    paid = path == "/checkout"
    host = chance.choice(_HOSTS["payments"])
    fails = paid and minute in SPIKE_MINUTES and host == BAD_HOST
    fails = fails or (paid and chance.random() < 0.01)
    status = 502 if fails else 404 if chance.random() < 0.02 else 200
    where = "search" if path == "/search" else "checkout" if path in ("/cart", "/checkout") else "gateway"

    def event(service: str, after_ms: float, level: str, message: str, **more: Any) -> dict[str, Any]:
        return {
            "timestamp": round(at_s + after_ms / 1000, 6),
            "level": level,
            "service": service,
            "message": message,
            "host": host if service == "payments" else chance.choice(_HOSTS[service]),
            "trace_id": trace,
            **more,
        }

    yield event("gateway", 0, "debug", f"routing {path} to {where}", http={"path": path, "method": "GET"})
    if paid:
        version = BAD_VERSION if host == BAD_HOST and minute >= SPIKE_MINUTES[0] else "2.4.0"
        order = {
            "order": {"id": chance.randrange(10_000), "amount": round(chance.uniform(5, 300), 2)},
            "version": version,
        }
        if fails:
            text = f"card declined after 3000 ms: order {order['order']['id']}\n{_TRACE}"  # type: ignore[index]
            yield event("payments", 5, "error", text, **order, attempt=2)
        else:
            yield event("payments", 5, "info", f"card charged: order {order['order']['id']}", **order)  # type: ignore[index]
    level = "error" if status >= 500 else "warn" if status >= 400 else "info"
    http = {"path": path, "method": "GET", "status": status, "duration_ms": 3000 + took_ms if fails else took_ms}
    yield event(
        where, took_ms, level, f"GET {path} {status} in {took_ms:.0f} ms", http=http, user={"id": chance.randrange(500)}
    )


def _beat(chance: random.Random, at_s: float, minute: int) -> dict[str, Any]:
    """A line of a job that colours what it says."""
    return {
        "timestamp": round(at_s, 6),
        "service": "stock",
        "level": "info",
        "message": f"\x1b[32mstock\x1b[0m synced \x1b[1m{chance.randrange(20, 90)}\x1b[0m articles, run {minute}",
        "took": {"db_ms": chance.randrange(3, 40), "all_ms": chance.randrange(40, 90)},
        "tags": ["nightly", "stock"],
    }
