"""Rows of parts → rows of the whole."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal

import msgspec

from cordwood.language.quantities import spelled_number

Merge = Literal["add", "least", "greatest", "first", "last"]
"""How two values become one. Null is what a part has nothing to say by."""
Groups = dict[str, list[Any]]
"""The values of each group, by the JSON of what it is a group of: a list, the beginning of its span in front, if there
are any. In JSON the number 1, the text "1" and true are different."""

_MOST_WHOLE = 1 << 53


def encoded(value: object) -> bytes:
    """As JSON, whatever texts there are in it."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()  # halves of characters


def decoded(text: str | bytes) -> Any:
    """What `encoded` has encoded."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)


def merged(parts: Iterable[Mapping[str, list[Any]]], how: Sequence[Merge]) -> Groups:
    """All of them, the earliest part first."""
    whole: Groups = {}
    for part in parts:
        for group, values in part.items():
            add(whole, group, values, how)
    return whole


def add(whole: Groups, group: str, values: Sequence[Any], how: Sequence[Merge]) -> None:
    """Further values of a group, later than those that it has."""
    mine = whole.get(group)
    if mine is None:
        whole[group] = list(values)
        return
    for place, value in enumerate(values):
        if value is not None:
            mine[place] = value if mine[place] is None else _of_two(how[place], mine[place], value)


def _of_two(how: Merge, earlier: Any, later: Any) -> Any:
    match how:
        case "add":
            return earlier + later
        case "least":
            return min(earlier, later, key=_place)
        case "greatest":
            # Of numbers and texts the numbers win here, too.
            return max(earlier, later, key=lambda value: (-_place(value)[0], _place(value)[1]))
        case "first":
            return earlier
        case _:
            return later


def _place(value: Any) -> tuple[int, Any]:
    """By kind, in the order in which `min` and `max` look for one: numbers, texts, booleans."""
    if isinstance(value, bool):
        return (2, value)
    return (1, value) if isinstance(value, str) else (0, value)


def real(value: float | None) -> float | int | None:
    """A double as answers have it; null if it is beyond those."""
    if value is None:
        return None
    try:
        double = float(value)
    except OverflowError:
        return None
    if not isfinite(double):
        return None
    return int(double) if double.is_integer() and abs(double) < _MOST_WHOLE else double


def order_key(value: Any) -> tuple[int, Any, int, str]:
    """What groups are ordered by: numbers and texts that spell one, other texts, booleans, null."""
    match value:
        case None:
            return (4, 0, 0, "")
        case bool():
            return (3, int(value), 0, "")
        case str():
            number = spelled_number(value)
            return (2, value, 0, "") if number is None or not isfinite(number) else (0, number, 1, value)
        case _:
            return (0, value, 0, "")
