"""From the review into the library by page and API: quarantine, which release it is, publishing, and out again."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from config import libraries
from daemon.actions import publishing
from daemon.bootstrap import Application
from processor.matching.rows import Candidate, Debt, keep_candidates, keep_debts
from tests.integration.test_web_acts import go_on, look, stage
from tests.integration.test_web_review import NOW, press, seen
from tests.web import NAME, Browser
from workflow.operations import editing

pytestmark = pytest.mark.sqlite
API = "/api/v1/items"


@pytest.fixture
def app(app: Application, tmp_path: Path) -> Application:
    """An installation with inbound, staging and a library."""
    (tmp_path / "library").mkdir()
    with app.database.begin() as connection:
        now = dt.datetime.now(dt.UTC)
        libraries.add_library(connection, "library", bytes(tmp_path / "library"), now=now)
    return app


@pytest.fixture
def item(browser: Browser, tmp_path: Path) -> int:
    """An album that was staged."""
    return stage(browser, tmp_path, "Harbour", tracks=2)["Harbour"]


def open_jobs(browser: Browser, item: int, phase: str) -> list[tuple[str, bool]]:
    return [(job.status, job.manual) for job in browser.app.engine.list(item_id=item, phase=phase)]


def test_an_approval_can_carry_the_publishing(browser: Browser, item: int) -> None:
    assert "Approve and publish" in browser.client.get(f"/review/{item}").text
    press(browser, item, "publish", seen(browser, item))
    assert seen(browser, item) == "1 approved"
    assert open_jobs(browser, item, "publish") == [("queued", True)]


def test_who_publishes_by_the_api_is_told_the_job_as_who_enriches_is(browser: Browser, item: int) -> None:
    browser.client.post(f"{API}/{item}/approve", json={})
    begun = browser.client.post(f"{API}/{item}/publish").json()
    (job,) = browser.app.engine.list(item_id=item, phase="publish")
    assert begun == {"id": item, "job": job.id, "job_id": job.id}


def test_what_nobody_approved_is_not_begun_to_be_published(browser: Browser, item: int) -> None:
    refused = browser.client.post(f"/api/v1/items/{item}/publish")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_approved")
    assert browser.client.post(f"/review/{item}/publish", data={"csrf": browser.csrf()}).status_code == 409
    assert browser.app.engine.list(phase="publish") == []


def test_an_approval_alone_publishes_nothing_while_the_gate_is_manual(browser: Browser, item: int) -> None:
    assert browser.client.post(f"{API}/{item}/approve", json={}).json()["status"] == "approved"
    assert open_jobs(browser, item, "publish") == []
    assert browser.client.post(f"{API}/{item}/approve", json={"publish": True}).json()["status"] == "approved"
    assert open_jobs(browser, item, "publish") == [("queued", True)]


def test_what_publishing_would_do_is_shown_and_what_was_published_is_taken_out_again(
    browser: Browser, item: int, tmp_path: Path
) -> None:
    page = browser.client.get(f"/review/{item}/publish").text
    assert "is pending_review" in page
    back, (word,) = f"/review/{item}/publish", re.findall(r'name="approve" value="([^"]+)"', page)
    assert f'name="back" value="{back}"' in page
    page = browser.client.post(f"/review/{item}", data={"csrf": browser.csrf(), "approve": word, "back": back}).text
    assert "01 - Track 01.mp3" in page
    assert "Approve it" not in page
    assert browser.client.get(f"{API}/{item}/publish").json()["kind"] == "publish"
    assert not list((tmp_path / "library").rglob("*.mp3"))
    publishing.publish(browser.app, item, actor=NAME, stop=browser.app.ongoing.stopping)
    assert "Published at" in browser.client.get(f"/review/{item}").text
    refused = browser.client.post(f"{API}/{item}/reject", json={})
    assert (refused.status_code, f"`greenroom publish {item} --undo`" in refused.text) == (422, True)
    assert len(list((tmp_path / "library").rglob("*.mp3"))) == 2
    assert "It is out of the library" in go_on(browser, look(browser, f"/review/{item}/unpublish"))
    assert not list((tmp_path / "library").rglob("*.mp3"))
    assert "Not published" not in browser.client.get(f"/review/{item}").text


def test_a_published_album_is_shown_under_its_new_names_before_it_gets_them(browser: Browser, item: int) -> None:
    press(browser, item, "approve", seen(browser, item))
    publishing.publish(browser.app, item, actor=NAME, stop=browser.app.ongoing.stopping)
    assert "Newer metadata waits" not in browser.client.get(f"/review/{item}").text
    editing.say(browser.app.database, item, "", {"title": "Another Tide"}, actor=NAME, seen=None)
    assert "Newer metadata waits" in browser.client.get(f"/review/{item}").text
    assert browser.client.get(f"{API}/{item}").json()["news_at"]
    assert "Another Tide" not in browser.client.get(f"{API}/{item}/publish").json()["folder"]
    assert "Look what names" in browser.client.get(f"/review/{item}/publish").text
    assert "Another Tide" in browser.client.get(f"/review/{item}/publish?rename=true").text
    assert "Another Tide" in browser.client.get(f"{API}/{item}/publish?rename=true").json()["folder"]
    browser.client.post(f"/review/{item}/publish", data={"csrf": browser.csrf(), "rename": "true"})
    (job,) = browser.app.engine.list(phase="publish")
    assert job.payload == {"rename": True}


def test_an_album_in_quarantine_stays_where_it_is_and_comes_back(browser: Browser, item: int, tmp_path: Path) -> None:
    before = sorted((tmp_path / "staging").rglob("*.mp3"))
    press(browser, item, "quarantine", seen(browser, item), why="sounds odd")
    assert seen(browser, item) == "1 quarantined"
    assert sorted((tmp_path / "staging").rglob("*.mp3")) == before
    press(browser, item, "undo", seen(browser, item))
    assert seen(browser, item) == "1 pending_review"
    assert browser.client.post(f"{API}/{item}/quarantine", json={}).json()["status"] == "quarantined"


def test_candidates_stand_side_by_side_and_one_is_chosen(browser: Browser, item: int) -> None:
    about = {"title": "Harbour", "artist": "Ada", "labels": ["Pier"], "catalog_numbers": [], "formats": ["CD"]}
    part = {"name": "year", "weight": 1.0, "penalty": 0.5, "why": "2014 there, 2015 here"}
    ids = [f"{n}1111111-2222-3333-4444-555555555555" for n in (1, 2)]
    made = [Candidate("musicbrainz", id, n, 0.1 * n, about, [part], [], [], {"": {"title": f"Harbour {n}"}})
            for n, id in enumerate(ids, 1)]  # fmt: skip
    with browser.app.database.begin() as connection:
        keep_candidates(connection, item, made)
        keep_debts(connection, item, [Debt(item, "discogs", "releases", "it is away", NOW, 1, NOW)])
    page = browser.client.get(f"/review/{item}/release").text
    assert page.count("2014 there, 2015 here") == 2
    assert "discogs did not answer about releases since" in page
    assert "</a> owes answers about 1 album" in browser.client.get("/").text
    known = browser.client.get(f"{API}/{item}/candidates").json()
    assert [one["distance"] for one in known["candidates"]] == [0.1, 0.2]
    form = {"csrf": browser.csrf(), "release": "2", "seen": seen(browser, item)}
    browser.client.post(f"/review/{item}/release", data=form)
    assert browser.client.get(f"{API}/{item}/metadata").json()["album"]["title"]["value"] == "Harbour 2"
    assert f"chosen by {NAME}" in browser.client.get(f"/review/{item}/release").text
    stale = browser.client.post(f"/review/{item}/release", data=form | {"seen": "9 pending_review"})
    assert stale.status_code == 409
    assert browser.client.post(f"{API}/{item}/choose", json={"release": "auto"}).status_code == 200
    assert open_jobs(browser, item, "enrich")[0] == ("queued", True)


def test_hooks_are_made_and_removed_by_a_person(browser: Browser) -> None:
    page = browser.client.post("/hooks", data={"csrf": browser.csrf(), "name": "lidarr"}).text
    assert "POST /api/v1/hooks/lidarr" in page
    refused = browser.client.post("/hooks", data={"csrf": browser.csrf(), "name": "no <b>"})
    assert refused.status_code == 422
    assert "lidarr" in browser.client.get("/hooks").text
    browser.client.post("/hooks/remove", data={"csrf": browser.csrf(), "name": "lidarr"})
    assert "Nobody yet." in browser.client.get("/hooks").text
