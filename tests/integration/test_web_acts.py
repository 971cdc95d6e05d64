"""Albums taken home, split, merged and grouped anew: looked at first, done in the background, whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import threading
from pathlib import Path

import pytest

from config import admin
from daemon.actions import wishes
from daemon.actions.acts import Act
from processor.items import grouping_choices
from scanner.grouping.chosen import Choice
from tests.commands import greenroom, printed
from tests.integration.test_web_review import NOW
from tests.music import write_album, write_track
from tests.web import Browser
from workflow.operations.undo import UndoReport
from workflow.roots import resolve_roots

API = "/api/v1"


def stage(browser: Browser, folder: Path, *names: str, tracks: int = 3) -> dict[str, int]:
    """Drop albums and let a cycle stage them; return their ids by title."""
    for name in names:
        write_album(folder / "inbound" / name, artist="Ada", album=name, tracks=tracks, ext="mp3")
    browser.client.post(f"{API}/runs", json={})
    assert browser.app.ongoing.is_idle(60)
    return listed(browser)


def listed(browser: Browser) -> dict[str, int]:
    return {item["album"]: item["id"] for item in browser.client.get(f"{API}/items").json()["items"]}


def look(browser: Browser, path: str, **form: object) -> str:
    """Press a button that looks first; return the page of what would happen."""
    answer = browser.client.post(path, data={"csrf": browser.csrf(), **form})
    assert browser.app.ongoing.is_idle(60)
    return browser.client.get(answer.url.path).text if answer.is_success else answer.text


def go_on(browser: Browser, page: str) -> str:
    """Press the button on such a page; return the page of what came of it."""
    (act,) = re.findall(r'action="(/acts/[^"]+)"', page)
    return look(browser, act)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix}


def test_an_album_goes_back_to_inbound_whole_after_a_look(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Harbour")["Harbour"]
    page = look(browser, f"/review/{item}/inbound")
    assert "Every file goes back to where it came from" in page
    assert not (tmp_path / "inbound" / "Harbour").exists()
    assert "It is back where it came from" in go_on(browser, page)
    assert len(list((tmp_path / "inbound" / "Harbour").iterdir())) == 3
    assert listed(browser) == {}
    assert stage(browser, tmp_path) == {}, "what was taken back is held"


def test_an_album_that_was_changed_in_staging_stays_and_the_page_says_why(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Harbour")["Harbour"]
    (song,) = (tmp_path / "staging").rglob("01*.mp3")
    (song.parent / "<b>mine.txt").write_bytes(b"mine")
    page = look(browser, f"/review/{item}/inbound")
    assert "It cannot be taken back" in page
    assert "&lt;b&gt;mine.txt" in page
    answer = browser.client.post(f"{API}/items/{item}/inbound", json={"sure": True})
    assert browser.app.ongoing.is_idle(60)
    act = browser.client.get(f"{API}/acts/{answer.json()['id']}").json()
    assert act["report"]["albums"][0]["outcome"] == "refused"
    assert song.exists()


def test_an_album_becomes_two_with_what_belongs_to_each_and_one_again(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "inbound" / "Both").mkdir()
    (tmp_path / "inbound" / "Both" / "cover.jpg").write_bytes(b"picture")
    (tmp_path / "inbound" / "Both" / "03 - Track 03.lrc").write_bytes(b"[00:01.00]la")
    item = stage(browser, tmp_path, "Both")["Both"]
    before = files(tmp_path / "staging")
    form = {"seen": "1 pending_review", "part": ["03 - Track 03.mp3"], "artist": "Bo", "album": "Other"}
    turned = look(browser, f"/review/{item}/split", **form | {"artist": "אמן", "album": "אלבום"})
    assert "\u2068אמן\u2069 – \u2068אלבום\u2069" in turned  # so that they do not change places
    page = look(browser, f"/review/{item}/split", **form)
    assert "Bo – Other" in page
    assert listed(browser) == {"Both": item}
    go_on(browser, page)
    found = listed(browser)
    assert found.keys() == {"Both", "Other"}
    names = {name.rpartition("/")[2] for name in files(tmp_path / "staging") if "Other" in name}
    assert names >= {"03 - Track 03.mp3", "03 - Track 03.lrc"}
    assert not any("cover" in name for name in names)
    other = browser.client.get(f"{API}/items/{found['Other']}").json()
    assert (other["album_artist"], other["sources"]["album"]) == ("Bo", "person")
    assert "A person put these files together." in str(other["evidence"])
    assert len(files(tmp_path / "staging")) == len(before) + 1  # each has a sidecar
    for title in ("Other", "Both"):  # one by one: by the rules each is the album its tags say
        go_on(browser, look(browser, f"/review/{listed(browser)[title]}/rules"))
    assert listed(browser).keys() == {"Both"}
    assert files(tmp_path / "staging") == before


def test_two_albums_become_one_with_a_disc_each_where_numbers_clash(browser: Browser, tmp_path: Path) -> None:
    ids = stage(browser, tmp_path, "Side A", "Side B", tracks=2)
    chosen = [f"{item} 1 pending_review" for item in ids.values()]
    go_on(browser, look(browser, "/review/merge", chosen=chosen))
    first = min(ids, key=ids.__getitem__)
    (item,) = browser.client.get(f"{API}/items").json()["items"]
    assert (item["album"], item["track_count"], item["discs"]) == (first, 4, 2)
    numbers = [(f["disc"], f["track"]) for f in browser.client.get(f"{API}/items/{item['id']}").json()["files"]]
    assert sorted(numbers) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_late_tracks_go_home_with_the_album_they_joined(browser: Browser, tmp_path: Path) -> None:
    stage(browser, tmp_path, "Harbour")
    late = tmp_path / "inbound" / "late"
    late.mkdir()
    write_track(late / "09.mp3", title="Nine", artist="Ada", album="Harbour", album_artist="Ada", track="9")
    item = stage(browser, tmp_path)["Harbour"]
    go_on(browser, look(browser, f"/review/{item}/inbound"))
    assert files(tmp_path / "staging") == set()
    assert len(files(tmp_path / "inbound")) == 4


def test_what_makes_no_two_albums_and_what_changed_meanwhile_is_refused(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Both")["Both"]
    form = {"seen": "1 pending_review", "artist": "Bo", "album": "Other"}
    every = [f"{n:02} - Track {n:02}.mp3" for n in (1, 2, 3)]
    assert "ark some of the tracks" in look(browser, f"/review/{item}/split", **form, part=every)
    assert "ark some of the tracks" in look(browser, f"/review/{item}/split", **form, part="../x")
    assert "needs an artist and a title" in look(
        browser, f"/review/{item}/split", **form | {"album": " "}, part=every[0]
    )
    same = form | {"artist": "Ada", "album": "Both"}
    assert "another name" in look(browser, f"/review/{item}/split", **same, part=every[0])
    assert "two albums or more" in look(browser, "/review/merge", chosen=[f"{item} 1 pending_review"])
    page = look(browser, f"/review/{item}/split", **form, part=every[0])
    browser.client.post(f"{API}/items/{item}/approve", json={})
    assert "is not what was on the screen" in go_on(browser, page)
    assert browser.client.get(f"{API}/acts/none").status_code == 404


def test_nothing_is_said_of_albums_that_cannot_be_taken_back(browser: Browser, tmp_path: Path) -> None:
    ids = stage(browser, tmp_path, "Tide", "Harbour")
    (song,) = (path for path in (tmp_path / "staging").rglob("01*.mp3") if "Harbour" in str(path))
    (song.parent / "mine.txt").write_bytes(b"mine")
    wish = {"items": [ids["Harbour"], ids["Tide"]], "sure": True}
    act = browser.client.post(f"{API}/items/merge", json=wish).json()["id"]
    assert browser.app.ongoing.is_idle(60)
    (album,) = browser.client.get(f"{API}/acts/{act}").json()["report"]["albums"]
    assert (album["album"], listed(browser)) == ("Harbour", ids), "after one that stays no other goes"
    wish = {"items": [ids["Tide"], ids["Harbour"]], "sure": True}
    assert browser.client.post(f"{API}/items/merge", json=wish).status_code == 202
    assert browser.app.ongoing.is_idle(60)
    with browser.app.database.read() as connection:
        inbound = resolve_roots(browser.app.database).inbound
        assert grouping_choices.read(connection, inbound.root_uuid) == {}
    assert stage(browser, tmp_path).keys() == {"Tide", "Harbour"}, "the first is staged again as it was"


def test_rejected_albums_lie_in_the_trash_and_come_back_with_what_was_said_of_them(
    browser: Browser, tmp_path: Path
) -> None:
    ids = stage(browser, tmp_path, "Tide", "Harbour")
    before = files(tmp_path / "staging")
    said = {"fields": {"genres": ["Shanty"]}}
    assert browser.client.patch(f"{API}/items/{ids['Harbour']}/metadata", json=said).is_success
    chosen = [f"{item} 1 pending_review" for item in ids.values()]
    page = look(browser, "/review/trash", chosen=chosen, why="twice")
    assert "can be restored from the trash for 30 days" in page
    assert listed(browser).keys() == ids.keys()
    assert "Restore it from there" in go_on(browser, page)
    assert listed(browser) == {}
    assert {name.split("/")[0] for name in files(tmp_path / "staging")} == {".greenroom-trash"}
    trash = browser.client.get("/trash").text
    assert trash.count("put here by a person") == 2
    assert "rejected, twice" in browser.client.get("/activity").text
    (harbour,) = (one for one in browser.client.get(f"{API}/trash").json()["albums"] if one["album"] == "Harbour")
    assert "It goes back to its place" in (page := look(browser, f"/trash/{harbour['transfer']}/restore"))
    assert "It is back in its place" in go_on(browser, page)
    (other,) = browser.client.get(f"{API}/trash").json()["albums"]
    assert browser.client.post(f"{API}/trash/{other['transfer']}/restore", json={"sure": True}).status_code == 202
    assert browser.app.ongoing.is_idle(60)
    assert (files(tmp_path / "staging"), listed(browser).keys()) == (before, ids.keys())
    known = browser.client.get(f"{API}/items/{listed(browser)['Harbour']}/metadata").json()
    assert known["album"]["genres"] == {"value": ["Shanty"], "source": "user", "locked": True}
    assert browser.client.get("/trash").text.count("The trash is empty") == 1
    assert browser.client.post(f"{API}/trash/{other['transfer']}/restore", json={}).status_code == 404


def test_what_is_not_as_it_was_put_there_goes_to_no_trash_and_a_taken_place_is_not_written_over(
    browser: Browser, tmp_path: Path
) -> None:
    item = stage(browser, tmp_path, "Harbour")["Harbour"]
    (song,) = (tmp_path / "staging").rglob("01*.mp3")
    (song.parent / "mine.txt").write_bytes(b"mine")
    assert "mine.txt is there beside the album" in look(browser, "/review/trash", chosen=f"{item} 1 pending_review")
    (song.parent / "mine.txt").unlink()
    wish = {"sure": True, "seen": {"revision": 1, "status": "approved"}}
    assert browser.client.post(f"{API}/items/{item}/trash", json=wish).status_code == 409
    assert browser.client.post(f"{API}/items/{item}/trash", json={"sure": True}).status_code == 202
    assert browser.app.ongoing.is_idle(60)
    stage(browser, tmp_path, "Harbour")
    (one,) = browser.client.get(f"{API}/trash").json()["albums"]
    assert "Another copy of this album was staged since" in look(browser, f"/trash/{one['transfer']}/restore")


def test_nothing_moves_while_dry_runs_are_all_that_settings_allow(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Harbour")["Harbour"]
    with browser.app.database.begin() as connection:
        admin.put(connection, "staging_scan.dry_run", True, actor="test", now=NOW)
    assert "switch it off first" in go_on(browser, look(browser, f"/review/{item}/inbound"))


def test_the_command_line_does_the_same(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Both")["Both"]

    words = ("split", str(item), "01 - Track 01.mp3", "--artist", "Bo", "--album", "Other")
    assert "would be" in printed("review", *words, "--dry-run")
    printed("review", *words)
    found = listed(browser)
    assert found.keys() == {"Both", "Other"}
    printed("review", "merge", str(found["Both"]), str(found["Other"]))
    assert listed(browser).keys() == {"Both"}
    printed("review", "regroup", str(listed(browser)["Both"]))
    assert "1 trashed" in printed("review", "trash", str(listed(browser)["Both"]))
    assert listed(browser) == {}
    shown = greenroom("trash", "list", "--json")
    assert greenroom("trash", "restore", json.loads(shown.output)[0]["transfer"]).exit_code == 0
    (one,) = browser.client.get(f"{API}/items").json()["items"]
    assert (one["album"], one["track_count"]) == ("Both", 3)


def test_a_cycle_that_fails_after_an_act_is_told_and_the_next_one_goes_on(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Both")["Both"]
    scans = browser.app.boot.data_dir / "scan-db"
    shutil.rmtree(scans)
    scans.touch()
    words = ("01 - Track 01.mp3", "--artist", "Bo", "--album", "Other")
    done = greenroom("review", "split", item, *words)
    assert (done.exit_code, listed(browser)) == (0, {})
    assert "that followed did not end well: " in done.stderr
    scans.unlink()
    assert greenroom("cycle", "--no-wait").exit_code == 0
    assert listed(browser).keys() == {"Both", "Other"}


def test_a_command_says_by_its_exit_code_that_somebody_else_holds_the_lock(browser: Browser, tmp_path: Path) -> None:
    item = stage(browser, tmp_path, "Both")["Both"]
    sentinel = os.open(tmp_path / "staging" / ".greenroom-root", os.O_RDONLY)
    fcntl.flock(sentinel, fcntl.LOCK_EX)
    refused = greenroom("review", "trash", item, "--json")
    os.close(sentinel)
    assert (refused.exit_code, refused.stdout) == (75, "")
    assert "is being worked on" in refused.stderr


def test_what_could_not_begin_leaves_what_was_said_before(browser: Browser, tmp_path: Path) -> None:
    stage(browser, tmp_path, "Both")
    words = ("01 - Track 01.mp3", "--artist", "Bo", "--album", "Other")
    assert greenroom("review", "split", str(listed(browser)["Both"]), *words).exit_code == 0
    inbound = resolve_roots(browser.app.database).inbound

    def said() -> dict[bytes, Choice]:
        with browser.app.database.read() as connection:
            return grouping_choices.read(connection, inbound.root_uuid)

    before = said()
    assert before
    sentinel = os.open(tmp_path / "staging" / ".greenroom-root", os.O_RDONLY)
    fcntl.flock(sentinel, fcntl.LOCK_EX)
    both = [str(listed(browser)[name]) for name in ("Both", "Other")]
    for wish in (("merge", *both), ("regroup", both[0])):
        assert greenroom("review", *wish).exit_code == 75
    os.close(sentinel)
    assert said() == before


def test_an_act_that_the_system_refuses_is_over_and_says_why(browser: Browser) -> None:
    def refused(_act: Act, _actor: str, _stop: threading.Event) -> UndoReport:
        raise OSError(errno.EIO, "Input/output error", "/srv/staging/a")

    act = wishes.begin(browser.app, "trash", [], refused, actor="ada", sure=True)
    assert browser.app.ongoing.is_idle(60)
    told = browser.client.get(f"{API}/acts/{act.id}").json()
    assert told["over"]
    assert "/srv/staging/a" in told["error"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_act_that_a_mistake_of_ours_ended_is_over_too(browser: Browser) -> None:
    def mistaken(_act: Act, _actor: str, _stop: threading.Event) -> UndoReport:
        raise ZeroDivisionError

    act = wishes.begin(browser.app, "trash", [], mistaken, actor="ada", sure=True)
    assert browser.app.ongoing.is_idle(60)
    told = browser.client.get(f"{API}/acts/{act.id}").json()
    assert (told["over"], "mistake" in told["error"]) == (True, True)


def test_what_a_run_moved_goes_back_but_for_what_cannot(browser: Browser, tmp_path: Path) -> None:
    stage(browser, tmp_path, "Harbour", "Kitchen")
    (run,) = browser.client.get(f"{API}/runs").json()["runs"]
    moved = browser.client.get(f"{API}/runs/{run['id']}/albums?limit=1").json()
    assert (moved["albums"][0]["name"], moved["albums"][0]["status"]) == ("Ada – Harbour", "pending_review")
    more = browser.client.get(f"{API}/runs/{run['id']}/albums?after={moved['next']}").json()
    assert ([album["name"] for album in more["albums"]], more["next"]) == (["Ada – Kitchen"], None)
    shown = browser.client.get(f"/runs/{run['id']}").text
    assert "Ada – Harbour" in shown
    assert f'href="/review/{more["albums"][0]["item_id"]}"' in shown
    (song,) = (tmp_path / "staging").rglob("Ada/*Harbour/01*.mp3")
    song.with_name("mine.txt").write_bytes(b"mine")
    page = look(browser, f"/runs/{run['id']}/undo")
    assert "Some of it cannot go back as things are" in page
    assert "Not all of it was done" in go_on(browser, page)
    assert set(listed(browser)) == {"Harbour"}
    assert len(files(tmp_path / "inbound" / "Kitchen")) == 3
    assert "An album that is not there any more." in browser.client.get(f"/runs/{run['id']}").text


def test_a_run_that_moved_nothing_has_nothing_to_take_back(browser: Browser) -> None:
    assert "no run of that name moved anything" in look(browser, "/runs/nosuch/undo")
