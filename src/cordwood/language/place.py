"""A place in a query: what is wrong there, and the bounds of what has been read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from cordwood.errors import BadQuery
from cordwood.language.bounds import MAX_DEPTH, MAX_REGEX, MAX_REGEXES, MAX_TERMS
from cordwood.language.problems import nearest

ENDS_BARE = frozenset('()|"`')
"""What ends a text without quotes, beside blanks."""
_ENDS_RUN = ENDS_BARE | frozenset(",]}")
_LONGEST_SHOWN = 40
_BLANKS = re.compile(r"\s*")


class Place:
    """A query, how far it is read, and how much of what is bounded was in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0
        self._terms = 0
        self._regexes = 0

    @property
    def is_at_end(self) -> bool:
        return self.at >= len(self.text)

    @property
    def is_nested(self) -> bool:
        """Whether what is being read is within something else."""
        return self._depth > 0

    def skip_blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        assert found is not None, "no blank is a match, too"
        self.at = found.end()

    # What is wrong

    def problem(
        self,
        message: str,
        start: int | None = None,
        end: int | None = None,
        *,
        expected: Sequence[str] = (),
        suggestion: str | None = None,
        hint: str = "",
    ) -> BadQuery:
        """An error from `start` (here, if not given) to `end` (a missing part, if not given)."""
        start = self.at if start is None else start
        while end is not None and end > start and self.text[end - 1].isspace():
            end -= 1
        while end is not None and start < end and self.text[start].isspace():
            start += 1
        length = 0 if end is None else end - start
        return BadQuery(
            message,
            query=self.text,
            position=start,
            length=length,
            expected=expected,
            suggestion=suggestion,
            hint=hint,
        )

    def unexpected(self, *expected: str) -> BadQuery:
        """An error about what stands here."""
        if self.is_at_end:
            return self.problem("the query ends too early", expected=expected)
        end = min(self._end_of_run(), self.at + _LONGEST_SHOWN)
        return self.problem(f"unexpected {_quoted(self.text[self.at : end])}", self.at, end, expected=expected)

    def _end_of_run(self) -> int:
        end = self.at
        while end < len(self.text) and not self.text[end].isspace() and self.text[end] not in _ENDS_RUN:
            end += 1
        return max(end, self.at + 1)

    def unknown(self, what: str, name: str, start: int, known: Iterable[str]) -> BadQuery:
        """An error about a name that is none of the known."""
        known = tuple(known)
        near = nearest(name, known)
        hint = "" if near else f"there are {', '.join(sorted(known))}"
        return self.problem(f"unknown {what} {_quoted(name)}", start, start + len(name), suggestion=near, hint=hint)

    # Bounds

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Around what is read within something else."""
        if self._depth == MAX_DEPTH:
            raise self.problem(f"more than {MAX_DEPTH} levels within one another")
        self._depth += 1
        yield
        self._depth -= 1

    def check_depth(self, depth: int, start: int) -> None:
        """What is `depth` levels deep for another reason than parentheses."""
        if depth > MAX_DEPTH:
            raise self.problem(f"more than {MAX_DEPTH} levels within one another", start)

    def count_term(self, start: int) -> None:
        """Each condition, operator and function counts."""
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self.problem(f"more than {MAX_TERMS:,} conditions", start)

    def count_regex(self, start: int, end: int, length: int) -> None:
        """Each regular expression counts, and each text with wildcards."""
        self._regexes += 1
        if length > MAX_REGEX:
            message = f"more than {MAX_REGEX:,} characters of a regular expression, or with wildcards"
            raise self.problem(message, start, end)
        if self._regexes > MAX_REGEXES:
            message = f"more than {MAX_REGEXES} regular expressions and texts with wildcards"
            raise self.problem(message, start, end)


def _quoted(text: str) -> str:
    return f'"{text}"'
