"""Dashboards, looked at: by whoever may read, in any window, whatever the answers are."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.support.browser import violations
from tests.support.dashboards import ERRORS, panel, put, shown
from tests.support.processes import Cordwood


async def without_admin(page: Page) -> None:
    async def answer(route: Route) -> None:
        told = await (await route.fetch()).json()
        await route.fulfill(json={**told, "scopes": ["query"]})

    await page.route("**/api/v1/whoami", answer)


async def test_what_comes_with_cordwood_is_listed_first_and_shows_the_logs(page: Page) -> None:
    await page.goto("/dashboards")
    ours = page.get_by_role("region", name="Come with Cordwood")
    await expect(ours.get_by_role("link")).to_have_count(3)
    await ours.get_by_role("link", name=re.compile("^Overview")).click()
    await expect(page).to_have_url("/dashboards/overview")
    await expect(shown(page, "Events")).to_contain_text(re.compile(r"\d,\d{3}"))
    newest = shown(page, "Latest warnings and errors")
    await newest.scroll_into_view_if_needed()
    await expect(newest.get_by_role("link").filter(has_text=re.compile("GET /.* 404 in")).first).to_be_visible()


@pytest.mark.parametrize("name", ["overview", "errors", "http"])
async def test_no_panel_of_those_that_come_with_cordwood_fails(page: Page, platform: Cordwood, name: str) -> None:
    await page.set_viewport_size({"width": 1280, "height": 2600})
    await page.goto(f"/dashboards/{name}?start=-3h&refresh=0")
    count = len(platform.json(f"/api/v1/dashboards/{name}")["panels"])
    await expect(page.locator("[aria-busy=false]")).to_have_count(count)
    await expect(page.get_by_role("alert").filter(has_text=re.compile(r"\w"))).to_have_count(0)


async def test_markup_in_titles_is_text(page: Page, platform: Cordwood) -> None:
    hostile = "<img src=x onerror=document.title='gone'>"
    put(platform, "t-hostile", {**panel("One"), "title": hostile}, title="<b>bold</b>")
    await page.goto("/dashboards/t-hostile")
    await expect(page.get_by_role("heading", level=1)).to_have_text("<b>bold</b>")
    await expect(page.get_by_role("heading", level=2)).to_have_text(hostile)
    await expect(page).to_have_title("<b>bold</b> · Cordwood")


async def test_who_may_not_change_anything_is_offered_nothing_that_does(page: Page, platform: Cordwood) -> None:
    put(platform, "t-reader", panel("One"))
    await without_admin(page)
    await page.goto("/dashboards")
    await expect(page.get_by_role("link", name=re.compile("^t-reader"))).to_be_visible()
    await expect(page.get_by_role("button", name="New dashboard")).not_to_be_visible()
    await expect(page.get_by_role("button", name="Import JSON")).not_to_be_visible()
    await page.goto("/dashboards/t-reader?edit=1")
    await expect(shown(page, "One")).to_contain_text(re.compile(r"\d"))
    await expect(page.get_by_role("button", name="Edit", exact=True)).not_to_be_visible()
    await expect(page.get_by_role("toolbar")).not_to_be_visible()


async def test_one_filter_goes_into_every_panel(page: Page, platform: Cordwood) -> None:
    put(platform, "t-filter", panel("One"), panel("Two", "level:warn OR level:error", "events", x=6))
    await page.goto("/dashboards/t-filter")
    await expect(shown(page, "One")).to_contain_text(re.compile(r"[1-9]"))
    await page.get_by_label("Filter of all panels").fill("service:stock")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url("/dashboards/t-filter?filter=service%3Astock")
    await expect(shown(page, "One").get_by_text("0", exact=True)).to_be_visible()
    await expect(shown(page, "Two")).to_contain_text("in this time range")
    link = await shown(page, "Two").get_by_role("link", name="Open Two in the search").get_attribute("href")
    assert link is not None
    asked = parse_qs(urlsplit(link).query)
    assert asked["query"] == ["(level:warn OR level:error) (service:stock)"]
    assert "start" in asked


async def test_a_filter_that_cannot_be_one_is_told_and_the_panels_stay(page: Page, platform: Cordwood) -> None:
    put(platform, "t-wrong", panel("One"))
    await page.goto("/dashboards/t-wrong?filter=level:error+|+limit+1")
    await expect(page.get_by_role("alert").filter(has_text="takes no pipes")).to_be_visible()
    await expect(shown(page, "One")).to_contain_text(re.compile(r"[1-9]"))


async def test_a_panel_that_fails_leaves_the_others_alone(page: Page, platform: Cordwood) -> None:
    put(platform, "t-fails", panel("One", ERRORS), panel("Two", "declined", "events", x=6))

    async def fail(route: Route) -> None:
        if "stats" in route.request.url:
            await route.fulfill(
                status=503, json={"type": "urn:cordwood:problem:unavailable", "detail": "store is away"}
            )
        else:
            await route.continue_()

    await page.route("**/api/v1/query?*", fail)
    await page.goto("/dashboards/t-fails")
    await expect(shown(page, "One").get_by_role("alert")).to_contain_text("store is away")
    await expect(shown(page, "Two")).to_contain_text("card declined")
    await page.unroute("**/api/v1/query?*")
    await shown(page, "One").get_by_role("button", name="Try again").click()
    await expect(shown(page, "One")).to_contain_text(re.compile(r"[1-9]"))


async def test_an_answer_stays_where_the_next_one_fails(page: Page, platform: Cordwood) -> None:
    put(platform, "t-stays", panel("One", "declined", "events"))
    await page.goto("/dashboards/t-stays")
    await expect(shown(page, "One")).to_contain_text("card declined")
    away = {"type": "urn:cordwood:problem:unavailable", "detail": "store is away"}
    await page.route("**/api/v1/query?*", lambda route: route.fulfill(status=503, json=away))
    await page.get_by_role("button", name="Ask again now (r)").click()
    await expect(shown(page, "One").get_by_role("alert")).to_contain_text("Not up to date: store is away")
    await expect(shown(page, "One")).to_contain_text("card declined")
    await page.unroute("**/api/v1/query?*")
    await shown(page, "One").get_by_role("button", name="Try again").click()
    await expect(shown(page, "One").get_by_role("alert")).not_to_be_visible()


async def test_an_event_of_a_panel_opens_in_the_search(page: Page, platform: Cordwood) -> None:
    put(platform, "t-event", panel("One", "declined", "events"))
    await page.goto("/dashboards/t-event")
    await shown(page, "One").get_by_role("link").filter(has_text="card declined").first.click()
    await expect(page).to_have_url(re.compile(r"/\?query=declined&start=-3h&event=[0-9a-f-]{36}$"))


async def test_an_incomplete_answer_is_marked_at_its_panel(page: Page, platform: Cordwood) -> None:
    put(platform, "t-part", panel("One"))

    async def damage(route: Route) -> None:
        told = await (await route.fetch()).json()
        await route.fulfill(json={**told, "complete": False})

    await page.route("**/api/v1/query?*", damage)
    await page.goto("/dashboards/t-part")
    await expect(shown(page, "One").get_by_text("incomplete")).to_be_visible()


async def test_a_field_that_no_event_has_is_told_at_its_panel(page: Page, platform: Cordwood) -> None:
    put(platform, "t-typo", panel("One", "| stats count() by serivce", "table"))
    await page.goto("/dashboards/t-typo")
    await expect(shown(page, "One").get_by_text("no event has serivce")).to_have_attribute(
        "title", "Did you mean service?"
    )


async def test_no_more_than_four_panels_load_at_once(page: Page, platform: Cordwood) -> None:
    put(platform, "t-many", *(panel(f"P{n}", "*", "events", x=n % 6 * 2, y=n // 6 * 2, w=2, h=2) for n in range(12)))
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/api/v1/query?*", held.put)
    await page.goto("/dashboards/t-many")
    await expect(page.locator("[aria-busy=true]")).to_have_count(12)
    first = [await held.get() for _ in range(4)]
    # Whatever the page asked before this has come by now.
    await page.evaluate("fetch('/api/v1/whoami')")
    assert held.empty()
    await first[0].abort()
    await held.get()
    await page.unroute("**/api/v1/query?*")


async def test_panels_load_once_they_are_seen(page: Page, platform: Cordwood) -> None:
    put(
        platform,
        "t-below",
        panel("Here", "declined here", "events"),
        panel("Far", "declined far", "events", y=40, h=4),
        panel("Between", "declined between", "events", y=4, h=40),
    )
    asked: list[str] = []

    def hear(request: Request) -> None:
        if "/api/v1/query?" in request.url:
            asked.append(parse_qs(urlsplit(request.url).query)["query"][0])

    page.on("request", hear)
    await page.goto("/dashboards/t-below")
    await expect(shown(page, "Between")).to_contain_text("in this time range")
    assert "declined far" not in asked
    async with page.expect_request(re.compile("declined.far")):
        await shown(page, "Far").scroll_into_view_if_needed()


async def test_f_fills_the_screen_and_leads_back(page: Page, platform: Cordwood) -> None:
    put(platform, "t-full", panel("One"))
    await page.goto("/dashboards/t-full")
    await expect(shown(page, "One")).to_be_visible()
    await page.keyboard.press("f")
    await expect(page).to_have_url("/dashboards/t-full?full=1")
    await expect(page.get_by_role("button", name="Leave full screen (f)")).to_be_visible()
    await page.keyboard.press("f")
    await expect(page).to_have_url("/dashboards/t-full")


async def test_the_time_of_all_panels_is_in_the_address(page: Page, platform: Cordwood) -> None:
    put(platform, "t-time", panel("One"))
    await page.goto("/dashboards/t-time")
    await page.get_by_role("button", name="Time range: Last 3 hours").click()
    await page.get_by_role("button", name="Last 15 minutes").click()
    await expect(page).to_have_url("/dashboards/t-time?start=-15m")
    await page.get_by_role("button", name="Time range").click()
    await page.get_by_role("textbox", name="From").fill("yesterday")
    await page.get_by_role("button", name="Show this range").click()
    await expect(page.get_by_role("alert").filter(has_text='"yesterday" is no time')).to_be_visible()
    await page.get_by_role("button", name="As the dashboard says").click()
    await expect(page).to_have_url("/dashboards/t-time")


async def test_a_dashboard_that_is_not_there_is_told(page: Page) -> None:
    await page.goto("/dashboards/nobody")
    await expect(page.get_by_text("There is no dashboard of this name")).to_be_visible()


async def test_in_a_narrow_window_panels_stand_below_one_another(page: Page, platform: Cordwood) -> None:
    put(platform, "t-narrow", panel("One"), panel("Two", x=6))
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto("/dashboards/t-narrow")
    one, two = [await shown(page, name).bounding_box() for name in ("One", "Two")]
    assert one is not None and two is not None
    assert one["x"] == two["x"] and two["y"] >= one["y"] + one["height"]
    assert await page.evaluate("document.scrollingElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [360, 1280])
async def test_dashboards_have_no_barriers(page: Page, platform: Cordwood, width: int) -> None:
    put(platform, "t-axe", panel("One"), panel("Two", "declined", "events", x=6), panel("Three", "nothing-at-all", y=4))
    await page.set_viewport_size({"width": width, "height": 800})
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        for path in ("/dashboards", "/dashboards/t-axe", "/dashboards/t-axe?edit=1"):
            await page.goto(path)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(page.locator("[aria-busy=true]")).to_have_count(0)
            assert await violations(page) == [], (theme, path)
        await page.get_by_role("button", name="Edit Two").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await violations(page) == [], (theme, "form")
