"""Where the files of segments are, as the rooms that make and read them see it: a directory, or copies in one."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar
from uuid import UUID

from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.group_index import GroupIndex

T = TypeVar("T")


class Hold(Protocol):
    """`with files.hold(segments) as hold`: what was fetched stays until the end of the block."""

    @property
    def is_here(self) -> bool:
        """Whether all of them can be read without `fetch`."""
        ...

    def fetch(self) -> None:
        """Returns when each of them can be read at `files.root / segment.path`. May block for long: call it in a
        thread, and more than once if you like.

        Raises OSError: one is not there, or not as it was written; Unavailable.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Files(Protocol):
    """Synchronous; any thread may call it, several at once."""

    root: Path
    """A file is written, and once it is fetched read, at `root / name`."""
    span_bytes: int | None
    """What is better not held at once by one question; None: there is no such bound."""
    glance_bytes: int
    """A `glance` costs as much as reading so many bytes does."""

    def new_segment(self, tenant: Tenant, now_us: int, name: UUID) -> str:
        """The name of a segment that is written now."""
        ...

    def make_durable(self, path: Path) -> None:
        """A complete new file below `root` survives whatever befalls this machine's power, or this machine. Raises
        OSError, Unavailable: then it may survive or not."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file that was written here, and that no catalog names. Where that fails, it is an orphan."""
        ...

    def hold(self, segments: Sequence[Segment], *, is_kept: bool = True) -> Hold:
        """Keep these in reach. What is fetched for this hold alone goes with it, where it is not to be kept."""
        ...

    def lots(self, segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
        """All of them, in order, in lots that can be held at once."""
        ...

    def each(self, work: Callable[[Segment], T], segments: Sequence[Segment]) -> list[T]:
        """`work` for each, in order: side by side where it may wait for something."""
        ...

    def index(self, segment: Segment) -> GroupIndex | None:
        """None when the file has none, or a damaged one. Raises OSError: it is not there; Unavailable."""
        ...

    def verify(self, segment: Segment) -> None:
        """Reads all of a file that has a digest. Raises OSError, its `strerror` telling why: it is not there, or not
        as it was written; Unavailable."""
        ...

    def glance(self, segment: Segment) -> None:
        """As `verify`, as well as may be done again and again for every file. Raises as it does."""
        ...

    def listed(self) -> list[str]:
        """The names of all files of segments, whether a catalog names them or not. Raises OSError, Unavailable."""
        ...

    def aside(self) -> list[str]:
        """The names of files that were put aside. Raises as `listed`."""
        ...
