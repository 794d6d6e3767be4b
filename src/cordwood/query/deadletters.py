"""The dead letters' endpoints: list, show, replay, discard; and the record of what was done."""

import base64
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood.errors import BadRequest, NotFound
from cordwood.http.auth import authenticate
from cordwood.model.action import Action
from cordwood.model.deadletter import KeptLetter, LetterGroup, Selection, letter_text, parse_letter
from cordwood.model.event import format_timestamp
from cordwood.query.asked import json_body
from cordwood.query.mending import Edit, Mender
from cordwood.query.parameters import only_known
from cordwood.store.interface import DeadLetters
from cordwood.tenancy.interface import Grant, Keys, Scope

_MAX_LIMIT = 1000
_DEFAULT_LIMIT = 100
_PREVIEW = 200


class LetterRow(Struct, frozen=True):
    """A dead letter in a list."""

    id: str
    reason: str
    protocol: str
    events: int
    received_at: str
    dead_at: str
    size_bytes: int
    preview: str


class GroupRow(Struct, frozen=True):
    """Letters with one reason."""

    reason: str
    protocol: str
    letters: int
    events: int
    first_at: str
    last_at: str


class Listing(Struct, frozen=True):
    """Groups over all letters, and a page of letters."""

    groups: Sequence[GroupRow]
    letters: Sequence[LetterRow]
    next: str | None


class LetterAnswer(Struct, frozen=True):
    """One letter with its bytes: as text where they are UTF-8, else in base64."""

    id: str
    reason: str
    protocol: str
    events: int
    received_at: str
    dead_at: str
    body: str | None
    body_base64: str


class ActionRow(Struct, frozen=True):
    """An entry of the record."""

    id: str
    at: str
    actor: str
    action: str
    events: int
    detail: dict[str, str]


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """Which letters: exactly one of the first three."""

    ids: list[str] | None = None
    reason: str | None = None
    all: bool = False


class Discard(Choice, frozen=True):
    """Give these up."""


class Replay(Choice, frozen=True):
    """Store these after all; `body` is one event's whole new text."""

    edit: Edit | None = None
    body: Raw | UnsetType = UNSET
    dry_run: bool = False


class DeadLetterRoutes:
    """`/api/v1/dead-letters…` and `/api/v1/actions`."""

    def __init__(self, letters: DeadLetters, mender: Mender, keys: Keys) -> None:
        self._letters = letters
        self._mender = mender
        self._keys = keys

    def routes(self) -> list[Route]:
        base = "/api/v1/dead-letters"
        return [
            Route(base, self._list),
            Route(f"{base}/replay", self._replay, methods=["POST"]),
            Route(f"{base}/discard", self._discard, methods=["POST"]),
            Route(f"{base}/{{id}}", self._show),
            Route("/api/v1/actions", self._actions),
        ]

    async def _list(self, request: Request) -> Response:
        tenant = self._grant(request, "query").tenant
        given = only_known(request.query_params.multi_items(), ("reason", "limit", "cursor"))
        limit = _limit(given)
        after = parse_letter(given["cursor"]) if "cursor" in given else None
        letters = await self._letters.letters(tenant, Selection(reason=_reason(given.get("reason"))), limit + 1, after)
        groups = await self._letters.letter_groups(tenant)
        more = letter_text(letters[limit - 1].id) if len(letters) > limit else None
        return _json(Listing(list(map(_group, groups)), list(map(_row, letters[:limit])), more))

    async def _show(self, request: Request) -> Response:
        tenant = self._grant(request, "query").tenant
        chosen = parse_letter(request.path_params["id"])
        found = await self._letters.letters(tenant, Selection(ids=[chosen]), 1)
        if not found:
            raise NotFound("there is no such dead letter", hint="it may have been replayed or discarded")
        return _json(_whole(found[0]))

    async def _replay(self, request: Request) -> Response:
        grant = self._grant(request, "admin")
        asked = await json_body(request, Replay)
        selection = _selection(asked)
        if asked.body is not UNSET and (selection.ids is None or len(selection.ids) != 1):
            raise BadRequest("'body' replaces one event", hint="name one letter in 'ids', or use 'edit'")
        outcome = await self._mender.replay(
            grant.tenant,
            selection,
            asked.edit,
            None if asked.body is UNSET else bytes(asked.body),
            grant.actor,
            dry_run=asked.dry_run,
        )
        return _json(outcome)

    async def _discard(self, request: Request) -> Response:
        grant = self._grant(request, "admin")
        chosen = _selection(await json_body(request, Discard))
        events = await self._letters.discard(grant.tenant, chosen, grant.actor)
        return _json({"events": events})

    async def _actions(self, request: Request) -> Response:
        tenant = self._grant(request, "admin").tenant
        limit = _limit(only_known(request.query_params.multi_items(), ("limit",)))
        return _json({"actions": list(map(_action, await self._letters.actions(tenant, limit)))})

    def _grant(self, request: Request, scope: Scope) -> Grant:
        return authenticate(dict(request.headers.raw), self._keys, scope)


def _selection(asked: Choice) -> Selection:
    if (asked.ids is not None) + (asked.reason is not None) + asked.all != 1:
        raise BadRequest("name the letters by one of 'ids', 'reason' and 'all'")
    return Selection(None if asked.ids is None else [parse_letter(text) for text in asked.ids], _reason(asked.reason))


def _reason(text: str | None) -> str | None:
    if text is not None and "\0" in text:
        raise BadRequest("no reason has a NUL in it", hint="copy it from the list of dead letters")
    return text


def _limit(given: dict[str, str]) -> int:
    text = given.get("limit", str(_DEFAULT_LIMIT))
    if not text.isdecimal() or len(text) > 6 or not 1 <= int(text) <= _MAX_LIMIT:
        raise BadRequest(f"'limit' is no number from 1 to {_MAX_LIMIT}: {text[:40]!r}")
    return int(text)


def _group(group: LetterGroup) -> GroupRow:
    first, last = format_timestamp(group.first_us), format_timestamp(group.last_us)
    return GroupRow(group.reason, group.protocol, group.letters, group.events, first, last)


def _row(kept: KeptLetter) -> LetterRow:
    letter = kept.letter
    return LetterRow(
        letter_text(kept.id),
        letter.reason,
        letter.protocol,
        letter.events,
        format_timestamp(letter.received_at_us),
        format_timestamp(kept.dead_at_us),
        len(letter.body),
        letter.body[:_PREVIEW].decode(errors="replace"),
    )


def _whole(kept: KeptLetter) -> LetterAnswer:
    letter = kept.letter
    try:
        text = letter.body.decode()
    except UnicodeDecodeError:
        text = None
    return LetterAnswer(
        letter_text(kept.id),
        letter.reason,
        letter.protocol,
        letter.events,
        format_timestamp(letter.received_at_us),
        format_timestamp(kept.dead_at_us),
        text,
        "" if text is not None else base64.b64encode(letter.body).decode(),
    )


def _action(action: Action) -> ActionRow:
    at = format_timestamp(action.at_us)
    return ActionRow(str(action.id), at, action.actor, action.action, action.events, dict(action.detail))


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
