"""Logs may contain anything. Nothing of it runs, turns the page around, or holds it up."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.processes import Cordwood
from tests.support.story import with_story
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """Of these tests' own: they store events."""
    with with_story(tmp_path_factory.mktemp("page")) as service:
        yield service


OWN = "hostile"
SCRIPT = '<script>window.ran = 1</script><img src=x onerror="window.ran = 1"><b>bold</b>'
EVENTS: list[dict[str, Any]] = [
    {"kind": "script", "message": SCRIPT, SCRIPT: SCRIPT, "url": "javascript:window.ran=1"},
    {"kind": "long", "message": "x" * 1_000_000},
    {"kind": "rtl", "message": "user \u202egnp.exe logged in", "hebrew": "שלום עולם"},
    {"kind": "control", "message": "a\x00b\x07c\x1b]0;title\x07d\x1b[2J\x7fe", "\x01name": "\x02value"},
    {"kind": "columns", "message": "five hundred columns", **{f"column_{each}": each for each in range(500)}},
    {
        "kind": "proto",
        "message": "names of objects",
        "__proto__": {"polluted": True},
        "constructor": 1,
        "toString": "no",
    },
]


@pytest.fixture(scope="module")
def hostile(platform: Cordwood) -> Cordwood:
    lines = (json.dumps({"service": OWN, "timestamp": time.time(), **event}) for event in EVENTS)
    assert platform.post("/log", "\n".join(lines).encode())[0] == 202
    wait_until(
        lambda: platform.json(f"/api/v1/query/count?query=service:{OWN}")["count"] == len(EVENTS), 30, "the events"
    )
    return platform


async def opened(page: Page, kind: str, more: str = "") -> Locator:
    await page.goto(f"/?start=-3h&query=service:{OWN}+kind:{kind}{more}")
    await expect(row(page)).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    article = page.get_by_role("article")
    await expect(article).to_be_visible()
    return article


def row(page: Page) -> Locator:
    return page.get_by_role("list", name="Events", exact=True).get_by_role("listitem").first


async def test_scripts_and_markup_are_text_everywhere(page: Page, hostile: Cordwood) -> None:
    article = await opened(page, "script")
    await expect(row(page)).to_contain_text("<script>window.ran = 1</script>")
    await expect(article.get_by_role("button", name="url: javascript:")).to_be_visible()
    await article.get_by_role("tab", name="Raw JSON").click()
    await expect(article.get_by_role("tabpanel")).to_contain_text("<b>bold</b>")
    for view in ("wrapped", "raw", "table"):
        await page.goto(f"/?start=-3h&query=service:{OWN}+kind:script&view={view}")
        await expect(row(page)).to_contain_text("<b>bold</b>")
    await page.goto(f"/?start=-3h&query=service:{OWN}+kind:script+|+stats+count()+by+url,message")
    await expect(page.get_by_role("table")).to_contain_text("<b>bold</b>")
    assert await page.evaluate("window.ran") is None


async def test_a_line_of_a_megabyte_is_cut_and_shown_in_pieces(page: Page, hostile: Cordwood) -> None:
    article = await opened(page, "long")
    assert len(await row(page).inner_text()) < 10_000
    await article.get_by_role("button", name="Show more of 1,000,000 characters").click()
    assert 20_000 < len(await row(page).inner_text()) < 40_000
    await article.get_by_role("tab", name="Raw JSON").click()
    await article.get_by_role("button", name="Show more of 1,000,").click()
    assert len(await article.inner_text()) < 150_000


async def test_text_from_right_to_left_stays_in_its_place(page: Page, hostile: Cordwood) -> None:
    article = await opened(page, "rtl")
    await expect(row(page)).to_contain_text("user ‹U+202E›gnp.exe logged in")
    await expect(article.get_by_role("button", name="hebrew: שלום עולם")).to_be_visible()


async def test_control_characters_are_seen_and_not_obeyed(page: Page, hostile: Cordwood) -> None:
    article = await opened(page, "control")
    await expect(row(page)).to_contain_text("a␀b␇cd␡e")
    await expect(article.get_by_role("button", name="␁name: ␂value")).to_be_visible()


async def test_five_hundred_columns_open_at_once_and_can_be_searched(page: Page, hostile: Cordwood) -> None:
    article = await opened(page, "columns")
    await expect(article.get_by_role("button", name="Show more: ")).to_be_visible()
    await article.get_by_role("searchbox").fill("column_499")
    await expect(article.get_by_role("button", name="column_499: 499")).to_be_visible()


async def test_names_of_the_language_itself_are_names(page: Page, hostile: Cordwood) -> None:
    article = await opened(page, "proto", "&column=constructor&column=toString&column=valueOf")
    await expect(article.get_by_role("button", name="__proto__.polluted: true")).to_be_visible()
    await expect(article.get_by_role("button", name="toString: no")).to_be_visible()
    assert await page.evaluate("({}).polluted") is None
