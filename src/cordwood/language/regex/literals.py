"""An expression → texts that must be within whatever it is found in: those are searched for at a tenth of the cost."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from cordwood.errors import BadQuery
from cordwood.language.regex.nodes import Chars, Edge, Either, Node, Repeat, Row
from cordwood.language.regex.reading import read


class Literals(Struct, frozen=True):
    """Texts that must be there; `is_all`: where one of them is, the expression is found."""

    texts: Sequence[str]
    is_all: bool


@lru_cache(maxsize=256)
def literals(pattern: str) -> Literals:
    """Of an expression that RE2 took."""
    try:
        node = read(pattern)
    except BadQuery:  # what only RE2 reads
        return Literals((), is_all=False)
    texts = tuple(text for text in "".join(part or "\0" for part in _spelt(node)).split("\0") if text)
    return Literals(texts, is_all=len(texts) == 1 and texts[0] == _alone(node))


def _spelt(node: Node) -> Iterator[str | None]:
    """Characters that must come one behind the other; None where anything may be between them."""
    match node:
        case Edge():
            pass  # takes no character
        case Chars():
            yield _character(node)
        case Row(parts=parts):
            for part in parts:
                yield from _spelt(part)
        case Repeat(part=part, least=least, most=most):
            if least:
                yield from _spelt(part)
            if (least, most) != (1, 1):
                yield None
        case Either():
            yield None


def _alone(node: Node) -> str | None:
    """The text that an expression is, if it is nothing else."""
    match node:
        case Chars():
            return _character(node)
        case Row(parts=parts):
            found = [_alone(part) for part in parts]
            return None if None in found else "".join(text for text in found if text is not None)
        case _:
            return None


def _character(node: Chars) -> str | None:
    """The only one of a set; not NUL, which stands between texts here."""
    match node.ranges:
        case ((first, last),) if first == last != 0:
            return chr(first)
        case _:
            return None
