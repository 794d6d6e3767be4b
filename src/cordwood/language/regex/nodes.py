"""A regular expression as data. What it captures, and whether it is greedy, does not tell whether it is found."""

from enum import Enum
from typing import TypeAlias

import msgspec

from cordwood.language.regex.characters import Ranges


class Edge(Enum):
    """A place that takes no character."""

    START = "start of the text"
    END = "end of the text"
    LINE_START = "start of a line"
    LINE_END = "end of a line"
    WORD = "a word of ASCII begins or ends"
    NO_WORD = "none does"


class Chars(msgspec.Struct, frozen=True):
    """One character of a set."""

    ranges: Ranges


class Row(msgspec.Struct, frozen=True):
    """One behind the other; none is the empty text."""

    parts: "tuple[Node, ...]"


class Either(msgspec.Struct, frozen=True):
    """One of these."""

    parts: "tuple[Node, ...]"


class Repeat(msgspec.Struct, frozen=True):
    """Between `least` and `most` times; `most` None: without an end."""

    part: "Node"
    least: int
    most: int | None


Node: TypeAlias = Edge | Chars | Row | Either | Repeat
