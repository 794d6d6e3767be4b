"""Alert rules for tests: briefly made, with values from a function of time."""

import json
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from uuid import UUID

from cordwood.alerts.book import RuleBook
from cordwood.alerts.delivering import Delivering, Postman
from cordwood.alerts.evaluating import Evaluating, next_due_us
from cordwood.alerts.interface import Evaluator, KeptRule, Measured, Table, Tables
from cordwood.alerts.kept import Silences
from cordwood.alerts.outbox import Outbox
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock, SystemClock
from cordwood.errors import CordwoodError
from cordwood.model.alerts.notice import Notice
from cordwood.model.alerts.rule import Receiver, Rule
from cordwood.model.alerts.state import State
from cordwood.model.answer import StoredEvent
from cordwood.model.search.pipes import Search
from cordwood.model.tenant import DEFAULT_TENANT, Tenant

US = 1_000_000
SETTINGS = AlertSettings(delay_s=0, hosts="*", lines=0, unknown_after_s=60, catch_up_s=600)


class Values:
    """An evaluator that answers what a function of a window's (start, end) says, or raises it."""

    def __init__(
        self,
        value: Callable[[int, int], float | CordwoodError],
        rows: Callable[[int, int], Sequence[Mapping[str, object]]] = lambda *_: [],
    ) -> None:
        self.value_of = value
        self.rows_of = rows
        self.events: list[StoredEvent] = []
        self.asked: list[tuple[int, int]] = []

    async def value(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Measured:
        self.asked.append((start_us, end_us))
        value = self.value_of(start_us, end_us)
        if isinstance(value, CordwoodError):
            raise value
        return Measured(value)

    async def table(self, search: Search, start_us: int, end_us: int, tenant: Tenant) -> Table:
        self.asked.append((start_us, end_us))
        return Table(self.rows_of(start_us, end_us))

    async def newest(self, search: Search, start_us: int, end_us: int, tenant: Tenant, limit: int) -> list[StoredEvent]:
        return self.events[:limit]


class Alerts:
    """The parts over some tables."""

    def __init__(self, tables: Tables, evaluator: Evaluator, clock: Clock, settings: AlertSettings = SETTINGS) -> None:
        self.book, self.silences, self.outbox = RuleBook(tables), Silences(tables), Outbox(tables)
        self.clock = clock
        self.evaluating = Evaluating(self.book, self.silences, evaluator, clock, settings)
        self.postman = Postman(settings)
        self.delivering = Delivering(self.outbox, self.postman, clock, settings)

    async def put(self, name: str, rule: Rule, *, interval_us: int = 60 * US) -> KeptRule:
        now_us = self.clock.now_us()
        kept = KeptRule(DEFAULT_TENANT, name, rule, State(since_us=now_us), next_due_us(now_us, interval_us))
        await self.book.put_rule(kept, is_new_question=True)
        return kept

    async def evaluate(self) -> int:
        """What is due now, once; how many evaluations that was."""
        claims = await self.evaluating.take(100)
        for claim in claims:
            await self.evaluating.evaluate(claim)
        return len(claims)

    async def deliver(self) -> int:
        taken = await self.delivering.take(100)
        for dispatch in taken:
            await self.delivering.deliver(dispatch)
        return len(taken)

    async def kinds(self, rule: str | None = None) -> list[str]:
        """Of the transitions so far, in order."""
        return [entry.kind for entry in (await history(self.outbox, rule))[0]][::-1]


async def history(outbox: Outbox, rule: str | None = None) -> Any:
    return await outbox.history(DEFAULT_TENANT, rule, UUID(int=(1 << 128) - 1), 1000)


def rule(*receivers: Receiver, **members: Any) -> Rule:
    return Rule(**{"query": "level:error", "condition": "> 10", "receivers": receivers} | members)


def notice(**members: Any) -> Notice:
    given: dict[str, Any] = {
        "id": SystemClock().batch_id(),
        "kind": "firing",
        "tenant": DEFAULT_TENANT,
        "rule": "checkout-errors",
        "severity": "critical",
        "labels": {"team": "shop"},
        "about": "Look at the card gateway.",
        "query": "level:error service:checkout",
        "condition": "> 100",
        "consecutive": 2,
        "at_us": 1_795_000_000_000_000,
        "start_us": 1_794_999_700_000_000,
        "end_us": 1_795_000_000_000_000,
        "value": 117.0,
        "lines": ("2026-11-18T08:00:00Z ERROR checkout card declined: ü € 🙂",),
        "link": "https://logs.example.org/?query=level%3Aerror",
    }
    return Notice(**given | members)


class Hook:
    """A server that takes webhooks, and answers what it is told to."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        """To answer, one after the other; then 200."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.send_header("location", f"http://127.0.0.1:{hook.port}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?token=s3cret"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]
