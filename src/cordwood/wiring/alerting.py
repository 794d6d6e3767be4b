"""Saved queries and alerts, put together: the endpoints, and what goes on in the background."""

import asyncio

from starlette.routing import Route

from cordwood.alerts.book import RuleBook
from cordwood.alerts.delivering import Delivering, Postman
from cordwood.alerts.evaluating import Evaluating
from cordwood.alerts.interface import Tables
from cordwood.alerts.kept import SavedQueries, Silences
from cordwood.alerts.outbox import Outbox
from cordwood.alerts.service import Watching
from cordwood.cache.interface import Cache
from cordwood.clock import SystemClock
from cordwood.config import Config
from cordwood.query.alerts.backtest import BackTester
from cordwood.query.alerts.rules import RuleRoutes
from cordwood.query.alerts.saved import SavedQueryRoutes
from cordwood.query.alerts.telling import TellingRoutes
from cordwood.query.alerts.values import EngineEvaluator
from cordwood.query.engine import Engine
from cordwood.store.interface import Store
from cordwood.tenancy.interface import Keys


class Alerting:
    """With an engine of its own: rules and people do not wait for each other's turns."""

    def __init__(self, config: Config, tables: Tables, store: Store, cache: Cache, keys: Keys) -> None:
        clock, settings = SystemClock(), config.alerts
        evaluator = EngineEvaluator(Engine(store, cache, config.query, config.cache))
        book, silences, outbox = RuleBook(tables), Silences(tables), Outbox(tables)
        self._postman = Postman(settings)
        evaluating = Evaluating(book, silences, evaluator, clock, settings)
        delivering = Delivering(outbox, self._postman, clock, settings)
        tester = BackTester(evaluator, settings)
        self._watching = Watching(evaluating, delivering, outbox, clock, settings)
        self._routes = [
            *SavedQueryRoutes(SavedQueries(tables), keys, clock, settings).routes(),
            *RuleRoutes(book, silences, evaluating, tester, self._postman, keys, clock, settings).routes(),
            *TellingRoutes(silences, outbox, keys, clock, settings).routes(),
        ]

    def routes(self) -> list[Route]:
        return self._routes

    async def run(self, stop: asyncio.Event) -> None:
        """Evaluate rules and tell receivers, until `stop`."""
        with self._postman:
            await self._watching.run(stop)
