"""What people do, in a real browser: sign in, schedule, review by keyboard, approve a plan, retry, undo."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import update

from config import accounts, admin
from daemon.actions import libraries
from daemon.bootstrap import Application
from processor.items import storing
from tests.browser.conftest import Open, sign_in
from tests.chromium import WAIT
from tests.everything import HOSTILE, NOW, everything_says
from tests.items import album
from tests.music import write_album
from tests.web import NAME, PASSWORD
from workflow import progress, succession
from workflow.engine.engine import wanted
from workflow.engine.tables import JobRow
from workflow.engine.wanting import submit_one
from workflow.operations import deciding

HOUSE = Path(__file__).parents[2]
ACTIVE = "script:not([src^='/static/']), img, iframe, svg, [onerror], [onload], [onfocus]"


def stage(app: Application, *names: str) -> list[int]:
    """Record albums as a cycle does; return their ids."""
    items = [replace(album(name, path=name.encode()), album_artist="Ada", album=name, checksum=name) for name in names]
    with app.database.begin() as connection:
        upserted = storing.upsert(connection, items, NOW)
        succession.after_staging(connection, upserted, "r", NOW)
    return [upserted[item.key].id for item in items]


def statuses(app: Application, ids: list[int]) -> list[str]:
    with app.database.read() as connection:
        return [progress.find(connection, item_id)["status"] for item_id in ids]


def press(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait for that."""
    with page.expect_navigation():
        page.keyboard.press(key)


@contextmanager
def daemon(folder: Path) -> Iterator[dict[str, str]]:
    """Run `greenroom run` as a process; yields what its log says of the page: `url` and `token`."""
    environ = {
        **os.environ,
        "GREENROOM_DATA_DIR": str(folder / "data"),
        "GREENROOM_CONFIG_FILE": str(folder / "greenroom.toml"),
        "GREENROOM_WEB": "127.0.0.1:0",
        "GREENROOM_LOG_FORMAT": "json",
    }
    (folder / "greenroom.toml").touch()
    log, told = folder / "log", dict[str, str]()
    with (
        log.open("wb") as errors,
        subprocess.Popen([sys.executable, "-m", "daemon.cli", "run"], cwd=HOUSE, env=environ, stderr=errors) as process,
    ):
        try:
            ends = time.monotonic() + WAIT / 1000
            while not {"url", "token"} <= set(told):
                assert time.monotonic() < ends, log.read_text()
                assert process.poll() is None, log.read_text()
                for line in log.read_text().rpartition("\n")[0].splitlines():  # the last one may be half written
                    told |= {name: value for name, value in json.loads(line).items() if isinstance(value, str)}
                time.sleep(0.05)
            yield told
        finally:
            process.terminate()
            process.wait(WAIT / 1000)


def test_a_new_user_sets_up_switches_the_schedule_on_and_the_daemon_obeys(browser: Browser, tmp_path: Path) -> None:
    for name in ("inbound", "staging"):
        (tmp_path / name).mkdir()
    write_album(tmp_path / "inbound" / "a", artist="Ada", album="Harbour", tracks=2, ext="mp3")
    with daemon(tmp_path) as told:
        page = browser.new_context(base_url=told["url"]).new_page()
        page.set_default_timeout(WAIT)
        page.goto("/")
        page.get_by_label("Setup token").fill(told["token"])
        page.get_by_label("Your name").fill(NAME)
        page.get_by_label("A password").fill(PASSWORD)
        page.get_by_role("button", name="Make the first account").click()
        expect(page.get_by_text("Nothing has run yet.")).to_be_visible()
        for role in ("inbound", "staging"):
            page.goto("/libraries")
            page.get_by_label("Role").select_option(role)
            page.get_by_label("Folder").press_sequentially(str(tmp_path / role))
            expect(page.get_by_text("It is a folder that can be read and written.")).to_be_visible()
            page.get_by_role("button", name="Add it").click()
            expect(page.get_by_role("heading", name=role.capitalize())).to_be_visible()
        page.goto("/admin/settings")
        scan = page.locator("#staging_scan")
        scan.get_by_label("Schedule").fill("every 10 bananas")
        expect(scan.get_by_text("is no schedule")).to_be_visible()
        scan.get_by_label("Schedule").fill("every 10s")
        expect(scan.locator("#fires time")).to_have_count(5)
        scan.get_by_label("Quiet for").fill("0")
        scan.get_by_label("Reserve").fill("0")
        scan.get_by_label("Enabled").check()
        scan.get_by_role("button", name="Save").click()
        page.wait_for_load_state()
        page.goto("/review")
        while not page.get_by_role("link", name="Ada – Harbour").count():  # WAIT ends it, or pytest's own limit
            page.reload()
        page.goto("/runs")
        expect(page.get_by_role("row").filter(has_text="schedule").first).to_be_visible()
        page.context.close()


