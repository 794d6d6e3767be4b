"""Templates with counts, of many messages in many places: they can be added up, in any order."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cordwood.patterns.matching import OTHER, Matcher
from cordwood.patterns.mining import DEFAULT, Limits
from cordwood.patterns.templates import templates_of


def pattern_id(template: str) -> str:
    """16 hexadecimal digits that depend on the template alone: who finds the same one gives it the same id."""
    return hashlib.blake2b(template.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A template, and the messages that have it."""

    template: str
    count: int
    first: str = ""
    """Names the earliest of its messages, in a way whose order is that of time: the id of an event does."""
    last: str = ""
    """The same, of the latest."""

    @property
    def id(self) -> str:
        return pattern_id(self.template)


Patterns = tuple[Pattern, ...]
"""Of a tenant, a time or a part of either: most frequent first, each template once."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What was added up."""

    patterns: Patterns
    became: Mapping[str, str]
    """For each id that is no longer there, that of the pattern which has its messages now."""


def merge(parts: Iterable[Patterns], limits: Limits = DEFAULT) -> Merged:
    """Add up patterns, and make one of those that are similar. No count is lost, and the order does not matter."""
    by_template: defaultdict[str, list[Pattern]] = defaultdict(list)
    for part in parts:
        for pattern in part:
            by_template[pattern.template].append(pattern)
    known = [each for each in by_template if each != OTHER]
    templates = templates_of(known)
    home = _homes(known, templates)
    if len(templates) > limits.templates:
        counts: Counter[str] = Counter()
        for each in known:
            counts[home[each]] += sum(pattern.count for pattern in by_template[each])
        kept = sorted(templates, key=lambda template: (-counts[template], template))[: limits.templates]
        home = _homes(known, kept)
    home[OTHER] = OTHER
    members: defaultdict[str, list[Pattern]] = defaultdict(list)
    for template, patterns in by_template.items():
        members[home[template]].extend(patterns)
    merged = [_sum(template, patterns) for template, patterns in members.items()]
    merged.sort(key=lambda pattern: (-pattern.count, pattern.template))
    became = {pattern_id(each): pattern_id(home[each]) for each in by_template if home[each] != each}
    return Merged(tuple(merged), became)


def _homes(known: list[str], templates: list[str]) -> dict[str, str]:
    """The template that each is a case of."""
    all_of_them = [*templates, OTHER]
    found = Matcher(all_of_them).match(known)
    return {each: all_of_them[number] for each, number in zip(known, found.tolist(), strict=True)}


def _sum(template: str, patterns: list[Pattern]) -> Pattern:
    return Pattern(
        template,
        sum(pattern.count for pattern in patterns),
        min((pattern.first for pattern in patterns if pattern.first), default=""),
        max(pattern.last for pattern in patterns),
    )
