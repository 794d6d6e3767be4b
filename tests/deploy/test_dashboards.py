"""The Grafana dashboard and Prometheus' rules: all that they name exists, is explained, and says what it should."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from cordwood.cli.app import COMMANDS
from cordwood.model.ledger import FindingKind
from tests.support.processes import Cordwood
from tests.support.promql import closed, known, named, troubles
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/cordwood.json").read_text())
PROMETHEUS = ROOT / "deploy/prometheus"
RULES = [
    rule for group in yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
]
GUIDE = ROOT / "docs/guide/observability.md"
UNITS = {"short", "s", "bytes", "Bps", "percentunit", "reqps", "eps", "cps", "ops"}
PROVIDER = {
    "name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds", "allowUiUpdates",
    "options",
}  # fmt: skip
SOURCE = {
    "name", "type", "uid", "access", "orgId", "url", "user", "database", "basicAuth", "basicAuthUser",
    "withCredentials", "isDefault", "jsonData", "secureJsonData", "version", "editable", "correlations",
}  # fmt: skip
# Not there until what they count has happened, or where a part is not in use.
CONDITIONAL = {
    "cordwood_alert_deliveries_total", "cordwood_alert_evaluations_total", "cordwood_alert_failures_total",
    "cordwood_alert_transitions_total", "cordwood_canary_events_total", "cordwood_http_refused_total",
    "cordwood_own_log_lines_total", "cordwood_quota_refusals_total", "cordwood_store_fetched_segments_total",
    "cordwood_tail_missed_events_total", "cordwood_trace_spans_total", "cordwood_cache_slices_total",
}  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_exists(expression: str) -> None:
    assert list(named(expression)) or "up{" in expression
    assert troubles(expression) == []


@pytest.mark.parametrize(
    ("expression", "trouble"),
    [
        ("rate(cordwood_no_such_total[5m])", "there is no metric cordwood_no_such_total"),
        ("cordwood_store_retries", "there is no metric cordwood_store_retries"),
        ('cordwood_ledger_findings{sort="gap"}', "cordwood_ledger_findings has no label sort"),
        (
            "sum by (le, kind) (rate(cordwood_batch_events_bucket[5m]))",
            "cordwood_batch_events_bucket has no label kind",
        ),
    ],
)
def test_what_does_not_exist_is_noticed(expression: str, trouble: str) -> None:
    assert troubles(expression) == [trouble]


def test_every_value_that_is_compared_with_is_one_that_the_code_gives() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    for expression in EXPRESSIONS:
        for each in named(expression):
            for label, value in each.values:
                if each.metric == "cordwood_ledger_findings":
                    assert label == "instance" or value in get_args(FindingKind), expression
                elif label in ("outcome", "kind", "result", "reason", "place", "what"):
                    assert f'"{value}"' in source, f"{label}={value} in {expression}"


def test_every_panel_has_a_unit_and_says_what_it_shows() -> None:
    assert len({panel["title"] for panel in DASHBOARD["panels"]}) >= len(PANELS)
    for panel in PANELS:
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert len(panel["description"]) > 15, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
        assert all("$instance" in target["expr"] for target in panel["targets"]), panel["title"]


def test_no_two_panels_share_a_place() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_metric_is_on_the_dashboard() -> None:
    """One that nobody looks at is missed when it matters."""
    shown = {re.sub("_(bucket|count|sum)$", "", each.metric) for e in EXPRESSIONS for each in named(e)}
    there = {re.sub("_(bucket|count|sum)$", "", name) for name in known()}
    assert there - shown == set()


def test_it_can_be_provisioned() -> None:
    kinds = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert kinds == {"datasource": "datasource", "instance": "query"}
    assert DASHBOARD["uid"] == "cordwood"
    assert "__inputs" not in DASHBOARD, "that is for dashboards that are imported by hand"


def test_grafana_finds_data_source_and_dashboard_where_compose_puts_them() -> None:
    """Grafana passes over what it does not know: names are those of its page on provisioning."""
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    mounted = dict(volume.split(":")[:2] for volume in compose["grafana"]["volumes"])
    provisioning = ROOT / "deploy" / mounted_from("/etc/grafana/provisioning", mounted)
    dashboards = yaml.safe_load((provisioning / "dashboards/cordwood.yaml").read_text())
    (provider,) = dashboards["providers"]
    assert dashboards["apiVersion"] == 1
    assert provider["type"] == "file"
    assert provider.keys() <= PROVIDER
    assert provider["options"].keys() <= {"path", "foldersFromFilesStructure"}
    assert (ROOT / "deploy" / mounted_from(provider["options"]["path"], mounted) / "cordwood.json").is_file()
    sources = yaml.safe_load((provisioning / "datasources/cordwood.yaml").read_text())
    (source,) = sources["datasources"]
    assert sources["apiVersion"] == 1
    assert source.keys() <= SOURCE
    assert source["isDefault"], "the dashboard takes the usual one"
    assert source["type"] == "prometheus"
    host, port = source["url"].removeprefix("http://").split(":")
    assert compose[host]["ports"][0].endswith(f":{port}")


def mounted_from(inside: str, mounted: dict[str, str]) -> str:
    return next(outside for outside, target in mounted.items() if target == inside)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_rule_says_what_to_do_and_has_a_section_in_the_guide(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "action", "runbook"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    sections = re.findall(r"^### (Cordwood\w+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in [section.lower() for section in sections]
    assert anchor == rule["alert"].lower()


def test_the_guide_tells_of_no_rule_that_is_gone() -> None:
    sections = re.findall(r"^### (Cordwood\w+)$", GUIDE.read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]


def test_every_command_that_they_name_exists() -> None:
    told = "".join(path.read_text() for path in (PROMETHEUS / "alerts.yaml", GUIDE))
    named_there = set(re.findall(r"`cordwood ([a-z-]+)", told))
    assert named_there
    assert named_there <= set(COMMANDS)


def promtool(*arguments: str | Path) -> str:
    assert shutil.which("promtool"), "run `python -m tests.support.install`"
    ran = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_prometheus_understands_rules_and_configuration() -> None:
    assert f"{len(RULES)} rules found" in promtool("check", "rules", PROMETHEUS / "alerts.yaml")
    promtool("check", "config", PROMETHEUS / "prometheus.yaml")


def test_prometheus_understands_the_configuration_of_the_guide(tmp_path: Path) -> None:
    shutil.copy(PROMETHEUS / "alerts.yaml", tmp_path)
    (block,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (tmp_path / "prometheus.yaml").write_text(block)
    assert "1 rule files found" in promtool("check", "config", tmp_path / "prometheus.yaml")
    assert all(job["job_name"].startswith("cordwood") for job in yaml.safe_load(block)["scrape_configs"])


def test_prometheus_understands_every_panel(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": closed(expression)} for number, expression in enumerate(EXPRESSIONS)]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", path)


def test_every_rule_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    """Run by Prometheus' own tool: `alerts.test.yaml` has two stories for each rule."""
    rules = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations")  # they would have to be spelt out there, numbers included
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules))
    stories = Path(__file__).with_name("alerts.test.yaml")
    shutil.copy(stories, tmp_path)
    told = [story["name"] for story in yaml.safe_load(stories.read_text())["tests"]]
    assert told == [f"{rule['alert']}, {how}" for rule in RULES for how in ("broken", "well")]
    promtool("test", "rules", tmp_path / stories.name)


