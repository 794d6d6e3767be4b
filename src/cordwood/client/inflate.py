"""gzip and zstd files → their bytes, in bounded steps, told by their first bytes."""

import zlib
from collections.abc import Iterator

from cordwood.errors import Corrupt
from cordwood.model.zstd import ZstdDecompressor, ZstdError, memory_told_apart

HEAD_BYTES = 4
"""How much of a stream tells its compression."""

_STEP_BYTES = 1 << 20
"""A small block may unfold to gigabytes: it does so in steps of this size."""


class _GzipDecompressor:
    """zlib behind the interface of ZstdDecompressor."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_MAGIC: dict[bytes, type[_GzipDecompressor] | type[ZstdDecompressor]] = {
    b"\x1f\x8b\x08": _GzipDecompressor,
    b"\x28\xb5\x2f\xfd": ZstdDecompressor,
}


def inflated(blocks: Iterator[bytes], head: bytes) -> Iterator[bytes]:
    """`head` and then `blocks`, inflated if `head` says so; several compressed streams in a row are read as one.

    Raises Corrupt where the data is damaged or ends early, after giving all that could be read.
    """
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if kind is None:
        yield head
        yield from blocks
        return
    decoder = kind()
    data: bytes | None = head
    try:
        with memory_told_apart():
            while data is not None:
                if decoder.eof:
                    data = (decoder.unused_data + data).lstrip(b"\0")  # padding after a stream, as tar leaves it
                    if not data:
                        data = next(blocks, None)
                        continue
                    decoder = kind()
                yield decoder.decompress(data, _STEP_BYTES)
                while not decoder.eof and not decoder.needs_input:
                    yield decoder.decompress(b"", _STEP_BYTES)
                data = b"" if decoder.eof and decoder.unused_data else next(blocks, None)
    except (zlib.error, ZstdError) as error:
        raise Corrupt(f"the compressed data is damaged: {error}") from error
    if not decoder.eof:
        raise Corrupt("the compressed data ends early")
