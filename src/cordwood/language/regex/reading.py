"""The text of a regular expression → nodes. It is one that RE2 took: what RE2 refuses does not come here.

The syntax is that of `re2/parse.cc`, as https://github.com/google/re2/wiki/Syntax describes it.
"""

import re
from typing import NamedTuple, NoReturn

from cordwood.errors import BadQuery
from cordwood.language.regex.characters import (
    ANY,
    DIGITS,
    NEWLINE,
    POSIX,
    SPACES,
    WORD,
    Ranges,
    in_any_case,
    of_unicode,
    others,
    united,
)
from cordwood.language.regex.nodes import Chars, Edge, Either, Node, Repeat, Row

_MAX_UNICODE_CLASSES = 32
"""Of one expression: each may be hundreds of ranges."""

_GROUP = re.compile(r"\(\?P?<[^>]*>")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]*))?([:)])")
_COUNTED = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_UNICODE = re.compile(r"\\([pP])(?:\{(\^?)([^}]*)\}|(.))", re.DOTALL)
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"\\([0-7]{1,3})")
_CONTROLS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_PERL = {"d": DIGITS, "s": SPACES, "w": WORD}
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _Flags(NamedTuple):
    """What `(?ims)` switches on. `U` only changes what is captured."""

    i: bool = False
    m: bool = False
    s: bool = False


