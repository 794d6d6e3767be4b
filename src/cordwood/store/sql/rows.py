"""Rows under construction: a SELECT that gets further columns, level by level."""

import re
from collections.abc import Callable, Iterator
from itertools import count

from cordwood.store.sql.value import Order, order_by

SOURCE = "\0source\0"
"""Stands for the relation of events, which is made last."""
_ATOM = re.compile(r"x\d+")
_NAMES = re.compile(r"\bx\d+\b")


class Names:
    """Names of columns, each once in a statement."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count()

    def new(self) -> str:
        return f"x{next(self._numbers)}"


class Rows:
    """Columns are computed once, whatever refers to them how often: expressions within one another would double the
    statement with each level."""

    def __init__(self, sql: str, names: Names, fence: str) -> None:
        self._sql = sql
        self._names = names
        self._fence = fence
        self._bound: dict[str, str] = {}
        self._waiting: dict[str, str] = {}

    def bind(self, sql: str) -> str:
        """The name of a column that has this value."""
        if _ATOM.fullmatch(sql):
            return sql
        if sql not in self._bound:
            if not self._waiting.keys().isdisjoint(_NAMES.findall(sql)):
                self._flush()
            self._bound[sql] = name = self._names.new()
            self._waiting[name] = sql
        return self._bound[sql]

    def fence(self, fence: str) -> None:
        """From here on, this is at the end of a subquery."""
        self._flush()
        self._fence = fence

    def keep(self, condition: str) -> None:
        """Only rows for which this is true."""
        self._flush()
        self._sql = f"SELECT * FROM ({self._sql}) AS q WHERE {condition}"

    def cut(self, order: Order, limit: int, offset: int) -> None:
        """So many rows behind the first, in an order."""
        self._flush()
        self._sql = f"SELECT * FROM ({self._sql}) AS q {order_by(order)} LIMIT {limit:d} OFFSET {offset:d}"

    def through(self, change: Callable[[str], str | None]) -> bool:
        """Put a statement around this one that keeps all columns. Whether there was one."""
        self._flush()
        changed = change(self._sql)
        self._sql = self._sql if changed is None else changed
        return changed is not None

    def grouped(self, columns: dict[str, str], keys: tuple[str, ...], *, is_one: bool) -> None:
        """A row for each group of equal keys, with these columns and nothing else. `is_one`: one row of all, also of
        none."""
        self._flush()
        # Also of constants alone there is to be a row for each group.
        chosen = ", ".join([*(f"{sql} AS {name}" for name, sql in columns.items()), "count(*) AS rows"])
        # No key, but groups: none of the fields is there, so all rows are one group.
        by = f"GROUP BY {', '.join(keys)}" if keys else "" if is_one else "HAVING count(*) > 0"
        self._sql = f"SELECT {chosen} FROM ({self._sql}) AS q {by}"
        self._bound.clear()

    def sql(self, chosen: str, order: Order) -> str:
        """The statement that gives these columns."""
        self._flush()
        return f"SELECT {chosen} FROM ({self._sql}) AS q {order_by(order)}"

    def _flush(self) -> None:
        if self._waiting:
            further = ", ".join(f"{sql} AS {name}" for name, sql in self._waiting.items())
            self._sql = f"SELECT *, {further} FROM ({self._sql}) AS q {self._fence}"
            self._waiting.clear()
