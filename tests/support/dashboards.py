"""What tests of dashboards do again and again."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.support.processes import Cordwood

ERRORS = "level:error | stats count() as errors"
JSON = {"Content-Type": "application/json"}
BY_LEVEL = "| timechart count() as events by level"


def panel(name: str, query: str = ERRORS, chart: str = "number", **more: Any) -> dict[str, Any]:
    return {"id": name, "title": name, "query": query, "chart": chart, "x": 0, "y": 0, "w": 6, "h": 4, **more}


def put(platform: Cordwood, name: str, *panels: dict[str, Any], **more: Any) -> None:
    whole = {"title": name, "range": {"start": "-3h", "end": None}, "panels": panels, **more}
    path = f"/api/v1/dashboards/{name}"
    status, told = platform.ask("PUT", path, json.dumps(whole).encode(), **JSON)
    assert status == 200, told


def places(platform: Cordwood, name: str) -> dict[str, tuple[int, int, int, int]]:
    """Of the panels, as the server keeps them."""
    kept = platform.json(f"/api/v1/dashboards/{name}")["panels"]
    return {each["id"]: (each["x"], each["y"], each["w"], each["h"]) for each in kept}


def shown(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved.")).to_be_visible()


async def drag(page: Page, grip: Locator, dx: float, dy: float) -> None:
    box = await grip.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + dx / 2, y + dy / 2)
    await page.mouse.move(x + dx, y + dy)
    await page.mouse.up()


def as_file(text: str) -> FilePayload:
    return FilePayload(name="it.json", mimeType="application/json", buffer=text.encode())


async def choose_file(page: Page, file: FilePayload | Path) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Import JSON").click()
    await (await chooser.value).set_files(file)
