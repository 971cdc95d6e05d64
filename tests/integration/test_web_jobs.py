"""Jobs on the page and in the API: why one failed, what to do about it, and doing it; and who did what."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from sqlalchemy import update

from config import admin
from config.reasons import Reason
from daemon.actions import jobs
from daemon.sole import sole_daemon
from processor.items import storing
from processor.matching import rows
from processor.verification import rows as checks
from tests.items import album
from tests.web import NAME, Browser
from workflow import succession
from workflow.engine.tables import JobRow

API = "/api/v1/jobs"
RELEASE = "0f1a8b4e-2b7f-4b59-9a6e-0c6f2f0d3c11"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def job_of(browser: Browser, key: str = "k", **ended: object) -> int:
    """Return the job that follows the staging of an item, while albums are approved by rule; it may have ended."""
    with browser.app.database.begin() as connection:
        admin.put(connection, "phase.enrich.mode", "off", actor="test", now=NOW)
        admin.put(connection, "phase.review.auto_approve", "0.9", actor="test", now=NOW)
        admin.put(connection, "phase.review.mode", "auto", actor="test", now=NOW)
        succession.after_staging(connection, storing.upsert(connection, [album(key)], NOW), "r", NOW)
    job = browser.app.engine.list()[0]
    if ended:
        with browser.app.database.begin() as connection:
            connection.execute(update(JobRow).where(JobRow.id == job.id).values(**ended))
    return job.id


FAILURE = {"attempt": 5, "at": "2026-01-01", "executor": "e", "code": "bad", "message": "<b>no</b>", "traceback": None}
DEAD: dict[str, Any] = {
    "status": "dead",
    "error": "<b>no</b>",
    "code": "bad",
    "failures": [FAILURE],
    "attempt": 5,
    "finished_at": NOW,
}


def test_all_that_failed_is_tried_again_at_once_of_one_phase_or_with_one_code(browser: Browser) -> None:
    ids = [job_of(browser, key, **DEAD) for key in ("a", "b")]
    engine = browser.app.engine
    assert (jobs.failed(browser.app), jobs.failed(browser.app, "tag")) == (ids, [])
    assert (jobs.failed(browser.app, "review", "bad"), jobs.failed(browser.app, None, "other")) == (ids, [])
    assert "Retry all that failed in review" in browser.client.get("/jobs?status=dead&phase=review").text
    assert "Retry all" not in browser.client.get("/jobs?status=queued&phase=review").text
    form = {"csrf": browser.csrf(), "phase": "review"}
    assert "All of them are tried again" in browser.client.post("/jobs/retry", data=form).text
    assert [engine.show(one).status for one in ids] == ["discarded"] * 2
    queued = [job.id for job in engine.list(statuses=("queued",))]
    assert len(queued) == 2
    _, refused = jobs.retry_each(browser.app, [*ids, queued[0]], actor="eva")
    assert refused == [f"job {queued[0]} is queued; only what has ended can be tried again"]


def test_a_dead_letter_says_why_and_what_to_do_and_is_tried_again(browser: Browser) -> None:
    dead = job_of(browser, **DEAD)
    assert f'href="/jobs/{dead}"' in browser.client.get("/jobs", params={"status": "dead"}).text
    page = browser.client.get(f"/jobs/{dead}").text
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "Put right what the error names, then retry" in page
    assert browser.client.get(f"{API}/{dead}").json()["failures"] == [FAILURE]
    answer = browser.client.post(f"/jobs/{dead}", data={"csrf": browser.csrf(), "verb": "retry"})
    again = int(answer.url.path.rpartition("/")[2])
    assert again != dead
    assert browser.client.get(f"{API}/{again}").json()["actor"] == NAME
    assert browser.client.get(f"{API}/{dead}").json()["status"] == "discarded"


def test_a_queued_job_is_cancelled_and_one_that_failed_set_aside(browser: Browser) -> None:
    queued = job_of(browser)
    assert browser.client.get(f"{API}/counts").json() == {"review": {"queued": 1}}
    page = browser.client.post(f"/jobs/{queued}", data={"csrf": browser.csrf(), "verb": "cancel"}).text
    assert "cancelled" in page
    refused = browser.client.post(f"{API}/{queued}/discard")
    assert (refused.status_code, "only what failed" in refused.json()["detail"]) == (422, True)
    dead = job_of(browser, "other", **DEAD)
    assert browser.client.post(f"{API}/{dead}/discard").json()["status"] == "discarded"
    assert browser.client.post(f"{API}/{dead}/bury").status_code == 422
    assert browser.client.get(f"{API}/77").status_code == 404
    shown = browser.client.get("/activity").text
    assert "job cancelled" in shown
    assert "job discarded" in shown


def test_jobs_that_nobody_carries_say_so_and_what_to_start(browser: Browser) -> None:
    paths = ("/jobs", f"/jobs/{job_of(browser)}")
    for path in paths:
        assert "Nobody carries jobs: they begin once <code>greenroom run</code>" in browser.client.get(path).text
    with sole_daemon(browser.app.boot.data_dir):  # which begins to
        for path in paths:
            assert "Nobody carries jobs" not in browser.client.get(path).text


def test_a_phase_is_paused_and_goes_on(browser: Browser) -> None:
    form = {"csrf": browser.csrf(), "paused": "true"}
    assert "paused" in browser.client.post("/jobs/phases/review", data=form).text
    assert browser.setting("phase.review.paused") == "True"
    assert browser.client.put(f"{API}/phases/review", json={"paused": False}).json() == {"paused": False}
    assert browser.setting("phase.review.paused") == "False"
    assert browser.client.put(f"{API}/phases/nothing", json={"paused": True}).status_code == 404
    assert browser.client.post("/jobs/phases/stage", data=form).status_code == 404
    assert "phase.review.paused" in browser.client.get("/activity").text
    newest = browser.client.get("/api/v1/activity").json()[0]
    assert [newest[key] for key in ("who", "what", "about")] == [NAME, "set phase.review.paused", "true → false"]


def test_what_was_done_last_is_told_first_after_the_clock_was_set_back(browser: Browser) -> None:
    now = dt.datetime.now(dt.UTC)
    with browser.app.database.begin() as connection:
        for at, value in ((now + dt.timedelta(days=400), "60"), (now, "90")):
            admin.put(connection, "quiet_seconds", value, actor="bo", now=at)
    newest, before, *_ = browser.client.get("/api/v1/activity").json()
    assert [newest["about"], before["about"]] == ["60 → 90", "0 → 60"]


def test_pages_of_jobs_go_on_where_the_page_before_ended(browser: Browser) -> None:
    ids = [job_of(browser, f"k{n}") for n in range(3)]
    first = browser.client.get(API, params={"limit": 2}).json()
    rest = browser.client.get(API, params={"limit": 2, "before": first["next"], "status": ["queued", "dead"]}).json()
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == sorted(ids, reverse=True)
    turned = f"{API}?sort=-added&limit=2"
    first = browser.client.get(turned).json()
    rest = browser.client.get(f"{turned}&status=queued&before={first['next']}").json()
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == sorted(ids)
    page = browser.client.get("/jobs", params={"sort": "-added", "status": "queued"}).text
    assert re.findall(r'<th scope="row"><a href="/jobs/(\d+)"', page) == [str(one) for one in sorted(ids)]
    assert 'aria-sort="ascending"><a href="/jobs?status=queued&amp;phase="' in page


def test_figures_of_jobs_are_there_for_prometheus(browser: Browser) -> None:
    job_of(browser)
    shown = browser.client.get("/metrics").text
    assert 'greenroom_jobs{phase="review",status="queued"} 1.0' in shown
    assert "greenroom_jobs_oldest_queued_timestamp_seconds 1.7" in shown


def test_what_providers_owe_is_counted_and_an_album_can_be_chosen_for(browser: Browser) -> None:
    item = browser.app.engine.show(job_of(browser)).item_id or 0
    debt = rows.Debt(item, "musicbrainz", "releases", "it answered 503", NOW, 1, NOW)
    about = {"title": "Album", "artist": "Artist", "date": None, "country": "GB", "labels": [], "catalog_numbers": [],
             "formats": ["CD"], "tracks": 1}  # fmt: skip
    said = {"": {"country": "GB", "release_id": RELEASE}}
    found = rows.Candidate("musicbrainz", RELEASE, 1, 0.2, about, [], [], [], said)
    with browser.app.database.begin() as connection:
        rows.keep_debts(connection, item, [debt])
        rows.keep_candidates(connection, item, [found])
    assert 'greenroom_enrich_debts{provider="musicbrainz"} 1.0' in browser.client.get("/metrics").text
    assert "musicbrainz</a> owes answers about 1 album" in browser.client.get("/").text
    told = browser.client.get(f"/api/v1/items/{item}/candidates").json()
    assert [one["changes"] for one in told["candidates"]] == [
        [{"part": "", "field": name, "before": None, "after": said[""][name]} for name in ("country", "release_id")]
    ]
    assert [one["provider"] for one in told["debts"]] == ["musicbrainz"]
    chosen = browser.client.post(f"/api/v1/items/{item}/choose", json={"release": RELEASE})
    assert (chosen.status_code, chosen.json()["id"]) == (200, item)
    told = browser.client.get(f"/api/v1/items/{item}/candidates").json()
    assert (told["verdict"], [one["chosen_by"] for one in told["candidates"]]) == ("chosen", [NAME])
    seen = {"revision": 9, "status": "pending_review"}
    again = browser.client.post(f"/api/v1/items/{item}/choose", json={"release": "auto", "seen": seen})
    assert again.status_code == 409
    assert browser.client.post(f"/api/v1/items/{item}/enrich", json={"force": True}).status_code == 200
    assert browser.client.get("/api/v1/items/99/candidates").status_code == 404


def test_what_verification_found_is_read_by_item(browser: Browser) -> None:
    rotten = Reason("verify_rotten", "1.flac is not what it was.", b"1.flac")
    with browser.app.database.begin() as connection:
        checks.write(connection, checks.Checked(7, 3, 10, {}, [rotten]), NOW)
        checks.write(connection, checks.Checked(checks.ARTISTS, 1, 5, {}, []), NOW)
    totals = browser.client.get("/api/v1/verification").json()
    assert (totals["files"], totals["bytes"], totals["findings"]) == (4, 15, {"verify_rotten": 1})
    (look,) = browser.client.get("/api/v1/verification/findings").json()
    assert (look["item"], look["findings"][0]["path"]) == (7, "1.flac")
    assert browser.client.get("/api/v1/verification/findings", params={"after": 7}).json() == []


def test_the_page_of_verification_tells_what_was_found_and_mended_and_reads_again(browser: Browser) -> None:
    rotten = Reason("verify_rotten", "1.flac is <i>not</i> what it was.", b"1.flac")
    cover = Reason("verify_missing", "cover.jpg is gone; it was made anew.", b"cover.jpg")
    with browser.app.database.begin() as connection:
        storing.upsert(connection, [album()], NOW)
        checks.write(connection, checks.Checked(1, 3, 10, {}, [rotten]), NOW)
        checks.write(connection, checks.Checked(checks.ARTISTS, 1, 5, {}, [], [cover]), NOW)
    page = browser.client.get("/verification").text
    assert "1.flac is &lt;i&gt;not&lt;/i&gt; what it was." in page
    assert "cover.jpg is gone; it was made anew." in page
    assert "1 file was made anew." in page
    assert "There are no more." in browser.client.get("/verification", params={"after": 1}).text
    told = browser.client.get("/api/v1/verification").json()
    assert (told["mended"], told["job"], told["never"], told["due_at"] is None) == (1, None, 0, False)
    assert "greenroom_verify_mended 1.0" in browser.client.get("/metrics").text
    browser.client.post("/verification", data={"csrf": browser.csrf(), "every": "true"})
    (job,) = browser.app.engine.list(phase="verify")
    assert (job.manual, job.actor, job.payload["since"] is None) == (True, NAME, False)
    assert browser.client.get("/api/v1/verification").json()["job"] == job.id
    assert browser.client.post("/api/v1/verification", json={}).json() == {"job": job.id}
    assert "disabled" in browser.client.get("/verification").text
