"""Shapes and columns → the events' text again."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cordwood.model.shape import Kind, shape_of

ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
"""All that the masks of `masking` stand for; no other control character gets into a column."""
ESCAPED = re.compile(r'["\\\x00-\x1f]')


def compose(shape: str, columns: Mapping[str, pa.Array], rows: int) -> pa.Array:
    """The JSON of events of one shape. `columns` has at least the shape's, each with `rows` values."""
    parts, slots = shape_of(shape).parts, shape_of(shape).slots
    if not slots:
        return pa.repeat(pa.scalar(parts[0]), rows)
    pieces: list[pa.Array | pa.Scalar] = [pa.scalar(parts[0])]
    for slot, part in zip(slots, parts[1:], strict=True):
        pieces += [_spelt(slot.kind, columns[slot.column]), pa.scalar(part)]
    return pc.binary_join_element_wise(*pieces, "")


def shape_runs(shapes: pa.Array) -> Iterator[tuple[int, int, str | None]]:
    """Where stretches of one shape begin and end; None is the shape of events kept as text."""
    if not len(shapes):
        return
    encoded = pc.dictionary_encode(shapes, null_encoding="encode")
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    bounds = [0, *(np.flatnonzero(indices[1:] != indices[:-1]) + 1).tolist(), len(indices)]
    names = encoded.dictionary.to_pylist()
    for start, end in pairwise(bounds):
        yield start, end, names[indices[start]]


def composed(rows: pa.RecordBatch) -> list[bytes]:
    """The JSON of all events in some rows of a segment. Raises KeyError, ValueError: these are no such rows."""
    events: list[bytes] = []
    for start, end, shape in shape_runs(rows["shape"]):
        run = rows.slice(start, end - start)
        if shape is None:
            texts = run["raw"]
        else:
            texts = compose(shape, {slot.column: run[slot.column] for slot in shape_of(shape).slots}, end - start)
        events += texts.cast(pa.binary()).to_pylist()
    return events


def _spelt(kind: Kind, values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        return _spelt(kind, values.dictionary).take(values.indices)
    match kind:
        case "s":
            texts = pc.binary_join_element_wise(pa.scalar('"'), _escaped(values), pa.scalar('"'), "")
        case "d":
            texts = values.cast(pa.string())
            is_whole = pc.invert(pc.match_substring_regex(texts, "[.en]"))
            if pc.any(is_whole).as_py():
                texts = pc.if_else(is_whole, pc.binary_join_element_wise(texts, pa.scalar(".0"), ""), texts)
        case _:
            texts = values.cast(pa.string())
    return pc.fill_null(texts, "null") if texts.null_count else texts


def _escaped(values: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(values, ESCAPED.pattern)).as_py():
        return values
    for meant, escape in ESCAPES:
        values = pc.replace_substring(values, meant, escape)
    return values
