"""What may come next in a query that is being typed: purely from the grammar. Names of fields and their values are the
caller's to look up."""

from collections.abc import Sequence
from contextlib import suppress

from cordwood.errors import BadQuery
from cordwood.language.parser import read_search
from cordwood.language.tokens import Offer, Reading

_ENDS = frozenset(" \t\r\n()|,\"'`")
_OPENS = _ENDS | frozenset(":<>=~[{-!+*/")
"""Behind these something new may begin; behind any other character the cursor is in a word."""


def completion(text: str, cursor: int) -> Sequence[Offer]:
    """What could stand where the word at the cursor begins, `Offer.start`; of closed lists, the words that fit it."""
    before = text[:cursor]
    reading = Reading(before, 0)
    with suppress(BadQuery):
        read_search(reading)
    is_new = not before or before[-1] in _OPENS
    open_offers = [each for each in reading.offers if _is_open(each, before) and (is_new or each.start < len(before))]
    last = max((offer.start for offer in open_offers), default=0)
    found: dict[tuple[str, tuple[str, ...]], Offer] = {}
    for offer in open_offers:
        typed = before[offer.start :].lower()
        words = tuple(word for word in offer.words if word.lower().startswith(typed))
        if offer.start == last and (words or not offer.words):
            found[offer.kind, words] = offer._replace(words=words)
    return list(found.values())


def _is_open(offer: Offer, before: str) -> bool:
    """Whether the cursor is still in the word that began there."""
    typed = before[offer.start :]
    return not _ENDS.intersection(typed) and not (offer.kind == "field" and ":" in typed)
