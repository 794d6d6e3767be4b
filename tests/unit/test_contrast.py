"""How two shares are compared."""

import math
import random

import pytest

from cordwood.model.census import Census, FieldCount
from cordwood.query.explain.candidates import candidates
from cordwood.query.explain.contrast import (
    Differing,
    Seen,
    bound_for,
    complements,
    counted,
    g_of,
    interval,
    lift,
    score,
)

BOUND = bound_for(500)


def seen(count: int, of: int) -> Seen:
    return counted(count, of, is_exact=True)


def test_the_interval_is_wilsons() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert interval(81, 263, 1.959964) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert interval(15, 148, 1.959964) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert interval(0, 20, 1.959964) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert interval(0, 0) == (0.0, 1.0)


def test_the_statistic_is_g() -> None:
    # Of expected 15, 85, 15 and 85.
    assert g_of(20, 100, 10, 100) == pytest.approx(
        2 * (20 * math.log(4 / 3) + 10 * math.log(2 / 3) + 80 * math.log(80 / 85) + 90 * math.log(90 / 85))
    )
    assert g_of(0, 0, 5, 10) == g_of(10, 100, 100, 1_000) == 0


def test_more_comparisons_raise_the_bound() -> None:
    assert bound_for(0) == bound_for(1) == pytest.approx(10.828, abs=1e-3)  # chi-square, 0.999
    assert bound_for(1) < bound_for(10) < bound_for(1_000_000) < 40


def test_what_many_events_have_is_in_front_of_what_only_few_have() -> None:
    cause = score(seen(800, 1_000), seen(50, 1_000), BOUND)
    rare_but_new = score(seen(30, 1_000), seen(0, 1_000), BOUND)
    common_but_hardly_more = score(seen(990, 1_000), seen(900, 1_000), BOUND)
    assert cause > rare_but_new > 0
    assert cause > common_but_hardly_more > 0


def test_what_fewer_than_five_events_have_says_nothing() -> None:
    assert score(seen(4, 4), seen(0, 100_000), BOUND) == 0
    assert score(seen(0, 100_000), seen(4, 4), BOUND) == 0
    assert score(seen(5, 5), seen(0, 100_000), BOUND) > 0


def test_a_score_is_signed_and_symmetric() -> None:
    rise, fall = score(seen(800, 1_000), seen(50, 1_000), BOUND), score(seen(50, 1_000), seen(800, 1_000), BOUND)
    assert rise == -fall > 0
    assert score(seen(50, 100), seen(500, 1_000), BOUND) == 0


def test_a_lift_is_finite() -> None:
    assert lift(seen(100, 1_000), seen(0, 1_000)) == pytest.approx(201)
    assert lift(seen(0, 1_000), seen(100, 1_000)) == pytest.approx(1 / 201)


def test_a_side_without_events_differs_in_nothing() -> None:
    assert score(seen(800, 1_000), seen(0, 0), BOUND) == 0
    assert score(seen(0, 0), seen(800, 1_000), BOUND) == 0


def test_a_number_counted_later_is_not_greater_than_the_whole() -> None:
    assert counted(12, 10, is_exact=True).share == 1


def test_of_a_value_that_may_be_as_frequent_nothing_is_sure() -> None:
    behind_the_list = Seen(0, 700, 1_000, False)
    assert score(seen(800, 1_000), behind_the_list.at_best, BOUND) > 0
    assert score(seen(800, 1_000), Seen(0, 790, 1_000, False), BOUND) == 0


def test_alike_sides_hardly_ever_differ() -> None:
    """One question in a thousand may find something."""
    chance = random.Random(3)
    wrong = 0
    for _ in range(100):
        hosts = [
            (sum(chance.choices((0, 1), (9, 1), k=200)), sum(chance.choices((0, 1), (9, 1), k=300))) for _ in "x" * 20
        ]
        wrong += any(score(seen(one, 200), seen(other, 300), bound_for(20)) for one, other in hosts)
    assert wrong == 0


def test_what_others_took_the_place_of_is_their_complement() -> None:
    def differing(of: str, one: int, other: int) -> Differing:
        return Differing(of, seen(one, 100), seen(other, 100), float(one - other))

    found = [differing("host", 90, 10), differing("host", 10, 90), differing("zone", 10, 90), differing("zone", 20, 10)]
    assert complements(found) == [False, True, False, False]
    assert complements([]) == []


def census(fields: dict[str, dict[str, int]], events: int = 1_000) -> Census:
    told = [
        FieldCount(name, ("str",), sum(values.values()), len(values), sorted(values.items()))
        for name, values in fields.items()
    ]
    return Census(events, events, told)


def test_values_with_the_same_numbers_are_told_as_one() -> None:
    one = census({"commit": {"c0ffee": 700}, "version": {"2": 700}, "level": {"info": 300}})
    other = census({"commit": {"c0ffee": 10}, "version": {"2": 10}, "level": {"info": 300}})
    (found,), _, _ = candidates(one, other, frozenset())
    assert (found.field, found.value, found.alike) == ("commit", "c0ffee", [("version", "2")])


def test_two_values_of_one_field_are_not_one() -> None:
    one, other = census({"host": {"a": 400, "b": 400}}), census({"host": {"a": 10, "b": 10, "c": 780}})
    found, _, _ = candidates(one, other, frozenset())
    assert {each.value for each in found} == {"a", "b", "c"}
    assert not any(each.alike for each in found)


def test_what_the_question_says_and_what_time_it_was_are_left_out() -> None:
    one = census({"level": {"error": 900}, ".level": {"ERROR": 900}, "due": {"2026-01-01T00:00:00Z": 900}})
    other = census({"level": {"info": 900}, ".level": {"INFO": 900}, "due": {"2025-01-01T00:00:00Z": 900}})
    found, _, left = candidates(one, other, frozenset({"level"}))
    assert found == []
    assert (left.asked, left.times, left.unique) == ([".level", "level"], ["due"], [])
