"""What is offered at a place reads when it is put in, whatever fields and values there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.errors import BadQuery
from cordwood.language.completion import completion
from cordwood.language.options import Known, Option, field_of_values, options, takes_fields
from cordwood.language.parser import parse_noting
from cordwood.language.rendering import render
from cordwood.language.spelling import scalar_text
from cordwood.model.census import Scalar
from tests.support.searches import searches

FIELDS = [Known("level", "str · 100 %"), Known("http.status", "int · 93 %"), Known("odd key"), Known("hostname")]
FIELDS += [Known(".level"), Known("a/b"), Known("and"), Known('q"`\\'), Known("\n")]
VALUES: list[Scalar] = [
    "web one",
    "web",
    502,
    -0.5,
    True,
    "300ms",
    'a"b\\',
    "*",
    "",
    "\n|",
    "and",
    "1..5",
    "10.0.0.0/8",
]
BEGINNINGS = (
    "", "a ", "-", "a OR ", "(", "a | ", "| stats ", "| stats count(", "| stats count() ", "| stats count() by ",
    "host:",
    "host:(", "host:(a ", "host:>", "host:[", "host:~", "host:=", "host:!=", "-host:", "a AND ", "level:", "level:>=",
    "| where ", "| where host:", "| where host:>=", "| where a and ", "| where a:1 ", "| eval x = ",
    "| eval x = lower(",
    "| sort ", "| sort -", "| fields ", "| fields - ", "| top ", "| top 5 ", "| dedup ", "| rename ", "| top host ",
    "| stats count() as n by host | sort ", "| eval n = 1 | stats sum(", "| timechart count() by ", "| patterns ",
)  # fmt: skip


def offered(text: str, cursor: int | None = None, limit: int = 20) -> list[Option]:
    found = completion(text, len(text) if cursor is None else cursor, 0)
    return options(found, text, FIELDS, [Known(value) for value in VALUES], limit)


def labels(text: str, **told: int) -> list[str]:
    return [each.label for each in offered(text, **told)]


def check(text: str, cursor: int) -> None:
    """Raises AssertionError for an option behind which, or within which, the query cannot be read on."""
    found = completion(text, cursor, 0)
    for option in options(found, text, FIELDS, [Known(value) for value in VALUES], 100):
        before = text[: found.start] + option.text
        try:
            parse_noting(before, 0)
        except BadQuery as refused:
            if any(each in refused.message for each in _MEANING):
                continue
            assert refused.position >= len(before.rstrip()) or "too early" in refused.message or _is_open(refused), (
                before,
                refused.message,
            )


def _is_open(refused: BadQuery) -> bool:
    """Whether it is only that something has not come yet."""
    return refused.length == 0 or "value is missing" in refused.message or "takes" in refused.message


_MEANING = ("no other name", "two columns", "no column", "is there twice")
"""It reads, but can mean nothing."""


@pytest.mark.parametrize("before", BEGINNINGS)
def test_what_is_offered_reads(before: str) -> None:
    assert offered(before)
    check(before, len(before))


@given(searches.map(render), st.data())
def test_what_is_offered_within_any_query_reads(text: str, data: st.DataObject) -> None:
    check(text, data.draw(st.integers(0, len(text))))


@given(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_a_value_that_was_put_in_is_that_value(value: Scalar) -> None:
    if len(scalar_text(value)) <= 200:
        (option,) = options(completion("host:", 5, 0), "host:", [], [Known(value)], 20)
        assert parse_noting(f"host:{option.text}", 0).search.filter.text == scalar_text(value)  # type: ignore[union-attr]


@given(
    st.text(min_size=1).filter(lambda name: name != "."), st.sampled_from(["", "| sort ", "| where ", "| stats sum("])
)
def test_a_field_that_was_put_in_is_that_field(name: str, before: str) -> None:
    found = options(completion(before, len(before), 0), before, [Known(name)], [], 100)
    option = next(each for each in found if (each.label, each.kind) == (name, "field"))
    behind = {"": "1", "| sort ": "", "| where ": "=1", "| stats sum(": ")"}[before]
    (mention, *_) = parse_noting(before + option.text + behind, 0).mentions
    assert (mention.field.is_sent * "." + mention.field.name) == name


def test_what_begins_as_typed_is_before_what_has_it_within() -> None:
    assert labels("lev")[:2] == ["level", ".level"]
    assert labels("STAT") == ["http.status"]
    assert labels("host:WE") == ["web one", "web"]
    assert labels("host:ne") == ["web one"]
    assert labels("level:error o") == ["odd key", "OR", "hostname", "_inserted_at"][:2] + labels("level:error o")[2:]


def test_words_of_the_grammar_have_room_beside_many_names() -> None:
    assert labels("a ", limit=8)[4:] == ["AND", "OR", "NOT", "|"]
    assert len(labels("a ", limit=5)) == 5


def test_columns_of_earlier_pipes_are_offered_and_behind_a_table_nothing_else() -> None:
    assert labels("| stats count() as n by host | sort ") == ["host", "n"]
    assert labels("| eval took = 1 | sort to") == ["took"]
    within = offered("| eval took = 1 | sort ")
    assert (within[0].label, within[0].kind) == ("took", "column")
    assert "level" in {each.label for each in within}
    assert "n" not in labels("| stats count() as n by ")


@pytest.mark.parametrize(
    ("text", "cursor", "texts"),
    [
        ("lev", 3, ["level:"]),
        ("odd", 3, ['"odd key":']),
        ("| where odd", 11, ["`odd key`"]),
        ("| where a/", 10, []),
        ("| sort a/", 9, ["a/b"]),
        ("| st", 4, ["stats "]),
        ("| st count()", 4, ["stats"]),
        ("| stats cou", 11, ["count()", "count_distinct("]),
        ("| stats cou()", 11, ["count", "count_distinct"]),
        ('host:"web o', 11, ['"web one"']),
        ("host:>3", 7, ["300ms"]),
        ("host:>we", 8, ['"web one"', '"web"']),
    ],
)
def test_how_options_are_written(text: str, cursor: int, texts: list[str]) -> None:
    assert [each.text for each in offered(text, cursor)][: len(texts)] == texts


@pytest.mark.parametrize(
    ("text", "fields", "field"),
    [
        ("", True, None),
        ("host:", False, "host"),
        ("level:", False, "level"),
        ("message:", False, None),
        ("timestamp:", False, None),
        ("_id:", False, None),
        (".message:", False, ".message"),
        ("| st", False, None),
        ("| sort ", True, None),
        ("| stats count() | sort ", False, None),
        ("| fields h* | sort ", True, None),
    ],
)
def test_a_store_is_asked_only_for_what_can_stand_there(text: str, fields: bool, field: str | None) -> None:
    found = completion(text, len(text), 0)
    asked = field_of_values(found)
    assert takes_fields(found) is fields
    assert (None if asked is None else asked.is_sent * "." + asked.name) == field


def test_nothing_is_offered_in_the_middle_of_a_phrase() -> None:
    assert offered('"some lev') == []
    assert offered("| frob ") == []


def test_a_value_that_is_too_long_is_not_offered() -> None:
    assert (
        options(completion("host:", 5, 0), "host:", [], [Known("x" * 201), Known("y" * 200)], 9)[0].label == "y" * 200
    )
