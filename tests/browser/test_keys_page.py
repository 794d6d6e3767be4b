"""Keys: made, shown once, revoked; and signing in with one."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Complaints, violations
from tests.support.processes import Cordwood

ADMIN = "a" * 24


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """A platform where everybody needs a key."""
    with Cordwood("up", tmp_path_factory.mktemp("guarded") / "data", tenancy_api_keys=ADMIN) as service:
        yield service


@pytest.fixture(scope="module")
def reader(guarded: Cordwood) -> str:
    """A key that may only ask."""
    body = json.dumps({"name": "reader", "scopes": ["query"]}).encode()
    headers = {"Content-Type": "application/json", "X-API-Key": ADMIN}
    status, answer = guarded.post("/api/v1/keys", body, **headers)
    assert status == 200, answer
    return str(json.loads(answer)["key"])


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, guarded: Cordwood) -> AsyncIterator[Page]:
    """Somebody at the door, without a key yet."""
    context = await browser.new_context(
        base_url=guarded.url, timezone_id="UTC", permissions=["clipboard-read", "clipboard-write"]
    )
    page = await context.new_page()
    complaints = Complaints(page)
    await page.goto("/operations/keys")
    yield page
    await context.close()
    assert complaints.said == []


async def sign_in(page: Page, key: str, *, keep: bool = False) -> None:
    await page.get_by_label("Key", exact=True).fill(key)
    if keep:
        await page.get_by_label("Keep it in this browser").check()
    await page.get_by_role("button", name="Sign in").click()


async def make_key(page: Page, name: str, *scopes: str) -> str:
    """Made in the dialog; returned as it is shown once."""
    await page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name: who or what uses it").fill(name)
    for scope in ("ingest", "query", "admin"):
        await dialog.get_by_label(f"{scope}:").set_checked(scope in scopes)
    await dialog.get_by_role("button", name="Make it").click()
    key = await dialog.get_by_label("Key", exact=True).input_value()
    await dialog.get_by_role("button", name="I have kept it").click()
    return key


async def test_a_wrong_key_is_told_so_and_a_good_one_leads_to_where_one_was_going(visitor: Page) -> None:
    await sign_in(visitor, "wrong")
    await expect(visitor.get_by_role("alert")).to_be_visible()
    await sign_in(visitor, ADMIN)
    await expect(visitor.get_by_role("heading", name="Keys")).to_be_visible()
    await expect(visitor).to_have_url("/operations/keys")


async def test_a_key_is_kept_for_the_tab_or_for_the_browser(visitor: Page, reader: str) -> None:
    await sign_in(visitor, reader)
    await expect(visitor.get_by_role("heading", name="Keys")).to_be_visible()
    await visitor.reload()
    await expect(visitor.get_by_role("heading", name="Keys")).to_be_visible()
    other = await visitor.context.new_page()
    await other.goto("/operations")
    await sign_in(other, reader, keep=True)
    await expect(other.get_by_role("heading", name="Overview")).to_be_visible()
    third = await visitor.context.new_page()
    await third.goto("/operations")
    await expect(third.get_by_role("heading", name="Overview")).to_be_visible()


async def test_who_signs_out_is_out_after_a_reload_too(visitor: Page, reader: str) -> None:
    await sign_in(visitor, reader, keep=True)
    await visitor.get_by_role("banner").get_by_role("button", name="Key", exact=True).click()
    await visitor.get_by_role("button", name="Sign out").click()
    await expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()
    await visitor.reload()
    await expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()


async def test_a_key_is_shown_once_copied_and_works(visitor: Page) -> None:
    await sign_in(visitor, ADMIN)
    await visitor.get_by_role("button", name="Make a key").click()
    await visitor.get_by_label("Name: who or what uses it").fill("shown once")
    await visitor.get_by_role("button", name="Make it").click()
    dialog = visitor.get_by_role("dialog", name="The key was made")
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    key = await visitor.evaluate("navigator.clipboard.readText()")
    assert key == await dialog.get_by_label("Key", exact=True).input_value()
    await dialog.get_by_role("button", name="I have kept it").click()
    await expect(visitor.get_by_role("rowheader", name="shown once")).to_be_visible()
    assert key not in await visitor.content()


async def test_a_key_that_is_revoked_while_one_looks_leads_to_the_door(visitor: Page, browser: Browser) -> None:
    await sign_in(visitor, ADMIN)
    key = await make_key(visitor, "short lived", "query")
    context = await browser.new_context(base_url=visitor.url.removesuffix("/operations/keys"))
    looking = await context.new_page()
    await looking.goto("/operations/queries")
    await sign_in(looking, key)
    await expect(looking.get_by_role("heading", name="Running queries")).to_be_visible()
    await visitor.get_by_role("button", name="Revoke short lived").click()
    question = visitor.get_by_role("dialog", name="Revoke short lived?")
    await question.get_by_role("button", name="Revoke it").click()
    row = visitor.get_by_role("row").filter(has_text="short lived")
    await expect(row).to_contain_text("Revoked")
    await expect(looking.get_by_role("alert")).to_contain_text("opens nothing any more")
    await context.close()


async def test_a_key_without_admin_is_told_what_it_cannot_do(visitor: Page, reader: str) -> None:
    await sign_in(visitor, reader)
    await expect(visitor.get_by_text("Seeing, making and revoking keys needs a key")).to_be_visible()
    await expect(visitor.get_by_role("button", name="Make a key")).to_have_count(0)
    await visitor.goto("/alerts")
    await expect(visitor.get_by_text("Making and changing rules needs a key")).to_be_visible()


async def test_an_open_door_is_explained_and_closed_only_on_purpose(page: Page) -> None:
    await page.goto("/operations/keys")
    await expect(page.get_by_role("heading", name="The door is open")).to_be_visible()
    await page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog", name="Make a key")
    await dialog.get_by_label("Name: who or what uses it").fill("first")
    await dialog.get_by_role("button", name="Make it").click()
    await expect(dialog.get_by_label("Close the door")).to_be_focused()
    await dialog.get_by_role("button", name="Cancel").click()
    await page.reload()
    await expect(page.get_by_role("heading", name="The door is open")).to_be_visible()


async def test_the_first_key_closes_the_door_and_one_goes_on_with_it(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Cordwood("up", tmp_path_factory.mktemp("door") / "data") as service:
        context = await browser.new_context(base_url=service.url)
        page = await context.new_page()
        await page.goto("/operations/keys")
        await page.get_by_role("button", name="Make a key").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name: who or what uses it").fill("first")
        await dialog.get_by_label("Close the door").check()
        await dialog.get_by_role("button", name="Make it").click()
        await expect(dialog.get_by_label("Key", exact=True)).to_be_visible()
        await dialog.get_by_role("button", name="I have kept it").click()
        await expect(page.get_by_role("rowheader", name="first")).to_be_visible()
        await expect(page.get_by_role("heading", name="The door is open")).to_have_count(0)
        assert service.get("/api/v1/whoami")[0] == 401
        await context.close()


async def test_the_door_and_the_keys_have_no_barriers(visitor: Page) -> None:
    for theme in ("light", "dark"):
        await visitor.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        assert await violations(visitor) == []
    await sign_in(visitor, ADMIN)
    await visitor.get_by_role("button", name="Make a key").click()
    for theme in ("light", "dark"):
        await visitor.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(visitor.get_by_role("dialog", name="Make a key")).to_be_visible()
        assert await violations(visitor) == []
