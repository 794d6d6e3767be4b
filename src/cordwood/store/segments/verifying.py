"""Does a segment hold the events that it should? Asked of each, however well it looks: everything is read back."""

from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from cordwood.model.compose import compose
from cordwood.protocols.check import Object
from cordwood.store.care import Fault
from cordwood.store.segments.catalog_entries import Segment
from cordwood.store.segments.engine import Engine
from cordwood.store.segments.files import Files
from cordwood.store.segments.health import damage
from cordwood.store.segments.layout import BASE
from cordwood.store.segments.runs import runs_of

_objects = msgspec.json.Decoder(Object)


def fault_of(engine: Engine, files: Files, segment: Segment) -> Fault | None:
    """What is wrong with a segment. Reads all of it, into memory: call it in a thread. Raises Unavailable."""
    path = files.root / segment.path
    with files.hold([segment], is_kept=False) as hold:
        try:
            hold.fetch()
            size_bytes = path.stat().st_size
        except FileNotFoundError:
            return _fault("missing", segment, "its file is not there")
        except OSError as error:
            return _fault("damaged", segment, f"it cannot be read: {error.strerror}")
        if size_bytes != segment.size_bytes:
            return _fault("damaged", segment, f"it has {size_bytes:,} bytes; {segment.size_bytes:,} were written")
        reason = damage(engine, files, segment) or _unread(path, segment)
    return None if reason is None else _fault("damaged", segment, reason)


def _fault(kind: Literal["missing", "damaged"], segment: Segment, reason: str) -> Fault:
    return Fault(kind=kind, segment=segment.path, tenant=segment.tenant, events=segment.events, reason=reason)


def _unread(path: Path, segment: Segment) -> str | None:
    """Why its events do not read back as they were counted, or None when they do."""
    events = 0
    try:
        for shape, table in runs_of(path):
            events += _objects_in(shape, table)
            times = pc.min_max(table["ts"].cast(pa.int64())).as_py()
            if table.num_rows and not segment.min_us <= times["min"] <= times["max"] <= segment.max_us:
                return "it has events of times that the catalog does not know of"
    except (OSError, ValueError, KeyError, pa.ArrowException, msgspec.MsgspecError) as error:
        return f"its events cannot be read back: {error}".partition("\n")[0]
    return None if events == segment.events else f"{events:,} of its {segment.events:,} events can be read back"


def _objects_in(shape: str | None, table: pa.Table) -> int:
    """How many rows are JSON objects, as they are all to be. Raises what reading a wrong one does."""
    if shape is None:
        texts = table["raw"].combine_chunks()
    else:
        columns = {name: table[name].combine_chunks() for name in table.column_names[len(BASE) :]}
        texts = compose(shape, columns, table.num_rows)
    written = [text for text in texts.cast(pa.binary()).to_pylist() if text is not None]
    for text in written:
        _objects.decode(text)
    return len(written)
