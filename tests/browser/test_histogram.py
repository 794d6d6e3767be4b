"""Counts over time: seen, chosen by mouse and keys, and asked for."""

from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator, Page, Route, expect

from tests.support.browser import violations

_ALL = "/?start=-3h"


async def _chart(page: Page, path: str = _ALL) -> Locator:
    await page.goto(path)
    chart = page.get_by_role("slider", name="Spans of time")
    await expect(chart).to_be_visible()
    return chart


def _said(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


async def test_totals_are_told_by_level_and_a_click_asks_for_one(page: Page) -> None:
    await _chart(page)
    await page.get_by_role("list", name="Totals by level").get_by_role("button", name="error").click()
    await expect(page.get_by_role("textbox", name="Query")).to_have_text("level:error")
    await expect(page.get_by_role("list", name="Totals by level").get_by_role("button")).to_have_count(1)


async def test_a_drag_chooses_a_span_and_enter_zooms_into_it(page: Page) -> None:
    chart = await _chart(page)
    box = await chart.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20, steps=3)
    await page.mouse.up()
    await expect(page.get_by_role("group", name="Chosen span")).to_be_visible()
    await expect(chart).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**end=*")
    assert _said(page, "start") < _said(page, "end")
    await page.go_back()
    await expect(page.get_by_role("button", name="Time range")).to_contain_text("Last 3 hours")


async def test_keys_choose_spans_and_escape_clears(page: Page) -> None:
    chart = await _chart(page)
    await chart.focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(page.get_by_role("group", name="Chosen span")).to_be_visible()
    assert "event" in str(await chart.get_attribute("aria-valuetext"))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("group", name="Chosen span")).not_to_be_visible()


async def test_e_asks_what_explains_the_chosen_span(page: Page) -> None:
    chart = await _chart(page)
    await chart.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("e")
    await expect(page.get_by_role("tab", name="Explain")).to_have_attribute("aria-selected", "true")
    assert _said(page, "from") < _said(page, "to")


async def test_pointing_tells_the_counts_of_a_span(page: Page) -> None:
    chart = await _chart(page)
    await chart.hover()
    await expect(chart).to_contain_text("events")


async def test_all_time_begins_with_the_first_event(page: Page) -> None:
    chart = await _chart(page, "/?start=all")
    await chart.focus()
    await page.keyboard.press("Home")
    await expect(page.get_by_role("group", name="Chosen span")).to_contain_text("events")


async def test_bars_are_split_by_service(page: Page) -> None:
    await _chart(page)
    await page.get_by_role("group", name="Split by").get_by_role("button", name="service").click()
    await expect(page.get_by_role("list", name="Totals by service")).to_contain_text("gateway")


async def test_hidden_counts_stay_hidden_and_still_tell_the_total(page: Page) -> None:
    await _chart(page)
    await page.keyboard.press("h")
    await expect(page.get_by_role("slider", name="Spans of time")).not_to_be_visible()
    await page.reload()
    region = page.get_by_role("region", name="Events over time")
    await expect(region).to_contain_text("events")
    await expect(region.get_by_role("button", name="Show the counts")).to_be_visible()


async def test_a_time_without_events_says_so(page: Page) -> None:
    await _chart(page, "/?start=2020-01-01T00:00:00Z&end=2020-01-01T01:00:00Z")
    await expect(page.get_by_text("No events in this time")).to_be_visible()


async def test_segments_that_cannot_be_read_are_warned_about(page: Page) -> None:
    async def damaged(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        told |= {"complete": False, "damaged": [{"segment": "s1", "events": 1204, "reason": "checksum"}]}
        await route.fulfill(response=answer, json=told)

    await page.route("**/api/v1/histogram?*", damaged)
    await _chart(page)
    await expect(page.get_by_text("1 segment with 1,204 events cannot be read")).to_be_visible()


async def test_the_chart_has_no_barriers(page: Page) -> None:
    chart = await _chart(page)
    await chart.focus()
    await page.keyboard.press("End")
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
