"""A plan's conditions as DuckDB SQL, with every value bound.

Where an event repeats a key, a condition sees the first occurrence only: the engine gives no other.
"""

import re

from cordwood.model.batch import batch_of
from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan, Position, paths
from cordwood.store.segments.derive_sql import pointer

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
    name = f"text{number}"
    values[name] = equals.text
    if equals.field in DERIVED_FIELDS:
        return f"{equals.field} = ${name}"
    ways: list[str] = []
    for way, keys in enumerate(paths(equals.field)):
        at = f"path{number}_{way}"
        values[at] = pointer(keys)
        found = f"json_extract_string(raw, ${at})"
        same = f"{found} = ${name}"
        if equals.text.startswith(("{", "[")):
            # The engine spells containers as text; no container equals a text.
            same = f"({same} AND json_type(raw, ${at}) = 'VARCHAR')"
        ways.append(same)
        if _NUMBER.fullmatch(equals.text):
            values[f"number{number}"] = float(equals.text)
            ways.append(
                f"(json_type(raw, ${at}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
                f" AND TRY_CAST({found} AS DOUBLE) = $number{number})"
            )
    return "(" + " OR ".join(ways) + ")"
