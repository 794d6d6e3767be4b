"""How rows of a table are printed for people: in columns, with bars where they are counts over time."""

import os
import shutil
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, NamedTuple

from cordwood.client.spelt import Number, json_text, parsed
from cordwood.neutral import neutral

_LEAST_BAR, _MOST_BAR = 8, 60
_DIGITS, _DECIMALS = 15, 6
"""Significant ones that a double holds whatever the number; decimals that people read."""
_EIGHTHS = "▏▎▍▌▋▊▉█"


class Printed(NamedTuple):
    """How many, and whether a column has no value in any of them."""

    rows: int
    is_unfilled: bool


def print_rows(lines: Iterable[bytes], out: BinaryIO) -> Printed:
    """Write rows, each a JSON object. Numbers stand to the right; nothing is cut or folded."""
    rows: list[dict[str, Any]] = [parsed(line) for line in lines]
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    heads = [neutral(name) for name in names]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    is_number = [any(isinstance(row.get(name), Number) for row in rows) for name in names]
    bars = _bars(rows, names, is_number, sum(widths) + 2 * len(widths))
    for row, bar in zip([heads, *cells], ["", *bars], strict=True):
        placed = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        out.write(("  ".join([*placed, bar]).rstrip() + "\n").encode())
    out.flush()
    return Printed(len(rows), any(all(row.get(name) is None for row in rows) for name in names))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case Number():
            return _shown(value)
        case str():
            return neutral(value)
        case _:
            return neutral(json_text(value))


def _shown(number: Number) -> str:
    """Without the digits that only show how a double was computed: 0.30000000000000004 is 0.3."""
    if len(number) <= _DIGITS or repr(float(number)) != number:
        return number
    value = float(number)
    return repr(round(value, _DECIMALS)) if abs(value) >= 1 else f"{value:.{_DIGITS}g}"


def _bars(rows: Sequence[dict[str, Any]], names: Sequence[str], is_number: Sequence[bool], taken: int) -> list[str]:
    """Beside rows that are one number for each span of time, how great it is."""
    room = min(_MOST_BAR, shutil.get_terminal_size().columns - taken)
    if list(is_number) != [False, True] or names[0] != "timestamp" or room < _LEAST_BAR or "NO_BARS" in os.environ:
        return [""] * len(rows)
    values = [max(0.0, float(row.get(names[1]) or 0)) for row in rows]
    most = max(values, default=0.0) or 1.0
    return [_bar(value / most * room) for value in values]


def _bar(length: float) -> str:
    eighths = round(length * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
