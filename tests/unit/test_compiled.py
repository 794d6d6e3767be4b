"""Compiled loops check no index themselves: here they do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cordwood.compiled import kept_in, sources_digest

_TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    ("file", "chosen"),
    [
        ("test_shred.py", "come_back or no_json or escapes or share or repeat or picked or large"),
        ("test_decoders.py", "counted or compiled"),
        ("test_patterns.py", "masked or wildcard or matches or matter or any_bytes or long_message"),
    ],
)
def test_no_compiled_loop_reads_or_writes_beyond_its_arrays(file: str, chosen: str, tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-k", chosen, str(_TESTS / file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_what_was_compiled_is_made_anew_when_a_function_that_is_called_changes(tmp_path: Path) -> None:
    called, other = tmp_path / "inner" / "called.py", tmp_path / "other.py"
    called.parent.mkdir()
    called.write_text("@compiled\ndef f(): return 1\n")
    other.write_text("def g(): return 1\n")
    before = sources_digest(tmp_path)
    other.write_text("def g(): return 2\n")
    assert sources_digest(tmp_path) == before
    called.write_text("@compiled\ndef f(): return 2\n")
    assert sources_digest(tmp_path) != before


def test_what_is_beside_the_source_is_used_where_it_can_be_written(tmp_path: Path) -> None:
    beside = tmp_path / "compiled-1"
    assert kept_in(beside, tmp_path / "caches") == beside
    assert beside.is_dir()


def test_what_can_only_be_read_is_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "compiled-1"
    (beside / "store").mkdir(parents=True)
    (beside / "store" / "f.nbc").write_text("machine code")
    monkeypatch.setattr(os, "access", lambda path, _: path != beside)  # root may write whatever the mode says
    mine = kept_in(beside, tmp_path / "caches")
    assert mine == tmp_path / "caches" / "cordwood" / "compiled-1"
    assert (mine / "store" / "f.nbc").read_text() == "machine code"
    (mine / "store" / "g.nbc").write_text("more")
    assert kept_in(beside, tmp_path / "caches") == mine, "what was added stays"
    assert (mine / "store" / "g.nbc").exists()
    assert [entry.name for entry in mine.parent.iterdir()] == ["compiled-1"], "no half of a copy is left"


def test_nowhere_to_keep_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="Not a directory"):
        kept_in(tmp_path / "file" / "compiled-1", tmp_path / "file")
