"""The modules of Terraform, read as data: nothing is applied, no provider is asked."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cordwood.http.health import OPERATING
from tests.deploy.handed import API_PATHS, PORTS, Handed, faults, made_secrets, unknown_names
from tests.deploy.hcl import EXAMPLES, MODULES, TERRAFORM, Module, faults_of_call, lost, module, without_comments

FILES = sorted(each for each in TERRAFORM.rglob("*") if each.suffix in (".tf", ".hcl", ".tftpl"))
DIRECTORIES = [TERRAFORM / name for name in MODULES] + [TERRAFORM / "examples" / name for name in EXAMPLES]


def _settings(found: Module) -> Mapping[str, str]:
    """What `local.settings` says in so many words; an expression counts as a value that fits."""
    pairs = re.findall(r'(\b[A-Z][A-Z0-9_]+) = ("[^"]*"|[^,}]+)', found.locals["settings"])
    constants = {f"${{local.{name}}}": value for name, value in found.locals.items() if isinstance(value, str)}
    told = {}
    for name, value in pairs:
        text = value.strip().strip('"')
        for reference, constant in constants.items():
            text = text.replace(reference, constant).replace(reference[2:-1], constant)
        if "local." not in text and "var." not in text and "(" not in text and "${" not in text:
            told[name] = text
        elif number := re.fullmatch(r"tostring\(local\.(\w+)\)", text):
            told[name] = str(found.locals[number[1]])
        else:
            told[name] = ""
    return told


def _known(told: Mapping[str, str]) -> Mapping[str, str]:
    """Without those whose value only Terraform knows."""
    return {name: value for name, value in told.items() if value}


@pytest.mark.parametrize("path", DIRECTORIES, ids=lambda path: path.name)
def test_every_name_is_declared_and_every_declaration_used(path: Path) -> None:
    found = module(path)
    assert not list(lost(found, found.text))
    for name in found.of("variable"):
        assert re.search(rf"\bvar\.{name}\b", found.text), f"var.{name} is used by nothing"
    for name in found.locals:
        assert re.search(rf"\blocal\.{name}\b", found.text), f"local.{name} is used by nothing"


@pytest.mark.parametrize("path", DIRECTORIES, ids=lambda path: path.name)
def test_variables_and_outputs_say_what_they_are(path: Path) -> None:
    found = module(path)
    for name, variable in found.of("variable").items():
        assert variable.get("type"), f"{name} has a type"
        assert variable.get("description"), f"{name} has a description"
        for rule in variable.get("validation", []):
            assert rule["error_message"].startswith(f"{name}: "), "a message says which variable it is about"
    for name, output in found.of("output").items():
        assert output.get("description"), f"{name} has a description"


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_call_modules_as_they_are(name: str) -> None:
    example = module(TERRAFORM / "examples" / name)
    assert example.of("module")
    for call in example.of("module").values():
        called = (example.path / call["source"]).resolve()
        assert not list(faults_of_call(call, module(called)))
        for output in re.findall(r"module\.\w+\.(\w+)", example.text):
            assert output in module(called).of("output")


@pytest.mark.parametrize("name", MODULES)
def test_terraform_tests_speak_of_what_is_there(name: str) -> None:
    found = module(TERRAFORM / name)
    files = sorted((found.path / "tests").glob("*.tftest.hcl"))
    assert files
    for file in files:
        text = without_comments(file.read_text())
        assert not list(lost(found, text))
        assert "mock_provider" in text, "no test asks a cloud"
        assert text.count("command") == text.count("\nrun ") + text.startswith("run "), "every run says what it does"
        assert "command = apply" not in re.sub(r" +", " ", text), "no test makes anything"


def test_every_setting_that_is_named_exists() -> None:
    assert not list(unknown_names(FILES))


@pytest.mark.parametrize("name", MODULES)
def test_containers_are_told_what_cordwood_understands(name: str, tmp_path: Path) -> None:
    found = module(TERRAFORM / name)
    told = _settings(found)
    assert "CORDWOOD_HTTP_HOST" in told
    subprocess.run(["sh", TERRAFORM.parent / "secrets.sh", tmp_path], check=True, capture_output=True)
    made = made_secrets(tmp_path)
    files = [f"{found.locals['secrets']}/{each}" for each in found.locals.get("files", []) if each in made]
    services: Mapping[str, Any] = found.locals["services"]
    assert set(services) == set(PORTS)
    assert bool(files) == any(each.endswith("_FILE") for each in _known(told)), "files are told where they are mounted"
    paths = [check["path"] for each in found.of("resource").values() for check in each.get("health_check", [])]
    (health,) = re.findall(r'"(CMD", "cordwood", .*), each\.(?:key|value\.service)\]', found.text)
    asks = health.split('", "')
    asks[-1] = asks[-1].removesuffix('"')
    for service, each in services.items():
        ports, asked = [each["port"]], [*asks, service]
        handed = Handed(f"{name}/{service}", [service], _known(told), ports, paths, files, asked)
        assert not list(faults(handed))


def test_secrets_of_aws_are_settings_and_all_are_made() -> None:
    found = module(TERRAFORM / "aws")
    secrets: Mapping[str, str] = found.locals["secrets"]
    named = set(
        re.findall(
            r'"(CORDWOOD_\w+)"',
            json.dumps(found.of("resource")["aws_secretsmanager_secret.this"]["for_each"]).replace('\\"', '"'),
        )
    )
    assert named == set(secrets)
    assert not list(faults(Handed("aws/secrets", ["api"], dict.fromkeys(secrets, "x"))))


@pytest.mark.parametrize("name", MODULES)
def test_one_door_leads_to_both(name: str) -> None:
    found = module(TERRAFORM / name)
    assert set(found.locals["api_paths"]) == API_PATHS
    assert set(found.locals["inner_paths"]) == OPERATING


@pytest.mark.parametrize("name", MODULES)
def test_a_container_has_the_time_that_it_needs_to_stop(name: str) -> None:
    found = module(TERRAFORM / name)
    assert found.locals["stop_s"] == "${2 * local.drain_s + max(local.graceful_s, local.worker_drain_s) + 15}"
    drain, graceful, worker = (found.locals[each] for each in ("drain_s", "graceful_s", "worker_drain_s"))
    told = _settings(found)
    assert float(told["CORDWOOD_HTTP_DRAIN_S"]) == drain
    assert float(told["CORDWOOD_HTTP_GRACEFUL_TIMEOUT_S"]) == graceful
    assert float(told["CORDWOOD_WORKER_DRAIN_TIMEOUT_S"]) == worker
    assert 2 * drain + max(graceful, worker) + 15 <= 120, "Fargate waits for two minutes at most"


def test_only_worker_and_query_reach_the_bucket_and_nothing_but_it() -> None:
    found = module(TERRAFORM / "aws")
    assert found.locals["segment_services"] == ["worker", "query"]
    policies = {name: each for name, each in found.of("resource").items() if name.startswith("aws_iam_role_policy.")}
    for name, policy in policies.items():
        text = json.dumps(policy["policy"])
        assert "s3:*" not in text
        assert ("s3:" in text) == (name == "aws_iam_role_policy.segments")
    objects = json.dumps(policies["aws_iam_role_policy.segments"]["policy"])
    assert "aws_s3_bucket.segments.arn" in objects
    assert '"*"' not in objects.replace('\\"', '"')


def test_every_exception_of_the_policy_scan_has_a_reason() -> None:
    for file in FILES:
        for line in file.read_text().splitlines():
            if "checkov:skip" in line:
                assert re.search(r"checkov:skip=CKV2?_[A-Z]+_\d+: \w.{4,}", line), f"{file.name}: {line.strip()}"
