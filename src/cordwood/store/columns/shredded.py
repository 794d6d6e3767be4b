"""What becomes of lines that are taken apart."""

from typing import TypeAlias

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]


class Group(Struct, frozen=True):
    """Lines of one shape: their numbers, ascending, and a column for each value, by name; texts that repeat are kept as
    a dictionary."""

    shape: str
    rows: Rows
    columns: dict[str, pa.Array]


class Shredded(Struct, frozen=True):
    """The groups of some lines, the numbers of the lines that are in none, and how many lines there are."""

    groups: list[Group]
    rest: Rows
    lines: int
