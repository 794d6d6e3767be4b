"""What an expression gives for a row."""

from math import ceil, floor, isfinite

from cordwood.language.functions import type_of
from cordwood.language.match import check_of, matcher
from cordwood.language.texts import folded, raised
from cordwood.language.values import scalars_in
from cordwood.model.search.expressions import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    Constant,
    Expression,
    Logic,
    Negation,
    Negative,
    Test,
)
from cordwood.model.search.filters import Everything, Exists, Leaf, Regex, Words
from tests.support.reference.rows import Moment, Row, Value, number, quantity, text


def evaluate(found: Expression, row: Row) -> Value:
    match found:
        case Constant(value=value):
            return value
        case Column(field=field):
            return row.value(field)
        case Test(filter=leaf):
            return holds(leaf, row)
        case Negation(part=part):
            return evaluate(part, row) is not True
        case Logic(kind="and", parts=parts):
            return all(evaluate(part, row) is True for part in parts)
        case Logic(parts=parts):
            return any(evaluate(part, row) is True for part in parts)
        case Negative(part=part):
            value = quantity(evaluate(part, row))
            return None if value is None else 0.0 - value
        case Arithmetic(sign=sign, left=left, right=right):
            return _arithmetic(sign, quantity(evaluate(left, row)), quantity(evaluate(right, row)))
        case Comparison():
            return _compared(found, row)
        case Call(function="if", arguments=(condition, *branches)):
            chosen = branches[0] if evaluate(condition, row) is True else branches[1] if len(branches) > 1 else None
            return None if chosen is None else evaluate(chosen, row)
        case Call(function=function, arguments=arguments):
            return _call(function, [evaluate(each, row) for each in arguments])


def holds(leaf: Leaf, row: Row) -> bool:
    """A filter on a row: of an event, unless the field is a column."""
    match leaf:
        case Everything():
            return True
        case Words(field=None) | Regex(field=None):
            return any(map(check_of(leaf), scalars_in(row.columns if row.event is None else row.event.data)))
        case _:
            field = leaf.field
    assert field is not None
    if row.is_event_field(field):
        assert row.event is not None
        return matcher(leaf)(row.event)
    raw = row.raw(field)
    if isinstance(leaf, Exists):
        return raw is not None
    values = [text(raw)] if isinstance(raw, Moment) else raw if isinstance(raw, list) else [raw]
    check = check_of(leaf)
    return any(check(value) for value in values if isinstance(value, str | int | float))


def _arithmetic(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    match sign:
        case "+":
            found = left + right
        case "-":
            found = left - right
        case "*":
            found = left * right
        case _:
            found = left / right
    return found if isfinite(found) else None


def _compared(found: Comparison, row: Row) -> bool:
    left, right = evaluate(found.left, row), evaluate(found.right, row)
    types = {type_of(found.left), type_of(found.right)}
    if "number" in types:
        pair = quantity(left), quantity(right)
    elif "boolean" in types:
        pair = _truth(left), _truth(right)
    elif "text" in types or _dynamic(left) is None or _dynamic(right) is None:
        return _is_so(found.sign, text(left), text(right))
    else:
        pair = _dynamic(left), _dynamic(right)
    return _is_so(found.sign, *pair)


def _dynamic(value: Value) -> float | int | None:
    return quantity(value) if isinstance(value, Moment) else number(value)


def _truth(value: Value) -> int | None:
    return int(value) if isinstance(value, bool) else None


def _is_so(sign: str, left: object, right: object) -> bool:
    if left is None or right is None:
        return False
    order: int = (left > right) - (left < right)  # type: ignore[operator]
    return {"=": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]


def _call(function: str, values: list[Value]) -> Value:
    if function == "coalesce":
        return next((value for value in values if value is not None), None)
    if function == "concat":
        return "".join(text(value) or "" for value in values)
    if function == "tonumber":
        return quantity(values[0])
    if function == "tostring":
        return text(values[0])
    if function in ("abs", "ceil", "floor", "round"):
        return _rounded(function, [quantity(value) for value in values])
    if function == "substr":
        return _part(text(values[0]), [quantity(value) for value in values[1:]])
    texts = [text(value) for value in values]
    if None in texts:
        return False if function in ("contains", "startswith", "endswith") else None
    return _of_texts(function, [each for each in texts if each is not None])


def _of_texts(function: str, texts: list[str]) -> Value:
    first, *rest = texts
    match function:
        case "lower":
            return folded(first)
        case "upper":
            return raised(first)
        case "len":
            return float(len(first))
        case "replace":
            return first.replace(rest[0], rest[1]) if rest[0] else first
        case "contains":
            return rest[0] in first
        case "startswith":
            return first.startswith(rest[0])
        case _:
            return first.endswith(rest[0])


def _rounded(function: str, values: list[float | None]) -> float | None:
    value = values[0]
    if value is None:
        return None
    if function == "abs":
        return abs(value)
    if function in ("ceil", "floor"):
        return float(ceil(value) if function == "ceil" else floor(value))
    power = 10.0 ** int(values[1] or 0 if len(values) > 1 else 0)
    raised_to = abs(value) * power + 0.5
    found = floor(raised_to) / power if isfinite(raised_to) else abs(value)
    return -found if value < 0 else found


def _part(whole: str | None, places: list[float | None]) -> str | None:
    """A start below 1, and a length below 0, give nothing; broken numbers are cut to whole ones."""
    if whole is None or None in places:
        return None
    start, *length = [int(place or 0) for place in places]
    if start < 1 or (length and length[0] < 0):
        return ""
    return whole[start - 1 :][: length[0]] if length else whole[start - 1 :]
