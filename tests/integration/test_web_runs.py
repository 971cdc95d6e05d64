"""Runs on the page: asked for, followed, explained; a plan approved and carried out exactly, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from config import admin
from config.locks import hold
from daemon.actions.ongoing import Stage
from tests.music import write_album
from tests.scenarios.house import NOW
from tests.web import NAME, Browser
from workflow import runs
from workflow.roots import resolve_roots
from workflow.stopping import StopOrTimeout

API = "/api/v1/runs"


def drop(tmp_path: Path, name: str) -> Path:
    write_album(tmp_path / "inbound" / name, artist="Ada", album=name, tracks=2, ext="mp3")
    return tmp_path / "inbound" / name


def ended(browser: Browser, run_id: str) -> dict[str, Any]:
    assert browser.app.ongoing.is_idle(60)
    return dict(browser.client.get(f"{API}/{run_id}").json())


def begin(browser: Browser, **what: object) -> dict[str, Any]:
    answer = browser.client.post(API, json=what)
    assert answer.status_code == 202, answer.text
    return ended(browser, answer.json()["run_id"])


def staged(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "staging").rglob("*.mp3")}


def test_a_cycle_is_begun_by_a_button_and_its_page_says_what_came_of_it(browser: Browser, tmp_path: Path) -> None:
    drop(tmp_path, "Harbour")
    (tmp_path / "inbound" / "noise").mkdir()
    (tmp_path / "inbound" / "noise" / "<b>x.mp3").write_bytes(b"no music")
    began = browser.client.post("/runs", data={"csrf": browser.csrf()})
    run_id = began.url.path.rpartition("/")[2]
    run = ended(browser, run_id)
    assert (run["status"], run["asked_by"], run["trigger"]) == ("done", NAME, "request")
    assert run["counts"]["staged"] == 1
    assert len(staged(tmp_path)) == 2
    shown = browser.client.get(f"/runs/{run_id}").text
    assert "quarantined" in shown
    assert "&lt;b&gt;x.mp3" in shown
    assert "<b>x" not in shown
    assert "Quiet for" in shown
    assert "Review what waits" in shown
    assert f'href="/runs/{run_id}"' in browser.client.get("/runs").text

    with browser.app.database.begin() as connection:
        runs.forget_reasons(connection, [run_id])
    shown = browser.client.get(f"/runs/{run_id}").text
    assert "is not kept for so long" in shown
    assert "x.mp3" not in shown


def test_a_dry_run_touches_nothing_and_its_plan_names_every_file(browser: Browser, tmp_path: Path) -> None:
    folder = drop(tmp_path, "Harbour")
    run = begin(browser, dry_run=True)
    assert run["dry_run"] is True
    assert staged(tmp_path) == set()
    plan = browser.client.get(f"{API}/{run['id']}/plan").json()
    assert (plan["total"], plan["next"]) == (1, None)
    assert [file["source"] for file in plan["albums"][0]["files"]] == sorted(
        f"{folder.name}/{path.name}" for path in folder.iterdir()
    )
    page = browser.client.get(f"/runs/{run['id']}/plan").text
    assert "Harbour/01 - Track 01.mp3" in page
    assert "Approve this plan" in page
    assert "Approve this plan" in browser.client.get(f"/runs/{run['id']}").text


def test_an_approved_plan_is_carried_out_exactly_and_only_once(browser: Browser, tmp_path: Path) -> None:
    drop(tmp_path, "Harbour")
    planned = begin(browser, dry_run=True)
    drop(tmp_path, "Later")
    approved = browser.client.post(f"/runs/{planned['id']}/approve", data={"csrf": browser.csrf()})
    run = ended(browser, approved.url.path.rpartition("/")[2])
    assert (run["status"], run["approves"], run["counts"]["staged"]) == ("done", planned["id"], 1)
    assert next(reason["code"] for reason in run["reasons"] if reason["outcome"] == "waiting") == "not_in_plan"
    assert not (tmp_path / "inbound" / "Harbour").exists()
    assert (tmp_path / "inbound" / "Later").exists()
    page = browser.client.get(f"/runs/{planned['id']}").text
    assert run["id"] in page
    assert "Approve this plan" not in page
    again = browser.client.post(f"{API}/{planned['id']}/approve")
    assert (again.status_code, again.json()["code"]) == (422, "already_done")


def test_a_plan_of_a_world_that_changed_is_refused_before_anything_moves(browser: Browser, tmp_path: Path) -> None:
    drop(tmp_path, "Fjord")
    folder = drop(tmp_path, "Harbour")
    planned = begin(browser, dry_run=True)
    (folder / "02 - Track 02.mp3").unlink()
    run = ended(browser, browser.client.post(f"{API}/{planned['id']}/approve").json()["run_id"])
    assert run["status"] == "failed"
    assert "nothing was moved: Ada – Harbour has other files" in run["error"]
    assert staged(tmp_path) == set()


def test_what_nobody_knows_is_not_found_and_says_so_in_a_code(browser: Browser) -> None:
    answers = [
        browser.client.get(f"{API}/nope"),
        browser.client.get(f"{API}/nope/plan"),
        browser.client.post(f"{API}/nope/approve"),
        browser.client.get("/api/v1/nowhere"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "not_found"), (404, "not_found"), (404, "no_plan"), (404, "not_found"),
    ]  # fmt: skip
    assert browser.client.get("/api/v1/items", params={"status": "aproved"}).status_code == 422
    browser.client.cookies.clear()
    assert browser.client.get("/api/v1/items").json()["code"] == "unauthorized"


def test_an_approval_does_not_override_the_dry_run_switch(browser: Browser, tmp_path: Path) -> None:
    drop(tmp_path, "Harbour")
    planned = begin(browser, dry_run=True)
    with browser.app.database.begin() as connection:
        admin.put(connection, "staging_scan.dry_run", True, actor="test", now=NOW)
    assert browser.client.post(f"{API}/{planned['id']}/approve").status_code == 422
    assert begin(browser)["dry_run"] is True
    assert staged(tmp_path) == set()


def test_who_holds_the_lock_is_said(browser: Browser) -> None:
    roots = resolve_roots(browser.app.database)
    import threading

    with hold(browser.app.database, [roots.staging, roots.inbound], "a test", StopOrTimeout(threading.Event())):
        answer = browser.client.post(API, json={})
        assert answer.status_code == 409
        assert "a test" in answer.json()["detail"]
        page = browser.client.post("/runs", data={"csrf": browser.csrf()})
        assert page.status_code == 409
        assert "a test" in page.text


def test_one_cycle_at_a_time_runs_in_this_process_and_can_be_followed(browser: Browser) -> None:
    stage = Stage("20260101T000000Z-abcdef")
    with browser.app.ongoing.following(stage, lambda *_: None) as told:
        told("read_tags", 3, 10)
        assert browser.client.post(API, json={}).status_code == 409
        page = browser.client.get("/runs").text
        assert "3 of 10" in page
        assert 'http-equiv="refresh"' in page
        assert "3 of 10" in browser.client.get(f"/runs/{stage.run_id}").text
    assert browser.client.get(f"/runs/{stage.run_id}").status_code == 404
    followed = browser.client.get("/runs/now")
    assert followed.headers["content-type"].startswith("text/event-stream")
    assert followed.text == "data: []\n\n"


def test_lists_go_on_where_the_page_before_ended(browser: Browser) -> None:
    ids = [begin(browser, dry_run=True)["id"] for _ in range(3)]
    first = browser.client.get(API, params={"limit": 2}).json()
    rest = browser.client.get(API, params={"limit": 2, "before": first["next"]}).json()
    assert sorted(run["id"] for run in first["runs"] + rest["runs"]) == sorted(ids)
    assert rest["next"] is None
    oldest = browser.client.get(API, params={"sort": "-added", "limit": 2}).json()
    rest = browser.client.get(API, params={"sort": "-added", "before": oldest["next"]}).json()
    assert [run["id"] for run in oldest["runs"] + rest["runs"]] == sorted(ids)
    page = browser.client.get("/runs?sort=-added").text
    assert page.index(min(ids)) < page.index(max(ids))
    assert 'aria-sort="ascending"' in page


def test_what_nobody_knows_is_nowhere(browser: Browser) -> None:
    for name in ("nobody", "%00", "%ff", "x" * 3000, "..%2f.."):
        for path in (f"/runs/{name}", f"/runs/{name}/plan", f"{API}/{name}", f"{API}/{name}/plan"):
            assert browser.client.get(path).status_code in (404, 422), path
        assert browser.client.post(f"{API}/{name}/approve").status_code in (404, 422), name
    body = json.dumps({"dry_run": "yes"})
    assert browser.client.post(API, content=body, headers={"content-type": "application/json"}).status_code == 422
