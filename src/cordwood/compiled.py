"""Python → machine code: for the loops over bytes that no library has.

A compiled function takes and gives arrays and numbers, runs without the interpreter's lock, and checks no index: what
calls it answers for the sizes. Compiling takes seconds, once: the result is kept beside the source, or in the user's
cache directory. `NUMBA_BOUNDSCHECK=1` checks every index, for tests.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose first call compiles it, for the types of its arguments."""
    try:
        made: Callable[P, R] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # there is no directory to keep the result in
        made = numba.njit(nogil=True)(function)
    return made
