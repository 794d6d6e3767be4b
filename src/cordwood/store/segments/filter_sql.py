"""A plan's conditions as DuckDB SQL, with every value bound.

Where an event repeats a key, a condition sees the first occurrence only: the engine gives no other.
"""

import re
from collections.abc import Iterable
from uuid import UUID

from cordwood.model.batch import batch_of
from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan, Position, paths
from cordwood.store.segments.derive_sql import pointer

# What JSON may spell with an escape other than \u (RFC 8259 §7).
_ESCAPED = re.compile(r'["\\/\x00-\x1f]')
# What JSON calls a number (RFC 8259 §6), also with a plus sign or leading zeros.
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


class Conditions:
    """Conditions joined by AND, and their values."""

    def __init__(self) -> None:
        self._all: list[str] = []
        self.values: dict[str, object] = {}

    @property
    def where(self) -> str:
        return "WHERE " + " AND ".join(self._all) if self._all else ""

    def between(self, start_us: int | None, end_us: int | None) -> None:
        """start ≤ timestamp < end."""
        if start_us is not None:
            self._all.append("ts >= make_timestamptz($start::BIGINT)")
            self.values["start"] = start_us
        if end_us is not None:
            self._all.append("ts < make_timestamptz($end::BIGINT)")
            self.values["end"] = end_us

    def of_event(self, batch_id: UUID, ordinal: int) -> None:
        """The event at `ordinal` in a batch."""
        self._all.append("batch_id = $batch::UUID AND ordinal = $ordinal")
        self.values |= {"batch": str(batch_id), "ordinal": ordinal}

    def matching(self, plan: Plan) -> None:
        """The filters of a plan."""
        for number, equals in enumerate(plan.filters):
            self._all.append(_equals(equals, number, self.values))

    def behind(self, position: Position) -> None:
        """After a position in the newest-first order."""
        batch_id, ordinal = batch_of(position.id)
        self.values |= {"at": position.timestamp_us, "at_batch": str(batch_id), "at_ordinal": ordinal}
        self._all.append("""(ts < make_timestamptz($at::BIGINT) OR (ts = make_timestamptz($at::BIGINT)
            AND (batch_id < $at_batch::UUID OR (batch_id = $at_batch::UUID AND ordinal < $at_ordinal))))""")


def _equals(equals: Equals, number: int, values: dict[str, object]) -> str:
    values[f"text{number}"] = equals.text
    if equals.field in DERIVED_FIELDS:
        return f"{equals.field} = $text{number}"
    places = []
    for way, keys in enumerate(paths(equals.field)):
        place = f"path{number}_{way}"
        values[place] = pointer(keys)
        places.append(f"${place}")
    if _NUMBER.fullmatch(equals.text):
        values[f"number{number}"] = float(equals.text)
        return _any(_equals_number(place, number) for place in places)
    found = _any(_equals_text(place, number, equals.text) for place in places)
    # A search through bytes costs a tenth of a look into an event, and leaves few to look into.
    return found if _ESCAPED.search(equals.text) else f"({_any(_spells(number))} AND {found})"


def _spells(number: int) -> list[str]:
    """Whether an event can spell a text at all: as it is, or with escapes."""
    return [f"contains(raw, $text{number})", "contains(raw, '\\u')"]


def _equals_text(place: str, number: int, text: str) -> str:
    same = f"json_extract_string(raw, {place}) = $text{number}"
    if not text.startswith(("{", "[")):
        return same
    # The engine gives containers as text; no container equals a text.
    return f"({same} AND json_type(raw, {place}) = 'VARCHAR')"


def _equals_number(place: str, number: int) -> str:
    """The first comparison leaves few events for the exact ones."""
    found = f"json_extract_string(raw, {place})"
    is_number = f"json_type(raw, {place}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
    return f"(TRY_CAST({found} AS DOUBLE) = $number{number} AND ({found} = $text{number} OR {is_number}))"


def _any(conditions: Iterable[str]) -> str:
    return "(" + " OR ".join(conditions) + ")"
