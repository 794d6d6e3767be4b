"""Python → machine code: for the loops over bytes that no library has.

A compiled function takes and gives arrays and numbers, runs without the interpreter's lock, and checks no index: what
calls it answers for the sizes. Compiling takes seconds, once: the result is kept beside the source, or in the user's
cache directory where that cannot be written to, beginning with what is beside the source; and it is made anew when any
file with such functions changes: they hold what they call. `NUMBA_BOUNDSCHECK=1` checks the index of each element, for
tests.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

_WORD = ir.IntType(64)
_settings: Any = numba.config  # made when it is imported
_native: Any = intrinsic  # its types tell nothing of what comes out


def sources_digest(package: Path) -> str:
    """Of all files with compiled functions, by what is in them."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(package.rglob("*.py")):
        source = path.read_bytes()
        if b"@compiled" in source:
            digest.update(source)
    return digest.hexdigest()


def kept_in(beside: Path, caches: Path) -> Path:
    """A directory for what is compiled: the one beside the source, or a copy of it in the user's caches where it can
    only be read. Raises OSError where there is neither."""
    with contextlib.suppress(OSError):
        beside.mkdir(parents=True, exist_ok=True)
    if os.access(beside, os.W_OK):
        return beside
    mine = caches / "cordwood" / beside.name
    if not mine.is_dir():
        mine.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=mine.parent) as folder:
            copy = shutil.copytree(beside, Path(folder, beside.name))
            with contextlib.suppress(OSError):  # another process was first
                copy.rename(mine)
    return mine


def _keep_beside_the_source() -> None:
    """Numba looks at the file of a function, and not at those of the functions that it calls."""
    package = Path(__file__).parent
    if not _settings.CACHE_DIR:  # the environment has not said
        with contextlib.suppress(OSError, RuntimeError):  # there is no place for it, or nobody whose home it could be
            caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
            beside = package / "__pycache__" / f"compiled-{sources_digest(package)}"
            _settings.CACHE_DIR = str(kept_in(beside, Path(caches)))


_keep_beside_the_source()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose first call compiles it, for the types of its arguments."""
    try:
        made: Callable[P, R] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # there is no directory to keep the result in
        made = numba.njit(nogil=True)(function)
    return made


def _word_at(_: Any, data: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(pointer, _WORD.as_pointer()), align=1)

    return types.uint64(data, types.intp), code


def _put_word(_: Any, data: Any, place: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(pointer, _WORD.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(data, types.intp, types.uint64), code


def _low_zeros(_: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.intp(types.uint64), code


# For compiled functions only.
word_at: Callable[[NDArray[np.uint8], int], np.uint64] = _native(_word_at)
"""Eight bytes from any place of an array of bytes, the first one lowest."""
put_word: Callable[[NDArray[np.uint8], int, np.uint64], None] = _native(_put_word)
"""The reverse."""
low_zeros: Callable[[np.uint64], int] = _native(_low_zeros)
"""How many bits below the lowest one that is set."""
