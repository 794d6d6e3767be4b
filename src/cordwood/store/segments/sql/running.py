"""A job → a process that does it, and its rows as they come."""

import asyncio
import contextlib
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pyarrow as pa

from cordwood.errors import BadQuery, BadRequest, CordwoodError, Unavailable
from cordwood.store.segments.sql.job import END, HEAD_BYTES, ROWS, Failure, Job, frame, length_of
from cordwood.store.selecting import Column, Rows

_MODULE = "cordwood.store.segments.sql.process"


class Unreadable(Unavailable):
    """The engine failed at the files that it was given, or at something of the machine."""

    status = 503
    label = "unavailable"


async def run(job: Job) -> AsyncGenerator[Rows, None]:
    """The rows of a job. Closing it kills the process. Raises BadQuery, BadRequest, Unreadable, Unavailable."""
    deadline = asyncio.get_running_loop().time() + job.timeout_s
    async with _process(Path(job.spill)) as process:
        assert process.stdin is not None and process.stdout is not None, "they are pipes"
        told = msgspec.json.encode(job)
        try:
            async with asyncio.timeout_at(deadline):
                process.stdin.write(frame(b"J", told) + told)
                await process.stdin.drain()
            while True:
                async with asyncio.timeout_at(deadline):
                    head = await process.stdout.readexactly(HEAD_BYTES)
                    payload = await process.stdout.readexactly(length_of(head))
                match head[:1]:
                    case bytes(kind) if kind == ROWS:
                        yield await asyncio.to_thread(_rows, payload)
                    case bytes(kind) if kind == END:
                        return
                    case _:
                        raise _error(msgspec.json.decode(payload, type=Failure), job)
        except TimeoutError as error:
            raise Unavailable(
                f"the question took more than {job.timeout_s:g} s and was stopped",
                hint="ask for less, with start and end, or raise store.sql_timeout_s",
            ) from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if await process.wait() >= 0:
                raise Unavailable("the process that runs the question failed", hint="ask again") from error
            # The operating system ended it: it has no other bounds than those of memory, disk and processor time.
            raise BadRequest(
                "the question was stopped: it takes more memory, or room on the disk, than one may",
                hint="ask for less, or raise store.sql_memory_bytes and store.sql_spill_bytes",
            ) from error


@contextlib.asynccontextmanager
async def _process(spill: Path) -> AsyncGenerator[Process, None]:
    """It has no environment but the way to its modules, and is gone, with what it put aside, behind the block."""
    await asyncio.to_thread(spill.mkdir, parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-s", "-P", "-B", "-m", _MODULE),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=spill,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path), "LC_ALL": "C.UTF-8"},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(_buried(process, spill))


async def _buried(process: Process, spill: Path) -> None:
    await process.wait()
    await asyncio.to_thread(shutil.rmtree, spill, ignore_errors=True)


def _rows(payload: bytes) -> Rows:
    with pa.ipc.open_stream(payload) as reader:
        types = msgspec.json.decode(reader.schema.metadata[b"types"], type=list[str])
        columns = [Column(field.name, kind.lower()) for field, kind in zip(reader.schema, types, strict=True)]
        batch = reader.read_next_batch()
    return Rows(columns, batch.replace_schema_metadata(None))


def _error(failure: Failure, job: Job) -> CordwoodError:
    match failure.kind:
        case "question":
            message, _, hint = failure.message.partition("\n")
            return BadQuery(
                message, query=job.text, position=failure.position or 0, length=failure.length, hint=hint.strip()
            )
        case "bound":
            hint = "ask for less, or raise store.sql_memory_bytes and store.sql_spill_bytes"
            return BadRequest(f"the question was stopped: {failure.message}", hint=hint)
        case "failure":
            return Unreadable(f"the segments cannot be asked: {failure.message}", hint="run `cordwood store check`")
