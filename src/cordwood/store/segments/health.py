"""Is a segment as it was written? Asked when something else has failed, to name the file."""

from collections.abc import Callable

import duckdb

from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.layout import NOT_AS_WRITTEN


def damage(engine: Engine, files: Files, segment: Segment) -> str | None:
    """Why a segment cannot be read as a whole, or None when it can. Reads all of it: call it in a thread.

    Raises Unavailable.
    """
    reason = _told_by(files.verify, segment)
    if reason is not None or segment.digest is not None:
        return reason
    path = files.root / segment.path
    cursor = engine.open()
    try:
        sql = "SELECT count(*), sum(hash(COLUMNS(*))::HUGEINT) FROM read_parquet($1)"
        events = cursor.execute(sql, [str(path)]).fetchall()[0][0]
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        return None
    except duckdb.Error as error:
        return str(error).partition("\n")[0]
    finally:
        engine.release(cursor)
    return None if events == segment.events else f"it has {events} events"


def glanced_damage(engine: Engine, files: Files, segment: Segment) -> str | None:
    """As `damage`, as far as it is found by looking at every file again and again."""
    return damage(engine, files, segment) if segment.digest is None else _told_by(files.glance, segment)


def _told_by(look: Callable[[Segment], None], segment: Segment) -> str | None:
    try:
        look(segment)
    except OSError as error:
        return error.strerror if error.strerror == NOT_AS_WRITTEN else f"it cannot be read: {error.strerror}"
    return None
