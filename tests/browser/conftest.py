"""A real browser, and a real platform with a story in it; one of each for all tests of a process."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.support.browser import Complaints, launch_options
from tests.support.processes import Cordwood
from tests.support.story import with_story

_PATIENCE_MS = 15_000
"""For what a test waits for: the machine may be busy."""
expect.set_options(timeout=_PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All share a browser, and so its event loop."""
    for item in items:
        if "/tests/browser/" in str(item.path) and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """`cordwood up` with the story, and nothing else: a module whose tests store events has one of its own."""
    with with_story(tmp_path_factory.mktemp("page")) as service:
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, platform: Cordwood) -> AsyncIterator[BrowserContext]:
    """A fresh profile: nothing is remembered. Paths are those of the platform."""
    context = await browser.new_context(
        base_url=platform.url,
        viewport={"width": 1280, "height": 800},
        locale="en-GB",
        timezone_id="UTC",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(_PATIENCE_MS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """An empty tab; what it complains of fails the test."""
    page = await context.new_page()
    complaints = Complaints(page)
    yield page
    assert complaints.said == []
