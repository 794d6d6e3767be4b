"""The live tail: what is sent is seen, without losing the place one reads at."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.support.browser import violations
from tests.support.processes import Cordwood
from tests.support.story import with_story
from tests.support.tails import send


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """Of these tests' own: they store events."""
    with with_story(tmp_path_factory.mktemp("page")) as service:
        yield service


def _live(service: str) -> str:
    return f"/?tab=live&query=service:{service}"


async def _watch(page: Page, service: str) -> None:
    await page.goto(_live(service))
    await expect(page.get_by_text("Waiting for events")).to_be_visible()


async def test_what_is_sent_is_seen_at_once(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-seen")
    send(platform, 1, service="tail-seen", message="here it is")
    await expect(page.get_by_role("log")).to_contain_text("here it is")
    await expect(page.get_by_role("region", name="Live tail").get_by_role("status")).to_have_text("Live")


async def test_a_key_opens_the_tail_and_leads_back(page: Page) -> None:
    await page.goto("/")
    await expect(page.get_by_role("tab", name="Live")).to_be_visible()
    await page.keyboard.press("l")
    await expect(page.get_by_role("tab", name="Live")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("l")
    await expect(page.get_by_role("tab", name="Events")).to_have_attribute("aria-selected", "true")


async def test_the_space_bar_pauses_and_what_came_since_is_counted(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-pause")
    send(platform, 1, service="tail-pause", message="before")
    await expect(page.get_by_role("log")).to_contain_text("before")
    await page.keyboard.press("Space")
    send(platform, 2, 3, service="tail-pause", message="after")
    waiting = page.get_by_role("button", name="2 new")
    await expect(waiting).to_be_visible()
    await expect(page.get_by_role("log")).not_to_contain_text("after")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("log")).to_contain_text("after")
    await expect(waiting).to_have_count(0)


async def test_scrolling_up_pauses_by_itself(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-scroll")
    send(platform, *range(200), service="tail-scroll", message="one of many")
    await expect(page.get_by_text("200 shown")).to_be_visible()
    await page.get_by_role("log").hover()
    await page.mouse.wheel(0, -600)
    await expect(page.get_by_role("button", name="Go on")).to_be_visible()


async def test_a_text_is_highlighted_from_then_on(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-mark")
    await page.get_by_role("button", name="Highlight").click()
    await page.get_by_role("textbox", name="Text to highlight").fill("declined")
    await page.keyboard.press("Enter")
    send(platform, 1, service="tail-mark", message="card declined again")
    await expect(page.locator("mark")).to_have_text("declined")
    await page.reload()
    await expect(page.locator("mark")).to_have_text("declined")


async def test_what_is_missed_is_told_in_its_place_and_in_sum(page: Page) -> None:
    event = {"id": "1", "timestamp": "2026-11-26T10:00:00Z", "inserted_at": "", "level": None, "service": None}
    told = [
        "event: live\ndata: {}\nid: 1\n\n",
        'event: missed\ndata: {"events":1200}\n\n',
        f"event: event\ndata: {json.dumps(event | {'data': {'message': 'later'}})}\n\n",
        'event: missed\ndata: {"events":34}\n\n',
    ]

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/event-stream", body="".join(told))

    await page.route("**/api/v1/tail?*", answer, times=1)
    await page.goto(_live("tail-missed"))
    await expect(page.get_by_role("log")).to_contain_text("1,200 events missed here")
    await expect(page.get_by_text("1,234 missed", exact=True)).to_be_visible()


async def test_an_event_is_looked_at_below_the_lines(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-detail")
    send(platform, 1, service="tail-detail", message="look at me", order={"id": 4711})
    await page.get_by_role("button", name="look at me").click()
    await expect(page.get_by_role("region", name="Event", exact=True)).to_contain_text('"id": 4711')


async def test_hostile_lines_are_shown_and_nothing_else(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-hostile")
    hostile = "<script>document.title = 'x'</script>\u202e\x1b[31mred\x00" + "y" * 100_000
    send(platform, 1, service="tail-hostile", message=hostile)
    log = page.get_by_role("log")
    await expect(log).to_contain_text("<script>document.title = 'x'</script>‹U+202E›red␀yyy")
    assert len(await log.inner_text()) < 5000
    assert await page.title() == "Cordwood"


async def test_a_server_that_was_away_is_watched_again_without_a_gap(browser: Browser, tmp_path: Path) -> None:
    with Cordwood("up", tmp_path / "data") as platform:
        context = await browser.new_context(base_url=platform.url)
        page = await context.new_page()
        await _watch(page, "tail-back")
        send(platform, 1, service="tail-back", message="number 1")
        log = page.get_by_role("log")
        await expect(log).to_contain_text("number 1")
        platform.stop()
        standing = page.get_by_role("region", name="Live tail").get_by_role("status").first
        await expect(standing).to_contain_text("trying again")
        platform.start()
        send(platform, 2, service="tail-back", message="number 2")
        await expect(log).to_contain_text("number 2", timeout=30_000)
        await expect(log.get_by_role("button")).to_have_count(2)
        await context.close()


async def test_the_tail_has_no_barriers(page: Page, platform: Cordwood) -> None:
    await _watch(page, "tail-look")
    send(platform, 1, service="tail-look", level="error", message="seen by all")
    await expect(page.get_by_role("log")).to_contain_text("seen by all")
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
