"""The list of events: what a row says, the ways to see it, keys, columns, and how far it goes."""

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.support.browser import violations
from tests.support.processes import Cordwood
from tests.support.story import with_story
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """Of these tests' own: they store events."""
    with with_story(tmp_path_factory.mktemp("page")) as service:
        yield service


MANY = "many-events"
"""A service of these tests' own: 100,000 events."""


def link(query: str, more: str = "") -> str:
    return f"/?start=-3h&query={quote(query)}{more}"


def _has(part: str) -> re.Pattern[str]:
    """Of an address."""
    return re.compile(re.escape(part))


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Events", exact=True).get_by_role("listitem")


async def test_events_are_listed_with_how_many_are_loaded_of_how_many(page: Page, platform: Cordwood) -> None:
    await page.goto(link(""))
    await expect(rows(page).first).to_be_visible()
    await expect(page.get_by_text("events loaded")).to_have_text(f"600 of {platform.count():,} events loaded")


async def test_words_that_are_looked_for_are_marked(page: Page) -> None:
    await page.goto(link("declined service:payments"))
    await expect(rows(page).first.locator("mark")).to_have_text("declined")


async def test_colours_of_terminals_are_colours_and_not_characters(page: Page) -> None:
    await page.goto(link("service:stock"))
    row = rows(page).first
    await expect(row).to_contain_text("stock synced")
    await expect(row).not_to_contain_text("[32m")
    assert "ansi-2" in str(await row.get_by_text("stock", exact=True).nth(1).get_attribute("class"))


async def test_a_stack_trace_is_one_line_or_all_of_it(page: Page) -> None:
    await page.goto(link("level:error service:payments"))
    await expect(rows(page).first).to_contain_text("+6 lines")
    await page.get_by_role("group", name="Shown as").get_by_role("button", name="Wrapped").click()
    await expect(rows(page).first).to_contain_text("BankTimeout: no answer within 3.0 s")


async def test_keys_go_through_events_open_one_and_back_closes_it(page: Page) -> None:
    await page.goto(link("service:stock"))
    await expect(rows(page).first).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(rows(page).nth(1).get_by_role("article")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("article")).to_have_count(0)


async def test_opening_an_event_or_another_way_to_see_it_asks_nothing_anew(page: Page) -> None:
    await page.goto(link("service:stock"))
    await expect(
        page.get_by_role("region", name="Events over time").get_by_text("120 events", exact=True)
    ).to_be_visible()
    await expect(rows(page).first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/v1/query" in request.url else None)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article")).to_be_visible()
    await page.get_by_role("button", name="Wrapped").click()
    await expect(page).to_have_url(_has("view=wrapped"))
    await expect(page.get_by_role("article")).to_be_visible()
    assert asked == []


async def test_c_copies_the_message_without_its_colours(page: Page) -> None:
    await page.goto(link("service:stock"))
    await expect(rows(page).first).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("c")
    await expect(page.get_by_text("Copied the message.")).to_be_visible()
    assert (await page.evaluate("navigator.clipboard.readText()")).startswith("stock synced ")


async def test_t_shows_everything_of_the_trace(page: Page) -> None:
    await page.goto(link("level:error service:payments"))
    await expect(rows(page).first).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("t")
    await expect(page).to_have_url(_has("query=trace_id"))
    await expect(rows(page)).to_have_count(3)


