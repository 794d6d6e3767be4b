"""Dashboards: made, arranged, kept, carried from place to place."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.dashboards import BY_LEVEL, JSON, as_file, choose_file, drag, panel, places, put, save, shown
from tests.support.processes import Cordwood


async def test_what_comes_with_cordwood_is_changed_as_a_copy(page: Page, platform: Cordwood) -> None:
    await page.goto("/dashboards/overview")
    await expect(page.get_by_role("button", name="Edit", exact=True)).not_to_be_visible()
    await page.get_by_role("button", name="Make a copy").click()
    form = page.get_by_role("dialog", name="Make a copy")
    await form.get_by_label("Title").fill("My overview")
    await form.get_by_role("button", name="Save").click()
    await expect(page).to_have_url("/dashboards/my-overview?edit=1")
    assert len(places(platform, "my-overview")) == len(places(platform, "overview"))


async def test_a_dashboard_is_made_saved_and_there_after_reloading(page: Page) -> None:
    await page.goto("/dashboards")
    await page.get_by_role("button", name="New dashboard").click()
    await page.get_by_label("Title").fill("Card payments")
    await page.get_by_role("button", name="Make it").click()
    await expect(page).to_have_url("/dashboards/card-payments?edit=1")
    await page.get_by_role("button", name="Add a panel").first.click()
    form = page.get_by_role("dialog", name="Add a panel")
    await form.get_by_label("Title").fill("Declined")
    await form.get_by_label("Query", exact=True).fill("level:error | stats count() as n")
    await form.get_by_label("Shown as").select_option("A number")
    await form.get_by_role("button", name="Add it").click()
    await expect(shown(page, "Declined")).to_contain_text(re.compile(r"\d"))
    await save(page)
    await page.reload()
    await expect(shown(page, "Declined")).to_contain_text(re.compile(r"\d"))


async def test_a_query_that_cannot_be_read_is_marked_before_it_is_added(page: Page, platform: Cordwood) -> None:
    put(platform, "t-form")
    await page.goto("/dashboards/t-form?edit=1")
    await page.get_by_role("button", name="Add a panel").first.click()
    form = page.get_by_role("dialog", name="Add a panel")
    await form.get_by_label("Query", exact=True).fill("level:error | stat count()")
    await expect(form.get_by_role("status")).to_contain_text('unknown pipe "stat"')
    await expect(form.get_by_role("button", name="Add it")).to_be_disabled()


async def test_a_panel_may_ask_a_saved_query(page: Page, platform: Cordwood) -> None:
    platform.ask("PUT", "/api/v1/saved-queries/declined", json.dumps({"query": "declined"}).encode(), **JSON)
    put(platform, "t-saved")
    await page.goto("/dashboards/t-saved?edit=1")
    await page.get_by_role("button", name="Add a panel").first.click()
    form = page.get_by_role("dialog", name="Add a panel")
    await form.get_by_label("A saved query").check()
    await form.get_by_label("Saved query", exact=True).select_option("declined")
    await form.get_by_role("button", name="Add it").click()
    await expect(shown(page, "declined")).to_contain_text("card declined after 3000 ms")
    await save(page)
    assert platform.json("/api/v1/dashboards/t-saved")["panels"][0]["saved"] == "declined"


async def test_panels_are_dragged_and_what_they_meet_makes_room(page: Page, platform: Cordwood) -> None:
    put(platform, "t-drag", panel("One"), panel("Two", x=6))
    await page.goto("/dashboards/t-drag?edit=1")
    two = await shown(page, "Two").bounding_box()
    one = await shown(page, "One").bounding_box()
    assert one is not None and two is not None
    await drag(page, shown(page, "One").get_by_role("button", name="Move One", exact=True), two["x"] - one["x"], 0)
    await save(page)
    assert places(platform, "t-drag") == {"One": (6, 0, 6, 4), "Two": (6, 4, 6, 4)}


async def test_panels_are_made_larger_by_their_corner(page: Page, platform: Cordwood) -> None:
    put(platform, "t-size", panel("One"), panel("Two", x=6))
    await page.goto("/dashboards/t-size?edit=1")
    box = await shown(page, "One").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 6, box["y"] + box["height"] - 6
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + box["width"] / 3, y + 104)
    await page.mouse.up()
    await save(page)
    assert places(platform, "t-size") == {"One": (0, 0, 8, 6), "Two": (6, 6, 6, 4)}


async def test_escape_lets_go_of_a_panel_that_is_dragged(page: Page, platform: Cordwood) -> None:
    put(platform, "t-escape", panel("One"), panel("Two", x=6))
    await page.goto("/dashboards/t-escape?edit=1")
    box = await shown(page, "One").get_by_role("button", name="Move One", exact=True).bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 5, box["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 500, box["y"] + 5)
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(page.get_by_text("No changes")).to_be_visible()


async def test_panels_are_arranged_by_keys_and_each_step_is_said(page: Page, platform: Cordwood) -> None:
    put(platform, "t-keys", panel("One"), panel("Two", y=4))
    await page.goto("/dashboards/t-keys?edit=1")
    move = page.get_by_role("button", name="Move One", exact=True)
    await expect(move).to_have_accessible_description(re.compile("Arrow keys move"))
    await move.focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_text("One: column 1, row 5, 6 wide, 4 high")).to_be_attached()
    await page.keyboard.press("Shift+ArrowRight")
    await expect(page.get_by_text("One: column 1, row 5, 7 wide, 4 high")).to_be_attached()
    await page.keyboard.press("ArrowRight")
    await expect(move).to_be_focused()
    await save(page)
    assert places(platform, "t-keys") == {"One": (1, 4, 7, 4), "Two": (0, 0, 6, 4)}


async def test_the_keyboard_is_not_lost_when_a_panel_goes_or_a_form_closes(page: Page, platform: Cordwood) -> None:
    put(platform, "t-focus", panel("One"), panel("Two", x=6))
    await page.goto("/dashboards/t-focus?edit=1")
    await page.get_by_role("button", name="Remove One").press("Enter")
    await expect(page.get_by_role("button", name="Move Two", exact=True)).to_be_focused()
    edit = page.get_by_role("button", name="Edit Two")
    await edit.press("Enter")
    await page.get_by_role("button", name="Cancel").press("Enter")
    await expect(edit).to_be_focused()


async def test_edits_are_undone_and_done_again(page: Page, platform: Cordwood) -> None:
    put(platform, "t-undo", panel("One"), panel("Two", x=6))
    await page.goto("/dashboards/t-undo?edit=1")
    await page.get_by_role("button", name="Remove One").click()
    await page.get_by_role("button", name="Duplicate Two").click()
    await expect(shown(page, "Two")).to_have_count(2)
    await page.keyboard.press("Control+z")
    await expect(shown(page, "Two")).to_have_count(1)
    await page.keyboard.press("Control+z")
    await expect(shown(page, "One")).to_be_visible()
    await expect(page.get_by_text("No changes")).to_be_visible()
    await page.keyboard.press("Control+Shift+z")
    await expect(shown(page, "One")).not_to_be_visible()


async def test_unsaved_changes_outlive_the_page(page: Page, platform: Cordwood) -> None:
    put(platform, "t-draft", panel("One"), panel("Two", x=6))
    await page.goto("/dashboards/t-draft?edit=1")
    await page.get_by_role("button", name="Remove One").click()
    await page.get_by_role("link", name="Alerts", exact=True).click()
    await expect(page.get_by_text('Unsaved changes of "t-draft" are kept')).to_be_visible()
    await page.goto("/dashboards/t-draft")
    await expect(page.get_by_text("Changes of an earlier visit")).to_be_visible()
    await expect(shown(page, "One")).not_to_be_visible()
    await page.get_by_role("button", name="Throw changes away").click()
    await expect(shown(page, "One")).to_be_visible()
    assert len(places(platform, "t-draft")) == 2


async def test_leaving_the_page_with_unsaved_changes_is_asked_back(page: Page, platform: Cordwood) -> None:
    put(platform, "t-leave", panel("One"))
    await page.goto("/dashboards/t-leave?edit=1")
    await page.get_by_role("button", name="Remove One").click()
    async with page.expect_event("dialog") as asked:
        await page.close(run_before_unload=True)
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()


async def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unasked(page: Page, platform: Cordwood) -> None:
    put(platform, "t-both", panel("One"))
    await page.goto("/dashboards/t-both?edit=1")
    await page.get_by_role("button", name="Remove One").click()
    put(platform, "t-both", panel("Theirs"))
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("dialog", name="It was changed by somebody else")).to_be_visible()
    assert list(places(platform, "t-both")) == ["Theirs"]
    await page.get_by_role("button", name="Overwrite theirs").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    assert places(platform, "t-both") == {}


async def test_changes_of_an_earlier_visit_do_not_overwrite_what_somebody_else_saved(
    page: Page, platform: Cordwood
) -> None:
    put(platform, "t-visit", panel("One"))
    await page.goto("/dashboards/t-visit?edit=1")
    await page.get_by_role("button", name="Remove One").click()
    await expect(page.get_by_role("button", name="Remove One")).to_have_count(0)
    put(platform, "t-visit", panel("Theirs"))
    await page.goto("/dashboards/t-visit?edit=1")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("dialog", name="It was changed by somebody else")).to_be_visible()
    assert list(places(platform, "t-visit")) == ["Theirs"]


async def test_deleting_is_asked_twice(page: Page, platform: Cordwood) -> None:
    put(platform, "t-delete", panel("One"))
    await page.goto("/dashboards/t-delete")
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Delete it", exact=True).click()
    assert "t-delete" in str(platform.json("/api/v1/dashboards"))
    await page.get_by_role("button", name="Delete it for good").click()
    await expect(page).to_have_url("/dashboards")
    assert "t-delete" not in str(platform.json("/api/v1/dashboards"))


async def test_what_is_exported_is_imported_as_it_was(page: Page, platform: Cordwood) -> None:
    put(platform, "t-export", panel("One", w=5), panel("Two", BY_LEVEL, "area", x=5, h=7), refresh_s=60)
    await page.goto("/dashboards/t-export")
    await page.get_by_role("button", name="More").click()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Export as JSON").click()
    file = await download.value
    assert file.suggested_filename == "t-export.json"
    await page.goto("/dashboards")
    await choose_file(page, Path(await file.path()))
    form = page.get_by_role("dialog", name="Import a dashboard")
    await form.get_by_label("Name in the address").fill("t-imported")
    await form.get_by_role("button", name="Import").click()
    await expect(page).to_have_url("/dashboards/t-imported")
    first, second = (platform.json(f"/api/v1/dashboards/{name}") for name in ("t-export", "t-imported"))
    assert {**first, "name": ""} == {**second, "name": ""}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<script>alert(1)</script>", "The file is no JSON"),
        ('{"title":"x","__proto__":{"panels":[]}}', '"__proto__"'),
        ('{"title":"x","panels":[{"id":"p","x":0,"y":0,"w":1e9,"h":1}]}', "panels[0].w is 1000000000"),
        (json.dumps({"title": "x", "panels": [panel("<img src=x onerror=alert(1)>")]}), "panels[0].id"),
        ("[" * 100_000, "The file is no JSON"),
        (json.dumps({"title": "\u202egnp.exe"}), "control characters"),
    ],
    ids=["html", "prototype", "huge", "markup", "deep", "control"],
)
async def test_a_file_that_is_no_dashboard_is_refused_with_the_reason(page: Page, text: str, says: str) -> None:
    await page.goto("/dashboards")
    await choose_file(page, as_file(text))
    await expect(page.get_by_role("alert").filter(has_text="This file is no dashboard")).to_contain_text(says)
    await expect(page.get_by_role("dialog")).not_to_be_visible()
