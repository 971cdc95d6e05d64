"""A library as Greenroom publishes it → what real players show of it: every title, year, artist, id, text, picture."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from processor.artwork.blobs import Blobs
from processor.client.client import Client
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_named, link_artists, write_artist
from processor.metadata.known import ArtistMetadata
from processor.players.debts import Change, Debt, Owed
from processor.players.kinds import kind_of, line_to
from processor.players.player import Player
from processor.players.telling import Case, Outcome, World, tell
from processor.players.wanted import wanted
from processor.publication import ledger
from processor.publication.given import Chosen
from processor.publication.pictures import Picture
from tests.acceptance import programs
from tests.scenarios.drops import song
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import add_library, approve, given
from tests.waiting import until
from workflow.operations import publishing

pytestmark = pytest.mark.skipif(
    os.environ.get("GREENROOM_PLAYERS") != "real", reason="real players are asked by `scripts/players`"
)
ARTIST, ARTIST_ID = "Björk & the “Tests”", "11111111-1111-4111-8111-111111111111"
OTHER, OTHER_ID = "椎名林檎", "55555555-5555-4555-8555-555555555555"
RELEASE_IDS = {
    "Calm: One/Two": "22222222-2222-4222-8222-222222222222",
    "Double": "44444444-4444-4444-8444-444444444444",
    "Échos…": "66666666-6666-4666-8666-666666666666",
}
TAGGED = "Échos…"  # the one whose tags have the id, too
GROUP_ID = "33333333-3333-4333-8333-333333333333"
REVIEW, BIOGRAPHY = "Calm & <clear>.\nTwo lines: ø ☃.", "Born to be tested."
Look = dict[str, list[tuple[str, tuple[int, int]]]]  # album or artist → type and size of its pictures
FIRST: Look = {
    "album": [("front", (600, 600)), ("back", (600, 600)), ("fanart", (1280, 720)), ("fanart", (1281, 720))],
    "artist": [("thumb", (500, 500)), ("fanart", (1280, 720)), ("banner", (1000, 185))],
}
SECOND: Look = {
    "album": [("front", (620, 600)), ("disc", (500, 500)), ("fanart", (1280, 720))],
    "artist": [("thumb", (510, 500)), ("fanart", (1280, 720)), ("landscape", (1000, 562))],
}


def tags(artist: str, artist_id: str, **more: Any) -> dict[str, Any]:
    ids = {"album_artist_ids": [artist_id], "artist_ids": [artist_id]}
    return {"artist": artist, "album_artist": artist, "genre": "Electronic", "mb": {**ids, **more}}


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house whose library has two albums of one disc, and one of two."""
    made = House.make(tmp_path, sqlite_url)
    add_library(made)
    one, other = tags(ARTIST, ARTIST_ID), tags(OTHER, OTHER_ID, release_id=RELEASE_IDS[TAGGED])
    made.drop(
        {f"One/0{n}.flac": song(n, f"Tune {n} %?", album="Calm: One/Two", date="2001-03-04", **one) for n in (1, 2)}
        | {f"Two/CD {d}/0{n}.flac": song(n, f"Disc {d} Tune {n}", album="Double", date="2010", disc=str(d), **one)
           for d in (1, 2) for n in (1, 2)}
        | {f"Three/0{n}.flac": song(n, f"歌 {n}", album=TAGGED, date="2000", **other) for n in (1, 2)}
    )  # fmt: skip
    made.cycle(rehearsed=False)
    approve(made)
    publish(made, FIRST, "published")
    yield made
    made.database.close()


def publish(house: House, look: Look, outcome: str) -> None:
    """Publish every item, with texts and pictures of each type."""
    cache = Blobs(house.database, house.data)

    def pictures(of: str) -> list[Picture]:
        found: list[Picture] = []
        for kind, size in look[of]:
            made = io.BytesIO()
            Image.new("RGB", size, "green").save(made, "JPEG")
            rank = 1 + sum(one.type == kind for one in found)
            found.append(Picture(kind, rank, cache.put(made.getvalue(), "jpg", NOW).sha256, "jpg"))
        return found

    album, artist = pictures("album"), pictures("artist")

    def chosen(_connection: Any, _item: Any, of: ArtistMetadata | None) -> Chosen:
        return Chosen(album, artist if of else ())

    for item in house.items().values():
        with house.database.begin() as connection:
            say(connection, item)
        options = replace(given(house), chosen=chosen)
        done = publishing.publish_item(options, item["id"], threading.Event(), actor="eva")
        assert done.outcome == outcome, done.reasons


