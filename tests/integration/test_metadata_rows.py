"""What sources say is kept with the item it is about, and what a person says stays."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import Connection

from config.database import Database
from config.errors import Misconfigured, Rejected
from processor.items import repository, storing
from processor.metadata import rows
from processor.metadata.artists import artist_metadata, artist_named, artists_of, link_artists, write_artist
from processor.metadata.documents import ITSELF, USER
from tests.items import album

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
A = "11111111-1111-1111-1111-111111111111"
TRACK = "01 - Song.mp3"


def staged(connection: Connection, key: str = "k") -> int:
    return storing.upsert(connection, [album(key)], NOW)[key].id


def test_an_item_nobody_looked_up_is_known_by_its_tags(database: Database) -> None:
    with database.begin() as connection:
        found = rows.album(connection, staged(connection))
    assert (found.title, found.tracks[0].title, found.tracks[0].duration_ms) == ("Album", "Song", 180_000)


def test_what_a_person_said_stays_until_they_take_it_back(database: Database) -> None:
    with database.begin() as connection:
        item = staged(connection)
        assert rows.say(connection, item, ITSELF, "title", "Mine", NOW)
        assert not rows.say(connection, item, ITSELF, "title", "Mine", NOW)
        assert rows.say(connection, item, TRACK, "title", "My Song", NOW)
        rows.write(connection, item, "musicbrainz", {ITSELF: {"title": "Theirs", "date": "1999"}}, NOW)
        found = rows.album(connection, item)
        assert (found.title, found.date, found.tracks[0].title) == ("Mine", "1999", "My Song")
        assert rows.say(connection, item, ITSELF, "title", None, NOW)
        assert rows.album(connection, item).title == "Theirs"


@pytest.mark.parametrize("before", [{}, {"country": "GB"}])
def test_of_two_people_who_say_something_at_once_both_are_heard(database: Database, before: dict[str, str]) -> None:
    """The second begins while the first has not ended, on PostgreSQL too, which lets it read what was before."""
    with database.begin() as connection:
        item = staged(connection)
        for name, value in before.items():
            rows.say(connection, item, ITSELF, name, value, NOW)

    def say_the_date() -> None:
        with database.begin() as other:
            rows.say(other, item, ITSELF, "date", "1999", NOW)

    with ThreadPoolExecutor(1) as threads:
        with database.begin() as connection:
            rows.say(connection, item, ITSELF, "title", "Mine", NOW)
            second = threads.submit(say_the_date)
            wait([second], timeout=0.5)  # it cannot end before we do; this is for it to come so far
        second.result()
    with database.read() as connection:
        assert rows.read(connection, item) == {USER: {ITSELF: {**before, "title": "Mine", "date": "1999"}}}


def test_what_cannot_be_said_is_refused(database: Database) -> None:
    with database.begin() as connection:
        item = staged(connection)
        for part, field, value in ((ITSELF, "nonsense", 1), ("none.mp3", "title", "x"), (TRACK, "position", "one")):
            with pytest.raises(Rejected):
                rows.say(connection, item, part, field, value, NOW)
        with pytest.raises(Misconfigured, match="no item"):
            rows.album(connection, item + 1)
        assert rows.read(connection, item) == {}


def test_what_was_said_goes_with_the_item(database: Database) -> None:
    with database.begin() as connection:
        item = staged(connection)
        rows.write(connection, item, "discogs", {ITSELF: {"title": "x"}}, NOW)
        link_artists(connection, item, [artist_named(connection, "Ada", None)])
        key, path = "k", album("k").path
        repository.unlist(connection, key, path)
        assert rows.read(connection, item) == {}
        assert artists_of(connection, item) == []


def test_albums_of_one_artist_may_say_the_same_at_once(database: Database) -> None:
    ready = threading.Barrier(4)

    def tell(n: int) -> int:
        ready.wait()
        with database.begin() as connection:
            artist = artist_named(connection, "Nora Vale", A)
            write_artist(connection, artist, "archive", {ITSELF: {"biography": "She."}}, NOW)
        return artist

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(tell, range(4)))) == 1


def test_an_artist_known_by_name_gets_the_id_once_somebody_knows_it(database: Database) -> None:
    with database.begin() as connection:
        ada = artist_named(connection, "Ada Ångström", None)
        assert artist_named(connection, "ADA  ANGSTROM", None) == ada
        assert artist_named(connection, "Ada Ångström", A) == ada
        assert artist_named(connection, "Ada", A) == ada
        assert artist_named(connection, "Ada Ångström", None) != ada  # may be another of that name
        item = staged(connection)
        link_artists(connection, item, [ada, ada])
        assert [(one.id, one.artist_id) for one in artists_of(connection, item)] == [(ada, A)]
        assert write_artist(connection, ada, "theaudiodb", {ITSELF: {"biography": "Born."}}, NOW)
        assert artist_metadata(connection, ada).biography == "Born."
