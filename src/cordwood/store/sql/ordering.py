"""What values are grouped and ordered by."""

from cordwood.store.sql.dialect import Dialect
from cordwood.store.sql.expressions import Expressions
from cordwood.store.sql.rows import Rows
from cordwood.store.sql.value import Order, Term, Value


def group_of(value: Value, rows: Rows, dialect: Dialect) -> Value:
    """The same value, spelled so that equal ones have equal parts."""
    value = value.usable
    if value.real is None:
        return value
    plain = f"{value.real} + 0"  # minus zero is zero
    if value.whole is None:
        return Value(None, rows.bind(plain), value.time, value.text, value.truth)
    of_real = dialect.whole_of(value.real)
    whole = rows.bind(f"coalesce({value.whole}, {of_real})")
    real = rows.bind(f"CASE WHEN ({of_real}) IS NULL THEN {plain} END")
    return Value(whole, real, value.time, value.text, value.truth)


def order_of(value: Value, computing: Expressions, dialect: Dialect, *, is_descending: bool = False) -> Order:
    """By `sort`: texts that spell a number are equal to it."""
    return _order(value.usable, computing, dialect, is_descending, is_total=False)


def total_order_of(value: Value, computing: Expressions, dialect: Dialect) -> Order:
    """Of groups: no two different ones are equal."""
    return _order(value.usable, computing, dialect, is_descending=False, is_total=True)


def _order(value: Value, computing: Expressions, dialect: Dialect, is_descending: bool, *, is_total: bool) -> Order:
    parts = value.parts
    if not parts:
        return ()
    if len(parts) == 1 and value.text is None:
        return (Term(next(iter(parts.values())), is_descending),)
    number = computing.quantity(value, has_times=False)
    found: list[str] = []
    ranks = [(number, 0), (value.time, 1), (value.text, 2), (value.truth, 3)]
    whens = [f"WHEN {part} IS NOT NULL THEN {rank}" for part, rank in ranks if part is not None]
    found.append(f"CASE {' '.join(whens)} END")
    if number is not None:
        found.append(number)
    if value.whole is not None:
        found.append(computing.exact(value))
    if value.time is not None:
        found.append(value.time)
    if value.text is not None and is_total:
        # Of equal numbers, the number comes before its text.
        found += [f"CASE WHEN {value.text} IS NULL THEN 0 ELSE 1 END", dialect.ordered(value.text)]
    elif value.text is not None:
        found.append(f"CASE WHEN {number} IS NULL THEN {dialect.ordered(value.text)} END")
    if value.truth is not None:
        found.append(value.truth)
    return tuple(Term(each, is_descending) for each in found)
