"""What people say of an album: locked, shown everywhere, kept in its history, and left to the sources again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from processor.items import storing
from processor.metadata import rows
from processor.metadata.documents import ITSELF
from tests.commands import greenroom, printed
from tests.integration.test_web_review import NOW, press, seen
from tests.items import album
from tests.web import NAME, Browser
from workflow import succession

API = "/api/v1/items"
TRACK = "01 - Song.mp3"


@pytest.fixture
def item(browser: Browser) -> int:
    """An album of one track, in review."""
    with browser.app.database.begin() as connection:
        upserted = storing.upsert(connection, [album("k")], NOW)
        succession.after_staging(connection, upserted, "r", NOW)
    return upserted["k"].id


def form_of(browser: Browser, item: int, part: str = "") -> dict[str, object]:
    """Return what the form of an album, or of a track, sends if nobody touches it."""
    page = browser.client.get(f"/review/{item}/edit", params={"part": part}).text
    fields = dict(re.findall(r'<input[^>]*? name="([\w ]+)" value="([^"]*)"', page))
    fields |= dict(re.findall(r'<textarea[^>]*? name="(\w+)"[^>]*>\n([^<]*)</textarea>', page))
    locked = re.findall(r'name="locked" value="(\w+)" checked', page)
    return {**fields, "locked": locked, "was locked": re.findall(r'name="was locked" value="(\w+)"', page)}


def send(browser: Browser, item: int, part: str = "", **changes: object) -> str:
    form = form_of(browser, item, part) | changes
    return browser.client.post(f"/review/{item}/edit", params={"part": part}, data=form).text


def known(browser: Browser, item: int) -> dict[str, Any]:
    return dict(browser.client.get(f"{API}/{item}/metadata").json()["album"])


def test_what_a_person_says_is_locked_and_shown_everywhere(browser: Browser, item: int) -> None:
    before = known(browser, item)
    assert before["title"] == {"value": "Album", "source": "tags", "locked": False}
    page = send(browser, item, title="Harbour <b>", credits="Ada| feat. \nBo", genres="Folk\nSea", date="2014-05")
    assert "Ada feat. Bo – Harbour &lt;b&gt;" in page
    after = known(browser, item)
    assert after["title"] == {"value": "Harbour <b>", "source": "user", "locked": True}
    assert after["genres"]["value"] == ["Folk", "Sea"]
    assert after["credits"]["value"] == [["Ada", None, " feat. ", None], ["Bo", None, "", None]]
    for path in ("/review", "/", f"/review/{item}"):
        assert "Harbour &lt;b&gt;" in browser.client.get(path).text
    assert browser.client.get(API).json()["items"][0]["year"] == 2014
    history = browser.client.get(f"{API}/{item}").json()["history"]
    assert (history[-1]["actor"], history[-1]["what"]) == (NAME, "edit")
    assert "genres: Folk, Sea" in history[-1]["why"]


def test_a_form_sent_as_it_is_says_nothing(browser: Browser, item: int) -> None:
    send(browser, item)
    send(browser, item, TRACK)
    assert not any(one["locked"] for one in known(browser, item).values())
    assert [entry["what"] for entry in browser.client.get(f"{API}/{item}").json()["history"]] == ["stage"]


def test_what_a_form_shows_as_an_escape_stays_what_it_is_where_a_person_changes_the_text_around_it(
    browser: Browser, item: int
) -> None:
    said: dict[str, object] = {
        "title": "\u200fشوق\u200f!", "credits": [["נועה\u200e", "0f1a8b4e-2b7f-4b59-9a6e-0c6f2f0d3c11", "", None]],
        "review": "one\ttwo", "genres": [r"\u200f"],
    }  # fmt: skip
    with browser.app.database.begin() as connection:
        rows.write(connection, item, "musicbrainz", {ITSELF: said}, NOW)
    form = form_of(browser, item)
    assert (form["title"], form["review"]) == (r"\u200fشوق\u200f!", r"one\ttwo")
    changes = {"title": r"\u200fشوق!", "credits": "נועה\\u200e| & \nBo", "genres": "\\u200f\nPop"}
    send(browser, item, "", review=r"one\ttwo three", **changes)
    after = {name: one["value"] for name, one in known(browser, item).items()}
    assert (after["title"], after["review"], after["genres"]) == ("\u200fشوق!", "one\ttwo three", [r"\u200f", "Pop"])
    assert after["credits"][0] == ["נועה\u200e", "0f1a8b4e-2b7f-4b59-9a6e-0c6f2f0d3c11", " & ", None]


def test_a_lock_is_put_on_what_is_known_and_taken_off_again(browser: Browser, item: int) -> None:
    send(browser, item, locked=["title"])
    assert known(browser, item)["title"] == {"value": "Album", "source": "user", "locked": True}
    send(browser, item, locked=[])
    assert known(browser, item)["title"]["source"] == "tags"
    send(browser, item, title="Harbour")
    send(browser, item, title="")
    assert known(browser, item)["title"]["value"] == "Album"


def test_one_wrong_field_keeps_all_of_them_and_says_so_beside_it(browser: Browser, item: int) -> None:
    page = send(browser, item, title="Harbour", date="last year", votes="many")
    assert "must be a date such as 1998" in page
    assert 'value="last year"' in page
    assert "whole number" in page
    assert known(browser, item)["title"]["value"] == "Album"


def test_what_became_known_while_a_form_was_filled_in_stays_unless_a_person_changed_it(
    browser: Browser, item: int
) -> None:
    """Albums are enriched, and edited by others, while somebody reads: nothing of that is in the form they send."""
    send(browser, item, country="GB", language="en")
    old = form_of(browser, item)
    said: dict[str, object] = {"title": "Theirs", "credits": [["Theirs", None, "", None]], "date": "1999"}
    with browser.app.database.begin() as connection:
        rows.write(connection, item, "musicbrainz", {ITSELF: said}, NOW)
    send(browser, item, status="official", review="Two\nlines")
    # This person locks the title as they saw it, says what genre it is, and takes one of their words back.
    form = old | {"genres": "Folk", "country": "", "locked": ["title", "country", "language"]}
    browser.client.post(f"/review/{item}/edit", data=form)
    after = known(browser, item)
    assert {name: (one["value"], one["source"]) for name, one in after.items()} == {
        "title": ("Album", "user"), "genres": (["Folk"], "user"), "language": ("en", "user"),
        "credits": ([["Theirs", None, "", None]], "musicbrainz"), "date": ("1999", "musicbrainz"),
        "status": ("official", "user"), "review": ("Two\nlines", "user"), "compilation": (False, "tags"),
    }  # fmt: skip


def test_of_two_who_change_one_field_the_second_is_told_what_the_first_said(browser: Browser, item: int) -> None:
    old = form_of(browser, item)
    browser.client.post(f"/review/{item}/edit", data=old | {"title": "Eva's", "genres": "Folk"})
    page = browser.client.post(f"/review/{item}/edit", data=old | {"title": "Bo's", "genres": "Folk", "country": "GB"})
    assert page.status_code == 422
    assert "somebody said “Eva&#39;s” meanwhile" in page.text
    assert "country" not in known(browser, item)
    again = re.findall(r'name="was title" value="([^"]*)"', page.text)
    assert again == ["Eva&#39;s"]
    browser.client.post(f"/review/{item}/edit", data=old | {"was title": "Eva's", "title": "Bo's", "genres": "Folk"})
    assert {name: known(browser, item)[name]["value"] for name in ("title", "genres")} == {
        "title": "Bo's", "genres": ["Folk"],
    }  # fmt: skip


def test_a_track_is_edited_by_its_file_and_no_other(browser: Browser, item: int) -> None:
    send(browser, item, TRACK, title="Salt", position="7")
    track = browser.client.get(f"{API}/{item}/metadata").json()["tracks"][TRACK]
    assert track["title"] == {"value": "Salt", "source": "user", "locked": True}
    assert track["position"]["value"] == 7
    assert "Salt" in browser.client.get(f"/review/{item}").text
    for part in ("c.jpg", "../x", "base64:!"):
        assert browser.client.get(f"/review/{item}/edit", params={"part": part}).status_code in (404, 422)
        refused = browser.client.patch(f"{API}/{item}/metadata", json={"part": part, "fields": {"title": "x"}})
        assert refused.status_code == 422


def test_who_saw_another_album_changes_nothing_and_an_edit_can_follow_a_decision(browser: Browser, item: int) -> None:
    old = form_of(browser, item)
    press(browser, item, "approve", seen(browser, item))
    assert (
        "is not what was on the screen" in browser.client.post(f"/review/{item}/edit", data=old | {"title": "x"}).text
    )
    assert known(browser, item)["title"]["value"] == "Album"
    send(browser, item, title="Harbour")
    press(browser, item, "undo", seen(browser, item))  # an edit is no decision, so the one before is still the last
    assert seen(browser, item) == "1 pending_review"


def test_notes_stay_with_the_album(browser: Browser, item: int) -> None:
    page = browser.client.post(
        f"/review/{item}/note", data={"csrf": browser.csrf(), "text": "Gran's <i>tape</i>\nside B"}
    )
    assert "Gran&#39;s &lt;i&gt;tape" in page.text
    assert browser.client.post(f"{API}/{item}/notes", json={"text": "two"}).status_code == 204
    assert browser.client.post(f"{API}/{item}/notes", json={"text": "\x00 "}).status_code == 422
    history = browser.client.get(f"{API}/{item}").json()["history"]
    assert [entry["why"] for entry in history if entry["what"] == "note"] == ["Gran's <i>tape</i>\nside B", "two"]


def test_the_command_line_says_the_same(browser: Browser, item: int) -> None:
    printed("review", "set", item, "genres", "Folk", "Sea Shanty")
    printed("review", "set", item, "rating", "7.5")
    printed("review", "set", item, "title", "Salt", "--track", TRACK)
    printed("review", "note", item, "from Gran")
    assert known(browser, item)["genres"]["value"] == ["Folk", "Sea Shanty"]
    assert known(browser, item)["rating"]["value"] == 7.5
    printed("review", "set", item, "genres", "--unlock")
    assert "genres" not in known(browser, item)
    assert greenroom("review", "set", item, "colour", "red").exit_code == 1
    assert greenroom("review", "set", item, "title").exit_code == 2
