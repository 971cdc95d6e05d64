"""axe-core at every page, light and dark, on a phone and on a desk: nothing serious, nothing wider than the screen."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page
from sqlalchemy import delete

from config.tables import AccountRow
from daemon.actions import cycles
from daemon.bootstrap import Application
from tests.browser.conftest import Open
from tests.everything import everything_says
from tests.integration.test_web_pictures import picture
from tests.music import write_album

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RUN = """async () => (await axe.run({resultTypes: ["violations"]})).violations
    .filter(found => ["serious", "critical", "moderate"].includes(found.impact))
    .map(found => `${found.impact} ${found.id}: ${found.nodes.map(node => node.target.join(" ")).join(", ")}`)"""
WIDER = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
    done(document.documentElement.scrollWidth - document.documentElement.clientWidth))))"""  # once it is laid out

SLICED = """() => [...document.querySelectorAll("td code")].filter(
    code => code.textContent.length > 12 && code.closest("td").clientWidth < 100).map(code => code.textContent)"""

CUT_OFF = """() => [...document.querySelectorAll(".wide:not(:has(.beside))")].filter(
    table => table.scrollWidth > table.clientWidth).map(table => table.textContent.trim().slice(0, 40))"""


def violations(page: Page) -> list[str]:
    """Return what is wrong with a page, in both schemes and both widths."""
    found = []
    page.evaluate(AXE)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wider = page.evaluate(WIDER)
        found += [f"{width} px: {wider} px wider than the screen"] if wider > 0 else []
        found += [f"{width} px: {path} has a column of a few letters" for path in page.evaluate(SLICED)]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{width} px, {scheme}: {problem}" for problem in page.evaluate(RUN)]
    for width in (720, 900):  # a desk's page at 200 %, and a tablet's
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width} px: columns are out of sight: {table}" for table in page.evaluate(CUT_OFF)]
    return [f"{page.url}: {problem}" for problem in found]


def test_every_page_can_be_used_by_everybody(app: Application, open_page: Open) -> None:
    page = open_page()
    found: list[str] = []
    for path in everything_says(app, "Ada"):
        page.goto(path)
        found += violations(page)
    assert found == []


def test_so_can_the_pages_that_follow_a_button(app: Application, open_page: Open, tmp_path: Path) -> None:
    write_album(tmp_path / "inbound" / "a", artist="Ada", album="Harbour", tracks=2, ext="mp3")
    (tmp_path / "inbound" / "a" / "cover.jpg").write_bytes(picture("steelblue"))
    cycles.ask(app, dry_run=False, actor="test")
    assert app.ongoing.is_idle(60)
    page, found = open_page(), []

    def press(button: str) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name=button).click()
        page.locator("[data-follow]").wait_for(state="detached", timeout=60_000)  # such a page loads itself anew
        found.extend(violations(page))

    def begin(path: str, button: str) -> None:
        page.goto(path)
        press(button)

    page.goto("/review")
    page.get_by_role("link", name="Ada – Harbour").click()
    album = page.url
    begin(f"{album}/pictures", "Look at its own pictures")
    assert page.get_by_role("img").count() == 1
    page.goto(f"{album}/publish")
    found += violations(page)
    begin(album, "Take it back to inbound…")
    page.goto("/review")
    page.get_by_label("Mark Ada – Harbour").check()
    page.get_by_role("button", name="Reject…").click()
    found += violations(page)
    page.get_by_role("link", name="Leave them as they are").click()
    page.get_by_label("Mark Ada – Harbour").check()
    press("Into the trash…")
    page.goto("/review")
    page.keyboard.press("?")
    found += violations(page)
    page.goto("/libraries")
    page.get_by_role("button", name="Add it").click()  # of which folder is asked on the spot
    found += violations(page)
    page.goto("/adopt")
    page.get_by_label("Folder, as this machine calls it").fill(str(tmp_path / "staging"))
    page.get_by_role("button", name="Compare it").click()
    page.get_by_text("1 album, 0 as Greenroom would make it").wait_for()
    found += violations(page)
    assert found == []


def test_so_can_the_pages_of_strangers(app: Application, open_page: Open) -> None:
    page = open_page(stranger=True)
    page.goto("/sign-in")
    found = violations(page)
    with app.database.begin() as connection:
        connection.execute(delete(AccountRow))
    page.goto("/setup")
    found += violations(page)
    assert found == []
