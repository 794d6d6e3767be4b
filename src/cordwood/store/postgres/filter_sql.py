"""A plan's conditions as SQL, with every value bound."""

import math
import re
from decimal import Decimal, localcontext
from struct import pack
from typing import NamedTuple

from cordwood.model.event import MAX_TIMESTAMP_US
from cordwood.model.plan import DERIVED_FIELDS, Equals, Plan, paths
from cordwood.model.tenant import Tenant
from cordwood.store.postgres.jsonb import NUMBER, double_text, escaped_text

# What JSON calls a number (RFC 8259 §6), also with a plus sign or leading zeros.
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
# What PostgreSQL takes for an array's index beside 0, 1, 2, …: an array has no such keys.
_NO_INDEX = re.compile(r"\s+\d+|\s*[+-]\d+|0\d+", re.ASCII)
_MOST_DIGITS = 1100
"""Of the exact decimal form of a double, and of what lies halfway between two."""


class _Place(NamedTuple):
    """Where a value is looked up: a path of keys and indexes within a jsonb."""

    within: str
    path: str

    @property
    def value(self) -> str:
        return f"{self.within} #> {self.path}"


class Conditions:
    """Conditions joined by AND, and their values."""

    def __init__(self, plan: Plan, tenant: Tenant, *, with_position: bool = True) -> None:
        self.values: list[object] = []
        found = [f"tenant = {self._bound(tenant)}"]
        if plan.start_us is not None:
            found.append(f"ts >= {self._bound(plan.start_us)}")
        if plan.end_us is not None and plan.end_us <= MAX_TIMESTAMP_US:  # beyond it, no timestamp is
            found.append(f"ts < {self._bound(plan.end_us)}")
        if plan.after is not None and with_position:
            found.append(f"(ts, id) < ({self._bound(plan.after.timestamp_us)}, {self._bound(plan.after.id)})")
        found += [self._equals(equals) for equals in plan.filters]
        self.where = "WHERE " + " AND ".join(found)

    def _bound(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def _equals(self, equals: Equals) -> str:
        text = f"{self._bound(escaped_text(equals.text))}::text"
        if equals.field in DERIVED_FIELDS:
            return f"{equals.field} = {text}"
        places = [self._place(keys) for keys in paths(equals.field)]
        if _NUMBER.fullmatch(equals.text):
            number = float(equals.text)
            beyond = f"{self._bound(double_text(number))}::text"
            between = self._same_double(number)
            ways = [_has_number(place, text, between, beyond) for place in places]
        else:
            ways = [_has_text(place, text, equals.text) for place in places]
        return "(" + " OR ".join(ways) + ")"

    def _place(self, keys: tuple[str, ...]) -> "_Place":
        within, path = "data", list[str]()
        for depth, key in enumerate(keys):
            if depth and _NO_INDEX.fullmatch(key):
                # In a path, PostgreSQL would count -1 from an array's end; alone, a text is no index.
                within = f"({within} #> {self._bound(path)}::text[] -> {self._bound(key)}::text)"
                path = []
            else:
                path.append(escaped_text(key))
        return _Place(within, f"{self._bound(path)}::text[]")

    def _same_double(self, number: float) -> str:
        """A condition on `value`, a numeric: true of exactly those numbers whose nearest double is `number`."""
        low, high, is_closed = _rounding_to(number)
        less = "<=" if is_closed else "<"
        ends = [] if low is None else [f"{self._bound(low)}::numeric {less} value"]
        ends += [] if high is None else [f"value {less} {self._bound(high)}::numeric"]
        return " AND ".join(ends)


def _has_text(place: _Place, text: str, plain: str) -> str:
    same = f"{place.within} #>> {place.path} = {text}"
    # PostgreSQL gives containers as text; no container equals a text.
    return f"({same} AND jsonb_typeof({place.value}) = 'string')" if plain.startswith(("{", "[")) else same


def _has_number(place: _Place, text: str, between: str, beyond: str) -> str:
    """CASE, as a cast of what is no number would fail; AND keeps no order."""
    return f"""
        CASE jsonb_typeof({place.value})
            WHEN 'number' THEN (SELECT {between} FROM (SELECT ({place.value})::numeric) AS n(value))
            WHEN 'string' THEN {place.within} #>> {place.path} = {text}
            WHEN 'object' THEN {place.within} #>> ({place.path} || '{{{NUMBER},1}}') = {beyond}
            ELSE false
        END"""


def _rounding_to(number: float) -> tuple[Decimal | None, Decimal | None, bool]:
    """The ends of what rounds to a double (IEEE 754 §4.3.1: to nearest, ties to even), and whether they do too."""
    size = abs(number)
    with localcontext() as context:
        context.prec = _MOST_DIGITS
        if math.isinf(size):
            # As if there were one more exponent: from halfway between the greatest double and 2**1024.
            low, high, is_closed = Decimal(2**1024 - 2**970), None, True
        else:
            below, above = math.nextafter(size, -math.inf), math.nextafter(size, math.inf)
            low = (Decimal(below) + Decimal(size)) / 2
            high = Decimal(2**1024 - 2**970) if math.isinf(above) else (Decimal(size) + Decimal(above)) / 2
            is_closed = pack(">d", size)[-1] % 2 == 0
        if number < 0:
            return None if high is None else -high, -low, is_closed
        return low, high, is_closed
