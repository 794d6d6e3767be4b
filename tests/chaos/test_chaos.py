"""The short form: every fault strikes a few times, one after the other. `make chaos` is the long one."""

import pytest

from tests.chaos.campaign import CASES, strike
from tests.chaos.setups import SET_UPS
from tests.support.not_here import NotHere


@pytest.mark.timeout(300)
@pytest.mark.parametrize("setup", SET_UPS)
def test_nothing_is_lost_or_doubled(setup: str, pytestconfig: pytest.Config) -> None:
    blows = [(case.fault, case.short) for case in CASES if case.setup == setup]
    # Only a full load makes the slow worker's queue run full.
    is_gentle = setup != "slow"
    try:
        outcome = strike("all", setup, blows, pytestconfig.getoption("randomly_seed"), is_gentle=is_gentle)
    except NotHere as reason:
        pytest.skip(str(reason))
    assert outcome.reconciled.acknowledged > 0
    assert outcome.reconciled.is_exact, outcome
