"""Action: what a person, or a rule in their name, did to what is stored. The stores keep a record of each."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from msgspec import Struct

from cordwood.model.tenant import Tenant

ActionKind = Literal["replay", "discard", "expire_dead_letters", "expire", "delete"]


class Action(Struct, frozen=True, kw_only=True):
    """One entry of the record. Time is µs since 1970 UTC."""

    id: UUID
    tenant: Tenant
    at_us: int
    actor: str
    """Who: a key's id, a command's user, or `retention`."""
    action: ActionKind
    events: int
    detail: Mapping[str, str]
