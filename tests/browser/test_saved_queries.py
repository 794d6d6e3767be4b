"""Queries with names, which the server keeps."""

from playwright.async_api import Page, expect

from tests.support.browser import violations

_NAME = "failures of the shop"


async def test_a_query_is_saved_opened_overwritten_and_deleted(page: Page) -> None:
    await page.goto("/?start=-2d&query=level:error")
    await _save(page, "Save")
    await page.goto("/?query=level:warn&start=-1h")
    await _save(page, "Overwrite it")
    await page.goto("/")
    await page.get_by_role("button", name="Saved queries").click()
    await page.get_by_role("button", name=f"{_NAME} Last hour").click()
    await expect(page.get_by_role("textbox", name="Query")).to_have_text("level:warn")
    await page.get_by_role("button", name="Saved queries").click()
    await page.get_by_role("button", name=f"Delete {_NAME}").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(page.get_by_role("button", name=f"Delete {_NAME}")).to_have_count(0)


async def test_who_types_at_once_names_the_query(page: Page) -> None:
    """The focus is in the field: on the cross, a blank closed the dialog."""
    await page.goto("/?query=level:error")
    await page.get_by_role("button", name="Saved queries").click()
    await page.get_by_role("button", name="Save this query").click()
    dialog = page.get_by_role("dialog", name="Save this query")
    await expect(dialog).to_be_visible()
    await page.keyboard.type("Card errors")
    await expect(dialog.get_by_label("Name")).to_have_value("Card errors")


async def _save(page: Page, how: str) -> None:
    await page.get_by_role("button", name="Saved queries").click()
    await page.get_by_role("button", name="Save this query").click()
    dialog = page.get_by_role("dialog", name="Save this query")
    await dialog.get_by_label("Name").fill(_NAME)
    assert await violations(page) == []
    await dialog.get_by_role("button", name=how).click()
    await expect(page.get_by_text(f'Saved "{_NAME}".')).to_be_visible()