def say(connection: Any, item: dict[str, Any]) -> None:
    """Say what no tag says, and of year and genre something else than they do."""
    album = {"review": REVIEW, "styles": ["Art Pop"], "moods": ["Calm", "Wry"], "themes": ["Sea"], "rating": 7.5,
             "votes": 12, "release_id": RELEASE_IDS[item["album"]], "release_group_id": GROUP_ID, "status": "official",
             "labels": ["Test Label"], "type": "album", "secondary_types": ["live"], "genres": ["Trip Hop"],
             "date": "2005-06-07", "original_date": "1999"}  # fmt: skip
    metadata.write(connection, item["id"], "musicbrainz", {"": album}, NOW)
    name = item["album_artist"]
    artist = artist_named(connection, name, {ARTIST: ARTIST_ID, OTHER: OTHER_ID}[name])
    link_artists(connection, item["id"], [artist])
    about = {"biography": BIOGRAPHY, "genres": ["Pop"], "styles": ["Chamber"], "moods": ["Warm"], "born": "1970-01-01",
             "died": "2020-02-03", "type": "person", "gender": "female", "disambiguation": "the tested one",
             "sort_name": "Tests, The", "instruments": ["Harp"], "years_active": ["1990 - 2020"]}  # fmt: skip
    write_artist(connection, artist, "theaudiodb", {"": about}, NOW)


def told(house: House, player: Player, change: Change) -> list[Outcome]:
    """Tell a player of every publication, as the chain does."""
    library = next(root for root in house.staging.parent.iterdir() if root.name == "library")
    with Client(house.database) as client, house.database.read() as connection:
        homes = [ledger.publication(connection, item["id"]) for item in house.items().values()]
        owed = [Owed(one.item_id, os.fsencode(library), one.path, change) for one in homes if one]
        cases = [Case(Debt(n, 1, one, NOW, NOW, None), wanted(connection, player, one)) for n, one in enumerate(owed)]
        return tell(line_to(client, player), cases, World(time.sleep, time.monotonic))


def music(house: House) -> Path:
    return house.staging.parent / "library"


ALBUM_IN_KODI = {
    "description": REVIEW, "style": ["Art Pop"], "mood": ["Calm", "Wry"], "theme": ["Sea"], "rating": 7.5, "votes": 12,
    "musicbrainzreleasegroupid": GROUP_ID, "albumlabel": "Test Label", "albumstatus": "official",
    "type": "album / live", "genre": ["Trip Hop"], "year": 2005, "releasedate": "2005-06-07", "originaldate": "1999",
}  # fmt: skip
ARTIST_IN_KODI = {
    "description": BIOGRAPHY, "genre": ["Pop"], "style": ["Chamber"], "mood": ["Warm"], "born": "1970-01-01",
    "died": "2020-02-03", "type": "Person", "gender": "Female", "disambiguation": "the tested one",
    "sortname": "Tests, The", "instrument": ["Harp"], "yearsactive": ["1990 - 2020"],
}  # fmt: skip


NOT_KODIS = ("artist", "poster", "disc", "backdrop1", "thumb1", "thumb2")


def albums_in(ask: Any) -> dict[str, dict[str, Any]]:
    """Return the albums Kodi shows by title, with all that is said of them."""
    names = [*ALBUM_IN_KODI, "title", "artist", "art", "musicbrainzalbumid", "totaldiscs"]
    return {one["title"]: one for one in ask("AudioLibrary.GetAlbums", properties=names)["albums"]}


def artists_in(ask: Any) -> dict[str, dict[str, Any]]:
    names = [*ARTIST_IN_KODI, "art", "musicbrainzartistid"]
    found = ask("AudioLibrary.GetArtists", properties=names, albumartistsonly=True)["artists"]
    return {one["artist"]: one for one in found}


def own_art(shown: dict[str, str]) -> dict[str, str]:
    """Return the files an album's or artist's own pictures are, by type; without discs', and other players'."""
    files = {kind: unquote(url).rstrip("/").rpartition("/")[2] for kind, url in shown.items() if "." not in kind}
    return {kind: file for kind, file in files.items() if kind not in NOT_KODIS}


