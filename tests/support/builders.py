"""Batches, made briefly."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from cordwood.clock import SystemClock
from cordwood.model.batch import Batch, BatchHeader, compressed, expanded
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Equals
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.store.interface import Load

PRODUCER = SystemClock().batch_id()


def batch(
    events: Iterable[dict[str, Any] | bytes] = ({"message": "hello"},),
    *,
    batch_id: UUID | None = None,
    tenant: Tenant = DEFAULT_TENANT,
    received_at_us: int | None = None,
) -> Batch:
    """A batch of events, each given as an object or as its JSON bytes."""
    clock = SystemClock()
    lines = [event if isinstance(event, bytes) else msgspec.json.encode(event) for event in events]
    ndjson = b"".join(line + b"\n" for line in lines)
    header = BatchHeader(
        id=batch_id or clock.batch_id(),
        tenant=tenant,
        events=len(lines),
        size_bytes=len(ndjson),
        protocol="json",
        received_at_us=clock.now_us() if received_at_us is None else received_at_us,
        producer=PRODUCER,
        sequence=1,
    )
    return Batch(header, compressed(ndjson))


def load(
    events: Iterable[dict[str, Any] | bytes] = ({"message": "hello"},),
    *,
    batch_id: UUID | None = None,
    tenant: Tenant = DEFAULT_TENANT,
    received_at_us: int | None = None,
) -> Load:
    """The same, opened as a worker does."""
    made = batch(events, batch_id=batch_id, tenant=tenant, received_at_us=received_at_us)
    return Load(made, expanded(made))


def equal(field: str, text: str) -> Equals:
    """The filter that a field has a value."""
    return Equals(Field(field), text)
