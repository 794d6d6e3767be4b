"""Expressions: arithmetic, comparisons, logic, functions, and filters among them."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, get_args

from cordwood.language.filters.terms import parse_condition
from cordwood.language.functions import SIGNATURES, Type, type_of
from cordwood.language.tokens import Reading
from cordwood.model.search.expressions import (
    Arithmetic,
    ArithmeticSign,
    Call,
    Column,
    Comparison,
    ComparisonSign,
    Constant,
    Expression,
    Function,
    Logic,
    LogicKind,
    Negation,
    Negative,
    Test,
)
from cordwood.model.search.filters import And, Filter, Not, Or

_CONSTANTS = {"true": True, "false": False, "null": None}
_COMPARISONS: tuple[tuple[str, ComparisonSign], ...] = (
    ("<=", "<="), (">=", ">="), ("!=", "!="), ("==", "="), ("<", "<"), (">", ">"), ("=", "="),
)  # fmt: skip
_DASHED = re.compile(r"[A-Za-z_@$.][A-Za-z0-9_.@$]*(?:-+[A-Za-z_@$][A-Za-z0-9_.@$]*)+", re.ASCII)
"""A name that would be a field's in a search; a call behind it is none."""
_FUNCTIONS: tuple[Function, ...] = get_args(Function)


class _Read(NamedTuple):
    """An expression, where it stands, and how many levels are within it."""

    expression: Expression
    start: int
    depth: int = 0


def parse_expression(reading: Reading) -> Expression:
    """An expression of any type, behind blanks."""
    return _inside(reading, _either).expression


def parse_boolean(reading: Reading) -> Expression:
    """One that is true or false, or may be."""
    return _inside(reading, lambda each: _checked(each, _either(each), "boolean", "a condition")).expression


def _inside(reading: Reading, parse: Callable[[Reading], _Read]) -> _Read:
    was, reading.in_expression = reading.in_expression, True
    found = parse(reading)
    reading.in_expression = was
    return found


def _either(reading: Reading) -> _Read:
    return _logic(reading, "or", _both)


def _both(reading: Reading) -> _Read:
    return _logic(reading, "and", _not)


def _logic(reading: Reading, kind: LogicKind, parse: Callable[[Reading], _Read]) -> _Read:
    first = parse(reading)
    reading.offer("keyword", (kind,))
    if not reading.sees_keyword(kind):
        return first
    parts = [_checked(reading, first, "boolean", f'"{kind}"')]
    while reading.takes_keyword(kind):
        parts.append(_checked(reading, parse(reading), "boolean", f'"{kind}"'))
    depth = 1 + max(part.depth for part in parts)
    reading.check_depth(depth, first.start)
    return _Read(_joined(kind, [part.expression for part in parts]), first.start, depth)


def _joined(kind: LogicKind, parts: Iterable[Expression]) -> Expression:
    flat: list[Expression] = []
    for part in parts:
        flat += part.parts if isinstance(part, Logic) and part.kind == kind else (part,)
    return Logic(kind, tuple(flat))


def _not(reading: Reading) -> _Read:
    reading.skip_blanks()
    start = reading.at
    if not reading.takes_keyword("not"):
        return _comparison(reading)
    with reading.deeper():
        part = _checked(reading, _not(reading), "boolean", '"not"')
    return _Read(Negation(part.expression), start, part.depth + 1)


def _comparison(reading: Reading) -> _Read:
    left = _sum(reading)
    reading.skip_blanks()
    start = reading.at
    for spelling, sign in _COMPARISONS:
        if not reading.takes_here(spelling):
            continue
        reading.count_term(start)
        right = _sum(reading)
        types = {type_of(left.expression), type_of(right.expression)} - {"any"}
        if len(types) > 1:
            message = f"a {' is compared with a '.join(sorted(types))}"
            raise reading.problem(message, left.start, reading.at, hint="tonumber() and tostring() convert")
        return _deeper(reading, Comparison(sign, left.expression, right.expression), left, right)
    return left


def _sum(reading: Reading) -> _Read:
    return _arithmetic(reading, ("+", "-"), _product)


def _product(reading: Reading) -> _Read:
    return _arithmetic(reading, ("*", "/"), _sign)


def _arithmetic(reading: Reading, signs: tuple[ArithmeticSign, ...], parse: Callable[[Reading], _Read]) -> _Read:
    left = parse(reading)
    while True:
        reading.skip_blanks()
        start = reading.at
        sign = next((each for each in signs if reading.sees(each)), None)
        if sign is None:
            return left
        reading.count_term(start)
        reading.at += 1
        left = _checked(reading, left, "number", f'"{sign}"')
        right = _checked(reading, parse(reading), "number", f'"{sign}"')
        left = _deeper(reading, Arithmetic(sign, left.expression, right.expression), left, right)


