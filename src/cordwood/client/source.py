"""Files and standard input → events with their places."""

from collections.abc import Iterator
from itertools import chain, count, repeat
from typing import Literal

import msgspec

from cordwood.client.batches import Batch
from cordwood.client.documents import Documents, Value, begins_document
from cordwood.client.inflate import HEAD_BYTES, inflated
from cordwood.client.lines import MAX_LINE_BYTES, Lines, Overlong, Run
from cordwood.errors import Corrupt
from cordwood.protocols.decoded import Limits
from cordwood.protocols.text import LineFormat, event_of

Format = Literal["json"] | LineFormat
"""`json` is passed on byte for byte; the others are made into events line by line."""

_Found = Literal["document"] | Format

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_MAX_BLANK_BYTES = 1 << 20
_LIMITS = Limits()


class Refusal(msgspec.Struct, frozen=True):
    """An event that is not even sent."""

    source: str
    line: int
    error: str


class Unread(msgspec.Struct, frozen=True):
    """Lines that do not follow the wanted format, and are sent as messages; `line` is the first of them."""

    source: str
    line: int
    lines: int


Read = Batch | Refusal | Unread


class _Failing(Iterator[bytes]):
    """Fails where the blocks failed: behind what could be read of them."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __next__(self) -> bytes:
        raise self._error


def events_of(source: str, blocks: Iterator[bytes], wanted: Format | None) -> Iterator[Read]:
    """Read one file. Without a wanted format its first bytes tell: JSON, else plain text.

    Lines that hold nothing but white space are no events. Raises Corrupt (after giving all that could be read), and
    what `blocks` raises.
    """
    plain = inflated(blocks, _head(blocks))
    head, found, rest = _sniffed(plain, wanted)
    text = chain([head], rest)
    yield from _document_events(source, text) if found == "document" else _line_events(source, text, found)


def _head(blocks: Iterator[bytes]) -> bytes:
    """Enough to tell whether it is compressed. What has a newline so early is not, and its writer may be slow."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD_BYTES or b"\n" in head:
            break
    return head


def _sniffed(blocks: Iterator[bytes], wanted: Format | None) -> tuple[bytes, _Found, Iterator[bytes]]:
    """The bytes that were looked at, without a byte order mark; what they begin; and the blocks behind them."""
    head = b""
    rest: Iterator[bytes] = iter(())
    try:
        for block in blocks:
            head += block
            if not _BOM.startswith(head):
                found = _format_of(head.removeprefix(_BOM).lstrip(_BLANK), False, wanted)
                if found is not None or len(head) > _MAX_BLANK_BYTES:
                    return head.removeprefix(_BOM), found or "text", blocks
    except (OSError, Corrupt) as error:
        rest = _Failing(error)
    head = head.removeprefix(_BOM)
    return head, _format_of(head.lstrip(_BLANK), True, wanted) or "text", rest


def _format_of(head: bytes, is_all: bool, wanted: Format | None) -> _Found | None:
    """None when more must be seen."""
    if wanted is not None and wanted != "json":
        return wanted
    if not head:
        return None
    if head[:1] not in (b"{", b"["):
        return wanted or "text"
    is_document = begins_document(head, is_all)
    if is_document is None:
        return None
    if is_document:
        return "document"
    return "json" if head[:1] == b"{" else wanted or "text"


def _document_events(source: str, blocks: Iterator[bytes]) -> Iterator[Read]:
    documents = Documents()
    for block in blocks:
        yield from _gathered(source, documents.feed(block))
    yield from _gathered(source, documents.end())


def _gathered(source: str, values: Iterator[Value]) -> Iterator[Read]:
    good: list[Value] = []
    try:
        for value in values:
            if value.error is None:
                good.append(value)
            else:
                yield Refusal(source, value.line, value.error)
    except Corrupt:
        yield _batch(source, good)
        raise
    yield _batch(source, good)


def _batch(source: str, values: list[Value]) -> Batch:
    return Batch([value.json for value in values], [(source, value.line) for value in values])


def _line_events(source: str, blocks: Iterator[bytes], line_format: Format) -> Iterator[Read]:
    lines = Lines()
    try:
        for block in blocks:
            yield from _of_runs(source, lines.feed(block), line_format)
    except (OSError, Corrupt):
        # A file may stop being readable in its middle; what came before is not given up.
        yield from _of_runs(source, lines.end(), line_format)
        raise
    yield from _of_runs(source, lines.end(), line_format)


def _of_runs(source: str, runs: Iterator[Run | Overlong], line_format: Format) -> Iterator[Read]:
    for run in runs:
        if isinstance(run, Overlong):
            error = f"the line has {run.size_bytes:,} bytes; at most {MAX_LINE_BYTES:,} are sent"
            yield Refusal(source, run.line, error)
        else:
            yield from _of_run(source, run, line_format)


def _of_run(source: str, run: Run, line_format: Format) -> Iterator[Read]:
    lines = run.lines
    places = list(zip(repeat(source, len(lines)), count(run.first)))
    if not all(line.strip(_BLANK) for line in lines):
        kept = [(line, place) for line, place in zip(lines, places, strict=True) if line.strip(_BLANK)]
        lines, places = [line for line, _ in kept], [place for _, place in kept]
    if line_format == "json":
        yield Batch(lines, places)
        return
    found = [event_of(line.removesuffix(b"\r"), line_format, _LIMITS) for line in lines]
    # Before its batch: behind the last one, an import would make a part of it that has no events.
    if unread := [line for (_, follows), (_, line) in zip(found, places, strict=True) if not follows]:
        yield Unread(source, unread[0], len(unread))
    yield Batch([event for event, _ in found], places)
