"""The main views, looked at: nothing is wider than the screen, none has barriers, and pictures of them for the guide.

`CORDWOOD_TEST_SCREENS=docs/images` keeps the pictures.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import Complaints, violations
from tests.support.processes import Cordwood

_SPIKE = "/?query=level%3Aerror&start=-2h"


@dataclass(frozen=True)
class Screen:
    """A view, and the text that is there once it shows what it is about."""

    name: str
    path: str
    text: str
    theme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = (1280, 800)


SCREENS = [
    Screen("search", "/?start=-2h", "events"),
    Screen("search-dark", _SPIKE, "card declined", "dark"),
    Screen("search-narrow", _SPIKE, "card declined", size=(360, 740)),
    Screen("search-wide", "/?start=-2h", "events", size=(3840, 2160)),
    Screen("chart", "/?query=*%20%7C%20timechart%20count()%20by%20service&start=-2h", "payments"),
    Screen("patterns", "/?start=-2h&tab=patterns", "card charged"),
    Screen("explain", f"{_SPIKE}&tab=explain", "2.4.1"),
    Screen("live", "/?start=-2h&tab=live", "GET /"),
    Screen("dashboards", "/dashboards", "Overview"),
    Screen("dashboard", "/dashboards/overview", "Overview"),
    Screen("dashboard-narrow", "/dashboards/overview", "Overview", "dark", (360, 740)),
    Screen("alerts", "/alerts", "alert"),
    Screen("operations", "/operations", "events"),
    Screen("operations-dark", "/operations", "events", "dark"),
    Screen("operations-narrow", "/operations", "events", size=(360, 740)),
    Screen("ledger", "/operations/ledger", "accepted"),
    Screen("store", "/operations/store", "segments"),
]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_a_view_fits_its_screen_and_everybody(
    browser: Browser, platform: Cordwood, screen: Screen, tmp_path: Path
) -> None:
    width, height = screen.size
    context = await browser.new_context(
        base_url=platform.url,
        viewport={"width": width, "height": height},
        color_scheme=screen.theme,
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    try:
        page = await context.new_page()
        complaints = Complaints(page)
        await page.goto(screen.path)
        await expect(page.get_by_role("main").get_by_text(screen.text).first).to_be_visible(timeout=15_000)
        await page.wait_for_load_state("networkidle" if screen.name != "live" else "load")
        await expect(page.get_by_role("main").get_by_role("status", name="Loading")).to_have_count(0)
        folder = Path(os.environ.get("CORDWOOD_TEST_SCREENS", tmp_path))
        await page.screenshot(path=folder / f"{screen.name}.png")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await violations(page) == []
        assert complaints.said == []
    finally:
        await context.close()
