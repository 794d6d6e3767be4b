"""What rows of segments hold, counted by the engine: rows are gathered in a table of its own first.

In that table the columns of fields have numbers: names that differ in case only are one to the engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from cordwood.model.census import Asked, FieldCount, Kind, named, scalar_of, types_of
from cordwood.model.plan import Plan
from cordwood.model.search.field import MESSAGE
from cordwood.model.search.filters import Exists
from cordwood.model.shape import objects_of
from cordwood.store.segments.asking.binding import Values, quoted_name
from cordwood.store.segments.asking.conditions import message_of
from cordwood.store.segments.asking.places import SCALARS, Kept, kept
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Row
from cordwood.store.segments.filter_sql import Conditions
from cordwood.store.segments.sourcing import FILES, Rows, lies_within, paths_of

_DERIVED = ("level", "service", "message")
_TYPES: Mapping[str, str] = {
    "str": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "json": "VARCHAR"
}  # fmt: skip
_KINDS: Mapping[str, Kind] = {"str": "s", "int": "i", "float": "f", "bool": "b", "json": "a"}
_WHOLE = "trunc({0}) = {0} AND TRY_CAST({0} AS BIGINT) IS NOT NULL"
_REAL_KIND = f"CASE WHEN {_WHOLE} THEN 'i' ELSE 'f' END"
_REAL_TEXT = f"""CASE WHEN isinf({{0}}) THEN NULL WHEN {_WHOLE} THEN CAST(TRY_CAST({{0}} AS BIGINT) AS VARCHAR)
    ELSE CAST({{0}} AS VARCHAR) END"""
_AT_ONCE = 100
"""Columns counted in one statement."""
_FILES_AT_ONCE = 32
"""Asked alone or in groups, in one statement: each takes memory, and time to plan."""


class Tally:
    """Counts rows of segments. Synchronous, and all with one cursor; each step raises duckdb.Error."""

    def __init__(self, plan: Plan, asked: Asked, segments: Sequence[Segment]) -> None:
        self._plan = plan
        self._asked = asked
        every = frozenset[str]().union(*(segment.columns for segment in segments))
        self._columns = {name: f"c{n}" for n, name in enumerate(sorted(every & _own(asked, every)))}
        field = asked.field
        self._derived = [name for name in _DERIVED if field is None or field.derived == name]
        self.has_texts = (field is None or not self._derived) and any(segment.has_texts for segment in segments)
        """Events kept as text are looked into."""

    @property
    def width(self) -> int:
        """How many columns are gathered."""
        return len(self._columns) + len(self._derived) + 2

    def begin(self, cursor: duckdb.DuckDBPyConnection) -> None:
        columns = [f"{name} VARCHAR" for name in (*_DERIVED, "shape", "raw")]
        columns += [f"{short} {_TYPES[name.rpartition(':')[2]]}" for name, short in self._columns.items()]
        cursor.execute(f"CREATE TEMP TABLE gathered ({', '.join(columns)})")

    def gather(
        self, cursor: duckdb.DuckDBPyConnection, root: Path, segments: Sequence[Segment], rows: Mapping[str, Rows]
    ) -> None:
        """What matches in some segments; of those in `rows`, these rows only."""
        alike: dict[tuple[Kept, Kept, frozenset[str], bool, str | None, bool], list[Segment]] = {}
        for segment in segments:
            key = (
                kept(segment, self._plan.filter),
                kept(segment, Exists(MESSAGE)),
                segment.columns.intersection(self._columns),
                segment.texts is not None,
                segment.path if segment.path in rows else None,
                lies_within(segment, self._plan),
            )
            alike.setdefault(key, []).append(segment)
        groups = list(alike.items())
        for start in range(0, len(groups), _FILES_AT_ONCE):
            parts, values = list[str](), dict[str, object]()
            for number, ((how, messages, columns, has_shape, path, is_within), group) in enumerate(
                groups[start : start + _FILES_AT_ONCE]
            ):
                conditions, others = Conditions(f"w{number}_"), Values(f"m{number}_")
                if path is not None:
                    conditions.of_rows(rows[path])
                if not is_within:
                    conditions.between(self._plan.start_us, self._plan.end_us)
                conditions.matching(self._plan.filter, how)
                given = [
                    message_of(messages, others) + " AS message" if name == "message" else name
                    for name in self._derived
                ]
                given += ["shape" if has_shape else "NULL::VARCHAR AS shape", *(["raw"] if self.has_texts else [])]
                given += [f"{quoted_name(name)} AS {self._columns[name]}" for name in sorted(columns)]
                parts.append(f"SELECT {', '.join(given)} FROM {FILES.format(f'files{number}')} {conditions.where}")
                values |= {f"files{number}": paths_of(root, group)} | conditions.values | others.bound
            cursor.execute("INSERT INTO gathered BY NAME " + " UNION ALL BY NAME ".join(parts), values)

    def counted(self, cursor: duckdb.DuckDBPyConnection) -> tuple[int, list[FieldCount]]:
        """How many rows were gathered, and what they hold."""
        ((examined,),) = cursor.execute("SELECT count(*) FROM gathered").fetchall()
        walked = self._walked(cursor) if self.has_texts else {}
        objects = self._objects(cursor)
        found = [self._derived_field(cursor, name) for name in self._derived]
        having = self._having(cursor)
        columns: dict[str, list[str]] = {}
        for column in self._columns:
            columns.setdefault(column.rpartition(":")[0], []).append(column)
        for name in sorted(columns.keys() | walked.keys() | objects.keys()):
            own = columns.get(name, [])
            kinds, events = walked.get(name, ("", 0))
            events += sum(having[column] for column in own)
            if name in objects:
                shapes = objects[name]
                events = events - sum(having[column] for column in own) + self._either(cursor, own, shapes)
                kinds += "o"
            # Of numbers the values tell.
            kinds += "".join(
                _KINDS[column.rpartition(":")[2]] for column in own if having[column] and not column.endswith(":float")
            )
            scalars = [column for column in own if not column.endswith(":json")]
            branches = [branch for column in scalars for branch in self._of_column(column)]
            if name in walked:
                branches.append(
                    "SELECT k, v, count(*) AS n FROM walked WHERE name = $name AND v IS NOT NULL GROUP BY ALL"
                )
            found.append(self._field(cursor, named(name), name, kinds, events, branches))
        return examined, found

    def _derived_field(self, cursor: duckdb.DuckDBPyConnection, name: str) -> FieldCount:
        ((events,),) = cursor.execute(f"SELECT count({name}) FROM gathered").fetchall()
        return self._field(cursor, name, name, "s" if events else "", events, [_texts_of(name)])

    def _having(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """The columns with their numbers of values."""
        names, found = list(self._columns), dict[str, int]()
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            counts = ", ".join(f"count({self._columns[name]})" for name in some)
            (row,) = cursor.execute(f"SELECT {counts} FROM gathered").fetchall()
            found |= zip(some, row, strict=True)
        return found

    def _objects(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
        """The fields that are objects, with the shapes in which they are."""
        found: dict[str, list[str]] = {}
        for (shape,) in cursor.execute("SELECT DISTINCT shape FROM gathered WHERE shape IS NOT NULL").fetchall():
            for name in objects_of(shape):
                if self._asked.field is None or (not self._asked.field.derived and name == self._asked.field.name):
                    found.setdefault(name, []).append(shape)
        return found

    def _either(self, cursor: duckdb.DuckDBPyConnection, columns: Sequence[str], shapes: Sequence[str]) -> int:
        """Events with a value in one of the columns, or of one of the shapes."""
        ways = ["shape IN (SELECT unnest($shapes))", *(f"{self._columns[column]} IS NOT NULL" for column in columns)]
        ((events,),) = cursor.execute(
            f"SELECT count(*) FROM gathered WHERE {' OR '.join(ways)}", {"shapes": list(shapes)}
        ).fetchall()
        return int(events)

    def _walked(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, int]]:
        """The fields of events kept as text, with kinds and numbers of events; every value of each is put aside."""
        field = self._asked.field
        is_wanted = "" if field is None else "WHERE e.key = $field OR starts_with($field, e.key || '.')"
        is_further = is_wanted.replace("e.key", "(w.name || '.' || e.key)")
        values = {} if field is None else {"field": field.name}
        cursor.execute(_WALK.format(is_wanted=is_wanted, is_further=is_further), values)
        only = "" if field is None else "WHERE name = $field"
        sql = f"SELECT name, string_agg(DISTINCT k, ''), count(DISTINCT id) FROM walked {only} GROUP BY name"
        return {name: (kinds, events) for name, kinds, events in cursor.execute(sql, values).fetchall()}

    def _of_column(self, column: str) -> Iterator[str]:
        short, kind = self._columns[column], column.rpartition(":")[2]
        match kind:
            case "str":
                yield _texts_of(short)
            case "float":
                yield f"""SELECT {_REAL_KIND.format(short)} AS k, {_REAL_TEXT.format(short)} AS v, n
                    FROM (SELECT {short}, count(*) AS n FROM gathered WHERE {short} IS NOT NULL GROUP BY {short})"""
            case _:
                yield f"""SELECT '{_KINDS[kind]}' AS k, CAST({short} AS VARCHAR) AS v, n
                    FROM (SELECT {short}, count(*) AS n FROM gathered WHERE {short} IS NOT NULL GROUP BY {short})"""

    def _field(
        self, cursor: duckdb.DuckDBPyConnection, name: str, path: str, kinds: str, events: int, branches: Sequence[str]
    ) -> FieldCount:
        rows: list[Row] = []
        distinct = 0
        if branches:
            groups = " UNION ALL ".join(branches)
            sql = _TOP.format(groups=groups, top=self._asked.top)
            values = {"prefix": self._asked.prefix} | ({"name": path} if "$name" in groups else {})
            rows = cursor.execute(sql, values).fetchall()
            if rows:
                distinct = rows[0][3]
                kinds += rows[0][4]
        top = [(scalar_of(kind, text), count) for kind, text, count, _, _ in rows]
        return FieldCount(name, types_of(kinds), events, distinct, top)


def _own(asked: Asked, columns: frozenset[str]) -> frozenset[str]:
    """Those of some columns that are of the field asked for."""
    if asked.field is None:
        return columns
    if asked.field.derived is not None:
        return frozenset()
    return frozenset(f"{asked.field.name}:{kind}" for kind in (*SCALARS, "json"))


def _texts_of(column: str) -> str:
    return f"SELECT 's' AS k, {column} AS v, count(*) AS n FROM gathered WHERE {column} IS NOT NULL GROUP BY {column}"


_TOP = """
    WITH g AS MATERIALIZED (
        SELECT k, v, sum(n)::BIGINT AS n FROM ({groups}) WHERE v IS NOT NULL AND starts_with(v, $prefix) GROUP BY k, v
    )
    SELECT k, v, n, (SELECT count(*) FROM g), (SELECT string_agg(DISTINCT k, '') FROM g)
    FROM g ORDER BY n DESC, k, v LIMIT {top:d}
