"""Regular expressions of RE2, as PostgreSQL gets them, are found in the same texts."""

import os
import random
import re

import psycopg
import re2

from cordwood.errors import BadQuery
from cordwood.language.filters.regexes import compile_regex
from cordwood.store.postgres.filters.regex.reading import read
from cordwood.store.postgres.filters.regex.writing import written
from cordwood.store.postgres.jsonb import escaped_text

TIMES = int(os.environ.get("CORDWOOD_TEST_FILTERS_TIMES", "1"))
REGEXES = 800 * TIMES
SIGNS = "aAbBkKsS019_ .-\n\t\0\x01\ue0c0é\u212aſßΣςσµ\u00a0\u0345Ⅷⓐ\U0001f600\U00010400\U00010428Ǆǅ[]\\^*?"

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


def _regex(source: random.Random, depth: int = 0) -> str:
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
            part = opening + "|".join(_regex(source, depth + 1) for _ in range(source.randint(1, 3))) + ")"
        else:
            part = "a"
        parts.append(part + (source.choice(_TIMES) if source.random() < 0.25 else ""))
    return "".join(parts)


def _is_taken(regex: str) -> bool:
    try:
        compile_regex(regex)
    except re2.error:
        return False
    # Two groups of one name are refused by the language.
    return len(re.findall(r"\?P?<n>", regex)) < 2 and len(re.findall(r"\?P?<m>", regex)) < 2


def test_postgresql_finds_what_re2_finds(postgres_url: str) -> None:
    source = random.Random(int(os.environ.get("CORDWOOD_TEST_FILTERS_SEED", "3")))
    texts = ["", *SIGNS, *("".join(source.choices(SIGNS, k=source.randint(2, 6))) for _ in range(300))]
    kept = [escaped_text(text) for text in texts]
    regexes: list[str] = []
    while len(regexes) < REGEXES:
        regex = _regex(source)
        if _is_taken(regex):
            regexes.append(regex)
    found_some = refused = 0
    with psycopg.connect(postgres_url) as engine:
        for regex in regexes:
            search = compile_regex(regex).search
            wanted = [number for number, text in enumerate(texts) if search(text)]
            try:
                own = written(read(regex), regex)
            except BadQuery:
                refused += 1
                continue
            rows = engine.execute(
                "SELECT n - 1 FROM unnest(%s::text[]) WITH ORDINALITY AS t(x, n) WHERE x ~ %s ORDER BY n", (kept, own)
            ).fetchall()
            found = [number for (number,) in rows]
            assert found == wanted, (regex, own, [texts[n] for n in set(found) ^ set(wanted)][:5])
            found_some += 0 < len(found) < len(texts)
    assert refused < len(regexes) // 20
    assert found_some > len(regexes) // 3
