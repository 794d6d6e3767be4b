"""How long a client waits before it sends again."""

import random
from datetime import UTC, datetime

import pytest

from cordwood.client.http import TryAgain, retry_after_s
from cordwood.client.retry import Patience, Waits

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def waits(**settings: float) -> Waits:
    return Waits(Patience(**settings), random.Random(1))


def test_waits_double_with_jitter_up_to_the_longest():
    found = waits(first_s=1, longest_s=8, total_s=1e9)
    for ceiling_s in (1, 2, 4, 8, 8, 8):
        wait_s = found.after(TryAgain("away"), 0.0)
        assert wait_s is not None
        assert ceiling_s / 2 <= wait_s <= ceiling_s


def test_two_clients_do_not_wait_alike():
    assert Waits(Patience(), random.Random(1)).after(TryAgain("away"), 0) != Waits(Patience(), random.Random(2)).after(
        TryAgain("away"), 0
    )


def test_what_the_server_asks_for_is_waited_in_full():
    wait_s = waits(first_s=0.1).after(TryAgain("busy", wait_s=7), 0.0)
    assert wait_s is not None
    assert 7 <= wait_s <= 7.2


def test_patience_ends_after_its_time():
    found = waits(total_s=10)
    assert found.after(TryAgain("away"), 100.0) is not None
    last_s = found.after(TryAgain("busy", wait_s=60), 109.0)
    assert last_s == 1.0
    assert found.after(TryAgain("away"), 110.0) is None


def test_no_patience_means_one_try():
    assert waits(total_s=0).after(TryAgain("away"), 0.0) is None


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [
        (None, None),
        ("3", 3.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header, expected_s):
    assert retry_after_s(header, NOW) == expected_s
