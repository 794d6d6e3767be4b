"""JSON lines → columns, many lines at a time: no Python for each event.

Lines that are spelt alike around their values are a group. Each line has been read as the JSON it is, and compared with
the first of its group, byte for byte, in compiled code; so what comes out of a group is all that went in, by proof and
not by hope. The rest is told, and kept as text.
"""

from collections.abc import Iterator, Sequence, Set

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.model.json_tokens import BROKEN, FALSE, MASKS_END, NULL, SCIENTIFIC, TRUE, WHOLE
from cordwood.model.shape import Kind, Outline, column_of, outline_of, shape_text
from cordwood.store.columns.gathering import doubles_of, repeated_of, texts_of, truths_of, wholes_of
from cordwood.store.columns.masking import masked, unmasked
from cordwood.store.columns.scanning import (
    ARRAY,
    KINDS,
    LEAST_VALUE_BYTES,
    TEXT,
    Flags,
    Places,
    alike,
    find_newlines,
    grouped,
    newlines,
    scan,
    tally,
)
from cordwood.store.columns.shredded import Group, Part, Picked, Rows, Shredded
from cordwood.store.columns.stretches import PADDING, Bytes

_LEAST_ROWS = 32
"""Fewer lines of a shape are not worth columns of their own."""
_LEAST_ROWS_PICKED = 256
"""The same where the columns are but a step on the way to something that 3 µs a line would do as well."""
_MOST_GROUPS = 512
"""In a piece: each costs about a millisecond, however few lines it has. The largest are chosen."""
_MOST_TRIES = 8
"""How often lines that do not fit their group may become one of their own."""
_NEWLINE, _FIRST_PRINTABLE = 10, 32
_SAFE_CHARACTERS = 16
"""A number that is no longer, with a point, comes back from a double as it was; not one so near to nothing that a
double has fewer digits for it, or none."""
_LEAST_NORMAL = np.finfo(np.float64).smallest_normal
_MAX_WHOLE = 1e10
"""From here on the engine spells a double with an exponent, and a whole number would come back as a broken one."""
_CLASSES = np.zeros(KINDS, np.uint64)
"""Kinds of values that share a column; with null, any."""
_CLASSES[TEXT], _CLASSES[ARRAY] = 1, 2
_CLASSES[[WHOLE, BROKEN, SCIENTIFIC]] = 3
_CLASSES[[TRUE, FALSE]] = 4


def shred(lines: bytes) -> Shredded:
    """Take lines of UTF-8, each ended by a newline, apart. A piece of a few MB is quickest.

    A line in a group is a valid JSON object. Whether one of the rest is, has not been looked at. Raises ValueError when
    the last line has no newline.
    """
    piece = _Piece(lines, _LEAST_ROWS)
    groups = [Group(shape_text(fit.outline, fit.kinds), fit.rows, fit.columns) for fit in piece.fits(None)]
    return Shredded(groups, _others(piece.lines, groups), piece.lines)


def pick(lines: bytes, paths: Set[str]) -> Picked:
    """The same, with columns of the values at these paths only: the others are checked for grammar and skipped, so
    what they are keeps no line from a part."""
    piece = _Piece(lines, _LEAST_ROWS_PICKED)
    parts = [Part(fit.rows, fit.columns) for fit in piece.fits(paths)]
    text, ends = piece.as_sent()
    return Picked(parts, _others(piece.lines, parts), text, ends, piece.may_have_large())


def _others(lines: int, parts: Sequence[Group | Part]) -> Rows:
    """The numbers of the lines that are in none of these."""
    is_other = np.ones(lines, np.bool_)
    for part in parts:
        is_other[part.rows] = False
    return np.flatnonzero(is_other)


class _Fit(Struct, frozen=True):
    """Lines that fit together: what they have in common, the kinds of those of their values that have columns, and
    these."""

    outline: Outline
    kinds: list[Kind | None]
    rows: Rows
    columns: dict[str, pa.Array]


