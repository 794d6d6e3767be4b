"""Names of fields and values that the store has, for lists to choose from."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cordwood.clock import Clock
from cordwood.language.options import LONGEST, Known
from cordwood.language.spelling import scalar_text
from cordwood.model.census import Asked, Scalar
from cordwood.model.plan import Plan
from cordwood.model.search.field import Field, name_of
from cordwood.model.tenant import Tenant
from cordwood.query.pages import Page

_FRESH_US = 15_000_000
"""A list is no older: without it, each key that is hit while events arrive would have them counted anew."""
_MINUTE_US = 60_000_000
_MOST_KEPT = 64
_MOST_NAMES = 2_000
_MOST_VALUES = 200

_Key = tuple[Tenant, int | None, int | None, str, str]


class _Field(Struct):
    name: str
    types: Sequence[str]
    events: int
    coverage: float


class _Value(Struct):
    value: Scalar
    count: int


class _Answer(Struct):
    """What is used of an answer."""

    exact: bool
    fields: Sequence[_Field] = ()
    values: Sequence[_Value] = ()
    distinct: int = 0


class _Kept(Struct, frozen=True):
    names: Sequence[Known]
    is_all: bool
    since_us: int


class Counts(Protocol):
    """What counts them: `Censuses` does."""

    async def fields(self, plan: Plan, tenant: Tenant) -> Page: ...

    async def values(self, plan: Plan, tenant: Tenant, asked: Asked) -> Page: ...


class Names:
    """Of a time range, to the minute; kept for a moment. All raise Overloaded, Unavailable."""

    def __init__(self, censuses: Counts, clock: Clock) -> None:
        self._censuses = censuses
        self._clock = clock
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    async def fields(self, plan: Plan, tenant: Tenant) -> Sequence[Known]:
        """Those that the most events have in front."""
        plan = _to_the_minute(plan)
        key = (tenant, plan.start_us, plan.end_us, "", "")
        if (kept := self._fresh(key)) is not None:
            return kept.names
        answer = _read((await self._censuses.fields(plan, tenant)).body)
        short = [field for field in answer.fields if len(field.name) <= LONGEST]
        ranked = sorted(short, key=lambda field: (-field.events, field.name))[:_MOST_NAMES]
        return self._keep(key, [Known(field.name, _of_field(field)) for field in ranked], is_all=True).names

    async def values(self, plan: Plan, tenant: Tenant, field: Field, typed: str, limit: int) -> Sequence[Known]:
        """The most frequent ones of a field. Only if these are not all, and too few of them begin as what was typed,
        the store is asked for those that do."""
        plan = _to_the_minute(plan)
        known = await self._values(plan, tenant, field, "")
        begins = sum(scalar_text(each.value).lower().startswith(typed.lower()) for each in known.names)
        if known.is_all or not 0 < len(typed) <= LONGEST or begins >= limit:
            return known.names
        return [*(await self._values(plan, tenant, field, typed)).names, *known.names]

    async def _values(self, plan: Plan, tenant: Tenant, field: Field, prefix: str) -> _Kept:
        key = (tenant, plan.start_us, plan.end_us, name_of(field), prefix)
        if (kept := self._fresh(key)) is not None:
            return kept
        answer = _read((await self._censuses.values(plan, tenant, Asked(_MOST_VALUES, field, prefix))).body)
        about = "" if answer.exact else "~"
        short = [each for each in answer.values if len(scalar_text(each.value)) <= LONGEST]
        names = [Known(each.value, f"{about}{each.count:,}") for each in short]
        return self._keep(key, names, is_all=answer.distinct <= len(answer.values))

    def _fresh(self, key: _Key) -> _Kept | None:
        kept = self._kept.get(key)
        return kept if kept is not None and self._clock.now_us() - kept.since_us < _FRESH_US else None

    def _keep(self, key: _Key, names: Sequence[Known], *, is_all: bool) -> _Kept:
        kept = _Kept(names, is_all, self._clock.now_us())
        # What has nothing yet is about to have something.
        if names:
            self._kept[key] = kept
            self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return kept


def _to_the_minute(plan: Plan) -> Plan:
    """A range that moves with the time is the same one for a while."""
    start_us = None if plan.start_us is None else plan.start_us // _MINUTE_US * _MINUTE_US
    end_us = None if plan.end_us is None else -(-plan.end_us // _MINUTE_US) * _MINUTE_US
    return replace(plan, start_us=start_us, end_us=end_us)


def _read(body: bytes) -> _Answer:
    """An answer that is open for more members."""
    return msgspec.json.decode(body + b"}", type=_Answer)


def _of_field(field: _Field) -> str:
    share = field.coverage * 100
    return f"{'|'.join(field.types)} · {'<1' if 0 < share < 1 else f'{share:.0f}'} %"
