"""Alerts: a rule is made of a query, tried on the past, fires, is silenced, changed and deleted."""

import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Complaints, violations
from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

FIRING = "declined-cards"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cordwood]:
    """A platform with a rule that fires."""
    data = tmp_path_factory.mktemp("watched") / "data"
    with Cordwood("up", data, alerts_delay_s="0") as service:
        assert (
            service.post("/log?wait=stored", b'{"service":"shop","level":"error","message":"card declined"}\n' * 9)[0]
            == 202
        )
        put(service, FIRING, query="service:shop level:error", condition="> 5", window="1h", interval="1s")
        wait_until(lambda: b'"firing"' in service.get("/api/v1/alerts/history")[1], 30, "the rule to fire")
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def alerts(browser: Browser, watched: Cordwood) -> AsyncIterator[Page]:
    context = await browser.new_context(
        base_url=watched.url, timezone_id="UTC", viewport={"width": 1280, "height": 900}
    )
    page = await context.new_page()
    complaints = Complaints(page)
    await page.goto("/alerts")
    yield page
    await context.close()
    assert complaints.said == []


def put(service: Cordwood, name: str, **rule: Any) -> None:
    request = urllib.request.Request(
        f"{service.url}/api/v1/alerts/rules/{name}?backtest_days=0",
        json.dumps(rule).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


async def test_what_fires_is_first_and_says_so_in_words(alerts: Page, watched: Cordwood) -> None:
    put(watched, "a-quiet-one", query="service:nobody", interval="1s")
    await alerts.reload()
    rows = alerts.get_by_role("region", name="Rules").get_by_role("row")
    await expect(rows.filter(has_text="a-quiet-one")).to_contain_text("OK")
    stands = [text for text in await rows.all_inner_texts() if "Firing" in text or "OK" in text]
    assert any(FIRING in text and "Firing" in text for text in stands)
    assert ["Firing" in text for text in stands] == sorted(("Firing" in text for text in stands), reverse=True)


async def test_a_rule_that_was_not_evaluated_yet_is_not_said_to_be_well(alerts: Page, watched: Cordwood) -> None:
    put(watched, "a-new-one", query="service:nobody", interval="1d")
    await alerts.reload()
    row = alerts.get_by_role("region", name="Rules").get_by_role("row").filter(has_text="a-new-one")
    await expect(row).to_contain_text("Not evaluated yet")


async def test_a_rule_shows_where_it_stands_and_what_it_did(alerts: Page) -> None:
    await alerts.get_by_role("region", name="Rules").get_by_role("link", name=FIRING).click()
    await expect(alerts.get_by_role("heading", name=FIRING)).to_be_visible()
    await expect(alerts.get_by_text("> 5 in 1h")).to_be_visible()
    await expect(alerts.get_by_role("region", name="History")).to_contain_text("Fired")


async def test_an_alert_is_made_of_a_query_and_tried_before_it_is_kept(alerts: Page) -> None:
    await alerts.goto("/alerts/new?query=service:shop")
    await expect(
        alerts.get_by_label("Query: the events that are counted, or a table whose numbers are compared")
    ).to_have_value("service:shop")
    await alerts.get_by_label("Name", exact=True).fill("made of a query")
    await alerts.get_by_label("Matches").fill("8")
    await alerts.get_by_label("Within").fill("1h")
    await alerts.get_by_role("button", name="When would it have fired?").click()
    await expect(alerts.get_by_role("img", name="the threshold is > 8")).to_be_visible()
    await alerts.get_by_role("button", name="Make the rule").click()
    await expect(alerts.get_by_role("heading", name="made of a query")).to_be_visible()
    await expect(alerts).to_have_url("/alerts/made%20of%20a%20query")


async def test_a_back_test_says_when_it_would_have_fired(alerts: Page, watched: Cordwood) -> None:
    put(watched, "tried", query="service:nobody", condition="no matches", window="5m", interval="1m")
    await alerts.goto("/alerts/tried")
    await alerts.get_by_role("button", name="When would it have fired?").click()
    await expect(alerts.get_by_text("It would have fired once in the last day.")).to_be_visible()
    await expect(alerts.get_by_role("img", name="1 firing marked")).to_be_visible()


async def test_the_number_of_a_table_is_chosen_where_it_has_several(alerts: Page, watched: Cordwood) -> None:
    query = "service:shop | stats count() as n, count_distinct(host) as hosts by level"
    await alerts.goto(f"/alerts/new?query={quote(query)}")
    await alerts.get_by_label("Name", exact=True).fill("many hosts")
    await alerts.get_by_label("Column").select_option("hosts")
    await alerts.get_by_label("Number", exact=True).fill("2.5")
    await alerts.get_by_role("button", name="Make the rule").click()
    await alerts.wait_for_url("**/alerts/many*")
    rule = watched.json("/api/v1/alerts/rules/many%20hosts")["rule"]
    assert (rule["query"], rule["value"], rule["condition"]) == (query, "hosts", "> 2.5")


async def test_a_query_that_cannot_be_understood_is_told_beside_it(alerts: Page) -> None:
    await alerts.goto("/alerts/new?query=level:(")
    query = alerts.get_by_label("Query: the events that are counted, or a table whose numbers are compared")
    await expect(query).to_have_attribute("aria-invalid", "true")


async def test_a_rule_is_changed_and_keeps_what_is_masked(alerts: Page, watched: Cordwood) -> None:
    hook = {"kind": "webhook", "url": "https://oncall.example.invalid/way/in", "secret": "a long random text"}
    put(watched, "masked", query="service:nobody", receivers=[hook], labels={"team": "shop"})
    await alerts.goto("/alerts/masked?edit=1")
    await alerts.get_by_label("Severity").select_option("critical")
    await alerts.get_by_role("button", name="Save").click()
    await expect(alerts.get_by_text("masked was changed.")).to_be_visible()
    rule = json.loads(watched.get("/api/v1/alerts/rules/masked")[1])["rule"]
    assert (rule["severity"], rule["labels"], rule["receivers"][0]["secret"]) == ("critical", {"team": "shop"}, "***")


async def test_a_test_message_that_goes_nowhere_says_why(alerts: Page, watched: Cordwood) -> None:
    put(
        watched,
        "unheard",
        query="service:nobody",
        receivers=[{"kind": "webhook", "url": "https://oncall.example.invalid/x"}],
    )
    await alerts.goto("/alerts/unheard")
    await alerts.get_by_role("button", name="Send a test message").click()
    await expect(alerts.get_by_role("dialog", name="Test message")).to_contain_text("✕ Not delivered")


async def test_a_rule_is_silenced_and_heard_again(alerts: Page, watched: Cordwood) -> None:
    put(watched, "loud", query="service:shop")
    await alerts.goto("/alerts/loud")
    await alerts.get_by_role("button", name="Silence it").click()
    dialog = alerts.get_by_role("dialog", name="Silence loud")
    await dialog.get_by_label("Why").fill("moving the database")
    await dialog.get_by_role("button", name="Silence", exact=True).click()
    await expect(alerts.get_by_text("moving the database")).to_be_visible()
    await expect(alerts.get_by_text(", silenced")).to_be_visible()
    await alerts.get_by_role("button", name="End it").click()
    await expect(alerts.get_by_text("Nothing is silenced.")).to_be_visible()


async def test_deleting_a_rule_asks_again(alerts: Page, watched: Cordwood) -> None:
    put(watched, "doomed", query="service:nobody")
    await alerts.goto("/alerts/doomed")
    await alerts.get_by_role("button", name="Delete").click()
    await alerts.get_by_role("dialog", name="Delete doomed?").get_by_role("button", name="Delete it").click()
    await expect(alerts).to_have_url("/alerts")
    assert watched.get("/api/v1/alerts/rules/doomed")[0] == 404


async def test_lists_rules_and_the_form_have_no_barriers(alerts: Page) -> None:
    for theme in ("light", "dark"):
        await alerts.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        for path in ("/alerts", f"/alerts/{FIRING}", "/alerts/new?query=a | stats count()"):
            await alerts.goto(path)
            await expect(alerts.get_by_role("heading", level=1)).to_be_visible()
            if path.endswith(FIRING):
                await alerts.get_by_role("button", name="When would it have fired?").click()
                await expect(alerts.get_by_role("img", name="marked")).to_be_visible()
            assert await violations(alerts) == [], path