def _deeper(reading: Reading, expression: Expression, left: _Read, right: _Read) -> _Read:
    """A chain of operators is as deep as it is long, to all that walk it by recursion."""
    depth = 1 + max(left.depth, right.depth)
    reading.check_depth(depth, left.start)
    return _Read(expression, left.start, depth)


def _sign(reading: Reading) -> _Read:
    reading.skip_blanks()
    start = reading.at
    if not reading.takes_here("-"):
        return _primary(reading)
    with reading.deeper():
        part = _checked(reading, _sign(reading), "number", '"-"')
    within = part.expression
    if isinstance(within, Constant) and isinstance(within.value, float) and within.value > 0:
        return _Read(Constant(-within.value), start)
    return _Read(Negative(within), start, part.depth + 1)


def _primary(reading: Reading) -> _Read:
    start = reading.at
    reading.count_term(start)
    reading.offer("field")
    reading.offer("function", _FUNCTIONS)
    if reading.takes_here("("):
        with reading.deeper():
            inner = _either(reading)
        reading.needs(")")
        return inner
    if (number := reading.number()) is not None:
        return _Read(Constant(number), start)
    if (condition := parse_condition(reading)) is not None:
        return _Read(_as_expression(condition), start, 2)
    if reading.sees('"', "'"):
        return _Read(Constant(reading.quoted()), start)
    if reading.sees("`"):
        return _Read(Column(reading.field()), start)
    if reading.sees("/"):
        raise reading.problem("a regular expression needs a field", start, start + 1, hint="write message:/…/")
    name = reading.name(is_operand=True)
    if name is None:
        raise reading.unexpected("a field", "a number", "a text in quotes", "a function")
    if reading.takes("("):
        return _call(reading, name, start)
    if name.lower() in _CONSTANTS:
        return _Read(Constant(_CONSTANTS[name.lower()]), start)
    if name.lower() in ("and", "or", "not", "as", "by", "if"):
        reading.at = start
        raise reading.unexpected("a field", "a number", "a text in quotes", "a function")
    _check_dash(reading, name, start)
    return _Read(Column(reading.mention(name, start)), start)


def _check_dash(reading: Reading, name: str, start: int) -> None:
    """In a search `trac-backend` is a name, here a difference: without blanks nobody knows what is meant."""
    if (whole := _DASHED.match(reading.text, start)) is None or whole.end() <= reading.at:
        return
    if reading.text.startswith("(", whole.end()):
        return  # a function's: no field
    hint = f"write blanks around the - of a difference, or the field in backticks: `{whole[0]}`"
    raise reading.problem(f"{name}-… may be a field or a difference", start, whole.end(), hint=hint)


def _as_expression(condition: Filter) -> Expression:
    """A filter's own AND, OR and NOT are those of the expression: `a:!=5` is `a:* and not a:5`."""
    match condition:
        case And(parts=parts):
            return _joined("and", map(_as_expression, parts))
        case Or(parts=parts):
            return _joined("or", map(_as_expression, parts))
        case Not(part=part):
            return Negation(_as_expression(part))
        case leaf:
            return Test(leaf)


def _call(reading: Reading, name: str, start: int) -> _Read:
    function = next((each for each in _FUNCTIONS if each == name.lower()), None)
    if function is None:
        raise reading.unknown("function", name, start, _FUNCTIONS)
    signature = SIGNATURES[function]
    arguments: list[_Read] = []
    with reading.deeper():
        while not reading.takes(")"):
            if arguments:
                reading.needs(",")
            argument = _inside(reading, _either)
            wanted = signature.type_at(len(arguments))
            arguments.append(_checked(reading, argument, wanted, f"{function}()"))
    if not signature.takes_many(len(arguments)):
        message = f"{function}() takes {signature.says} arguments, not {len(arguments)}"
        raise reading.problem(message, start, reading.at)
    _check_digits(reading, function, arguments)
    depth = 1 + max((each.depth for each in arguments), default=0)
    reading.check_depth(depth, start)
    return _Read(Call(function, tuple(each.expression for each in arguments)), start, depth)


def _check_digits(reading: Reading, function: Function, arguments: list[_Read]) -> None:
    """Every store rounds to a number of digits that is known before."""
    if function != "round" or len(arguments) < 2:
        return
    digits = arguments[1].expression
    if not isinstance(digits, Constant) or digits.value not in range(16):
        raise reading.problem("round() takes 0 to 15 digits", arguments[1].start, reading.at - 1)


def _checked(reading: Reading, found: _Read, wanted: Type, by: str) -> _Read:
    """The same; an error if it can never be of the type that is asked for. Every value has a text."""
    given = type_of(found.expression)
    if wanted in ("any", "text") or given in ("any", wanted):
        return found
    hint = "tonumber() makes a number of a text" if (wanted, given) == ("number", "text") else ""
    raise reading.problem(f"{by} takes a {wanted}, not a {given}", found.start, reading.at, hint=hint)
