"""Comparisons that are decided before any row is seen: engines have trouble of their own with those."""

from math import isfinite

from cordwood.language.functions import type_of
from cordwood.language.values import as_number, as_text
from cordwood.model.search.expressions import Comparison, Constant, Expression, Negative

Scalar = float | str | bool | None


def decided(found: Comparison) -> bool | None:
    """What a comparison of two constants gives; None: it is one of something else."""
    left, right = _constant(found.left), _constant(found.right)
    if left is None or right is None:
        return None
    types = {type_of(found.left), type_of(found.right)}
    if "number" in types:
        return _is_so(found.sign, _number(left.value), _number(right.value))
    if "boolean" in types:
        return _is_so(found.sign, _truth(left.value), _truth(right.value))
    return _is_so(found.sign, as_text(left.value), as_text(right.value))


def _constant(found: Expression) -> Constant | None:
    match found:
        case Constant():
            return found
        case Negative(part=part) if (inner := _constant(part)) is not None:
            number = _number(inner.value)
            return Constant(None if number is None else 0.0 - number)
        case _:
            return None


def _number(value: Scalar) -> float | None:
    number = as_number(value)
    return number if number is not None and isfinite(number) else None


def _truth(value: Scalar) -> bool | None:
    return value if isinstance(value, bool) else None


def _is_so(sign: str, left: float | str | None, right: float | str | None) -> bool:
    if left is None or right is None:
        return False
    order = (left > right) - (left < right)  # type: ignore[operator]
    return {"=": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]
