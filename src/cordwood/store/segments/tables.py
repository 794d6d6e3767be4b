"""Loads → the rows of a segment, a table for each shape: columns where events are alike, text where they are not."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias
from uuid import UUID

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from cordwood.errors import Refused
from cordwood.model.compose import compose
from cordwood.model.derive import Columns
from cordwood.model.derive_many import derive_many
from cordwood.model.ledger import DAY_US
from cordwood.protocols.check import Object
from cordwood.store.columns.derive_columns import Derived, derive_columns
from cordwood.store.columns.dictionaries import dictionary_of, without_dictionary
from cordwood.store.columns.shredded import Group, Shredded
from cordwood.store.interface import Load
from cordwood.store.segments.layout import BASE
from cordwood.store.slices import HOUR_US

Places: TypeAlias = NDArray[np.int64]

_PIECE_BYTES = 4 << 20
"""Lines are taken apart in pieces of about this size: what is done once for each shape costs little then, and what is
looked at again and again is still near the processor."""
FEW_EVENTS = 2048
"""Fewer than this stay text until merging gathers more of them."""
MOST_COLUMNS = 1000
"""Of a segment. Events of the rarest shapes beyond that stay text."""


_objects = msgspec.json.Decoder(Object)

Spans = dict[UUID, tuple[int, int]]
"""First and last timestamp of each batch's events, µs."""


class Made(Struct, frozen=True):
    """The rows of a segment: tables of `layout.BASE` and further columns, texts that repeat as dictionaries, and what
    is known of all together."""

    tables: list[pa.Table]
    spans: Spans
    days: Counter[int]
    """Events by day since 1970 UTC."""
    hours: set[int]

    @property
    def events(self) -> int:
        return sum(table.num_rows for table in self.tables)


def tables_of(loads: Sequence[Load], now_us: int) -> Made:
    """Raises Refused when a line is no JSON object in UTF-8."""
    made = Made([], {}, Counter(), set())
    shaped: dict[str | None, list[pa.Table]] = {}
    is_few = sum(load.batch.header.events for load in loads) < FEW_EVENTS
    for piece in _pieces(loads):
        for shape, table in _Piece(piece, now_us, is_few=is_few).tables(made):
            shaped.setdefault(shape, []).append(table)
    made.tables.extend(arranged(shaped))
    return made


def arranged(shaped: dict[str | None, list[pa.Table]]) -> list[pa.Table]:
    """One table a shape, by time, the most frequent shape first; None is the shape of what stays text."""
    whole = {shape: by_time(concatenated(tables)) for shape, tables in shaped.items()}
    # By spelling without case: engines that read the files tell names no further, and would answer for the wrong field.
    columns: dict[str, str] = {}
    tables: list[pa.Table] = []
    texts = [whole.pop(None)] if None in whole else []
    for shape, table in sorted(whole.items(), key=lambda each: -each[1].num_rows):
        own = {name.casefold(): name for name in table.column_names}
        is_ambiguous = len(own) < len(table.column_names) or any(columns.get(key, own[key]) != own[key] for key in own)
        wanted = columns | own
        if is_ambiguous or len(wanted) > MOST_COLUMNS:
            assert shape is not None, "popped above"
            texts.append(as_text(shape, table))
            continue
        columns = wanted
        tables.append(table)
    return [*tables, by_time(concatenated(texts))] if texts else tables


def concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    """All rows, of tables with the same columns. Texts that are a dictionary in some tables only are one in none."""
    first = tables[0]
    for name in first.column_names:
        types = {table[name].type for table in tables}
        if len(types) > 1:
            tables = [_with(table, name, without_dictionary(table[name])) for table in tables]
    return pa.concat_tables(tables)


def _with(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)


def as_text(shape: str, table: pa.Table) -> pa.Table:
    """The same rows without columns of their own."""
    columns = {name: without_dictionary(table[name]).combine_chunks() for name in table.column_names[len(BASE) :]}
    raw = compose(shape, columns, table.num_rows)
    base = table.select([name for name in BASE.names if name not in ("shape", "raw")])
    return base.append_column("shape", pa.nulls(table.num_rows, pa.string())).append_column("raw", raw).cast(BASE)


def by_time(table: pa.Table) -> pa.Table:
    """Rows in the order of their timestamps; of equal ones, the order stays."""
    times = table["ts"].cast(pa.int64()).to_numpy()
    if np.all(times[1:] >= times[:-1]):
        return table
    return table.take(pa.array(np.argsort(times, kind="stable")))


def _pieces(loads: Sequence[Load]) -> Iterator[list[Load]]:
    piece: list[Load] = []
    size = 0
    for load in loads:
        if piece and size + len(load.ndjson) > _PIECE_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(load)
        size += len(load.ndjson)
    if piece:
        yield piece


