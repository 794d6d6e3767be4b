"""The sidebar of fields: what there is, and one click to the query."""

from playwright.async_api import Page, Route, expect

from tests.support.browser import violations

_STORY = "/?start=-3h"


async def test_fields_are_listed_with_values_and_counts(page: Page) -> None:
    await page.goto(_STORY)
    levels = page.get_by_role("list", name="Values of level")
    await expect(levels.get_by_role("button", name="Only level error")).to_contain_text("%")
    await expect(page.get_by_role("list", name="Values of service")).to_contain_text("payments")
    await expect(page.get_by_role("region", name="Field host")).to_contain_text("str")


async def test_a_click_on_a_value_takes_only_what_has_it(page: Page) -> None:
    await page.goto(_STORY)
    await page.get_by_role("button", name="Only service payments").click()
    await expect(page.get_by_label("Fields").get_by_role("button", name="Only service")).to_have_count(1)
    assert "payments" in page.url


async def test_a_click_with_alt_or_the_button_beside_leaves_out_what_has_it(page: Page) -> None:
    await page.goto(_STORY)
    await page.get_by_role("button", name="Only service gateway").click(modifiers=["Alt"])
    await expect(page.get_by_role("button", name="Only service gateway")).to_have_count(0)
    await page.get_by_role("button", name="Without service search").click()
    await expect(page.get_by_role("button", name="Only service search")).to_have_count(0)
    await expect(page.get_by_role("button", name="Only service payments")).to_be_visible()


async def test_two_quick_clicks_both_count(page: Page) -> None:
    answers: list[Route] = []

    async def hold(route: Route) -> None:
        answers.append(route)
        if len(answers) == 1:
            await page.get_by_role("button", name="Without service search").click()
        await route.continue_()

    await page.goto(_STORY)
    await expect(page.get_by_role("button", name="Without service search")).to_be_visible()
    await page.route("**/query/refine", hold)
    await page.get_by_role("button", name="Without service gateway").click()
    await expect(page.get_by_role("textbox", name="Query")).to_have_text("-service:gateway -service:search")


async def test_a_field_is_pinned_for_as_long_as_the_browser_remembers(page: Page) -> None:
    await page.goto(_STORY)
    await page.get_by_role("button", name="Pin host").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Pin host")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("list", name="Values of host")).to_be_visible()


async def test_a_value_is_found_in_whatever_field_it_is(page: Page) -> None:
    await page.goto(_STORY)
    await page.get_by_role("searchbox", name="Find a field or value").fill("2.4.1")
    await expect(page.get_by_role("button", name="Only version 2.4.1")).to_be_visible()
    await expect(page.get_by_role("region", name="Field service")).to_have_count(0)


async def test_more_values_are_found_by_how_they_begin(page: Page) -> None:
    await page.goto(_STORY)
    await page.get_by_role("button", name="host", exact=False).and_(page.get_by_role("button", expanded=False)).click()
    await page.get_by_role("region", name="Field host").get_by_role("button", name="More values").click()
    await page.get_by_role("searchbox", name="Values of host that begin with").fill("pay")
    values = page.get_by_role("list", name="Values of host")
    await expect(values.get_by_role("button", name="Only host")).to_have_count(3)


async def test_a_field_becomes_a_column(page: Page) -> None:
    await page.goto(_STORY)
    await page.get_by_role("button", name="host as a column").click()
    await expect(page).to_have_url(f"{_STORY}&column=host")


async def test_the_sidebar_is_wider_and_away_by_keys(page: Page) -> None:
    await page.goto(_STORY)
    edge = page.get_by_role("separator", name="Width of the fields")
    before = int(await edge.get_attribute("aria-valuenow") or 0)
    await edge.press("ArrowRight")
    await expect(edge).to_have_attribute("aria-valuenow", str(before + 24))
    await page.keyboard.press("f")
    await expect(page.get_by_role("complementary", name="Fields")).to_have_count(0)
    await page.get_by_role("button", name="Show the fields").click()
    await expect(page.get_by_role("complementary", name="Fields")).to_be_visible()


async def test_fields_are_a_drawer_where_there_is_no_room(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(_STORY)
    await page.get_by_role("button", name="Show the fields").click()
    await expect(page.get_by_role("button", name="Only level error")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("complementary", name="Fields")).to_have_count(0)


async def test_fields_that_cannot_be_counted_disturb_nothing_else(page: Page) -> None:
    async def fail(route: Route) -> None:
        await route.fulfill(
            status=503, json={"type": "urn:cordwood:problem:unavailable", "detail": "The store is away"}
        )

    await page.route("**/api/v1/facets?*", fail)
    await page.goto(_STORY)
    await expect(page.get_by_role("complementary", name="Fields").get_by_role("alert")).to_contain_text(
        "The store is away"
    )
    await expect(page.get_by_role("tab", name="Events")).to_be_visible()


async def test_the_fields_have_no_barriers(page: Page) -> None:
    await page.goto(_STORY)
    await expect(page.get_by_role("button", name="Only level error")).to_be_visible()
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