def test_the_services_of_the_compose_file_are_scraped() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())["scrape_configs"]
    targets = {
        (job["job_name"], job["dns_sd_configs"][0]["names"][0], job["dns_sd_configs"][0]["port"]) for job in jobs
    }
    assert targets == {
        ("cordwood-api", "api", 8080), ("cordwood-worker", "worker", 8082), ("cordwood-query", "query", 8081),
    }  # fmt: skip


def test_a_running_platform_exposes_what_they_name(tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as up:
        assert up.post("/log?wait=stored", b'{"n":1}')[0] == 202
        up.json("/api/v1/query")
        wait_until(lambda: b"cordwood_ledger_findings{" in up.get("/metrics")[1], 10, "a look into the ledger")
        text = up.get("/metrics")[1].decode()
    samples = set(re.findall(r"^(\w+)(?:\{.*\})? \S+$", text, re.MULTILINE))
    families = set(re.findall(r"^# HELP (\w+)", text, re.MULTILINE))
    wanted = {each.metric for expression in EXPRESSIONS for each in named(expression)}
    missing = {name for name in wanted - samples if re.sub("_bucket$", "", name) not in CONDITIONAL}
    assert missing == set()
    assert families >= CONDITIONAL
    ready = dict(re.findall(r'^cordwood_ready\{part="(\w+)"\} (\S+)', text, re.MULTILINE))
    assert ready == {"service": "1.0", "broker": "1.0", "store": "1.0", "keys": "1.0"}
    assert 'cordwood_build_info{python="' in text
    free, size = (float(re.search(rf"^cordwood_disk_{n}_bytes (\S+)", text, re.MULTILINE)[1]) for n in ("free", "size"))  # type: ignore[index]
    assert 0 < free < size


def test_a_part_that_is_away_shows(tmp_path: Path) -> None:
    away = Cordwood("api", tmp_path / "data", broker_url="amqp://127.0.0.1:9/")
    try:
        away.start(wait=False)
        wait_until(lambda: answers(away), 30, "it to answer")
        text = away.get("/metrics")[1].decode()
    finally:
        away.kill()
    assert 'cordwood_ready{part="broker"} 0.0' in text
    assert 'cordwood_ready{part="service"} 1.0' in text


def answers(process: Cordwood) -> bool:
    try:
        return process.get("/health")[0] == 200
    except OSError:
        return False
