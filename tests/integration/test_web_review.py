"""The review: found by filters, decided once by whoever saw what is there, taken back, and taken home."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text, update

from config.database import Database
from daemon.web.deciding import MOST_AT_ONCE
from processor.items import listing, repository, storing
from processor.items.item import NewItem
from processor.items.listing import Filter
from processor.tables import StagingItem
from tests.items import album
from tests.web import NAME, Browser
from workflow import history, progress, succession
from workflow.engine.tables import JobRow

API = "/api/v1/items"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def stage(browser: Browser, *items: NewItem) -> list[int]:
    """Record albums as a cycle does; return their ids."""
    with browser.app.database.begin() as connection:
        upserted = storing.upsert(connection, items, NOW)
        succession.after_staging(connection, upserted, "r", NOW)
        return [upserted[item.key].id for item in items]


def named(key: str, artist: str, name: str, **values: Any) -> NewItem:
    return replace(album(key, path=key.encode()), album_artist=artist, album=name, checksum=key, **values)


def names(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)


def seen(browser: Browser, item_id: int) -> str:
    item = browser.client.get(f"{API}/{item_id}").json()
    return f"{item['revision']} {item['status']}"


def now(browser: Browser, ids: list[int]) -> list[str]:
    """Return what albums are."""
    with browser.app.database.read() as connection:
        return [repository.item(connection, item)[0]["status"] for item in ids]


def chosen(page: str) -> list[str]:
    """Return what the form of a page would send of its albums."""
    return re.findall(r'name="chosen" value="([^"]*)"', page)


def undo(page: str) -> str:
    """Return what the button of a page that offers to take a decision back would send."""
    found = re.search(r'name="undo" value="([^"]*)"', page)
    assert found
    return found[1]


def press(browser: Browser, item_id: int, button: str, what: str, **more: str) -> str:
    """Press a button of an album's form; return the page that follows, or the refusal."""
    form = {"csrf": browser.csrf(), button: what, **more}
    return browser.client.post(f"/review/{item_id}", data=form).text


@pytest.mark.sqlite
def test_text_that_is_no_json_in_the_database_is_told_and_is_no_mistake_of_who_asks(browser: Browser) -> None:
    (item_id,) = stage(browser, named("1", "Ada", "Tide"))
    with browser.app.database.begin() as connection:
        connection.execute(text("UPDATE staging_items SET warnings = '[broken'"))
    for path in ("/review", f"/review/{item_id}", API, f"{API}/{item_id}"):
        answer = browser.client.get(path)
        assert (answer.status_code, "where JSON belongs" in answer.text) == (500, True), path


def test_the_queue_is_filtered_by_what_a_reviewer_asks_for(browser: Browser) -> None:
    stage(
        browser,
        named("1", "Ólafur", "Sæng", confidence=0.9, warnings="[]"),
        named("2", "Ada", "100% Wool_", confidence=0.3),
        named("3", "Ada", "Tide", confidence=0.8, warnings="[]"),
    )

    def found(**query: Any) -> list[str]:
        return [title.partition(" – ")[2] for title in names(browser.client.get("/review", params=query).text)]

    assert found() == ["Tide", "100% Wool_", "Sæng"]
    assert found(q="ada") == ["Tide", "100% Wool_"]
    assert found(q="OLAFUR sæng") == ["Sæng"]
    assert found(q="100%") == ["100% Wool_"]
    assert found(q="_") == ["100% Wool_"]
    assert found(below="50") == ["100% Wool_"]  # percent, as the list shows it
    assert found(warned="no") == ["Tide", "Sæng"]
    assert found(status="approved") == []
    assert found(status="any", below="rubbish", q="nobody") == []


def test_what_is_said_of_many_files_of_an_album_is_said_once_in_the_queue(browser: Browser) -> None:
    said = ["It ends too early.", "No date.", *["It ends too early."] * 6, "Odd.", "Loud."]
    warnings = json.dumps([{"code": "c", "message": one, "path": str(n)} for n, one in enumerate(said)])
    stage(browser, named("1", "Ada", "Tide", warnings=warnings))
    cell = re.search(r'<td class="all">(.*?)</td>', browser.client.get("/review").text, re.DOTALL)
    assert cell
    shown = [" ".join(re.sub("<[^>]*>", "", line).split()) for line in cell[1].split("</div>")]
    assert shown == ["It ends too early. (7 times)", "No date.", "Odd.", "and 1 more", ""]


def test_the_api_says_what_a_value_must_be_as_the_commands_do(browser: Browser) -> None:
    refused = browser.client.get("/api/v1/items", params={"below": "7"})
    assert (refused.status_code, refused.json()["detail"][0]["msg"]) == (422, "must be less than or equal to 1")


