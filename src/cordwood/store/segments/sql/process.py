"""The process that runs one question: it locks itself in before it looks at the text, answers, and ends.

It is told a `Job` on its standard input, and tells rows on its standard output. Whatever the engine can be made to do,
it has no environment, no secret, no other file, bounded memory and disk, and dies with the service.
"""

import os
import resource
import sys
import threading
from typing import BinaryIO

import duckdb
import msgspec
import pyarrow as pa

from cordwood.store.segments.sql.checking import Wrong, characters, check
from cordwood.store.segments.sql.job import END, FAILED, ROWS, Failure, Job, length_of, write_frame
from cordwood.store.segments.sql.viewing import make_view, paths_of

_THREADS = 2
_BLOCK_ROWS = 4096
_FRAME_BYTES = 4 << 20
MOST_ROW_BYTES = 16 << 20
_ROOM_BYTES = 2560 << 20
"""Beyond the engine's own bound: what its allocator sets apart, and what it does not count."""
_QUESTIONS = (
    duckdb.ProgrammingError,
    duckdb.DataError,
    duckdb.NotSupportedError,
    duckdb.InvalidInputException,
    duckdb.PermissionException,
)


def main() -> None:
    told, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Nothing else may write where rows go.
    os.dup2(2, 1)
    head = told.read(9)
    job = msgspec.json.decode(told.read(length_of(head)), type=Job)
    threading.Thread(target=_end_with, args=(told,), daemon=True).start()
    _bound(job)
    try:
        _answer(job, out)
    except Wrong as wrong:
        write_frame(out, FAILED, msgspec.json.encode(wrong.failure))
    except duckdb.Error as error:
        write_frame(out, FAILED, msgspec.json.encode(_failure(error, job)))
    except MemoryError:
        write_frame(out, FAILED, msgspec.json.encode(Failure("bound", "it takes more memory than a question may")))
    # Without the engine's farewell: whoever waits for the end has all of the answer.
    os._exit(0)


def _end_with(told: BinaryIO) -> None:
    """The service has gone, or wants no more."""
    told.read()
    os._exit(1)


def _bound(job: Job) -> None:
    """Of the operating system: what the engine does not count, or does wrong, ends here."""
    for what, most in (
        (resource.RLIMIT_DATA, job.memory_bytes + _ROOM_BYTES),
        (resource.RLIMIT_CPU, int(job.timeout_s * _THREADS) + 5),
        (resource.RLIMIT_FSIZE, job.spill_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))


def _answer(job: Job, out: BinaryIO) -> None:
    connection = opened(job)
    asked = check(connection, job.text)
    make_view(connection, job, asked.names)
    lock(connection)
    connection.execute(job.text)
    types = [str(column[1]) for column in connection.description or ()]
    reader = connection.to_arrow_reader(_BLOCK_ROWS)
    assert reader is not None, "a SELECT gives rows"
    schema = reader.schema.with_metadata({"types": msgspec.json.encode(types)})
    _write(out, pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema))
    for batch in reader:
        _write(out, pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    write_frame(out, END, b"")


def opened(job: Job) -> duckdb.DuckDBPyConnection:
    """An engine that can read these files, and write what does not fit into memory; nothing else."""
    connection = duckdb.connect(
        config={
            "threads": _THREADS,
            "memory_limit": f"{job.memory_bytes}B",
            "temp_directory": job.spill,
            "max_temp_directory_size": f"{job.spill_bytes}B",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "errors_as_json": True,
        }
    )
    connection.execute("SET TimeZone = 'UTC'; SET arrow_lossless_conversion = false")
    connection.execute("SET allowed_paths = $1", [paths_of(job.files)])
    connection.execute("SET enable_external_access = false")
    return connection


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """No setting can be changed from now on."""
    connection.execute("SET lock_configuration = true")


def _write(out: BinaryIO, batch: pa.RecordBatch) -> None:
    """In pieces that the service can hold. Raises Wrong for a row that is too large."""
    if batch.nbytes > _FRAME_BYTES and batch.num_rows > 1:
        half = batch.num_rows // 2
        _write(out, batch.slice(0, half))
        _write(out, batch.slice(half))
        return
    if batch.nbytes > MOST_ROW_BYTES:
        raise Wrong(Failure("bound", f"a row of the answer has more than {MOST_ROW_BYTES:,} bytes"))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    write_frame(out, ROWS, sink.getvalue().to_pybytes())


def _failure(error: duckdb.Error, job: Job) -> Failure:
    said = str(error)
    kind, _, body = said.partition(": ")
    try:
        told: dict[str, str] = msgspec.json.decode(body, type=dict[str, str])
    except msgspec.DecodeError:
        told = {"exception_message": said.partition("\n")[0]}
    message = told.get("exception_message", said)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Failure("bound", "it takes more memory, or room on the disk, than a question may")
    # What it says of a file, or of the function that makes events of its columns, is not the question's fault.
    is_ours = "Python exception" in message or any(file.path in message for file in job.files)
    if is_ours or not isinstance(error, _QUESTIONS):
        return Failure("failure", f"{kind}: {message.partition(chr(10))[0]}")
    if "position" not in told:
        return Failure("question", message)
    length = told.get("location", "").strip("[]").partition(",")[2] or "0"
    return Failure("question", message, *characters(job.text, int(told["position"]), length))


if __name__ == "__main__":
    main()
