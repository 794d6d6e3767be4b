"""What becomes of lines that are taken apart."""

from typing import TypeAlias

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]


class Part(Struct, frozen=True):
    """Some lines: their numbers, ascending, and columns of their values, by name; texts that repeat are kept as a
    dictionary."""

    rows: Rows
    columns: dict[str, pa.Array]


class Group(Struct, frozen=True):
    """Lines of one shape: as a part that has a column for each value."""

    shape: str
    rows: Rows
    columns: dict[str, pa.Array]


class Shredded(Struct, frozen=True):
    """The groups of some lines, the numbers of the lines that are in none, and how many lines there are."""

    groups: list[Group]
    rest: Rows
    lines: int


class Picked(Struct, frozen=True):
    """What was wanted of some lines."""

    parts: list[Part]
    rest: Rows
    """The numbers of the lines that are in no part."""
    text: NDArray[np.uint8]
    """All lines as they were, and PADDING."""
    ends: NDArray[np.int32]
    """Where each line's newline is in it."""
    may_have_large: NDArray[np.bool_]
    """Which lines may have a number with an exponent of three digits or more, or with more than LONG_NUMBER characters:
    all of which the scan makes no sense, and those that do."""
