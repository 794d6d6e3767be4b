"""URL → part.

Adapters are imported inside the functions, so that a set-up needs only its own drivers installed.
"""

import functools
import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from cordwood.alerts.interface import Tables
from cordwood.broker.interface import Broker
from cordwood.clock import SystemClock
from cordwood.config import Config, redacted
from cordwood.errors import ConfigError
from cordwood.http.settings import is_loopback
from cordwood.store.care import Checker, Merger, Surveyor
from cordwood.store.interface import Store
from cordwood.tenancy.configured import configured_grants
from cordwood.tenancy.door import Door
from cordwood.tenancy.interface import Tenancy
from cordwood.wiring.naming import missing_extra, unknown

if TYPE_CHECKING:
    from cordwood.store.onward import Onward
    from cordwood.store.shared.place import Place


def open_publisher(config: Config) -> Broker:
    """The broker as the api sees it: behind a spool, if one is wanted. Raises ConfigError."""
    broker = open_broker(config)
    if not config.broker.spool_bytes:
        return broker
    if urlsplit(config.broker.url).scheme == "sqlite":
        raise ConfigError(
            "a spool before the SQLite queue keeps nothing that the queue would not",
            hint="unset CORDWOOD_BROKER_SPOOL_BYTES, or set CORDWOOD_BROKER_URL to RabbitMQ's",
        )
    from cordwood.broker.spool import Spool
    from cordwood.broker.sqlite import SqliteBroker

    path = config.data_dir / "spool.sqlite"
    kept = replace(config.broker, max_size_bytes=config.broker.spool_bytes)
    return Spool(broker, SqliteBroker(path, kept), path)


def open_broker(config: Config) -> Broker:
    """The broker that `broker.url` names. Raises ConfigError."""
    settings = config.broker
    match urlsplit(settings.url).scheme:
        case "sqlite":
            from cordwood.broker.sqlite import SqliteBroker

            return SqliteBroker(_path(config, settings.url, "queue.sqlite"), settings)
        case "amqp" | "amqps":
            try:
                from cordwood.broker.rabbitmq import RabbitBroker
            except ModuleNotFoundError as error:
                raise missing_extra("rabbitmq", error) from error
            return RabbitBroker(settings.url, settings)
    raise unknown("broker", settings.url, "sqlite:, amqp:// and amqps://")


def open_store(config: Config, *, is_writer: bool) -> Store:
    """The store that `store.url` names; a file store is written by one process at a time. Raises ConfigError."""
    settings = config.store
    if settings.rows_days and settings.keep != "both":
        raise ConfigError(
            "store.rows_days shortens the time of rows beside segments, and there are none",
            hint="set CORDWOOD_STORE_KEEP=both; for all events there is CORDWOOD_STORE_RETENTION_DAYS",
        )
    match urlsplit(settings.url).scheme:
        case "file":
            from cordwood.store.segments.store import SegmentStore

            if settings.keep == "both":
                raise ConfigError(
                    "store.keep is both, and an embedded store has no rows",
                    hint="unset CORDWOOD_STORE_KEEP, or set CORDWOOD_STORE_URL to a PostgreSQL database",
                )
            return SegmentStore(_path(config, settings.url, "store"), settings, is_writer=is_writer)
        case "postgresql" | "postgres":
            try:
                from cordwood.store.postgres.store import PostgresStore
            except ModuleNotFoundError as error:
                raise missing_extra("postgres", error) from error
            if settings.keep == "rows":
                return PostgresStore(settings.url, settings, functools.partial(_engine, config))
            from cordwood.store.shared.store import SharedStore

            return SharedStore(settings.url, *_shared(config), settings, is_writer=is_writer)
    raise unknown("store", settings.url, "file: and postgresql://")


def open_surveyor(config: Config) -> AbstractAsyncContextManager[Surveyor]:
    """What tells what takes the room in the store that `store.url` names. Raises ConfigError."""
    settings = config.store
    match urlsplit(settings.url).scheme:
        case "file":
            from cordwood.store.segments.looking import look_into

            return look_into(_path(config, settings.url, "store"), settings)
        case "postgresql" | "postgres":
            try:
                from cordwood.store.postgres.surveying import PostgresLook
            except ModuleNotFoundError as error:
                raise missing_extra("postgres", error) from error
            if settings.keep == "rows":
                return PostgresLook(settings.url)
            from cordwood.store.shared.care import survey_of

            return survey_of(settings.url, *_shared(config), settings)
    raise unknown("store", settings.url, "file: and postgresql://")


def open_checker(config: Config) -> AbstractAsyncContextManager[Checker]:
    """What checks the segments that `store.url` names. Raises ConfigError, also for a store that has none."""
    settings = config.store
    if _has_catalog(config, "checked", "its own checksums and amcheck find damage"):
        from cordwood.store.segments.looking import look_into

        return look_into(_path(config, settings.url, "store"), settings)
    try:
        from cordwood.store.shared import care
    except ModuleNotFoundError as error:
        raise missing_extra("postgres", error) from error
    return care.look_into(settings.url, *_shared(config), settings)


