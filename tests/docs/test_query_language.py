"""The page about the query language: every example is run, every name is there."""

import json
import re
from typing import Any, get_args
from uuid import UUID

import pytest

from cordwood.errors import BadQuery
from cordwood.language.functions import SIGNATURES
from cordwood.language.match import Seen, matcher
from cordwood.language.parser import parse, parse_filter
from cordwood.language.pipes.known import PIPES
from cordwood.language.problems import shown
from cordwood.model.derive import derive
from cordwood.model.event import parse_timestamp
from cordwood.model.search.pipes import AggregateName
from tests.support.pages import REFERENCE
from tests.support.reference.pipes import answer

PAGE = (REFERENCE / "query-language.md").read_text()
NOW_US = parse_timestamp("2026-11-23T10:16:30Z") or 0


def blocks(*kinds: str) -> list[tuple[str, ...]]:
    """The texts of code blocks that follow each other."""
    pattern = r"\s*".join(rf"```{kind}\n(.*?)\n```" for kind in kinds)
    found = re.findall(pattern, PAGE, re.DOTALL)
    return [(each,) if isinstance(each, str) else each for each in found]


def seen(number: int, line: str) -> Seen:
    derived = derive(line.encode(), NOW_US)
    return Seen(
        json.loads(line),
        event_id=UUID(int=number),
        timestamp_us=derived.timestamp_us,
        inserted_at_us=NOW_US,
        level=derived.level,
        service=derived.service,
    )


EVENTS = [seen(number, line) for number, line in enumerate(blocks("json")[0][0].splitlines(), 1)]


def examples() -> list[tuple[str, list[int]]]:
    """(query, numbers of events) of every table that has them."""
    found: list[tuple[str, list[int]]] = []
    for table in re.findall(r"\| query \| finds \| \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", PAGE):
        for line in table.splitlines():
            _, queries, numbers, _ = re.split(r"(?<!\\)\|", line, maxsplit=3)
            found += [(query, list(map(int, numbers.split()))) for query in re.findall(r"`([^`]+)`", queries) or [""]]
    return found


@pytest.mark.parametrize(("query", "numbers"), examples())
def test_a_query_finds_what_the_page_says(query: str, numbers: list[int]) -> None:
    is_match = matcher(parse_filter(query, NOW_US))
    assert [number for number, event in enumerate(EVENTS, 1) if is_match(event)] == numbers


@pytest.mark.parametrize(("query", "rows"), blocks("query", "answer"))
def test_pipes_answer_what_the_page_says(query: str, rows: str) -> None:
    expected: list[dict[str, Any]] = [json.loads(row) for row in rows.splitlines()]
    found = answer(parse(query, NOW_US), EVENTS)
    assert found == expected
    assert [list(row) for row in found] == [list(row) for row in expected], "columns come in the order of the page"


@pytest.mark.parametrize(("query", "says"), blocks("error", "says"))
def test_errors_are_said_as_the_page_does(query: str, says: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse(query, NOW_US)
    assert shown(refused.value) == says


def test_the_first_example_is_a_query() -> None:
    (text,) = re.findall(r"\A# [^\n]+\n\n```\n(.*?)\n```", PAGE, re.DOTALL)
    assert parse(text, NOW_US).pipes


def test_there_are_examples() -> None:
    assert len(examples()) > 55
    assert len(blocks("query", "answer")) > 9
    assert len(blocks("error", "says")) > 1


@pytest.mark.parametrize("name", [*PIPES, *SIGNATURES, *get_args(AggregateName)])
def test_every_name_is_on_the_page(name: str) -> None:
    assert re.search(rf"`{name}\b", PAGE)


def test_what_the_table_of_other_languages_shows_is_a_query() -> None:
    table = PAGE[PAGE.index("## If you know another language") :]
    ours = re.findall(r"^\| `((?:[^`|]|\\\|)+)` \|", table, re.MULTILINE)
    assert len(ours) > 10
    for query in ours:
        parse(query.replace("\\|", "|"), NOW_US)
