"""A query being read: where the reader is, and the smallest parts: blanks, signs, names, quotes, numbers, bare texts.

What a character means depends on what may stand there: a slash begins a regular expression, divides, or is part of a
word. So the parser asks for the part that it expects, and none is cut before that.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from cordwood.language.noting import Mention, Noting
from cordwood.language.place import ENDS_BARE
from cordwood.model.search.field import Field, field_named

# Beyond ASCII any character that is no blank may be in a name.
_NAME = re.compile(r"[A-Za-z_@$.\x80-\U0010ffff](?:(?!\s)[A-Za-z0-9_@$./\x80-\U0010ffff-])*")
_EXPRESSION_NAME = re.compile(r"[A-Za-z_@$.\x80-\U0010ffff](?:(?!\s)[A-Za-z0-9_@$.\x80-\U0010ffff])*")
_CHOICE = re.compile(r"[\w.-]+")
_HEX = re.compile("[0-9A-Fa-f]{4}")
_LOW = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_KEYWORD = re.compile(r"[A-Za-z_]+")
_CONTINUES = re.compile(r"[\w.:@$*?-]")
_DIGITS = re.compile(r"\d+", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/", "n": "\n", "r": "\r", "t": "\t"}


class Bare(NamedTuple):
    """A text as it stands, without quotes: `text` with every character as itself, `pattern` with its wildcards."""

    text: str
    pattern: str
    has_wildcards: bool
    has_escapes: bool
    start: int
    end: int


class Reading(Noting):
    """A query and a place in it."""

    # What stands here

    @property
    def is_at_blank(self) -> bool:
        return self.is_at_end or self.text[self.at].isspace()

    def sees(self, *signs: str) -> bool:
        """Whether one of these stands right here."""
        return self.text.startswith(signs, self.at)

    def takes(self, sign: str) -> bool:
        """The same, behind blanks; if so, goes on behind it."""
        self.skip_blanks()
        if not self.sees(sign):
            return False
        self.at += len(sign)
        return True

    def takes_here(self, sign: str) -> bool:
        """The same, with no blank before it."""
        if not self.sees(sign):
            return False
        self.at += len(sign)
        return True

    def needs(self, sign: str) -> None:
        """Goes on behind a sign that must stand here, behind blanks."""
        if not self.takes(sign):
            raise self.unexpected(f'"{sign}"')

    def sees_next(self, sign: str) -> bool:
        """Whether this stands here behind blanks."""
        self.skip_blanks()
        return self.sees(sign)

    def sees_keyword(self, *words: str) -> bool:
        """Whether one of these words stands here behind blanks, in any case, as a word of its own."""
        self.skip_blanks()
        found = _KEYWORD.match(self.text, self.at)
        if found is None or found[0].lower() not in words:
            return False
        return found.end() == len(self.text) or not _CONTINUES.match(self.text, found.end())

    def takes_keyword(self, *words: str) -> bool:
        """The same; if so, goes on behind it."""
        if not self.sees_keyword(*words):
            return False
        found = _KEYWORD.match(self.text, self.at)
        assert found is not None, "a keyword was seen"
        self.at = found.end()
        return True

    # Parts

    def keyword(self) -> tuple[str, int]:
        """A word of letters in lower case and where it begins; an empty one if there is none."""
        self.skip_blanks()
        start = self.at
        found = _KEYWORD.match(self.text, self.at)
        if found is None:
            return "", start
        self.at = found.end()
        return found[0].lower(), start

    def choice(self, what: str, known: Iterable[str]) -> str:
        """One of some words. Tells the nearest when it is another one."""
        known = tuple(known)
        self.skip_blanks()
        start = self.at
        found = _CHOICE.match(self.text, start)
        if found is None:
            raise self.unexpected(f"a {what}")
        self.at = found.end()
        word = found[0].lower()
        if word in known:
            return word
        raise self.unknown(what, found[0], start, known)

    def whole_number(self) -> int | None:
        """Digits behind blanks, as a number of at most 18 of them."""
        self.skip_blanks()
        found = _DIGITS.match(self.text, self.at)
        if found is None:
            return None
        if len(found[0]) > 18:
            raise self.problem("this number is too large", self.at, found.end())
        self.at = found.end()
        return int(found[0])

    def number(self) -> float | None:
        """A number without a sign, behind blanks."""
        self.skip_blanks()
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            return None
        value = float(found[0])
        if value == float("inf"):
            raise self.problem("this number is too large", self.at, found.end())
        self.at = found.end()
        return value

    def name(self, *, is_operand: bool = False) -> str | None:
        """A name that needs no quotes, right here. In an operand `-` and `/` are signs of their own."""
        found = (_EXPRESSION_NAME if is_operand else _NAME).match(self.text, self.at)
        if found is None or found[0] == ".":
            return None
        self.at = found.end()
        return found[0]

    def target(self) -> Field | None:
        """A field with a colon right behind it, both taken; or None, and nothing is."""
        start = self.at
        if self.sees('"', "'", "`"):
            name: str | None = self.quoted()
        else:
            name = self.name()
        if name is None or not self.sees(":"):
            self.at = start
            return None
        field = self._mentioned(name, start, self.at)
        self.at += 1
        return field

    def field(self) -> Field:
        """A field's name, quoted or not, behind blanks."""
        self.skip_blanks()
        start = self.at
        self.offer("field")
        name = self.quoted() if self.sees('"', "'", "`") else self.name()
        if name is None:
            raise self.unexpected("a field")
        return self._mentioned(name, start, self.at)

    def column(self) -> str:
        """The name of a column to make, behind blanks."""
        self.skip_blanks()
        start = self.at
        name = self.quoted() if self.sees('"', "'", "`") else self.name()
        if not name:
            raise self.unexpected("a name")
        if name.startswith("."):
            raise self.problem("a column's name does not begin with a dot", start, self.at)
        return name

    def _mentioned(self, name: str, start: int, end: int) -> Field:
        if name in ("", "."):
            raise self.problem("a field's name is empty", start, end)
        field = field_named(name)
        self.mentions.append(Mention(field, start, end, self.pipe))
        return field

    def mention(self, name: str, start: int) -> Field:
        """The field of a name that was read already."""
        return self._mentioned(name, start, start + len(name))

    def quoted(self) -> str:
        """A text in quotes of any kind, right here."""
        quote, start = self.text[self.at], self.at
        parts: list[str] = []
        self.at += 1
        while not self.is_at_end:
            sign = self.text[self.at]
            self.at += 1
            if sign == quote:
                return "".join(parts)
            parts.append(self._escape() if sign == "\\" else sign)
        self.at = self.open_quote = start
        raise self.problem("this quote is not closed", start, start + 1)

    def _escape(self) -> str:
        start, sign = self.at - 1, self.text[self.at : self.at + 1]
        self.at += 1
        if sign == "`":
            return sign
        if sign == "u" and (found := _HEX.match(self.text, self.at)):
            self.at = found.end()
            code = int(found[0], 16)
            if 0xD800 <= code < 0xDC00 and (low := _LOW.match(self.text, self.at)):
                self.at = low.end()
                code = 0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00)
            if not 0xD800 <= code < 0xE000:
                return chr(code)
        elif sign in _ESCAPES and sign:
            return _ESCAPES[sign]
        end = min(self.at, len(self.text))
        raise self.problem("this escape has no meaning", start, end, hint=r'a backslash is written "\\"')

    def bare(self, also_ends: str = "") -> Bare:
        """Everything up to a blank, a parenthesis, a bar or a quote (in an expression also a comma), right here."""
        start, ends = self.at, ENDS_BARE.union(also_ends, "," if self.in_expression else "")
        text: list[str] = []
        pattern: list[str] = []
        has_wildcards = has_escapes = False
        while not self.is_at_blank and self.text[self.at] not in ends:
            sign = self.text[self.at]
            self.at += 1
            if sign == "\\":
                if self.is_at_end:
                    raise self.problem("a backslash has nothing behind it", self.at - 1, self.at)
                sign = self.text[self.at]
                self.at += 1
                has_escapes = True
                pattern.append("\\" + sign if sign in "*?\\" else sign)
            else:
                has_wildcards = has_wildcards or sign in "*?"
                pattern.append(sign)
            text.append(sign)
        if self.sees('"', "`"):
            before = self.text[start : self.at]
            hint = 'write FIELD:"value"' if before.endswith("=") else "put all of it in quotes, or a blank between"
            raise self.problem("a quote in the middle of a word", self.at, self.at + 1, hint=hint)
        return Bare("".join(text), "".join(pattern), has_wildcards, has_escapes, start, self.at)
