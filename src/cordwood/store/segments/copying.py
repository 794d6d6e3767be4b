"""Staged batches → the rows of a segment: the statement that reads NDJSON and derives the columns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

from msgspec import Struct

from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.model.batch import BatchHeader
from cordwood.store.interface import Load
from cordwood.store.segments.derive_sql import NATIVE_FIELDS, derived, exact_fields
from cordwood.store.segments.layout import quoted


class Staged(Struct, frozen=True):
    """Lines in a file, and the batches they came in, in the same order."""

    path: Path
    headers: Sequence[BatchHeader]
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
        yield Staged(path, [load.batch.header for load in loads], dead)
    except OSError as error:
        raise Unavailable(
            f"cannot write {error.filename or path}: {error.strerror}", hint="free disk space, or look at the disk"
        ) from error
    finally:
        path.unlink(missing_ok=True)


def select_events(staged: Staged, now_us: int, *, is_exact: bool) -> tuple[str, dict[str, object]]:
    """A query for the columns of `layout`, with its values.

    Without `is_exact` it is twice as fast, and fails on an event that repeats a key which values are derived from.
    """
    # The engine sets aside twice the longest line that it must expect: no line is longer than its batch.
    longest = max(header.size_bytes for header in staged.headers)
    file = f"{quoted(staged.path)}, format = 'newline_delimited', maximum_object_size = {longest}"
    lines = f"SELECT json AS raw FROM read_json_objects({file})"
    # Side by side, line by line: the engine keeps the order of a file, and a property test holds it to that.
    if is_exact:
        events = exact_fields(lines)
    else:
        fields = f"read_json({file}, records = true, columns = {NATIVE_FIELDS})"
        events = f"SELECT raw, raw AS doc, f.* FROM ({lines}) POSITIONAL JOIN {fields} AS f"
    origins = """SELECT batch_id, received_us, unnest(range(events)) AS ordinal,
            unnest(range(start, start + events)) AS n
        FROM (SELECT unnest($batches::UUID[]) AS batch_id, unnest($received::BIGINT[]) AS received_us,
            unnest($events::BIGINT[]) AS events, unnest($starts::BIGINT[]) AS start)"""
    joined = f"SELECT * FROM ({events}) POSITIONAL JOIN ({origins})"
    counts = [header.events for header in staged.headers]
    values: dict[str, object] = {
        "now": now_us,
        "batches": [str(header.id) for header in staged.headers],
        "received": [header.received_at_us for header in staged.headers],
        "events": counts,
        "starts": list(accumulate(counts[:-1], initial=0)),
    }
    if staged.dead:
        joined = f"SELECT * FROM ({joined}) WHERE n NOT IN (SELECT unnest($dead::BIGINT[]))"
        values["dead"] = list(staged.dead)
    sql = f"""SELECT batch_id, ordinal::UINTEGER AS ordinal, make_timestamptz(coalesce(ts_us, received_us)) AS ts,
            make_timestamptz($now::BIGINT) AS inserted_at, derived_level AS level, derived_service AS service, raw
        FROM ({derived(joined, ["batch_id", "ordinal", "received_us", "raw"])})"""
    return sql, values
