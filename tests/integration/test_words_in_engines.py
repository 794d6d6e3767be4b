"""DuckDB and PostgreSQL find the same words, phrases and wildcards as the language does."""

import random

import duckdb
import psycopg

from cordwood.language.filters.regexes import compile_regex
from cordwood.language.texts import like_regex, words_regex
from cordwood.model.search.wildcards import literal

_SIGNS = "aAbk_9 .-=\n\té\u212a\u00a0\U0001f600[\\^*?"


def _texts(source: random.Random, count: int, longest: int) -> list[str]:
    return ["".join(source.choices(_SIGNS, k=source.randint(1, longest))) for _ in range(count)]


_SOURCE = random.Random(11)
TEXTS = _texts(_SOURCE, 1_000, 12)
PATTERNS = [*map(literal, _texts(_SOURCE, 40, 3)), *(text + "*" for text in map(literal, _texts(_SOURCE, 20, 2)))]
PATTERNS += ["?" + literal(text) + "?*" for text in _texts(_SOURCE, 10, 1)]
REGEXES = [make(pattern) for make in (words_regex, like_regex) for pattern in PATTERNS]


def found(regex: str) -> list[int]:
    search = compile_regex(regex).search
    return [number for number, text in enumerate(TEXTS) if search(text)]


def test_some_are_found() -> None:
    assert sum(bool(found(regex)) for regex in REGEXES) > len(REGEXES) // 4


def test_duckdb_takes_them_as_they_are() -> None:
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE t AS SELECT * FROM unnest($texts) WITH ORDINALITY AS t(x, n)", {"texts": TEXTS})
        for regex in REGEXES:
            rows = engine.execute("SELECT n - 1 FROM t WHERE regexp_matches(x, $regex) ORDER BY n", {"regex": regex})
            assert [number for (number,) in rows.fetchall()] == found(regex), regex


def test_postgresql_takes_them_without_nul_and_flags(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as engine:
        for regex in REGEXES:
            # It holds no NUL, and its dot is any character already.
            own = regex.replace(r"\x00-/", r"\x01-/").replace("^(?s:", "^(?:")
            rows = engine.execute(
                "SELECT n - 1 FROM unnest(%s::text[]) WITH ORDINALITY AS t(x, n) WHERE x ~ %s ORDER BY n", (TEXTS, own)
            )
            assert [number for (number,) in rows.fetchall()] == found(regex), regex
