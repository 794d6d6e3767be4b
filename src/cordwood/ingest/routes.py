"""The ingest endpoints, as raw ASGI: the framework's share of a small request would be most of it."""

from collections.abc import Callable
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from starlette.types import Receive, Scope, Send

from cordwood.errors import BadRequest, CordwoodError, MethodNotAllowed
from cordwood.http.auth import authenticate
from cordwood.http.body import read_body
from cordwood.http.problem import Headers, problem
from cordwood.http.settings import HttpSettings
from cordwood.http.site import SPAN, answer
from cordwood.ingest.operations import Accepted
from cordwood.ingest.service import Ingest, Taken
from cordwood.model.receipt import Part
from cordwood.protocols.decoded import Reject
from cordwood.tenancy.interface import Keys
from cordwood.tracing.interface import Span

PATHS = ("/log", "/api/v1/ingest")

_MAX_ERRORS = 100
_JSON = [(b"content-type", b"application/json")]


class IngestRoutes:
    """`POST /log` and `POST /api/v1/ingest`."""

    def __init__(self, ingest: Ingest, keys: Keys, settings: HttpSettings) -> None:
        self._ingest = ingest
        self._keys = keys
        self._settings = settings
        self._named: tuple[UUID | None, str] = None, ""
        """The batch that was spelled out last: all that share it have it in their receipts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise MethodNotAllowed(f"{scope['path']} takes POST", hint="send events with POST", allow="POST")
        wait = _wants_stored(scope["query_string"])
        headers: dict[bytes, bytes] = dict(scope["headers"])
        tenant = authenticate(headers, self._keys, "ingest").tenant
        span: Span | None = scope.get(SPAN)
        with self._ingest.admission.request(tenant) as ticket:
            body = await read_body(headers, receive, self._settings, ticket.grew)
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            key = headers.get(b"idempotency-key")
            taken = await self._ingest.take_json(
                tenant,
                body,
                content_type,
                wait=wait,
                idempotency_key=None if key is None else key.decode("latin-1").strip(),
                cause=None if span is None else span.context,
            )
        if span is not None:
            span.set(cordwood_tenant=tenant, cordwood_accepted=taken.accepted, cordwood_rejected=len(taken.rejects))
        if taken.receipt is None:
            error = BadRequest(
                f"none of the {len(taken.rejects)} events can be taken",
                hint="mend the events named in 'errors'; nothing of this request was kept",
            )
            await answer(send, *problem(error, _counts(taken)))
            return
        members = {"receipt": str(taken.receipt), **_counts(taken)}
        if taken.is_stored is not None:
            members["stored"] = taken.is_stored
        await answer(send, 202, _JSON, msgspec.json.encode(members))

    def direct(self, headers: dict[bytes, bytes], body: bytes, reply: Callable[[int, Headers, bytes], None]) -> bool:
        """A small request without peculiarities (`site.DirectHandler`); what cannot be taken goes the long way."""

        def told(outcome: Part | CordwoodError) -> None:
            if isinstance(outcome, Part):
                reply(202, _JSON, msgspec.json.encode(Accepted(self._receipt(outcome), outcome.count, 0, ())))
            else:
                reply(*problem(outcome))

        try:
            tenant = authenticate(headers, self._keys, "ingest").tenant
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            return self._ingest.take_small(tenant, body, content_type, told)
        except CordwoodError:
            return False

    def _receipt(self, part: Part) -> str:
        """As `Receipt` spells it."""
        if part.batch_id is not self._named[0]:
            self._named = part.batch_id, str(part.batch_id)
        return f"{self._named[1]}~{part.first}~{part.count}"


def _counts(taken: Taken) -> dict[str, object]:
    errors = [_named(reject) for reject in taken.rejects[:_MAX_ERRORS]]
    counts: dict[str, object] = {"accepted": taken.accepted, "rejected": len(taken.rejects), "errors": errors}
    if len(taken.rejects) > _MAX_ERRORS:
        counts["errors_omitted"] = len(taken.rejects) - _MAX_ERRORS
    return counts


def _named(reject: Reject) -> dict[str, object]:
    line = {} if reject.line is None else {"line": reject.line}
    return {"index": reject.index, **line, "error": reject.error}


def _wants_stored(query: bytes) -> bool:
    if not query:
        return False
    parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    wait = parameters.pop("wait", ["durable"])[-1]
    if parameters:
        raise BadRequest(f"unknown parameter {min(parameters)!r}", hint="the one parameter here is wait=durable|stored")
    if wait not in ("durable", "stored"):
        raise BadRequest(f"wait={wait!r} is not known", hint="use wait=durable (the default) or wait=stored")
    return wait == "stored"
