"""Expressions → columns. `docs/reference/query-language.md` says what each means."""

from collections.abc import Callable, Sequence

from cordwood.language.functions import type_of
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
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Everything, Exists, Leaf, Regex, Words
from cordwood.store.sql.constants import decided
from cordwood.store.sql.dialect import Dialect, Source
from cordwood.store.sql.rows import Rows
from cordwood.store.sql.scope import Alias, Scope
from cordwood.store.sql.value import KINDS, Kind, Value, is_there

_EXACT = float(1 << 53)
"""Below it, doubles compare as the whole numbers do that they are the nearest of."""
_BEYOND = (1 << 63) - 1
NOTHING = Value()


class Expressions:
    """Computes for the rows between two pipes."""

    def __init__(self, rows: Rows, scope: Scope, source: Source, dialect: Dialect) -> None:
        self._rows = rows
        self._scope = scope
        self._source = source
        self._dialect = dialect

    def value(self, found: Expression) -> Value:
        """What an expression gives."""
        match found:
            case Constant(value=value):
                return self._constant(value)
            case Column(field=field):
                return self.field(field).usable
            case Test(filter=leaf):
                return self._truth(self.holds(leaf))
            case Negation(part=part):
                return self._truth(f"({self.condition(part)}) IS NOT TRUE")
            case Logic(kind=kind, parts=parts):
                joined = f" {kind.upper()} ".join(f"({self.condition(part)}) IS TRUE" for part in parts)
                return self._truth(joined)
            case Negative(part=part):
                number = self.quantity(self.value(part))
                return NOTHING if number is None else self._real(self._dialect.arithmetic("-", self._double(0), number))
            case Arithmetic(sign=sign, left=left, right=right):
                pair = self.quantity(self.value(left)), self.quantity(self.value(right))
                if pair[0] is None or pair[1] is None:
                    return NOTHING
                outcome = self._rows.bind(self._dialect.arithmetic(sign, pair[0], pair[1]))
                return self._real(self._dialect.finite(outcome))
            case Comparison():
                return self._truth(self._compared(found))
            case Call(function="if", arguments=(condition, *branches)):
                return self._chosen(condition, [self.value(each) for each in branches])
            case Call(function="coalesce", arguments=arguments):
                return self._first([self.value(each) for each in arguments])
            case Call(function=function, arguments=arguments):
                return self._called(function, [self.value(each) for each in arguments])

    def condition(self, found: Expression) -> str:
        """SQL that is true where an expression is `true`, and false or null elsewhere."""
        return self.value(found).truth or "false"

    def field(self, field: Field) -> Value:
        """The value of a field as the rows have it."""
        meant = self._scope.meant(field)
        match meant:
            case None:
                return NOTHING
            case Alias(field=own):
                return self._source.value(own)
            case _:
                return meant

    def is_field_there(self, field: Field) -> str:
        """Whether it is not null, be it an array or object."""
        meant = self._scope.meant(field)
        match meant:
            case None:
                return "false"
            case Alias(field=own):
                return self._source.is_there(own)
            case _:
                return is_there(meant)

    def holds(self, leaf: Leaf) -> str:
        """Whether a filter holds for the rows."""
        match leaf:
            case Everything():
                return "true"
            case Words(field=None) | Regex(field=None):
                if self._scope.has_event and not self._scope.is_table:
                    return self._source.holds(leaf, None)
                ways = [self._holds(leaf, column) for column in self._scope.columns.values()]
                return "(" + " OR ".join(ways) + ")" if ways else "false"
            case Exists(field=field):
                return self.is_field_there(field)
            case _:
                assert leaf.field is not None, "the cases above"
                meant = self._scope.meant(leaf.field)
                return "false" if meant is None else self._holds(leaf, meant)

    def _holds(self, leaf: Leaf, column: Alias | Value) -> str:
        if isinstance(column, Alias):
            return self._source.holds(leaf, column.field)
        return self._dialect.holds(leaf, column)

    def quantity(self, value: Value, *, has_times: bool = True) -> str | None:
        """A double: of numbers, of texts that spell one, and the seconds of times; None: null in every row."""
        double = self._dialect.types["real"]
        ways = [] if value.real is None else [value.real]
        if value.whole is not None:
            ways.append(f"CAST({value.whole} AS {double})")
        if value.text is not None:
            ways.append(self._dialect.number_of(value.text))
        if value.time is not None and has_times:
            ways.append(self._dialect.seconds(value.time))
        return self._joined(ways)

    def exact(self, value: Value) -> str:
        """What tells numbers of the same double apart: themselves, as whole numbers, beyond 2⁵³; else 0."""
        double = self.quantity(value, has_times=False)
        if double is None:
            return "0"
        spelled = self._joined([each for each in (value.real, self._spelled(value)) if each is not None])
        ways = [value.whole] if value.whole is not None else []
        if spelled is not None:
            ways.append(self._dialect.whole_of(spelled))
        whole = f"coalesce({', '.join([*ways, str(_BEYOND)])})"
        return self._rows.bind(f"CASE WHEN abs({double}) < {_EXACT:.0f} THEN 0 ELSE {whole} END")

    def _spelled(self, value: Value) -> str | None:
        return None if value.text is None else self._rows.bind(self._dialect.number_of(value.text))

    def text(self, value: Value) -> str | None:
        """Its canonical text; None: null in every row."""
        ways = [] if value.text is None else [value.text]
        if value.whole is not None:
            ways.append(f"CAST({value.whole} AS {self._dialect.types['text']})")
        if value.real is not None:
            ways.append(self._dialect.text_of_real(value.real))
        if value.time is not None:
            ways.append(self._dialect.text_of_time(value.time))
        if value.truth is not None:
            ways.append(f"CASE WHEN {value.truth} THEN 'true' WHEN NOT {value.truth} THEN 'false' END")
        return self._joined(ways)

    def _constant(self, value: float | str | bool | None) -> Value:
        match value:
            case None:
                return NOTHING
            case bool():
                return Value(truth=self._rows.bind(f"CAST('{'true' if value else 'false'}' AS BOOLEAN)"))
            case str():
                return self._text(f"CAST({self._dialect.bind(value)} AS {self._dialect.types['text']})")
            case _:
                return Value(real=self._double(value))

    def _double(self, value: float) -> str:
        return self._rows.bind(f"CAST({self._dialect.bind(float(value))} AS {self._dialect.types['real']})")

    def _compared(self, found: Comparison) -> str:
        if (is_so := decided(found)) is not None:
            return "true" if is_so else "false"
        left, right = self.value(found.left), self.value(found.right)
        types = {type_of(found.left), type_of(found.right)}
        if "number" in types:
            return _is_so(found.sign, self.quantity(left), self.quantity(right))
        if "boolean" in types:
            return _is_so(found.sign, left.truth, right.truth)
        texts = _is_so(found.sign, self._ordered(left), self._ordered(right))
        numbers = self.quantity(left), self.quantity(right)
        if "text" in types or numbers[0] is None or numbers[1] is None:
            return texts
        is_of_numbers = f"{numbers[0]} IS NOT NULL AND {numbers[1]} IS NOT NULL"
        return f"CASE WHEN {is_of_numbers} THEN {self._numbers_compared(found.sign, left, right)} ELSE {texts} END"

    def _numbers_compared(self, sign: str, left: Value, right: Value) -> str:
        one, other = self.quantity(left), self.quantity(right)
        if left.whole is None and right.whole is None:
            return _is_so(sign, one, other)
        exact = self._rows.bind(self.exact(left)), self._rows.bind(self.exact(right))
        match sign:
            case "=":
                return f"({one} = {other} AND {exact[0]} = {exact[1]})"
            case "!=":
                return f"({one} <> {other} OR {exact[0]} <> {exact[1]})"
            case _:
                return f"({one} {sign[0]} {other} OR {one} = {other} AND {exact[0]} {sign} {exact[1]})"

    def _ordered(self, value: Value) -> str | None:
        text = self.text(value)
        return None if text is None else self._dialect.ordered(text)

    def _chosen(self, condition: Expression, branches: Sequence[Value]) -> Value:
        holds = self._rows.bind(f"({self.condition(condition)}) IS TRUE")
        one, other = branches[0], branches[1] if len(branches) > 1 else NOTHING
        parts: dict[Kind, str] = {}
        for kind in KINDS:
            pair = one.parts.get(kind), other.parts.get(kind)
            if pair != (None, None):
                parts[kind] = self._rows.bind(
                    f"CASE WHEN {holds} THEN {pair[0] or 'NULL'} ELSE {pair[1] or 'NULL'} END"
                )
        return Value(**parts)

    def _first(self, values: Sequence[Value]) -> Value:
        """The first that is not null."""
        there = [self._rows.bind(is_there(each)) for each in values if each != NOTHING]
        values = [each for each in values if each != NOTHING]
        parts: dict[Kind, str] = {}
        for kind in KINDS:
            if any(kind in each.parts for each in values):
                ways = [
                    f"WHEN {is_it} THEN {each.parts.get(kind, 'NULL')}"
                    for is_it, each in zip(there, values, strict=True)
                ]
                parts[kind] = self._rows.bind(f"CASE {' '.join(ways)} END")
        return Value(**parts)

    def _called(self, function: str, arguments: Sequence[Value]) -> Value:
        match function:
            case "concat":
                texts = [text for each in arguments if (text := self.text(each)) is not None]
                return self._text(" || ".join(f"coalesce({text}, '')" for text in texts) or "''")
            case "tonumber":
                number = self.quantity(arguments[0])
                return NOTHING if number is None else Value(real=number)
            case "tostring":
                text = self.text(arguments[0])
                return NOTHING if text is None else Value(text=text)
            case "abs" | "ceil" | "floor" | "round":
                numbers = [self.quantity(each) for each in arguments]
                return self._rounded(function, numbers)
            case "substr":
                return self._part(arguments)
            case "contains" | "startswith" | "endswith":
                return self._truth(self._found(function, [self.text(each) for each in arguments]))
            case _:
                texts = [text for each in arguments if (text := self.text(each)) is not None]
                return NOTHING if len(texts) < len(arguments) else self._of_texts(function, texts)

    def _found(self, function: str, texts: Sequence[str | None]) -> str:
        whole, part = texts
        if whole is None or part is None:
            return "false"
        tests: dict[str, Callable[[str, str], str]] = {
            "contains": self._dialect.contains,
            "startswith": self._dialect.starts_with,
            "endswith": self._dialect.ends_with,
        }
        return f"coalesce({tests[function](whole, part)}, false)"

    def _of_texts(self, function: str, texts: Sequence[str]) -> Value:
        match function, *texts:
            case "lower", text:
                return self._text(self._dialect.lower(text))
            case "upper", text:
                return self._text(self._dialect.upper(text))
            case "len", text:
                return self._real(self._dialect.length(text))
            case "replace", text, old, new:
                replaced = self._dialect.replaced(text, old, new)
                is_null = f"{new} IS NULL OR {old} IS NULL"
                return self._text(f"CASE WHEN {is_null} THEN NULL WHEN {old} = '' THEN {text} ELSE {replaced} END")
            case _:
                raise AssertionError(function)

    def _rounded(self, function: str, numbers: Sequence[str | None]) -> Value:
        number, digits = numbers[0], numbers[1] if len(numbers) > 1 else self._double(0)
        if number is None:
            return NOTHING
        if function == "abs":
            return self._real(f"abs({number})")
        if function != "round":
            return self._real(f"{function}({number})")
        power = self._rows.bind(self._dialect.power_of_ten(digits or "0"))
        size = self._rows.bind(f"abs({number})")
        raised = self._rows.bind(self._dialect.finite(self._rows.bind(self._dialect.arithmetic("*", size, power))))
        rounded = f"coalesce(floor({raised} + 0.5) / {power}, {size})"
        return self._real(f"CASE WHEN {number} < 0 THEN -{rounded} ELSE {rounded} END")

    def _part(self, arguments: Sequence[Value]) -> Value:
        whole, start = self.text(arguments[0]), self.quantity(arguments[1])
        length = self.quantity(arguments[2]) if len(arguments) > 2 else None
        if whole is None or start is None or (length is None and len(arguments) > 2):
            return NOTHING
        first = self._rows.bind(f"trunc({start})")
        count = None if length is None else self._rows.bind(f"trunc({length})")
        is_none = f"{first} < 1" if count is None else f"{first} < 1 OR {count} < 0"
        nulls = [f"{each} IS NULL" for each in (whole, first, count) if each is not None]
        return self._text(
            f"CASE WHEN {' OR '.join(nulls)} THEN NULL WHEN {is_none} THEN '' "
            f"ELSE {self._dialect.part(whole, first, count)} END"
        )

    def _joined(self, ways: Sequence[str]) -> str | None:
        """The first that is not null, of parts of which at most one is not."""
        if not ways:
            return None
        return self._rows.bind(ways[0] if len(ways) == 1 else f"coalesce({', '.join(ways)})")

    def _real(self, sql: str) -> Value:
        return Value(real=self._rows.bind(sql))

    def _text(self, sql: str) -> Value:
        return Value(text=self._rows.bind(sql))

    def _truth(self, sql: str) -> Value:
        return Value(truth=self._rows.bind(f"coalesce({sql}, false)"))


def _is_so(sign: str, left: str | None, right: str | None) -> str:
    if left is None or right is None:
        return "false"
    return f"{left} {'<>' if sign == '!=' else sign} {right}"
