"""What may come next."""

import pytest

from cordwood.language.completion import completion


@pytest.mark.parametrize(
    ("before", "kinds", "start", "some"),
    [
        ("", {"field", "keyword"}, 0, {"NOT"}),
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
    found = completion(before + " behind the cursor", len(before))
    assert {offer.kind for offer in found} >= kinds
    assert (not kinds) is (not found)
    assert {offer.start for offer in found} <= {start}
    assert {word for offer in found for word in offer.words} >= some


def test_a_value_is_one_of_a_field() -> None:
    (offer,) = completion("http.status:5", 13)
    assert offer.field is not None
    assert offer.field.name == "http.status"
