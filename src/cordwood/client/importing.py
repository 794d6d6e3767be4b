"""Files → parts: requests that are the same, under the same key, in every run, so that a run can go on."""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from cordwood.client.batches import Batch, Batcher
from cordwood.client.exported import events_in
from cordwood.client.journal import Identity, Journal
from cordwood.client.source import Format, Read, Refusal, Unread, events_of
from cordwood.errors import Corrupt

PART_EVENTS = 20_000
PART_BYTES = 4 << 20
"""Fixed, as is all that decides where parts are cut: another run has to cut alike."""
_PARQUET = b"PAR1"


class _Part(msgspec.Struct):
    """What an answer to a request tells of."""

    identity: Identity
    part: int
    events: int


class Importing:
    """Reads files for a feed, leaving out the parts that the journal knows; tells it what is answered."""

    def __init__(self, journal: Journal, wanted: Format | None, *, again: bool) -> None:
        self.files = 0
        """Files that were read to their end, in this run or before."""
        self.already = 0
        """Events that earlier runs brought."""
        self._journal = journal
        self._wanted = wanted
        self._again = again
        self._under_way: dict[str, _Part] = {}

    def read(self, name: str, blocks: Iterator[bytes]) -> Iterator[Read]:
        """See `feed.Reading`. Raises Corrupt, also for a file that has changed; OSError."""
        identity = Identity.of(Path(name))
        if reason := self._journal.begin(identity, again=self._again):
            raise Corrupt(reason)
        self.already += self._journal.events(identity)
        if self._journal.is_whole(identity):
            self.files += 1
            return
        parts = 0
        for parts, said, batch in self._parts(self._events(name, blocks)):
            done = self._journal.answered_of(identity, parts)
            if done is not None and done >= len(batch.events):
                continue
            # A part that is longer now ended where reading failed: what is new of it has a name of its own.
            done = done or 0
            key = identity.key(self._wanted or "", parts) + (f"-{done}" if done else "")
            yield from said
            self._under_way[key] = _Part(identity, parts, len(batch.events))
            yield Batch(batch.events[done:], batch.places[done:], key)
        if Identity.of(Path(name)) != identity:
            raise Corrupt("it was written to while it was read; what was read is imported, the rest may be not")
        self._journal.ended(identity, parts)
        self.files += 1

    def settled(self, batch: Batch) -> None:
        """The server has answered for all of a part that `read` gave."""
        if batch.key is not None:
            done = self._under_way.pop(batch.key)
            self._journal.answered(done.identity, done.part, done.events)

    def _events(self, name: str, blocks: Iterator[bytes]) -> Iterator[Read]:
        head = next(blocks, b"")
        if head.startswith(_PARQUET) and self._wanted is None:
            from cordwood.client import parquet  # the engine is loaded by whoever needs it

            return parquet.events_of(name)
        read = events_of(name, chain([head], blocks), self._wanted)
        return events_in(read) if self._wanted is None else read

    def _parts(self, read: Iterator[Read]) -> Iterator[tuple[int, list[Refusal | Unread], Batch]]:
        """Number, what is said of lines, and the events of each part, from 1."""
        batcher = Batcher(PART_EVENTS, PART_BYTES)
        said: list[Refusal | Unread] = []
        number = 0
        failure: Exception | None = None
        try:
            for item in read:
                if not isinstance(item, Batch):
                    said.append(item)
                    continue
                for batch in batcher.add(item):
                    number += 1
                    yield number, said, batch
                    said = []
        except (Corrupt, OSError) as error:
            failure = error
        for batch in batcher.flush():
            number += 1
            yield number, said, batch
            said = []
        if said:
            yield number + 1, said, Batch([], [])
        if failure is not None:
            raise failure


class AsTheyAre:
    """Requests are the parts that were read: see `send.Gathering`."""

    def __len__(self) -> int:
        return 0

    def add(self, batch: Batch) -> Iterator[Batch]:
        yield batch

    def flush(self) -> Iterator[Batch]:
        return iter(())


def files_in(paths: Sequence[str]) -> list[str]:
    """The files that paths name, each once: those of directories sorted by name, hidden ones, and what is no regular
    file, left out. A path that does not exist stays, to be complained of when it is read."""
    found: dict[str, None] = {}
    for path in paths:
        found.update(dict.fromkeys(sorted(_below(path)) if Path(path).is_dir() else [path]))
    return list(found)


def _below(directory: str) -> Iterator[str]:
    unreadable: list[str] = []
    for folder, folders, names in os.walk(directory, onerror=lambda error: unreadable.append(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(folder, name) for name in names if not name.startswith("."))
        yield from (str(path) for path in paths if path.is_file())
    yield from unreadable
