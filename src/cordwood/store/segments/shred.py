"""JSON lines → columns, many lines at a time: no Python for each event.

Lines are grouped by shape. The first line of a group, a valid one, says how the others have to be made; that each of
them is made so, byte for byte, is checked in native code, and a line that is not joins no group. So what comes out of a
group is valid JSON, and all that went in, by proof and not by hope; the rest is told, and kept as text.
"""

from typing import TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.model.shape import MAX_LITERAL, Edge, Kind, Outline, column_of, outline_of, shape_text
from cordwood.protocols.check import Object
from cordwood.store.segments.joining import joined_lines
from cordwood.store.segments.masking import MASKS_END, masked, unmasked

Places: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_LEAST_ROWS = 32
"""Fewer lines of a shape are not worth columns of their own."""
_MOST_ROUNDS = 48
"""Shapes looked for in a piece: each costs about a millisecond, however few lines it has."""
_QUOTE, _NEWLINE, _BACKSLASH, _MINUS, _FIRST_PRINTABLE = 34, 10, 92, 45, 32
_ZERO, _NINE = 48, 57
_SAFE_DIGITS = 16
"""A decimal number with at most 15 digits and a point comes back from a double as it was."""
_MAX_WHOLE = 1e10
"""From here on the engine spells a double with an exponent, and a whole number would come back as a broken one."""


class Group(Struct, frozen=True):
    """Lines of one shape: their numbers, ascending, and a column for each value, by name."""

    shape: str
    rows: Places
    columns: dict[str, pa.Array]


class Shredded(Struct, frozen=True):
    """The groups of some lines, and the numbers of the lines that are in none."""

    groups: list[Group]
    rest: Places


_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"
"""RFC 8259 §6."""
_LITERALS = (b"true", b"false", b"null")


_objects = msgspec.json.Decoder(Object)
_arrays = msgspec.json.Decoder(list[msgspec.Raw])


def shred(lines: bytes) -> Shredded:
    """Take lines of UTF-8, each ended by a newline, apart. A piece of a few MB is quickest.

    A line in a group is a valid JSON object. Whether one of the rest is, has not been looked at.
    """
    return _Piece(lines).shredded()


class _Misfit(Exception):
    """Some lines of a group do not fit after all."""

    def __init__(self, lines: Flags) -> None:
        super().__init__()
        self.lines = lines


