"""`python tools/changelog.py v1.2.3`: the changelog's section of a version, once tag, package and changelog agree.

Prints the section and exits with 0, or says what is wrong and exits with 1.
"""

import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]


def version_of(package: str) -> str:
    """What `__init__.py` with this text says."""
    found = re.search(r'^__version__ = "([^"]+)"$', package, re.MULTILINE)
    if found is None:
        raise ValueError('src/cordwood/__init__.py has no line __version__ = "…"')
    return found[1]


def section(changelog: str, version: str) -> str:
    """What stands below `## VERSION (YYYY-MM-DD)`. Raises ValueError when that is missing, empty or not the newest."""
    headings = list(re.finditer(r"^## (.+)$", changelog, re.MULTILINE))
    for number, heading in enumerate(headings):
        found = re.fullmatch(rf"{re.escape(version)} \((\d{{4}}-\d\d-\d\d)\)", heading[1])
        if found is None:
            continue
        date.fromisoformat(found[1])
        if number:
            raise ValueError(
                f"CHANGELOG.md has “{headings[0][1]}” above {version}: move what is in it, or release that"
            )
        end = headings[1].start() if len(headings) > 1 else len(changelog)
        text = changelog[heading.end() : end].strip()
        if text:
            return text + "\n"
        raise ValueError(f"CHANGELOG.md says nothing below {heading[0]}")
    raise ValueError(f"CHANGELOG.md has no line “## {version} (YYYY-MM-DD)”: rename “## Unreleased”")


def notes(tag: str, package: str, changelog: str) -> str:
    """The notes of the release that `tag` stands for. Raises ValueError."""
    version = version_of(package)
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, and src/cordwood/__init__.py says {version}: the tag must be v{version}")
    return section(changelog, version)


def main(tag: str) -> int:
    package, changelog = ROOT / "src" / "cordwood" / "__init__.py", ROOT / "CHANGELOG.md"
    try:
        sys.stdout.write(notes(tag, package.read_text(encoding="utf-8"), changelog.read_text(encoding="utf-8")))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
