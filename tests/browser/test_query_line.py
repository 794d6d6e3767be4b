"""The line in which a query is written: offers, errors at their place, and what was asked before."""

from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Locator, Page, expect

from tests.support.browser import violations


async def _line(page: Page, path: str = "/?start=-3h") -> Locator:
    await page.goto(path)
    line = page.get_by_role("textbox", name="Query")
    # The editor has taken the place of the plain field.
    await expect(line).to_have_attribute("contenteditable", "true")
    return line


def _asked(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("query", [""])[0]


async def test_enter_asks_and_the_address_says_what(page: Page) -> None:
    line = await _line(page)
    await page.keyboard.press("/")
    await expect(line).to_be_focused()
    await page.keyboard.type("level:error")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**query=level*")
    assert _asked(page) == "level:error"
    await expect(page.get_by_role("region", name="Events over time")).to_contain_text("error")


async def test_escape_leads_out_of_the_line_to_the_keys_of_the_page(page: Page) -> None:
    line = await _line(page)
    await page.keyboard.press("/")
    await page.keyboard.type("level:error")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**query=level*")
    await page.keyboard.press("Escape")
    await expect(line).not_to_be_focused()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await expect(line).to_have_text("level:error")


async def test_back_shows_the_query_before(page: Page) -> None:
    line = await _line(page, "/?start=-3h&query=level:error")
    await line.press("Control+a")
    await page.keyboard.type("service:checkout")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**checkout*")
    await page.go_back()
    await expect(line).to_have_text("level:error")


async def test_fields_and_their_values_are_offered(page: Page) -> None:
    line = await _line(page)
    await line.click()
    await page.keyboard.type("serv")
    offers = page.get_by_role("listbox", name="Completions")
    await expect(offers.get_by_role("option").filter(has_text="service").first).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(line).to_contain_text("service:")
    await expect(offers).to_contain_text("checkout")
    await page.keyboard.press("Escape")
    await expect(offers).not_to_be_visible()


async def test_shift_enter_begins_a_line_and_does_not_ask(page: Page) -> None:
    line = await _line(page)
    await line.click()
    await page.keyboard.type("checkout")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("card")
    assert await line.inner_text() == "checkout\ncard"
    assert _asked(page) == ""


async def test_an_error_is_told_at_its_place_and_mended_by_a_click(page: Page) -> None:
    line = await _line(page, "/?start=-3h&query=level:error+%7C+stat+count()")
    told = page.get_by_role("alert").filter(has_text="stat")
    await expect(told).to_be_visible()
    await expect(line).to_have_attribute("aria-invalid", "true")
    await told.get_by_role("button", name="Use stats").click()
    await expect(line).to_have_text("level:error | stats count()")
    await expect(line).to_have_attribute("aria-invalid", "false")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**stats*")


async def test_a_word_that_is_being_written_is_no_error_yet(page: Page) -> None:
    line = await _line(page)
    await line.click()
    async with page.expect_response(lambda answer: "query/check" in answer.url and "stat" in answer.url):
        await page.keyboard.type("checkout | stat")
    await expect(line).to_have_attribute("aria-invalid", "false")
    await line.blur()
    await expect(line).to_have_attribute("aria-invalid", "true")


async def test_up_in_an_empty_line_brings_back_what_was_asked(page: Page) -> None:
    line = await _line(page, "/?start=-3h&query=level:warn")
    await expect(page.get_by_role("region", name="Events over time")).to_contain_text("warn")
    await page.get_by_role("button", name="Clear the query").click()
    await page.keyboard.press("ArrowUp")
    await expect(line).to_have_text("level:warn")


async def test_the_search_has_no_barriers(page: Page) -> None:
    await _line(page, "/?start=-3h&query=level:error+%7C+stat+count()")
    await expect(page.get_by_role("alert").filter(has_text="stat")).to_be_visible()
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
