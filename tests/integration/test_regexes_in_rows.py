"""Regular expressions of RE2, as PostgreSQL gets them, are found in the same texts."""

import os
import random

import psycopg

from cordwood.errors import BadQuery
from cordwood.language.filters.regexes import compile_regex
from cordwood.language.regex.reading import read
from cordwood.store.postgres.filters.regex.writing import written
from cordwood.store.postgres.jsonb import escaped_text
from tests.support.regexes import SIGNS, is_taken, regex_of

TIMES = int(os.environ.get("CORDWOOD_TEST_FILTERS_TIMES", "1"))
REGEXES = 800 * TIMES


def test_postgresql_finds_what_re2_finds(postgres_url: str) -> None:
    source = random.Random(int(os.environ.get("CORDWOOD_TEST_FILTERS_SEED", "3")))
    texts = ["", *SIGNS, *("".join(source.choices(SIGNS, k=source.randint(2, 6))) for _ in range(300))]
    kept = [escaped_text(text) for text in texts]
    regexes: list[str] = []
    while len(regexes) < REGEXES:
        regex = regex_of(source)
        if is_taken(regex):
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
