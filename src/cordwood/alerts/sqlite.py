"""The book in a SQLite file: for the embedded platform. Any number of processes read and write it."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import LiteralString
from uuid import UUID

from cordwood.alerts.interface import Rows
from cordwood.db.sqlite import DatabaseThread, hint_for, migrate, open_database, unusable
from cordwood.errors import Unavailable

_SCHEMA = (
    """
    CREATE TABLE saved_queries (
        tenant TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, PRIMARY KEY (tenant, name)
    );
    CREATE TABLE alert_rules (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        rule TEXT NOT NULL,
        state TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        try_at INTEGER NOT NULL,
        claim TEXT,
        PRIMARY KEY (tenant, name)
    );
    CREATE INDEX alert_rules_try_at ON alert_rules (try_at);
    CREATE TABLE alert_silences (
        tenant TEXT NOT NULL, id TEXT NOT NULL, silence TEXT NOT NULL, ends_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, id)
    );
    CREATE TABLE alert_history (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, rule TEXT NOT NULL, at INTEGER NOT NULL, entry TEXT NOT NULL
    );
    CREATE INDEX alert_history_id ON alert_history (tenant, id);
    CREATE TABLE alert_letters (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        entry TEXT NOT NULL,
        tenant TEXT NOT NULL,
        lane TEXT NOT NULL,
        letter TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        try_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        error TEXT NOT NULL,
        done_at INTEGER,
        claim TEXT
    );
    CREATE INDEX alert_letters_waiting ON alert_letters (tenant, lane, number) WHERE status = 'waiting';
    CREATE INDEX alert_letters_entry ON alert_letters (entry)
    """,
    """
    CREATE TABLE dashboards (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        title TEXT NOT NULL,
        about TEXT NOT NULL,
        panels INTEGER NOT NULL,
        dashboard TEXT NOT NULL,
        PRIMARY KEY (tenant, name)
    )
    """,
)
"""Numbered from 1, forward only; never edited once released."""


class SqliteTables:
    """One file. Writes are synced; a writer waits for another, so nothing needs to be skipped."""

    skip_locked: LiteralString = ""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> "SqliteTables":
        """Makes the file when it is missing. Raises ConfigError."""
        self._thread = DatabaseThread(await asyncio.to_thread(self._open), "alerts")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._thread.close()

    def _open(self) -> sqlite3.Connection:
        connection = open_database(self._path, synchronous="FULL")
        try:
            # It holds secrets of receivers.
            self._path.chmod(0o600)
            migrate(connection, _SCHEMA)
        except (sqlite3.Error, OSError) as error:
            connection.close()
            raise (unusable(self._path, error) if isinstance(error, sqlite3.Error) else error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Rows]:
        rows = _Rows(self._thread, self._path)
        async with self._turn:
            await rows.fetch("BEGIN IMMEDIATE")
            try:
                yield rows
                await rows.fetch("COMMIT")
            except BaseException:
                # Also when nobody waits any more: the next one finds the connection free.
                await asyncio.shield(self._thread.run(_roll_back))
                raise


class _Rows:
    def __init__(self, thread: DatabaseThread, path: Path) -> None:
        self._thread = thread
        self._path = path

    async def fetch(self, sql: LiteralString, *values: object) -> Sequence[Sequence[object]]:
        # `$1` is a named parameter to SQLite.
        bound = {str(number): _plain(value) for number, value in enumerate(values, 1)}
        try:
            return await self._thread.run(lambda connection: connection.execute(sql, bound).fetchall())
        except sqlite3.Error as error:
            raise Unavailable(f"cannot use {self._path}: {error}", hint=hint_for(error)) from error


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