class _Misfit(Exception):
    """Some lines of a group do not fit: they may among themselves, or (`is_hopeless`) in no group."""

    def __init__(self, lines: Flags, *, is_hopeless: bool) -> None:
        super().__init__()
        self.lines = lines
        self.is_hopeless = is_hopeless


class _Piece:
    """Lines, of which `least_rows` have to fit together, or all there are. Raises ValueError when the last one has no
    newline."""

    def __init__(self, lines: bytes, least_rows: int) -> None:
        if not lines.endswith(b"\n"):
            raise ValueError("the last line has no newline")
        self._sent = lines
        self._least_rows = least_rows
        self.lines = newlines(np.frombuffer(lines, np.uint8))
        self._masked = masked(lines)
        self._has_masks = has_masks = self._masked is not lines
        padded = self._masked + bytes(PADDING)
        self._body = np.frombuffer(padded, np.uint8)
        self._plain = np.frombuffer(unmasked(padded), np.uint8) if has_masks else self._body
        self._ends = np.empty(self.lines, np.int32)
        self._firsts = np.empty(self.lines + 1, np.int32)
        self._hashes = np.empty(self.lines, np.uint64)
        self._has_large = np.empty(self.lines, np.bool_)
        most = len(self._body) // LEAST_VALUE_BYTES
        self._value_begins, self._value_ends = np.empty(most, np.int32), np.empty(most, np.int32)
        self._kinds = np.empty(most, np.uint8)
        scan(
            self._body,
            has_masks,
            self._ends,
            self._firsts,
            self._hashes,
            self._has_large,
            self._value_begins,
            self._value_ends,
            self._kinds,
        )
        if has_masks:
            self._hashes[_lines_with_controls(lines)] = 0

    def as_sent(self) -> tuple[Bytes, Places]:
        """The lines as they came, with PADDING, and where each one's newline is."""
        if not self._has_masks:
            return self._body, self._ends
        text = np.frombuffer(self._sent + bytes(PADDING), np.uint8)
        ends = np.empty(self.lines, np.int32)
        find_newlines(text, ends)
        return text, ends

    def may_have_large(self) -> Flags:
        """See `Picked`."""
        large: Flags = self._has_large | (self._hashes == 0)
        return large

    def fits(self, paths: Set[str] | None) -> Iterator[_Fit]:
        """With columns of the values at these paths, or of all."""
        numbers = np.empty(self.lines, np.int32)
        count = grouped(self._hashes, numbers, np.empty(4 << self.lines.bit_length(), np.int32))
        order = np.argsort(numbers, kind="stable").astype(np.int32)
        sizes = np.bincount(numbers + 1, minlength=count + 1)
        starts = np.cumsum(sizes) - sizes
        for number in np.argsort(-sizes[1:], kind="stable")[:_MOST_GROUPS].tolist():
            start, size = starts[number + 1], sizes[number + 1]
            if self._is_enough(size):
                yield from self._alike(order[start : start + size], paths)

    def _is_enough(self, rows: int) -> bool:
        return rows >= self._least_rows or rows == self.lines

    def _alike(self, rows: Places, paths: Set[str] | None) -> Iterator[_Fit]:
        """What fits together of some lines with one hash."""
        same = np.empty(len(rows), np.bool_)
        if alike(self._body, self._ends, rows, self._firsts, self._value_begins, self._value_ends, same):
            rows = rows[same]  # hashes that are equal by chance, or by intent
        first = int(rows[0])
        start = int(self._ends[first - 1]) + 1 if first else 0
        outline = outline_of(self._masked[start : int(self._ends[first])])
        if outline is None:
            return
        assert len(outline.paths) == self._firsts[first + 1] - self._firsts[first], "both take the same for values"
        wanted = [value for value, path in enumerate(outline.paths) if paths is None or path in paths]
        values = np.array(wanted, np.int32)
        tries = _MOST_TRIES
        waiting = [rows]
        while waiting and tries:
            rows = waiting.pop()
            if not self._is_enough(len(rows)):
                continue
            counted = np.empty(len(values) * KINDS, np.int32)
            tally(rows, self._firsts, self._kinds, values, counted)
            counts = counted.reshape(-1, KINDS)
            parts = self._parted(rows, values, counts)
            if parts is not None:
                waiting += parts
                continue
            try:
                kinds, columns = _Values(self, rows, values, counts).columns(outline)
            except _Misfit as misfit:
                tries -= 1
                if not misfit.is_hopeless:
                    waiting.append(rows[misfit.lines])
                waiting.append(rows[~misfit.lines])
            else:
                yield _Fit(outline, kinds, rows.astype(np.int64), columns)

    def _parted(self, rows: Places, values: Places, counts: NDArray[np.int32]) -> list[Places] | None:
        """The lines parted so that every value is of one class, the largest part last; None when they are already."""
        classes = np.zeros((len(counts), 5), np.int32)
        np.add.at(classes.T, _CLASSES.astype(np.int64), counts.T)
        mixed = np.flatnonzero(np.count_nonzero(classes[:, 1:], axis=1) > 1)
        if not len(mixed):
            return None
        signs = np.zeros(len(rows), np.uint64)
        for number in mixed.tolist():
            found = _CLASSES[self._kinds[self._firsts[rows] + values[number]]]
            found[found == 0] = 1 + np.argmax(classes[number, 1:])  # null goes with what is most frequent
            signs = signs * np.uint64(5) + found
        distinct, part = np.unique(signs, return_inverse=True)
        if len(distinct) == 1:
            return []  # as many ways as fit no number
        sizes = np.bincount(part)
        return [rows[part == each] for each in np.argsort(sizes).tolist() if self._is_enough(int(sizes[each]))]

    def texts(self, at: Places, *, is_plain: bool) -> pa.Array:
        body = self._plain if is_plain else self._body
        return texts_of(body, at, self._value_begins, self._value_ends, self._kinds)

    def repeated(self, at: Places) -> pa.DictionaryArray | None:
        return repeated_of(self._plain, at, self._value_begins, self._value_ends, self._kinds)

    def wholes(self, at: Places) -> tuple[NDArray[np.int64], Flags | None]:
        return wholes_of(self._body, at, self._value_begins, self._value_ends, self._kinds)

    def doubles(self, at: Places) -> tuple[NDArray[np.float64], Flags | None]:
        return doubles_of(self._body, at, self._value_begins, self._value_ends, self._kinds)

    def truths(self, at: Places) -> pa.Array:
        return truths_of(at, self._kinds)

    def first_places(self, rows: Places) -> Places:
        """Of the first value in each of these lines."""
        return self._firsts[rows]

    def kinds(self, at: Places) -> Bytes:
        return self._kinds[at]


