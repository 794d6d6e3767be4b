"""Compiled loops check no index themselves: here they do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    ("file", "chosen"),
    [
        ("test_shred.py", "come_back or no_json or escapes or share or repeat or picked or large"),
        ("test_decoders.py", "counted or compiled"),
    ],
)
def test_no_compiled_loop_reads_or_writes_beyond_its_arrays(file: str, chosen: str, tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-k", chosen, str(_TESTS / file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
