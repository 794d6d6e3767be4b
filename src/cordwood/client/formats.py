"""Answered events → NDJSON, CSV or Parquet, as they come, in bounded memory."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from cordwood.client.search import parse_event
from cordwood.errors import Corrupt
from cordwood.model.event import message_of
from cordwood.model.zstd import ZstdCompressor
from cordwood.neutral import neutral_cell

Format = Literal["ndjson", "csv", "parquet"]
Compression = Literal["none", "gzip", "zstd"]

CSV_COLUMNS = ("id", "timestamp", "level", "service", "message", "data")

_BLOCK_LINES = 1000
_ZSTD_LEVEL = 3
_GZIP_LEVEL = 6


def suffix(form: Format, compression: Compression) -> str:
    """What a file of this kind is called at its end."""
    return f".{form}" + {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]


def write(lines: Iterable[bytes], form: Literal["ndjson", "csv"], compression: Compression, out: BinaryIO) -> None:
    """Write all events. Raises what `lines` raises, OSError, Corrupt for what is no event."""
    blocks = _ndjson(lines) if form == "ndjson" else _csv(lines)
    out.writelines(_compressed(blocks, compression))
    out.flush()


def _ndjson(lines: Iterable[bytes]) -> Iterator[bytes]:
    for block in in_blocks(lines):
        yield b"\n".join(block) + b"\n"


def _csv(lines: Iterable[bytes]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    # Every cell is quoted: a program that takes another separator begins no cell of its own in the middle of one.
    rows = csv.writer(text, quoting=csv.QUOTE_ALL)
    rows.writerow(CSV_COLUMNS)
    for block in in_blocks(lines):
        rows.writerows(map(_cells, block))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _cells(line: bytes) -> list[str]:
    event = parse_event(line)
    try:
        data: dict[str, Any] = msgspec.json.decode(event.data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Corrupt(f"event {event.id} is no JSON: {error}") from error
    cells = (event.id, event.timestamp, event.level, event.service, message_of(data), bytes(event.data).decode())
    return [neutral_cell(cell or "") for cell in cells]


def _compressed(blocks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    match compression:
        case "none":
            yield from blocks
        case "zstd":
            packer = ZstdCompressor(_ZSTD_LEVEL)
            for block in blocks:
                yield packer.compress(block)
            yield packer.flush()
        case "gzip":
            packed = io.BytesIO()
            with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as file:
                for block in blocks:
                    file.write(block)
                    yield packed.getvalue()
                    packed.seek(0)
                    packed.truncate()
            yield packed.getvalue()


def in_blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Some at once; what came before a failure is given, too."""
    block: list[bytes] = []
    for line in lines:
        block.append(line)
        if len(block) == _BLOCK_LINES:
            yield block
            block = []
    if block:
        yield block


def named(directory: Path, form: Format, compression: Compression, moment: str) -> Path:
    """The file that an export into a directory makes."""
    return directory / f"cordwood-{moment}{suffix(form, compression)}"