class _Piece:
    def __init__(self, lines: bytes) -> None:
        self._lines = lines
        self._masked = body = masked(lines)
        # A literal may be looked for anywhere in the lines, also where it would reach beyond them.
        padded = body + bytes(MAX_LITERAL)
        self._bytes = np.frombuffer(padded, np.uint8)[: len(body)]
        self._words = np.frombuffer(padded, np.uint64, len(padded) // 8)
        marks = self._bytes == _QUOTE
        marks |= self._bytes == _NEWLINE
        self._marks = np.flatnonzero(marks)
        newlines = np.flatnonzero(self._bytes[self._marks] == _NEWLINE)
        self._ends = self._marks[newlines]
        self._starts = np.concatenate((np.zeros(1, np.int64), self._ends[:-1] + 1))
        self._first_quotes = np.concatenate((np.zeros(1, np.int64), newlines[:-1] + 1))
        self._quotes = newlines - self._first_quotes
        self._irregular = self._lines_with_controls(lines)
        self._plain = body
        self._mask_places: Places | None = None
        self._split: list[bytes] = []
        if b"\\" in body:
            self._irregular = np.union1d(self._irregular, self._lines_of(np.flatnonzero(self._bytes == _BACKSLASH)))
        if body is not lines:
            self._mask_places = np.flatnonzero((self._bytes < MASKS_END) & (self._bytes > 0))
            self._plain = unmasked(body)

    def shredded(self) -> Shredded:
        groups: list[Group] = []
        is_left = np.ones(len(self._ends), np.bool_)
        is_left[self._irregular] = False
        rest = ~is_left
        for _ in range(_MOST_ROUNDS):
            left = np.flatnonzero(is_left)
            if not len(left):
                break
            group = self._group(left)
            if group is None:
                is_left[left[0]], rest[left[0]] = False, True
                continue
            is_left[group.rows] = False
            if len(group.rows) < _LEAST_ROWS and len(group.rows) < len(self._ends):
                rest[group.rows] = True
            else:
                groups.append(group)
        return Shredded(groups, np.flatnonzero(rest | is_left))

    def _lines_with_controls(self, lines: bytes) -> Places:
        """The numbers of lines with control characters: within texts they are no JSON, and what is masked looks so."""
        text = np.frombuffer(lines, np.uint8)
        controls = text < _FIRST_PRINTABLE
        if np.count_nonzero(controls) == len(self._ends):
            return np.zeros(0, np.int64)
        ends = np.flatnonzero(text == _NEWLINE)
        controls[ends] = False
        return np.unique(np.searchsorted(ends, np.flatnonzero(controls)))

    def _group(self, left: Places) -> Group | None:
        """The lines that are made as the first of `left`; None when that is irregular, or no JSON object."""
        first = left[0]
        if not self._is_valid(first):
            return None
        outline = outline_of(self._masked[self._starts[first] : self._ends[first]])
        if outline is None:
            return None
        rows = left[self._quotes[left] == outline.quotes]
        places = _Places(self, rows, outline)
        differing = places.differing()
        # Values may show more lines that do not fit: those are left out, once for each way not to fit.
        for _ in range(len(outline.cuts) + 1):
            if differing.any():
                rows = rows[~differing]
                if not len(rows) or rows[0] != first:
                    return None
                places = _Places(self, rows, outline)
            try:
                kinds, columns = _Values(self, places, outline).columns()
            except _Misfit as misfit:
                differing = misfit.lines
            else:
                return Group(shape_text(outline, kinds), rows, columns)
        return None

    def _is_valid(self, line: np.int64) -> bool:
        if self._mask_places is None:
            text = self._lines[self._starts[line] : self._ends[line]]
        else:
            self._split = self._split or self._lines.split(b"\n")
            text = self._split[line]
        try:
            _objects.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True

    def _lines_of(self, places: Places) -> Places:
        """The numbers of the lines that these bytes are in."""
        return np.unique(np.searchsorted(self._ends, places))

    def edges(self, rows: Places, edge: Edge, quotes: int) -> Places:
        """Where an edge is in each of these lines."""
        if edge.quote >= quotes:
            return self._ends[rows] + edge.offset
        return self._marks[self._first_quotes[rows] + edge.quote] + edge.offset

    def starts(self, rows: Places) -> Places:
        return self._starts[rows]

    def ends(self, rows: Places) -> Places:
        return self._ends[rows]

    def byte_at(self, places: Places) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = self._bytes[places]
        return found

    def differing(self, starts: Places, ends: Places, literal: bytes) -> Flags:
        """Which of these stretches are not `literal`."""
        differing: Flags = (ends - starts) != len(literal)
        difference = np.zeros(len(starts), np.uint64)
        # Whole words are read where they are aligned, which is several times quicker, and shifted together.
        at = starts >> 3
        shift = ((starts & 7) << 3).astype(np.uint64)
        back = np.uint64(64) - shift
        low = self._words.take(at)
        for place in range(0, len(literal), 8):
            wanted = literal[place : place + 8]
            at += 1
            high = self._words.take(at)
            low >>= shift
            low |= high << back
            low ^= np.uint64(int.from_bytes(wanted, "little"))
            if len(wanted) < 8:
                low <<= np.uint64(64 - 8 * len(wanted))
            difference |= low
            low = high
        differing |= difference != 0
        return differing

    def texts(self, starts: Places, ends: Places, *, is_plain: bool) -> pa.Array:
        """These stretches, ascending, as texts; `is_plain`: with what escapes mean in their place."""
        offsets = np.empty(2 * len(starts), np.int32)
        offsets[0::2], offsets[1::2] = starts, ends
        body = self._plain if is_plain else self._masked
        every = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(body))
        return every.take(pa.array(np.arange(0, len(offsets) - 1, 2, dtype=np.int32)))

    def have_masks(self, starts: Places, ends: Places) -> Flags:
        """Which of these stretches hold an escape."""
        if self._mask_places is None or not len(self._mask_places):
            return np.zeros(len(starts), np.bool_)
        places = self._mask_places
        have: Flags = np.searchsorted(places, starts) != np.searchsorted(places, ends)
        return have


