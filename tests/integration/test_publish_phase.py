"""Approved items → published by jobs and commands: who may, what a rule may, and what scripts are told."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from config import admin, libraries
from config.database import Database
from config.errors import NeedsReview
from config.machine import utc_now
from config.tables import LeaseRow
from daemon.worker import Upkeep
from processor.metadata.documents import ITSELF
from processor.moves import publish as moves_publish
from processor.tables import StagingItem
from processor.transfers.transfer import Transfer
from tests.carrying import carrying
from tests.commands import chosen, printed
from tests.scenarios.drops import songs
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import add_library, published, take_out
from tests.waiting import until
from workflow import events, history, progress, succession, upkeep
from workflow.engine import hosts
from workflow.engine.engine import Engine
from workflow.engine.job import OPEN
from workflow.engine.tables import JobRow
from workflow.operations import deciding, editing
from workflow.operations.published import heal

ALBUM = "Ada/Low Tide (2014)"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def house(tmp_path: Path, database: Database) -> Iterator[House]:
    """A house with a library and an album that waits for review, on each database."""
    made = House.make(tmp_path, database.url.render_as_string(hide_password=False))
    add_library(made)
    made.drop(songs("Low Tide", "flac", range(1, 3), date="2014"))
    made.run()
    yield made
    made.database.close()


def library(house: House) -> Path:
    return house.staging.with_name("library")


def only(house: House) -> dict[str, Any]:
    (item,) = house.items().values()
    with house.database.read() as connection:
        return progress.find(connection, item["id"])


def put(house: House, **settings: Any) -> None:
    with house.database.begin() as connection:
        for key, value in settings.items():
            admin.put(connection, f"phase.{key.replace('__', '.')}", value, actor="eva", now=NOW)


def work(house: House, condition: Callable[[], bool]) -> None:
    works = {name: work for name, work in succession.works().items() if name in ("enrich", "review", "tag", "publish")}
    with carrying(house.database, house.data, works):
        until(condition)


def test_a_persons_approval_carries_the_publication_with_it(house: House) -> None:
    item_id = only(house)["id"]
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    assert Engine(house.database, succession.works()).list(phase="publish") == []
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it", publish=True)
    work(house, lambda: only(house)["status"] == "published")
    (job,) = Engine(house.database, succession.works()).list(phase="publish")
    until(lambda: Engine(house.database, succession.works()).show(job.id).status == "done")
    assert f"{ALBUM}/album.nfo" in published(library(house))
    with house.database.read() as connection:
        told = [one for one in events.of_ids(connection, range(100)) if one.kind == "published"]
    assert [one.facts["files"][:1] for one in told] == [[f"{ALBUM}/01 - Song 1.flac"]]


@pytest.mark.parametrize("auto", [False, True])
def test_what_a_rule_approved_is_published_by_itself_only_if_settings_say_so(house: House, auto: bool) -> None:
    put(house, review__auto_approve="0.1", review__max_warnings=9, publish__mode="auto", publish__auto_publish=auto)
    succession.reconcile(house.database)
    item_id = only(house)["id"]
    Engine(house.database, succession.works()).submit("review", item_id, actor="chain", priority="urgent")
    engine = Engine(house.database, succession.works())
    work(house, lambda: any(job.status == "done" for job in engine.list(phase="publish")))
    assert only(house)["status"] == ("published" if auto else "approved")


def test_what_becomes_known_of_a_published_album_is_published_by_itself_once(house: House) -> None:
    put(house, publish__mode="auto", publish__refresh_after_seconds=0, sync__mode="off")
    item_id, engine = only(house)["id"], Engine(house.database, succession.works())
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    work(house, lambda: rests(house) and only(house)["status"] == "published")
    assert only(house)["news_at"] is None
    assert say(house, genres=["Folk"])
    assert say(house, genres=["Jazz"])
    since = only(house)["news_at"]
    assert since is not None
    put(house, publish__refresh_after_seconds=3600)
    assert succession.reconcile(house.database) == 0  # more may be said
    put(house, publish__refresh_after_seconds=0, publish__mode="manual")
    assert succession.reconcile(house.database) == 0  # a person does it
    put(house, publish__mode="auto")
    assert succession.reconcile(house.database) == 1
    assert succession.reconcile(house.database) == 0
    work(house, lambda: rests(house) and only(house)["news_at"] is None)
    assert "<genre>Jazz</genre>" in (library(house) / ALBUM / "album.nfo").read_text()
    assert len(engine.list(phase="publish")) == 2
    assert succession.reconcile(house.database) == 0
    assert not say(house, genres=["Jazz"])
    assert only(house)["news_at"] is None


def test_what_only_a_rule_wanted_waits_for_a_person_again(house: House) -> None:
    put(house, review__auto_approve="0.1", review__max_warnings=9, publish__mode="auto", publish__auto_publish=True)
    put(house, publish__refresh_after_seconds=0, sync__mode="off")
    item_id, engine = only(house)["id"], Engine(house.database, succession.works())
    engine.submit("review", item_id, actor="chain", priority="urgent")
    work(house, lambda: rests(house) and only(house)["status"] == "published")
    put(house, publish__auto_publish=False)
    say(house, genres=["Jazz"])
    assert succession.reconcile(house.database) == 1
    work(house, lambda: [job.status for job in engine.list(phase="publish")] == ["done", "done"])
    assert only(house)["news_at"] is not None
    assert succession.reconcile(house.database) == 0
    succession.request(engine, "publish", item_id, actor="eva")
    work(house, lambda: only(house)["news_at"] is None)


@pytest.mark.parametrize("happened", ["note", "edit", "broken off"])
def test_what_is_no_persons_decision_publishes_nothing_that_a_rule_approved(house: House, happened: str) -> None:
    put(house, review__auto_approve="0.1", review__max_warnings=9, publish__mode="manual", sync__mode="off")
    item_id, engine = only(house)["id"], Engine(house.database, succession.works())
    engine.submit("review", item_id, actor="chain", priority="urgent")
    work(house, lambda: rests(house) and only(house)["status"] == "approved")
    if happened == "note":
        editing.note(house.database, item_id, "Not this one: it is scratched.", actor="eva")
    elif happened == "edit":
        say(house, genres=["Jazz"])
    else:
        with house.database.begin() as connection:
            because = history.Because("publish", "chain", "publishing")
            progress.move(connection, only(house), because, utc_now(), status="publishing")
        heal(house.database)
    assert only(house)["status"] == "approved"
    put(house, publish__mode="auto")
    assert succession.reconcile(house.database) == 1
    work(house, lambda: rests(house) and bool(engine.list(phase="publish")))
    assert only(house)["status"] == "approved"
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it", publish=True)
    work(house, lambda: rests(house) and only(house)["status"] == "published")


def test_what_a_person_approved_before_it_was_staged_anew_is_not_published_by_a_rule(house: House) -> None:
    put(house, review__auto_approve="0.1", review__max_warnings=9, publish__mode="manual", sync__mode="off")
    item_id, engine = only(house)["id"], Engine(house.database, succession.works())
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    with house.database.begin() as connection:
        anew = update(StagingItem).values(revision=StagingItem.revision + 1, status="pending_review")
        connection.execute(anew)
    engine.submit("review", item_id, actor="chain", priority="urgent")
    work(house, lambda: rests(house) and only(house)["status"] == "approved")
    put(house, publish__mode="auto")
    succession.reconcile(house.database)
    work(house, lambda: rests(house) and bool(engine.list(phase="publish")))
    assert only(house)["status"] == "approved"


def test_what_was_published_so_long_ago_that_nobody_knows_who_wanted_it_is_kept_up_to_date(house: House) -> None:
    put(house, publish__mode="auto", publish__refresh_after_seconds=0, sync__mode="off")
    item_id = only(house)["id"]
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    work(house, lambda: rests(house) and only(house)["status"] == "published")
    with house.database.begin() as connection:
        connection.execute(delete(history.ItemHistoryRow))
    say(house, genres=["Jazz"])
    assert succession.reconcile(house.database) == 1
    work(house, lambda: rests(house))
    assert only(house)["news_at"] is None


def test_a_job_whose_album_could_not_be_published_waits_for_a_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Transfer:
        raise NeedsReview("somebody has its place", code="target_exists")

    monkeypatch.setattr(moves_publish, "fill", fail)
    deciding.decide(house.database, only(house)["id"], "approved", actor="eva", why="heard it", publish=True)
    engine = Engine(house.database, succession.works())
    work(house, lambda: any(job.status in ("parked", "done", "dead") for job in engine.list(phase="publish")))
    (job,) = engine.list(phase="publish")
    assert (job.status, only(house)["status"]) == ("parked", "approved")


def say(house: House, **fields: Any) -> list[str]:
    return editing.say(house.database, only(house)["id"], ITSELF, fields, actor="eva")


def rests(house: House) -> bool:
    return not Engine(house.database, succession.works()).list(statuses=OPEN)


@pytest.mark.parametrize("word", ["undo", "rejected"])
def test_who_takes_an_approval_back_wants_no_publication_either(house: House, word: str) -> None:
    item_id, engine = only(house)["id"], Engine(house.database, succession.works())
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it", publish=True)
    if word == "undo":
        deciding.take_back(house.database, item_id, actor="eva")
    else:
        deciding.decide(house.database, item_id, word, actor="eva", why="heard it again")
    assert [job.status for job in engine.list(phase="publish")] == ["cancelled"]


def test_who_rejects_an_album_keeps_no_other_and_no_other_work_waiting(house: House) -> None:
    house.drop(songs("High Tide", "flac", range(1, 3), album="High Tide"))
    house.run()
    engine = Engine(house.database, succession.works())
    one, other = (item["id"] for item in house.items().values())
    for item_id in (one, other):
        deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it", publish=True)
    succession.request(engine, "enrich", one, actor="eva")
    deciding.decide(house.database, one, "rejected", actor="eva", why="heard it again")
    waits = {(job.phase, job.item_id) for job in engine.list(statuses=OPEN)}
    assert ("publish", one) not in waits
    assert {("publish", other), ("enrich", one)} <= waits


def test_an_approval_whose_rejection_was_taken_back_goes_on_to_be_published(house: House) -> None:
    item_id = only(house)["id"]
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    deciding.decide(house.database, item_id, "rejected", actor="eva", why="a slip")
    put(house, publish__mode="auto", sync__mode="off")
    assert deciding.take_back(house.database, item_id, actor="eva").status == "approved"
    with house.database.read() as connection:
        assert progress.find(connection, item_id)["position"] == "reviewed"
    work(house, lambda: rests(house) and only(house)["status"] == "published")


def test_what_was_taken_out_of_its_library_waits_for_review_and_fails_nowhere(house: House) -> None:
    put(house, publish__mode="auto", sync__mode="off")
    item_id, engine = only(house)["id"], Engine(house.database, succession.works())
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it")
    work(house, lambda: rests(house) and only(house)["status"] == "published")
    assert take_out(house, item_id).outcome == "undone"
    succession.reconcile(house.database)
    work(house, lambda: rests(house))
    assert only(house)["status"] == "pending_review"
    assert {job.status for job in engine.list(phase="publish")} == {"done"}
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it again")
    work(house, lambda: rests(house) and only(house)["status"] == "published")


def test_the_command_shows_publishes_and_takes_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen(monkeypatch, house.data, house.database)
    item_id = only(house)["id"]
    assert f"`greenroom review approve {item_id}`" in printed("publish", item_id, code=1)
    printed("review", "approve", item_id)
    before = house.look()
    (told,) = json.loads(printed("publish", "--approved", "--dry-run", "--json"))
    assert house.look() == before
    assert (told["outcome"], told["folder"]) == ("would publish", ALBUM)
    assert f"{ALBUM}/album.nfo" in told["written"]
    house.change(dry_run="true")
    assert "would publish" in printed("publish", item_id, "--dry-run")
    assert "dry_run is on" in printed("publish", item_id, code=1)
    house.change(dry_run="false")
    assert "Ada/artist.nfo" in printed("publish", item_id)
    assert "nothing to publish" in printed("publish", "--approved")
    assert "unchanged" in printed("publish", item_id)
    assert "newer metadata" not in printed("items")
    say(house, genres=["Folk"])
    assert "published, newer metadata waiting" in printed("items")
    assert "newer metadata, since" in printed("items", "show", item_id)
    assert "refreshed" in printed("publish", item_id)
    assert "newer metadata" not in printed("items") + printed("items", "show", item_id)
    shown = json.loads(printed("items", "show", item_id, "--json"))
    assert shown["publication"]["place"] == os.fspath(library(house) / ALBUM)
    assert "published" in printed("items", "show", item_id)
    assert "would be taken out" in printed("publish", item_id, "--undo", "--dry-run")
    assert "taken out" in printed("publish", item_id, "--undo")
    assert published(library(house)) == []
    refused = printed("publish", item_id, "--undo", code=1)
    assert refused.startswith(f"! item {item_id} refused\n"), refused
    assert "is not published" in refused
    assert "name items" in printed("publish", code=2)


def test_an_album_whose_library_is_away_waits_and_those_of_others_do_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an archive is on a disk that is plugged in now and then: it is published once that is mounted."""
    monkeypatch.setattr("config.mounts.MOUNTINFO", mounted := house.staging.with_name("mountinfo"))
    mounted.write_text(line := "1 0 0:1 / / rw - ext4 /dev/a rw\n")
    archive = house.staging.with_name("archive")
    archive.mkdir()
    with house.database.begin() as connection:
        libraries.add_library(connection, "library", os.fsencode(archive), now=NOW)
    put(house, publish__library=f"artist Eva -> {archive}; * -> {library(house)}", sync__mode="off")
    house.drop(songs("High Tide", "flac", range(1, 3), artist="Eva", album="High Tide"))
    house.run()
    ids = {item["album_artist"]: item["id"] for item in house.items().values()}
    archive.rename(away := archive.with_name("away"))
    archive.mkdir()
    engine = Engine(house.database, succession.works())
    for artist in ("Eva", "Ada"):
        deciding.decide(house.database, ids[artist], "approved", actor="eva", why="heard it", publish=True)

    def stands(artist: str) -> tuple[str, str | None]:
        (job,) = engine.list(phase="publish", item_id=ids[artist])
        return job.status, job.code

    looks = Upkeep(house.database)
    looks.look()
    work(house, lambda: (stands("Ada")[0], stands("Eva")) == ("done", ("queued", "not_here")))
    assert published(library(house))
    with house.database.begin() as connection:  # as after a second look
        connection.execute(update(JobRow).where(JobRow.status == "queued").values(not_before=utc_now() + HOUR))
    looks.look()
    assert engine.list(phase="publish", item_id=ids["Eva"])[0].not_before > utc_now(), "nothing was mounted"
    archive.rmdir()
    away.rename(archive)
    mounted.write_text(f"{line}2 1 0:2 / {archive} rw - ext4 /dev/b rw\n")
    looks.look()
    work(house, lambda: stands("Eva")[0] == "done")
    assert "Eva/High Tide/album.nfo" in published(archive)
    (job,) = engine.list(phase="publish", item_id=ids["Eva"])
    assert job.attempt == 1


