"""Whether a text is one SELECT over `logs` and nothing else, and what fields it names.

The engine parses it; what it may be made of is listed here, so that what a later engine adds is refused. This is the
first of several walls: the process that runs the text has no other files open to it, and cannot change that.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import duckdb
import msgspec
from msgspec import Struct

from cordwood.store.segments.sql.job import Failure

Node: TypeAlias = Mapping[str, Any]

RELATION = "logs"
_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_SOURCES = {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "CTE", "PIVOT"}
_EXPRESSIONS = {
    *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "DEFAULT"),
    *("FUNCTION", "LAMBDA", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW"),
}
_TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "json_each", "json_tree", "repeat", "repeat_row"}
# They tell of the process, change its state, wait, or run what is not seen here.
_CLOSED_FUNCTIONS = {
    *("current_setting", "current_query", "getenv", "getvariable", "write_log", "nextval", "currval", "setval"),
    *("sleep_ms", "pg_sleep", "json_deserialize_sql", "json_execute_serialized_sql", "json_serialize_plan", "query"),
    *("query_table", "parse_duckdb_log_message", "in_search_path", "create_sort_key", "invoke", "stats", "finalize"),
    *("combine", "to_aggregate_state", "vector_type", "get_block_size", "pg_get_viewdef", "read_text", "read_blob"),
}
_NAME = re.compile(r"\w{1,128}")
_MOST_FIELDS = 200
_NOWHERE = 2**64 - 1


class Asked(Struct, frozen=True):
    """What a checked text needs of `logs`."""

    names: Sequence[str]
    """Names that are used like columns of it, and are not given in the text itself."""


class Wrong(Exception):
    """Not a text that is answered."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def check(connection: duckdb.DuckDBPyConnection, text: str) -> Asked:
    """Raises Wrong."""
    ((serialized,),) = connection.execute("SELECT json_serialize_sql($1)", [text]).fetchall()
    parsed: Node = msgspec.json.decode(serialized)
    if parsed["error"]:
        if "position" not in parsed:
            raise _wrong("this is no SELECT: nothing else is answered")
        place = parsed.get("location", "").strip("[]").partition(",")
        raise Wrong(
            Failure("question", parsed["error_message"], *characters(text, int(parsed["position"]), place[2] or "0"))
        )
    if len(parsed["statements"]) != 1:
        raise _wrong("this is not one statement: one SELECT is answered")
    reading = _Reading(text)
    reading.walk(parsed["statements"][0]["node"])
    return reading.asked()


def characters(text: str, position: int, length: str) -> tuple[int, int]:
    """A place in bytes of UTF-8 → in characters."""
    encoded = text.encode()
    start = len(encoded[:position].decode(errors="ignore"))
    behind = len(encoded[: position + int(length)].decode(errors="ignore"))
    return start, behind - start


class _Reading:
    """One text, node by node."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._relations: list[Node] = []
        self._given = {RELATION}
        """Names of relations that the text may read."""
        self._used: dict[str, None] = {}
        self._named: set[str] = set()
        """Names of columns that the text gives."""

    def asked(self) -> Asked:
        for relation in self._relations:
            if relation["table_name"].lower() not in self._given:
                raise self._wrong(f"there is no relation {relation['table_name']!r}: there is {RELATION!r}", relation)
        names = [name for name in self._used if name.lower() not in self._named]
        if len(names) > _MOST_FIELDS:
            raise _wrong(f"this names {len(names)} fields; at most {_MOST_FIELDS} are taken")
        return Asked(names)

    def walk(self, root: Node) -> None:
        """Every node, without recursion: how deep it is, the text says."""
        left: list[object] = [root]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                self._look(node)
                left.extend(node.values())
            elif isinstance(node, list):
                left.extend(node)

    def _look(self, node: Node) -> None:
        kind = node.get("type")
        if "class" in node:
            self._expression(node)
        elif "cte_map" in node:
            if kind not in _QUERIES:
                raise self._wrong(f"{_spoken(kind)} is not answered: only SELECT is", node)
            for each in node["cte_map"]["map"]:
                self._give(each["key"], each["value"].get("aliases", ()))
        elif "sample" in node:
            self._source(node)

    def _give(self, relation: str, columns: Sequence[str]) -> None:
        if not _NAME.fullmatch(relation):
            raise _wrong(f"{relation!r} is no name for a relation: letters, digits and _ are taken")
        self._given.add(relation.lower())
        self._named.update(name.lower() for name in columns)

    def _source(self, node: Node) -> None:
        kind = node["type"]
        if kind == "SHOW_REF":
            if node.get("query") is None or node.get("show_type") not in ("DESCRIBE", "SUMMARY"):
                raise self._wrong("SHOW is not answered: DESCRIBE logs is", node)
        elif kind not in _SOURCES:
            raise self._wrong(f"{_spoken(kind)} cannot be read from", node)
        elif kind == "TABLE_FUNCTION":
            function = node["function"]
            name = function.get("function_name", "")
            if function.get("class") != "FUNCTION" or name.lower() not in _TABLE_FUNCTIONS:
                raise self._wrong(f"the function {name!r} is not open to questions", node)
        elif kind == "BASE_TABLE":
            if len(node["qualified_name"]["path"]) != 1 or node.get("at_clause") is not None:
                raise self._wrong(f"there is no such relation: there is {RELATION!r}", node)
            self._relations.append(node)
        self._named.update(name.lower() for name in node.get("column_name_alias", ()))

    def _expression(self, node: Node) -> None:
        kind = node["class"]
        if kind == "PARAMETER":
            raise self._wrong("parameters have no values here: write the value itself", node)
        if kind not in _EXPRESSIONS:
            raise self._wrong(f"{_spoken(kind)} is not answered", node)
        if kind in ("FUNCTION", "WINDOW"):
            name = node["function_name"].lower()
            if name in _CLOSED_FUNCTIONS or name.startswith(("cordwood", "pg_read", "duckdb_", "read_")):
                raise self._wrong(f"the function {name!r} is not open to questions", node)
        if kind == "COLUMN_REF":
            self._used.update(dict.fromkeys(node["column_names"]))
        if kind == "LAMBDA":
            self._named.update(name.lower() for name in _columns_in(node.get("lhs")))
        # `sum(n) AS total` gives a name; `"http.status" AS "http.status"` still asks for the field.
        alias = node.get("alias", "")
        if alias and alias.lower() not in {name.lower() for name in _columns_in(node)}:
            self._named.add(alias.lower())

    def _wrong(self, message: str, node: Node) -> Wrong:
        at, length = node.get("query_location", _NOWHERE), node.get("query_location_length", 0)
        if at == _NOWHERE:
            return _wrong(message)
        return Wrong(Failure("question", message, *characters(self._text, at, str(length))))


def _columns_in(root: object) -> Iterator[str]:
    """Names of columns anywhere in an expression."""
    left = [root]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            if node.get("class") == "COLUMN_REF":
                yield from node["column_names"]
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)


def _spoken(kind: object) -> str:
    return str(kind).removesuffix("_NODE").replace("_", " ")


def _wrong(message: str) -> Wrong:
    return Wrong(Failure("question", message))
