"""Room for requests: bounded as a whole, and shared so that nobody is kept out by somebody else's flood."""

import contextlib
from collections.abc import Iterator

import pytest

from cordwood.errors import Overloaded
from cordwood.ingest.admission import Admission, Ticket
from cordwood.model.tenant import Tenant

GREEDY, MODEST, THIRD = Tenant("greedy"), Tenant("modest"), Tenant("third")


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as opened:
        yield opened


def held(stack: contextlib.ExitStack, admission: Admission, tenant: Tenant, size: int) -> Ticket:
    """A request in flight that has so many bytes."""
    ticket = stack.enter_context(admission.request(tenant))
    ticket.grew(size)
    return ticket


def flooded(stack: contextlib.ExitStack, admission: Admission, tenant: Tenant, size: int) -> int:
    """How many bytes a flood of requests of this size gets to hold."""
    total = 0
    with contextlib.suppress(Overloaded):
        for _ in range(10_000):
            held(stack, admission, tenant, size)
            total += size
    return total


def test_a_request_that_is_alone_may_have_all_the_room(stack: contextlib.ExitStack) -> None:
    admission = Admission(1000)
    ticket = stack.enter_context(admission.request(GREEDY))
    for size in range(100, 1001, 100):
        ticket.grew(size)
    with pytest.raises(Overloaded, match="1,000 are the limit"):
        ticket.grew(1001)


@pytest.mark.parametrize("size", [1, 10, 130, 400])
def test_a_flood_leaves_room_for_others(stack: contextlib.ExitStack, size: int) -> None:
    admission = Admission(1000)
    assert flooded(stack, admission, GREEDY, size) <= 500
    with pytest.raises(Overloaded, match="the tenant greedy hold"):
        held(stack, admission, GREEDY, 400)
    assert flooded(stack, admission, MODEST, 10) >= 330
    assert flooded(stack, admission, THIRD, 10) >= 100
    assert flooded(stack, admission, GREEDY, size) == 0


def test_a_body_that_grows_slowly_is_held_to_the_share_too(stack: contextlib.ExitStack) -> None:
    admission = Admission(1000)
    slow = [held(stack, admission, GREEDY, 1) for _ in range(10)]
    with pytest.raises(Overloaded):
        for size in range(2, 1000):
            for ticket in slow:
                ticket.grew(size)
    assert flooded(stack, admission, MODEST, 10) >= 330


def test_room_is_given_back(stack: contextlib.ExitStack) -> None:
    admission = Admission(1000)
    for _ in range(100):
        with contextlib.ExitStack() as passing:
            assert flooded(passing, admission, GREEDY, 100) == 500
            assert flooded(passing, admission, MODEST, 100) == 300
    held(stack, admission, THIRD, 1000)


def test_a_refused_request_leaves_nothing_behind(stack: contextlib.ExitStack) -> None:
    admission = Admission(100)
    for tenant in (GREEDY, MODEST):
        with pytest.raises(Overloaded), admission.request(tenant) as ticket:
            ticket.grew(101)
    with contextlib.suppress(Overloaded), admission.request(GREEDY) as ticket:
        ticket.grew(60)
        ticket.grew(101)
    held(stack, admission, MODEST, 100)