def open_merger(config: Config) -> AbstractAsyncContextManager[Merger]:
    """What merges the segments that `store.url` names: as the one process that writes them, or by turns with others
    where PostgreSQL names them. Raises ConfigError, also for a store that has none."""
    settings = config.store
    if _has_catalog(config, "merged", "its autovacuum gives room back"):
        from cordwood.store.segments.store import SegmentStore

        return SegmentStore(_path(config, settings.url, "store"), settings, is_writer=True)
    try:
        from cordwood.store.shared import care
    except ModuleNotFoundError as error:
        raise missing_extra("postgres", error) from error
    return care.merging(settings.url, *_shared(config), settings)


def _has_catalog(config: Config, done: str, instead: str) -> bool:
    """Whether segments have a catalog of their own, rather than PostgreSQL's. Raises ConfigError where there are none,
    telling what PostgreSQL does instead."""
    url = config.store.url
    match urlsplit(url).scheme:
        case "file":
            ensure_store(config)
            return True
        case "postgresql" | "postgres" if config.store.keep != "rows":
            return False
        case "postgresql" | "postgres":
            raise ConfigError(
                f"store.keep is rows: {redacted(url)!r} has no segments that could be {done}",
                hint=f"PostgreSQL looks after its tables itself: {instead}; `cordwood audit` counts the events",
            )
    raise unknown("store", url, "file: and postgresql://")


def ensure_store(config: Config) -> None:
    """Raises ConfigError where nobody has made the embedded store yet: who only looks must not, and find all well."""
    if urlsplit(config.store.url).scheme != "file":
        return
    path = _path(config, config.store.url, "store")
    if not (path / "catalog.sqlite").exists():
        raise ConfigError(
            f"there is no store in {path}", hint="name the data directory with --data-dir or CORDWOOD_DATA_DIR"
        )


def open_tenancy(config: Config) -> Tenancy:
    """Keys and limits, kept where the store's own bookkeeping is. Raises ConfigError."""
    url = config.store.url
    match urlsplit(url).scheme:
        case "file":
            from cordwood.tenancy.sqlite import SqliteTenancy

            return SqliteTenancy(config.data_dir / "keys.sqlite")
        case "postgresql" | "postgres":
            try:
                from cordwood.tenancy.postgres import PostgresTenancy
            except ModuleNotFoundError as error:
                raise missing_extra("postgres", error) from error
            return PostgresTenancy(url)
    raise unknown("store", url, "file: and postgresql://")


def open_alerts(config: Config) -> Tables:
    """Saved queries and alerts, kept where keys are. Raises ConfigError."""
    url = config.store.url
    match urlsplit(url).scheme:
        case "file":
            from cordwood.alerts.sqlite import SqliteTables

            return SqliteTables(config.data_dir / "alerts.sqlite")
        case "postgresql" | "postgres":
            try:
                from cordwood.alerts.postgres import PostgresTables
            except ModuleNotFoundError as error:
                raise missing_extra("postgres", error) from error
            return PostgresTables(url)
    raise unknown("store", url, "file: and postgresql://")


def open_keys(config: Config, tenancy: Tenancy) -> Door:
    """Configured and stored keys. Entering it fails where strangers would find the door open, or nobody a key."""
    may_be_open = is_loopback(config.http.host) or config.http.insecure
    return Door(tenancy, configured_grants(config.tenancy.api_keys), SystemClock(), may_be_open=may_be_open)


def _engine(config: Config) -> "Onward":
    """What goes on where PostgreSQL's own SQL cannot. Raises Unavailable."""
    from cordwood.store.segments.piping.onward import EngineOnward

    return EngineOnward(config.data_dir / "spill", config.store)


def _shared(config: Config) -> "tuple[Place, Path]":
    """Where the segments are that PostgreSQL names, and where on this machine is room for more than memory holds.

    Raises ConfigError.
    """
    settings, spill = config.store, config.data_dir / "spill"
    scheme, is_url, _ = settings.segments_dir.partition("://")
    if not is_url:
        from cordwood.store.shared.folder import Folder

        named = settings.segments_dir
        return Folder(Path(named) if named else config.data_dir / "shared-segments", SystemClock()), spill
    if scheme != "s3":
        raise ConfigError(
            f"store.segments_dir {redacted(settings.segments_dir)!r} has a scheme that is not known",
            hint="known are a directory, and s3://BUCKET/PREFIX",
        )
    try:
        from cordwood.store.shared.bucket import Bucket
    except ModuleNotFoundError as error:
        raise missing_extra("s3", error) from error
    return Bucket(settings, config.data_dir / "segment-copies", os.environ, SystemClock()), spill


def _path(config: Config, url: str, default: str) -> Path:
    path = urlsplit(url).path
    return Path(path) if path else config.data_dir / default
