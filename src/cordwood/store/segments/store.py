"""The segment store, as its callers see it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

from cordwood.db.sqlite import FileLock
from cordwood.errors import ConfigError
from cordwood.model.answer import Block, Coverage, StoredEvent
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.store.interface import Load, Written
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.compaction import Compactor
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.reader import SegmentReader
from cordwood.store.segments.writer import SegmentWriter
from cordwood.store.settings import StoreSettings

_GRACE_S = 60.0
"""Beyond the longest query: replaced files stay this much longer."""


class SegmentStore:
    """A directory of segments. One process writes; any number read."""

    def __init__(self, root: Path, settings: StoreSettings, *, is_writer: bool) -> None:
        self._directory = Directory(root)
        self._settings = settings
        self._is_writer = is_writer
        self._merging = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "SegmentStore":
        """Raises ConfigError: not usable, or written by another process."""
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def _open(self) -> None:
        directory = self._directory
        try:
            directory.segments.mkdir(parents=True, exist_ok=True)
            directory.staging.mkdir(exist_ok=True)
            if self._is_writer:
                lock = FileLock(directory.lock, f"the data directory {directory.root}")
                self._stack.callback(lock.close)
        except OSError as error:
            raise ConfigError(
                f"cannot use the directory {directory.root}: {error.strerror}",
                hint="make it writable for this user, or choose another with --data-dir or CORDWOOD_DATA_DIR",
            ) from error
        catalog = Catalog(directory.catalog)
        self._stack.callback(catalog.close)
        catalog.migrate()
        engine = Engine(directory.staging, self._settings.memory_bytes)
        self._stack.callback(engine.close)
        self._catalog = catalog
        self._writer = SegmentWriter(directory, catalog, engine)
        self._reader = SegmentReader(directory.root, catalog, engine, self._settings.query_timeout_s)
        self._compactor = Compactor(directory, catalog, engine)
        # Of its own: a merge must not take the threads that requests wait for.
        self._merger = ThreadPoolExecutor(1, "merge")
        self._stack.callback(self._merger.shutdown)
        if self._is_writer:
            self._compactor.sweep()

    async def write(self, loads: Sequence[Load]) -> Sequence[Written]:
        return await asyncio.to_thread(self._writer.write, loads)

    async def probe(self, load: Load, first: int, count: int) -> None:
        lines = load.ndjson.split(b"\n")[first : first + count]
        await asyncio.to_thread(self._writer.probe, lines)

    def read(self, plan: Plan, tenant: Tenant) -> AsyncGenerator[Block, None]:
        return self._reader.read(plan, tenant)

    async def find(self, event: UUID, tenant: Tenant) -> StoredEvent | None:
        return await self._reader.find(event, tenant)

    async def count(self, plan: Plan, tenant: Tenant) -> int:
        return await self._reader.count(plan, tenant)

    async def coverage(self, plan: Plan, tenant: Tenant) -> Coverage:
        return Coverage(await asyncio.to_thread(self._catalog.version, tenant, plan.start_us, plan.end_us))

    async def check(self) -> None:
        await asyncio.to_thread(self._catalog.check)

    async def migrate(self) -> Sequence[str]:
        return [f"catalog {number}" for number in await asyncio.to_thread(self._catalog.migrate)]

    async def tend(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._merging:
            while await loop.run_in_executor(self._merger, self._compactor.merge_one):
                pass
            grace_s = self._settings.query_timeout_s + _GRACE_S
            await loop.run_in_executor(self._merger, self._compactor.remove_garbage, grace_s)
