"""Sets of characters, as RE2 means them: ranges of code points, in order and apart from each other."""

import sys
from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from cordwood.language.filters.regexes import compile_regex

Ranges: TypeAlias = tuple[tuple[int, int], ...]

MAX_CODE = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_LETTERS = ((ord("A"), ord("Z")), (ord("a"), ord("z")))
_CASED = r"[\p{Lu}\p{Ll}\p{Lt}\p{Nl}\p{So}\x{345}]+"
"""Every character that has another case, and others."""

DIGITS: Ranges = ((ord("0"), ord("9")),)
WORD: Ranges = (*DIGITS, _LETTERS[0], (ord("_"), ord("_")), _LETTERS[1])
SPACES: Ranges = ((9, 10), (12, 13), (32, 32))
ANY: Ranges = ((0, MAX_CODE),)
NEWLINE: Ranges = ((10, 10),)

POSIX: dict[str, Ranges] = {
    "alnum": (*DIGITS, *_LETTERS), "alpha": _LETTERS, "ascii": ((0, 127),), "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)), "digit": DIGITS, "graph": ((33, 126),), "lower": _LETTERS[1:],
    "print": ((32, 126),), "punct": ((33, 47), (58, 64), (91, 96), (123, 126)), "space": ((9, 13), (32, 32)),
    "upper": _LETTERS[:1], "word": WORD, "xdigit": (*DIGITS, (65, 70), (97, 102)),
}  # fmt: skip
"""Name within `[[:…:]]` → its characters, all of ASCII."""


def united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All of these ranges."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def others(ranges: Ranges) -> Ranges:
    """All characters but these."""
    found, start = list[tuple[int, int]](), 0
    for low, high in ranges:
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    if start <= MAX_CODE:
        found.append((start, MAX_CODE))
    return tuple(found)


def without(ranges: Ranges, code: int) -> Ranges:
    """The same without one character."""
    found: list[tuple[int, int]] = []
    for low, high in ranges:
        if low <= code <= high:
            found += [(low, code - 1)] if low < code else []
            found += [(code + 1, high)] if code < high else []
        else:
            found.append((low, high))
    return tuple(found)


def holds(ranges: Ranges, code: int) -> bool:
    """Whether a character is one of a set."""
    return any(low <= code <= high for low, high in ranges)


@lru_cache(maxsize=4096)
def in_any_case(ranges: Ranges) -> Ranges:
    """Also what is the same without case: RE2 itself says so, as its tables are those of one version of Unicode."""
    source = "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in ranges)
    folded = compile_regex(f"(?i)[{source}]").findall(_cased())
    return united((*ranges, *((ord(each), ord(each)) for each in set(folded))))


@lru_cache(maxsize=512)
def of_unicode(name: str) -> Ranges:
    r"""The characters of a class of Unicode, `\p{Greek}` or `\pL`: those that RE2 finds among all."""
    return united((ord(run[0]), ord(run[-1])) for run in compile_regex(f"{name}+").findall(_everything()))


@lru_cache(maxsize=1)
def _cased() -> str:
    return "".join(compile_regex(_CASED).findall(_everything()))


def _everything() -> str:
    """Every character, in the order of their numbers."""
    codes = array("I", (*range(_SURROGATES[0]), *range(_SURROGATES[1] + 1, MAX_CODE + 1)))
    return codes.tobytes().decode(f"utf-32-{sys.byteorder[0]}e")
