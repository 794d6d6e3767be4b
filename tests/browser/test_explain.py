"""The tab that explains: what differs in a spike, said in a sentence first."""

from datetime import UTC, datetime

from playwright.async_api import Page, Route, expect

from tests.support.browser import violations
from tests.support.processes import Cordwood
from tests.support.story import BAD_HOST, BAD_VERSION, MINUTES, SPIKE_MINUTES

_PATIENCE_MS = 60_000
"""Comparing takes seconds, and the machine may be busy."""


def _spike(platform: Cordwood, more: str = "") -> str:
    """The address of the spike, as brushing it makes it."""
    last = platform.events("?query=service:gateway&limit=1")[0]["timestamp"]
    end_s = datetime.fromisoformat(last).timestamp()

    def minute(number: int) -> str:
        at = datetime.fromtimestamp(end_s - 60 * (MINUTES - number), UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return f"/?start=-3h&tab=explain&from={minute(SPIKE_MINUTES[0])}&to={minute(SPIKE_MINUTES[-1] + 1)}{more}"


async def test_the_spike_of_errors_is_explained_by_host_and_version(page: Page, platform: Cordwood) -> None:
    await page.goto(_spike(platform, "&query=level:error"))
    told = page.get_by_role("region", name="Explain")
    sentence = told.get_by_role("paragraph").filter(has_text="events that match level:error are mostly")
    await expect(sentence).to_contain_text(f"host = {BAD_HOST}", timeout=_PATIENCE_MS)
    await expect(sentence).to_contain_text(f"version = {BAD_VERSION}")
    said = told.get_by_role("region", name="What they say")
    await expect(said).to_contain_text("card declined after <duration>: order <num>")


async def test_a_finding_becomes_part_of_the_query(page: Page, platform: Cordwood) -> None:
    await page.goto(_spike(platform, "&query=level:error"))
    await page.get_by_role("button", name=f"Only host = {BAD_HOST}").click(timeout=_PATIENCE_MS)
    await expect(page.get_by_text(f"events that match level:error host:{BAD_HOST}").first).to_be_visible()
    assert f"host%3A{BAD_HOST}" in page.url


async def test_a_span_is_compared_with_the_time_before_unless_somebody_chooses(page: Page, platform: Cordwood) -> None:
    await page.goto(_spike(platform))
    choices = page.get_by_role("group", name="Compared with")
    await expect(choices.get_by_role("button", name="The time before")).to_have_attribute("aria-pressed", "true")
    await choices.get_by_role("button", name="The rest of the range").click()
    told = page.get_by_role("region", name="What they have")
    await expect(told).to_contain_text("level = error", timeout=_PATIENCE_MS)
    await expect(told).to_contain_text(f"version = {BAD_VERSION}")
    assert "baseline=rest" in page.url


async def test_the_whole_range_is_taken_again_by_a_button(page: Page, platform: Cordwood) -> None:
    await page.goto(_spike(platform, "&query=level:error"))
    await page.get_by_role("button", name="The whole range").click()
    await expect(page).to_have_url("/?start=-3h&tab=explain&query=level%3Aerror")


async def test_with_nothing_to_compare_it_says_what_to_do(page: Page) -> None:
    await page.goto("/?start=all&tab=explain")
    await expect(page.get_by_text("Compared with what?")).to_be_visible()


async def test_where_nothing_differs_other_comparisons_are_offered(page: Page, platform: Cordwood) -> None:
    await page.goto(_spike(platform, "&query=service:nobody"))
    told = page.get_by_role("region", name="Explain")
    await expect(told.get_by_text("There are no events to explain")).to_be_visible(timeout=_PATIENCE_MS)
    await told.get_by_role("button", name="A week before").last.click()
    assert "baseline=week" in page.url


async def test_comparing_can_be_stopped(page: Page, platform: Cordwood) -> None:
    async def never(route: Route) -> None:
        del route

    await page.route("**/api/v1/explain", never)
    await page.goto(_spike(platform))
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    await expect(page.get_by_role("button", name="Compare", exact=True)).to_be_visible()


async def test_what_is_explained_has_no_barriers(page: Page, platform: Cordwood) -> None:
    await page.goto(_spike(platform, "&query=level:error"))
    await expect(page.get_by_role("region", name="What they have")).to_be_visible(timeout=_PATIENCE_MS)
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert await violations(page) == []
