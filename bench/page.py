"""`bench page`: how long somebody waits in a browser, over many events.

Chromium opens the page of `cordwood up`. A view is there once the first event is a row and the counts are drawn, and
neither is asked for any more; times are the browser's own.
"""

import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page, sync_playwright
from tests.support.browser import launch_options

from bench import ingest
from bench.endless import Endless
from bench.files import await_rest
from bench.setups import Setup
from bench.target import await_count

_TIMEOUT_S = 120.0
_CLIENTS, _BATCH = 4, 50_000
_PATIENCE_MS = 30_000
_SEEN = """() => {
  const counts = document.querySelector('section[aria-label="Events over time"]');
  return counts !== null && counts.getAttribute('aria-busy') === 'false' && counts.querySelector('canvas') !== null
    && document.querySelector('ul[aria-label="Events"] > li') !== null
    && document.querySelector('[role="status"][class*="busy"]') === null && performance.now();
}"""
_WATCH_FRAMES = """() => {
  window.longest = 0;
  window.frames = 0;
  let before = performance.now();
  const next = now => {
    window.longest = Math.max(window.longest, now - before);
    window.frames += 1;
    before = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""


@dataclass(frozen=True)
class PageLoad:
    events: int
    runs: int = 7


def measure(setup: Setup, load: PageLoad) -> dict[str, Any]:
    """Fill an embedded set-up, let it come to rest, look at it."""
    target = setup.target("/api/v1/ingest")
    endless = Endless(load.events, _BATCH)
    before = target.count()
    ingest.send(target, ingest.NDJSON, endless.bodies(0, load.events), _CLIENTS)
    found = await_count(target, before + load.events, _TIMEOUT_S) - before
    await_rest(setup.data_dir)
    first_ms, last_ms = endless.moment_ms(0), endless.moment_ms(load.events)
    views: list[float] = []
    zooms: list[float] = []
    frames: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        for run in range(load.runs + 1):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(_PATIENCE_MS)
            # Each range is another one by a millisecond, so that no answer comes from the cache.
            page.goto(f"{setup.query_url}/?start={_moment(first_ms + run)}&end={_moment(last_ms + 1 + run)}")
            view_ms = _seen(page)
            zoom_ms = _zoomed(page)
            frame_ms = _scrolled(page)
            page.close()
            if run:  # the first one warms up
                views.append(view_ms)
                zooms.append(zoom_ms)
                frames.append(frame_ms)
        browser.close()
    return {
        "events": load.events,
        "missing": load.events - found,
        "runs": load.runs,
        "first_view_p50_ms": statistics.median(views),
        "first_view_max_ms": max(views),
        "zoom_p50_ms": statistics.median(zooms),
        "zoom_max_ms": max(zooms),
        "longest_frame_p50_ms": statistics.median(frames),
        "longest_frame_max_ms": max(frames),
    }


def _seen(page: Page, until: str = _SEEN) -> float:
    """When the view was there, ms since the page was asked for."""
    return float(page.wait_for_function(until, polling="raf").json_value())


def _zoomed(page: Page) -> float:
    """From the key that zooms into a tenth of the range to its counts, ms."""
    chart = page.get_by_role("slider", name="Spans of time")
    box = chart.bounding_box()
    assert box is not None, "it is drawn"
    middle = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=3)
    page.mouse.up()
    page.evaluate(
        "addEventListener('keydown', () => (window.pressed = performance.now()), {once: true, capture: true})"
    )
    with _answered(page, "/api/v1/histogram"):
        page.keyboard.press("Enter")
    return _seen(page) - float(page.evaluate("window.pressed"))


def _answered(page: Page, path: str) -> Any:
    return page.expect_response(lambda response: path in response.url)


def _scrolled(page: Page) -> float:
    """The longest time between two frames while the list is scrolled, ms."""
    page.get_by_role("list", name="Events", exact=True).hover()
    page.evaluate(_WATCH_FRAMES)
    for _ in range(40):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(25)
    return float(page.evaluate("window.longest"))


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
