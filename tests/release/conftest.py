"""What `make dist` has built, and environments that have nothing but what a user installs."""

import importlib.metadata
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
_LOCK = ROOT / "requirements" / "run.txt"


def _built(pattern: str) -> Path:
    found = list((ROOT / "dist").glob(pattern))
    assert len(found) == 1, f"one {pattern} in dist/: run `make dist`"
    return found[0]


@pytest.fixture(scope="session")
def wheel() -> Path:
    return _built("*.whl")


@pytest.fixture(scope="session")
def sdist() -> Path:
    return _built("*.tar.gz")


class Environment:
    """A virtual environment without even pip."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.bin = folder / "bin"

    def install(self, *arguments: str | Path) -> None:
        """As `pip install` in it."""
        done = self._pip("install", "--quiet", "--no-compile", *arguments)
        assert done.returncode == 0, done.stderr

    def check(self) -> str:
        """What pip finds missing or unfit."""
        return self._pip("check").stdout

    def names(self) -> set[str]:
        """Of the distributions in it."""
        lines = self._pip("list", "--format=freeze").stdout.splitlines()
        return {canonicalize_name(re.split(r"==| @ ", line)[0]) for line in lines}

    def _pip(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.bin / "python")]
        return subprocess.run([*pip, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def core(wheel: Path) -> set[str]:
    """The distributions that the wheel needs without extras, here: its requirements, and theirs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        wanted = list(Metadata.from_email(archive.read(name)).requires_dist or ())
    found: set[str] = set()
    while wanted:
        each = wanted.pop()
        name = canonicalize_name(each.name)
        if name not in found and (each.marker is None or each.marker.evaluate({"extra": ""})):
            found.add(name)
            wanted += map(Requirement, importlib.metadata.requires(name) or ())
    return found


def locked(names: set[str], file: Path, *, others: bool = False) -> Path:
    """A lock file of only these distributions, or of all but these, with their hashes."""
    blocks = re.split(r"\n(?=\S)", _LOCK.read_text().strip())
    chosen = [block for block in blocks if (_name(block) in names) is not others]
    file.write_text("\n".join(chosen) + "\n")
    return file


def _name(block: str) -> str:
    return canonicalize_name(block.partition("==")[0])


@pytest.fixture(scope="session")
def installed(wheel: Path, core: set[str], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel with what it requires, in the versions and with the hashes of the lock file: no extra, no tool."""
    folder = tmp_path_factory.mktemp("installed")
    environment = Environment(folder / "env")
    environment.install("--require-hashes", "--no-deps", "--requirement", locked(core, folder / "core.txt"))
    environment.install("--no-deps", wheel)
    return environment
