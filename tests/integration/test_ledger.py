"""The ledger on both databases: whose each file of a library is, where albums are, and what is news to them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import update

from config.database import Database
from processor.items import storing
from processor.publication import ledger, news
from processor.publication.ledger import Entry, Home, Publication, Totals
from processor.tables import StagingItem
from processor.transfers import journal
from processor.transfers.transfer import State, Transfer
from tests.faults.world import NOW
from tests.items import ROOT, album

LATER = NOW + dt.timedelta(hours=1)
MUSIC = Entry("lib", b"Ada/Low/1.mp3", "audio", 100, 5, "blake3:00", None, 1, "name:ada", 1, "t")
NFO = MUSIC._replace(path=b"Ada/Low/album.nfo", role="nfo", size=10, mtime_ns=None, digest="sha256:aa", base="bb")
OF_ARTIST = NFO._replace(path=b"Ada/artist.nfo", size=1, digest="sha256:cc", base=None, item_id=None)
ELSEWHERE = OF_ARTIST._replace(root_uuid="other", digest="sha256:dd")
BOB = OF_ARTIST._replace(path=b"Bob/artist.nfo", artist="name:bob", digest="sha256:ee")
LOW = Publication(1, "lib", b"Ada/Low", "move", "name:ada", 1, "t", NOW, NOW)


def home(item_id: int, **more: object) -> Publication:
    """Where another item is published."""
    return LOW._replace(item_id=item_id, path=b"Ada/%d" % item_id)._replace(**more)  # type: ignore[arg-type]


def published(database: Database, *homes: Publication) -> None:
    """Write publications; each of an album that has an item of its own."""
    with database.begin() as connection:
        for home in homes:
            ledger.publish(connection, home, brought=True)


@pytest.fixture
def written(database: Database) -> Database:
    with database.begin() as connection:
        ledger.write(connection, [BOB, ELSEWHERE, NFO, OF_ARTIST, MUSIC], NOW)
    return database


def test_files_are_found_by_item_artist_and_library_and_in_order(written: Database) -> None:
    with written.read() as connection:
        assert ledger.entries(connection) == [MUSIC, NFO, OF_ARTIST, BOB, ELSEWHERE]
        assert ledger.entries(connection, item_id=1) == [MUSIC, NFO]
        assert ledger.entries(connection, artist="name:ada") == [OF_ARTIST, ELSEWHERE]
        assert ledger.entries(connection, artist="name:ada", root_uuid="other") == [ELSEWHERE]
        assert ledger.made_of(connection, ["aa", "ee", "00"]) == [BOB, NFO]
        assert ledger.totals(connection) == Totals(0, 5, 113)
        assert ledger.longer(connection, len(MUSIC.path)) == [NFO.path, *[OF_ARTIST.path] * 2, BOB.path]


def test_of_nothing_there_is_nothing(database: Database) -> None:
    with database.read() as connection:
        assert ledger.totals(connection) == Totals(0, 0, 0)
        assert ledger.artists(connection) == set()


def test_music_has_no_digest_of_what_greenroom_made() -> None:
    assert [MUSIC.sha256, MUSIC._replace(digest=None).sha256, NFO.sha256] == [None, None, "aa"]


def test_an_artist_is_known_by_an_id_or_else_by_a_name_however_it_is_spelled() -> None:
    assert ledger.artist_key("Ada", "x") == ledger.artist_key("Other", "x") == "mbid:x"
    assert ledger.artist_key("ADA", None) == ledger.artist_key("ada", None) != ledger.artist_key("Bob", None)
    assert ledger.artist_key("!", None) != ledger.artist_key("?", None)
    keys = ledger.artist_key("Ada", "x"), ledger.artist_key("Ada", None), None
    assert [*map(ledger.is_identified, keys)] == [True, False, False]


def test_the_cache_keeps_what_a_library_shows_and_what_it_would_have_shown(written: Database) -> None:
    with written.read() as connection:
        assert ledger.held_blobs(connection) == {"aa", "bb", "cc", "dd", "ee"}


def test_a_file_written_again_is_in_the_ledger_once(written: Database) -> None:
    again = NFO._replace(digest="sha256:ff", revision=2)
    with written.begin() as connection:
        ledger.write(connection, [again], LATER)
        ledger.write(connection, [], LATER)
        assert ledger.entries(connection, item_id=1) == [MUSIC, again]


def test_what_is_forgotten_is_of_that_library_or_item_alone(written: Database) -> None:
    published(written, LOW, LOW._replace(item_id=2, path=b"Ada/High"))
    with written.begin() as connection:
        ledger.forget(connection, "lib", [OF_ARTIST.path])
        ledger.forget(connection, "lib", [])
        assert ledger.entries(connection) == [MUSIC, NFO, BOB, ELSEWHERE]
        ledger.forget_item(connection, 1)
        assert ledger.entries(connection) == [BOB, ELSEWHERE]
        assert ledger.publication(connection, 1) is None
        assert ledger.publication(connection, 2) is not None


def test_a_refresh_leaves_it_to_the_transfer_that_brought_the_album_to_be_taken_back(database: Database) -> None:
    published(database, LOW)
    again = LOW._replace(path=b"x", mode="copy", revision=2, artist="name:a", transfer_id="u", updated_at=LATER)
    with database.begin() as connection:
        ledger.publish(connection, again._replace(published_at=LATER), brought=False)
        kept = LOW._replace(revision=2, artist="name:a", updated_at=LATER)
        assert ledger.publication(connection, 1) == kept
        ledger.publish(connection, again._replace(published_at=LATER), brought=True)
        assert ledger.publication(connection, 1) == again


def test_albums_are_found_by_artist_in_one_library_and_by_the_folder_they_are_below(database: Database) -> None:
    high = LOW._replace(item_id=2, path=b"Ada/High")
    other, bob = (
        LOW._replace(item_id=3, root_uuid="other", path=b"Ada/Other"),
        LOW._replace(item_id=4, path=b"Ada0/Low", artist=None),
    )
    abe = bob._replace(item_id=5, path=b"Abe/Low")
    published(database, high, LOW, other, bob, abe)
    with database.read() as connection:
        assert ledger.publications(connection, "lib", "name:ada") == [LOW, high]
        ada = ledger.below(connection, "lib", b"Ada")
        assert ada == {b"Ada/Low": "name:ada", b"Ada/High": "name:ada"}
        assert ledger.below(connection, "lib", b"") == dict.fromkeys((b"Abe/Low", b"Ada0/Low")) | ada
        assert ledger.artists(connection) == {"name:ada"}
        assert [ledger.count_outside(connection, roots) for roots in (["lib"], ["other"], [])] == [1, 4, 5]


def test_the_first_album_of_an_artist_is_the_one_that_was_published_first(database: Database) -> None:
    published(database, home(1, artist="name:bob"), home(2, published_at=LATER), home(4, published_at=LATER))
    with database.read() as connection:
        assert ledger.first_of(connection, "name:ada") == 2
    published(database, home(3))
    with database.read() as connection:
        assert [ledger.first_of(connection, artist) for artist in ("name:ada", "name:eva")] == [3, None]


def test_news_are_of_an_item_or_of_one_album_of_an_artist_in_each_library_until_they_are_published(
    database: Database,
) -> None:
    homes = LOW, LOW._replace(item_id=2, path=b"Ada/High"), LOW._replace(item_id=3, root_uuid="other")
    published(database, *homes, LOW._replace(item_id=4, path=b"Bob/Low", artist="name:bob"))
    with database.begin() as connection:
        news.note(connection, 9, NOW)
        assert news.outdated(connection) == {}
        news.note_of(connection, "artist", "name:ada", NOW)
        assert news.outdated(connection) == {1: NOW, 3: NOW}
        news.note(connection, 4, NOW)
        news.note(connection, 1, LATER)
        for item_id, seen in ((1, NOW), (3, NOW), (4, None)):  # of item 1 more became known while it was published
            news.caught_up(connection, item_id, seen)
        assert news.outdated(connection) == {1: LATER, 4: NOW}
        news.note_of(connection, "artist", "name:bob", LATER)
        assert news.outdated(connection) == {1: LATER, 4: LATER}


def test_what_cannot_be_published_hands_its_news_on_to_the_next_album_of_its_artist_in_that_library(
    database: Database,
) -> None:
    with database.begin() as connection:
        storing.upsert(connection, [album(key, path=key.encode()) for key in "abcdefg"], NOW)
        connection.execute(update(StagingItem).values(status="published"))
        connection.execute(update(StagingItem).where(StagingItem.id == 4).values(status="pending_review"))
    bobs, elsewhere = home(1, artist="name:bob"), home(3, root_uuid="other")
    nobodys = home(6, artist=None), home(7, artist=None)  # which have nobody in common
    published(database, bobs, home(2), elsewhere, home(4), home(5), *nobodys)
    with database.begin() as connection:
        for item_id in (2, 9):
            news.hand_on(connection, item_id, LATER)
        assert news.outdated(connection) == {}
        for item_id, told in ((6, {6: NOW}), (5, {6: NOW, 5: NOW}), (2, {6: NOW, 2: NOW, 5: LATER})):
            news.note(connection, item_id, NOW)
            news.hand_on(connection, item_id, LATER)
            assert news.outdated(connection) == told


@pytest.fixture
def staged(database: Database) -> Database:
    """Two items, 1 and 2, of keys a and b."""
    with database.begin() as connection:
        storing.upsert(connection, [album("a", path=b"A"), album("b", path=b"B")], NOW)
    return database


def test_an_albums_home_is_known_by_its_key_and_whether_it_was_moved_there(staged: Database) -> None:
    published(staged, LOW, LOW._replace(item_id=2, root_uuid=ROOT, path=b"B"))
    with staged.begin() as connection:
        assert ledger.homes(connection, ["b", "a", "c"]) == [
            Home(1, "a", "lib", b"Ada/Low", False),
            Home(2, "b", ROOT, b"B", True),
        ]
        assert [home.key for home in ledger.homes(connection, ["b"])] == ["b"]
        assert ledger.home_of(connection, "a") == LOW
        assert ledger.home_of(connection, "c") is None
        news.note_of(connection, "album", "b", NOW)
        assert news.outdated(connection) == {2: NOW}


@pytest.mark.parametrize("state", ["planned", "materialised", "published", "attention"])
def test_an_item_is_adrift_if_it_says_that_it_is_being_published_and_nothing_does_that(
    staged: Database, state: State
) -> None:
    intent = {"intent": {"item_id": 1}}
    transfer = Transfer("t", "refresh", state, b"/out", b"/lib", b"x", (), intent, 1, "boot")
    published(staged, LOW)
    with staged.begin() as connection:
        assert ledger.adrift(connection) == []
        connection.execute(update(StagingItem).values(status="publishing"))
        assert sorted(ledger.adrift(connection)) == [(1, True), (2, False)]
        connection.execute(update(StagingItem).values(revision=7))
        assert sorted(ledger.adrift(connection)) == [(1, False), (2, False)]
        done = [replace(transfer, id="done", state="done"), replace(transfer, id="album", kind="album", target=b"y")]
        journal.plan(connection, done, NOW)
        assert len(ledger.adrift(connection)) == 2
        journal.plan(connection, [transfer], NOW)
        assert ledger.adrift(connection) == [(2, False)]
