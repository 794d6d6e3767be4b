"""A look at what takes the room, while the store works: one at a time, and none that nobody waits for."""

import asyncio
import threading
from concurrent.futures import Executor

from cordwood.model.tenant import Tenant
from cordwood.store.care import Survey
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.naming import Changing
from cordwood.store.segments.surveying import survey


class SurveyTurn:
    """A `Surveyor` of the segments of a store that is in use. `executor` runs one piece of work at a time."""

    def __init__(self, files: Files, catalog: Changing, engine: Engine, executor: Executor) -> None:
        self._files = files
        self._catalog = catalog
        self._engine = engine
        self._executor = executor

    async def survey(self, tenant: Tenant | None) -> Survey:
        """See `store.care.Surveyor.survey`. When the task is cancelled, the thread ends with the files at hand."""
        over = threading.Event()

        def work() -> Survey:
            return survey(self._engine, self._files, self._catalog.all_segments(tenant), over.is_set)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            over.set()
