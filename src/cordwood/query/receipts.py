"""A receipt → what became of every event it names."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from cordwood.errors import BadRequest, NotFound
from cordwood.model.deadletter import WHOLE_BATCH, LetterFate, Settled
from cordwood.model.event import format_timestamp
from cordwood.model.ledger import BatchAccount
from cordwood.model.receipt import Part, Receipt
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Books

_MAX_PARTS = 1000
_MAX_LETTERS = 100


class Letter(Struct, frozen=True, omit_defaults=True):
    """An event among the dead letters; `index` counts the part's events from 0, None means all of them."""

    index: int | None
    reason: str
    settled_as: Settled | None = None


class PartFate(Struct, frozen=True, kw_only=True):
    """What became of a part. Before a worker has recorded its batch, all its events are in flight."""

    batch: UUID
    first: int
    count: int
    stored: int
    deduplicated: int
    dead_lettered: int
    in_flight: int
    recorded_at: str | UnsetType = UNSET
    duplicate_of: UUID | UnsetType = UNSET
    """The batch whose request this one repeated."""
    dead_letters: Sequence[Letter] | UnsetType = UNSET


class ReceiptFate(Struct, frozen=True, kw_only=True):
    """Sums over the parts, and the parts."""

    receipt: str
    events: int
    stored: int
    deduplicated: int
    dead_lettered: int
    in_flight: int
    parts: Sequence[PartFate]


async def fate_of(receipt: Receipt, books: Books, tenant: Tenant, receipts_days: int) -> ReceiptFate:
    """Ask the books. Raises BadRequest for a receipt of too many parts, NotFound for one that is too old, Unavailable.

    A batch of another tenant is as unknown as one that is not recorded yet.
    """
    if len(receipt.parts) > _MAX_PARTS:
        raise BadRequest(f"the receipt has {len(receipt.parts):,} parts; at most {_MAX_PARTS:,} are looked up at once")
    ids = list({part.batch_id for part in receipt.parts})
    accounts = {account.id: account for account in await books.batches(ids, tenant)}
    unknown = [each for each in ids if each not in accounts]
    forgotten = await books.forgotten(tenant) if unknown else None
    if forgotten is not None and min(unknown) <= forgotten:
        raise NotFound(
            "what became of this receipt is not known any more",
            hint=f"receipts are kept for {receipts_days} days; the events can still be asked for",
        )
    dead = [account.id for account in accounts.values() if account.dead_lettered]
    letters: dict[UUID, list[LetterFate]] = {}
    for letter in await books.dead_letters_of(dead, tenant) if dead else ():
        letters.setdefault(letter.batch_id, []).append(letter)
    parts = [_fate(part, accounts.get(part.batch_id), letters.get(part.batch_id, ())) for part in receipt.parts]
    return ReceiptFate(
        receipt=str(receipt),
        events=sum(part.count for part in parts),
        stored=sum(part.stored for part in parts),
        deduplicated=sum(part.deduplicated for part in parts),
        dead_lettered=sum(part.dead_lettered for part in parts),
        in_flight=sum(part.in_flight for part in parts),
        parts=parts,
    )


def _fate(part: Part, account: BatchAccount | None, letters: Sequence[LetterFate]) -> PartFate:
    if account is None:
        return _part(part, in_flight=part.count)
    recorded_at = format_timestamp(account.inserted_at_us)
    if account.duplicate_of is not None:
        made = _part(part, deduplicated=part.count)
        return msgspec.structs.replace(made, recorded_at=recorded_at, duplicate_of=account.duplicate_of)
    end = part.first + part.count
    mine = [letter for letter in letters if letter.ordinal == WHOLE_BATCH or part.first <= letter.ordinal < end]
    dead = part.count if any(letter.ordinal == WHOLE_BATCH for letter in mine) else len(mine)
    made = msgspec.structs.replace(_part(part, stored=part.count - dead, dead_lettered=dead), recorded_at=recorded_at)
    if not mine:
        return made
    shown = [
        Letter(None if letter.ordinal == WHOLE_BATCH else letter.ordinal - part.first, letter.reason, letter.settled_as)
        for letter in mine[:_MAX_LETTERS]
    ]
    return msgspec.structs.replace(made, dead_letters=shown)


def _part(
    part: Part, *, stored: int = 0, deduplicated: int = 0, dead_lettered: int = 0, in_flight: int = 0
) -> PartFate:
    return PartFate(
        batch=part.batch_id,
        first=part.first,
        count=part.count,
        stored=stored,
        deduplicated=deduplicated,
        dead_lettered=dead_lettered,
        in_flight=in_flight,
    )