def test_ten_albums_are_reviewed_by_keyboard_alone(app: Application, open_page: Open) -> None:
    ids = stage(app, *(f"Album {n}" for n in range(10)))
    page = open_page()
    page.goto("/review")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("approve")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_function("document.activeElement === document.body")  # the dialog gives the focus back
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Ada – Album 9")).to_be_focused()
    press(page, "a")
    expect(page.get_by_role("link", name="Ada – Album 8")).to_be_focused()  # the next one, once one is decided
    press(page, "u")
    page.goto("/review")
    page.keyboard.press("j")
    page.keyboard.press("j")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Album 8")
    press(page, "k")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Album 9")
    for n in reversed(range(10)):  # each decision leads to the next album
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"Album {n}")
        press(page, "r" if n == 4 else "a")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    assert statuses(app, ids) == ["rejected" if n == 4 else "approved" for n in range(10)]
    press(page, "u")
    assert statuses(app, ids[:1]) == ["pending_review"]


@pytest.mark.parametrize("java_script", [True, False])
def test_enter_decides_nothing_where_there_are_several_buttons(
    app: Application, open_page: Open, java_script: bool
) -> None:
    ids = stage(app, "Tides", "Harbour")
    page = open_page(java_script_enabled=java_script)
    page.goto(f"/review/{ids[0]}")
    page.get_by_role("textbox", name="Why").fill("a bad rip")
    page.keyboard.press("Enter")
    page.goto("/review")
    page.get_by_label("Mark Ada – Tides").press("Space")
    page.keyboard.press("Enter")
    page.goto("/trash")  # what was pressed has had its effect by now
    assert statuses(app, ids) == ["pending_review"] * 2


def test_a_key_that_is_held_down_decides_one_album(app: Application, open_page: Open) -> None:
    ids = stage(app, *(f"Album {n}" for n in range(3)))
    page = open_page()
    page.goto("/review")
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.down("a")
    expect(page.get_by_role("link", name="Ada – Album 1")).to_be_focused()
    page.keyboard.down("a")
    page.goto("/review")
    page.keyboard.up("a")
    assert statuses(app, ids) == ["pending_review", "pending_review", "approved"]


@pytest.mark.parametrize("java_script", [True, False])
def test_sixty_albums_are_published_at_once_and_followed(
    app: Application, open_page: Open, tmp_path: Path, java_script: bool
) -> None:
    (tmp_path / "library").mkdir()
    libraries.add(app, "library", os.fsencode(tmp_path / "library"), kind="music", actor="test")
    ids = stage(app, *(f"Album {n}" for n in range(60)))
    page = open_page(java_script_enabled=java_script)
    page.goto("/review")
    page.get_by_label("all this search finds").check()
    page.get_by_role("button", name="Approve and publish…").click()
    expect(page.get_by_text("These 60 will be approved, and published")).to_be_visible()
    page.get_by_role("button", name="Publish all 60").click()
    expect(page.get_by_text("0 of 60 published")).to_be_visible()
    assert statuses(app, ids) == ["approved"] * 60
    with app.database.begin() as connection:
        ended = update(JobRow).where(JobRow.phase == "publish")
        connection.execute(ended.where(JobRow.item_id != ids[0]).values(status="done"))
        taken = {"status": "parked", "error": "the place is taken"}
        connection.execute(ended.where(JobRow.item_id == ids[0]).values(**taken))
    if not java_script:
        page.reload()  # as the page does by itself, some seconds later
    expect(page.get_by_role("status")).to_contain_text("59 of 60 published, 1 not")
    expect(page.get_by_text("The place is taken.")).to_be_visible()


