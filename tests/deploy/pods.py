"""What rendered manifests hand to the containers of Cordwood."""

from collections.abc import Iterator, Mapping, Sequence

from tests.deploy.handed import Handed
from tests.deploy.kustomize import Document

_OUTSIDE = ("store_url", "broker_url", "cache_url", "api_keys")
"""What is in a Secret that is made elsewhere, as the overlay says."""


def pods(documents: Sequence[Document]) -> Iterator[tuple[str, Document]]:
    """Name and specification of every kind of pod."""
    for each in documents:
        if each["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield f"{each['kind']}/{each['metadata']['name']}", each["spec"]["template"]["spec"]


def containers(documents: Sequence[Document]) -> Iterator[tuple[Handed, Document]]:
    """What each container of Cordwood is handed, and its pod."""
    maps = {each["metadata"]["name"]: each["data"] for each in documents if each["kind"] == "ConfigMap"}
    secrets = {each["metadata"]["name"]: each["data"] for each in documents if each["kind"] == "Secret"}
    for name, pod in pods(documents):
        for container in pod["containers"]:
            if container["name"] == "cordwood":
                yield _handed(name, pod, container, maps, secrets), pod


def _handed(
    name: str, pod: Document, container: Document, maps: Mapping[str, Document], secrets: Mapping[str, Document]
) -> Handed:
    settings = {item["name"]: item["value"] for item in container.get("env", [])}
    for source in container.get("envFrom", []):
        settings |= maps[source["configMapRef"]["name"]]
    ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
    probes = [
        container[each]["httpGet"] for each in ("startupProbe", "livenessProbe", "readinessProbe") if each in container
    ]
    asked = [ports.get(probe["port"], probe["port"]) for probe in probes]
    volumes = {each["name"]: each for each in pod["volumes"]}
    files = []
    for mount in container["volumeMounts"]:
        if secret := volumes[mount["name"]].get("secret"):
            keys = secrets.get(secret["secretName"], dict.fromkeys(_OUTSIDE))
            files += [f"{mount['mountPath']}/{key}" for key in keys]
    return Handed(
        name, container["args"], settings, [*ports.values(), *asked], [probe["path"] for probe in probes], files
    )
