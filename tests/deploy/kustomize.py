"""Manifests of Kubernetes as they would be applied."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("trial", "production")

Document = Mapping[str, Any]


def renderer() -> Sequence[str] | None:
    """The command that renders a directory, or None where there is none."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    return ["kustomize", "build"] if shutil.which("kustomize") else None


def rendered(overlay: str, scratch: Path) -> Sequence[Document]:
    """All documents of an overlay. `scratch`: an empty directory, for a copy with secrets in it."""
    command = renderer()
    assert command is not None, "kubectl or kustomize renders"
    shutil.copytree(KUBERNETES, scratch, dirs_exist_ok=True)
    secrets = scratch / "overlays" / "trial" / "secrets"
    subprocess.run(["sh", DEPLOY / "secrets.sh", secrets], check=True, capture_output=True)
    # It looks for a cluster's address otherwise.
    quiet = {**os.environ, "KUBECONFIG": os.devnull}
    done = subprocess.run(
        [*command, scratch / "overlays" / overlay], check=True, capture_output=True, text=True, env=quiet
    )
    return [each for each in yaml.safe_load_all(done.stdout) if each]
