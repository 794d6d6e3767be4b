"""Dead letter: an event, or a whole batch, that cannot be stored, kept with its original bytes and the reason."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from cordwood.errors import BadRequest, Corrupt
from cordwood.model.batch import Batch, BatchHeader
from cordwood.model.tenant import Tenant

WHOLE_BATCH = -1
"""The ordinal of a dead letter that is a whole batch."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One refused event of a batch, its line as it travelled; or a whole batch: its header as a line of JSON, then its
    compressed body."""

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


def whole_letter(batch: Batch, reason: str) -> DeadLetter:
    """A batch as a dead letter."""
    header = batch.header
    return DeadLetter(
        batch_id=header.id,
        ordinal=WHOLE_BATCH,
        tenant=header.tenant,
        protocol=header.protocol,
        reason=reason,
        received_at_us=header.received_at_us,
        body=msgspec.json.encode(header) + b"\n" + batch.body,
        events=header.events,
    )


def batch_of_letter(letter: DeadLetter) -> Batch:
    """The batch behind a letter that is a whole one. Raises Corrupt."""
    header, _, body = letter.body.partition(b"\n")
    try:
        return Batch(msgspec.json.decode(header, type=BatchHeader), body)
    except msgspec.MsgspecError as error:
        raise Corrupt(f"the header of batch {letter.batch_id} does not read back: {error}") from error


class KeptLetter(msgspec.Struct, frozen=True):
    """A dead letter as a store keeps it."""

    letter: DeadLetter
    dead_at_us: int

    @property
    def id(self) -> "LetterId":
        return self.letter.batch_id, self.letter.ordinal


LetterId = tuple[UUID, int]
"""Batch and ordinal; as text `BATCH~ORDINAL`, or `BATCH~all` for a whole batch."""


def letter_text(letter: LetterId) -> str:
    """The text form of an id."""
    batch_id, ordinal = letter
    return f"{batch_id}~{'all' if ordinal == WHOLE_BATCH else ordinal}"


def parse_letter(text: str) -> LetterId:
    """Read an id's text form. Raises BadRequest."""
    batch, _, ordinal = text.partition("~")
    try:
        return UUID(batch), WHOLE_BATCH if ordinal == "all" else _ordinal(ordinal)
    except ValueError as error:
        raise BadRequest(f"{text[:80]!r} is no dead letter's id", hint="send it as it was listed") from error


def _ordinal(text: str) -> int:
    if not text.isdecimal() or len(text) > 10:
        raise ValueError(text)
    return int(text)


class Selection(msgspec.Struct, frozen=True):
    """Some of a tenant's dead letters: these, those with a reason, or all."""

    ids: Sequence[LetterId] | None = None
    reason: str | None = None


class LetterGroup(msgspec.Struct, frozen=True):
    """Dead letters that have reason and protocol in common. Times are µs since 1970 UTC."""

    reason: str
    protocol: str
    letters: int
    events: int
    first_us: int
    last_us: int


class LetterFate(msgspec.Struct, frozen=True):
    """What a receipt tells of a dead letter."""

    batch_id: UUID
    ordinal: int
    events: int
    reason: str
    settled_as: Settled | None