def test_people_hear_once_a_day_of_a_library_that_is_away_while_an_album_waits_for_it(house: House) -> None:
    def told() -> list[str]:
        with house.database.read() as connection:
            return [one.why for one in events.of_ids(connection, range(100)) if one.kind == "library_away"]

    item_id = only(house)["id"]
    library(house).rename(house.staging.with_name("elsewhere"))
    house.run()
    assert told() == [], "nothing waits for it"
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it", publish=True)
    house.run()
    house.run()
    (why,) = told()
    assert str(library(house)) in why
    assert why.endswith("until then nothing is published there")
    with house.database.begin() as connection:
        connection.execute(update(events.EventRow).values(at=utc_now() - upkeep.TOLD_AGAIN))
    house.run()
    assert told() == [why, why]


@pytest.mark.postgres
@pytest.mark.parametrize("of_other", ["carries", "is gone", "is this one"])
def test_of_a_library_of_another_host_that_one_tells(house: House, of_other: str) -> None:
    host = socket.gethostname() if of_other == "is this one" else "other"
    deciding.decide(house.database, only(house)["id"], "approved", actor="eva", why="heard it", publish=True)
    library(house).rename(house.staging.with_name("elsewhere"))
    with house.database.begin() as connection:
        there = libraries.music_libraries(connection, "library")[0]
        held = {"root_uuid": there.root_uuid, "holder": f"{host} pid 7 (publish)", "boot_id": "b", "fence": 1}
        connection.execute(insert(LeaseRow).values(**held, expires_at=0, since=utc_now()))
        if of_other != "is gone":
            row = {"executor": "other-1", "host": host, "pid": 7, "phases": ["publish"], "concurrency": 1}
            hosts.enlist(connection, row | {"started_at": utc_now()})
    house.run()
    with house.database.read() as connection:
        told = [one.why for one in events.of_ids(connection, range(100)) if one.kind == "library_away"]
    assert bool(told) == (of_other != "carries")
    assert all(why.startswith(f"on {socket.gethostname()}: ") for why in told)


def test_of_a_library_that_is_suspended_people_hear_only_that(house: House) -> None:
    item_id = only(house)["id"]
    deciding.decide(house.database, item_id, "approved", actor="eva", why="heard it", publish=True)
    with house.database.begin() as connection:
        libraries.suspend(connection, libraries.music_libraries(connection, "library")[0], "half of it is gone")
    house.run()
    with house.database.read() as connection:
        assert "library_away" not in {one.kind for one in events.of_ids(connection, range(100))}