def test_a_page_of_albums_is_approved_and_taken_back_by_keyboard_alone(app: Application, open_page: Open) -> None:
    ids = stage(app, *(f"Album {n}" for n in range(5)))
    page = open_page()
    page.goto("/review")
    page.keyboard.press("*")
    press(page, "A")
    expect(page.get_by_text("These 5 will be approved.")).to_be_visible()
    expect(page.get_by_label("Why")).to_be_focused()
    press(page, "Enter")
    expect(page.get_by_text("5 approved.")).to_be_visible()
    assert statuses(app, ids) == ["approved"] * 5
    page.get_by_role("button", name="Undo all 5").click()
    expect(page.get_by_text("5 taken back.")).to_be_visible()
    assert statuses(app, ids) == ["pending_review"] * 5


def test_a_plan_is_looked_at_approved_and_carried_out(app: Application, open_page: Open, tmp_path: Path) -> None:
    write_album(tmp_path / "inbound" / "a", artist="Ada", album="Harbour", tracks=2, ext="mp3")
    page = open_page()
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("link", name="Every file, from where to where").click()
    expect(page.get_by_role("row").filter(has_text="01 - Track 01.mp3")).to_be_visible()
    page.get_by_role("link", name="Back to the run").click()
    assert not list((tmp_path / "staging").rglob("*.mp3"))
    page.get_by_role("button", name="Approve this plan").click()
    expect(page.get_by_text("1 staged")).to_be_visible()
    assert len(list((tmp_path / "staging").rglob("*.mp3"))) == 2


@pytest.mark.parametrize("app", ["/below"], indirect=True)
def test_below_a_path_all_a_browser_asks_for_is_below_it(app: Application, open_page: Open, tmp_path: Path) -> None:
    """Addresses, forms, what scripts ask for, and what is followed while a cycle runs."""
    page = open_page()
    navigation = page.get_by_role("navigation", name="Main")
    navigation.get_by_role("link", name="Libraries").click()
    paths: list[str] = []
    page.on("request", lambda asked: paths.append(urlsplit(asked.url).path))
    page.get_by_label("Folder").press_sequentially(str(tmp_path / "inbound"))
    expect(page.locator("#path-check")).not_to_be_empty()
    write_album(tmp_path / "inbound" / "a", artist="Ada", album="Harbour", tracks=2, ext="mp3")
    navigation.get_by_role("link", name="Runs").click()
    page.get_by_role("button", name="Scan now").click()
    page.get_by_role("link", name="Review what waits").click()
    page.get_by_role("link", name="Ada – Harbour").click()
    page.wait_for_url("**/below/review/*")  # loaded, with the script that hears keys
    press(page, "a")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert {"/below/libraries/check", "/below/static/greenroom.js"} <= set(paths)
    assert [path for path in paths if not path.startswith("/below/")] == []


def test_a_dead_letter_is_understood_and_tried_again(app: Application, open_page: Open) -> None:
    (item,) = stage(app, "Harbour")
    with app.database.begin() as connection:
        job, _ = submit_one(connection, wanted(succession.works(), "review", item, actor="chain"), NOW)
        ended = {"status": "dead", "error": "the disk was full", "code": "full", "failures": [], "finished_at": NOW}
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(**ended))
    page = open_page()
    page.get_by_role("link", name="1 job gave up").click()
    page.get_by_role("link", name=f"review {job.id}").click()
    expect(page.get_by_text("the disk was full")).to_be_visible()
    expect(page.get_by_text("Put right what the error names")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".figure")).to_have_text("queued")
    assert [found.status for found in app.engine.list(item_id=item, phase="review")] == ["queued", "discarded"]


