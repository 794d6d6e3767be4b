"""Expressions: what `where`, `eval` and aggregates compute from one event or row, as data."""

from typing import Literal, TypeAlias

import msgspec

from cordwood.model.search.field import Field
from cordwood.model.search.filters import Leaf

ArithmeticSign = Literal["+", "-", "*", "/"]
ComparisonSign = Literal["=", "!=", "<", "<=", ">", ">="]
LogicKind = Literal["and", "or"]
Function = Literal[
    "abs", "ceil", "coalesce", "concat", "contains", "endswith", "floor", "if", "len", "lower", "replace", "round",
    "startswith", "substr", "tonumber", "tostring", "upper",
]  # fmt: skip


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    """A number, a text, a boolean, or null."""

    value: float | str | bool | None


class Column(msgspec.Struct, frozen=True, tag="column"):
    """The value of a field."""

    field: Field


class Arithmetic(msgspec.Struct, frozen=True, tag="arithmetic"):
    """Of two numbers, as doubles."""

    sign: ArithmeticSign
    left: "Expression"
    right: "Expression"


class Negative(msgspec.Struct, frozen=True, tag="negative"):
    """Zero minus a number."""

    part: "Expression"


class Comparison(msgspec.Struct, frozen=True, tag="comparison"):
    """True or false, never null."""

    sign: ComparisonSign
    left: "Expression"
    right: "Expression"


class Logic(msgspec.Struct, frozen=True, tag="logic"):
    """Of at least two; none of them is a Logic of the same kind."""

    kind: LogicKind
    parts: "tuple[Expression, ...]"


class Negation(msgspec.Struct, frozen=True, tag="negation"):
    """True where `part` is not true."""

    part: "Expression"


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A function of a closed list."""

    function: Function
    arguments: "tuple[Expression, ...]"


class Test(msgspec.Struct, frozen=True, tag="test"):
    """Whether a filter that holds no other holds."""

    __test__ = False  # to pytest: no tests in here
    filter: Leaf


Expression: TypeAlias = Constant | Column | Arithmetic | Negative | Comparison | Logic | Negation | Call | Test
