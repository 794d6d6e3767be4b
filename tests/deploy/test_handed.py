"""Whatever is below deploy/ speaks of settings that exist; and the check itself finds what it is for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.compose import handed
from tests.deploy.handed import Handed, faults, unknown_names

DEPLOY = Path(__file__).parents[2] / "deploy"
TEXTS = (".yaml", ".tf", ".hcl", ".tftpl", ".cfg", ".conf", ".env", ".sh", ".py")
SAMPLE = """
services:
  api:
    image: ${CORDWOOD_IMAGE:-cordwood:latest}
    command: [api]
    environment: {CORDWOOD_STORE_URL_FILE: /run/secrets/store_url, CORDWOOD_STORE_KEEP: "${KEEP:-rows}"}
    secrets: [store_url]
    ports: ["127.0.0.1:18080:8080"]
    healthcheck: {test: [CMD, cordwood, ready, api]}
  postgres:
    image: postgres:16
"""


def test_every_setting_that_is_named_exists() -> None:
    files = [each for each in DEPLOY.rglob("*") if each.suffix in TEXTS or each.name == "Dockerfile"]
    assert len(files) > 20
    assert not list(unknown_names(files))


def test_containers_of_compose_are_told_what_cordwood_understands() -> None:
    for file in DEPLOY.glob("compose*.yaml"):
        containers = list(handed(yaml.safe_load(file.read_text())))
        assert {"api", "worker", "query", "migrate"} <= {each.command[0] for each in containers}
        for each in containers:
            assert not list(faults(each))


def _sample(old: str = "", new: str = "") -> list[Handed]:
    assert old in SAMPLE
    document: dict[str, Any] = yaml.safe_load(SAMPLE.replace(old, new) if old else SAMPLE)
    return list(handed(document))


def test_a_container_without_a_fault() -> None:
    (api,) = _sample()
    assert api.command == ["api"]
    assert not list(faults(api))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("STORE_KEEP", "STORE_KEEPS", "there is no setting CORDWOOD_STORE_KEEPS"),
        (":-rows", ":-columns", "wrong setting"),
        ("CORDWOOD_STORE_URL_FILE", "CORDWOOD_STORE_URI_FILE", "there is no setting CORDWOOD_STORE_URI_FILE"),
        ("secrets: [store_url]", "secrets: [store]", "which is not mounted"),
        ("18080:8080", "18080:8081", "api does not listen on 8081"),
        ("ready, api", "ready, worker", "its health is not asked by `cordwood ready api`"),
        ("ready, api", "ready, api, --quick", "its health is not asked by `cordwood ready api`"),
        ("command: [api]", "command: [apis]", "there is no `cordwood apis`"),
    ],
)
def test_a_mistake_is_found(old: str, new: str, said: str) -> None:
    (api,) = _sample(old, new)
    assert any(said in fault for fault in faults(api))


def test_a_name_in_a_comment_is_held_against_cordwood_too(tmp_path: Path) -> None:
    file = tmp_path / "main.tf"
    file.write_text("# see CORDWOOD_HTTP_PROT\nimage = ${CORDWOOD_IMAGE}\n")
    assert list(unknown_names([file])) == ["main.tf:1: CORDWOOD_HTTP_PROT"]
