"""How a process asks the system for memory."""

import ctypes
import os

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_HEAPS = 1
_LARGE_BYTES = 8 << 20


def keep_memory_together() -> None:
    """Let all libraries use the C library's heap, and the C library one for all threads: what one thread, or one
    library, gives back is then there for the next. What is large goes back to the system at once. Call it before they
    are loaded.

    What the environment says already counts. Does nothing where the C library is another one than glibc.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is None:
        return
    if "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _HEAPS)
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
