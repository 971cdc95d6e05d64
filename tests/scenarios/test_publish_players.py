"""Albums published, published anew and taken out again → players told of it, who show it then, or not any more."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from processor.metadata import rows as metadata
from processor.players import debts, rows
from processor.players.paths import Pair
from processor.players.player import Player
from processor.publication.given import Chosen
from tests.playing import SECRET, USER, kodi, plex
from tests.playing import House as Shelves
from tests.scenarios.drops import songs
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import add_library, approve, picture, publish, staged, take_out
from workflow import events, history, progress, succession
from workflow.chores.players import Players
from workflow.engine.context import Context
from workflow.engine.engine import Engine
from workflow.engine.job import OPEN, Job
from workflow.engine.tables import JobRow
from workflow.history import ItemHistoryRow
from workflow.phase import settings_of
from workflow.phases.sync import Withdrawn, change_of

THERE = "smb://nas/music"


class Quick(Context):
    """A job whose time passes only by waiting, and quickly."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.check()
        self.now += 20 * seconds


@pytest.fixture
def shelves() -> Shelves:
    return Shelves()


@pytest.fixture
def player(house: House, shelves: Shelves) -> Iterator[Player]:
    """A Kodi that has the library under another name."""
    library = add_library(house)
    shelves.mount = (THERE, library)
    with kodi(shelves).serving() as provider:
        new = Player(0, "tv", "kodi", provider.url, USER, SECRET, (Pair(str(library), THERE),))
        with house.database.begin() as connection:
            made = rows.add(connection, new, NOW)
        yield made


def carry(house: House, phase: str) -> list[str]:
    """Carry the open jobs of a phase to their ends; return what each was about."""
    done = []
    for job in Engine(house.database, succession.works()).list(statuses=OPEN, phase=phase):
        context = Quick(house.database, house.data, job, threading.Event())
        work: Any = succession.works()[phase]
        if phase == "players":
            payload = work.payload.read(job.payload, job.payload_version)
            ending = Players(context.clock).run(context, payload, settings(house))
        else:
            ending = work.run(context, job, work.payload())
        with house.database.begin() as connection:
            end(connection, job)
            if ending is not None:
                ending(connection, job)
        done.append(job.subject)
    return done


def end(connection: Any, job: Job) -> None:
    connection.execute(update(JobRow).where(JobRow.id == job.id).values(status="done"))


def settings(house: House) -> Any:
    with house.database.read() as connection:
        section = settings_of(connection, "players")
    return section.model_copy(update={"debounce_seconds": 0})


def owed(house: House) -> list[tuple[bytes, str]]:
    with house.database.read() as connection:
        return [(debt.owed.folder, debt.owed.change) for debt in debts.debts(connection)]


@pytest.mark.parametrize("ahead", [dt.timedelta(0), dt.timedelta(days=400)])
def test_players_are_told_of_both_folders_of_an_album_that_gets_another_name(
    house: House, shelves: Shelves, player: Player, ahead: dt.timedelta
) -> None:
    """Also where the clock, or the one of another host, was ahead when they were told first."""
    house.drop(songs("Low Tide", "flac", range(1, 4), date="2014"))
    house.cycle()
    (item_id,) = approve(house)
    publish(house, item_id)
    carry(house, "sync")
    carry(house, "players")
    with house.database.begin() as connection:
        then = update(ItemHistoryRow).where(ItemHistoryRow.what == "sync")
        connection.execute(then.values(at=dt.datetime.now(dt.UTC) + ahead))
        metadata.say(connection, item_id, "", "title", "High Tide", NOW)
    publish(house, item_id, rename=True)
    assert carry(house, "sync") == [f"item {item_id}"]
    assert sorted(owed(house)) == [(b"Ada/High Tide (2014)", "new"), (b"Ada/Low Tide (2014)", "gone")]


