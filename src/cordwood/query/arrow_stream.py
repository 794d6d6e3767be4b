"""An Arrow IPC stream, as it grows."""

import io
from collections.abc import Sequence

import pyarrow as pa


class ArrowStream:
    """Of one schema: every call gives the bytes that came since the last one."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._sink = io.BytesIO()
        self._writer = pa.ipc.new_stream(self._sink, schema)

    def add(self, columns: Sequence[pa.Array]) -> bytes:
        """Further rows."""
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        return self._taken()

    def end(self) -> bytes:
        """With names and types, if there were no rows."""
        self._writer.close()
        return self._taken()

    def _taken(self) -> bytes:
        taken = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return taken