class _Places:
    """Where the cuts of an outline are in some lines."""

    def __init__(self, piece: _Piece, rows: Places, outline: Outline) -> None:
        self._piece = piece
        self._rows = rows
        self._outline = outline
        self.starts = [self.edges(cut.start) for cut in outline.cuts]
        self.ends = [self.edges(cut.end) for cut in outline.cuts]

    def edges(self, edge: Edge) -> Places:
        return self._piece.edges(self._rows, edge, self._outline.quotes)

    def differing(self) -> Flags:
        """Which lines are not made as the outline says."""
        piece = self._piece
        from_ = [piece.starts(self._rows), *self.ends]
        to = [*self.starts, piece.ends(self._rows)]
        differing = np.zeros(len(self._rows), np.bool_)
        for start, end, literal in zip(from_, to, self._outline.literals, strict=True):
            differing |= piece.differing(start, end, literal)
        for cut, start, end in zip(self._outline.cuts, self.starts, self.ends, strict=True):
            if not cut.is_text:
                differing |= end <= start
        return differing


class _Values:
    """What is in the cuts of lines that are made alike."""

    def __init__(self, piece: _Piece, places: _Places, outline: Outline) -> None:
        self._piece = piece
        self._places = places
        self._outline = outline

    def columns(self) -> tuple[list[Kind | None], dict[str, pa.Array]]:
        """The kind of each leaf, and the columns. Raises _Misfit."""
        leaves = {leaf.cut: leaf for leaf in self._outline.leaves if leaf.cut is not None}
        found: dict[str, tuple[Kind | None, pa.Array | None]] = {}
        for number, cut in enumerate(self._outline.cuts):
            leaf = leaves.get(number)
            starts, ends = self._places.starts[number], self._places.ends[number]
            if cut.is_text:
                if leaf is not None:
                    found[leaf.path] = "s", self._piece.texts(starts, ends, is_plain=True)
            elif cut.is_array:
                self._check_array(starts, ends)
            else:
                scalars = self._scalars(starts, ends)
                if leaf is None:
                    scalars.check(self._piece, starts, ends)
                else:
                    found[leaf.path] = scalars.column(self._piece, starts, ends)
        kinds_: list[Kind | None] = []
        columns: dict[str, pa.Array] = {}
        for leaf in self._outline.leaves:
            kind, column = found[leaf.path] if leaf.path in found else ("j", self._array(leaf.start, leaf.end))
            kinds_.append(kind)
            if kind is not None and column is not None:
                columns[column_of(leaf.path, kind)] = column
        return kinds_, columns

    def _check_array(self, starts: Places, ends: Places) -> None:
        """An array without texts: what ends one level of it must not end an object around it."""
        texts = self._piece.texts(starts, ends, is_plain=False)
        is_bad = (self._piece.byte_at(starts) != ord("[")) | (self._piece.byte_at(ends - 1) != ord("]"))
        is_bad |= pc.match_substring(texts, "}").to_numpy(zero_copy_only=False)
        is_bad |= pc.match_substring(texts, "{").to_numpy(zero_copy_only=False)
        if is_bad.any():
            raise _Misfit(is_bad)
        if not _are_arrays(texts):
            raise _Misfit(np.array([not _are_arrays(texts.slice(row, 1)) for row in range(len(texts))], np.bool_))

    def _array(self, start: Edge, end: Edge) -> pa.Array:
        starts, ends = self._places.edges(start), self._places.edges(end)
        has_masks = self._piece.have_masks(starts, ends)
        if has_masks.any():
            raise _Misfit(has_masks)
        return self._piece.texts(starts, ends, is_plain=False)

    def _scalars(self, starts: Places, ends: Places) -> "_Scalars":
        """What begins and ends as a number is taken for one, and has still to be read."""
        first, last = self._piece.byte_at(starts), self._piece.byte_at(ends - 1)
        is_number = ((first >= _ZERO) & (first <= _NINE)) | (first == _MINUS)
        is_number &= (last >= _ZERO) & (last <= _NINE)
        if is_number.all():
            return _Scalars(is_number, None, None)
        is_true, is_false, is_null = (~self._piece.differing(starts, ends, literal) for literal in _LITERALS)
        is_bool = is_true | is_false
        is_other = ~(is_number | is_bool | is_null)
        if is_other.any():
            raise _Misfit(is_other)
        if is_number.any() and is_bool.any():
            raise _Misfit(is_bool if is_number[0] or not is_bool[0] else is_number)
        return _Scalars(is_number, is_bool, is_true)


