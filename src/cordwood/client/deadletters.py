"""Dead letters on the server, as calls."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from msgspec import UNSET, Raw, Struct, UnsetType

from cordwood.client.http import Api

_PATH = "/api/v1/dead-letters"


class Group(Struct, frozen=True):
    """Letters with one reason."""

    reason: str
    protocol: str
    letters: int
    events: int
    first_at: str
    last_at: str


class Letter(Struct, frozen=True):
    """A letter in a list."""

    id: str
    reason: str
    events: int
    received_at: str
    preview: str


class Listing(Struct, frozen=True):
    """Groups over all letters, and some letters."""

    groups: Sequence[Group]
    letters: Sequence[Letter]
    next: str | None


class Whole(Struct, frozen=True):
    """A letter with its bytes: as text, or in base64."""

    id: str
    reason: str
    protocol: str
    events: int
    received_at: str
    dead_at: str
    body: str | None
    body_base64: str


class Choice(Struct, frozen=True, omit_defaults=True):
    """Which letters: one of these."""

    ids: Sequence[str] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    all: bool = False


class _Replay(Choice, frozen=True, omit_defaults=True):
    edit: dict[str, Any] | UnsetType = UNSET
    body: Raw | UnsetType = UNSET
    dry_run: bool = False


class Failure(Struct, frozen=True):
    """A letter that stays one."""

    id: str
    error: str


class Outcome(Struct, frozen=True):
    """What a replay did, or would do."""

    events: int
    letters: int
    failed_letters: int
    failed: Sequence[Failure]
    is_dry_run: bool


class Discarded(Struct, frozen=True):
    """How many events were given up."""

    events: int


def listing(api: Api, reason: str | None, limit: int) -> Listing:
    """The newest page. Raises what `Api.get` raises."""
    parameters = [("limit", str(limit))] + ([("reason", reason)] if reason is not None else [])
    return api.get(_PATH, Listing, parameters)


def show(api: Api, letter: str) -> Whole:
    """One letter. Raises what `Api.get` raises."""
    return api.get(f"{_PATH}/{quote(letter, safe='~')}", Whole)


def replay(api: Api, choice: Choice, edit: dict[str, Any] | None, body: bytes | None, *, dry_run: bool) -> Outcome:
    """Store letters after all. Raises what `Api.post` raises."""
    asked = _Replay(
        ids=choice.ids,
        reason=choice.reason,
        all=choice.all,
        edit=UNSET if edit is None else edit,
        body=UNSET if body is None else Raw(body),
        dry_run=dry_run,
    )
    return api.post(f"{_PATH}/replay", asked, Outcome)


def discard(api: Api, choice: Choice) -> Discarded:
    """Give letters up. Raises what `Api.post` raises."""
    return api.post(f"{_PATH}/discard", choice, Discarded)
