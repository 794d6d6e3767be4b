"""What is wrong with a query, said so that it can be mended: the nearest name, and the place drawn under the text."""

import difflib
from collections.abc import Iterable

from cordwood.errors import BadQuery
from cordwood.neutral import neutral

_BEFORE, _BEHIND = 60, 30
_LONGEST_NAME = 100


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a wrong one is most like, if it is like one."""
    if len(name) > _LONGEST_NAME:
        return None
    by_folded = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_folded, 1, 0.6)
    return by_folded[found[0]] if found else None


def said(problem: BadQuery) -> str:
    """What is wrong, what was expected, and what may have been meant, in one line."""
    text = problem.message
    if problem.expected:
        text += f"; expected {_listed(problem.expected)}"
    if problem.suggestion is not None:
        text += f'; did you mean "{problem.suggestion}"?'
    return neutral(f"{text}; {problem.hint}" if problem.hint else text)


def shown(problem: BadQuery) -> str:
    """The same, and below it the part of the query at fault with a mark under each of its characters.

    Characters that would steer a terminal are spelt out, so that marks are where the eye finds them.
    """
    query, start = problem.query, problem.position
    line_start = query.rfind("\n", 0, start) + 1
    line_end = query.find("\n", start)
    line_end = len(query) if line_end < 0 else line_end
    first, last = max(line_start, start - _BEFORE), min(line_end, start + problem.length + _BEHIND, start + 2 * _BEFORE)
    before = ("…" if first > line_start else "") + neutral(query[first:start])
    fault_end = max(start, min(start + problem.length, last))
    fault = neutral(query[start:fault_end])
    behind = neutral(query[fault_end:last]) + ("…" if last < line_end else "")
    return f"{said(problem)}\n  {before}{fault}{behind}\n  {' ' * len(before)}{'^' * max(1, len(fault))}"


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
