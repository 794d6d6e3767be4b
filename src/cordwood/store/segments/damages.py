"""Damage that questions meet: it is named, and left out from then on."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import structlog

from cordwood.errors import Corrupt
from cordwood.model.ledger import Damage
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.health import damage

log = structlog.get_logger()


class Damages:
    """Of one process."""

    def __init__(self, files: Files, engine: Engine, executor: Executor) -> None:
        self._files = files
        self._engine = engine
        self._executor = executor
        self._found: dict[str, str] = {}
        """What the catalog need not know of (yet): path and reason."""

    def known(self, segments: Sequence[Segment], named: Mapping[str, str]) -> list[Damage]:
        """Those of the segments that are damaged. `named`: what the catalog says, path and reason."""
        reasons = {**self._found, **named}
        return [
            Damage(segment.tenant, segment.path, segment.events, reasons[segment.path])
            for segment in segments
            if segment.path in reasons
        ]

    def is_known(self, path: str, named: Mapping[str, str]) -> bool:
        """Whether the segment of that path is damaged. `named`: as above."""
        return path in named or path in self._found

    async def met(self, segments: Sequence[Segment]) -> Corrupt | None:
        """The first that is damaged, looked for where something has failed: it reads them. Raises Unavailable."""
        for segment in segments:
            found = await asyncio.get_running_loop().run_in_executor(
                self._executor, damage, self._engine, self._files, segment
            )
            if found:
                log.error("segment_damaged", path=segment.path, events=segment.events, reason=found)
                self._found[segment.path] = found
                return Corrupt(
                    f"segment {segment.path} with {segment.events} events cannot be read: {found}",
                    hint="ask again: it is left out now; restore the file from a backup to have its events back",
                )
        return None
