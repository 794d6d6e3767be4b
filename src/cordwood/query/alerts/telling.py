"""The endpoints of silences and of the history."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET
from starlette.requests import Request
from starlette.routing import Route

from cordwood.alerts.checks import check_texts
from cordwood.alerts.interface import Delivery, Entry
from cordwood.alerts.kept import Silences
from cordwood.alerts.outbox import Outbox
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import BadRequest
from cordwood.language.quantities import parse_duration
from cordwood.model.alerts.rule import Silence, masked
from cordwood.model.event import MAX_TIMESTAMP_US, format_timestamp
from cordwood.query.alerts.asking import granted, route
from cordwood.query.alerts.shapes import (
    Deleted,
    DeliveryAnswer,
    EntryAnswer,
    History,
    NewSilence,
    SilenceAnswer,
    SilenceList,
)
from cordwood.query.asked import json_body
from cordwood.query.parameters import only_known, parse_time
from cordwood.tenancy.interface import Keys

BASE = "/api/v1/alerts"
_DEFAULT_LIMIT, _MOST = 100, 1000
_LAST = UUID(int=(1 << 128) - 1)


class TellingRoutes:
    """`/api/v1/alerts/silences` and `/api/v1/alerts/history`."""

    def __init__(self, silences: Silences, outbox: Outbox, keys: Keys, clock: Clock, settings: AlertSettings) -> None:
        self._silences = silences
        self._outbox = outbox
        self._keys = keys
        self._clock = clock
        self._settings = settings

    def routes(self) -> list[Route]:
        return [
            route(f"{BASE}/silences", {"GET": self._list, "POST": self._add}),
            route(f"{BASE}/silences/{{id}}", {"DELETE": self._remove}),
            route(f"{BASE}/history", {"GET": self._history}),
        ]

    async def _list(self, request: Request) -> SilenceList:
        tenant = granted(request, self._keys, "query").tenant
        return SilenceList([_silence(each) for each in await self._silences.all(tenant, self._clock.now_us())])

    async def _add(self, request: Request) -> SilenceAnswer:
        grant = granted(request, self._keys, "admin")
        asked, now_us = await json_body(request, NewSilence), self._clock.now_us()
        if asked.rule is None and not asked.labels:
            raise BadRequest("this would silence every rule", hint="name a 'rule', or 'labels' that rules have")
        check_texts("comment", [asked.comment, asked.rule or "", *asked.labels.keys(), *asked.labels.values()])
        start_us = now_us if asked.start is None else parse_time("start", asked.start, now_us)
        silence = Silence(
            id=self._clock.batch_id(),
            rule=asked.rule,
            labels=asked.labels,
            start_us=start_us,
            end_us=_end_us(asked, start_us, now_us),
            comment=asked.comment,
            author=grant.actor,
        )
        if not max(now_us, start_us) < silence.end_us <= MAX_TIMESTAMP_US:
            raise BadRequest("the silence ends before it begins, or is past", hint='for instance "duration": "2h"')
        if len(await self._silences.all(grant.tenant, now_us)) >= self._settings.max_rules:
            raise BadRequest("there are too many silences already", hint="delete some")
        await self._silences.add(grant.tenant, silence)
        return _silence(silence)

    async def _remove(self, request: Request) -> Deleted:
        tenant = granted(request, self._keys, "admin").tenant
        silence_id = _id_of("id", request.path_params["id"])
        await self._silences.remove(tenant, silence_id)
        return Deleted(str(silence_id))

    async def _history(self, request: Request) -> History:
        tenant = granted(request, self._keys, "query").tenant
        given = only_known(request.query_params.multi_items(), ("rule", "cursor", "limit"))
        text = given.get("limit", str(_DEFAULT_LIMIT))
        if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= _MOST):
            raise BadRequest(f"'limit' is no number from 1 to {_MOST}: {text[:40]!r}")
        if "\0" in given.get("rule", ""):
            raise BadRequest("no rule's name has a NUL in it")
        before = _LAST if "cursor" not in given else _id_of("cursor", given["cursor"])
        entries, deliveries = await self._outbox.history(tenant, given.get("rule"), before, int(text))
        more = entries[-1].id if len(entries) == int(text) else None
        return History([_entry(each, deliveries) for each in entries], more)


def _id_of(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest(f"'{name}' is no id: {text[:80]!r}", hint="ids are UUIDs, as answers have them") from error


def _end_us(asked: NewSilence, start_us: int, now_us: int) -> int:
    if (asked.end is None) == (asked.duration is None):
        raise BadRequest("say how long by one of 'end' and 'duration'")
    if asked.end is not None:
        return parse_time("end", asked.end, now_us)
    span_ns = parse_duration(asked.duration or "")
    if span_ns is None:
        raise BadRequest(f"'duration' is no duration: {asked.duration!r}", hint="for instance 2h")
    return start_us + span_ns // 1000


def _silence(silence: Silence) -> SilenceAnswer:
    start, end = format_timestamp(silence.start_us), format_timestamp(silence.end_us)
    return SilenceAnswer(silence.id, silence.rule, silence.labels, start, end, silence.comment, silence.author)


def _entry(entry: Entry, deliveries: Sequence[Delivery]) -> EntryAnswer:
    told = [
        DeliveryAnswer(
            each.id,
            masked(each.receiver),
            each.status,
            each.attempts,
            each.error,
            None if each.done_us is None else format_timestamp(each.done_us),
        )
        for each in deliveries
        if each.entry == entry.id
    ]
    at = format_timestamp(entry.at_us)
    groups = UNSET if entry.found is UNSET else entry.found.groups
    return EntryAnswer(
        entry.id, entry.rule, entry.kind, at, entry.value, entry.error, entry.note, entry.silence, told, groups
    )
