"""Receipt: what an accepted request gets, naming every event it became.

Text form: one part per batch, joined by dots; a part is `BATCH~FIRST~COUNT` (uuid, decimal ordinal, decimal
count). Only unreserved URL characters (RFC 3986 §2.3), so that it can stand in a path.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from cordwood.errors import BadRequest

_ORDINALS = 1 << 32
"""So many find room in a batch's ids."""


class Part(msgspec.Struct, frozen=True):
    """A run of ordinals in one batch."""

    batch_id: UUID
    first: int
    count: int

    @property
    def end(self) -> int:
        """The ordinal behind the last."""
        return self.first + self.count


class Receipt(msgspec.Struct, frozen=True):
    """The parts that a request's accepted events went into, in request order."""

    parts: Sequence[Part]

    def __str__(self) -> str:
        return ".".join(f"{part.batch_id}~{part.first}~{part.count}" for part in self.parts)


def parse_receipt(text: str) -> Receipt:
    """Read a receipt's text form. Raises BadRequest."""
    try:
        parts = [
            Part(UUID(batch_id), int(first), int(count))
            for batch_id, first, count in (part.split("~") for part in text.split("."))
        ]
    except ValueError as error:
        raise BadRequest(f"{text[:80]!r} is not a receipt", hint="send it as it was answered") from error
    receipt = Receipt(parts)
    if str(receipt) != text or any(part.first < 0 or part.count < 1 or part.end > _ORDINALS for part in parts):
        raise BadRequest(f"{text[:80]!r} is not a receipt", hint="send it as it was answered")
    return receipt
