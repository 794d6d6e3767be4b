"""`python -m tests.deploy.policies`, with .venv-deploy: policies and schemas.

What Checkov says of Terraform and of the rendered manifests, and whether these fit Kubernetes' schemas. Exits with 1 on
anything that no reason excuses in place.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from tests.deploy.kustomize import DEPLOY, OVERLAYS, rendered

# The oldest that is still looked after somewhere, and the newest that the schemas know.
VERSIONS = ("1.31", kubernetes_validate.latest_version())
# Kinds that KEDA brings; no schema of Kubernetes has them.
_KEDA = ("ScaledObject", "TriggerAuthentication")


def main() -> int:
    faults = list(_faults_of_terraform())
    for overlay in OVERLAYS:
        with tempfile.TemporaryDirectory() as scratch:
            documents = rendered(overlay, Path(scratch))
        faults += [f"{overlay}: {each}" for each in (*_misfits(documents), *_faults_of_manifests(documents))]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"policies and schemas: {f'{len(faults)} faults' if faults else 'well'}")
    return 1 if faults else 0


def _faults_of_terraform() -> Iterator[str]:
    yield from _checkov("terraform", "--directory", str(DEPLOY / "terraform"))


def _faults_of_manifests(documents: Sequence[Any]) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(documents, file)
        file.flush()
        yield from _checkov("kubernetes", "--file", file.name)


def _checkov(framework: str, *what: str) -> Iterator[str]:
    """Its failed checks. A scan that looked at nothing is a fault, too."""
    # As a program of this environment: it cannot be called as a library without its global state.
    program = Path(sys.executable).with_name("checkov")
    command = [str(program), "--framework", framework, "--quiet", "--compact", "--skip-download", "--output", "json"]
    done = subprocess.run([*command, *what], check=False, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        yield f"checkov said nothing that can be read: {done.stderr[-2000:]}"
        return
    if report.get("summary", {}).get("parsing_errors"):
        yield f"checkov cannot read all of {what[-1]}"
    if not report.get("summary", {}).get("passed"):
        yield f"checkov looked at nothing in {' '.join(what)}"
        return
    for each in report["results"]["failed_checks"]:
        yield f"{each['file_path']} {each['resource']}: {each['check_id']} {each['check_name']}"


def _misfits(documents: Sequence[Any]) -> Iterator[str]:
    for document in documents:
        if document["kind"] in _KEDA:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                yield f"{document['kind']} {document['metadata']['name']} does not fit {version}: {error.message}"


if __name__ == "__main__":
    sys.exit(main())
