"""The page about Compose speaks of what is there."""

import re
import stat
import subprocess
from pathlib import Path

from cordwood.config import Config, settings_of

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text()
PAGE = (ROOT / "docs" / "guide" / "compose.md").read_text()


def test_every_setting_of_the_compose_file_exists() -> None:
    known = {setting.variable for setting in settings_of(Config())}
    given = set(re.findall(r"^ +(CORDWOOD_\w+):", COMPOSE, re.MULTILINE))
    assert given, "there are some"
    assert {name.removesuffix("_FILE") for name in given} <= known


def test_variables_and_files_of_the_page_are_in_the_compose_file() -> None:
    for name in re.findall(r"`([A-Z][A-Z0-9]*_?[A-Z]+)(?:=[^`]*)?`", PAGE):
        assert f"${{{name}" in COMPOSE or name in (ROOT / "deploy" / "secrets.sh").read_text(), name
    for path in re.findall(r"deploy/compose/[\w./-]+", PAGE):
        assert (ROOT / path).is_file(), path


def test_every_secret_is_made_and_stays(tmp_path: Path) -> None:
    script = ROOT / "deploy" / "secrets.sh"
    folder = tmp_path / "secrets"
    subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True)
    wanted = set(re.findall(r"SECRETS:-\./secrets\}/([\w.]+)", COMPOSE))
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert wanted <= made.keys()
    assert all(made.values())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "nobody else may enter"
    assert len({made["api_keys"], made["postgres_password"], made["redis_password"], made["erlang_cookie"]}) == 4
    (folder / "grafana_password").unlink()
    subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True)
    again = {file.name: file.read_text() for file in folder.iterdir()}
    assert again.pop("grafana_password") != made.pop("grafana_password")
    assert again == made
