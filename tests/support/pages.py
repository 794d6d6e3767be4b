"""`python -m tests.support.pages`: write the generated reference pages. A test says when they are out of date."""

from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from cordwood import metrics
from cordwood.config import Config, settings_of

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def settings_page() -> str:
    rows = [f"| `{each.variable}` | `{each.default or ' '}` | {each.help} |" for each in settings_of(Config())]
    return "\n".join(
        [
            "# Settings",
            "",
            "Each is a variable, or an entry of the TOML file that `CORDWOOD_CONFIG` names: `CORDWOOD_HTTP_PORT` is",
            "`port` in the table `[http]`. Variables win over the file, options over both. `cordwood config` shows the",
            "values in force. An unknown or wrong setting stops the start.",
            "",
            "With `_FILE` behind its name a variable names a file that holds the value, as secrets of Docker,",
            "Kubernetes and systemd come: `CORDWOOD_STORE_URL_FILE=/run/secrets/store_url`. One newline at the end is",
            "left out. Both forms of one setting, or a file that cannot be read, stop the start.",
            "",
            "| variable | default | meaning |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def metrics_page() -> str:
    declared = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    rows = []
    for metric in declared:
        (family,) = metric.describe()
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append(f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(["# Metrics", "", "| name | kind | labels | meaning |", "| --- | --- | --- | --- |", *rows, ""])


PAGES = {"settings.md": settings_page, "metrics.md": metrics_page}


def main() -> None:
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    main()
