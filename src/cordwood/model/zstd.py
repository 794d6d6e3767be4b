"""Zstandard, from the standard library where it is (3.14), else from its backport."""

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor, ZstdDecompressor, ZstdError, compress
else:
    from backports.zstd import ZstdCompressor, ZstdDecompressor, ZstdError, compress

__all__ = ["ZstdCompressor", "ZstdDecompressor", "ZstdError", "compress", "memory_told_apart"]

# As libzstd's bindings and zlib's (Z_MEM_ERROR) say it: they have no kind of their own for it.
_NO_MEMORY = ("Unable to create ZSTD_", "Allocation error", "Error -4 ")


@contextmanager
def memory_told_apart() -> Iterator[None]:
    """Within it, inflating that finds no memory raises MemoryError, and not what is raised for damaged data: there is
    nothing wrong with the data, and it must not be given up."""
    try:
        yield
    except (ZstdError, zlib.error) as error:
        if any(words in str(error) for words in _NO_MEMORY):
            raise MemoryError(str(error)) from error
        raise
