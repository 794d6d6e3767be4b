"""What an evaluation finds: a number, whether the condition holds, and of a table the groups for which it does."""

import asyncio
import heapq
import json
import sys
from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct, UnsetType

from cordwood.alerts.interface import Evaluator, Table
from cordwood.alerts.message import MOST_CHARACTERS, cut
from cordwood.alerts.questions import Question
from cordwood.model.alerts.found import Found, HeldGroup, Label
from cordwood.model.alerts.rule import Condition
from cordwood.model.tenant import Tenant
from cordwood.neutral import neutral

_MOST_WHOLE = 1 << 63


class Finding(Struct, frozen=True):
    """`value` is the worst of a table's numbers; None where it has none."""

    is_match: bool
    value: float | None
    note: str = ""
    found: Found | UnsetType = UNSET


async def finding(
    evaluator: Evaluator,
    question: Question,
    condition: Condition,
    start_us: int,
    end_us: int,
    tenant: Tenant,
    most: int = 0,
) -> Finding:
    """The answer for a window, with at most so many groups. Raises Overloaded, Unavailable, BadRequest."""
    if question.column is None:
        measured = await evaluator.value(question.search, start_us, end_us, tenant)
        return Finding(condition.holds(measured.value), measured.value, measured.note, question.nothing_found())
    table = await evaluator.table(question.search, start_us, end_us, tenant)
    return await asyncio.to_thread(_judged, table, question.column, question.by, condition, most)


def _judged(table: Table, column: str, by: Sequence[str], condition: Condition, most: int) -> Finding:
    numbers = [(number, row) for row in table.rows if (number := _number(row.get(column))) is not None]
    value = max((number for number, _ in numbers), key=condition.badness, default=None)
    held = [each for each in numbers if condition.holds(each[0])]
    worst = heapq.nlargest(most, held, key=lambda each: condition.badness(each[0]))
    groups = tuple(HeldGroup(_labels(row, by), number) for number, row in worst)
    notes = [table.note]
    if by and len(held) > most:
        notes.append(f"groups that hold: {len(held):,}, shown: {most}")
    return Finding(bool(held), value, "; ".join(filter(None, notes)), Found(column, groups))


def _number(value: object) -> float | None:
    """Of a column's value; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    # What is kept and told is JSON, which has neither infinity nor numbers that no double holds.
    return float(max(-sys.float_info.max, min(sys.float_info.max, value)))


def _labels(row: Mapping[str, object], by: Sequence[str]) -> dict[str, Label]:
    return {name: _label(row.get(name)) for name in by}


def _label(value: object) -> Label:
    match value:
        case None | bool() | float():
            return value
        case int() if -_MOST_WHOLE <= value < _MOST_WHOLE:
            return value
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return cut(neutral(text[: 4 * MOST_CHARACTERS]), MOST_CHARACTERS)
