"""Parts → what a service answers: raw handlers for the hot path, routes for the rest."""

import asyncio
from collections.abc import Sequence

from starlette.routing import Route
from starlette.types import ASGIApp

from cordwood.broker.interface import Broker
from cordwood.cache.interface import Cache
from cordwood.clock import SystemClock
from cordwood.config import Config
from cordwood.http.openapi import Operation
from cordwood.http.site import DirectHandler
from cordwood.ingest.limits import LimitsRoutes
from cordwood.ingest.routes import PATHS, IngestRoutes
from cordwood.ingest.service import Ingest, limits_of
from cordwood.query.arrivals import Arrivals
from cordwood.query.beside import Beside
from cordwood.query.censuses import Censuses
from cordwood.query.deadletters import DeadLetterRoutes
from cordwood.query.deletion import DeletionRoutes
from cordwood.query.diagnosis import Diagnosis
from cordwood.query.dropped import Dropped, Rules
from cordwood.query.engine import Engine
from cordwood.query.explain.routes import EXPLAIN, ExplainRoutes
from cordwood.query.exploring import ExploringRoutes
from cordwood.query.exploring_operations import EXPLORING
from cordwood.query.histogram import HISTOGRAM, HistogramRoutes
from cordwood.query.ledger import LedgerRoutes
from cordwood.query.line.completing import Completer
from cordwood.query.line.names import Names
from cordwood.query.line.operations import LINE
from cordwood.query.line.routes import LineRoutes
from cordwood.query.live import Live
from cordwood.query.mending import Mender
from cordwood.query.operations import QUERY
from cordwood.query.past import Past
from cordwood.query.queries import QueriesRoutes
from cordwood.query.routes import QueryRoutes
from cordwood.query.running import Running
from cordwood.query.sql import SqlRoutes
from cordwood.query.sql_operations import SQL
from cordwood.query.tail import TailRoutes
from cordwood.query.wanted import Wanted
from cordwood.store.interface import Store
from cordwood.tail.interface import Tail
from cordwood.tenancy.interface import Keys
from cordwood.tenancy.quota.gate import Gate


def taking(config: Config, ingest: Ingest, keys: Keys) -> tuple[dict[str, ASGIApp], dict[bytes, DirectHandler]]:
    """What events are sent to; and what takes small whole requests without the framework."""
    routes = IngestRoutes(ingest, keys, config.http)
    return dict.fromkeys(PATHS, routes), {path.encode(): routes.direct for path in PATHS}


def limits(gate: Gate, keys: Keys) -> list[Route]:
    """What a tenant may still send."""
    return LimitsRoutes(gate, keys).routes()


ASKING: Sequence[Operation] = (*QUERY, *LINE, *HISTOGRAM, *EXPLORING, *EXPLAIN, *SQL)
"""What `asking` answers, described; without the ledger's part."""


def asking(
    config: Config,
    store: Store,
    cache: Cache,
    keys: Keys,
    rules: Rules,
    running: Running,
    beside: Beside,
    broker: Broker | None = None,
) -> list[Route]:
    """What questions are put to, the books included. `broker`: what takes all that is accepted."""
    clock = SystemClock()
    engine = Engine(store, cache, config.query, config.cache, Arrivals(clock, broker))
    wanted = Wanted(running)
    return [
        *QueryRoutes(engine, keys, clock, wanted, Diagnosis(engine, store, Dropped(rules, store, clock))).routes(),
        *LineRoutes(Completer(Names(Censuses(engine, store), clock), clock), keys, clock, wanted).routes(),
        *QueriesRoutes(beside, keys).routes(),
        *HistogramRoutes(engine, keys, clock, wanted).routes(),
        *ExploringRoutes(engine, store, keys, clock, wanted).routes(),
        *SqlRoutes(store, keys, clock, config.query, wanted).routes(),
        *ExplainRoutes(engine, store, keys, clock, wanted).routes(),
        *LedgerRoutes(store, keys, clock, config.store.receipts_days).routes(),
        *mending(config, store, keys),
    ]


def watching(config: Config, store: Store, cache: Cache, tail: Tail, keys: Keys, stop: asyncio.Event) -> TailRoutes:
    """Live tails; they end with `stop`."""
    engine = Engine(store, cache, config.query, config.cache)
    past = Past(engine, config.tail.max_scanned, config.tail.max_history)
    return TailRoutes(Live(tail, config.tail), past, keys, SystemClock(), stop)


def mending(config: Config, store: Store, keys: Keys) -> list[Route]:
    """Dead letters, and deleting."""
    mender = Mender(store, store, limits_of(config.ingest))
    return [*DeadLetterRoutes(store, mender, keys).routes(), *DeletionRoutes(store, keys, SystemClock()).routes()]
