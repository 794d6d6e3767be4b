"""Words, phrases and wildcards → regular expressions in RE2's syntax, which DuckDB takes as they are.

A word is a run of ASCII letters, digits, `_` and characters beyond ASCII: those of the token filters
(`store/segments/words.py`). Only ASCII letters are without case, spelt out as `[eE]`: RE2's `(?i)` would fold more.
"""

import re

from cordwood.model.search.wildcards import Wild, pieces

NO_WORD = r"[\x00-/:-@\[-^`{-\x7f]"
"""A character that is in no word, all of which are ASCII."""
IN_WORD = r"[^\x00-/:-@\[-^`{-\x7f]"

_ENDS_WORD = re.compile(NO_WORD)
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")


def words_regex(pattern: str) -> str:
    """Found in every text that holds what a pattern of words says, beginning and ending where words do."""
    found = pieces(pattern)
    first, last = found[0], found[-1]
    begins = "" if isinstance(first, str) and _ENDS_WORD.match(first) else f"(?:^|{NO_WORD})"
    ends = "" if isinstance(last, str) and _ENDS_WORD.match(last[-1]) else f"(?:{NO_WORD}|$)"
    parts = [_without_case(piece) if isinstance(piece, str) else _WITHIN_WORD[piece] for piece in found]
    return begins + "".join(parts) + ends


def like_regex(pattern: str) -> str:
    """Found in every text that is, as a whole, as a pattern says; with case."""
    parts = [_plain(piece) if isinstance(piece, str) else _ANYTHING[piece] for piece in pieces(pattern)]
    return rf"^(?s:{''.join(parts)})$"


def folded(text: str) -> str:
    """ASCII letters in lower case."""
    return text.translate(_LOWER)


def raised(text: str) -> str:
    """ASCII letters in upper case."""
    return text.translate(_UPPER)


def _plain(text: str) -> str:
    return _META.sub(r"\\\g<0>", text).replace("\0", r"\x00")


def _without_case(text: str) -> str:
    return re.sub(
        "[A-Za-z]", lambda each: f"[{each[0].lower()}{each[0].upper()}]", _META.sub(r"\\\g<0>", text)
    ).replace("\0", r"\x00")


_WITHIN_WORD = {Wild.ANY: f"{IN_WORD}*", Wild.ONE: IN_WORD}
_ANYTHING = {Wild.ANY: ".*", Wild.ONE: "."}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code + 32: code for code in _LOWER}
