"""Dead letter: an event that cannot be stored, kept with its original bytes and the reason."""

from uuid import UUID

import msgspec

from cordwood.model.tenant import Tenant


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One refused event of a batch. `body` is its line as it travelled."""

    batch_id: UUID
    ordinal: int
    tenant: Tenant
    protocol: str
    reason: str
    received_at_us: int
    body: bytes
