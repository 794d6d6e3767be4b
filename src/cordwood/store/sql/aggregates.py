"""Aggregates → columns of grouped rows."""

from cordwood.model.search.expressions import Column
from cordwood.model.search.pipes import Aggregate
from cordwood.store.sql.dialect import Dialect, Source
from cordwood.store.sql.expressions import NOTHING, Expressions
from cordwood.store.sql.ordering import group_of, total_order_of
from cordwood.store.sql.rows import Names, Rows
from cordwood.store.sql.value import Kind, Value, is_there

MOST_VALUES = 100


class Aggregates:
    """Collects the columns that a grouping computes."""

    def __init__(
        self, rows: Rows, names: Names, computing: Expressions, dialect: Dialect, source: Source, count: str
    ) -> None:
        """`count`: how many there are in a group."""
        self._rows = rows
        self._names = names
        self._computing = computing
        self._dialect = dialect
        self._source = source
        self._count = count
        self.columns: dict[str, str] = {}

    def add(self, asked: Aggregate, seconds: float | None) -> Value:
        """`seconds`: how long the time is that the rows are from."""
        if asked.condition is None:
            condition = "true"
        else:
            condition = self._rows.bind(f"({self._computing.condition(asked.condition)}) IS TRUE")
        if asked.function == "rate":
            if not seconds:
                return NOTHING
            count = f"count(*) {_filter(condition)}"
            return self._real(f"CAST({count} AS {self._dialect.types['real']}) / {self._constant(seconds)}")
        if asked.argument is None:
            return self._whole(f"{self._count} {_filter(condition)}")
        if asked.function == "count" and isinstance(asked.argument, Column):
            there = self._rows.bind(self._computing.is_field_there(asked.argument.field))
            return self._whole(f"count(*) {_filter(condition, there)}")
        value = self._computing.value(asked.argument)
        match asked.function:
            case "count":
                return self._whole(f"count(*) {_filter(condition, is_there(value))}")
            case "count_distinct" | "approx_count_distinct":
                keys = [*group_of(value, self._rows, self._dialect).parts.values()]
                return self._whole(self._dialect.count_distinct(keys, condition) if keys else "0")
            case "min" | "max":
                return self._extreme(asked.function, value, condition)
            case "values":
                return self._values(value, condition)
            case "first" | "last":
                return self._at_end(value, condition, is_last=asked.function == "last")
            case _:
                return self._of_numbers(asked, value, condition)

    def _of_numbers(self, asked: Aggregate, value: Value, condition: str) -> Value:
        number = self._computing.quantity(value, has_times=False)
        if number is None:
            return NOTHING
        match asked.function:
            case "percentile":
                return self._real(self._dialect.percentile(number, asked.percent or 0.0, condition))
            case "avg":
                return self._real(self._dialect.average(number, condition))
            case _:
                return self._real(self._dialect.total(number, condition))

    def _extreme(self, function: str, value: Value, condition: str) -> Value:
        number = self._computing.quantity(value, has_times=False)
        parts: dict[Kind, str] = {}
        before: list[str] = []
        ways: list[tuple[Kind, str | None]] = [
            ("real", number),
            ("time", value.time),
            ("text", None if value.text is None else self._dialect.ordered(value.text)),
            ("truth", value.truth),
        ]
        for kind, part in ways:
            if part is None:
                continue
            # Of booleans there is no least in PostgreSQL.
            part = f"CAST({part} AS INTEGER)" if kind == "truth" else part
            extreme = f"{function}({part}) {_filter(condition)}"
            match kind:
                case "truth":
                    shown = f"{extreme} = 1"
                case "text":
                    shown = self._dialect.unordered(extreme)
                case _:
                    shown = extreme
            nulls = " AND ".join(f"{each} IS NULL" for each in before)
            parts[kind] = self._column(f"CASE WHEN {nulls} THEN {shown} END" if before else shown)
            before.append(extreme)
        return Value(**parts)

    def _values(self, value: Value, condition: str) -> Value:
        group = group_of(value, self._rows, self._dialect)
        if group == NOTHING:
            return Value(items=self._column(self._dialect.no_items))
        order = tuple(
            type(term)(self._rows.bind(term.sql), term.is_descending)
            for term in total_order_of(group, self._computing, self._dialect)
        )
        there = self._rows.bind(f"({condition}) AND {is_there(group)}")
        return Value(items=self._column(self._dialect.items(group.parts, order, there, MOST_VALUES)))

    def _at_end(self, value: Value, condition: str, *, is_last: bool) -> Value:
        if value == NOTHING:
            return NOTHING
        there = self._rows.bind(f"({condition}) AND {is_there(value)}")
        parts = self._dialect.at_end(value.parts, self._source.order, there, is_last=is_last)
        return Value(**{kind: self._column(sql) for kind, sql in parts.items()})

    def _whole(self, sql: str) -> Value:
        return Value(whole=self._column(sql))

    def _real(self, sql: str) -> Value:
        return Value(real=self._column(sql))

    def _column(self, sql: str) -> str:
        name = self._names.new()
        self.columns[name] = sql
        return name

    def _constant(self, value: float) -> str:
        return f"CAST({self._dialect.bind(float(value))} AS {self._dialect.types['real']})"


def _filter(*conditions: str) -> str:
    asked = [each for each in conditions if each != "true"]
    return f"FILTER (WHERE {' AND '.join(asked)})" if asked else ""
