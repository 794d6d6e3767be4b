"""The frame around every view: where one is, keys, light and dark."""

from playwright.async_api import Page, expect

from tests.support.browser import violations


async def test_the_page_opens_on_the_search(page: Page) -> None:
    await page.goto("/")
    await expect(page.get_by_role("link", name="Search")).to_have_attribute("aria-current", "page")
    assert await page.title() == "Cordwood"


async def test_views_are_links_and_back_leads_back(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Operations").click()
    await expect(page).to_have_url("/operations")
    await page.go_back()
    await expect(page.get_by_role("link", name="Search")).to_have_attribute("aria-current", "page")


async def test_keys_are_listed_behind_the_question_mark_and_work(page: Page) -> None:
    await page.goto("/operations")
    await page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    await expect(sheet).to_contain_text("go to search")
    await page.keyboard.press("Escape")
    await expect(sheet).not_to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await expect(page).to_have_url("/")


async def test_the_theme_is_the_systems_until_somebody_chooses(page: Page) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.goto("/operations")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Light or dark").click()
    await page.get_by_role("button", name="Light", exact=True).click()
    await expect(root).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "light")


async def test_a_path_that_is_no_view_says_so(page: Page) -> None:
    await page.goto("/operations")
    await page.evaluate("history.pushState(null, '', '/nowhere')")
    await page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    await expect(page.get_by_text("There is nothing here")).to_be_visible()


async def test_the_frame_has_no_barriers(page: Page) -> None:
    await page.goto("/operations")
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
