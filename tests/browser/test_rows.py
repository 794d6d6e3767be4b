"""What pipes make: tables, charts, and the way back to events."""

import json
import re
from urllib.parse import quote

from playwright.async_api import Page, Route, expect

from tests.support.browser import violations

STORY = "service:(gateway OR search OR checkout OR payments OR stock)"
TABLE = f"{STORY} | stats count() as n, max(http.duration_ms) as slowest by service"
CHART = f"{STORY} | timechart span=5m count() as n by level"


def link(query: str, more: str = "") -> str:
    return f"/?start=-3h&query={quote(query)}{more}"


async def test_stats_make_a_table_that_sorts_by_a_click_on_a_column(page: Page) -> None:
    await page.goto(link(TABLE))
    table = page.get_by_role("table")
    await expect(table.get_by_role("columnheader")).to_have_text(["service", "n", "slowest"])
    counts = table.get_by_role("row").locator("td:nth-child(2)")
    await table.get_by_role("columnheader", name="n", exact=True).get_by_role("button").click()
    await expect(table.get_by_role("columnheader", name="n", exact=True)).to_have_attribute("aria-sort", "descending")
    downward = [int(each) for each in await counts.all_inner_texts() if each.strip()]
    assert downward == sorted(downward, reverse=True)
    assert len(downward) == 5


async def test_a_row_leads_to_its_events(page: Page) -> None:
    await page.goto(link(TABLE))
    await page.get_by_role("table").get_by_role("button", name="payments").click()
    await expect(page).to_have_url(re.compile("service%3A(%22)?payments$"))
    await expect(page.get_by_role("tab", name="Events")).to_be_visible()


async def test_timechart_makes_bars_whose_groups_can_be_hidden(page: Page) -> None:
    await page.goto(link(CHART))
    await expect(page.get_by_role("group", name="Chart over time").locator("canvas")).to_be_visible()
    error = page.get_by_role("list", name="What the colours mean").get_by_role("button", name="error").last
    await expect(error).to_have_attribute("aria-pressed", "true")
    await error.click()
    await expect(error).to_have_attribute("aria-pressed", "false")


async def test_how_it_is_drawn_can_be_chosen_and_is_in_the_address(page: Page) -> None:
    await page.goto(link(CHART))
    await page.get_by_role("group", name="Drawn as").get_by_role("button", name="Table").click()
    await expect(page).to_have_url(re.compile("chart=table"))
    await expect(page.get_by_role("group", name="Chart over time")).to_have_count(0)
    await page.go_back()
    await expect(page.get_by_role("group", name="Chart over time")).to_be_visible()


async def test_arrows_in_the_chart_tell_the_values_of_a_time(page: Page) -> None:
    await page.goto(link(CHART))
    chart = page.get_by_role("group", name="Chart over time")
    await expect(chart.locator("canvas")).to_be_visible()
    await chart.focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_label("Answer", exact=True).get_by_text(":00")).not_to_have_count(0)


async def test_one_row_of_numbers_is_shown_large(page: Page) -> None:
    await page.goto(link("service:stock | stats count() as runs"))
    await expect(page.get_by_role("term").filter(has_text="runs")).to_be_visible()
    await expect(page.get_by_role("definition").filter(has_text="120")).to_be_visible()


async def test_a_table_is_downloaded_as_csv(page: Page) -> None:
    await page.add_init_script("delete window.showSaveFilePicker")
    await page.goto(link(TABLE))
    await page.get_by_role("button", name="Download").click()
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="CSV").click()
    text = (await (await begun.value).path()).read_text()
    assert text.splitlines()[0] == "service,n,slowest"
    assert len(text.splitlines()) == 6


async def test_the_table_is_copied(page: Page) -> None:
    await page.goto(link('| stats count() as n by service | where service = "stock"'))
    await page.get_by_role("button", name="Copy the table").click()
    await expect(page.get_by_text("Copied 1 row.")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "service\tn\nstock\t120"


async def test_an_answer_that_is_cut_says_so(page: Page) -> None:
    async def cut(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=json.dumps({**await answer.json(), "truncated": True}))

    await page.route("**/api/v1/query?*", cut)
    await page.goto(link(TABLE))
    await expect(page.get_by_text("There are more rows than the 5 shown here")).to_be_visible()


async def test_pipes_that_leave_nothing_say_so_and_lead_to_the_events(page: Page) -> None:
    await page.goto(link("service:stock | where took.all_ms > 5000 | stats count() as n by service"))
    await expect(page.get_by_text("it is the pipes that leave nothing")).to_be_visible()
    await page.get_by_role("button", name="Show these events").click()
    await expect(page).to_have_url(re.compile("query=service%3Astock$"))


async def test_tables_and_charts_have_no_barriers(page: Page) -> None:
    for query in (TABLE, CHART):
        await page.goto(link(query))
        await expect(page.get_by_role("table")).to_be_visible()
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            await expect(page.locator("html")).to_have_attribute("data-theme", theme)
            assert await violations(page) == []
