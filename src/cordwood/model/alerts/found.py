"""What a rule found in a table of groups."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

Label: TypeAlias = str | int | float | bool | None


class HeldGroup(Struct, frozen=True):
    """A group for which the condition held: what tells it apart, and its number. Texts are bounded and harmless."""

    by: Mapping[str, Label]
    value: float


class Found(Struct, frozen=True):
    """Of an evaluation: the column that was compared, empty where rows were counted; and the groups for which the
    condition held, the worst first, as many as are told."""

    column: str
    groups: tuple[HeldGroup, ...] = ()
