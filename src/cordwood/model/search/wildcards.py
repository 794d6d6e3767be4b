"""Patterns with wildcards: `*` for any characters, `?` for one, a backslash before a character that means itself."""

import re
from enum import Enum
from typing import TypeAlias

_PART = re.compile(r"\\(.)|([*?])|([^\\*?]+)", re.DOTALL)
_SPECIAL = re.compile(r"[\\*?]")


class Wild(Enum):
    """What stands for characters that are not known."""

    ANY = "*"
    ONE = "?"


Piece: TypeAlias = str | Wild


def literal(text: str) -> str:
    """The pattern that means exactly a text."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def pieces(pattern: str) -> list[Piece]:
    """A pattern's texts and wildcards, in order; no two texts are next to each other."""
    found: list[Piece] = []
    for part in _PART.finditer(pattern):
        escaped, wild, plain = part.groups()
        if wild:
            found.append(Wild(wild))
        elif found and isinstance(found[-1], str):
            found[-1] += escaped or plain
        else:
            found.append(escaped or plain)
    return found


def plain(pattern: str) -> str | None:
    """The text that a pattern without wildcards means; None for one with some."""
    match pieces(pattern):
        case []:
            return ""
        case [str(text)]:
            return text
        case _:
            return None
