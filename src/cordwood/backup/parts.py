"""What there is to copy."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

QUEUE, CATALOG, FILES = "queue.sqlite", "store/catalog.sqlite", "store"
"""Where they are in a data directory, and in a backup."""


class Named(Struct, frozen=True):
    """A file that the catalog names, below the root of its store. `digest` is BLAKE2b-128; None: it is not known."""

    path: str
    size_bytes: int
    events: int
    digest: bytes | None


class Embedded(Struct, frozen=True, kw_only=True):
    """The embedded parts of a set-up, wherever its settings have put them."""

    queue: Path | None
    """None where another broker carries the batches."""
    catalog: Path
    files: Path
    """What names in the catalog are relative to."""
    books: Mapping[str, Path]
    """Other databases, by their names in a data directory. Some may not be there."""
    named_in: Callable[[Path], Sequence[Named]]
    """What a catalog names. Raises ConfigError: it is of another version; Unavailable."""


class Fault(Struct, frozen=True):
    """A file that is not what it should be."""

    path: str
    kind: Literal["missing", "damaged"]
    events: int
    reason: str


class Step(Struct, frozen=True):
    """How far it is."""

    files: int
    bytes: int
    of_bytes: int


Tell = Callable[[Step], None]
