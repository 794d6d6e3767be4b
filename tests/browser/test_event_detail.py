"""One event, opened: its fields, what a value leads to, its raw JSON, what is around it, and a link to it."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import violations
from tests.support.processes import Cordwood
from tests.support.story import with_story
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """Of these tests' own: they store events."""
    with with_story(tmp_path_factory.mktemp("page")) as service:
        yield service


OWN = "event-detail"


def link(query: str, more: str = "") -> str:
    return f"/?start=-3h&query={quote(query)}{more}"


async def opened(page: Page, query: str) -> None:
    await page.goto(link(query))
    await expect(page.get_by_role("list", name="Events", exact=True).get_by_role("listitem").first).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article")).to_be_visible()


def send(platform: Cordwood, event: dict[str, Any]) -> str:
    """Returns the stored event's id."""
    mark = f"m{time.monotonic_ns()}"
    assert platform.post("/log", json.dumps({"service": OWN, "mark": mark, **event}).encode())[0] == 202
    path = f"/api/v1/query?query=mark:{mark}"
    wait_until(lambda: platform.json(path)["events"] != [], 30, "the event to be stored")
    return str(platform.json(path)["events"][0]["id"])


async def value(page: Page, name: str) -> None:
    await page.get_by_role("article").get_by_role("button", name=name).click()


async def test_a_value_is_included_excluded_or_searched_for_alone(page: Page) -> None:
    for action, expected in (
        ("Only with this", "service:stock host?|took.db_ms"),
        ("Without this", "-took.db_ms"),
        ("Search for this alone", "query=took.db_ms"),
    ):
        await opened(page, "service:stock")
        await value(page, "took.db_ms: ")
        await page.get_by_role("group", name="What to do with took.db_ms").get_by_role("button", name=action).click()
        await expect(page).to_have_url(re.compile(expected))


async def test_keys_do_the_same_with_the_value_that_has_the_focus(page: Page) -> None:
    await opened(page, "service:stock")
    await page.get_by_role("article").get_by_role("button", name="tags: nightly").focus()
    await page.keyboard.press("x")
    await expect(page).to_have_url(re.compile("-tags"))


async def test_a_value_is_added_as_a_column(page: Page) -> None:
    await opened(page, "service:stock")
    await value(page, "took.db_ms: ")
    await page.get_by_role("button", name="Add as a column").click()
    await expect(page).to_have_url(re.compile("column=took.db_ms"))
    await expect(page.get_by_role("button", name="Column took.db_ms", exact=True)).to_be_visible()


async def test_what_was_sent_under_a_derived_name_is_asked_for_with_a_dot(page: Page) -> None:
    await opened(page, "service:stock")
    await value(page, ".level: info")
    await page.get_by_role("button", name="Search for this alone").click()
    await expect(page).to_have_url(re.compile(r"query=\.level"))


async def test_numbers_beyond_doubles_keep_every_digit(page: Page, platform: Cordwood) -> None:
    found = send(platform, {"message": "big", "big": 123456789012345678901234567890})
    await page.goto(link(f"service:{OWN}", f"&event={found}"))
    await expect(page.get_by_role("article")).to_contain_text("123456789012345678901234567890")
    await page.get_by_role("button", name="Copy JSON").click()
    await expect(page.get_by_text("Copied the event.")).to_be_visible()
    assert '"big":123456789012345678901234567890' in await page.evaluate("navigator.clipboard.readText()")


async def test_a_link_opens_an_event_that_the_list_does_not_have(page: Page, platform: Cordwood) -> None:
    found = send(platform, {"message": "linked to", "deep": {"er": {"est": {"value": 42}}}})
    await page.goto(link("service:stock", f"&event={found}"))
    card = page.get_by_role("region", name="The event of this link")
    await expect(card).to_contain_text("linked to")
    await card.get_by_role("button", name="Members of deep.er").click()
    await card.get_by_role("button", name="Members of deep.er.est").click()
    await expect(card.get_by_role("button", name="deep.er.est.value: 42")).to_be_visible()
    await card.get_by_role("button", name="Close the event").click()
    await expect(card).to_have_count(0)


async def test_a_link_to_an_event_that_is_gone_says_so(page: Page) -> None:
    await page.goto(link("service:stock", "&event=01a20000-0000-7000-8000-000000000000"))
    await expect(page.get_by_role("region", name="The event of this link").get_by_role("alert")).to_be_visible()


async def test_a_copied_link_shows_the_event(page: Page) -> None:
    await opened(page, "service:stock")
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_text("Copied the link.")).to_be_visible()
    await page.goto(await page.evaluate("navigator.clipboard.readText()"))
    await expect(page.get_by_role("article")).to_contain_text("took")


async def test_raw_json_is_shown_as_it_was_sent(page: Page) -> None:
    await opened(page, "service:stock")
    await page.get_by_role("tab", name="Raw JSON").click()
    await expect(page.get_by_role("tabpanel", name="Raw JSON")).to_contain_text('"tags": [')


async def test_what_happened_before_and_after_is_shown_and_goes_on(page: Page) -> None:
    await opened(page, "level:error service:payments")
    await page.get_by_role("tab", name="Before and after").click()
    around = page.get_by_role("list", name="Events around this one").get_by_role("listitem")
    await expect(around).to_have_count(21)
    await page.get_by_role("button", name="20 earlier ones").click()
    await expect(around).to_have_count(41)
    await page.get_by_label("Just before and after").select_option("of its trace_id")
    await expect(around).to_have_count(3)


async def test_everything_of_the_trace_is_one_click_away(page: Page) -> None:
    await opened(page, "level:error service:payments")
    await page.get_by_role("button", name="Everything of this trace").click()
    await expect(page).to_have_url(re.compile("query=trace_id"))


async def test_an_opened_event_has_no_barriers(page: Page) -> None:
    await opened(page, "level:error service:payments")
    for name in ("Fields", "Raw JSON", "Before and after"):
        await page.get_by_role("article").get_by_role("tab", name=name).click()
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            await expect(page.locator("html")).to_have_attribute("data-theme", theme)
            assert await violations(page) == []
