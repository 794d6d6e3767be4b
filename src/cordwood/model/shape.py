"""Shape: an event's text with its values cut out. Events of one shape differ only in their values, so those go into
columns, and the text is made again from both. `docs/reference/segments.md` describes it to other readers.

`{"ts":i,"http":{"status":i,"took":f},"tags":j,"device":null}`: a letter stands where a value was and tells its kind.
"""

import re
from collections.abc import Iterator
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
MAX_LITERAL = 4096
"""Longest stretch between two values, in bytes."""
_BLANKS = b" \t\r"
_SCALAR = re.compile(rb"[^\s,\]}]+")
_CONTROL = re.compile(rb"[\x00-\x1f\\]")


def column_of(path: str, kind: Kind) -> str:
    """The column that holds a field's values of one kind."""
    return f"{path}:{COLUMN_TYPES[kind]}"


class Edge(NamedTuple):
    """A place in a line: so many bytes from the quotation mark with that number; or, behind the last, from its end."""

    quote: int
    offset: int


class Cut(NamedTuple):
    """A stretch that may differ between lines of one shape. What is no text holds no quotation mark."""

    start: Edge
    end: Edge
    is_text: bool
    is_array: bool = False


class Leaf(NamedTuple):
    """A value that gets a column: one of the cuts, or an array around some (`cut` None)."""

    path: str
    start: Edge
    end: Edge
    cut: int | None


class Outline(Struct, frozen=True):
    """How a line is made: its cuts, the bytes before, between and behind them; its leaves, and what is around those."""

    quotes: int
    cuts: list[Cut]
    literals: list[bytes]
    leaves: list[Leaf]
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
        self._quote = 0
        self._quote_at = 0
        self._places: list[tuple[Cut, int, int]] = []
        self._leaves: list[tuple[Leaf, int, int]] = []
        self._paths: set[str] = set()

    def outline(self) -> Outline:
        self._skip_blanks()
        self._object("", 0, is_inside=False)
        if self._line[self._at :].strip(_BLANKS) or not self._leaves or len(self._leaves) > _MAX_LEAVES:
            raise _Irregular
        places = self._single()
        literals = self._between([(start, end) for _, start, end in places])
        if max(map(len, literals)) > MAX_LITERAL - 8:
            raise _Irregular
        return Outline(
            quotes=self._quote,
            cuts=[cut for cut, _, _ in places],
            literals=literals,
            leaves=[self._settled(leaf, places) for leaf, _, _ in self._leaves],
            parts=self._between([(start, end) for _, start, end in self._leaves]),
        )

    def _single(self) -> list[tuple[Cut, int, int]]:
        """Two values without a text between them cannot be told apart by quotation marks: within an array, they must
        be the same in every line."""
        gaps: dict[int, int] = {}
        for cut, _, _ in self._places:
            if not cut.is_text:
                gaps[cut.start.quote] = gaps.get(cut.start.quote, 0) + 1
        return [place for place in self._places if place[0].is_text or gaps[place[0].start.quote] == 1]

    def _settled(self, leaf: Leaf, places: list[tuple[Cut, int, int]]) -> Leaf:
        for number, (cut, _, _) in enumerate(places):
            if (cut.start, cut.end) == (leaf.start, leaf.end):
                return leaf._replace(cut=number)
        return leaf

    def _between(self, places: list[tuple[int, int]]) -> list[bytes]:
        ends = [0, *(end for _, end in places)]
        starts = [*(start for start, _ in places), len(self._line)]
        return [self._line[end:start] for end, start in zip(ends, starts, strict=True)]

    def _skip_blanks(self) -> None:
        while self._line[self._at : self._at + 1] in (b" ", b"\t", b"\r"):
            self._at += 1

    def _value(self, path: str, depth: int, *, is_inside: bool) -> None:
        """`is_inside`: within an array, which is kept as it is."""
        if depth > _MAX_DEPTH:
            raise _Irregular
        self._skip_blanks()
        match self._line[self._at : self._at + 1]:
            case b'"':
                start = self._at + 1
                self._text()
                end = self._at - 1
                cut = Cut(Edge(self._quote - 2, 1), Edge(self._quote - 1, 0), is_text=True)
                self._note(path, cut, start, end, is_inside=is_inside)
            case b"{":
                self._object(path, depth, is_inside=is_inside)
            case b"[":
                self._array(path, depth, is_inside=is_inside)
            case _:
                start = self._at
                found = _SCALAR.match(self._line, start)
                assert found is not None, "valid JSON"
                edge = Edge(self._quote - 1, start - self._quote_at)
                self._at = found.end()
                self._note(path, Cut(edge, self._end(), is_text=False), start, self._at, is_inside=is_inside)

    def _object(self, path: str, depth: int, *, is_inside: bool) -> None:
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
            self._value(inner, depth + 1, is_inside=is_inside)
            self._skip_blanks()
            if self._line[self._at] == ord(","):
                self._at += 1
                self._skip_blanks()
        self._at += 1

    def _array(self, path: str, depth: int, *, is_inside: bool) -> None:
        start, edge = self._at, Edge(self._quote - 1, self._at - self._quote_at)
        before, quotes = len(self._places), self._quote
        self._at += 1
        self._skip_blanks()
        if self._line[self._at] == ord("]"):
            self._at += 1
            return
        while True:
            self._value(path, depth + 1, is_inside=True)
            self._skip_blanks()
            self._at += 1
            if self._line[self._at - 1] == ord("]"):
                break
        if is_inside:
            return
        cut = Cut(edge, self._end(), is_text=False, is_array=True)
        if self._quote == quotes:
            del self._places[before:]
            self._places.append((cut, start, self._at))
        self._add(Leaf(path, cut.start, cut.end, None), start, self._at)

    def _text(self) -> bytes:
        start = self._at + 1
        end = self._line.index(b'"', start)
        self._at = end + 1
        self._quote += 2
        self._quote_at = end
        return self._line[start:end]

    def _end(self) -> Edge:
        """The place here, told from what comes next."""
        following = self._line.find(b'"', self._at)
        return Edge(self._quote, self._at - (len(self._line) if following < 0 else following))

    def _note(self, path: str, cut: Cut, start: int, end: int, *, is_inside: bool) -> None:
        self._places.append((cut, start, end))
        if not is_inside:
            quotes = 1 if cut.is_text else 0
            self._add(Leaf(path, cut.start, cut.end, None), start - quotes, end + quotes)

    def _add(self, leaf: Leaf, start: int, end: int) -> None:
        if leaf.path in self._paths:
            raise _Irregular
        self._paths.add(leaf.path)
        self._leaves.append((leaf, start, end))


def shape_text(outline: Outline, kinds: list[Kind | None]) -> str:
    """The shape of lines with this outline whose leaves have these kinds; None: null in every line."""
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


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"no shape: {text[:200]}")
        yield found.group(), at
        at = found.end()
