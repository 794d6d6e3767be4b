"""What is in the distributions: all of the package, nothing of the workshop, and a description that indexes take."""

import email.policy
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

from packaging.metadata import Metadata

from cordwood import __version__
from tests.release.conftest import ROOT


def tracked(*folders: str) -> set[str]:
    """The files of the repository that git knows, or would add."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", *folders]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in names if (ROOT / name).exists()}


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    package = {name.removeprefix("src/") for name in tracked("src/cordwood")}
    about = f"cordwood-{__version__}.dist-info"
    licences = {"licenses/LICENSE", "licenses/src/cordwood/web/dist/licenses.md"}
    description = {"METADATA", "RECORD", "WHEEL", "entry_points.txt"} | licences
    assert set(files_of(wheel)) == package | {f"{about}/{name}" for name in description}
    assert {"cordwood/py.typed", "cordwood/web/dist/index.html"} <= package


def test_the_source_distribution_has_the_sources_of_the_package_and_of_the_page(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in archive.getnames()}
    at_the_root = {"CHANGELOG.md", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml", ".gitignore", "PKG-INFO"}
    assert names == tracked("src/cordwood", "web") | at_the_root


def test_a_wheel_that_somebody_builds_from_the_sources_is_the_same(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    """As pip does for a user: in an environment of its own, with whatever backend is the newest."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", tmp_path, sdist], cwd=tmp_path, check=True)
    (again,) = tmp_path.glob("*.whl")
    built, given = files_of(again), files_of(wheel)
    about = f"cordwood-{__version__}.dist-info"
    for names_the_backend in ("WHEEL", "RECORD"):
        del built[f"{about}/{names_the_backend}"], given[f"{about}/{names_the_backend}"]
    assert again.name == wheel.name
    assert built == given


def test_the_description_is_one_that_indexes_take(wheel: Path) -> None:
    written = files_of(wheel)[f"cordwood-{__version__}.dist-info/METADATA"]
    metadata = Metadata.from_email(written, validate=True)
    # Twine and older indexes refuse what is newer than they are.
    assert message_from_bytes(written, policy=email.policy.compat32)["Metadata-Version"] == "2.4"
    assert str(metadata.version) == __version__
    assert metadata.license_expression == "Apache-2.0 AND MIT"
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description is not None
    assert metadata.description.startswith("# Cordwood\n")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(metadata.provides_extra or ()) == set(extras)


def test_a_release_leads_to_where_it_is_kept() -> None:
    """What an index shows is no page of the repository: each link and picture says where it is."""
    project = "https://example.org/some/cordwood"
    told = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=ROOT,
        env={**os.environ, "PROJECT_URL": project},
        capture_output=True,
        text=True,
        check=True,
    )
    metadata = json.loads(told.stdout)
    assert metadata["urls"]["Source"] == project
    description = metadata["readme"]["text"]
    assert (
        f"![Search: bars over time, fields, events]({project}/raw/v{__version__}/docs/images/search.png)" in description
    )
    targets = re.findall(r"\]\(([^)]+)\)", description)
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith((f"{project}/", "#"))] == []
