"""The manifests of Kubernetes, rendered by kustomize."""

import os
import re
from collections.abc import Iterator

import pytest

from cordwood.config import load
from cordwood.http.health import OPERATING
from tests.deploy.handed import API_PATHS, PORTS, SETTINGS, faults, unknown_names
from tests.deploy.kustomize import KUBERNETES, OVERLAYS, Document, rendered, renderer
from tests.deploy.pods import containers, pods

# A machine of CI without one is set up wrongly.
if renderer() is None and not os.environ.get("CI"):
    pytest.skip("kubectl or kustomize renders the manifests, and neither is on this machine", allow_module_level=True)

FILES = sorted(KUBERNETES.rglob("*.yaml"))


@pytest.fixture(scope="module")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Document]]:
    return {name: list(rendered(name, tmp_path_factory.mktemp(name))) for name in OVERLAYS}


def _of(documents: list[Document], kind: str) -> Iterator[Document]:
    return (each for each in documents if each["kind"] == kind)


def test_every_setting_that_is_named_exists() -> None:
    assert not list(unknown_names(FILES))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_containers_are_told_what_cordwood_understands(overlays: dict[str, list[Document]], overlay: str) -> None:
    handed = [each for each, _ in containers(overlays[overlay])]
    assert sorted(each.command[0] for each in handed) == ["api", "migrate", "query", "worker"]
    for each in handed:
        assert not list(faults(each))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_the_time_that_it_needs_to_stop(overlays: dict[str, list[Document]], overlay: str) -> None:
    for handed, pod in containers(overlays[overlay]):
        if handed.command[0] in PORTS:
            told = load({name: value for name, value in handed.settings.items() if name in SETTINGS}, {})
            needed = 2 * told.http.drain_s + max(told.http.graceful_timeout_s, told.worker.drain_timeout_s)
            assert needed + told.broker.confirm_timeout_s < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_without_root_and_without_rights(overlays: dict[str, list[Document]], overlay: str) -> None:
    for name, pod in pods(overlays[overlay]):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_sets_no_variable_that_cordwood_would_refuse(
    overlays: dict[str, list[Document]], overlay: str
) -> None:
    for _, pod in containers(overlays[overlay]):
        assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_selects_pods_finds_some(overlays: dict[str, list[Document]], overlay: str) -> None:
    documents = overlays[overlay]
    labels = [
        each["spec"]["template"]["metadata"]["labels"] for each in documents if "template" in each.get("spec", {})
    ]
    selectors = [each["spec"]["selector"] for each in _of(documents, "Service") if "selector" in each["spec"]]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in _of(documents, "PodDisruptionBudget")]
    assert selectors
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector
    chosen = {
        value for each in _of(documents, "NetworkPolicy") for value in re.findall(r"'values': \[([^]]*)\]", str(each))
    }
    components = {each["app.kubernetes.io/component"] for each in labels}
    assert {name.strip("' ") for names in chosen for name in names.split(",")} <= components


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_may_talk_to_anything_unless_it_is_said(overlays: dict[str, list[Document]], overlay: str) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in _of(overlays[overlay], "NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies.items():
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule.get("ports"), f"{name} names its ports"
        for rule in spec.get("ingress", []):
            assert rule.get("from"), f"{name} says who may come in"
    # Query has nothing to do with the queue.
    for spec in policies.values():
        reaches = {port["port"] for rule in spec.get("egress", []) for port in rule["ports"]}
        assert not (reaches & {5671, 5672} and "query" in str(spec["podSelector"]))


def test_one_door_leads_to_both(overlays: dict[str, list[Document]]) -> None:
    (ingress,) = _of(overlays["production"], "Ingress")
    (rule,) = ingress["spec"]["rules"]
    led: dict[str, set[str]] = {}
    for path in rule["http"]["paths"]:
        led.setdefault(path["backend"]["service"]["name"], set()).add(path["path"])
    assert led == {"api": API_PATHS, "nowhere": set(OPERATING), "query": {"/"}}


def test_workers_follow_cordwoods_queue(overlays: dict[str, list[Document]]) -> None:
    (scaled,) = _of(overlays["production"], "ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["queueName"] == load({}, {}).broker.queue
    workers = next(each for each in _of(overlays["production"], "Deployment") if each["metadata"]["name"] == "worker")
    assert "replicas" not in workers["spec"], "two would say how many workers there are"
    assert scaled["spec"]["scaleTargetRef"]["name"] == "worker"


def test_secrets_are_in_no_file() -> None:
    assert not [each for each in FILES if "kind: Secret\n" in each.read_text()]


def test_every_exception_of_the_policy_scan_has_a_reason() -> None:
    for file in FILES:
        for line in file.read_text().splitlines():
            if "checkov.io/skip" in line:
                assert re.search(r'skip\d+: "CKV_K8S_\d+=\w.{4,}"', line), f"{file.name}: {line.strip()}"
