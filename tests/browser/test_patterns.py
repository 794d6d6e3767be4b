"""The tab of patterns: what kinds of messages there are."""

from playwright.async_api import Locator, Page, expect

from tests.support.browser import violations

_PATTERNS = "/?start=-3h&tab=patterns"
_DECLINED = "card declined after <duration>: order <num>"
_PATIENCE_MS = 60_000
"""What reads messages the first time is slow on a busy machine."""


async def _rows_of(page: Page) -> Locator:
    await page.goto(_PATTERNS)
    rows = page.get_by_role("list", name="Patterns").get_by_role("listitem")
    await expect(rows.first).to_be_visible(timeout=_PATIENCE_MS)
    return rows


async def test_messages_are_listed_by_kind_the_most_frequent_first(page: Page) -> None:
    rows = await _rows_of(page)
    await expect(rows.first).to_contain_text("GET <*> <num> in <duration>")
    declined = rows.filter(has_text=_DECLINED)
    await expect(declined).to_contain_text("error 100 %")
    await expect(declined.get_by_role("img", name="Over time")).to_be_visible()


async def test_the_rarest_come_first_when_they_are_asked_for(page: Page) -> None:
    rows = await _rows_of(page)
    await page.get_by_role("button", name="Rarest").click()
    await expect(rows.first).to_contain_text(_DECLINED)
    await expect(page).to_have_url(f"{_PATTERNS}&order=rare")


async def test_a_pattern_becomes_part_of_the_query(page: Page) -> None:
    rows = await _rows_of(page)
    await rows.filter(has_text=_DECLINED).get_by_role("button", name="Only this pattern").click()
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text(_DECLINED)


async def test_messages_that_are_coloured_can_be_left_out_as_well(page: Page) -> None:
    rows = await _rows_of(page)
    await rows.filter(has_text="stock synced").get_by_role("button", name="Without this pattern").click()
    await expect(rows.filter(has_text="stock synced")).to_have_count(0)
    await expect(rows.filter(has_text=_DECLINED)).to_have_count(1)


async def test_a_pattern_shows_an_example_with_its_trace(page: Page) -> None:
    rows = await _rows_of(page)
    await rows.filter(has_text=_DECLINED).get_by_role("button", name="card declined").click()
    await expect(rows.filter(has_text=_DECLINED)).to_contain_text("payments.bank.BankTimeout")


async def test_patterns_are_searched(page: Page) -> None:
    rows = await _rows_of(page)
    await page.get_by_role("searchbox", name="Find a pattern").fill("charged")
    await expect(rows).to_have_count(1)
    await page.get_by_role("searchbox", name="Find a pattern").fill("nothing like it")
    await expect(page.get_by_text("No pattern has this text")).to_be_visible()


async def test_without_messages_it_says_so(page: Page) -> None:
    await page.goto(f"{_PATTERNS}&query=service:nobody")
    await expect(page.get_by_text("No message, no pattern")).to_be_visible(timeout=_PATIENCE_MS)


async def test_the_patterns_have_no_barriers(page: Page) -> None:
    rows = await _rows_of(page)
    await expect(rows.filter(has_text=_DECLINED)).to_contain_text("error 100 %")
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
