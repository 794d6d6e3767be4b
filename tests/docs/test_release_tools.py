"""What a release is made with: its notes, the tags of its image, and workflows that call what exists."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tools.changelog import notes, section, version_of

from cordwood import __version__

ROOT = Path(__file__).parents[2]
PACKAGE = '"""Cordwood."""\n\n__version__ = "1.2.3"\n'
CHANGELOG = (
    "# Changelog\n\n## 1.2.3 (2026-12-01)\n\n- Good news.\n- More of it.\n\n## 1.2.2 (2026-11-01)\n\n- Old news.\n"
)


def test_the_notes_are_what_the_changelog_says_of_the_version() -> None:
    assert notes("v1.2.3", PACKAGE, CHANGELOG) == "- Good news.\n- More of it.\n"


def test_the_first_release_has_notes_too() -> None:
    assert section("# Changelog\n\n## 0.1.0 (2026-12-01)\n\n- All.\n", "0.1.0") == "- All.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "says"),
    [
        ("v1.2.4", CHANGELOG, "the tag must be v1.2.3"),
        ("1.2.3", CHANGELOG, "the tag must be v1.2.3"),
        ("v1.2.3", CHANGELOG.replace("1.2.3 (2026-12-01)", "Unreleased"), "rename “## Unreleased”"),
        ("v1.2.3", CHANGELOG.replace("(2026-12-01)", ""), "no line “## 1.2.3 (YYYY-MM-DD)”"),
        ("v1.2.3", CHANGELOG.replace("2026-12-01", "2026-13-01"), "month must be in 1..12"),
        ("v1.2.3", CHANGELOG.replace("- Good news.\n- More of it.\n", ""), "says nothing"),
        ("v1.2.3", CHANGELOG.replace("## 1.2.3", "## Unreleased\n\n- Left.\n\n## 1.2.3"), "“Unreleased” above 1.2.3"),
    ],
)
def test_a_release_that_does_not_agree_with_itself_is_refused(tag: str, changelog: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        notes(tag, PACKAGE, changelog)


def test_the_version_is_read_from_the_package() -> None:
    assert version_of((ROOT / "src/cordwood/__init__.py").read_text()) == __version__


@pytest.mark.parametrize(("version", "tags"), [("1.2.3", ["1.2.3", "1.2", "latest"]), ("1.3.0rc1", ["1.3.0rc1"])])
def test_an_image_gets_the_tags_of_its_version(tmp_path: Path, version: str, tags: list[str]) -> None:
    asked = tmp_path / "asked"
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n[ "$3" = create ] || echo \'{{"digest":"sha256:cafe"}}\'\n')
    docker.chmod(0o755)
    done = subprocess.run(
        ["bash", ROOT / "tools/tag_image.sh", "registry.example/us/logs", version, "digests/aa", "digests/bb"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    created = asked.read_text().splitlines()[0].split()
    assert [created[i + 1].rpartition(":")[2] for i, word in enumerate(created) if word == "--tag"] == tags
    assert created[-2:] == ["registry.example/us/logs@sha256:aa", "registry.example/us/logs@sha256:bb"]
    assert done.stdout == "digest=sha256:cafe\n"


def test_workflows_call_targets_that_exist() -> None:
    workflows = [file.read_text() for file in (ROOT / ".github/workflows").glob("*.yaml")]
    called = {found for text in workflows for found in re.findall(r"(?:run: make|\btarget:) ([a-z-]+)", text)}
    called |= set(re.findall(r"^step make ([a-z-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE))
    assert {"check", "compose-test", "deploy-check", "docs", "test", "wheel-test", "workflow-check"} <= called
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert called <= targets


def test_workflows_build_from_files_that_exist() -> None:
    for workflow in (ROOT / ".github/workflows").glob("*.yaml"):
        for file in re.findall(r"^ +file: (\S+)$", workflow.read_text(), re.MULTILINE):
            assert (ROOT / file).is_file(), f"{workflow.name} names {file}"
