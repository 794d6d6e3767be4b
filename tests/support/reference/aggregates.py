"""What an aggregate gives for the rows of a group."""

from math import floor, fsum
from typing import Any

from cordwood.model.search.expressions import Column
from cordwood.model.search.pipes import Aggregate
from tests.support.reference.expressions import evaluate
from tests.support.reference.rows import Moment, Row, Value, group_key, number, order_key

_MOST_VALUES = 100


def aggregate(asked: Aggregate, rows: list[Row], seconds: float | None) -> Any:
    """`seconds`: how long the time is that the rows are from."""
    if asked.condition is not None:
        condition = asked.condition
        rows = [row for row in rows if evaluate(condition, row) is True]
    if asked.argument is None:
        return len(rows) if asked.function == "count" else None if not seconds else len(rows) / seconds
    argument = asked.argument
    values = [evaluate(argument, row) for row in rows]
    numbers = sorted(float(found) for value in values if (found := number(value)) is not None)
    scalars = [value for value in values if value is not None]
    match asked.function:
        case "count" if isinstance(argument, Column):
            return sum(row.raw(argument.field) is not None for row in rows)
        case "count":
            return sum(value is not None for value in values)
        case "count_distinct" | "approx_count_distinct":
            return len({group_key(value) for value in scalars})
        case "sum":
            return fsum(numbers) if numbers else None
        case "avg":
            return fsum(numbers) / len(numbers) if numbers else None
        case "min":
            return _extreme(scalars, numbers, 0)
        case "max":
            return _extreme(scalars, numbers, -1)
        case "percentile":
            return _percentile(numbers, asked.percent or 0.0)
        case "values":
            different = {group_key(value): value for value in reversed(scalars)}
            return sorted(different.values(), key=order_key)[:_MOST_VALUES]
        case "first" | "last":
            return _at_end(rows, values, is_last=asked.function == "last")
        case _:
            raise AssertionError(asked.function)


def _extreme(scalars: list[Value], numbers: list[float], end: int) -> Value:
    if numbers:
        return numbers[end]
    for kind in (Moment, str, bool):
        if found := sorted(value for value in scalars if isinstance(value, kind)):
            return found[end]
    return None


def _percentile(numbers: list[float], percent: float) -> float | None:
    if not numbers:
        return None
    place = (len(numbers) - 1) * percent / 100
    low = floor(place)
    high = min(low + 1, len(numbers) - 1)
    return numbers[low] + (place - low) * (numbers[high] - numbers[low])


def _at_end(rows: list[Row], values: list[Value], *, is_last: bool) -> Value:
    found: list[tuple[tuple[int, int], int]] = []
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        assert row.event is not None
        if value is not None:
            found.append(((row.event.timestamp_us, row.event.id.int), place))
    return values[sorted(found)[-1 if is_last else 0][1]] if found else None
