"""A row of `logs` in the binary COPY format (PostgreSQL documentation, "COPY", Binary Format).

What rows have in common comes first, so that it is packed once; the event comes last, so that all before it is one
piece: *beginning* · ordinal to data · the event.
"""

from struct import Struct as Layout

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.db.postgres import POSTGRES_EPOCH_US
from cordwood.model.batch import BatchHeader
from cordwood.store.postgres.jsonb import escaped_text
from cordwood.store.postgres.rolling import Pair, kept_pair

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

COLUMNS = ("tenant", "level", "service", "inserted_at", "id", "ts", "data")

FROM_ORDINAL_TO_DATA = Layout(">Iiqi1s")
"""ordinal, the end of the id · length of ts · ts · length of the jsonb · its version"""

_TIMESTAMP = Layout(">iq")
_ID_LENGTH = 16
_COUNT = Layout(">h")
_LENGTH = Layout(">i")
_NULL = _LENGTH.pack(-1)


class Encoded(Struct, frozen=True):
    """Rows, their timestamps in µs since 1970 UTC, and the numbers of their beginnings."""

    data: memoryview
    times: NDArray[np.int64]
    numbers: NDArray[np.int64]


class Beginnings:
    """What the rows of a batch begin with: numbered, one for each level and service."""

    def __init__(self, header: BatchHeader, now_us: int) -> None:
        self._tenant = _COUNT.pack(len(COLUMNS)) + _text(header.tenant)
        self._same = _TIMESTAMP.pack(8, now_us - POSTGRES_EPOCH_US) + _LENGTH.pack(_ID_LENGTH) + header.id.bytes[:12]
        self._numbers: dict[tuple[str | None, str | None], int] = {}
        self.texts: list[bytes] = []
        """By number."""
        self.pairs: list[Pair] = []
        """The same, level and service only."""

    def number_of(self, level: str | None, service: str | None) -> int:
        """Its place in `texts`."""
        number = self._numbers.get((level, service))
        if number is None:
            number = self._numbers[level, service] = len(self.texts)
            self.texts.append(self._tenant + _text(level) + _text(service) + self._same)
            self.pairs.append(kept_pair(level, service))
        return number


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = escaped_text(value).encode()
    return _LENGTH.pack(len(encoded)) + encoded
