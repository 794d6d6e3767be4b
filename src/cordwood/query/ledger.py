"""The ledger endpoints: a receipt's fate, and a tenant's counts."""

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.http.auth import authenticate
from cordwood.model.event import format_timestamp
from cordwood.model.ledger import MINUTE_US, Finding, FindingKind, Minute, judge
from cordwood.model.receipt import parse_receipt
from cordwood.query.parameters import only_known, parse_time
from cordwood.query.receipts import fate_of
from cordwood.store.interface import Books
from cordwood.tenancy.interface import Keys

_PARAMETERS = ("start", "end", "count")
_MAX_MINUTES = 7 * 24 * 60


class MinuteRow(Struct, frozen=True):
    """One minute of arrival: accepted = stored + deduplicated + dead_lettered."""

    minute: str
    batches: int
    accepted: int
    stored: int
    deduplicated: int
    dead_lettered: int


class FindingRow(Struct, frozen=True):
    """Something that the audit has to say."""

    kind: FindingKind
    is_fault: bool
    what: str
    events: int | None


class LedgerAnswer(Struct, frozen=True):
    """Counts by minute, and what an audit of this tenant's books finds."""

    is_balanced: bool
    findings: list[FindingRow]
    minutes: list[MinuteRow]


class LedgerRoutes:
    """`GET /api/v1/ledger` and `/api/v1/receipts/{receipt}`."""

    def __init__(self, books: Books, keys: Keys, clock: Clock, receipts_days: int) -> None:
        self._receipts_days = receipts_days
        self._books = books
        self._keys = keys
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route("/api/v1/ledger", self._ledger), Route("/api/v1/receipts/{receipt}", self._receipt)]

    async def _ledger(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        given = only_known(request.query_params.multi_items(), _PARAMETERS)
        now_us = self._clock.now_us()
        end_us = parse_time("end", given["end"], now_us) if "end" in given else now_us
        start_us = parse_time("start", given["start"], now_us) if "start" in given else end_us - 60 * MINUTE_US
        if (end_us - start_us) // MINUTE_US > _MAX_MINUTES:
            raise BadRequest("more than seven days of minutes", hint="ask for a part of them with 'start' and 'end'")
        minutes = await self._books.minutes(tenant, start_us // MINUTE_US * MINUTE_US, end_us)
        accounts = await self._books.accounts(tenant, is_counted=_wants_count(given))
        findings = judge(accounts, now_us)
        answer = LedgerAnswer(
            not any(finding.is_fault for finding in findings),
            list(map(_finding, findings)),
            list(map(_minute, minutes)),
        )
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def _receipt(self, request: Request) -> Response:
        tenant = authenticate(dict(request.headers.raw), self._keys, "query").tenant
        receipt = parse_receipt(request.path_params["receipt"])
        fate = await fate_of(receipt, self._books, tenant, self._receipts_days)
        return Response(msgspec.json.encode(fate), media_type="application/json")


def _wants_count(given: dict[str, str]) -> bool:
    text = given.get("count", "false")
    if text not in ("true", "false"):
        raise BadRequest(f"'count' is true or false, not {text[:40]!r}")
    return text == "true"


def _finding(finding: Finding) -> FindingRow:
    return FindingRow(finding.kind, finding.is_fault, finding.what, finding.events)


def _minute(minute: Minute) -> MinuteRow:
    return MinuteRow(
        format_timestamp(minute.start_us),
        minute.batches,
        minute.accepted,
        minute.stored,
        minute.deduplicated,
        minute.dead_lettered,
    )
