"""Segments in S3-compatible object storage. They are read, and written, as files on this machine: copies of objects."""

import errno
import hashlib
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

from cordwood.clock import Clock
from cordwood.db.sqlite import FileLock, InUse
from cordwood.errors import ConfigError, Unavailable
from cordwood.metrics import COPIES_BYTES, FETCHED_BYTES, FETCHED_SEGMENTS
from cordwood.model.tenant import Tenant
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.group_index import GroupIndex
from cordwood.store.segments.layout import NOT_AS_WRITTEN, digest_of, name_of
from cordwood.store.settings import StoreSettings
from cordwood.store.shared.copies import Copies
from cordwood.store.shared.objects import Objects

T = TypeVar("T")

_MARK = "catalog-id"
_SEGMENTS, _ORPHANS, _INCOMING = "segments", "orphans", "incoming"
_AT_ONCE = 16
"""Requests of one process for files and filters."""
_SLOTS = 64
_DAY_S = 86_400.0
_LEAST_TAIL, _TAIL_SHARE = 64 << 10, 4
"""The end of a file that is asked for to have its index, at once with the footer (decision 12)."""
_WRITTEN_LATELY = 10_000
_SHARES = 4
"""Questions that find room for what they hold, side by side."""


class Bucket:
    """See `Place`."""

    glance_bytes = 1 << 20
    noun = "bucket and prefix"
    same = "every process needs the same bucket and prefix: set CORDWOOD_STORE_SEGMENTS_DIR, and the endpoint, to them"

    def __init__(self, settings: StoreSettings, copies: Path, environ: Mapping[str, str], clock: Clock) -> None:
        """`copies` is a directory of this machine; each process takes one in it. Raises ConfigError."""
        self._objects = Objects(settings, environ)
        self.name = self._objects.place
        self.root = copies
        self.span_bytes: int | None = settings.s3_cache_bytes // _SHARES
        self._most_bytes = settings.s3_cache_bytes
        self._clock = clock
        self._stack = ExitStack()
        self._written: OrderedDict[str, None] = OrderedDict()

    def open(self) -> None:
        folder = self.root
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.root = self._free_slot(folder)
            shutil.rmtree(self.root / _INCOMING, ignore_errors=True)
            (self.root / _INCOMING).mkdir(parents=True)
            self._copies = Copies(self.root, self._most_bytes)
            self._copies.tidy(self._clock.now_us())
        except OSError as error:
            raise ConfigError(
                f"cannot use the directory {folder}: {error.strerror}",
                hint="make it writable for this user, or choose another with CORDWOOD_DATA_DIR",
            ) from error
        self._pool = ThreadPoolExecutor(_AT_ONCE, "segment-fetch")
        self._stack.callback(self._pool.shutdown, cancel_futures=True)

    def _free_slot(self, folder: Path) -> Path:
        """One that no process has now; what others left a day ago, and nobody has taken since, goes."""
        taken: Path | None = None
        for number in range(_SLOTS):
            slot, lock = folder / str(number), folder / f"{number}.lock"
            if taken is not None and not slot.is_dir():
                break
            is_old = lock.exists() and lock.stat().st_mtime < time.time() - _DAY_S
            if taken is not None and not is_old:
                continue
            with suppress(InUse):
                held = FileLock(lock, f"the directory {slot}")
                if taken is None:
                    taken = slot
                    self._stack.callback(held.close)
                else:
                    shutil.rmtree(slot, ignore_errors=True)
                    held.close()
        if taken is None:
            raise ConfigError(
                f"{_SLOTS} processes keep their copies in {folder}", hint="choose another CORDWOOD_DATA_DIR for some"
            )
        return taken

    def close(self) -> None:
        self._stack.close()

    # What `Files` asks.

    def new_segment(self, tenant: Tenant, now_us: int, name: UUID) -> str:
        return name_of(tenant, now_us, name)

    def make_durable(self, path: Path) -> None:
        name = str(path.relative_to(self.root))
        if not self._objects.put(name, path) and not self._is_same(name, path):
            raise Unavailable(
                f"there is another {name} in {self.name}", hint="look at what else writes there: names are never reused"
            )
        self._written[name] = None
        if len(self._written) > _WRITTEN_LATELY:
            self._written.popitem(last=False)
        self._copies.add(name, path.stat().st_size, is_kept=True)

    def _is_same(self, name: str, path: Path) -> bool:
        """An answer that was lost, and the request sent once more, finds what it has written itself."""
        try:
            return self._digest(name)[0] == digest_of(path)
        except FileNotFoundError:
            return False

    def remove(self, name: str) -> None:
        self._copies.forget(name)
        if name in self._written:
            del self._written[name]
            with suppress(Unavailable):
                self._objects.delete([name])

    def hold(self, segments: Sequence[Segment], *, is_kept: bool = True) -> "_Hold":
        return _Hold(self, self._copies, segments, is_kept=is_kept)

    def lots(self, segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
        lot: list[Segment] = []
        size_bytes = 0
        for segment in segments:
            if lot and size_bytes + segment.size_bytes > (self.span_bytes or 0):
                yield lot
                lot, size_bytes = [], 0
            lot.append(segment)
            size_bytes += segment.size_bytes
        if lot:
            yield lot

    def each(self, work: Callable[[Segment], T], segments: Sequence[Segment]) -> list[T]:
        return list(self._pool.map(work, segments))

    def index(self, segment: Segment) -> GroupIndex | None:
        with self.hold([segment]) as hold:
            if hold.is_here:
                return GroupIndex.of_file(self.root / segment.path)
        begin = max(0, segment.size_bytes - max(_LEAST_TAIL, segment.size_bytes // _TAIL_SHARE))
        tail, _ = self._objects.part(segment.path, begin, segment.size_bytes - begin)

        def read_at(offset: int, length: int) -> bytes:
            if offset >= begin:
                return tail[offset - begin : offset - begin + length]
            return self._objects.part(segment.path, offset, length)[0]

        return GroupIndex.read(read_at, segment.size_bytes)

    def verify(self, segment: Segment) -> None:
        if self._copies.is_held(segment.path) and self._copies.has(segment.path):
            # It was checked as it came, and is what is going to be read.
            if segment.digest in (None, self._digest_here(segment.path)):
                return
            self._copies.forget(segment.path)
            raise Unavailable(
                f"the copy of {segment.path} in {self.root} is damaged", hint="look at the disk; another is fetched"
            )
        digest, size_bytes = self._digest(segment.path)
        if size_bytes != segment.size_bytes or segment.digest not in (None, digest):
            raise OSError(errno.EIO, NOT_AS_WRITTEN)
        # The object is well: if something could not be read, it was the copy.
        if self._copies.has(segment.path) and segment.digest not in (None, self._digest_here(segment.path)):
            self._copies.forget(segment.path)

    def glance(self, segment: Segment) -> None:
        """The storage looks after its bytes itself."""
        if self._objects.part(segment.path, 0, 1)[1].size_bytes != segment.size_bytes:
            raise OSError(errno.EIO, NOT_AS_WRITTEN)

    def listed(self) -> list[str]:
        return [found.name for found in self._objects.listed(_SEGMENTS) if found.name.endswith(".parquet")]

    def aside(self) -> list[str]:
        return [found.name for found in self._objects.listed(_ORPHANS)]

    # What `Place` asks.

    def check(self) -> None:
        self._copies.drop_unused()
        self.mark()

    def mark(self) -> str | None:
        try:
            return self._objects.part(_MARK, 0, 100)[0].decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None

    def put_mark(self, text: str) -> None:
        if not self._objects.put(_MARK, f"{text}\n".encode()) and self.mark() != text:
            raise Unavailable(f"{self.name} is the place of another database", hint=self.same)

    def ages(self, names: Sequence[str]) -> dict[str, float]:
        now = time.time()
        found = self._pool.map(self._written_at, names)
        return {name: now - at for name, at in zip(names, found, strict=True) if at is not None}

    def _written_at(self, name: str) -> float | None:
        try:
            return self._objects.part(name, 0, 1)[1].modified_s
        except FileNotFoundError:
            return None

    def discard(self, names: Sequence[str]) -> None:
        for name in names:
            self._copies.forget(name)
        self._objects.delete(names)

    def put_aside(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                self._objects.move(name, f"{_ORPHANS}/{Path(name).name}")

    def tidy(self, kept_s: float) -> None:
        oldest = time.time() - kept_s
        self._objects.delete([found.name for found in self._objects.listed(_ORPHANS) if found.modified_s < oldest])
        self._copies.tidy(self._clock.now_us())

    # How copies come about.

    def fetch(self, segments: Sequence[Segment]) -> None:
        """For `_Hold`."""
        if len(segments) == 1:
            self._fetch(segments[0])
            return
        under_way = [self._pool.submit(self._fetch, segment) for segment in segments]
        errors = [error for each in under_way if (error := each.exception()) is not None]
        if errors:
            # What is away is told first: whether a file is well cannot be known before.
            raise min(errors, key=lambda error: isinstance(error, OSError))

    def _fetch(self, segment: Segment) -> None:
        try:
            self._copies.ensure(segment.path, segment.size_bytes, lambda: self._bring(segment))
        finally:
            COPIES_BYTES.set(self._copies.bytes)

    def _bring(self, segment: Segment) -> None:
        if self._copies.is_found(segment.path) and self._is_whole(segment):
            (self.root / segment.path).touch()
            return  # an earlier process left it, and it is well
        for _ in range(2):  # what was damaged on the way comes well the second time
            with FETCHED_SEGMENTS.labels("failed").count_exceptions():
                is_well = self._copy(segment)
            FETCHED_SEGMENTS.labels("well" if is_well else "damaged").inc()
            if is_well:
                FETCHED_BYTES.inc(segment.size_bytes)
                return
        raise OSError(errno.EIO, NOT_AS_WRITTEN)

    def _is_whole(self, segment: Segment) -> bool:
        with suppress(OSError):
            is_long = (self.root / segment.path).stat().st_size == segment.size_bytes
            return is_long and segment.digest is not None and digest_of(self.root / segment.path) == segment.digest
        return False

    def _copy(self, segment: Segment) -> bool:
        """Whether the object is as it was written; then it is in its place. Raises FileNotFoundError, Unavailable."""
        made = self.root / _INCOMING / str(self._clock.batch_id())
        hashed, size_bytes = hashlib.blake2b(digest_size=16), 0
        try:
            with _disk(self.root):
                file = made.open("wb", buffering=0)
            with file:
                for chunk in self._objects.chunks(segment.path):
                    hashed.update(chunk)
                    size_bytes += len(chunk)
                    with _disk(self.root):
                        file.write(chunk)
            if size_bytes != segment.size_bytes or segment.digest not in (None, hashed.digest()):
                return False
            with _disk(self.root):
                self._copies.move_in(made, segment.path)
            return True
        finally:
            made.unlink(missing_ok=True)

    def _digest(self, name: str) -> tuple[bytes, int]:
        """Of an object, and its size in bytes. Raises FileNotFoundError, Unavailable."""
        hashed, size_bytes = hashlib.blake2b(digest_size=16), 0
        for chunk in self._objects.chunks(name):
            hashed.update(chunk)
            size_bytes += len(chunk)
        return hashed.digest(), size_bytes

    def _digest_here(self, name: str) -> bytes:
        try:
            return digest_of(self.root / name)
        except OSError:
            return b""


class _Hold:
    """See `store.segments.files.Hold`."""

    def __init__(self, bucket: Bucket, copies: Copies, segments: Sequence[Segment], *, is_kept: bool) -> None:
        self._bucket = bucket
        self._copies = copies
        self._segments = segments
        self._names = [segment.path for segment in segments]
        self._is_kept = is_kept

    @property
    def is_here(self) -> bool:
        return all(self._copies.has(name) for name in self._names)

    def fetch(self) -> None:
        wanted = [segment for segment in self._segments if not self._copies.has(segment.path)]
        if wanted:
            self._bucket.fetch(wanted)

    def __enter__(self) -> Self:
        self._copies.hold(self._names, is_kept=self._is_kept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._copies.release(self._names)


class _disk:  # noqa: N801  # reads as what it guards
    """`with _disk(root)`: what the disk of the copies refuses says nothing of the object."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise Unavailable(
                f"cannot write to {self._root}: {error.strerror}", hint="free disk space, or look at the disk"
            ) from error
