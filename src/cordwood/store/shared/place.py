"""The one place of a database's segments, as every process sees it: a directory, or a bucket."""

from collections.abc import Sequence
from typing import Protocol

from cordwood.store.segments.files import Files


class Place(Files, Protocol):
    """See `Files`; and what it takes to know the place again, and to sweep it. Synchronous; any thread may call it."""

    name: str
    """For people."""
    noun: str
    """What it is, for people."""
    same: str
    """What every process needs for it to be the same place."""

    def open(self) -> None:
        """Before anything else. Raises ConfigError: nothing can be kept on this machine."""
        ...

    def close(self) -> None: ...

    def check(self) -> None:
        """Whether it can be reached. Raises Unavailable."""
        ...

    def mark(self) -> str | None:
        """What was marked in it; None when nothing was. Raises Unavailable."""
        ...

    def put_mark(self, text: str) -> None:
        """Make it a place of segments that bears this mark, durably. Raises Unavailable, also where there is something
        else."""
        ...

    def ages(self, names: Sequence[str]) -> dict[str, float]:
        """Of those of these files that are there: seconds since they were written. Raises Unavailable."""
        ...

    def discard(self, names: Sequence[str]) -> None:
        """Remove files that nobody needs, whoever wrote them. Raises Unavailable: some may be left."""
        ...

    def put_aside(self, names: Sequence[str]) -> None:
        """Keep files, as far as they are there, where no question reads them. Raises Unavailable."""
        ...

    def tidy(self, kept_s: float) -> None:
        """Remove what was put aside longer ago than that, and directories in which nothing is, and nothing comes.
        Raises Unavailable."""
        ...
