"""What a receiver is told, before it is put into the words of its kind."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from cordwood.model.alerts.found import Found
from cordwood.model.alerts.rule import Severity
from cordwood.model.tenant import Tenant

NoticeKind = Literal["firing", "resolved", "unknown", "known", "test"]


class Notice(Struct, frozen=True, kw_only=True):
    """One message about a rule. Its texts may come from outside, except for `lines`, which are harmless."""

    id: UUID
    """The same each time that it is sent: a receiver drops what it has had."""
    kind: NoticeKind
    tenant: Tenant
    rule: str
    severity: Severity
    labels: Mapping[str, str]
    about: str
    query: str
    condition: str
    consecutive: int
    at_us: int
    start_us: int
    end_us: int
    value: float | None = None
    note: str = ""
    error: str = ""
    lines: tuple[str, ...] = ()
    link: str | None = None
    found: Found | UnsetType = UNSET
    """Where the query makes a table."""
