"""Which span of time is shown, and how it is changed."""

from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, expect

from tests.support.browser import violations


def _said(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


async def test_a_quick_range_is_two_clicks_and_back_undoes_it(page: Page) -> None:
    await page.goto("/?start=-1h")
    await page.get_by_role("button", name="Time range").click()
    await page.get_by_role("button", name="Last 15 minutes").click()
    await expect(page.get_by_role("button", name="Time range")).to_contain_text("Last 15 minutes")
    assert _said(page, "start") == "-15m"
    await page.go_back()
    await expect(page.get_by_role("button", name="Time range")).to_contain_text("Last hour")


async def test_typed_times_are_those_of_the_zone_that_is_shown(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("button", name="Time range").click()
    await expect(page.get_by_label("Zone")).to_contain_text("UTC")
    await page.get_by_label("From").fill("2026-01-02 03:04")
    await page.get_by_label("To", exact=True).fill("2026-01-02 05:00")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Time range")).to_contain_text("2026-01-02 03:04:00")
    assert (_said(page, "start"), _said(page, "end")) == ("2026-01-02T03:04:00.000Z", "2026-01-02T05:00:00.000Z")


async def test_a_time_that_is_none_says_so(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("button", name="Time range").click()
    await page.get_by_label("From").fill("yesterday")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text='"yesterday" is no time')).to_be_visible()


async def test_a_span_moves_by_its_length_and_widens(page: Page) -> None:
    await page.goto("/?start=2026-01-02T03:00:00Z&end=2026-01-02T04:00:00Z")
    await page.get_by_role("button", name="A span earlier").click()
    await expect(page.get_by_role("button", name="Time range")).to_contain_text("02:00:00 to 2026-01-02 03:00:00")
    await page.get_by_role("button", name="Zoom out").click()
    await expect(page.get_by_role("button", name="Time range")).to_contain_text("01:30:00 to 2026-01-02 03:30:00")


async def test_an_address_without_sense_is_explained(page: Page) -> None:
    await page.goto("/?start=yesterday")
    await expect(page.get_by_role("alert").filter(has_text="which is no time")).to_be_visible()


async def test_asking_again_by_itself_brings_new_answers(page: Page) -> None:
    await page.clock.install()
    await page.goto("/?start=-1h&refresh=5")
    await expect(page.get_by_label("Ask again by itself")).to_have_value("5")
    await expect(page.get_by_role("slider", name="Spans of time")).to_be_visible()
    async with page.expect_response(lambda answer: "/histogram" in answer.url):
        await page.clock.run_for(6000)


async def test_a_link_can_be_copied_with_its_times_fixed(page: Page) -> None:
    await page.goto("/?start=-1h&query=level:error")
    await expect(page.get_by_role("slider", name="Spans of time")).to_be_visible()
    await page.get_by_role("button", name="Share").click()
    await page.get_by_role("button", name="Copy link, times fixed").click()
    await expect(page.get_by_text("Copied a link to exactly this time.")).to_be_visible()
    link = parse_qs(urlsplit(await page.evaluate("navigator.clipboard.readText()")).query)
    assert link["query"] == ["level:error"]
    assert link["start"][0].endswith("Z")
    assert link["end"][0].endswith("Z")


async def test_the_picker_has_no_barriers(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto("/")
    await page.get_by_role("button", name="Time range").click()
    assert await violations(page) == []
