"""How a process asks the system for memory."""

import ctypes
import os

_M_ARENA_MAX = -8
_ARENAS = 2


def keep_memory_together() -> None:
    """Let all libraries use the C library's heap, and the C library few of them: what one thread, or one library, gives
    back is then there for the next. Call it before they are loaded.

    What the environment says already counts. Does nothing where the C library is another one than glibc.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _ARENAS)
