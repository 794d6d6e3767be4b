"""What a field's value is in a decoded event, and what it means as a number, a text, a duration, a size or a time."""

import re
from collections.abc import Iterator
from typing import Any

from cordwood.language.quantities import number_text, spelled_duration, spelled_number, spelled_size
from cordwood.model.event import parse_timestamp, text_of
from cordwood.model.plan import paths
from cordwood.model.search.units import duration_unit, size_unit

_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_MISSING = object()


def values_at(data: dict[str, Any], name: str) -> Iterator[object]:
    """The values that a dotted name leads to, nulls included: the literal key first, the fully nested one last."""
    for keys in paths(name):
        value: Any = data
        for key in keys:
            value = _within(value, key)
        if value is not _MISSING:
            yield value


def _within(value: object, key: str) -> object:
    if isinstance(value, dict):
        return value.get(key, _MISSING)
    if isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
        return value[int(key)]
    return _MISSING


def scalars_at(data: dict[str, Any], name: str) -> Iterator[object]:
    """The same without nulls and objects; of an array, those of its elements that are no array or object."""
    for value in values_at(data, name):
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, str | int | float):
                yield each


def scalars_in(value: object) -> Iterator[object]:
    """Every text, number and boolean within a value, at any depth."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as inner:
                waiting += inner.values()
            case list() as inner:
                waiting += inner
            case (str() | int() | float()) as scalar:
                yield scalar


def double_of(value: object) -> float | None:
    """The double of a number that is one; infinite beyond doubles. Booleans and texts are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def as_number(value: object) -> float | None:
    """The double of a number, or of a text that spells one."""
    return spelled_number(value) if isinstance(value, str) else double_of(value)


def as_text(value: object) -> str | None:
    """A value's canonical text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if -(1 << 63) <= value < 1 << 63 else number_text(double_of(value) or 0.0)
        case float():
            return number_text(value)
        case _:
            return None


def as_duration(value: object, field: str) -> tuple[float, float] | None:
    """A duration as a count, and the nanoseconds that one of them is: from a text, or by the field's name."""
    if isinstance(value, str) and (spelled := spelled_duration(value)) is not None:
        return spelled, 1.0
    number, unit = as_number(value), duration_unit(field)
    return None if number is None or unit is None else (number, float(unit))


def as_size(value: object, field: str) -> tuple[float, float] | None:
    """A size as a count, and the bytes that one of them is."""
    if isinstance(value, str) and (spelled := spelled_size(value)) is not None:
        return spelled, 1.0
    number = as_number(value)
    return None if number is None else (number, float(size_unit(field)))


def as_time(value: object) -> int | None:
    """What would be usable as a timestamp, in µs since 1970 UTC."""
    text = text_of(value)
    return None if text is None else parse_timestamp(text)
