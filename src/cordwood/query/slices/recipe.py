"""What can be asked by parts."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.slices.merging import Groups, Merge
from cordwood.query.slices.parts import Part
from cordwood.store.interface import Reader


class TooMany(Exception):
    """Groups, or too little to be gained: the question is better asked as a whole."""


class Found(Struct, frozen=True):
    """The groups of each of some parts."""

    groups: Sequence[Groups]
    is_worth_keeping: bool = True
    """False where the store is as quick as a cache would be."""


class Recipe(Protocol):
    """A question whose answer can be put together."""

    @property
    def question(self) -> tuple[object, ...]:
        """Tells it from others about the same events."""
        ...

    @property
    def span_us(self) -> int | None:
        """Of its rows, if they are by time."""
        ...

    @property
    def how(self) -> Sequence[Merge]:
        """How each of the values of a group is merged."""
        ...

    async def ask(
        self, reader: Reader, plan: Plan, tenant: Tenant, parts: Sequence[Part], span_us: int, most: int
    ) -> Found:
        """What the store has in some parts in a row, whose range and filter `plan` has, by spans of `span_us`, of which
        none is in two parts. Raises TooMany for more than `most` rows, and what the reader raises."""
        ...
