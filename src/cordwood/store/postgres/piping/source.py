"""Events of `logs` as a relation."""

from collections.abc import Sequence

from cordwood.model.search.field import DERIVED_TIMES, Field
from cordwood.model.search.filters import Exists, Leaf
from cordwood.store.postgres.filters.condition import condition, condition_on
from cordwood.store.postgres.filters.jsonpath import Places
from cordwood.store.postgres.filters.values import Values
from cordwood.store.sql.rows import Names
from cordwood.store.sql.value import Order, Term, Value, order_by

_COLUMNS = {"level": 'level COLLATE "C"', "service": 'service COLLATE "C"', "timestamp": "ts", "_id": "id::text"}

_WEIGHT = "weight"


class Events:
    """See `store.sql.dialect.Source`. What nothing asks for is not computed: PostgreSQL leaves out columns itself."""

    order: Order = (Term("ts", True, is_ever_null=False), Term("id", True, is_ever_null=False))
    time = "ts"
    event_id = "event_id"
    count = "count(*)"
    reference: Sequence[str] = ("id", "ts", "inserted_at", "level", "service", "data")

    def __init__(self, names: Names, values: Values) -> None:
        self._names = names
        self._values = values
        self._columns = {self.event_id: "id::text"}
        self._levels: Sequence[dict[str, str]] = ({}, {}, {})
        """Columns of columns: one computed twice for each row costs more than a subquery more."""
        self._tests: dict[tuple[Leaf, Field | None], str] = {}
        self._found: dict[Field, Value] = {}

    def value(self, field: Field) -> Value:
        if field not in self._found:
            self._found[field] = self._value(field)
        return self._found[field]

    def _value(self, field: Field) -> Value:
        if field.derived is None:
            return self._sent(field)
        if field.derived in DERIVED_TIMES:
            return Value(time=self._add(_COLUMNS.get(field.name, field.name)))
        return Value(text=self._add(_COLUMNS.get(field.name, 'cordwood_message(data) COLLATE "C"')))

    def _sent(self, field: Field) -> Value:
        found = self._add(Places(field.name, self._values).first())
        kind = self._part(0, f"jsonb_typeof({found})")
        number = self._part(1, f"CASE {kind} WHEN 'number' THEN {found}::numeric END")
        is_whole = f"scale({number}) = 0 AND {number} BETWEEN -9223372036854775808 AND 9223372036854775807"
        # One that jsonb cannot hold is an object that has its double.
        kept = f"CASE {kind} WHEN 'object' THEN cordwood_value({found}) END"
        double = f"CASE WHEN {number} IS NULL THEN {kept} WHEN NOT ({is_whole}) THEN cordwood_double({number}) END"
        return Value(
            whole=self._part(2, f"CASE WHEN {is_whole} THEN {number}::bigint END"),
            real=self._part(2, f"nullif(nullif({double}, 'Infinity'), '-Infinity')"),
            text=self._part(1, f"(CASE {kind} WHEN 'string' THEN {found} #>> '{{}}' END) COLLATE \"C\""),
            truth=self._part(1, f"CASE {kind} WHEN 'boolean' THEN {found}::boolean END"),
        )

    def is_there(self, field: Field) -> str:
        return self._test(Exists(field), field)

    def holds(self, found: Leaf, field: Field | None) -> str:
        return self._test(found, field)

    def _test(self, found: Leaf, field: Field | None) -> str:
        key = found, field
        if key not in self._tests:
            if field is None or isinstance(found, Exists):
                sql = condition(found, self._values)
            else:
                sql = condition_on(found, field, self._values)
            self._tests[key] = self._add(f"({sql})")
        return self._tests[key]

    def _add(self, sql: str) -> str:
        name = self._names.new()
        self._columns[name] = sql
        return name

    def _part(self, level: int, sql: str) -> str:
        name = self._names.new()
        self._levels[level][name] = sql
        return name

    def relation(self, where: str, enough: str | None, fence: str) -> str:
        """The rows that a condition selects, with what was asked of them. `enough`: how many of the newest are enough,
        which come in order; None: all of them, in no order."""
        newest_first = "" if enough is None else order_by(self.order)
        bounds = f"{newest_first} {fence if enough is None else f'LIMIT {enough}'}"
        columns = ", ".join([*self.reference, *_named(self._columns)])
        rows = f"SELECT {columns} FROM logs {where} {bounds}"
        return self._leveled(rows, newest_first, fence)

    def _leveled(self, rows: str, order: str, fence: str) -> str:
        for level in self._levels:
            if level:
                rows = f"SELECT *, {', '.join(_named(level))} FROM ({rows}) AS l {order} {fence}"
        return rows


class Counted(Events):
    """The same, of which nothing but the number for each combination of values matters. Telling what a value is costs
    more than counting it: it is done once for all that are alike."""

    count = f"sum({_WEIGHT})::bigint"

    def __init__(self, names: Names, values: Values) -> None:
        super().__init__(names, values)
        self._columns.clear()
        self._sent_ones: set[str] = set()

    def _sent(self, field: Field) -> Value:
        before = set(self._columns)
        value = super()._sent(field)
        self._sent_ones |= self._columns.keys() - before
        return value

    def relation(self, where: str, enough: str | None, fence: str) -> str:
        columns = list(self._columns)
        sent = [name for name in columns if name in self._sent_ones]
        # Numbers are equal as JSON, and beyond 2⁵³ not as values, if one of them is spelt with a fraction.
        spelt = [
            f"CASE WHEN jsonb_typeof({name}) = 'number' THEN scale({name}::numeric) = 0 END AS {name}_whole"
            for name in sent
        ]
        rows = f"SELECT {', '.join(_named(self._columns))} FROM logs {where} {fence}"
        chosen = ", ".join([*columns, *spelt])
        places = ", ".join(map(str, range(1, len(columns) + len(spelt) + 1)))
        rows = f"SELECT {chosen}, count(*) AS {_WEIGHT} FROM ({rows}) AS l GROUP BY {places}"
        return self._leveled(rows, "", fence)


def _named(columns: dict[str, str]) -> list[str]:
    return [f"{sql} AS {name}" for name, sql in columns.items()]