def test_what_goes_on_is_followed_and_announced_only_when_it_changes(app: Application, open_page: Open) -> None:
    (item,) = stage(app, "Harbour")
    with app.database.begin() as connection:
        job, _ = submit_one(connection, wanted(succession.works(), "review", item, actor="chain"), NOW)
    page = open_page()
    page.goto(f"/jobs/{job.id}")
    standing = page.get_by_role("status")
    expect(standing).to_have_text("queued")
    standing.evaluate("""region => {
        window.region = region; window.told = [];
        const watch = new MutationObserver(() => window.told.push(region.textContent.trim()));
        watch.observe(region, {childList: true, characterData: true, subtree: true});
    }""")
    for _ in range(2):
        with page.expect_response(f"**/jobs/{job.id}"):
            pass
    with app.database.begin() as connection:
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(status="done", finished_at=NOW))
    expect(standing).to_have_text("done")
    expect(page.get_by_text("Ended")).to_be_visible()
    assert set(page.evaluate("window.told")) == {"done"}
    assert page.evaluate("window.region === document.querySelector('[role=status]')")


def test_on_a_phone_the_list_stays_where_the_last_decision_was(app: Application, open_page: Open) -> None:
    stage(app, *(f"Album {n}" for n in range(20)))
    page = open_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page.goto("/review")
    albums = page.locator("[data-row]")
    expect(page.get_by_label("Artist or album")).to_be_hidden()  # what is searched for is folded up
    expect(albums.first.get_by_role("link")).to_be_in_viewport()
    following = albums.nth(10).get_by_role("link").inner_text()
    albums.nth(9).get_by_role("button", name="Approve").tap()
    expect(page.get_by_text("is approved.")).to_be_in_viewport()
    expect(page.get_by_role("link", name=following, exact=True)).to_be_in_viewport()
    page.get_by_text("Search and order").tap()
    page.get_by_label("Artist or album").fill("Album 1")
    page.get_by_role("button", name="Show").tap()
    expect(page.get_by_label("Artist or album")).to_have_value("Album 1")
    expect(page.get_by_label("Artist or album")).to_be_visible()  # because it is why some are missing


def test_what_was_typed_is_in_its_form_again_where_the_session_had_ended(app: Application, open_page: Open) -> None:
    (item,) = stage(app, "One")
    with app.database.begin() as connection:
        accounts.add_account(connection, "bo", PASSWORD, dt.datetime.now(dt.UTC))
    page = open_page()
    title, save = page.get_by_label("Title", exact=True), page.get_by_role("button", name="Save")
    various = page.get_by_label("Various artists", exact=True)
    told = page.get_by_text("What you had typed was not taken.")

    def save_too_late(who: str) -> None:
        page.context.clear_cookies()
        save.click()
        for label, text in (("Name", who), ("Password", PASSWORD)):
            page.get_by_label(label).fill(text)
        page.get_by_role("button", name="Sign in").click()

    page.goto(f"/review/{item}/edit")
    title.fill("Typed")
    page.get_by_label("Date", exact=True).fill("last year")
    save.click()
    expect(page.get_by_text("must be a date such as")).to_be_visible()
    page.get_by_label("Date", exact=True).fill("1999")
    various.select_option("yes")
    save_too_late(NAME)
    expect(told).to_be_visible()
    expect(title).to_have_value("Typed")  # also what was typed before the form came back with an error
    expect(page.get_by_label("Date", exact=True)).to_have_value("1999")
    expect(various).to_have_value("yes")
    page.reload()
    expect(title).to_have_value("One")  # it is kept once
    title.fill("Saved")
    save.click()
    page.goto(f"/review/{item}/edit")
    expect(told).to_be_hidden()  # it was taken
    title.fill("Eva's")
    save_too_late("bo")
    expect(title).to_have_value("Saved")  # nobody reads what somebody else typed
    page.goto("/admin/settings")
    page.locator("[name='provider.fanart.key']").fill("a key of mine")
    page.locator("[name='provider.fanart.order']").fill("7")
    page.context.clear_cookies()
    page.locator("#provider\\.fanart").get_by_role("button", name="Save").click()
    expect(page.get_by_label("Password")).to_be_visible()
    kept = page.evaluate("sessionStorage.getItem('typed')")
    assert '"7"' in kept
    assert "a key of mine" not in kept
    sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('typed')") is None


