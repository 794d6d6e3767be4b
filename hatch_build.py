"""What a package says of itself beyond pyproject.toml: where the project lives, and a README whose links lead there.

Both are known where a release is made, through PROJECT_URL; without it a build has no links of its own. A source
distribution carries the answer on: what is built from it says the same.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|#)([^)]+)\)")


class ProjectMetadata(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what pyproject.toml calls dynamic, as far as it is not there yet."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        project = os.environ.get("PROJECT_URL", "").rstrip("/")
        urls = urls_of(project) if project else {}
        metadata.setdefault("urls", urls)
        text = linked(readme, project, f"v{metadata['version']}") if project else readme
        metadata.setdefault("readme", {"content-type": "text/markdown", "text": text})


def urls_of(project: str) -> dict[str, str]:
    """By the labels that package indexes know."""
    return {
        "Source": project,
        "Documentation": f"{project}/tree/main/docs",
        "Changelog": f"{project}/blob/main/CHANGELOG.md",
        "Issues": f"{project}/issues",
    }


def linked(text: str, project: str, ref: str) -> str:
    """Markdown whose relative links and pictures lead to the files of `ref`."""

    def absolute(found: re.Match[str]) -> str:
        picture, label, target = found.groups()
        return f"{picture}{label}({project}/{'raw' if picture else 'blob'}/{ref}/{target})"

    return _RELATIVE.sub(absolute, text)
