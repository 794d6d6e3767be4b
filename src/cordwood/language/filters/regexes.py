"""Regular expressions between slashes, as RE2 takes them."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import re2

from cordwood.language.bounds import REGEX_MEMORY_BYTES
from cordwood.language.tokens import Reading
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Filter, Regex

_GROUP = re.compile(r"\(\?P?<([^>]*)>")
_HINTS = {
    "invalid perl operator": "there is no lookaround; RE2's syntax is at https://github.com/google/re2/wiki/Syntax",
    "invalid escape sequence": "there are no backreferences; a backslash before a letter needs a meaning",
    "invalid repetition size": "at most 1000 repetitions",
}


def parse_regex(reading: Reading, field: Field | None) -> Filter:
    """A filter by a regular expression. `field` None: in any value."""
    return Regex(field, regex_text(reading))


def regex_text(reading: Reading) -> str:
    """The expression between two slashes, the first of which stands right here; checked."""
    start = reading.at
    end, pattern = start + 1, list[str]()
    text = reading.text
    while end < len(text) and text[end] != "/":
        if text[end] == "\\" and end + 1 < len(text):
            pattern.append("/" if text[end + 1] == "/" else text[end : end + 2])
            end += 2
        else:
            pattern.append(text[end])
            end += 1
    quote_hint = "to look for a text with slashes, put it in quotes; within an expression a slash is written \\/"
    if end >= len(text):
        raise reading.problem("this regular expression has no second slash", start, start + 1, hint=quote_hint)
    reading.at = end + 1
    if not pattern:
        raise reading.problem("this regular expression is empty", start, end + 1, hint=quote_hint)
    if not reading.is_at_blank and not reading.sees(")", "|", ","):
        raise reading.problem("text right behind a regular expression", reading.at, reading.at + 1, hint=quote_hint)
    checked(reading, "".join(pattern), start + 1, end)
    return "".join(pattern)


def checked(reading: Reading, pattern: str, start: int, end: int) -> None:
    """Raises BadQuery where RE2 refuses an expression, or it is too long."""
    reading.count_regex(start, end, len(pattern))
    try:
        compile_regex(pattern)
    except re2.error as error:
        said = error.args[0]
        message = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        reason, _, culprit = message.partition(": ")
        if culprit and culprit != pattern and reading.text.count(culprit, start, end) == 1:
            start = reading.text.index(culprit, start, end)
            end = start + len(culprit)
        raise reading.problem(f"no regular expression: {reason}", start, end, hint=_HINTS.get(reason, "")) from error
    names = _GROUP.findall(pattern)
    for name in names:
        # RE2 for Python takes two, and forgets one.
        if names.count(name) > 1:
            raise reading.problem(f'two groups are named "{name}"', start, end)


def group_names(pattern: str) -> Sequence[str]:
    """The names of an expression's groups, in their order."""
    found = compile_regex(pattern).groupindex
    return sorted(found, key=found.__getitem__)


class Found(Protocol):
    """Where an expression was found."""

    def __getitem__(self, group: str) -> str | None:
        """What a named group took; None if it took no part."""


class Compiled(Protocol):
    """An expression ready to search with."""

    @property
    def groupindex(self) -> Mapping[str, int]:
        """Name → number of a group."""

    def search(self, text: str) -> Found | None:
        """The leftmost place where it is found."""

    @property
    def groups(self) -> int:
        """How many groups there are."""

    def findall(self, text: str) -> list[str]:
        """Every place where one without groups is found, from the left."""


def compile_regex(pattern: str) -> Compiled:
    """RE2's, within its own bounds of memory. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = REGEX_MEMORY_BYTES
    compiled: Compiled = re2.compile(pattern, options)
    return compiled
