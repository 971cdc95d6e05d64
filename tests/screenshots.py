"""The demo's music, one cycle and some decisions → pictures of the main pages in a folder."""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page
from sqlalchemy import update

from config import admin
from daemon.actions import cycles
from daemon.bootstrap import Application, application
from daemon.sole import sole_daemon
from daemon.web.server import WebServer
from processor.items import listing
from tests.browser.conftest import sign_in
from tests.chromium import chromium, program
from tests.demo import cover, make_inbound
from tests.web import NAME, add_roots, new_account
from workflow import succession
from workflow.engine.engine import wanted
from workflow.engine.tables import JobRow
from workflow.engine.wanting import submit_one
from workflow.operations import deciding, editing, picturing

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SHOTS: Final = (  # name, address, window, scheme
    ("dashboard", "/", DESK, "light"),
    ("review", "/review", DESK, "dark"),
    ("album", "/review/{item}", DESK, "light"),
    ("album-phone", "/review/{item}", PHONE, "light"),
    ("pictures", "/review/{item}/pictures", DESK, "light"),
    ("edit", "/review/{item}/edit", DESK, "light"),
    ("plan", "/runs/{plan}/plan", DESK, "light"),
    ("settings", "/admin/settings", DESK, "light"),
)


def live(app: Application) -> dict[str, str]:
    """Run a dry run and a cycle, let people say and decide some things; return what addresses need."""
    plan = cycles.ask(app, dry_run=True, actor=NAME)
    app.ongoing.is_idle()
    cycles.approve(app, plan, actor=NAME)
    app.ongoing.is_idle()
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        admin.put(connection, "staging_scan.schedule", "*/15 * * * *", actor=NAME, now=now)
        admin.put(connection, "staging_scan.enabled", True, actor=NAME, now=now)
        items = {item["album"]: item for item in listing.page(connection, listing.Filter("pending_review")).items}
        gran = items["Sunday Songs"]["id"]
        job, _ = submit_one(connection, wanted(succession.works(), "review", gran, actor="chain"), now)
        ended = {"status": "dead", "error": "the disk of the library is full", "code": "no_space", "finished_at": now}
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(**ended))
    item = items["Low Tide"]["id"]
    editing.say(app.database, item, "", {"genres": ["Folk", "Sea Shanty"]}, actor=NAME, seen=None)
    for one in items.values():
        picturing.look(app.database, app.boot.data_dir, one["id"])
    picturing.give(app.database, app.boot.data_dir, item, "front", cover("seagreen", 900), actor=NAME)
    editing.note(app.database, item, "Bought at the pier in 2014; the booklet is in the blue box.", actor=NAME)
    deciding.decide(
        app.database, items["Harbour Radio, Vol. 2"]["id"], "approved", actor=NAME, why="complete", seen=None
    )
    return {"item": str(item), "plan": plan}


def shoot(page: Page, folder: Path, known: dict[str, str]) -> None:
    """Take every picture."""
    for name, path, window, scheme in SHOTS:
        page.set_viewport_size(window)  # type: ignore[arg-type]  # a TypedDict to Playwright
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(path.format(**known))
        page.screenshot(path=folder / f"{name}.png")


def main(folder: Path) -> None:
    """Make the pictures."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="greenroom-") as made:
        root = Path(made)
        os.environ |= {"GREENROOM_DATA_DIR": str(root / "data"), "GREENROOM_WEB": ""}
        with application() as app:
            inbound, _ = add_roots(app, root)
            new_account(app)
            make_inbound(inbound)
            known = live(app)
            with (
                sole_daemon(app.boot.data_dir),  # as the daemon shows its pages
                WebServer(app, ("127.0.0.1", 0)) as server,
                chromium(program()) as browser,
            ):
                host, port = server.address
                page = browser.new_context(base_url=f"http://{host}:{port}", locale="en-GB").new_page()
                sign_in(page)
                shoot(page, folder, known)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
