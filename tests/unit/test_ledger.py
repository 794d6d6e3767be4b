"""The judgement over the books, and what producers say of their numbers."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cordwood.errors import Corrupt
from cordwood.model.ledger import (
    Accounts,
    Damage,
    FindingKind,
    Heartbeat,
    Holding,
    Missing,
    ProducerAccount,
    TenantAccount,
    heartbeat_lines,
    heartbeats_of,
    judge,
)
from cordwood.model.tenant import DEFAULT_TENANT, Tenant

NOW = 1_795_435_200_000_000
MINUTE = 60_000_000
ID = UUID(int=7)


def producer(*missing: Missing, heard_at_us: int = NOW, is_ended: bool = False, settled: int = 9) -> ProducerAccount:
    return ProducerAccount(
        id=ID,
        tenant=DEFAULT_TENANT,
        highest=9,
        settled=settled,
        missing=missing,
        heard_at_us=heard_at_us,
        is_ended=is_ended,
    )


def tenant(accepted: int = 10, stored: int = 6, held: int = 2, settled: int = 1) -> TenantAccount:
    return TenantAccount(
        tenant=DEFAULT_TENANT,
        batches=3,
        accepted=accepted,
        stored=stored,
        deduplicated=1,
        dead_lettered=3,
        dead_letters_held=held,
        dead_letters_settled=settled,
    )


def holding(held: int | None = 4, stored: int = 6) -> Holding:
    return Holding(tenant=DEFAULT_TENANT, day=20_780, stored=stored, expired=1, deleted=1, held=held)


def books(
    *producers: ProducerAccount,
    tenants: Sequence[TenantAccount] = (),
    holdings: Sequence[Holding] = (),
    damaged: Sequence[Damage] = (),
    drained_us: int | None = NOW,
) -> Accounts:
    return Accounts(producers=producers, tenants=tenants, holdings=holdings, damaged=damaged, drained_us=drained_us)


def kinds(accounts: Accounts) -> list[FindingKind]:
    return [finding.kind for finding in judge(accounts, NOW)]


def test_books_that_balance_have_no_findings() -> None:
    accounts = books(producer(is_ended=True), tenants=[tenant()], holdings=[holding()])
    assert kinds(accounts) == []
    assert kinds(books(tenants=[tenant()], holdings=[holding(None)])) == [], "nothing was counted"


@pytest.mark.parametrize(
    ("accounts", "kind"),
    [
        (books(tenants=[tenant(accepted=11)], holdings=[holding()]), "imbalance"),
        (books(tenants=[tenant(held=1)], holdings=[holding()]), "imbalance"),
        (books(tenants=[tenant()], holdings=[holding(5, stored=7)]), "imbalance"),
        (books(tenants=[], holdings=[holding()]), "imbalance"),
        (books(tenants=[tenant()], holdings=[holding(3)]), "events_missing"),
        (books(tenants=[tenant()], holdings=[holding(5)]), "events_surplus"),
        (books(tenants=[tenant()], holdings=[replace(holding(), kept_rows=4, held_rows=3)]), "rows_missing"),
        (books(tenants=[tenant()], holdings=[replace(holding(), kept_rows=0, held_rows=1)]), "rows_surplus"),
        (
            books(
                tenants=[tenant()],
                holdings=[holding()],
                damaged=[Damage(DEFAULT_TENANT, "segments/x", 4, "torn")],
            ),
            "damage",
        ),
    ],
)
def test_every_fault_is_found(accounts: Accounts, kind: FindingKind) -> None:
    (finding,) = judge(accounts, NOW)
    assert finding.kind == kind
    assert finding.is_fault


def test_a_missing_batch_is_a_gap_once_it_cannot_be_on_its_way() -> None:
    early, late = Missing(3, 4, NOW - MINUTE), Missing(6, 6, NOW - 1)
    assert kinds(books(producer(early, late))) == ["gap", "in_flight"]
    assert kinds(books(producer(early, late), drained_us=NOW - MINUTE)) == ["in_flight", "in_flight"]
    assert kinds(books(producer(early, late), drained_us=None)) == ["in_flight", "in_flight"]


def test_what_was_never_settled_is_no_gap_but_unverified() -> None:
    """The process may have died before the confirm of these came: then nobody was told that they are durable."""
    late = Missing(8, 9, NOW - MINUTE)
    assert kinds(books(producer(late, settled=7))) == ["in_flight"]
    assert kinds(books(producer(late, settled=7, heard_at_us=NOW - MINUTE))) == ["unverified"]
    across = producer(late, settled=8, heard_at_us=NOW - MINUTE)
    gap, unverified = judge(books(across), NOW)
    assert (gap.kind, unverified.kind) == ("gap", "unverified")
    assert "batch 8 is missing" in gap.what


def test_a_producer_that_fell_silent_is_unverified_and_one_that_ended_is_not() -> None:
    silent = producer(heard_at_us=NOW - MINUTE)
    assert kinds(books(silent)) == ["unverified"]
    ended = producer(heard_at_us=NOW - MINUTE, is_ended=True)
    assert kinds(books(ended)) == []


@given(
    st.lists(
        st.builds(
            Heartbeat,
            producer=st.uuids(),
            tenant=st.just(Tenant("a")),
            settled=st.integers(0, 2**60),
            said_at_us=st.integers(0, 2**60),
            abandoned=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3),
            is_ended=st.booleans(),
        )
    )
)
def test_heartbeats_read_back(beats: list[Heartbeat]) -> None:
    assert heartbeats_of(heartbeat_lines(beats)) == beats


def test_a_damaged_heartbeat_is_noticed() -> None:
    with pytest.raises(Corrupt):
        heartbeats_of(b'{"producer":1}\n')
