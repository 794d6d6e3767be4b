"""Messages → which of given templates each matches, without learning.

Of several the most telling one counts: that with the most tokens without a wildcard, then the most characters. So which
it is depends on the message and the templates alone.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.compiled import compiled
from cordwood.patterns.forms import TOO_MANY, Numbers, forms_of
from cordwood.patterns.hashing import are_equal
from cordwood.patterns.looks import Bytes
from cordwood.patterns.masking import WILDCARD
from cordwood.patterns.tokens import Hashes, Places, TokenTable, affixes, split

UNMATCHED = -2
"""The number of a message that matches no template."""
OTHER = "<other>"
"""The template of what matches no other."""
MOST_FORMS = 20_000
"""Kept in one go."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)


class Matcher:
    """Finds the template of a message among these. Numbers are places in `templates`."""

    def __init__(self, templates: Sequence[str], longest: int = 1000) -> None:
        """`longest` has to be that of the limits with which the templates were mined."""
        self._longest = longest
        self._other = templates.index(OTHER) if OTHER in templates else UNMATCHED
        order = sorted(range(len(templates)), key=lambda number: _telling(templates[number]))
        self._numbers = np.array(order, np.int32)
        ordered = [templates[number] for number in order]
        self._table = TokenTable.of(ordered)
        self._hashes = self._table.hashes.copy()
        self._before, self._behind = np.zeros(len(self._hashes), np.int64), np.zeros(len(self._hashes), np.int64)
        for place, token in enumerate(token for text in ordered for token in split(text)):
            around = affixes(token)
            if around is not None:
                self._hashes[place] = 0
                self._before[place], self._behind[place] = (len(each.encode()) for each in around)
        firsts = self._table.firsts
        begins = np.append(self._hashes, np.uint64(0))[firsts[:-1]]
        begins[np.diff(firsts) == 0] = 0
        keys = begins * _PRIME + np.diff(firsts).astype(np.uint64)
        self._places = np.argsort(keys, kind="stable")
        self._keys = keys[self._places]

    def assign(self, messages: pa.Array | pa.ChunkedArray) -> Numbers:
        """For each message the number of its template; UNMATCHED, or that of OTHER if it is given; -1 for null."""
        forms = forms_of(messages, MOST_FORMS, self._longest, stops=True)
        numbers = self._of_messages(forms.numbers, forms.texts)
        rows = np.flatnonzero(forms.numbers == TOO_MANY)
        while len(rows):
            forms = forms_of(messages.take(pa.array(rows)), MOST_FORMS, self._longest, stops=True)
            numbers[rows] = self._of_messages(forms.numbers, forms.texts)
            rows = rows[forms.numbers == TOO_MANY]
        return numbers

    def match(self, forms: Sequence[str]) -> Numbers:
        """For each masked form the number of its template, or UNMATCHED, or that of OTHER."""
        found = self._look(forms, False)
        return np.append(self._numbers, np.int32(self._other))[found]  # the last for -1

    def covers(self, templates: Sequence[str]) -> NDArray[np.bool_]:
        """For each template whether it is a case of one of these that is not the same."""
        return self._look(templates, True) >= 0

    def _of_messages(self, numbers: Numbers, forms: Sequence[str]) -> Numbers:
        by_number = np.append(self.match(forms), np.array([self._other, -1], np.int32))  # TOO_MANY, NOT_COUNTED
        return by_number[numbers].astype(np.int32)

    def _look(self, texts: Sequence[str], is_other: bool) -> Numbers:
        found = np.full(len(texts), -1, np.int32)
        if len(self._numbers) and texts:
            asked, known = TokenTable.of(texts), self._table
            _match(
                (asked.data, asked.begins, asked.ends, asked.hashes),
                asked.firsts,
                (known.data, known.begins, known.ends, self._hashes),
                known.firsts,
                (self._before, self._behind),
                *(self._keys, self._places, is_other, found),
            )
        return found


def _telling(template: str) -> tuple[int, int, str]:
    """Less for what tells more."""
    tokens = [token for token in split(template) if WILDCARD not in token]
    return -len(tokens), -len(template.replace(WILDCARD, "")), template


@compiled
def _matches(
    asked: tuple[Bytes, Places, Places, Hashes],
    at: int,
    known: tuple[Bytes, Places, Places, Hashes],
    model: int,
    around: tuple[Places, Places],
    size: int,
) -> int:
    """Whether `size` tokens match those of a template: 1 if they are the same, 2 if not, 0 for no match."""
    data, begins, ends, _ = asked
    known_data, known_begins, known_ends, known_hashes = known
    before, behind = around
    answer = 1
    for told in range(model, model + size):
        begin, length = begins[at], ends[at] - begins[at]
        known_begin, known_length = known_begins[told], known_ends[told] - known_begins[told]
        is_same = length == known_length and are_equal(data, begin, known_data, known_begin, length)
        if known_hashes[told] != np.uint64(0):
            if not is_same:
                return 0
        elif not is_same:
            answer = 2
            if length < before[told] + behind[told]:
                return 0
            if not are_equal(data, begin, known_data, known_begin, before[told]):
                return 0
            tail, known_tail = ends[at] - behind[told], known_ends[told] - behind[told]
            if not are_equal(data, tail, known_data, known_tail, behind[told]):
                return 0
        at += 1
    return answer


@compiled
def _match(
    asked: tuple[Bytes, Places, Places, Hashes],
    firsts: Places,
    known: tuple[Bytes, Places, Places, Hashes],
    known_firsts: Places,
    around: tuple[Places, Places],
    keys: Hashes,
    places: Places,
    is_other: bool,
    found: Numbers,
) -> None:
    """The first template that each text matches, or that it matches and differs from.

    `keys` has, in order, what the templates at `places` begin with; a hash of 0 is a wildcard.
    """
    hashes = asked[3]
    for row in range(len(found)):
        first = firsts[row]
        size = firsts[row + 1] - first
        best = len(places)
        for is_wild in range(2 if size else 1):
            begin = np.uint64(0) if is_wild or not size else hashes[first]
            key = begin * _PRIME + np.uint64(size)
            place = np.searchsorted(keys, key)
            while place < len(keys) and keys[place] == key and places[place] < best:
                template = places[place]
                place += 1
                if known_firsts[template + 1] - known_firsts[template] == size:
                    answer = _matches(asked, first, known, known_firsts[template], around, size)
                    if answer == 2 or (answer == 1 and not is_other):
                        best = template
        if best < len(places):
            found[row] = best
