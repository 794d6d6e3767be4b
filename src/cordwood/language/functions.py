"""The functions of expressions: what each takes and gives. A closed list, the same in every store."""

from typing import Literal, NamedTuple

from cordwood.model.search.expressions import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    Constant,
    Expression,
    Function,
    Logic,
    Negation,
    Negative,
    Test,
)

Type = Literal["number", "text", "boolean", "any"]
"""What is known of an expression before any event is seen; `any` also gives null."""


class Signature(NamedTuple):
    """The types of a function's arguments, of which the last `optional` may be left out."""

    takes: tuple[Type, ...]
    gives: Type
    optional: int = 0
    has_more: bool = False
    """Any number of further arguments of the last type."""

    @property
    def says(self) -> str:
        """How many arguments it takes."""
        least, most = len(self.takes) - self.optional, len(self.takes)
        if self.has_more:
            return f"at least {least}"
        return str(most) if least == most else f"{least} or {most}"

    def takes_many(self, count: int) -> bool:
        """Whether so many arguments are right."""
        return count >= len(self.takes) - self.optional and (self.has_more or count <= len(self.takes))

    def type_at(self, place: int) -> Type:
        """The type of an argument."""
        return self.takes[min(place, len(self.takes) - 1)]


SIGNATURES: dict[Function, Signature] = {
    "abs": Signature(("number",), "number"),
    "ceil": Signature(("number",), "number"),
    "coalesce": Signature(("any",), "any", has_more=True),
    "concat": Signature(("any",), "text", has_more=True),
    "contains": Signature(("text", "text"), "boolean"),
    "endswith": Signature(("text", "text"), "boolean"),
    "floor": Signature(("number",), "number"),
    "if": Signature(("boolean", "any", "any"), "any", optional=1),
    "len": Signature(("text",), "number"),
    "lower": Signature(("text",), "text"),
    "replace": Signature(("text", "text", "text"), "text"),
    "round": Signature(("number", "number"), "number", optional=1),
    "startswith": Signature(("text", "text"), "boolean"),
    "substr": Signature(("text", "number", "number"), "text", optional=1),
    "tonumber": Signature(("any",), "number"),
    "tostring": Signature(("any",), "text"),
    "upper": Signature(("text",), "text"),
}


def type_of(expression: Expression) -> Type:
    """What is known of the type of what an expression gives."""
    match expression:
        case Constant(value=bool()) | Comparison() | Logic() | Negation() | Test():
            return "boolean"
        case Constant(value=str()):
            return "text"
        case Constant(value=None) | Column():
            return "any"
        case Constant() | Arithmetic() | Negative():
            return "number"
        case Call(function="if" | "coalesce" as function, arguments=arguments):
            given = {type_of(each) for each in (arguments[1:] if function == "if" else arguments)}
            return given.pop() if len(given) == 1 else "any"
        case Call(function=function):
            return SIGNATURES[function].gives
