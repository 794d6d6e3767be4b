"""Messages → their templates, and which each has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.patterns.forms import TOO_MANY, Forms, Numbers, forms_of
from cordwood.patterns.matching import MOST_FORMS, OTHER, UNMATCHED, Matcher
from cordwood.patterns.templates import templates_of


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what mining keeps, whatever it is given."""

    templates: int = 1000
    """Templates; the messages of the rarest beyond have OTHER."""
    forms: int = 3000
    """Distinct forms that templates are made of: the most frequent."""
    longest: int = 1000
    """Bytes of a form beyond which the rest of a message does not matter."""


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Mined:
    """The templates of messages, most frequent first."""

    templates: list[str]
    counts: NDArray[np.int64]
    """Messages of each template."""
    firsts: Numbers
    """A message of each template: the first one's place."""
    numbers: Numbers
    """For each message the place of its template; -1 for null."""


def mine(messages: pa.Array | pa.ChunkedArray, limits: Limits = DEFAULT, known: Sequence[str] = ()) -> Mined:
    """Find the templates of messages: strings, large or not, or a dictionary of them; null is no message.

    `known` templates come first: only what matches none of them is mined. The order of the messages does not matter,
    as long as they have no more than MOST_FORMS forms.
    """
    forms = forms_of(messages, MOST_FORMS, limits.longest)
    given = [each for each in known if each != OTHER]
    is_new = Matcher(given).match(forms.texts) == UNMATCHED
    new = _most_frequent(forms, np.flatnonzero(is_new).tolist(), limits.forms)
    templates = list(dict.fromkeys([*given, *templates_of(new)]))
    while True:
        matcher = Matcher([*templates, OTHER], limits.longest)
        matched = np.append(matcher.match(forms.texts), np.array([0, -1], np.int32))[forms.numbers]
        rows = np.flatnonzero(forms.numbers == TOO_MANY)
        if len(rows):
            matched[rows] = matcher.assign(messages.take(pa.array(rows)))
        counts = np.bincount(matched[matched >= 0], minlength=len(templates) + 1)
        if np.count_nonzero(counts[:-1]) <= limits.templates:
            break
        order = sorted(range(len(templates)), key=lambda number: (-counts[number], templates[number]))
        templates = [templates[number] for number in order[: limits.templates]]
    return _in_order([*templates, OTHER], matched.astype(np.int32), counts)


def _most_frequent(forms: Forms, places: list[int], most: int) -> list[str]:
    if len(places) > most:
        counts = np.bincount(forms.numbers[forms.numbers >= 0], minlength=len(forms.texts)).tolist()
        places.sort(key=lambda place: (-counts[place], forms.texts[place]))
    return [forms.texts[place] for place in places[:most]]


def _in_order(templates: list[str], matched: Numbers, counts: NDArray[np.int64]) -> Mined:
    order = [number for number in range(len(templates)) if counts[number]]
    order.sort(key=lambda number: (-counts[number], templates[number]))
    places = np.full(len(templates) + 1, -1, np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    numbers = places[matched]
    firsts = np.zeros(len(order) + 1, np.int32)
    firsts[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1, dtype=np.int32)  # the last to be written is the first
    return Mined([templates[number] for number in order], counts[order], firsts[: len(order)], numbers)
