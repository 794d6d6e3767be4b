"""Answered events → one Parquet file, through a pipe into the engine, in bounded memory."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

import duckdb
import msgspec

from cordwood.client.formats import in_blocks
from cordwood.client.search import parse_event
from cordwood.errors import CordwoodError, Unavailable

# Cells are JSON text, in which this character cannot stand by itself.
_BETWEEN = b"\x1f"
_COPY = """
    COPY (
        SELECT id::UUID AS id, timestamp::TIMESTAMPTZ AS timestamp, inserted_at::TIMESTAMPTZ AS inserted_at,
            level ->> '$' AS level, service ->> '$' AS service, data
        FROM read_csv(
            {pipe}, auto_detect = false, header = false, delim = '\x1f', quote = '', escape = '',
            nullstr = '\x1e', new_line = '\\n', parallel = false, max_line_size = 4194304, buffer_size = 8388608,
            columns = {{id: 'VARCHAR', timestamp: 'VARCHAR', inserted_at: 'VARCHAR', level: 'VARCHAR',
                service: 'VARCHAR', data: 'VARCHAR'}}
        )
    ) TO {file} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536, ROW_GROUP_SIZE_BYTES '32MB')
"""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,  # more would not keep the order
    "memory_limit": "384MB",
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def write_parquet(lines: Iterable[bytes], path: Path) -> None:
    """Write all events. Raises what `lines` raises, Unavailable when the engine cannot write: then the file is not
    whole."""
    reading, writing = os.pipe()
    copy = _Copy(path, reading)
    copy.start()
    try:
        with os.fdopen(writing, "wb") as pipe:
            for block in in_blocks(lines):
                pipe.write(b"".join(map(_row, block)))
    except BrokenPipeError as error:
        copy.join()
        raise copy.failure or Unavailable("the Parquet writer stopped") from error
    finally:
        copy.join()
    if copy.failure is not None:
        raise copy.failure


class _Copy(threading.Thread):
    """The engine at the other end of the pipe."""

    def __init__(self, path: Path, reading: int) -> None:
        super().__init__(name="parquet", daemon=True)
        self.failure: CordwoodError | None = None
        self._path = path
        self._reading = reading

    def run(self) -> None:
        try:
            with duckdb.connect(config={**_CONFIG, "temp_directory": f"{self._path}.spill"}) as connection:
                connection.execute("SET GLOBAL TimeZone = 'UTC'")
                pipe = _text(f"/dev/fd/{self._reading}")
                connection.execute(_COPY.format(pipe=pipe, file=_text(str(self._path))))
        except duckdb.Error as error:
            self.failure = Unavailable(f"the Parquet file cannot be written: {str(error).partition(chr(10))[0]}")
        finally:
            # Whoever writes into the pipe learns of the end.
            os.close(self._reading)


def _row(line: bytes) -> bytes:
    event = parse_event(line)
    cells = (
        event.id.encode(),
        event.timestamp.encode(),
        event.inserted_at.encode(),
        _json(event.level),
        _json(event.service),
        bytes(event.data),
    )
    return _BETWEEN.join(cells) + b"\n"


def _json(text: str | None) -> bytes:
    return msgspec.json.encode(text)


def _text(text: str) -> str:
    """Where the engine takes no bound value."""
    return "'" + text.replace("'", "''") + "'"
