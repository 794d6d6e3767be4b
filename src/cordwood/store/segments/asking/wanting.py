"""A filter → which stretches of rows may hold a match, by the words and numbers that their filters know.

A stretch is passed over only where no event in it can match. So NOT passes over nothing, and a word is asked for only
where nothing but a text can match, or where what else can is asked for as well: of the number 870.5 a filter knows the
double, but not the word 870; booleans are not in it; and numbers within JSON are, but as they happen to be spelt.
"""

import re
from collections.abc import Sequence
from functools import reduce
from ipaddress import IPv4Network, ip_network
from operator import and_, or_
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from cordwood.language.quantities import spelled_number
from cordwood.language.regex.literals import literals
from cordwood.language.texts import folded
from cordwood.model.search.filters import (
    And,
    Equals,
    Everything,
    Exists,
    Filter,
    InNetwork,
    Leaf,
    Like,
    Not,
    Or,
    Regex,
    Words,
)
from cordwood.model.search.wildcards import Wild, pieces, plain
from cordwood.store.segments.asking.places import Kept, columns_of, is_time
from cordwood.store.segments.many_filters import Answers, ManyFilters
from cordwood.store.segments.words import Hashes, hashes_of, number_hashes

_WORD = re.compile(r"[0-9A-Za-z_\x80-\U0010ffff]+")
# In the text of a number or boolean; letters without case.
_NO_TEXT = re.compile(r"[0-9e]+|inf|true|false")


class Held(Struct, frozen=True):
    """A match needs all of one of these sets of hashes."""

    ways: Sequence[Hashes]

    def may_be_in(self, words: ManyFilters) -> Answers:
        """Whether each stretch may hold a match."""
        return reduce(or_, [words.may_hold(way) for way in self.ways])


class All(Struct, frozen=True):
    """A match needs each of these."""

    parts: "Sequence[Needed]"

    def may_be_in(self, words: ManyFilters) -> Answers:
        return reduce(and_, [part.may_be_in(words) for part in self.parts])


class Any(Struct, frozen=True):
    """A match needs one of these."""

    parts: "Sequence[Needed]"

    def may_be_in(self, words: ManyFilters) -> Answers:
        return reduce(or_, [part.may_be_in(words) for part in self.parts])


Needed: TypeAlias = Held | All | Any
Wanted: TypeAlias = Needed | bool
"""What a stretch must hold; or whether any may hold a match."""


def wanted(found: Filter, kept: Kept) -> Wanted:
    """What a filter needs of a stretch of segments that keep events so. `kept.columns` may be all of a segment's, or
    those that the filter looks at."""
    match found:
        case Everything():
            return True
        case Not(part=part):
            return not isinstance(part, Everything)
        case And(parts=parts):
            needs = [wanted(part, kept) for part in parts]
            if False in needs:
                return False
            found_needs = [need for need in needs if not isinstance(need, bool)]
            return All(found_needs) if found_needs else True
        case Or(parts=parts):
            needs = [wanted(part, kept) for part in parts]
            if True in needs:
                return True
            found_needs = [need for need in needs if not isinstance(need, bool)]
            return Any(found_needs) if found_needs else False
        case _:
            return _of_leaf(found, kept)


def may_match(need: Wanted, words: ManyFilters) -> Answers:
    """Whether each of the stretches that these are the filters of may hold a match."""
    return np.full(len(words), need) if isinstance(need, bool) else need.may_be_in(words)


def _of_leaf(found: Leaf, kept: Kept) -> Wanted:
    assert not isinstance(found, Everything), "handled before"
    field = found.field
    if isinstance(found, Exists) or (field is not None and (is_time(field) or field.derived == "_id")):
        return True
    if field is None:
        columns = kept.columns
    elif field.derived in ("level", "service"):
        # Columns of every segment, and texts only.
        words = _words_of(found)
        return Held([_hashes(words)]) if words else True
    else:
        columns = kept.columns.intersection(columns_of(field))
    if not columns and not kept.has_texts:
        return False
    is_message = field is not None and field.derived == "message"
    return _in_columns(found, {each.rpartition(":")[2] for each in columns}, kept.has_texts, is_message)


def _in_columns(found: Leaf, kinds: set[str], has_texts: bool, is_message: bool) -> Wanted:
    """What is needed where values are in columns that end so, or also in events kept as text."""
    words = _words_of(found)
    if not words:
        return True
    held = Held([_hashes(words)])
    if isinstance(found, InNetwork) or not all(_NO_TEXT.fullmatch(folded(word)) for word in words):
        return held  # only a text can match
    if is_message or isinstance(found, Like | Regex):
        # By the text of a number or boolean too.
        return True if has_texts or kinds - {"str"} else held
    number = _number(found)
    if number is None:
        # A boolean in JSON has its word, one in a column has not.
        is_name = "bool" in kinds and all(folded(word) in ("true", "false") for word in words)
        return True if is_name else held
    if has_texts or "json" in kinds:
        return True
    return held if kinds.isdisjoint({"int", "float"}) else Held([*held.ways, number_hashes(number)])


def _number(found: Leaf) -> float | None:
    """The number that a filter finds by value."""
    match found:
        case Equals(text=text):
            return spelled_number(text)
        case Words(pattern=pattern):
            spelt = plain(pattern)
            return None if spelt is None else spelled_number(spelt)
        case _:
            return None


def _words_of(found: Leaf) -> list[str]:
    """Words that a text must have to match; none where that is not known."""
    match found:
        case Equals(text=text):
            return _WORD.findall(text)
        case Words(pattern=pattern) | Like(pattern=pattern):
            return whole_words(pattern)
        case Regex(pattern=pattern):
            return [word for text in literals(pattern).texts for word in _within(text)]
        case InNetwork(network=network):
            return _octets(network)
        case _:
            return []


def whole_words(pattern: str) -> list[str]:
    """The words in a pattern that begin and end there: not those that go on in a wildcard."""
    found: list[str] = []
    parts = pieces(pattern)
    for number, piece in enumerate(parts):
        if not isinstance(piece, Wild):
            found += _within(piece, is_begin=number == 0, is_end=number == len(parts) - 1)
    return found


def _within(piece: str, *, is_begin: bool = False, is_end: bool = False) -> list[str]:
    """The words of a piece of a text that do not go on before or behind it."""
    first, behind = 0 if is_begin else 1, len(piece) - (not is_end)
    return [word[0] for word in _WORD.finditer(piece) if first <= word.start() and word.end() <= behind]


def _octets(network: str) -> list[str]:
    """Numbers that all IPv4 addresses of a network have; an IPv6 address is spelt in many ways."""
    found = ip_network(network)
    if not isinstance(found, IPv4Network):
        return []
    return str(found.network_address).split(".")[: found.prefixlen // 8]


def _hashes(words: Sequence[str]) -> Hashes:
    return hashes_of(" ".join(words))
