"""Shape: an event's text with its values cut out. Events of one shape differ only in their values, so those go into
columns, and the text is made again from both. `docs/reference/segments.md` describes it to other readers.

`{"ts":i,"http":{"status":i,"took":f},"tags":j,"device":null}`: a letter stands where a value was and tells its kind.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct

Kind = Literal["s", "i", "f", "d", "b", "j"]
"""text · whole number of 64 bits · number · number that is spelt with a point even when it is whole · true or false ·
any other JSON, as it was sent. A null in a column is JSON's null."""

COLUMN_TYPES: dict[Kind, str] = {"s": "str", "i": "int", "f": "float", "d": "float", "b": "bool", "j": "json"}
"""Kind → how the columns of that kind end: a field whose type varies has a column for each."""

_MAX_DEPTH = 32
_MAX_PATH = 512
_MAX_LEAVES = 500
_BLANKS = b" \t\r"
_SCALAR = re.compile(rb"[^\s,\]}]+")
_BRACKET_OR_TEXT = re.compile(rb'[\[\]]|"[^"]*"')
_CONTROL = re.compile(rb"[\x00-\x1f\\]")


def column_of(path: str, kind: Kind) -> str:
    """The column that holds a field's values of one kind."""
    return f"{path}:{COLUMN_TYPES[kind]}"


class Outline(Struct, frozen=True):
    """How an event is spelt: the paths of its values, and the bytes before, between and behind those. An array is one
    value."""

    paths: list[str]
    parts: list[bytes]


class _Irregular(Exception):
    """Not worth a shape, or not to be had."""


def outline_of(line: bytes) -> Outline | None:
    """Take a line apart: a valid JSON object in which every quotation mark begins or ends a text, so escaped ones have
    to be masked. None when it is too deep or wide, or repeats a path, or has a key with an escape."""
    try:
        return _Scanner(line).outline()
    except _Irregular:
        return None


class _Scanner:
    def __init__(self, line: bytes) -> None:
        self._line = line
        self._at = 0
        self._behind = 0
        self._outline = Outline([], [])
        self._paths: set[str] = set()

    def outline(self) -> Outline:
        self._skip_blanks()
        self._object("", 0)
        if self._line[self._at :].strip(_BLANKS) or not 0 < len(self._paths) <= _MAX_LEAVES:
            raise _Irregular
        self._outline.parts.append(self._line[self._behind :])
        return self._outline

    def _skip_blanks(self) -> None:
        while self._line[self._at : self._at + 1] in (b" ", b"\t", b"\r"):
            self._at += 1

    def _object(self, path: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise _Irregular
        self._at += 1
        self._skip_blanks()
        while self._line[self._at] != ord("}"):
            key = self._text()
            if _CONTROL.search(key):
                raise _Irregular
            name = key.decode()
            self._skip_blanks()
            self._at += 1  # the colon
            inner = f"{path}.{name}" if depth else name
            if len(inner) > _MAX_PATH:
                raise _Irregular
            self._skip_blanks()
            if self._line[self._at] == ord("{"):
                self._object(inner, depth + 1)
            else:
                self._value(inner)
            self._skip_blanks()
            if self._line[self._at] == ord(","):
                self._at += 1
                self._skip_blanks()
        self._at += 1

    def _value(self, path: str) -> None:
        if path in self._paths:
            raise _Irregular
        start = self._at
        match self._line[start : start + 1]:
            case b'"':
                self._text()
            case b"[":
                self._array()
            case _:
                found = _SCALAR.match(self._line, start)
                assert found is not None, "valid JSON"
                self._at = found.end()
        self._paths.add(path)
        self._outline.paths.append(path)
        self._outline.parts.append(self._line[self._behind : start])
        self._behind = self._at

    def _array(self) -> None:
        depth = 0
        for found in _BRACKET_OR_TEXT.finditer(self._line, self._at):
            depth += {b"[": 1, b"]": -1}.get(found.group(), 0)
            if not depth:
                self._at = found.end()
                return

    def _text(self) -> bytes:
        start = self._at + 1
        end = self._line.index(b'"', start)
        self._at = end + 1
        return self._line[start:end]


def shape_text(outline: Outline, kinds: Sequence[Kind | None]) -> str:
    """The shape of lines with this outline whose values have these kinds; None: null in every line."""
    pieces = [outline.parts[0]]
    for kind, part in zip(kinds, outline.parts[1:], strict=True):
        pieces += [b"null" if kind is None else kind.encode(), part]
    return b"".join(pieces).decode()


class Slot(NamedTuple):
    """A place for a value in a shape."""

    path: str
    kind: Kind

    @property
    def column(self) -> str:
        return column_of(self.path, self.kind)


class Shape(Struct, frozen=True):
    """A shape taken apart: values go between the parts."""

    parts: list[str]
    slots: list[Slot]


_TOKEN = re.compile(r'"[^"]*"|null|[{}\[\]:,\s]|[sifdbj]')


@lru_cache(maxsize=4096)
def shape_of(text: str) -> Shape:
    """Take a shape's text apart. Raises ValueError when it is none."""
    parts: list[str] = []
    slots: list[Slot] = []
    path: list[str] = []
    began = 0
    key: str | None = None
    for token, at in _tokens(text):
        match token[0]:
            case '"':
                key = token[1:-1]
            case "{":
                if key is not None:
                    path.append(key)
                    key = None
                else:
                    path.append("")
            case "}":
                path.pop()
            case "s" | "i" | "f" | "d" | "b" | "j":
                parts.append(text[began:at])
                began = at + 1
                kind: Kind = token  # type: ignore[assignment]  # the pattern admits these letters only
                slots.append(Slot(".".join([*path[1:], key or ""]), kind))
                key = None
            case "n" | "]":
                key = None
            case _:
                pass
    return Shape([*parts, text[began:]], slots)


@lru_cache(maxsize=4096)
def objects_of(text: str) -> frozenset[str]:
    """The paths of the objects in a shape, the event itself left out. Raises ValueError when it is none."""
    found: set[str] = set()
    path: list[str] = []
    key: str | None = None
    for token, _ in _tokens(text):
        match token[0]:
            case '"':
                key = token[1:-1]
            case "{":
                if path:
                    path.append(key or "")
                    found.add(".".join(path[1:]))
                else:
                    path.append("")
            case "}":
                path.pop()
            case _:
                pass
    return frozenset(found)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"no shape: {text[:200]}")
        yield found.group(), at
        at = found.end()
