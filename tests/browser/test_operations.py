"""How the platform stands: what is well, and unmistakably what is not."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser import violations

SECTIONS = ("", "/ledger", "/dead-letters", "/store", "/queries", "/keys")


async def test_a_platform_that_is_well_says_so_calmly(page: Page) -> None:
    await page.goto("/operations")
    await expect(page.get_by_role("status", name="How it stands")).to_contain_text("All is well")
    await expect(page.get_by_text("Ready", exact=True)).to_be_visible()


async def test_what_came_in_is_drawn_and_told_in_words(page: Page) -> None:
    await page.goto("/operations")
    chart = page.get_by_role("img", name="Events accepted in each minute of the last hour")
    await expect(chart).to_be_visible()
    assert "0 in all" not in (await chart.get_attribute("aria-label") or "")[-9:]


async def test_what_is_not_ready_is_said_before_all_else(page: Page) -> None:
    async def not_ready(route: Route) -> None:
        await route.fulfill(json={"status": "not ready", "reasons": {"store": "the disk is full"}})

    await page.route("**/ready", not_ready)
    await page.goto("/operations")
    stands = page.get_by_role("status", name="How it stands")
    await expect(stands).to_contain_text("Trouble: Not ready: store: the disk is full")
    await expect(stands).not_to_contain_text("All is well")


async def test_the_overview_looks_again_by_itself(page: Page) -> None:
    await page.clock.install()
    await page.goto("/operations")
    await expect(page.get_by_role("region", name="Store")).to_be_visible()
    async with page.expect_request("**/api/v1/status*"):
        await page.clock.run_for(5_500)


async def test_a_status_that_cannot_be_had_is_no_silence(page: Page) -> None:
    async def away(route: Route) -> None:
        problem = {"type": "urn:cordwood:problem:unavailable", "detail": "the store is away", "hint": "Wait for it."}
        await route.fulfill(status=503, json=problem)

    await page.route("**/api/v1/status*", away)
    await page.goto("/operations")
    await expect(page.get_by_role("alert")).to_contain_text("the store is away")
    await expect(page.get_by_text("All is well")).not_to_be_visible()


async def test_the_store_tells_what_takes_the_room(page: Page) -> None:
    await page.goto("/operations/store")
    fields = page.get_by_role("region", name="Bytes by field")
    await page.get_by_role("searchbox", name="Find a field").fill("http.status")
    await expect(fields.get_by_role("rowheader").first).to_contain_text("http.status")
    await fields.get_by_role("button", name="Compressed").click()
    await expect(fields.get_by_role("columnheader", name="Compressed")).to_have_attribute("aria-sort", "descending")
    await expect(page).to_have_url("/operations/store?sort=ratio")


async def test_segments_that_cannot_be_read_are_warned_of(page: Page) -> None:
    async def damaged(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(json=await answer.json() | {"unreadable": ["day-1/abc.parquet"]})

    await page.route("**/api/v1/store", damaged)
    await page.goto("/operations/store")
    warning = page.get_by_role("region", name="Unreadable segments")
    await expect(warning).to_contain_text("1 segment cannot be read")
    await expect(warning).to_contain_text("day-1/abc.parquet")


async def test_a_running_query_is_listed_and_stopped(page: Page) -> None:
    running = [
        {"id": "01a20000-0000-7000-8000-000000000000", "asked": "query level:error", "since": "2026-01-01T00:00:00Z"}
    ]

    async def queries(route: Route) -> None:
        if route.request.method == "DELETE":
            running.clear()
            await route.fulfill(json={"cancelled": "it"})
        else:
            await route.fulfill(json={"queries": running, "complete": True})

    await page.route("**/api/v1/queries**", queries)
    await page.goto("/operations/queries")
    await expect(page.get_by_role("rowheader", name="query level:error")).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text("Nobody is asking anything")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_sections_have_no_barriers(page: Page, theme: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for section in SECTIONS:
        await page.goto(f"/operations{section}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        assert await violations(page) == [], section


async def test_on_a_narrow_screen_nothing_hangs_out(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    for section in SECTIONS:
        await page.goto(f"/operations{section}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        assert await page.evaluate("document.querySelector('main').scrollWidth") <= 360, section
