"""Content-Encoding, undone within bounds: a small body must not become a large one unseen."""

import zlib
from typing import Protocol

from cordwood.errors import BadRequest, TooLarge, UnsupportedMedia
from cordwood.model.zstd import ZstdDecompressor, ZstdError, memory_told_apart

ENCODINGS = ("gzip", "deflate", "zstd")

_FIRST_WINDOW_BYTES = 1 << 10
_MAX_MEMBERS = 16_384
"""Of gzip members or zstd frames. Tools that cut a file into members make one of every 64 KiB or more, a thousand in
a body as large as is taken."""


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: memoryview, max_length: int) -> bytes: ...


def coding_of(content_encoding: str) -> str | None:
    """The one coding to undo, or None. Raises UnsupportedMedia."""
    coding = content_encoding.strip().lower().removeprefix("x-")
    if coding in ("", "identity"):
        return None
    if coding not in ENCODINGS:
        raise UnsupportedMedia(
            f"content encoding {content_encoding[:40]!r} is not taken here",
            hint=f"send one of {', '.join(ENCODINGS)}, or none",
        )
    return coding


def inflate(body: bytes, coding: str, max_bytes: int) -> bytes:
    """The bytes behind one coding (RFC 9110 §8.4.1, RFC 8878), all members and frames of it. CPU-heavy.

    Raises TooLarge as soon as the result passes `max_bytes`, BadRequest when the data is damaged, cut off or in more
    pieces than anyone would send; MemoryError.
    """
    parts: list[bytes] = []
    room = max_bytes
    at = members = 0
    data = memoryview(body)
    while at < len(data):
        if members == (1 if coding == "deflate" else _MAX_MEMBERS):
            raise BadRequest(
                f"something follows the {coding} body" if members == 1 else f"the body has over {members:,} members",
                hint="compress the body as a whole",
            )
        with memory_told_apart():
            inflater = _inflater(coding, data[at:])
        # What follows a member is copied when it ends: with many, that must not be all the rest.
        window = _FIRST_WINDOW_BYTES if members else len(data)
        while not inflater.eof:
            piece = data[at : at + window]
            if not piece:
                raise BadRequest(f"the {coding} body is cut off", hint="send the whole body again")
            try:
                with memory_told_apart():
                    part = inflater.decompress(piece, room + 1)
            except (zlib.error, ZstdError) as error:
                raise BadRequest(
                    f"the body is not valid {coding}: {error}",
                    hint="check that Content-Encoding names what was done to the body",
                ) from error
            if len(part) > room:
                raise TooLarge(
                    f"the body inflates to more than {max_bytes:,} bytes", hint="send it in several requests"
                )
            parts.append(part)
            room -= len(part)
            at += len(piece) - len(inflater.unused_data)
            window *= 2
        members += 1
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _inflater(coding: str, data: memoryview) -> _Inflater:
    if coding == "zstd":
        return ZstdDecompressor()
    if coding == "gzip":
        return zlib.decompressobj(wbits=31)
    # "deflate" means zlib (RFC 9110 §8.4.1.2), but some clients send the bare stream.
    is_zlib = len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return zlib.decompressobj(wbits=15 if is_zlib else -15)
