"""Staged batches → the rows of a segment: the statement that reads NDJSON and derives the columns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import msgspec
from msgspec import Struct

from cordwood.clock import Clock
from cordwood.errors import Refused, Unavailable
from cordwood.model.batch import BatchHeader
from cordwood.model.derive import Columns
from cordwood.model.derive_many import derive_many
from cordwood.store.interface import Load
from cordwood.store.segments.derive_sql import NATIVE_FIELDS, derived
from cordwood.store.segments.layout import quoted


class Staged(Struct, frozen=True):
    """Lines in a file, and the batches they came in, in the same order."""

    path: Path
    headers: Sequence[BatchHeader]
    firsts: Sequence[int]
    """Each batch's first ordinal."""
    dead: Sequence[int]
    """Lines, counted from 0 over all batches, that go to the dead letters."""

    @property
    def events(self) -> int:
        """How many events the segment will have."""
        return sum(header.events for header in self.headers) - len(self.dead)


@contextmanager
def staged(directory: Path, loads: Sequence[Load], clock: Clock) -> Iterator[Staged]:
    """A file of all lines, removed after the block. Raises Unavailable, also for the block's OSErrors."""
    path = directory / f"{clock.batch_id()}.ndjson"
    starts = accumulate((load.batch.header.events for load in loads), initial=0)
    dead = [start + letter.ordinal for start, load in zip(starts, loads, strict=False) for letter in load.dead]
    try:
        # Expanded, as the worker holds them: reading the compressed bodies instead took 0.13 µs more an event.
        with path.open("wb") as file:
            file.writelines(load.ndjson for load in loads)
        yield Staged(path, [load.batch.header for load in loads], [load.first for load in loads], dead)
    except OSError as error:
        raise Unavailable(
            f"cannot write {error.filename or path}: {error.strerror}", hint="free disk space, or look at the disk"
        ) from error
    finally:
        path.unlink(missing_ok=True)


def derived_in_python(loads: Sequence[Load]) -> list[Columns]:
    """The derived columns of every line, by their definition: exact for any event, and slow. Raises Refused."""
    try:
        return [columns for load in loads for columns in derive_many(load.ndjson, load.batch.header.received_at_us)]
    except msgspec.DecodeError as error:
        raise Refused(f"an event is no valid JSON: {error}") from error


def select_events(staged: Staged, now_us: int, known: Sequence[Columns] | None) -> tuple[str, dict[str, object]]:
    """A query for the columns of `layout`, with its values.

    `known` are the derived columns of every line. Without them the engine derives them itself: that costs 20 ms to
    plan, then 1 µs an event, and fails on an event that repeats a key which values are derived from.
    """
    # The engine sets aside twice the longest line that it must expect: no line is longer than its batch.
    longest = max(header.size_bytes for header in staged.headers)
    file = f"{quoted(staged.path)}, format = 'newline_delimited', maximum_object_size = {longest}"
    # Side by side, line by line: the engine keeps the order of a file, and tests hold it to that.
    lines = f"(SELECT json::VARCHAR AS raw FROM read_json_objects({file})) POSITIONAL JOIN ({_ORIGINS})"
    counts = [header.events for header in staged.headers]
    values: dict[str, object] = {
        "now": now_us,
        "batches": [str(header.id) for header in staged.headers],
        "received": [header.received_at_us for header in staged.headers],
        "events": counts,
        "firsts": list(staged.firsts),
        "starts": list(accumulate(counts[:-1], initial=0)),
    }
    if known is None:
        joined = f"{lines} POSITIONAL JOIN read_json({file}, records = true, columns = {NATIVE_FIELDS})"
    else:
        joined = f"{lines} POSITIONAL JOIN ({_KNOWN})"
        values["known_ts"], values["known_levels"], values["known_services"] = map(list, zip(*known, strict=True))
    alive = f"SELECT * FROM {joined}"
    if staged.dead:
        alive += " WHERE n NOT IN (SELECT unnest($dead::BIGINT[]))"
        values["dead"] = list(staged.dead)
    events = derived(alive, ["batch_id", "ordinal", "received_us", "raw"]) if known is None else alive
    sql = f"""SELECT batch_id, ordinal::UINTEGER AS ordinal, make_timestamptz(coalesce(ts_us, received_us)) AS ts,
            make_timestamptz($now::BIGINT) AS inserted_at, derived_level AS level, derived_service AS service, raw
        FROM ({events})"""
    return sql, values


_ORIGINS = """SELECT batch_id, received_us, unnest(range(first, first + events)) AS ordinal,
        unnest(range(start, start + events)) AS n
    FROM (SELECT unnest($batches::UUID[]) AS batch_id, unnest($received::BIGINT[]) AS received_us,
        unnest($events::BIGINT[]) AS events, unnest($firsts::BIGINT[]) AS first, unnest($starts::BIGINT[]) AS start)"""
_KNOWN = """SELECT unnest($known_ts::BIGINT[]) AS ts_us, unnest($known_levels::VARCHAR[]) AS derived_level,
    unnest($known_services::VARCHAR[]) AS derived_service"""
