"""Comparisons of constants are decided as they are for rows."""

import itertools
from uuid import UUID

from cordwood.errors import BadQuery
from cordwood.language.match import Seen
from cordwood.language.parser import parse
from cordwood.model.search.expressions import Comparison
from cordwood.model.search.pipes import Where
from cordwood.store.sql.constants import decided
from tests.support.reference.pipes import answer

CONSTANTS = ('"a"', '"b"', '""', '"1"', '"1.0"', '"1e400"', '"true"', "1", "2", "-1", "1e308", "true", "false", "null")
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
EVENT = Seen({}, event_id=UUID(int=1), timestamp_us=0, inserted_at_us=0, level=None, service=None)


def test_they_are_what_the_reference_says() -> None:
    found = set[bool]()
    for left, sign, right in itertools.product(CONSTANTS, SIGNS, CONSTANTS):
        text = f"| where {left} {sign} {right}"
        try:
            search = parse(text, 0)
        except BadQuery:  # of two types
            continue
        (pipe,) = search.pipes
        assert isinstance(pipe, Where) and isinstance(pipe.condition, Comparison), text
        is_so = decided(pipe.condition)
        assert is_so is bool(answer(search, [EVENT])), text
        found.add(is_so)
    assert found == {True, False}


def test_what_depends_on_rows_is_not_decided() -> None:
    for text in ("n = 1", '"a" = lower("A")', "1 + 1 = 2"):
        (pipe,) = parse(f"| where {text}", 0).pipes
        assert isinstance(pipe, Where) and isinstance(pipe.condition, Comparison), text
        assert decided(pipe.condition) is None, text