def test_players_show_what_is_published_and_forget_what_is_taken_out(
    house: House, shelves: Shelves, player: Player
) -> None:
    withdrawn, now = Withdrawn(), dt.datetime.now(dt.UTC)
    events.dispatch(house.database, [withdrawn], now)
    house.drop(songs("Low Tide", "flac", range(1, 4), date="2014"))
    house.cycle()
    (item_id,) = approve(house)
    publish(house, item_id)
    assert carry(house, "sync") == [f"item {item_id}"]
    assert owed(house) == [(b"Ada/Low Tide (2014)", "new")]
    assert carry(house, "players") == [f"player {player.id}"]
    assert owed(house) == []
    assert [(one.title, one.tracks) for one in shelves.shown] == [("Low Tide", 3)]
    assert shelves.asked == [f"{THERE}/Ada"]

    with house.database.begin() as connection:
        metadata.say(connection, item_id, "", "review", "Calm & clear.", now)
    publish(house, item_id)
    carry(house, "sync")
    assert owed(house) == [(b"Ada/Low Tide (2014)", "texts")]
    carry(house, "players")
    assert dict(shelves.calls)["AudioLibrary.SetAlbumDetails"]["description"] == "Calm & clear."

    take_out(house, item_id)
    events.dispatch(house.database, [withdrawn], now)
    assert owed(house) == [(b"Ada/Low Tide (2014)", "gone")]
    carry(house, "players")
    assert (owed(house), shelves.shown) == ([], [])
    with house.database.read() as connection:
        whys = [one["why"] for one in history.of_item(connection, item_id) if one["what"] == "sync"]
    assert whys == ["owed to tv", "owed to tv"]


def test_a_player_that_reads_tags_alone_is_not_asked_for_what_only_the_nfo_says(house: House, shelves: Shelves) -> None:
    library = add_library(house)
    house.drop(songs("Low Tide", "flac", range(1, 4), date="2014"))
    house.cycle()
    (item_id,) = approve(house)
    with house.database.begin() as connection:
        metadata.say(connection, item_id, "", "title", "Low Tide, High Water", NOW)
        metadata.say(connection, item_id, "", "credits", ["Ada Lovelace"], NOW)
    with plex(shelves).serving() as provider:
        pair = Pair(str(library), "/storage/music")
        shelves.mount = (pair.theirs, library)
        with house.database.begin() as connection:
            rows.add(connection, Player(0, "plex", "plex", provider.url, None, SECRET, (pair,)), NOW)
        publish(house, item_id)
        carry(house, "sync")
        carry(house, "players")
    assert owed(house) == []
    with house.database.read() as connection:
        assert [standing.missed for standing in rows.standings(connection)] == [0]


def test_a_picture_that_goes_is_more_than_players_read_in_texts(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id, Chosen([picture(house, "front", b"front")]))
    publish(house, item_id, Chosen())
    assert list(library.rglob("*.jpg")) == []
    with house.database.read() as connection:
        *_, told = (one for one in events.of_ids(connection, range(100)) if one.kind == "published")
    assert (told.facts["files"], change_of([told])) == ([], "changed")
    assert {Path(name).name for name in told.facts["removed"]} == {"cover.jpg", "folder.jpg"}


def test_without_a_player_an_album_goes_on(house: House) -> None:
    add_library(house)
    house.drop(songs("Low Tide", "flac", range(1, 2), date="2014"))
    house.cycle()
    (item_id,) = approve(house)
    publish(house, item_id)
    carry(house, "sync")
    with house.database.read() as connection:
        assert progress.find(connection, item_id)["position"] == "synced"
        assert [one["why"] for one in history.of_item(connection, item_id)][-1] == "there is no player to tell"


@pytest.mark.parametrize(
    ("published", "change"),
    [
        ([], "changed"),
        ([(False, ["A/1.flac", "A/album.nfo"], [])], "new"),
        ([(True, ["A/album.nfo", "artist.nfo"], [])], "texts"),
        ([(True, ["A/album.nfo"], ["A/folder.jpg"])], "changed"),
        ([(True, [], [])], "changed"),
        ([(False, ["A/1.flac"], []), (True, ["A/album.nfo"], [])], "new"),
    ],
)
def test_what_changed_is_told_by_the_publications(
    published: list[tuple[bool, list[str], list[str]]], change: str
) -> None:
    said = [
        events.Event("published", "A", "in A", facts={"again": again, "files": files, "removed": removed})
        for again, files, removed in published
    ]
    assert change_of(said) == change