def read(pattern: str) -> Node:
    """What an expression means. Raises BadQuery for what only RE2 can do, with its place in the expression."""
    return _Reader(pattern).alternatives(_Flags())


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._unicode_classes = 0

    def alternatives(self, flags: _Flags) -> Node:
        """Up to the end of the group, or of the expression."""
        branches, row = list[Node](), list[Node]()
        while self._at < len(self._pattern) and not self._sees(")"):
            if self._takes("|"):
                branches.append(_row(row))
                row = []
            elif (changed := self._switch(flags)) is not None:
                flags = changed
            elif self._takes(r"\Q"):
                row += self._quoted(flags)
            elif (counts := self._counts()) is not None:
                row[-1] = Repeat(row[-1], *counts)
            else:
                row.append(self._one(flags))
        branches.append(_row(row))
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _sees(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _takes(self, text: str) -> bool:
        if not self._sees(text):
            return False
        self._at += len(text)
        return True

    def _matches(self, what: "re.Pattern[str]") -> "re.Match[str] | None":
        found = what.match(self._pattern, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _refuse(self, reason: str, start: int, *, hint: str = "") -> NoReturn:
        length = max(1, self._at - start)
        raise BadQuery(reason, query=self._pattern, position=start, length=length, hint=hint)

    def _switch(self, flags: _Flags) -> _Flags | None:
        """The flags behind `(?i)`, which hold up to the end of the group."""
        found = _FLAGS.match(self._pattern, self._at)
        if found is None or found[3] == ":":
            return None
        self._at = found.end()
        return _switched(flags, found)

    def _quoted(self, flags: _Flags) -> list[Node]:
        end = self._pattern.find(r"\E", self._at)
        text = self._pattern[self._at : end if end >= 0 else None]
        self._at += len(text) + (2 if end >= 0 else 0)
        return [_chars(_single(ord(each)), flags) for each in text]

    def _counts(self) -> tuple[int, int | None] | None:
        """How often what stands before is repeated; whether greedily does not matter."""
        sign = self._pattern[self._at]
        counts: tuple[int, int | None]
        if sign in _SIGNS:
            self._at += 1
            counts = _SIGNS[sign]
        elif found := self._matches(_COUNTED):
            least, comma, most = found.groups()
            counts = int(least), int(most) if most else (None if comma else int(least))
        else:
            return None
        self._takes("?")
        return counts

    def _one(self, flags: _Flags) -> Node:
        if self._sees("("):
            return self._group(flags)
        if self._sees("["):
            return Chars(self._bracket(flags))
        if self._sees("\\"):
            return self._escape(flags)
        sign = self._pattern[self._at]
        self._at += 1
        match sign:
            case ".":
                return Chars(ANY if flags.s else others(NEWLINE))
            case "^":
                return Edge.LINE_START if flags.m else Edge.START
            case "$":
                return Edge.LINE_END if flags.m else Edge.END
            case _:
                return _chars(_single(ord(sign)), flags)

    def _group(self, flags: _Flags) -> Node:
        if found := self._matches(_FLAGS):
            flags = _switched(flags, found)
        elif not self._matches(_GROUP):
            self._at += 1
        inner = self.alternatives(flags)
        closed = self._takes(")")
        assert closed, "RE2 took it, so each group has an end"
        return inner

    def _escape(self, flags: _Flags) -> Node:
        start, letter = self._at, self._pattern[self._at + 1]
        edge = {"A": Edge.START, "z": Edge.END, "b": Edge.WORD, "B": Edge.NO_WORD}.get(letter)
        if edge is not None:
            self._at += 2
            return edge
        if letter == "C":
            self._at += 2
            self._refuse("\\C is a byte; rows in PostgreSQL are searched by characters", start, hint="use (?s:.)")
        if (some := self._class(flags)) is not None:
            return Chars(some)
        return _chars(_single(self._code()), flags)

    def _class(self, flags: _Flags) -> Ranges | None:
        """`\\d`, `\\W`, `\\pL`: within brackets or by themselves."""
        start = self._at
        if found := self._matches(_UNICODE):
            self._unicode_classes += 1
            if self._unicode_classes > _MAX_UNICODE_CLASSES:
                self._refuse(f"more than {_MAX_UNICODE_CLASSES} classes of Unicode in one expression", start)
            some = of_unicode(rf"\p{{{found[3] or found[4]}}}")
            is_negated = (found[1] == "P") != bool(found[2])
        elif (letter := self._pattern[start + 1 : start + 2]).lower() in _PERL and letter:
            self._at += 2
            some, is_negated = _PERL[letter.lower()], letter.isupper()
        else:
            return None
        some = in_any_case(some) if flags.i else some
        return others(some) if is_negated else some

    def _code(self) -> int:
        """The character that an escape means."""
        if found := self._matches(_HEX):
            return int(found[1] or found[2], 16)
        if found := self._matches(_OCTAL):
            return int(found[1], 8)
        letter = self._pattern[self._at + 1]
        self._at += 2
        return _CONTROLS.get(letter, ord(letter))

    def _bracket(self, flags: _Flags) -> Ranges:
        self._at += 1
        is_negated = self._takes("^")
        found, in_every_case = list[tuple[int, int]](), list[tuple[int, int]]()
        is_first = True
        while is_first or not self._sees("]"):
            is_first = False
            if posix := self._matches(_POSIX):
                some = POSIX[posix[2]]
                some = in_any_case(some) if flags.i else some
                in_every_case += others(some) if posix[1] else some
            elif self._sees("\\") and (named := self._class(flags)) is not None:
                in_every_case += named
            else:
                low = high = self._bracket_code()
                if self._sees("-") and not self._sees("-]"):
                    self._at += 1
                    high = self._bracket_code()
                found.append((low, high))
        self._at += 1
        if flags.i and found:
            found = list(in_any_case(united(found)))
        every = united([*found, *in_every_case])
        return others(every) if is_negated else every

    def _bracket_code(self) -> int:
        if self._sees("\\"):
            return self._code()
        self._at += 1
        return ord(self._pattern[self._at - 1])


def _row(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Row(tuple(parts))


def _single(code: int) -> Ranges:
    return ((code, code),)


def _chars(ranges: Ranges, flags: _Flags) -> Chars:
    return Chars(in_any_case(ranges) if flags.i else ranges)


def _switched(flags: _Flags, found: "re.Match[str]") -> _Flags:
    on, off = found[1], found[2] or ""
    return _Flags(*((value or name in on) and name not in off for name, value in zip("ims", flags, strict=True)))
