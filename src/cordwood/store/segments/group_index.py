"""What is known of each row group of a segment: its times, and a filter of its words.

It lies in the file itself, between the last row group and the footer. `docs/reference/segments.md`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from struct import Struct as Layout
from typing import Self, TypeAlias
from zlib import crc32

from msgspec import Struct

from cordwood.store.segments.token_filter import TokenFilter

_MAGIC = b"CWGI"
_GROUP = Layout("<IBBxxqqI")
"""Rows, log2 of the filter's bytes, its probes (0: no filter), first and last timestamp, CRC-32 of its bits."""
_END = Layout("<III4s")
"""Row groups, bytes in front of this that belong to it, CRC-32 of the entries, `_MAGIC`."""
_FOOTER = Layout("<I4s")
_MOST_LOG = 24
_GUESSED_BYTES = 4096

ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Offset and length → bytes of a file; fewer at its end. Raises OSError."""


class Group(Struct, frozen=True):
    """Some rows of a file, from `first` on; `words` is None when it may hold any. Times are µs since 1970."""

    first: int
    rows: int
    min_us: int
    max_us: int
    words: TokenFilter | None

    @property
    def behind(self) -> int:
        return self.first + self.rows


class GroupIndex(Struct, frozen=True):
    """All row groups of a file, in their order."""

    groups: Sequence[Group]

    @property
    def size_bytes(self) -> int:
        """What is kept of it in memory, and about as much in the file."""
        return sum(_GROUP.size + (0 if group.words is None else len(group.words.bits)) for group in self.groups)

    def to_bytes(self) -> bytes:
        """As it lies in a file: the bits of all filters, an entry for each row group, and how many those are."""
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
        if magic != _MAGIC or begin < 0 or count * _GROUP.size > length:
            return None
        body = read_at(begin, length)
        entries = body[length - count * _GROUP.size :]
        if len(body) != length or crc32(entries) != checksum:
            return None
        return cls(list(_groups(entries, body)))

    @classmethod
    def of_file(cls, path: Path) -> Self | None:
        """Raises OSError."""
        with path.open("rb") as file:

            def read_at(offset: int, length: int) -> bytes:
                file.seek(offset)
                return file.read(length)

            return cls.read(read_at, path.stat().st_size)


def _entry(group: Group) -> bytes:
    words = group.words
    if words is None:
        return _GROUP.pack(group.rows, 0, 0, group.min_us, group.max_us, 0)
    log = len(words.bits).bit_length() - 1
    return _GROUP.pack(group.rows, log, words.probes, group.min_us, group.max_us, crc32(words.bits))


def _groups(entries: bytes, body: bytes) -> Iterator[Group]:
    """A filter that is cut short or damaged is none."""
    first = at = 0
    for rows, log, probes, min_us, max_us, checksum in _GROUP.iter_unpack(entries):
        bits = body[at : at + (1 << min(log, _MOST_LOG))] if probes else b""
        is_whole = probes and log <= _MOST_LOG and len(bits) == 1 << log and crc32(bits) == checksum
        yield Group(first, rows, min_us, max_us, TokenFilter(bits, probes) if is_whole else None)
        first += rows
        at += len(bits)
