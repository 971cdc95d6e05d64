"""One afternoon without JavaScript: every decision Greenroom asks for, in a real browser that runs no script."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import update

from config import tokens
from daemon.bootstrap import Application
from processor.players import rows as players
from tests.browser.conftest import Open
from tests.browser.test_stories import statuses
from tests.everything import NOW
from tests.integration.test_web_pictures import picture
from tests.music import write_album
from workflow import succession
from workflow.engine.engine import wanted
from workflow.engine.tables import JobRow
from workflow.engine.wanting import submit_one


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).first.click()
    page.wait_for_load_state()


def settle(app: Application, page: Page, act: str) -> None:
    """Press the button that does what was looked at, and wait for it: the page loads itself anew meanwhile."""
    page.get_by_role("button", name=act, exact=True).click()
    assert app.ongoing.is_idle(60)
    expect(page.locator("[data-follow]")).to_have_count(0)


def album(page: Page, name: str) -> None:
    page.goto("/review?status=any")
    page.get_by_role("link", name=f"Ada – {name}", exact=True).click()


def test_every_decision_can_be_made_without_a_script(app: Application, open_page: Open, tmp_path: Path) -> None:
    for name in ("Harbour", "Tide", "Both"):
        write_album(tmp_path / "inbound" / name, artist="Ada", album=name, tracks=2, ext="mp3")
    (tmp_path / "inbound" / "Harbour" / "cover.jpg").write_bytes(picture("steelblue"))
    (tmp_path / "library").mkdir()
    page = open_page(java_script_enabled=False)
    settings_and_roots(app, page, tmp_path)
    page.goto("/runs")
    press(page, "Dry run")
    press(page, "Approve this plan")
    assert app.ongoing.is_idle(60)
    fields_and_pictures(page)
    albums_that_become_others(app, page)
    trash(app, page)
    decisions(app, page)
    jobs_and_others(app, page)
    page.goto("/")
    press(page, "Sign out")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def settings_and_roots(app: Application, page: Page, folder: Path) -> None:
    page.goto("/libraries")
    page.get_by_label("Role").select_option("library")
    page.get_by_label("Folder").fill(str(folder / "nowhere"))
    press(page, "Add it")
    expect(page.get_by_role("alert")).to_contain_text("nowhere")
    page.get_by_label("Role").select_option("library")
    page.get_by_label("Folder").fill(str(folder / "library"))
    press(page, "Add it")
    expect(page.get_by_role("heading", name="Library for music")).to_be_visible()
    page.goto("/admin/settings")
    scan = page.locator("#staging_scan")
    scan.get_by_label("Schedule").fill("every 10 bananas")
    scan.get_by_role("button", name="Save").click()
    expect(scan.get_by_text("is no schedule")).to_be_visible()
    scan.get_by_label("Schedule").fill("every 20m")
    scan.get_by_role("button", name="Save").click()
    page.wait_for_load_state()
    assert app.staging_settings()[0].schedule == "every 20m"


def fields_and_pictures(page: Page) -> None:
    album(page, "Harbour")
    page.get_by_label("A note").fill("from the pier")
    press(page, "Keep it")
    expect(page.get_by_text("from the pier")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).first.click()
    page.get_by_label("Genres", exact=True).fill("Folk")
    press(page, "Save")
    expect(page.get_by_text("Folk locked")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).first.click()
    page.get_by_label("locked: Genres").uncheck()
    press(page, "Save")
    expect(page.get_by_text("Folk locked")).to_have_count(0)
    page.get_by_role("link", name="Pictures", exact=True).click()
    press(page, "Look at its own pictures")
    page.get_by_role("button", name="Reject front picture").click()
    expect(page.get_by_text("rejected by eva")).to_be_visible()
    page.get_by_label("What it shows").select_option("front")
    given = {"name": "x.png", "mimeType": "image/png", "buffer": picture("darkred", 700, "PNG")}
    page.get_by_label("JPEG, PNG").set_input_files(given)  # type: ignore[arg-type]  # a TypedDict to Playwright
    press(page, "Use it")
    expect(page.get_by_text("chosen by eva")).to_be_visible()


def albums_that_become_others(app: Application, page: Page) -> None:
    album(page, "Both")
    page.get_by_label("Mark Track 01").check()
    page.get_by_text("Make the marked ones another album").click()
    page.get_by_label("Title", exact=True).fill("Other")
    press(page, "Look at what would happen…")
    settle(app, page, "Do it")
    page.goto("/review")
    expect(page.get_by_role("button", name="Keys")).to_be_hidden()  # it needs a script
    for name in ("Both", "Other"):
        page.get_by_label(f"Mark Ada – {name}").check()
    press(page, "Make them one album…")
    settle(app, page, "Do it")
    page.goto("/review")
    one = page.get_by_role("link", name=re.compile("^Ada – (Both|Other)$"))
    expect(one).to_have_count(1)
    one.click()
    expect(page.get_by_role("button", name="Group it anew…")).to_be_enabled()  # as the next one, and a cycle more
    press(page, "Take it back to inbound…")
    settle(app, page, "Take it back")
    expect(page.get_by_text("It is back where it came from")).to_be_visible()


def trash(app: Application, page: Page) -> None:
    album(page, "Tide")
    press(page, "Into the trash…")
    settle(app, page, "Put into the trash")
    page.get_by_role("link", name="Restore it from there").click()
    page.get_by_role("button", name="Restore Ada – Tide").click()
    settle(app, page, "Restore it")
    expect(page.get_by_text("It is back in its place")).to_be_visible()


def decisions(app: Application, page: Page) -> None:
    page.goto("/review")
    for name in ("Harbour", "Tide"):
        page.get_by_label(f"Mark Ada – {name}").check()
    press(page, "Reject…")
    press(page, "Reject all 2")
    album(page, "Tide")
    press(page, "Undo the last decision")
    album(page, "Harbour")
    page.get_by_label("Why", exact=True).fill("it is good after all")
    press(page, "Approve")
    album(page, "Harbour")
    item = int(page.url.rpartition("/")[2].partition("?")[0])
    assert statuses(app, [item]) == ["approved"]
    page.get_by_role("link", name="Look what publishing would do…").click()
    expect(page.get_by_text("It appears, whole, in")).to_be_visible()
    press(page, "Publish it")
    assert [(job.phase, job.manual) for job in app.engine.list(item_id=item, phase="publish")] == [("publish", True)]


def jobs_and_others(app: Application, page: Page) -> None:
    with app.database.begin() as connection:
        job, _ = submit_one(connection, wanted(succession.works(), "cleanup", None, actor="test"), NOW)
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(status="dead"))
    page.goto(f"/jobs/{job.id}")
    press(page, "Try again")
    expect(page.get_by_text("queued").first).to_be_visible()
    page.goto("/jobs")
    page.get_by_role("button", name="Pause tag").click()
    expect(page.get_by_text("paused")).to_be_visible()
    page.goto("/players")
    page.get_by_label("Name", exact=True).fill("den")
    page.get_by_label("Kind").select_option("kodi")
    page.get_by_label("Address").fill("http://127.0.0.1:9")
    press(page, "Add it")
    page.get_by_role("button", name="Test den").click()
    expect(page.get_by_text("did not answer")).to_be_visible()
    page.goto("/hooks")
    page.get_by_label("Name").fill("lidarr")
    press(page, "Make a hook")
    page.goto("/account")
    page.get_by_label("Name of a new key").fill("script")
    press(page, "Make a key")
    with app.database.read() as connection:
        assert [one.player.name for one in players.standings(connection)] == ["den"]
        assert [one.name for one in tokens.granted(connection, "hook")] == ["lidarr"]
        assert [one.name for one in tokens.granted(connection, "api_key")] == ["script"]