def test_kodi_shows_everything(house: House, tmp_path: Path) -> None:
    (tmp_path / "kodi").mkdir()
    with programs.kodi(music(house), tmp_path / "kodi") as ask:
        player = Player(1, "tv", "kodi", ask.url, programs.USER, programs.SECRET)  # type: ignore[attr-defined]
        with Client(house.database) as client:
            assert kind_of("kodi").check(line_to(client, player)).notes == ()
        outcomes = told(house, player, "new")
        assert all(outcome.sight for outcome in outcomes), outcomes
        albums, artists = albums_in(ask), artists_in(ask)
        assert {title: (one["totaldiscs"], one["artist"]) for title, one in albums.items()} == {
            "Calm: One/Two": (1, [ARTIST]), "Double": (2, [ARTIST]), TAGGED: (1, [OTHER])
        }  # fmt: skip
        for title, one in albums.items():
            assert {name: one[name] for name in ALBUM_IN_KODI} == ALBUM_IN_KODI
            assert one["musicbrainzalbumid"] == RELEASE_IDS[title]
            art = {"thumb": "folder.jpg", "back": "back.jpg", "fanart": "fanart.jpg", "fanart1": "fanart1.jpg"}
            assert own_art(one["art"]) == art
        for name, one in artists.items():
            assert {field: one[field] for field in ARTIST_IN_KODI} == ARTIST_IN_KODI
            assert one["musicbrainzartistid"] == [{ARTIST: ARTIST_ID, OTHER: OTHER_ID}[name]]
            art = {"thumb": "folder.jpg", "fanart": "fanart.jpg", "banner": "banner.jpg"}
            assert own_art(one["art"]) == art
        songs = ask("AudioLibrary.GetSongs", properties=["title", "track", "disc"])["songs"]
        assert sorted((one["disc"], one["track"] & 0xFFFF, one["title"]) for one in songs) == [
            (0, 1, "Tune 1 %?"), (0, 1, "歌 1"), (0, 2, "Tune 2 %?"), (0, 2, "歌 2"), (1, 1, "Disc 1 Tune 1"),
            (1, 2, "Disc 1 Tune 2"), (2, 1, "Disc 2 Tune 1"), (2, 2, "Disc 2 Tune 2"),
        ]  # fmt: skip
        assert set(artists) == {ARTIST, OTHER}

        with house.database.begin() as connection:
            for item in house.items().values():
                metadata.say(connection, item["id"], "", "review", "Another word.", NOW)
        publish(house, SECOND, "refreshed")
        assert all(outcome.sight for outcome in told(house, player, "changed"))
        again, artists = albums_in(ask), artists_in(ask)
        assert {title: one["albumid"] for title, one in again.items()} == {
            title: one["albumid"] for title, one in albums.items()
        }  # fmt: skip
        for title, one in again.items():
            said = {**ALBUM_IN_KODI, "description": "Another word."}
            assert {name: one[name] for name in said} == said
            assert one["musicbrainzalbumid"] == RELEASE_IDS[title]
            assert own_art(one["art"]).keys() == {"thumb", "discart", "fanart"}
        for one in artists.values():
            assert own_art(one["art"]).keys() == {"thumb", "fanart", "landscape"}

        with house.database.begin() as connection:
            for item in house.items().values():
                metadata.say(connection, item["id"], "", "review", "A third one.", NOW)
        publish(house, SECOND, "refreshed")
        assert all(outcome.sight for outcome in told(house, player, "texts"))
        assert {one["description"] for one in albums_in(ask).values()} == {"A third one."}


def test_a_subsonic_server_shows_everything(house: House, tmp_path: Path) -> None:
    (tmp_path / "supysonic").mkdir()
    with programs.supysonic(music(house), tmp_path / "supysonic") as url:
        player = Player(1, "phone", "subsonic", url, programs.USER, programs.SECRET)
        outcomes = told(house, player, "new")
    assert sorted((one.sight.title, one.sight.tracks) for one in outcomes if one.sight) == [
        ("Calm: One/Two", 2), ("Double", 4), (TAGGED, 2)
    ]  # fmt: skip


def test_mpd_shows_everything(house: House, tmp_path: Path) -> None:
    (tmp_path / "mpd").mkdir()
    with programs.mpd(music(house), tmp_path / "mpd") as songs:
        assert sorted((one["Album"], one.get("Disc"), one["Track"], one["Title"], one["Date"]) for one in songs) == [
            ("Calm: One/Two", None, "1", "Tune 1 %?", "2001-03-04"),
            ("Calm: One/Two", None, "2", "Tune 2 %?", "2001-03-04"),
            *(("Double", str(d), str(n), f"Disc {d} Tune {n}", "2010") for d in (1, 2) for n in (1, 2)),
            *((TAGGED, None, str(n), f"歌 {n}", "2000") for n in (1, 2)),
        ]
        assert {(one["Artist"], one["AlbumArtist"], one["MUSICBRAINZ_ARTISTID"]) for one in songs} == {
            (ARTIST, ARTIST, ARTIST_ID), (OTHER, OTHER, OTHER_ID)
        }  # fmt: skip


@pytest.mark.parametrize("server", ["minidlna", "gerbera"])
def test_a_upnp_server_shows_everything(house: House, tmp_path: Path, server: str) -> None:
    (tmp_path / server).mkdir()
    with getattr(programs, server)(music(house), tmp_path / server) as tracks:
        wanted = {
            ("Calm: One/Two", "Tune 1 %?", "2001", ARTIST), ("Calm: One/Two", "Tune 2 %?", "2001", ARTIST),
            *(("Double", f"Disc {d} Tune {n}", "2010", ARTIST) for d in (1, 2) for n in (1, 2)),
            *((TAGGED, f"歌 {n}", "2000", OTHER) for n in (1, 2)),
        }  # fmt: skip

        def pictured() -> set[tuple[str, ...]]:
            """Return what is shown with its picture."""
            return {(one.album, one.title, one.date[:4], one.artist) for one in tracks() if one.picture}

        assert until(lambda: wanted <= pictured())