"""

_NUMBER = "TRY_CAST(x AS DOUBLE)"
_WALK = f"""
    CREATE TEMP TABLE walked AS
    WITH RECURSIVE walk AS (
        SELECT g.rowid AS id, e.key AS name, e.type AS type, e.value AS value
        FROM gathered g, json_each(g.raw) e {{is_wanted}}
        UNION ALL
        SELECT w.id, w.name || '.' || e.key, e.type, e.value
        FROM walk w, json_each(CASE WHEN w.type = 'OBJECT' THEN w.value ELSE '{{{{}}}}' END) e {{is_further}}
    ),
    texts AS (SELECT id, name, type, json_extract_string(value, '$') AS x FROM walk WHERE type <> 'NULL')
    SELECT DISTINCT id, name,
        CASE type WHEN 'VARCHAR' THEN 's' WHEN 'BOOLEAN' THEN 'b' WHEN 'ARRAY' THEN 'a' WHEN 'OBJECT' THEN 'o'
            ELSE CASE WHEN type <> 'DOUBLE' AND TRY_CAST(x AS BIGINT) IS NOT NULL THEN 'i'
                ELSE {_REAL_KIND.format(_NUMBER)} END END AS k,
        CASE WHEN type IN ('VARCHAR', 'BOOLEAN') THEN x WHEN type IN ('ARRAY', 'OBJECT') THEN NULL
            WHEN type <> 'DOUBLE' AND TRY_CAST(x AS BIGINT) IS NOT NULL THEN CAST(TRY_CAST(x AS BIGINT) AS VARCHAR)
            ELSE {_REAL_TEXT.format(_NUMBER)} END AS v
    FROM texts
"""
