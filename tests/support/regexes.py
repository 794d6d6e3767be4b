"""Regular expressions by chance, of every kind that RE2 takes."""

import random
import re

import re2

from cordwood.language.filters.regexes import compile_regex

SIGNS = "aAbBkKsS019_ .-\n\t\0\x01\ue0c0é\u212aſßΣςσµ\u00a0\u0345Ⅷⓐ\U0001f600\U00010400\U00010428Ǆǅ[]\\^*?"
"""What texts to look into are made of."""

_CODES = (
    "a", "B", "k", "S", "0", "1", "9", "_", " ", "-", r"\.", r"\n", r"\x00", r"\x{e0c0}",
    "é", "σ", "ſ", r"\x{1F600}", r"\141", r"\t", r"\-", r"\]", r"\^", "ǅ",
)  # fmt: skip
_CLASSES = (r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\pL", r"\PL", r"\p{Greek}", r"\p{^Lu}", r"\p{Lu}")
_POSIX = ("[:alpha:]", "[:^digit:]", "[:word:]", "[:punct:]", "[:^space:]", "[:upper:]", "[:ascii:]")
_EDGES = ("^", "$", r"\A", r"\z", r"\b")
_FLAGS = ("(?i)", "(?s)", "(?m)", "(?i-s)", "(?U)", "(?ms)")
_TIMES = ("*", "+", "?", "{2}", "{0,1}", "{1,}", "*?", "+?", "??", "{0}", "{1,2}?", "{,2}", "{")


def _class(source: random.Random) -> str:
    parts = []
    for _ in range(source.randint(1, 3)):
        kind = source.random()
        if kind < 0.2:
            parts.append(source.choice(_CLASSES))
        elif kind < 0.3:
            parts.append(source.choice(_POSIX))
        elif kind < 0.6:
            parts.append("-".join(sorted(source.choices(_CODES, k=2))))
        else:
            parts.append(source.choice((*_CODES, "-", "^", "]")))
    return "[" + source.choice(["", "", "^"]) + "".join(parts) + "]"


def regex_of(source: random.Random, depth: int = 0) -> str:
    """One that RE2 may refuse."""
    parts = []
    for _ in range(source.randint(1, 3)):
        kind = source.random()
        if kind < 0.35:
            part = source.choice(_CODES)
        elif kind < 0.45:
            part = "."
        elif kind < 0.55:
            part = source.choice(_CLASSES)
        elif kind < 0.7:
            part = _class(source)
        elif kind < 0.8:
            part = source.choice(_EDGES)
        elif kind < 0.85:
            part = source.choice(_FLAGS)
        elif kind < 0.88:
            part = source.choice([r"\Qa.b\E", "]", "}", "{", r"\Q\E", "(?i:k)", "(?:)", "()"])
        elif depth < 2:
            opening = source.choice(["(", "(?:", "(?P<n>", "(?<m>", "(?i:", "(?s-i:", "(?m:"])
            part = opening + "|".join(regex_of(source, depth + 1) for _ in range(source.randint(1, 3))) + ")"
        else:
            part = "a"
        parts.append(part + (source.choice(_TIMES) if source.random() < 0.25 else ""))
    return "".join(parts)


def is_taken(expression: str) -> bool:
    """Whether the language takes it."""
    try:
        compile_regex(expression)
    except re2.error:
        return False
    # Two groups of one name are refused by the language.
    return len(re.findall(r"\?P?<n>", expression)) < 2 and len(re.findall(r"\?P?<m>", expression)) < 2
