"""An answer as one piece, as it is kept."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from cordwood.model.answer import Coverage
from cordwood.query.slices.keeping import PutTogether


class Page(msgspec.Struct, frozen=True):
    """A page as open JSON (see `answers.page_json`), whether it came from the cache, and what it is made of."""

    body: bytes
    is_cached: bool
    coverage: Coverage
    slices: tuple[int, int] | None = None
    """Of how many parts it was put together just now, kept ones and others."""

    def put_together(self, parts: Sequence[PutTogether]) -> "Page":
        """The same, of those parts, if there are any."""
        return replace(self, slices=(parts[-1].kept, parts[-1].asked)) if parts else self

    @property
    def is_empty(self) -> bool:
        """Whether there is no event or row in it."""
        return self.body.startswith((b'{"events":[]', b'{"columns":[],"events":[]', b'{"columns":[],"rows":[]'))