class _Scalars:
    """Numbers, or booleans, and nulls."""

    def __init__(self, is_number: Flags, is_bool: Flags | None, is_true: Flags | None) -> None:
        self._is_number = is_number
        self._is_bool = is_bool
        self._is_true = is_true

    def column(self, piece: _Piece, starts: Places, ends: Places) -> tuple[Kind | None, pa.Array | None]:
        """Raises _Misfit for lines that are better off elsewhere."""
        if self._is_bool is not None and self._is_bool.any():
            return "b", pa.array(self._is_true, pa.bool_(), mask=~self._is_bool)
        if not self._is_number.any():
            return None, None
        rows = np.flatnonzero(self._is_number)
        texts = piece.texts(starts[rows], ends[rows], is_plain=False)
        kind: Kind
        try:
            kind, numbers = "i", texts.cast(pa.int64())
            self._check_zeros(piece, starts[rows], ends[rows], rows)
        except pa.ArrowInvalid:
            self._check_numbers(texts, rows)
            kind, numbers = self._floats(texts, rows)
        if len(rows) == len(starts):
            return kind, numbers
        places = np.zeros(len(starts), np.int64)
        places[rows] = np.arange(len(rows))
        return kind, numbers.take(pa.array(places, mask=~self._is_number))

    def check(self, piece: _Piece, starts: Places, ends: Places) -> None:
        """Raises _Misfit where there is no JSON."""
        rows = np.flatnonzero(self._is_number)
        if len(rows):
            self._check_numbers(piece.texts(starts[rows], ends[rows], is_plain=False), rows)

    def _check_zeros(self, piece: _Piece, starts: Places, ends: Places, rows: Places) -> None:
        """Whole numbers begin with a zero only when they are zero. Raises _Misfit."""
        digits = starts + (piece.byte_at(starts) == _MINUS)
        is_bad = (piece.byte_at(digits) == _ZERO) & (ends - digits > 1)
        if is_bad.any():
            raise self._misfit(rows, is_bad)

    def _check_numbers(self, texts: pa.Array, rows: Places) -> None:
        """The engine reads more spellings than JSON has. Raises _Misfit."""
        is_number: Flags = pc.match_substring_regex(texts, _NUMBER).to_numpy(zero_copy_only=False)
        if not is_number.all():
            raise self._misfit(rows, ~is_number)

    def _floats(self, texts: pa.Array, rows: Places) -> tuple[Kind, pa.Array]:
        try:
            numbers = texts.cast(pa.float64())
        except pa.ArrowInvalid:
            raise self._misfit(rows, _unreadable(texts)) from None
        values: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
        is_whole = np.isfinite(values) & (np.floor(values) == values)
        has_point = np.ones(len(values), np.bool_)
        whole = np.flatnonzero(is_whole)
        if len(whole):
            found = pc.match_substring_regex(texts.take(pa.array(whole)), "[.eE]")
            has_point[whole] = found.to_numpy(zero_copy_only=False)
        pointed = int(has_point[whole].sum())
        is_bad = ~np.isfinite(values)
        # The first line decides where it can: it has to fit.
        kind: Kind = "d" if pointed * 2 > len(whole) else "f"
        if is_whole[0]:
            kind = "d" if has_point[0] else "f"
        is_bad |= is_whole & (has_point != (kind == "d"))
        is_bad |= ~has_point & (np.abs(values) >= _MAX_WHOLE)
        is_long = pc.binary_length(texts).to_numpy(zero_copy_only=False) > _SAFE_DIGITS
        if is_long.any():
            long = np.flatnonzero(is_long)
            chosen = pa.array(long)
            same = pc.equal(numbers.take(chosen).cast(pa.string()), texts.take(chosen))
            is_bad[long] |= ~same.to_numpy(zero_copy_only=False)
        if is_bad.any():
            raise self._misfit(rows, is_bad)
        return kind, numbers

    def _misfit(self, rows: Places, is_bad: Flags) -> _Misfit:
        lines = np.zeros(len(self._is_number), np.bool_)
        lines[rows] = is_bad
        return _Misfit(lines)


def _unreadable(texts: pa.Array) -> Flags:
    """Which numbers no double can hold; few are asked for, and seldom."""

    def is_unreadable(text: str) -> bool:
        try:
            pa.scalar(text).cast(pa.float64())
        except pa.ArrowInvalid:
            return True
        return False

    return np.fromiter((is_unreadable(text) for text in texts.to_pylist()), np.bool_, len(texts))


def _are_arrays(texts: pa.Array) -> bool:
    """Whether each of these texts is a JSON array; each begins and ends as one."""
    try:
        return len(_arrays.decode_lines(joined_lines(texts))) == len(texts)
    except (msgspec.DecodeError, RecursionError):
        return False
