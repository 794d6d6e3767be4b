"""Chromium, and what tests do with a page beyond what Playwright has."""

import json
import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import Page

WEB = Path(__file__).parents[2] / "web"
AXE = WEB / "node_modules/axe-core/axe.min.js"
_OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium() -> str | None:
    """Where it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def launch_options() -> dict[str, Any]:
    """For `playwright.chromium.launch`. The sandbox needs rights that containers do not give."""
    return {"executable_path": chromium(), "args": ["--no-sandbox", *_OPTIONS]}


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with what is shown: a rule, an element and the reason in each line."""
    # Evaluated by the debugger: the page's own policy allows no script of others.
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}}).then(found => found.violations)", _RULES
    )
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


class Complaints:
    """What a page says that it should not: errors on its console, exceptions nobody caught, refused contents."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("console", lambda message: self._hear(message.type, message.text, message.location))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def _hear(self, kind: str, text: str, location: Any) -> None:
        if kind == "error" and not self._is_an_answer(text, location):
            self.said.append(f"{text} {json.dumps(location)}")

    @staticmethod
    def _is_an_answer(text: str, location: Any) -> bool:
        """The browser itself notes every answer of the API that is an error; the page shows those."""
        return text.startswith("Failed to load resource") and "/api/v1/" in location.get("url", "")
