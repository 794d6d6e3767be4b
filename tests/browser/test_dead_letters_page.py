"""Dead letters: seen with their bytes and reason, mended, replayed once, or given up."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Complaints, violations
from tests.support.mending import SURROGATE, poison
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

HOSTILE = '{"t":"\u202e<script>alert(1)</script>\x1b[31m", broken'.encode()
USELESS = b'"a text"'
"""Given up by the test of that: the tests come in any order."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def troubled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cordwood]:
    """A platform of its own: elsewhere all is well."""
    data = tmp_path_factory.mktemp("troubled") / "data"
    with Cordwood("up", data) as service:
        await poison(data, SURROGATE, SURROGATE, SURROGATE, HOSTILE, USELESS)
        wait_until(lambda: held(service) == 5, 20, "dead letters")
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def letters(browser: Browser, troubled: Cordwood) -> AsyncIterator[Page]:
    """The list of dead letters."""
    context = await browser.new_context(base_url=troubled.url, timezone_id="UTC")
    page = await context.new_page()
    complaints = Complaints(page)
    await page.goto("/operations/dead-letters")
    yield page
    await context.close()
    assert complaints.said == []


def held(service: Cordwood) -> int:
    return sum(group["events"] for group in json.loads(service.get("/api/v1/dead-letters")[1])["groups"])


async def test_the_overview_warns_of_them_and_leads_to_them(letters: Page) -> None:
    await letters.goto("/operations")
    await expect(letters.get_by_role("status", name="How it stands")).to_contain_text("could not be stored")
    await letters.get_by_role("link", name="Look", exact=True).click()
    await expect(letters).to_have_url("/operations/dead-letters")


async def test_one_is_inspected_as_it_was_sent_whatever_is_in_it(letters: Page) -> None:
    await letters.get_by_role("row").filter(has_text="script").get_by_role("button", name="Inspect").click()
    dialog = letters.get_by_role("dialog", name="Dead letter")
    await expect(dialog.get_by_role("region", name="Bytes of the letter")).to_contain_text(
        "‹U+202E›<script>alert(1)</script>␛[31m"
    )


async def test_those_of_one_reason_are_shown_alone(letters: Page) -> None:
    groups = letters.get_by_role("region", name="Dead letters by reason")
    await groups.get_by_role("row").filter(has_text="hex escape").get_by_role("button", name="Only these").click()
    await expect(letters.get_by_role("heading", name="Letters of this reason")).to_be_visible()
    await expect(letters.get_by_role("region", name="Dead letters", exact=True)).not_to_contain_text("script")


async def test_a_dry_run_tells_the_outcome_and_changes_nothing(letters: Page, troubled: Cordwood) -> None:
    before = held(troubled)
    await letters.get_by_role("button", name="Mend all").click()
    dialog = letters.get_by_role("dialog", name="All dead letters")
    await dialog.get_by_label("Drop fields, one in each line").fill("n")
    await dialog.get_by_role("button", name="Dry run").click()
    await expect(dialog.get_by_role("status")).to_contain_text("would be stored")
    assert held(troubled) == before


async def test_an_event_that_is_mended_is_stored_and_the_record_says_who(letters: Page, troubled: Cordwood) -> None:
    await letters.get_by_role("row").filter(has_text="hex escape").get_by_role("button", name="Inspect").first.click()
    dialog = letters.get_by_role("dialog", name="Dead letter")
    mended = '{\n "service": "mended-test",\n "n": 12345678901234567890\n}'
    await dialog.get_by_label("The event, to be edited as JSON").fill(mended)
    await dialog.get_by_role("button", name="Replay").click()
    await expect(letters.get_by_text("1 event stored.")).to_be_visible()
    await expect(letters.get_by_role("region", name="Record of actions")).to_contain_text("replay")
    status, body = troubled.get("/api/v1/query?query=service:mended-test")
    assert status == 200
    assert b"12345678901234567890" in body, "the number is as it was written"


async def test_what_is_no_json_is_said_before_anything_is_sent(letters: Page) -> None:
    await letters.get_by_role("row").filter(has_text="script").get_by_role("button", name="Inspect").click()
    dialog = letters.get_by_role("dialog", name="Dead letter")
    await dialog.get_by_label("The event, to be edited as JSON").fill("{broken")
    await dialog.get_by_role("button", name="Replay").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Nothing was sent")


async def test_discarding_asks_again_and_says_how_many(letters: Page, troubled: Cordwood) -> None:
    before = held(troubled)
    groups = letters.get_by_role("region", name="Dead letters by reason")
    await groups.get_by_role("row").filter(has_text="got `str`").get_by_role("button", name="Mend").click()
    await letters.get_by_role("button", name="Discard").click()
    question = letters.get_by_role("dialog", name="Give up 1 event?")
    await question.get_by_role("button", name="Cancel").click()
    assert held(troubled) == before
    await letters.get_by_role("button", name="Discard").click()
    await question.get_by_role("button", name="Discard 1 event").click()
    await expect(letters.get_by_text("1 event given up.")).to_be_visible()
    assert held(troubled) == before - 1


async def test_a_letter_has_no_barriers(letters: Page) -> None:
    for theme in ("light", "dark"):
        await letters.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await letters.goto("/operations/dead-letters")
        await letters.get_by_role("button", name="Inspect").first.click()
        await expect(letters.get_by_label("The event, to be edited as JSON")).to_be_visible()
        assert await violations(letters) == []
