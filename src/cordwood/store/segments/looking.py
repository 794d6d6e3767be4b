"""The store as a look at it from the command line sees it: nothing is made, nothing is locked, nothing is changed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from cordwood.clock import SystemClock
from cordwood.errors import ConfigError
from cordwood.model.tenant import Tenant
from cordwood.store.care import Checked, Fault, Survey
from cordwood.store.segments.catalog import Catalog
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.catalog_schema import SCHEMA
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.layout import Directory
from cordwood.store.segments.naming import Changing
from cordwood.store.segments.surveying import survey
from cordwood.store.segments.verifying import fault_of
from cordwood.store.settings import StoreSettings


class SegmentLook:
    """A `Surveyor` and a `Checker` of segments, whatever catalog names them, whoever writes them meanwhile."""

    def __init__(self, files: Files, catalog: Changing, engine: Engine) -> None:
        self._files = files
        self._catalog = catalog
        self._engine = engine

    async def survey(self, tenant: Tenant | None) -> Survey:
        """See `store.care.Surveyor.survey`."""
        segments = await asyncio.to_thread(self._catalog.all_segments, tenant)
        return await asyncio.to_thread(survey, self._engine, self._files, segments)

    async def check(self, tenant: Tenant | None) -> AsyncGenerator[Checked, None]:
        """See `store.care.Checker.check`."""
        segments = await asyncio.to_thread(self._catalog.all_segments, tenant)
        of_bytes = sum(segment.size_bytes for segment in segments)
        events = size_bytes = 0
        for number, segment in enumerate(segments, 1):
            fault = await asyncio.to_thread(self._fault, segment)
            events, size_bytes = events + segment.events, size_bytes + segment.size_bytes
            yield Checked(
                segments=number,
                of_segments=len(segments),
                events=events,
                bytes=size_bytes,
                of_bytes=of_bytes,
                fault=fault,
            )

    async def orphans(self) -> Sequence[str]:
        """See `store.care.Checker.orphans`."""
        return await asyncio.to_thread(self._orphans)

    def _fault(self, segment: Segment) -> Fault | None:
        fault = fault_of(self._engine, self._files, segment)
        # Merged or expired since the check began: its file may be gone.
        return fault if fault is not None and self._catalog.names(segment.path) else None

    def _orphans(self) -> list[str]:
        # Files first: what is committed in between is then named.
        files = self._files.listed()
        named = self._catalog.named()
        aside = self._files.aside()
        unnamed = [path for path in files if path not in named]
        still = set(self._files.listed()) if unnamed else set()  # its writer may have taken it back
        return [path for path in unnamed if path in still] + aside


@contextlib.asynccontextmanager
async def look_into(root: Path, settings: StoreSettings) -> AsyncIterator[SegmentLook]:
    """A look at the segments of a SQLite catalog. Raises ConfigError: there is no store, or one of another version."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(_opened, Directory(root), settings, stack)
    finally:
        await asyncio.to_thread(stack.close)


def segments_in(path: Path) -> list[Segment]:
    """Every segment that a SQLite catalog names. Raises ConfigError: there is none, or one of another version;
    Unavailable."""
    with contextlib.closing(_catalog(path)) as catalog:
        return catalog.all_segments(None)


def _opened(directory: Directory, settings: StoreSettings, stack: ExitStack) -> SegmentLook:
    catalog = _catalog(directory.catalog)
    stack.callback(catalog.close)
    engine = Engine(directory.spill / str(SystemClock().batch_id()), settings.memory_bytes)
    stack.callback(engine.close)
    return SegmentLook(directory, catalog, engine)


def _catalog(path: Path) -> Catalog:
    if not path.exists():
        raise ConfigError(
            f"there is no store in {path.parent}: it has no {path.name}",
            hint="name the data directory with --data-dir or CORDWOOD_DATA_DIR",
        )
    catalog = Catalog(path)
    try:
        # Not brought to this version here: the program that writes it may be another one.
        ((version,),) = catalog.rows("PRAGMA user_version", ())
        if version != len(SCHEMA):
            raise ConfigError(
                f"the store in {path.parent} has schema version {version}; this program knows {len(SCHEMA)}",
                hint="use the program that writes it, or run `cordwood migrate` with this one",
            )
    except BaseException:
        catalog.close()
        raise
    return catalog
