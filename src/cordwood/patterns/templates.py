"""Forms → templates: what the forms of a group have in common, with wildcards for what they do not.

Where the forms of a group have plain words in one place, and only a few different ones, these are no values but what
tells one kind of message from another (`VM Started`, `VM Stopped`): each gets a template. This is the branching of
Brain (Yu et al., "Brain: Log Parsing with Bidirectional Parallel Tree", IEEE TSC 2023), within the groups of Drain.
"""

import re
from collections.abc import Sequence

from cordwood.patterns.grouping import groups_of
from cordwood.patterns.masking import WILDCARD
from cordwood.patterns.matching import Matcher
from cordwood.patterns.tokens import HAS_VALUE, split

FEW_WORDS = 4
"""Different plain words in one place that are told apart. The methods of HTTP or the states of a machine are so many,
users and hosts soon are more."""
_BEFORE = re.compile(r"""[(\[{<"']*[^\W\d]*[\w.-]*[=:]+[(\[{"']*|[(\[{"']+""")
_BEHIND = re.compile(r"""[)\]}"',;.:!?]+\Z""")


def templates_of(texts: Sequence[str]) -> list[str]:
    """Templates, one of which each of these forms (or templates) matches; each once, by name."""
    found = {
        template
        for group in groups_of(texts)
        for template in _templates([split(texts[place]) for place in group], range(len(group)))
    }
    templates = sorted(found)
    # One that is a case of a more general one is not told apart from its other cases.
    general = Matcher([each for each in templates if _is_general(each)])
    return [each for each, is_case in zip(templates, general.covers(templates), strict=True) if not is_case]


def _is_general(template: str) -> bool:
    """Whether it has a wildcard, but says enough to speak for others."""
    tokens = split(template)
    wild = sum(WILDCARD in token for token in tokens)
    return 0 < wild * 2 <= len(tokens)


def _templates(forms: list[list[str]], rows: Sequence[int]) -> list[str]:
    columns: list[tuple[int, int, set[str]]] = []
    for place in range(len(forms[rows[0]])):
        values = {forms[row][place] for row in rows}
        if len(values) > 1:
            columns.append((len(values), place, values))
    branches = [each for each in columns if each[0] <= FEW_WORDS and not any(map(HAS_VALUE.search, each[2]))]
    if branches:
        _, place, values = min(branches, key=lambda each: each[:2])
        return [
            template
            for value in values
            for template in _templates(forms, [row for row in rows if forms[row][place] == value])
        ]
    tokens = list(forms[rows[0]])
    for _, place, values in columns:
        tokens[place] = _wildcard(values)
    return [" ".join(tokens)]


def _wildcard(values: set[str]) -> str:
    """What stands for these tokens: `user=<*>`, `(<*>)`, if all have that in common."""
    model = min(values)
    found = _BEFORE.match(model)
    before = found[0] if found and WILDCARD not in found[0] else ""
    if "<" in before or not all(value.startswith(before) for value in values):
        before = ""
    behinds = [_BEHIND.search(value[len(before) :]) for value in values]
    behind = min((found[0] if found else "" for found in behinds), key=len)
    if not all(value.endswith(behind) for value in values):
        behind = ""
    return f"{before}{WILDCARD}{behind}"
