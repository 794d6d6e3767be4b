"""What may come next in a query, and in the place of what."""

import pytest

from cordwood.language.completion import completion


@pytest.mark.parametrize(
    ("before", "kinds", "start", "some"),
    [
        ("", {"field", "keyword"}, 0, {"NOT"}),
        ("a OR ", {"field", "keyword"}, 5, {"NOT"}),
        ("level:error o", {"field", "keyword"}, 12, {"OR"}),
        ("level:(", {"value", "keyword"}, 7, {"warn", "NOT"}),
        ("level:(warn ", {"value", "keyword"}, 12, {"error", "OR"}),
        ("*:(a ", {"keyword"}, 5, {"OR"}),
        ("lev", {"field"}, 0, set()),
        ("level:", {"value"}, 6, {"warn", "error"}),
        ("level:er", {"value"}, 6, {"error"}),
        ("level:>=", {"value"}, 8, {"fatal"}),
        ("host:we", {"value"}, 5, set()),
        ("took:>", {"value"}, 6, set()),
        ("level:error ", {"field", "keyword"}, 12, {"OR", "|"}),
        ("a OR (", {"field"}, 6, set()),
        ("a | ", {"pipe"}, 4, {"stats", "where"}),
        ("a | st", {"pipe"}, 4, {"stats"}),
        ("| stats ", {"aggregate"}, 8, {"count", "p99"}),
        ("| stats cou", {"aggregate"}, 8, {"count", "count_distinct"}),
        ("| stats count() ", {"keyword"}, 16, {"by", "as", "if"}),
        ("| stats count() b", {"keyword"}, 16, {"by"}),
        ("| stats count() if a:1 ", {"keyword"}, 23, {"and", "as", "by"}),
        ("| top host ", {"keyword"}, 11, {"by", "|"}),
        ("| stats count() by ho", {"field"}, 19, set()),
        ("| stats count() by a, ho", {"field"}, 22, set()),
        ("| sort -ho", {"field"}, 8, set()),
        ("| where lo", {"field", "function"}, 8, {"lower"}),
        ("| eval a = if(st", {"field", "function"}, 14, {"startswith"}),
        ("| where status:5", {"value"}, 15, set()),
        ("| frob ", set(), 0, set()),
    ],
)
def test_what_may_come_next(before: str, kinds: set[str], start: int, some: set[str]) -> None:
    found = completion(before + " behind the cursor", len(before), 0).offers
    assert {offer.kind for offer in found} >= kinds
    assert (not kinds) is (not found)
    assert {offer.start for offer in found} <= {start}
    assert {word for offer in found for word in offer.words} >= some


def test_a_value_is_one_of_a_field() -> None:
    (offer,) = completion("http.status:5", 13, 0).offers
    assert offer.field is not None
    assert offer.field.name == "http.status"


@pytest.mark.parametrize("before", ["", "a OR ", "(", "a | ", "level:(", "| stats count() as n "])
def test_nothing_is_offered_that_could_not_stand_there(before: str) -> None:
    words = {word for offer in completion(before, len(before), 0).offers for word in offer.words}
    assert not words & {"AND", "OR", "as"}
    assert "|" not in words or before in ("", "| stats count() as n ")


@pytest.mark.parametrize(
    ("text", "cursor", "start", "end", "typed"),
    [
        ("lev", 3, 0, 3, "lev"),
        ("level:error", 3, 0, 6, "lev"),
        ("level:error x", 8, 6, 11, "er"),
        ("level:error x", 6, 6, 11, ""),
        ("a b", 2, 2, 2, ""),
        ('host:"web one', 10, 5, 10, "web "),
        ('host:"web"', 9, 5, 10, "web"),
        (r'host:"a\"b', 10, 5, 10, 'a"b'),
        (r"host:a\*b", 9, 5, 9, "a*b"),
        ('"some words', 11, 11, 11, ""),
        ("| frob ", 7, 7, 7, ""),
        ("é level:err", 11, 8, 11, "err"),
    ],
)
def test_what_is_put_in_takes_the_place_of_the_word(text: str, cursor: int, start: int, end: int, typed: str) -> None:
    found = completion(text, cursor, 0)
    assert (found.start, found.end, found.typed) == (start, end, typed)


def test_the_pipes_before_the_cursor_are_told() -> None:
    text = "a | eval x = 1 | stats count() by x | sort x"
    assert [len(completion(text, text.index(part), 0).pipes) for part in ("a ", "eval", "count", "sort x")] == [
        0,
        0,
        1,
        2,
    ]


def test_times_are_counted_from_now() -> None:
    text = "timestamp:[2026-01-01 TO now] lev"
    assert completion(text, len(text), 1_795_435_200_000_000).typed == "lev"
