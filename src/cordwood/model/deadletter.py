"""Dead letter: an event, or a whole batch, that cannot be stored, kept with its original bytes and the reason."""

from typing import Literal
from uuid import UUID

import msgspec

from cordwood.model.tenant import Tenant

WHOLE_BATCH = -1
"""The ordinal of a dead letter that is a whole batch."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One refused event of a batch. `body` is its line as it travelled; of a whole batch, the compressed body."""

    batch_id: UUID
    ordinal: int
    tenant: Tenant
    protocol: str
    reason: str
    received_at_us: int
    body: bytes
    events: int = 1


Settled = Literal["discarded", "expired"]
"""How a dead letter ended that was not replayed; its bytes are gone."""


class LetterFate(msgspec.Struct, frozen=True):
    """What a receipt tells of a dead letter."""

    batch_id: UUID
    ordinal: int
    events: int
    reason: str
    settled_as: Settled | None
