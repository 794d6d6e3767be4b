"""What is known of stretches of each row group of a segment: their times, and a filter of their words.

It lies in the file itself, between the last row group and the footer. `docs/reference/segments.md`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from struct import Struct as Layout
from typing import Self, TypeAlias
from zlib import crc32

from msgspec import Struct

from cordwood.store.segments.token_filter import BLOCK_BYTES, ProbedFilter, TokenFilter

_MAGIC, _EARLIER_MAGIC = b"CWG2", b"CWGI"
_GROUP = Layout("<IIqqI")
"""Rows, bytes of the filter (0: no filter), first and last timestamp, CRC-32 of the filter."""
_EARLIER_GROUP = Layout("<IBBxxqqI")
"""Rows, log2 of the filter's bytes, its probes (0: no filter), and the same."""
_END = Layout("<III4s")
"""Entries, bytes in front of this that belong to it, CRC-32 of the entries, `_MAGIC`."""
_FOOTER = Layout("<I4s")
_MOST_LOG = 24
_GUESSED_BYTES = 4096

ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Offset and length → bytes of a file; fewer at its end. Raises OSError."""


class Group(Struct, frozen=True):
    """A stretch of rows of a row group, from row `first` of the file on; `words` is None when it may hold any of them.
    Times are µs since 1970."""

    first: int
    rows: int
    min_us: int
    max_us: int
    words: TokenFilter | ProbedFilter | None

    @property
    def behind(self) -> int:
        return self.first + self.rows


class GroupIndex(Struct, frozen=True):
    """All stretches of a file, in their order."""

    groups: Sequence[Group]

    @property
    def size_bytes(self) -> int:
        """What is kept of it in memory, and about as much in the file."""
        return sum(_GROUP.size + (0 if group.words is None else len(group.words.bits)) for group in self.groups)

    def to_bytes(self) -> bytes:
        """As it lies in a file: the bits of all filters, an entry for each stretch, and how many those are."""
        bits = b"".join(group.words.bits for group in self.groups if group.words is not None)
        entries = b"".join(map(_entry, self.groups))
        return bits + entries + _END.pack(len(self.groups), len(bits) + len(entries), crc32(entries), _MAGIC)

    @classmethod
    def read(cls, read_at: ReadAt, size_bytes: int) -> Self | None:
        """Of a file of that size; None when it has none, or a damaged one. Raises OSError."""
        last = max(0, size_bytes - _GUESSED_BYTES)
        tail = read_at(last, size_bytes - last)
        if len(tail) < _FOOTER.size:
            return None
        footer_bytes, _ = _FOOTER.unpack(tail[-_FOOTER.size :])
        end = size_bytes - _FOOTER.size - footer_bytes
        if end < _END.size:
            return None
        count, length, checksum, magic = _END.unpack(read_at(end - _END.size, _END.size))
        begin = end - _END.size - length
        if magic not in (_MAGIC, _EARLIER_MAGIC) or begin < 0 or count * _GROUP.size > length:
            return None
        body = read_at(begin, length)
        entries = body[length - count * _GROUP.size :]
        if len(body) != length or crc32(entries) != checksum:
            return None
        return cls(list(_groups(entries, body) if magic == _MAGIC else _earlier_groups(entries, body)))

    @classmethod
    def of_file(cls, path: Path) -> Self | None:
        """Raises OSError."""
        with path.open("rb") as file:

            def read_at(offset: int, length: int) -> bytes:
                file.seek(offset)
                return file.read(length)

            return cls.read(read_at, path.stat().st_size)


def _entry(group: Group) -> bytes:
    bits = b"" if group.words is None else group.words.bits
    return _GROUP.pack(group.rows, len(bits), group.min_us, group.max_us, crc32(bits))


def _groups(entries: bytes, body: bytes) -> Iterator[Group]:
    """A filter that is cut short or damaged is none."""
    first = at = 0
    for rows, length, min_us, max_us, checksum in _GROUP.iter_unpack(entries):
        bits = body[at : at + length]
        is_whole = len(bits) == length > 0 == length % BLOCK_BYTES and crc32(bits) == checksum
        yield Group(first, rows, min_us, max_us, TokenFilter(bits) if is_whole else None)
        first += rows
        at += length


def _earlier_groups(entries: bytes, body: bytes) -> Iterator[Group]:
    """The same of a file of an earlier release, which has one entry for each row group."""
    first = at = 0
    for rows, log, probes, min_us, max_us, checksum in _EARLIER_GROUP.iter_unpack(entries):
        bits = body[at : at + (1 << min(log, _MOST_LOG))] if probes else b""
        is_whole = probes and log <= _MOST_LOG and len(bits) == 1 << log and crc32(bits) == checksum
        yield Group(first, rows, min_us, max_us, ProbedFilter(bits, probes) if is_whole else None)
        first += rows
        at += len(bits)