class _Piece:
    """Some loads whose lines are taken apart together."""

    def __init__(self, loads: Sequence[Load], now_us: int, *, is_few: bool) -> None:
        self._loads = loads
        self._now_us = now_us
        self._is_few = is_few
        self._lines = b"".join(load.ndjson for load in loads)
        counts = [load.batch.header.events for load in loads]
        self._starts = np.array(list(accumulate(counts, initial=0)), np.int64)
        self._received = np.array([load.batch.header.received_at_us for load in loads], np.int64)
        self._ids = pa.array([load.batch.header.id.bytes for load in loads], pa.binary(16))
        self._firsts = np.array([load.first for load in loads], np.int64)
        self._split: list[bytes] | None = None

    def _shredded(self) -> Shredded:
        """Raises Refused when these are not the lines of UTF-8 that were announced."""
        try:
            if not self._lines.isascii():
                self._lines.decode()
        except UnicodeDecodeError as error:
            raise Refused(f"an event is not UTF-8: {error}") from error
        if not self._lines.endswith(b"\n"):
            raise Refused("the last event does not end its line")
        if self._is_few:
            lines = self._lines.count(b"\n")
            shredded = Shredded([], np.arange(lines), lines)
        else:
            # Here, for what it compiles takes 60 MB, and a store that stays small never needs it.
            from cordwood.store.columns.shred import shred

            shredded = shred(self._lines)
        if shredded.lines != self._starts[-1]:
            raise Refused(f"{self._starts[-1]} events are {shredded.lines} lines")
        return shredded

    def _check_rest(self, rest: Places) -> None:
        """Read the lines that were not taken apart. Raises Refused."""
        lines = self._lines
        if len(rest) < self._starts[-1]:
            every = self._line_list()
            lines = b"".join(every[row] + b"\n" for row in rest.tolist())
        try:
            found = len(_objects.decode_lines(lines))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refused(f"an event is no valid JSON object: {error}") from error
        if found != len(rest):
            raise Refused(f"{len(rest)} events read back as {found}")

    def tables(self, made: Made) -> Iterator[tuple[str | None, pa.Table]]:
        """A table for each shape, and one for the rest; what is known of their rows is added to `made`.

        Raises Refused.
        """
        dead = self._dead()
        shredded = self._shredded()
        rest = shredded.rest[~np.isin(shredded.rest, dead)]
        if len(rest):
            self._check_rest(rest)
        for group in shredded.groups:
            living = _without(group, dead)
            if len(living.rows):
                yield group.shape, self._typed(living, made)
        if len(rest):
            yield None, self._text(rest, made)

    def _dead(self) -> Places:
        return np.array(
            [
                start + letter.ordinal - load.first
                for start, load in zip(self._starts.tolist(), self._loads, strict=False)
                for letter in load.dead
            ],
            np.int64,
        )

    def _typed(self, group: Group, made: Made) -> pa.Table:
        owners = self._owners(group.rows)

        def exactly(places: Places) -> list[Columns]:
            return self._exactly(group.rows[places])

        derived = derive_columns(group.columns, self._received[owners], exactly)
        base = self._base(group.rows, owners, derived, made)
        shape = dictionary_of(np.zeros(len(group.rows), np.int32), pa.array([group.shape]))
        columns = [*base, shape, pa.nulls(len(group.rows), pa.string()), *group.columns.values()]
        return pa.table(columns, [*BASE.names, *group.columns])

    def _text(self, rows: Places, made: Made) -> pa.Table:
        owners = self._owners(rows)
        known = self._exactly(rows)
        derived = Derived(
            np.array([each[0] for each in known], np.int64),
            pa.array([each[1] for each in known], pa.string()),
            pa.array([each[2] for each in known], pa.string()),
        )
        lines = self._line_list()
        raw = pa.array([lines[row] for row in rows.tolist()], pa.binary()).cast(pa.string())
        return pa.table([*self._base(rows, owners, derived, made), pa.nulls(len(rows), pa.string()), raw], BASE)

    def _base(self, rows: Places, owners: Places, derived: Derived, made: Made) -> list[pa.Array]:
        """The columns that every segment has, but for shape and text."""
        self._add(owners, derived.timestamps, made)
        ordinals = rows - self._starts[owners] + self._firsts[owners]
        utc = pa.timestamp("us", "UTC")
        return [
            self._ids.take(pa.array(owners)).cast(BASE.field("batch_id").type),
            pa.array(ordinals, pa.uint32()),
            pa.array(derived.timestamps).cast(utc),
            pa.repeat(pa.scalar(self._now_us, pa.int64()).cast(utc), len(rows)),
            derived.levels,
            derived.services,
        ]

    def _owners(self, rows: Places) -> Places:
        """The load that each line is of."""
        return np.searchsorted(self._starts, rows, side="right") - 1

    def _exactly(self, rows: Places) -> list[Columns]:
        """Derived by definition, from the lines; rows ascend, so each load's are together."""
        lines = self._line_list()
        owners = self._owners(rows)
        known: list[Columns] = []
        for owner in np.unique(owners).tolist():
            chosen = b"".join(lines[row] + b"\n" for row in rows[owners == owner].tolist())
            known += derive_many(chosen, int(self._received[owner]))
        return known

    def _line_list(self) -> list[bytes]:
        if self._split is None:
            self._split = self._lines.split(b"\n")
        return self._split

    def _add(self, owners: Places, timestamps: Places, made: Made) -> None:
        present, firsts = np.unique(owners, return_index=True)
        lowest = np.minimum.reduceat(timestamps, firsts).tolist()
        highest = np.maximum.reduceat(timestamps, firsts).tolist()
        for owner, low, high in zip(present.tolist(), lowest, highest, strict=True):
            batch_id = self._loads[owner].batch.header.id
            known = made.spans.get(batch_id, (low, high))
            made.spans[batch_id] = min(known[0], low), max(known[1], high)
        made.days.update(_counts(timestamps // DAY_US))
        made.hours.update(_counts(timestamps // HOUR_US))


def _counts(values: Places) -> dict[int, int]:
    low, high = int(values.min()), int(values.max())
    if low == high:
        return {low: len(values)}
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _without(group: Group, dead: Places) -> Group:
    if not len(dead) or not (is_dead := np.isin(group.rows, dead)).any():
        return group
    living = pa.array(np.flatnonzero(~is_dead))
    return Group(
        group.shape, group.rows[~is_dead], {name: column.take(living) for name, column in group.columns.items()}
    )
