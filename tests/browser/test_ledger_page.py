"""The ledger: that all adds up is seen at a glance, and that it does not, too."""

import json
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.support.browser import violations
from tests.support.processes import Cordwood


async def with_ledger(page: Page, **changes: Any) -> None:
    """The ledger answers with these members changed; a fault cannot be made in a store that is well."""

    async def changed(route: Route) -> None:
        answer = await (await route.fetch()).json()
        if changes.get("is_short"):
            answer["minutes"][-1]["stored"] -= 3
        await route.fulfill(json=answer | {name: value for name, value in changes.items() if name in answer})

    await page.route("**/api/v1/ledger*", changed)


async def test_a_store_that_is_well_is_balanced(page: Page) -> None:
    await page.goto("/operations/ledger")
    await expect(page.get_by_role("region", name="Verdict")).to_contain_text("Balanced.")
    await expect(page.get_by_role("img", name="every bar adds up")).to_be_visible()


async def test_everything_is_counted_on_request(page: Page) -> None:
    await page.goto("/operations/ledger")
    async with page.expect_request(lambda request: "count=true" in request.url):
        await page.get_by_role("button", name="Count everything").click()
    await expect(page.get_by_role("region", name="Verdict")).to_contain_text("Counted in full")


async def test_a_minute_that_does_not_add_up_is_unmistakable_without_colour(page: Page) -> None:
    await with_ledger(page, is_short=True)
    await page.goto("/operations/ledger")
    await expect(page.get_by_role("img", name="1 bar does not add up")).to_be_visible()
    await expect(page.get_by_role("region", name="Minutes")).to_contain_text("✕ No: 3 unaccounted for")


async def test_a_gap_says_what_it_is_and_what_to_do(page: Page) -> None:
    gap = {"kind": "gap", "is_fault": True, "what": "batch 7 of producer 1 was confirmed", "events": None}
    await with_ledger(page, is_balanced=False, findings=[gap])
    await page.goto("/operations/ledger")
    await expect(page.get_by_role("region", name="Verdict")).to_contain_text("Not balanced.")
    await expect(page.get_by_role("listitem").filter(has_text="Fault: Gap")).to_contain_text("backup")


async def test_what_became_of_a_receipt_is_looked_up_and_has_an_address(page: Page, platform: Cordwood) -> None:
    status, body = platform.post("/log?wait=stored", json.dumps([{"service": "receipt-test"}] * 3).encode())
    assert status == 202
    await page.goto("/operations/ledger")
    await page.get_by_label("Receipt, as sending was answered with").fill(json.loads(body)["receipt"])
    await page.get_by_role("button", name="Look it up").click()
    await expect(page.get_by_text("3 events:")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("3 events:")).to_be_visible()


async def test_a_receipt_that_is_none_is_told_so(page: Page) -> None:
    await page.goto("/operations/ledger?receipt=nothing")
    await expect(page.get_by_role("alert")).to_contain_text("receipt")


async def test_a_ledger_with_faults_has_no_barriers(page: Page) -> None:
    fault = {"kind": "imbalance", "is_fault": True, "what": "3 events", "events": 3}
    await with_ledger(page, is_short=True, is_balanced=False, findings=[fault])
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await page.goto("/operations/ledger")
        await expect(page.get_by_role("region", name="Minutes")).to_be_visible()
        assert await violations(page) == []