async def test_columns_are_in_the_address_move_by_keys_and_go(page: Page) -> None:
    await page.goto(link("http.status:*", "&column=http.status&column=host"))
    await expect(page.get_by_role("button", name="Column http.status", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Column host", exact=True).press("Alt+ArrowLeft")
    await expect(page).to_have_url(_has("column=host&column=http.status"))
    await page.get_by_role("button", name="Take column host out").click()
    await expect(page.get_by_role("button", name="Column host", exact=True)).to_have_count(0)
    await expect(page.get_by_role("button", name="Column http.status", exact=True)).to_be_visible()


async def test_a_column_is_dragged_to_another_place(page: Page) -> None:
    await page.goto(link("http.status:*", "&column=http.status&column=host"))
    await page.get_by_role("button", name="Column host", exact=True).drag_to(
        page.get_by_role("button", name="Column http.status", exact=True)
    )
    await expect(page).to_have_url(_has("column=host&column=http.status"))


async def test_a_column_is_made_wider(page: Page) -> None:
    await page.goto(link("", "&column=host"))
    edge = page.get_by_role("separator", name="Width of column host")
    width = int(str(await edge.get_attribute("aria-valuenow")))
    await edge.press("ArrowRight")
    await expect(edge).to_have_attribute("aria-valuenow", str(width + 16))


async def test_raw_is_the_events_json(page: Page) -> None:
    await page.goto(link("service:stock", "&view=raw"))
    await expect(rows(page).first.get_by_role("code")).to_contain_text('"tags":["nightly","stock"]')


async def test_nothing_found_says_which_clause_and_drops_it(page: Page) -> None:
    await page.goto(link("level:info service:chekout"))
    await expect(page.get_by_role("heading", name="No event matches")).to_be_visible()
    await expect(page.get_by_text("none behind it")).to_contain_text("service:chekout")
    await page.get_by_role("button", name="Drop this clause").click()
    await expect(page).to_have_url(_has("query=level%3Ainfo"))
    await expect(rows(page).first).to_be_visible()


async def test_a_field_that_no_event_has_is_spelt_as_it_was_meant(page: Page) -> None:
    async def diagnose(route: Route) -> None:
        # The server looks for two seconds at most, and leaves out what it could not find out.
        answer = await route.fetch()
        told = await answer.json()
        if told.get("empty"):
            told["empty"]["unknown_fields"] = [{"name": "serivce", "suggestion": "service"}]
        await route.fulfill(response=answer, json=told)

    await page.route("**/api/v1/query?*", diagnose)
    await page.goto(link("serivce:stock"))
    await page.get_by_role("button", name="Use service").click()
    await expect(page).to_have_url(_has("query=service%3Astock"))
    await expect(rows(page).first).to_be_visible()


async def test_a_column_of_a_field_that_no_event_has_says_so(page: Page) -> None:
    await page.goto(link("service:stock | stats count() by levle"))
    await page.get_by_role("button", name="Use level").click()
    await expect(page).to_have_url(_has("by+level"))
    await expect(page.get_by_role("button", name="Use level")).not_to_be_visible()


async def test_where_the_time_range_has_nothing_one_click_leads_to_the_newest(page: Page) -> None:
    await page.goto("/?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z")
    await page.get_by_role("button", name="Go to the newest events").click()
    await expect(rows(page).first).to_be_visible()


async def test_what_is_found_is_downloaded_whole(page: Page) -> None:
    await page.add_init_script("delete window.showSaveFilePicker")
    await page.goto(link("service:stock"))
    await page.get_by_role("button", name="Download").click()
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="NDJSON").click()
    lines = (await (await begun.value).path()).read_text().splitlines()
    assert len(lines) == 120
    assert json.loads(lines[0])["service"] == "stock"


async def test_a_server_that_errs_is_told_and_asked_again(page: Page) -> None:
    async def fail(route: Route) -> None:
        await route.fulfill(
            status=503, json={"type": "urn:cordwood:problem:unavailable", "detail": "The store is away."}
        )

    await page.route("**/api/v1/query?*", fail)
    await page.goto(link("service:stock"))
    await expect(page.get_by_role("alert").filter(has_text="The store is away.").first).to_be_visible()
    await page.unroute("**/api/v1/query?*")
    await page.get_by_label("Answer", exact=True).get_by_role("button", name="Try again").click()
    await expect(rows(page).first).to_be_visible()


async def test_a_hundred_thousand_events_scroll_smoothly(page: Page, platform: Cordwood) -> None:
    """Frames longer than 50 ms are reported; none may be longer than a second, however busy the machine."""
    now = time.time()
    for part in range(10):
        lines = (
            json.dumps(
                {
                    "ts": now - each / 1000,
                    "service": MANY,
                    "level": "info",
                    "message": f"event {each} of many",
                    "n": each,
                }
            )
            for each in range(part * 10_000, (part + 1) * 10_000)
        )
        assert platform.post("/log", "\n".join(lines).encode())[0] == 202
    wait_until(
        lambda: platform.json(f"/api/v1/query/count?query=service:{MANY}")["count"] == 100_000,
        60,
        "events to be stored",
    )
    await page.goto(link(f"service:{MANY}"))
    await expect(page.get_by_text("of 100,000 events loaded")).to_be_visible()
    await page.evaluate(
        """() => {
            window.long = [];
            new PerformanceObserver(list => window.long.push(...list.getEntries().map(each => each.duration)))
                .observe({type: 'longtask'});
        }"""
    )
    scroller = page.get_by_role("region", name="Events:")
    box = await scroller.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 200, box["y"] + 100)
    wanted = page.get_by_label("Answer", exact=True).get_by_text("100,000 events", exact=True)
    deadline = time.monotonic() + 120
    while await wanted.count() == 0:
        assert time.monotonic() < deadline, await page.get_by_text("events loaded").inner_text()
        await page.mouse.wheel(0, 12_000)
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    await page.keyboard.press("Tab")
    await scroller.press("End")
    await expect(page.get_by_text("event 99999 of many")).to_be_visible()
    assert await rows(page).count() < 100
    frames = await page.evaluate("() => window.long")
    over = [each for each in frames if each > 50]
    print(f"frames over 50 ms: {len(over)}, the longest {max(frames, default=0):.0f} ms")
    assert max(frames, default=0) < 1000


async def test_the_list_has_no_barriers(page: Page) -> None:
    for more in ("", "&view=wrapped", "&view=raw", "&view=table&column=host", "&query=service:none"):
        await page.goto(f"/?start=-3h{more}")
        await expect(rows(page).first.or_(page.get_by_role("heading", name="No event matches"))).to_be_visible()
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            await expect(page.locator("html")).to_have_attribute("data-theme", theme)
            assert await violations(page) == []


async def test_who_reads_an_event_is_not_disturbed_by_new_ones(page: Page, platform: Cordwood) -> None:
    def send(count: int) -> None:
        line = b'{"service":"t-fresh","message":"tick"}\n'
        assert platform.post("/log?wait=stored", line * count)[0] == 202

    send(3)
    await page.clock.install()
    await page.goto("/?start=-1h&query=service:t-fresh&refresh=5")
    await expect(page.locator("[aria-label=Events] > li")).to_have_count(3)
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article")).to_be_visible()
    send(2)
    await page.clock.run_for(6000)
    offer = page.get_by_role("button", name="2 new events")
    await expect(offer).to_be_visible()
    await expect(page.locator("[aria-label=Events] > li")).to_have_count(3)
    await expect(page.get_by_role("article")).to_be_visible()
    await offer.click()
    await expect(page.locator("[aria-label=Events] > li")).to_have_count(5)
