"""Numbers by value as IEEE 754 doubles, where only exact ones can be compared: in SQL/JSON paths, as in `numeric`.

A number is at least a double if the double nearest to it is. So each bound becomes the end of what rounds to it.
"""

import math
from decimal import Decimal, localcontext
from struct import pack
from typing import NamedTuple

_MOST_DIGITS = 1100
"""Of the exact decimal form of a double, and of what lies halfway between two."""
_HALFWAY_TO_INFINITY = Decimal(2**1024 - 2**970)


class Rounding(NamedTuple):
    """What rounds to a double (§4.3.1: to nearest, ties to even): between the ends, None for infinity, or at them."""

    low: Decimal | None
    high: Decimal | None
    is_closed: bool


def rounding_to(number: float) -> Rounding:
    """The numbers whose nearest double is this one."""
    size = abs(number)
    with localcontext() as context:
        context.prec = _MOST_DIGITS
        if math.isinf(size):
            # As if there were one more exponent: from halfway between the greatest double and 2**1024.
            low, high, is_closed = _HALFWAY_TO_INFINITY, None, True
        else:
            below, above = math.nextafter(size, -math.inf), math.nextafter(size, math.inf)
            low = (Decimal(below) + Decimal(size)) / 2
            high = _HALFWAY_TO_INFINITY if math.isinf(above) else (Decimal(size) + Decimal(above)) / 2
            is_closed = pack(">d", size)[-1] % 2 == 0
        if number < 0:
            return Rounding(None if high is None else -high, -low, is_closed)
        return Rounding(low, high, is_closed)
