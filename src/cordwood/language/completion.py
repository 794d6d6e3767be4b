"""What may come next in a query that is being typed: purely from the grammar. Names of fields and their values are the
caller's to look up."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from cordwood.errors import BadQuery
from cordwood.language.noting import Offer, Role
from cordwood.language.parser import read_search
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import Pipe

_ENDS = frozenset(" \t\r\n()|,\"'`")
_VALUE = frozenset(":<>=~[{!-")
_OPENS: Mapping[Role, frozenset[str]] = {
    "term": frozenset("-!"),
    "name": frozenset("-+"),
    "operand": frozenset("<>=!+-*/"),
    "value": _VALUE,
    "words": _VALUE,
    "bound": _VALUE,
}
"""Behind these, too, something new may begin that is no keyword; behind others the cursor is in a word."""
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ENDS_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\.\Z", re.DOTALL)


class Completion(NamedTuple):
    """What could stand in the place of the characters from `start` to `end`, of which those before the cursor mean
    `typed`; and the pipes that are there before."""

    offers: Sequence[Offer]
    start: int
    end: int
    typed: str
    pipes: tuple[Pipe, ...]


def completion(text: str, cursor: int, now_us: int) -> Completion:
    """What could stand where the word at the cursor begins; of closed lists, the words that fit it. Beyond the cursor
    the rest of a word is in the place, too, and a name's colon."""
    before, reading = text[:cursor], _read(text[:cursor], now_us)
    quote = reading.open_quote
    if quote is None:
        offers = _fitting(reading, before)
        start = offers[0].start if offers else cursor
        typed = before[start:]
        is_value = any(offer.kind == "value" for offer in offers)
        end = _end(text, cursor, offers) if typed or is_value else cursor
    else:
        # What stands in quotes is one value, if one could stand there at all.
        reading = _read(before[:quote], now_us)
        offers = [offer for offer in _fitting(reading, before[:quote]) if offer.kind == "value"]
        offers = [offer._replace(words=()) for offer in offers if offer.field is not None]
        start, typed = (quote, before[quote + 1 :]) if offers else (cursor, "")
        end = cursor + 1 if offers and text.startswith(before[quote], cursor) else cursor
    before_it = max((offer.pipe for offer in offers), default=0) - 1
    return Completion(offers, start, end, _ESCAPED.sub(r"\1", typed), tuple(reading.pipes[: max(0, before_it)]))


def _read(before: str, now_us: int) -> Reading:
    reading = Reading(before, now_us)
    with suppress(BadQuery):
        read_search(reading)
    return reading


def _fitting(reading: Reading, before: str) -> list[Offer]:
    word = 1 + max(before.rfind(sign) for sign in _ENDS)
    open_offers = [each for each in reading.offers if each.start >= word and _is_open(each, before)]
    last = max((offer.start for offer in open_offers), default=0)
    found: dict[tuple[str, tuple[str, ...]], Offer] = {}
    for offer in open_offers:
        typed = before[offer.start :].lower()
        words = tuple(word for word in offer.words if word.lower().startswith(typed))
        if offer.start == last and (words or not offer.words or offer.field is not None):
            found[offer.kind, words] = offer._replace(words=words)
    return list(found.values())


def _is_open(offer: Offer, before: str) -> bool:
    """Whether the cursor is still in the word that began there, or where one may begin."""
    typed = before[offer.start :]
    if not typed and _ENDS_ESCAPED.search(before, max(0, len(before) - 9)):
        return False
    if not typed and before and before[-1] not in _ENDS:
        return offer.kind != "keyword" and before[-1] in _OPENS[offer.role]
    return not (offer.kind == "field" and ":" in typed)


def _end(text: str, cursor: int, offers: Sequence[Offer]) -> int:
    is_term = any(offer.kind == "field" and offer.role == "term" for offer in offers)
    for at in range(cursor, len(text)):
        if text[at] in _ENDS:
            return at
        if is_term and text[at] == ":":
            return at + 1
    return len(text)
