"""What the endpoints of this room take and answer."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from cordwood.store.gauges import Kind
from cordwood.tenancy.interface import Scope
from cordwood.tenancy.issuing import MAX_NAME, KeyEntry

Service = Literal["up", "query"]
_Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_Count = Annotated[int, Meta(ge=0)]
_Number = Annotated[float, Meta(ge=0)]


class Public(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that a page needs to know, and nothing that is secret."""

    default_limit: int
    max_limit: int
    max_history: int
    public_url: str


class Whoami(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the caller's key opens, and whom it asks. Without keys, everybody is `anyone`. `now`: the server's time."""

    tenant: str
    actor: str
    scopes: Sequence[Scope]
    keys_required: bool
    version: str
    service: Service
    takes_logs: bool
    public: Public
    now: _Moment


class BrokerStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What waits in the queue, of all tenants, as /metrics tells; null where the queue cannot tell."""

    batches: _Count
    bytes: _Count | None
    oldest_age_s: _Number | None


class MinuteStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One minute of arrival: accepted = stored + deduplicated + dead_lettered."""

    start: _Moment
    accepted: _Count
    stored: _Count
    deduplicated: _Count
    dead_lettered: _Count
    batches: _Count


class LatencyStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From accepting a batch to its events being found."""

    p50_ms: _Number
    p99_ms: _Number
    max_ms: _Number
    batches: _Count


class IngestStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accepted in the last full minute, for each of its seconds."""

    events_per_s: _Number


class StoreStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the tenant has in the store."""

    kind: Kind
    events: _Count
    segments: _Count | None
    bytes: _Count | None


class LetterStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What waits to be mended."""

    events: _Count
    letters: _Count


class Status(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How things go, as of `now`."""

    now: _Moment
    service: Service
    version: str
    started_at: _Moment
    broker: BrokerStatus | None
    minutes: Sequence[MinuteStatus]
    accept_to_stored: LatencyStatus | None
    ingest: IngestStatus
    store: StoreStatus
    retention_days: int | None
    dead_letters: LetterStatus


class PartBytes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share of the bytes, by what they are for."""

    part: str
    bytes: _Count


class ServiceEvents(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events that name one service, or none."""

    service: str | None
    events: _Count


class FieldBytes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the values of one field take."""

    field: str
    types: Sequence[str]
    bytes: _Count
    uncompressed_bytes: _Count
    segments: _Count


class StoreAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the tenant has in the store and what takes the room; null, or nothing, where tenants share it. `truncated`:
    there are more services, fields or unreadable segments than are listed. Not `complete`: there was no time to look
    into the store, and nothing is listed."""

    kind: Kind
    events: _Count
    segments: _Count | None
    rows: _Count | None
    bytes: _Count | None
    parts: Sequence[PartBytes]
    services: Sequence[ServiceEvents]
    fields: Sequence[FieldBytes]
    unreadable: Sequence[str]
    truncated: bool
    complete: bool


class KeyList(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys ever made for the tenant, the oldest first; those of the settings are not among them."""

    keys: Sequence[KeyEntry]


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make. `expires` is a span from now, a time, or null for never. `closes_door` is asked for while nobody
    needs a key: from this one on, everybody does."""

    name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)]
    expires: Annotated[str, Meta(max_length=40, examples=["30d", "2027-01-31T00:00:00Z"])] | None = None
    closes_door: bool = False


class MadeKey(KeyEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that was made. `key` is shown this once: only its SHA-256 is kept."""

    key: str
