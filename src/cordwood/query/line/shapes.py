"""What is asked about a query line, and answered."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from cordwood.language.options import OptionKind
from cordwood.language.refining import How
from cordwood.language.results import Kind

_Place = Annotated[int, Meta(ge=0, description="in characters (code points) from the beginning")]


class Checked(Struct, frozen=True, forbid_unknown_fields=True):
    """What a query makes. Its search line ends at `query_end`; `fields` are those that this names. Of a table: all
    `columns`, null if only rows tell them; of events those that pipes set, or null. Of groups: the columns that tell
    them apart, that of their time, and those counted or computed for each."""

    kind: Kind
    query_end: _Place
    filter: str
    pipes: Sequence[str]
    fields: Sequence[str]
    columns: Sequence[str] | None
    by: Sequence[str]
    time_column: str | None
    values: Sequence[str]


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """`text` goes in the place; `label` is what a person reads, `detail` says more of it."""

    text: str
    label: str
    kind: OptionKind
    detail: str


class Completion(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """What may stand in the place of the characters from `from` to `to`."""

    start: _Place
    end: _Place
    options: Sequence[Choice]


class Refine(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query and a clause: one in the language, or a field and its value (none: that it is there at all; null: that it
    is not)."""

    query: str
    how: How
    field: str | UnsetType = UNSET
    value: str | int | float | bool | UnsetType | None = UNSET
    clause: str | UnsetType = UNSET


class Refined(Struct, frozen=True, forbid_unknown_fields=True):
    """The query with the clause."""

    query: str
