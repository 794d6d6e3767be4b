"""NDJSON: one JSON object a line (https://github.com/ndjson/ndjson-spec), blank lines ignored, CR LF tolerated."""

from collections.abc import Iterator

from cordwood.errors import BadRequest
from cordwood.protocols.check import count_good, error_of
from cordwood.protocols.decoded import Chunk, Decoded, Limits, Reject

CHUNK_BYTES = 2 << 20
"""Events travel in batches of about this size: large enough to amortise a commit, small enough that checking one
holds the interpreter for a few ms only."""


def decode(body: bytes, limits: Limits, *, has_lines: bool = True) -> Decoded:
    """Read NDJSON. `has_lines` False leaves line numbers out of the rejects (the sender did not see lines).

    Raises BadRequest when there are more bad events than `limits` allows.
    """
    chunks: list[Chunk] = []
    rejects: list[Reject] = []
    index, line = 0, 1
    for piece in _pieces(body):
        whole = piece if _is_plain(piece) else _normal(piece) + b"\n"
        if (count := count_good(whole, limits)) is not None:
            chunks.append(Chunk(whole, count))
            seen = lines = count
            if len(whole) != len(piece):
                lines = piece.count(b"\n")
        else:
            chunk, bad, seen = _one_by_one(piece, index, line, limits, limits.max_rejects - len(rejects))
            chunks += [chunk] if chunk.events else []
            rejects += bad
            lines = piece.count(b"\n")
        index, line = index + seen, line + lines
    if not has_lines:
        rejects = [Reject(reject.index, None, reject.error) for reject in rejects]
    return Decoded(chunks, rejects)


def _pieces(body: bytes) -> Iterator[bytes]:
    """The body cut after newlines into pieces of about CHUNK_BYTES, longer only where one line is."""
    if len(body) <= CHUNK_BYTES:
        yield body
        return
    start = 0
    while start < len(body):
        end = len(body)
        if end - start > CHUNK_BYTES:
            cut = body.rfind(b"\n", start, start + CHUNK_BYTES)
            cut = cut if cut >= 0 else body.find(b"\n", start + CHUNK_BYTES)
            end = cut + 1 if cut >= 0 else end
        yield body[start:end]
        start = end


def _is_plain(piece: bytes) -> bool:
    """Whether it is already as `_normal` would make it, a newline behind it: most are, and need no copy."""
    return piece.startswith(b"{") and piece.endswith(b"}\n") and b"\r" not in piece


def _normal(piece: bytes) -> bytes:
    """No carriage returns (JSON allows them only as white space), no newline at the ends."""
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return piece.strip(b" \t\n")


def _one_by_one(piece: bytes, index: int, line: int, limits: Limits, room: int) -> tuple[Chunk, list[Reject], int]:
    """The exact path. `index` and `line` are those of the piece's first line, `room` is left for rejects; also returns
    the events seen. Raises BadRequest."""
    good: list[bytes] = []
    bad: list[Reject] = []
    seen = 0
    for number, raw in enumerate(piece.split(b"\n"), line):
        event = _normal(raw)
        if not event:
            continue
        if (error := error_of(event, limits)) is None:
            good.append(event)
        else:
            bad.append(Reject(index + seen, number, error))
            if len(bad) > room:
                raise BadRequest(
                    f"more than {limits.max_rejects:,} events of this request cannot be taken; line {number}: {error}",
                    hint="is this JSON, one object a line? Nothing of this request was taken",
                )
        seen += 1
    return Chunk(b"".join(event + b"\n" for event in good), len(good)), bad, seen