def test_pages_of_the_queue_neither_repeat_nor_leave_out_an_item(browser: Browser) -> None:
    ids = stage(browser, *(named(f"{n:03}", "Ada", f"Album {n:03}") for n in range(120)))
    shown, address = [], "/review"
    while address:
        page = browser.client.get(address).text
        shown += names(page)
        following = re.search(r'href="([^"]*)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert shown == [f"Ada – Album {n:03}" for n in reversed(range(120))]
    first = browser.client.get(API, params={"limit": 100}).json()
    rest = browser.client.get(API, params={"limit": 100, "before": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == sorted(ids, reverse=True)


def test_the_order_of_a_column_is_kept_through_pages_filters_and_albums(browser: Browser) -> None:
    stage(browser, *(named(f"{n:03}", ("Bo", "Ada")[n % 2], f"Album {n:03}") for n in range(120)))
    page = browser.client.get("/review", params={"sort": "artist"}).text
    assert names(page)[0] == "Ada – Album 001"
    assert re.search(r'<th scope="col" aria-sort="ascending"><a href="/review\?sort=-artist" class="sorted">', page)
    shown = names(page)
    while following := re.search(r'href="([^"]*)" rel="next"', page):
        page = browser.client.get(html.unescape(following[1])).text
        shown += names(page)
    assert shown == [f"{artist} – Album {n:03}" for artist, odd in (("Ada", 1), ("Bo", 0)) for n in range(odd, 120, 2)]
    page = browser.client.get("/review", params={"sort": "-artist", "q": "bo"}).text
    assert names(page)[0] == "Bo – Album 118"
    assert '<option value="-artist" selected>' in page
    for link, heading in ((r'<th scope="row"><a href="([^"]*)"', "118"), (r'href="([^"]*)" rel="next"', "116")):
        (address, *_) = re.findall(link, page)
        page = browser.client.get(html.unescape(address)).text
        assert f"<h1>Bo – Album {heading}" in page
    assert names(browser.client.get("/review", params={"sort": "nosuch"}).text)[0] == "Ada – Album 119"
    first = browser.client.get(API, params={"sort": "-artist", "limit": 60}).json()
    rest = browser.client.get(API, params={"sort": "-artist", "limit": 60, "before": first["next"]}).json()
    told = [f"{item['album_artist']} – {item['album']}" for item in first["items"] + rest["items"]]
    assert (told, rest["next"]) == (shown[::-1], None)


def test_a_decision_on_a_later_page_leads_back_there_however_long_its_address(browser: Browser) -> None:
    artist, name = "宇多田ヒカル" * 40, "桜流し" * 40
    *_, item = stage(browser, *(named(f"{n:03}", artist, f"{n:03} {name}") for n in range(60)))
    page = browser.client.get("/review", params={"sort": "album", "q": artist[:200]}).text
    page = browser.client.get(html.unescape(re.findall(r'href="([^"]*)" rel="next"', page)[0])).text
    (back,) = re.findall(r'name="back" value="([^"]*)"', page)
    left = names(press(browser, item, "approve", seen(browser, item), back=html.unescape(back)))
    assert left == names(page)[:-1]


@pytest.mark.parametrize("words", ["added", "pending_review"])
def test_a_word_is_searched_on_every_page_though_it_is_a_usual_order_or_status(browser: Browser, words: str) -> None:
    stage(browser, *(named(f"{n:03}", words, f"Album {n:03}") for n in range(60)), named("x", "Ada", "Tide"))
    page = browser.client.get("/review", params={"q": words, "sort": "-added"}).text
    following = html.unescape(re.findall(r'href="([^"]*)" rel="next"', page)[0])
    assert f"q={words}" in following
    assert len(names(browser.client.get(following).text)) == 10


def test_after_a_decision_the_next_album_of_the_order_is_marked(browser: Browser) -> None:
    _, ada, cy = stage(browser, named("1", "Bo", "One"), named("2", "Ada", "Two"), named("3", "Cy", "Three"))
    back = "/review?sort=artist"
    page = press(browser, ada, "approve", seen(browser, ada), back=back)
    assert re.search(r"data-goes-on>.*?Bo – One", page, re.DOTALL)
    assert re.search(r"data-goes-on", press(browser, cy, "approve", seen(browser, cy), back=back)) is None


def test_an_album_is_approved_and_the_next_one_is_there_with_a_way_back(browser: Browser) -> None:
    older, newer = stage(browser, named("1", "Ada", "One"), named("2", "Ada", "Two"))
    page = browser.client.get(f"/review/{newer}").text
    back = re.search(r'name="back" value="([^"]*)"', page)
    assert back
    assert back[1] == f"/review/{older}"
    page = press(browser, newer, "approve", seen(browser, newer), back=back[1], why="I know it")
    assert "<h1>Ada – One" in page
    assert "is approved." in page
    item = browser.client.get(f"{API}/{newer}").json()
    assert (item["status"], item["position"]) == ("approved", "reviewed")
    assert [(one["actor"], one["why"]) for one in item["history"] if one["actor"] != "chain"][-1] == (NAME, "I know it")
    assert names(browser.client.get("/review").text) == ["Ada – One"]
    page = press(browser, newer, "undo", seen(browser, newer))
    assert "taken back: approved by eva" in page
    item = browser.client.get(f"{API}/{newer}").json()
    assert (item["status"], item["position"]) == ("pending_review", "staged")


def test_undo_is_offered_of_what_was_decided_before_the_album_was_enriched(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "Tide"))
    press(browser, item, "approve", seen(browser, item))
    with browser.app.database.begin() as connection:
        because = history.Because("enrich", "chain", "nobody knows it")
        progress.move(connection, progress.find(connection, item), because, NOW)
    press(browser, item, "undo", undo(browser.client.get(f"/review/{item}").text))
    assert seen(browser, item).endswith("pending_review")


def test_no_undo_is_offered_for_an_album_that_went_missing_since(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "Tide"))
    press(browser, item, "reject", seen(browser, item))
    assert undo(browser.client.get(f"/review/{item}").text)
    with browser.app.database.begin() as connection:
        connection.execute(text("UPDATE staging_items SET status = 'missing'"))
    assert 'name="undo"' not in browser.client.get(f"/review/{item}").text


def test_undo_takes_back_the_decision_it_was_offered_for_and_no_later_one(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    first = undo(press(browser, item, "reject", seen(browser, item)))
    assert first == undo(browser.client.get(f"/review/{item}").text)
    press(browser, item, "undo", first)
    second = undo(press(browser, item, "reject", seen(browser, item)))
    assert "another decision than the one on the screen" in press(browser, item, "undo", first)
    last = browser.client.get(f"{API}/{item}").json()["history"][-1]["id"]
    stale = {"seen": {"revision": 1, "status": "rejected", "decision": last - 1}}
    assert browser.client.post(f"{API}/{item}/undo", json=stale).json()["code"] == "item_changed"
    assert now(browser, [item]) == ["rejected"]
    press(browser, item, "undo", second)
    assert now(browser, [item]) == ["pending_review"]


def test_an_album_that_is_being_published_is_left_to_whoever_does_that(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    with browser.app.database.begin() as connection:
        connection.execute(update(StagingItem).values(status="publishing"))
    for verb in ("approve", "reject"):
        answer = browser.client.post(f"{API}/{item}/{verb}", json={})
        assert (answer.status_code, answer.json()["code"]) == (422, "illegal_move")
        assert "wait until it is published" in answer.text
    assert now(browser, [item]) == ["publishing"]


def test_who_rejects_an_album_publishes_it_with_no_word(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    answer = browser.client.post(f"{API}/{item}/reject", json={"publish": True})
    assert answer.json()["status"] == "rejected"
    assert browser.app.engine.list(phase="publish") == []


def test_who_comes_second_is_told_and_changes_nothing(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    before = seen(browser, item)
    press(browser, item, "reject", before)
    refused = browser.client.post(f"/review/{item}", data={"csrf": browser.csrf(), "approve": before})
    assert refused.status_code == 409
    assert "it is rejected now, in revision 1" in refused.text
    stage(browser, replace(named("1", "Ada", "One"), checksum="other"))
    answer = browser.client.post(f"{API}/{item}/approve", json={"seen": {"revision": 1, "status": "rejected"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "item_changed")
    assert browser.client.post(f"{API}/{item}/approve", json={"why": "yes"}).json()["status"] == "approved"
    assert browser.client.post(f"{API}/{item}/approve", json={"why": "twice"}).json()["status"] == "approved"
    assert browser.client.post(f"{API}/{item}/undo", json={}).json()["status"] == "pending_review"
    stage(browser, replace(named("1", "Ada", "One"), checksum="third"))
    assert browser.client.post(f"{API}/{item}/undo", json={}).json()["code"] == "nothing_to_undo"


def test_a_form_that_does_not_say_what_it_is_about_is_refused(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    for form in ({}, {"approve": "1"}, {"approve": "x y"}, {"approve": "1 a", "reject": "1 a"}):
        answer = browser.client.post(f"/review/{item}", data={"csrf": browser.csrf(), **form})
        assert answer.status_code == 422, form


def test_what_people_say_is_kept_as_any_database_takes_it(browser: Browser) -> None:
    """PostgreSQL has no NUL: a backup with one could not be taken there."""
    (item,) = stage(browser, named("1", "Ada", "One"))
    said = "so\0o"
    assert browser.client.post(f"{API}/{item}/reject", json={"why": said}).status_code == 200
    assert browser.client.patch(f"{API}/{item}/metadata", json={"fields": {"title": said}}).status_code == 200
    history = browser.client.get(f"{API}/{item}").json()["history"]
    assert [entry["why"] for entry in history if entry["actor"] == NAME] == ["soo", "said: title: soo"]


def test_a_path_that_is_no_text_is_shown_where_a_reason_names_it(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    assert r"<code>in \xfe</code>" in browser.client.get(f"/review/{item}").text


def test_nobody_is_led_elsewhere(browser: Browser) -> None:
    (item,) = stage(browser, named("1", "Ada", "One"))
    form = {"csrf": browser.csrf(), "approve": seen(browser, item), "back": "//evil.example/"}
    answer = browser.client.post(f"/review/{item}", data=form, follow_redirects=False)
    assert answer.headers["location"] == f"/review?done={item}"


def test_many_are_decided_after_a_look_at_what_would_happen(browser: Browser) -> None:
    ids = stage(browser, *(named(str(n), "Ada", f"Album {n}") for n in range(3)))
    marked = [f"{item} {seen(browser, item)}" for item in ids]
    form = {
        "csrf": browser.csrf(),
        "status": "approved",
        "chosen": [*marked, "rubbish", f"999 {seen(browser, ids[0])}"],
    }
    page = browser.client.post("/review/bulk", data=form).text
    assert "These 3 will be approved." in page
    assert {browser.client.get(f"{API}/{item}").json()["status"] for item in ids} == {"pending_review"}
    press(browser, ids[0], "reject", "1 pending_review")
    page = browser.client.post("/review/bulk", data=form | {"sure": "true"}).text
    assert "2 approved." in page
    assert "is not what was on the screen" in page
    assert [browser.client.get(f"{API}/{item}").json()["status"] for item in ids] == [
        "rejected",
        "approved",
        "approved",
    ]
    assert "None is marked." in browser.client.post("/review/bulk", data=form | {"chosen": []}).text


def test_all_that_a_search_finds_is_decided_with_one_button_also_what_is_on_further_pages(browser: Browser) -> None:
    ids = stage(browser, *(named(str(n), "Ada" if n else "Bo", f"Album {n}") for n in range(60)))
    form = {"csrf": browser.csrf(), "status": "approved", "every": "true"}
    page = browser.client.post("/review/bulk?q=ada", data=form).text
    assert "These 59 will be approved." in page
    again = {"csrf": browser.csrf(), "status": "approved", "sure": "true", "chosen": chosen(page)}
    page = browser.client.post("/review/bulk", data=again).text
    assert "59 approved." in page
    assert now(browser, ids) == ["pending_review"] + ["approved"] * 59
    page = browser.client.post("/review/bulk", data=again | {"status": "undo", "chosen": chosen(page)}).text
    assert "59 taken back." in page
    assert set(now(browser, ids)) == {"pending_review"}


@pytest.mark.parametrize("decided", ["just now", "before"])
def test_undo_of_many_takes_back_the_decisions_it_was_offered_for_and_no_later_ones(
    browser: Browser, decided: str
) -> None:
    ids = stage(browser, *(named(str(n), "Ada", f"Album {n}") for n in range(2)))
    form = {"csrf": browser.csrf(), "status": "rejected", "sure": "true"}
    page = browser.client.post("/review/bulk", data=form | {"chosen": [f"{n} {seen(browser, n)}" for n in ids]}).text
    if decided == "before":
        look = {"csrf": browser.csrf(), "status": "undo", "chosen": [f"{n} {seen(browser, n)}" for n in ids]}
        page = browser.client.post("/review/bulk", data=look).text
    press(browser, ids[0], "undo", seen(browser, ids[0]))
    press(browser, ids[0], "reject", seen(browser, ids[0]))
    page = browser.client.post("/review/bulk", data=form | {"status": "undo", "chosen": chosen(page)}).text
    assert "another decision than the one on the screen" in page
    assert now(browser, ids) == ["rejected", "pending_review"]


@pytest.mark.parametrize(("button", "told"), [("trash", "Into the trash"), ("merge", "Make them one album")])
def test_so_are_acts_about_all_that_a_search_finds(browser: Browser, button: str, told: str) -> None:
    ids = stage(browser, named("1", "Ada", "One"), named("2", "Ada", "Two"), named("3", "Bo", "Three"))
    page = browser.client.post(f"/review/{button}?q=ada", data={"csrf": browser.csrf(), "every": "true"}).text
    assert f"<h1>{told}</h1>" in page
    assert [f'<li><a href="/review/{item}">' in page for item in ids] == [True, True, False]


def test_of_more_than_one_button_decides_the_first_are_taken_and_it_says_so(browser: Browser) -> None:
    stage(browser, *(named(str(n), "Ada", f"Album {n}") for n in range(MOST_AT_ONCE + 1)))
    form = {"csrf": browser.csrf(), "status": "approved", "every": "true"}
    page = browser.client.post("/review/bulk", data=form).text
    assert f"These {MOST_AT_ONCE} will be approved." in page
    assert "The search finds more than these" in page


def test_many_are_published_and_followed_until_all_are_or_say_why_not(browser: Browser) -> None:
    ids = stage(browser, *(named(str(n), "Ada", f"Album {n}") for n in range(3)))
    marked = [f"{item} {seen(browser, item)}" for item in ids]
    form = {"csrf": browser.csrf(), "status": "publish", "chosen": marked}
    assert "These 3 will be approved, and published" in browser.client.post("/review/bulk", data=form).text
    page = browser.client.post("/review/bulk", data=form | {"sure": "true"})
    assert page.url.path == "/review/publishing"
    assert "0 of 3 published" in page.text
    assert now(browser, ids) == ["approved"] * 3
    with browser.app.database.begin() as connection:
        for item, ended in ((ids[0], {"status": "done"}), (ids[1], {"status": "parked", "error": "it is taken"})):
            at = (JobRow.item_id == item, JobRow.phase == "publish")
            connection.execute(update(JobRow).where(*at).values(**ended))
    page = browser.client.get(str(page.url))
    assert "1 of 3 published, 1 not" in page.text
    assert "It is taken." in page.text


def test_what_cannot_be_published_is_named_and_the_others_go_on(browser: Browser) -> None:
    good, bad = stage(browser, named("1", "Ada", "One"), named("2", "Ada", "Two"))
    press(browser, bad, "quarantine", "1 pending_review")
    marked = [f"{item} {seen(browser, item)}" for item in (good, bad)]
    form = {"csrf": browser.csrf(), "status": "publish", "sure": "true", "chosen": marked}
    page = browser.client.post("/review/bulk", data=form).text
    assert "cannot become approved" in page
    assert "/review/publishing?after=" in page
    assert [job.item_id for job in browser.app.engine.list(phase="publish")] == [good]


def test_an_item_nobody_has_is_nowhere(browser: Browser) -> None:
    for number in ("0", "7", str(1 << 62), str(1 << 80), "-1", "x"):
        for path in (f"/review/{number}", f"{API}/{number}"):
            assert browser.client.get(path).status_code in (404, 422), path
        assert browser.client.post(f"{API}/{number}/approve", json={}).status_code in (404, 422), number


QUEUE = "USING COVERING INDEX ix_staging_items"
EVERYTHING = Filter("pending_review", below=0.5, warned=True, words="a b")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("wanted", "sort", "place", "how"),
    [
        (Filter("pending_review"), "added", "1000", f"{QUEUE}_queue (status=? AND id<?)"),
        (EVERYTHING, "added", "1000", f"{QUEUE}_queue (status=? AND id<?)"),
        (Filter(), "added", "1000", "INTEGER PRIMARY KEY"),
        (EVERYTHING, "changed", "1:2026-01-01", f"{QUEUE}_changed (status=? AND updated_at<?)"),
        (EVERYTHING, "artist", "1:ada", f"{QUEUE}_artist (status=? AND search>?)"),
        (EVERYTHING, "-album", "1:a", f"{QUEUE}_album (status=? AND sort_album<?)"),
        (EVERYTHING, "year", "1:1999", f"{QUEUE}_year (status=? AND sort_year<?)"),
    ],
)
def test_a_page_of_the_queue_is_found_by_its_index_alone(
    database: Database, wanted: Filter, sort: listing.Sort, place: str, how: str
) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    with database.read() as connection:
        listing.page(connection, wanted, sort, before=place)
        ids = next(query for query in asked if "LIMIT" in query[0])
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {ids[0]}", ids[1]).all()
    assert how in str(plan), plan
    assert "TEMP B-TREE" not in str(plan)
