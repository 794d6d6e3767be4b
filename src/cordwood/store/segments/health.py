"""Is a segment as it was written? Asked when something else has failed, to name the file."""

from pathlib import Path

import duckdb

from cordwood.store.segments.catalog import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.layout import digest_of


def damage(engine: Engine, root: Path, segment: Segment) -> str | None:
    """Why a segment cannot be read as a whole, or None when it can. Reads all of it: call it in a thread."""
    path = root / segment.path
    try:
        if segment.digest is not None and digest_of(path) != segment.digest:
            return "its bytes are not those that were written"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if segment.digest is not None:
        return None
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
