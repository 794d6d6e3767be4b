"""A process's disk and clock, gone wrong: what `trouble.c` does, told through a file."""

import shutil
import struct
import subprocess
from pathlib import Path

from tests.support.not_here import NotHere

_SOURCE = Path(__file__).with_name("trouble.c")
_LAYOUT = struct.Struct("=qq")


class Trouble:
    """One control file, for all processes that are started with `environment`."""

    def __init__(self, directory: Path) -> None:
        """Raises NotHere where there is no C compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise NotHere("making clocks jump and syncs fail needs a C compiler")
        library = directory / "trouble.so"
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
        self._file = directory / "trouble"
        self._file.write_bytes(_LAYOUT.pack(0, 0))
        self._offset_ns = self._syncs_fail = 0
        self.environment = {"LD_PRELOAD": str(library), "TROUBLE": str(self._file)}

    def shift_clock(self, seconds: float) -> None:
        """Add to the wall clock, from now on."""
        self._offset_ns = int(seconds * 1e9)
        self._tell()

    def fail_syncs(self, *, fail: bool) -> None:
        """fsync and fdatasync fail with EIO, from now on."""
        self._syncs_fail = int(fail)
        self._tell()

    def _tell(self) -> None:
        with self._file.open("r+b") as file:  # in place: the processes have it mapped
            file.write(_LAYOUT.pack(self._offset_ns, self._syncs_fail))
