"""Keys as people ask for them: checked, made, and told of. For the command and the endpoint alike."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from cordwood.errors import BadRequest, NotFound
from cordwood.model.event import format_timestamp, parse_timestamp
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import SCOPES, Scope, StoredKey
from cordwood.tenancy.keys import new_key

MAX_NAME = 200
KeyState = Literal["active", "expired", "revoked"]
_Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]

_UNITS_S = {"m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"([0-9]{1,6})([mhd])")
_KEY = re.compile(r"cw_([0-9a-f]{12})_[0-9a-f]+")


class Wanted(Struct, frozen=True, kw_only=True):
    """A key that somebody wants: `expires` is a span from now (`30d`), a time in RFC 3339, or never."""

    name: str
    scopes: Sequence[str]
    expires: str | None


class KeyEntry(Struct, frozen=True, kw_only=True):
    """A key in a list: all of it but the key itself. A last use is noted within about a minute."""

    id: str
    name: str
    tenant: str
    scopes: Sequence[Scope]
    state: KeyState
    created_at: _Moment
    expires_at: _Moment | None
    last_used_at: _Moment | None
    revoked_at: _Moment | None


def issued(wanted: Wanted, owner: Tenant, now_us: int) -> tuple[str, StoredKey]:
    """A fresh key, and what is kept of it. Raises BadRequest, naming what is wrong."""
    if len(wanted.name) > MAX_NAME:
        raise BadRequest(f"the name has {len(wanted.name)} characters", hint=f"use at most {MAX_NAME}")
    scopes = _scopes_of(wanted.scopes)
    expires_at_us = None if wanted.expires is None else _end_of_life(wanted.expires, now_us)
    key, key_id = new_key()
    stored = StoredKey(
        id=key_id,
        tenant=owner,
        scopes=scopes,
        name=wanted.name,
        created_at_us=now_us,
        expires_at_us=expires_at_us,
    )
    return key, stored


def entry_of(key: StoredKey, now_us: int) -> KeyEntry:
    """A key as it may be shown, at a time."""
    return KeyEntry(
        id=key.id,
        name=key.name,
        tenant=key.tenant,
        scopes=sorted(key.scopes),
        state=state_of(key, now_us),
        created_at=format_timestamp(key.created_at_us),
        expires_at=_shown(key.expires_at_us),
        last_used_at=_shown(key.last_used_at_us),
        revoked_at=_shown(key.revoked_at_us),
    )


def state_of(key: StoredKey, now_us: int) -> KeyState:
    """Whether it opens anything at a time; if not, why."""
    if key.revoked_at_us is not None:
        return "revoked"
    return "expired" if key.expires_at_us is not None and key.expires_at_us <= now_us else "active"


def id_in(text: str) -> str:
    """The id; people paste whole keys, which must not be echoed."""
    match = _KEY.fullmatch(text)
    return match[1] if match else text


def no_key(key_id: str) -> NotFound:
    return NotFound(f"there is no key with the id {key_id!r}", hint="`cordwood keys list` shows them")


def _shown(moment_us: int | None) -> str | None:
    return None if moment_us is None else format_timestamp(moment_us)


def _scopes_of(names: Sequence[str]) -> frozenset[Scope]:
    scopes = frozenset(scope for scope in SCOPES if scope in names)
    if unknown := sorted(set(names) - scopes):
        raise BadRequest(f"there is no scope {unknown[0]!r}", hint=f"scopes are {', '.join(SCOPES)}")
    return scopes


def _end_of_life(text: str, now_us: int) -> int:
    if match := _SPAN.fullmatch(text):
        end_us: int | None = now_us + int(match[1]) * _UNITS_S[match[2]] * 1_000_000
    else:
        end_us = parse_timestamp(text)
    if end_us is None:
        raise BadRequest(f"'expires' is no time: {text[:80]!r}", hint="for instance 30d, or 2027-01-31T00:00:00Z")
    if end_us <= now_us:
        raise BadRequest(f"'expires' is past: {text[:80]!r}", hint="a key that has expired already opens nothing")
    return end_us