def test_a_mark_stays_with_its_album_where_the_list_is_another_by_then(app: Application, open_page: Open) -> None:
    stage(app, "One", "Two", "Three")
    page = open_page()
    page.goto("/review")
    first, second, third = (box.get_attribute("value") or "" for box in page.locator("[name=chosen]").all())
    page.locator(f"[value='{second}']").check()
    page.context.clear_cookies()
    page.get_by_role("button", name="Reject…").click()
    expect(page.get_by_label("Password")).to_be_visible()
    deciding.decide(app.database, int(first.split()[0]), "rejected", actor="bo", why="")
    sign_in(page)
    page.goto("/review")
    expect(page.get_by_text("What you had typed was not taken.")).to_be_visible()
    boxes = page.locator("[name=chosen]").all()
    assert [(box.get_attribute("value"), box.is_checked()) for box in boxes] == [(second, True), (third, False)]


def test_a_form_is_sent_once_however_often_it_is_clicked_while_the_answer_is_on_its_way(open_page: Open) -> None:
    page = open_page()
    page.goto("/account")
    page.get_by_label("Name of a new key").fill("script")
    on_their_way: list[Route] = []

    def hold(route: Route) -> None:
        on_their_way.append(route)

    page.route("**/account/keys", hold)
    place = page.get_by_role("button", name="Make a key").bounding_box()
    assert place
    for _ in range(2):
        page.mouse.click(place["x"] + 5, place["y"] + 5)  # a locator would wait for the answer
        page.wait_for_timeout(300)
    (only,) = on_their_way
    only.continue_()
    expect(page.get_by_text("It is shown this once; copy it now.")).to_be_visible()


def test_without_javascript_every_decision_works(app: Application, open_page: Open, tmp_path: Path) -> None:
    ids = stage(app, "One", "Two", "Three", "Four")
    page = open_page(java_script_enabled=False)
    page.goto("/review")
    page.get_by_role("button", name="Approve Ada – Four").click()
    page.get_by_role("button", name="Undo").click()
    assert statuses(app, ids) == ["pending_review"] * 4
    page.get_by_role("button", name="Reject").click()
    page.goto("/review")
    for name in ("One", "Two"):
        page.get_by_label(f"Mark Ada – {name}").check()
    page.get_by_role("button", name="Approve…").click()
    page.get_by_role("button", name="Approve all 2").click()
    expect(page.get_by_text("2 approved.")).to_be_visible()
    assert statuses(app, ids) == ["approved", "approved", "pending_review", "rejected"]
    page.goto("/admin/settings")
    scan = page.locator("#staging_scan")
    scan.get_by_label("Schedule").fill("every 15m")
    scan.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Undo this change of staging_scan.schedule").click()
    with app.database.read() as connection:
        assert admin.get(connection, "staging_scan.schedule") == "0 */1 * * *"
    write_album(tmp_path / "inbound" / "a", artist="Ada", album="Harbour", tracks=2, ext="mp3")
    page.goto("/")
    page.get_by_role("button", name="Scan now").click()
    assert app.ongoing.is_idle(WAIT / 1000)
    page.reload()
    expect(page.get_by_text("1 staged")).to_be_visible()


@pytest.mark.parametrize("java_script", [True, False])
def test_what_strangers_write_does_nothing_in_a_browser(app: Application, open_page: Open, java_script: bool) -> None:
    page = open_page(java_script_enabled=java_script)
    for path in everything_says(app, " ".join(HOSTILE)):
        page.goto(path)
        assert page.locator(ACTIVE).count() == 0
        assert page.title().endswith(" · Greenroom")