def _lines_with_controls(lines: bytes) -> Rows:
    """The numbers of lines with control characters: within texts they are no JSON, and what is masked looks so."""
    text = np.frombuffer(lines, np.uint8)
    controls = text < _FIRST_PRINTABLE
    ends = np.flatnonzero(text == _NEWLINE)
    if np.count_nonzero(controls) == len(ends):
        return np.zeros(0, np.int64)
    controls[ends] = False
    return np.unique(np.searchsorted(ends, np.flatnonzero(controls)))


class _Values:
    """Some values of lines that are made alike; `counts[n, kind]` has the kinds of `values[n]`, which share a class."""

    def __init__(self, piece: _Piece, rows: Places, values: Places, counts: NDArray[np.int32]) -> None:
        self._piece = piece
        self._rows = rows
        self._at = piece.first_places(rows)
        self._values = values
        self._counts = counts

    def columns(self, outline: Outline) -> tuple[list[Kind | None], dict[str, pa.Array]]:
        """The kind of each of these values, and the columns. Raises _Misfit."""
        kinds: list[Kind | None] = []
        columns: dict[str, pa.Array] = {}
        for value, counts in zip(self._values.tolist(), self._counts, strict=True):
            path = outline.paths[value]
            kind: Kind | None = None
            if counts[NULL] < len(self._rows):
                kind, column = self._column(self._at + np.int32(value), counts)
                columns[column_of(path, kind)] = column
            kinds.append(kind)
        return kinds, columns

    def _column(self, at: Places, counts: NDArray[np.int32]) -> tuple[Kind, pa.Array]:
        if counts[TEXT]:
            repeated = None if counts[NULL] else self._piece.repeated(at)
            return "s", self._piece.texts(at, is_plain=True) if repeated is None else repeated
        if counts[ARRAY]:
            return "j", self._arrays(at)
        if counts[TRUE] or counts[FALSE]:
            return "b", self._piece.truths(at)
        is_null = self._piece.kinds(at) == NULL if counts[NULL] else None
        if counts[BROKEN] or counts[SCIENTIFIC]:
            kind, doubles = self._doubles(at)
            return kind, pa.array(doubles, mask=is_null)
        wholes, is_odd = self._piece.wholes(at)
        if is_odd is not None:
            raise _Misfit(is_odd, is_hopeless=True)
        return "i", pa.array(wholes, mask=is_null)

    def _arrays(self, at: Places) -> pa.Array:
        """Raises _Misfit for those with an escape, which could not be told from what it means."""
        arrays = self._piece.texts(at, is_plain=False)
        offsets = np.frombuffer(arrays.buffers()[1], np.int32)
        masks = np.flatnonzero(np.frombuffer(arrays.buffers()[2], np.uint8)[: offsets[-1]] < MASKS_END)
        if len(masks):
            has_masks = np.zeros(len(at), np.bool_)
            has_masks[np.searchsorted(offsets, masks, side="right") - 1] = True
            raise _Misfit(has_masks, is_hopeless=True)
        return arrays

    def _doubles(self, at: Places) -> tuple[Kind, NDArray[np.float64]]:
        """Raises _Misfit for lines that are better off elsewhere."""
        numbers, is_open = self._piece.doubles(at)
        is_bad = np.zeros(len(at), np.bool_)
        if is_open is not None:
            chosen = np.flatnonzero(is_open)
            numbers[chosen], is_bad[chosen] = _read(self._piece.texts(at[chosen], is_plain=False))
            if is_bad.any():
                raise _Misfit(is_bad, is_hopeless=True)
        kinds = self._piece.kinds(at)
        is_whole = (np.floor(numbers) == numbers) & (kinds != NULL)
        has_point = kinds != WHOLE
        kind: Kind = "d" if 2 * np.count_nonzero(is_whole & has_point) > np.count_nonzero(is_whole) else "f"
        is_other = is_whole & (has_point != (kind == "d"))
        is_other |= ~has_point & (np.abs(numbers) >= _MAX_WHOLE)
        if is_other.any():
            raise _Misfit(is_other, is_hopeless=False)
        return kind, numbers


def _read(texts: pa.Array) -> tuple[NDArray[np.float64], Flags]:
    """The doubles that numbers are, by the engine; and which would not come back as they were."""
    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        readable = [_is_readable(text) for text in texts.to_pylist()]
        numbers = pc.if_else(pa.array(readable), texts, "0").cast(pa.float64())
        is_bad = ~np.array(readable, np.bool_)
    else:
        is_bad = np.zeros(len(texts), np.bool_)
    values: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False).copy()
    is_bad |= ~np.isfinite(values)
    is_unsafe = pc.binary_length(texts).to_numpy(zero_copy_only=False) > _SAFE_CHARACTERS
    is_unsafe |= np.abs(values) < _LEAST_NORMAL
    same: Flags = pc.equal(numbers.cast(pa.string()), texts).to_numpy(zero_copy_only=False)
    return values, is_bad | (is_unsafe & ~same)


def _is_readable(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
