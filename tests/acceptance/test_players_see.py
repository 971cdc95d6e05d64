"""A library as Greenroom publishes it → what real players show of it: every title, year, artist, id, text, picture."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from processor.artwork.blobs import Blobs
from processor.client.client import Client
from processor.metadata import rows as metadata
from processor.metadata.known import ArtistMetadata
from processor.players.kinds import kind_of, line_to
from processor.players.player import Player
from processor.players.rows import Change, Debt, Owed
from processor.players.telling import Case, Outcome, World, tell
from processor.players.wanted import wanted
from processor.publication import ledger
from processor.publication.pictures import Picture
from processor.publication.planning import Chosen
from tests.acceptance import programs
from tests.scenarios.drops import song
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import add_library, approve, given
from workflow import publishing

pytestmark = pytest.mark.skipif(
    os.environ.get("GREENROOM_PLAYERS") != "real", reason="real players are asked by `scripts/players`"
)
ARTIST, ARTIST_ID = "Björk & the “Tests”", "11111111-1111-4111-8111-111111111111"
RELEASE_IDS = {
    "Calm: One/Two": "22222222-2222-4222-8222-222222222222",
    "Double": "44444444-4444-4444-8444-444444444444",
}
GROUP_ID = "33333333-3333-4333-8333-333333333333"
TAGS: dict[str, Any] = {
    "artist": ARTIST, "album_artist": ARTIST, "genre": "Electronic",
    "mb": {"album_artist_ids": [ARTIST_ID], "artist_ids": [ARTIST_ID]},
}  # fmt: skip
REVIEW, BIOGRAPHY = "Calm & <clear>.\nTwo lines: ø ☃.", "Born to be tested."


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house whose library has one album of one disc, and one of two."""
    made = House.make(tmp_path, sqlite_url)
    add_library(made)
    made.drop(
        {f"One/0{n}.flac": song(n, f"Tune {n} %?", album="Calm: One/Two", date="2001-03-04", **TAGS) for n in (1, 2)}
        | {f"Two/CD {d}/0{n}.flac": song(n, f"Disc {d} Tune {n}", album="Double", date="2010", disc=str(d), **TAGS)
           for d in (1, 2) for n in (1, 2)}
    )  # fmt: skip
    made.cycle(rehearsed=False)
    approve(made)
    publish(made)
    yield made
    made.database.close()


def publish(house: House) -> None:
    """Publish every item, with texts and pictures of each type."""
    cache = Blobs(house.database, house.data)

    def picture(kind: str, size: tuple[int, int], colour: str) -> Picture:
        made = io.BytesIO()
        Image.new("RGB", size, colour).save(made, "JPEG")
        return Picture(kind, 1, cache.put(made.getvalue(), "jpg", NOW).sha256, "jpg")

    album = [picture("front", (600, 600), "green"), picture("back", (600, 600), "navy")]
    artist = [picture("thumb", (500, 500), "red"), picture("fanart", (1280, 720), "blue")]

    def chosen(_connection: Any, _item: Any, of: ArtistMetadata | None) -> Chosen:
        return Chosen(tuple(album), tuple(artist) if of else ())

    for item in house.items().values():
        with house.database.begin() as connection:
            say(connection, item["id"], RELEASE_IDS[item["album"]])
        options = replace(given(house), chosen=chosen)
        done = publishing.publish_item(options, item["id"], threading.Event(), actor="eva")
        assert done.outcome == "published", done.reasons


def say(connection: Any, item_id: int, release_id: str) -> None:
    """Say what no tag says."""
    album = {"review": REVIEW, "styles": ["Art Pop"], "moods": ["Calm"], "rating": 7.5, "release_id": release_id,
             "release_group_id": GROUP_ID, "labels": ["Test Label"]}  # fmt: skip
    metadata.write(connection, item_id, "musicbrainz", {"": album}, NOW)
    artist = metadata.artist_named(connection, ARTIST, ARTIST_ID)
    metadata.link_artists(connection, item_id, [artist])
    about = {"biography": BIOGRAPHY, "genres": ["Pop"], "born": "1970-01-01", "type": "person"}
    metadata.write_artist(connection, artist, "theaudiodb", {"": about}, NOW)


def told(house: House, player: Player, change: Change) -> list[Outcome]:
    """Tell a player of every publication, as the chain does."""
    library = next(root for root in house.staging.parent.iterdir() if root.name == "library")
    with Client(house.database, turn=lambda *_: None) as client, house.database.read() as connection:
        homes = [ledger.publication(connection, item["id"]) for item in house.items().values()]
        owed = [Owed(one.item_id, os.fsencode(library), one.path, change) for one in homes if one]
        cases = [Case(Debt(n, 1, one, NOW, NOW, None), wanted(connection, player, one)) for n, one in enumerate(owed)]
        watch = threading.Event()
        return tell(line_to(client, player), cases, World(watch.wait, programs.time.monotonic))


def music(house: House) -> Path:
    return house.staging.parent / "library"


def test_kodi_shows_everything(house: House, tmp_path: Path) -> None:
    (tmp_path / "kodi").mkdir()
    with programs.kodi(music(house), tmp_path / "kodi") as ask:
        player = Player(1, "tv", "kodi", ask.url, programs.USER, programs.SECRET)  # type: ignore[attr-defined]
        with Client(house.database, turn=lambda *_: None) as client:
            assert kind_of("kodi").check(line_to(client, player)).notes == ()
        outcomes = told(house, player, "new")
        assert all(outcome.sight for outcome in outcomes), outcomes
        names = ["title", "artist", "year", "description", "art", "musicbrainzalbumid", "musicbrainzreleasegroupid",
                 "style", "mood", "rating", "albumlabel", "totaldiscs", "genre"]  # fmt: skip
        albums = {one["title"]: one for one in ask("AudioLibrary.GetAlbums", properties=names)["albums"]}
        assert {title: (one["year"], one["totaldiscs"]) for title, one in albums.items()} == {
            "Calm: One/Two": (2001, 1), "Double": (2010, 2)
        }  # fmt: skip
        for title, one in albums.items():
            assert one["artist"] == [ARTIST]
            assert one["description"] == REVIEW
            assert (one["musicbrainzalbumid"], one["musicbrainzreleasegroupid"]) == (RELEASE_IDS[title], GROUP_ID)
            assert (one["style"], one["mood"], one["albumlabel"]) == (["Art Pop"], ["Calm"], "Test Label")
            assert one["rating"] == 7.5
            assert {"thumb", "back"} <= set(one["art"])
        properties = ["description", "art", "musicbrainzartistid", "genre", "born"]
        (artist,) = ask("AudioLibrary.GetArtists", properties=properties, albumartistsonly=True)["artists"]
        assert (artist["artist"], artist["description"]) == (ARTIST, BIOGRAPHY)
        assert (artist["musicbrainzartistid"], artist["genre"]) == ([ARTIST_ID], ["Pop"])
        assert artist["born"] == "1970-01-01"
        for kind, name in (("thumb", "folder.jpg"), ("fanart", "fanart.jpg")):
            assert artist["art"][kind].lower().endswith(quote(f"/{name}", safe=".").lower() + "/"), artist["art"]
        songs = ask("AudioLibrary.GetSongs", properties=["title", "track", "disc"])["songs"]
        assert sorted((one["disc"], one["track"] & 0xFFFF, one["title"]) for one in songs) == [
            (0, 1, "Tune 1 %?"), (0, 2, "Tune 2 %?"), (1, 1, "Disc 1 Tune 1"), (1, 2, "Disc 1 Tune 2"),
            (2, 1, "Disc 2 Tune 1"), (2, 2, "Disc 2 Tune 2"),
        ]  # fmt: skip

        with house.database.begin() as connection:
            for item in house.items().values():
                metadata.say(connection, item["id"], "", "review", "Another word.", NOW)
        assert all(outcome.sight for outcome in told(house, player, "texts"))
        again = ask("AudioLibrary.GetAlbums", properties=["description"])["albums"]
        assert {one["description"] for one in again} == {"Another word."}


def test_a_subsonic_server_shows_everything(house: House, tmp_path: Path) -> None:
    (tmp_path / "supysonic").mkdir()
    with programs.supysonic(music(house), tmp_path / "supysonic") as url:
        player = Player(1, "phone", "subsonic", url, programs.USER, programs.SECRET)
        outcomes = told(house, player, "new")
    assert sorted((one.sight.title, one.sight.tracks) for one in outcomes if one.sight) == [
        ("Calm: One/Two", 2), ("Double", 4)
    ]  # fmt: skip


def test_mpd_shows_everything(house: House, tmp_path: Path) -> None:
    (tmp_path / "mpd").mkdir()
    with programs.mpd(music(house), tmp_path / "mpd") as songs:
        assert sorted((one["Album"], one.get("Disc"), one["Track"], one["Title"], one["Date"]) for one in songs) == [
            ("Calm: One/Two", None, "1", "Tune 1 %?", "2001-03-04"),
            ("Calm: One/Two", None, "2", "Tune 2 %?", "2001-03-04"),
            *(("Double", str(d), str(n), f"Disc {d} Tune {n}", "2010") for d in (1, 2) for n in (1, 2)),
        ]
        assert {(one["Artist"], one["AlbumArtist"], one["MUSICBRAINZ_ARTISTID"]) for one in songs} == {
            (ARTIST, ARTIST, ARTIST_ID)
        }


@pytest.mark.parametrize("server", ["minidlna", "gerbera"])
def test_a_upnp_server_shows_everything(house: House, tmp_path: Path, server: str) -> None:
    (tmp_path / server).mkdir()
    with getattr(programs, server)(music(house), tmp_path / server) as tracks:
        wanted = {
            ("Calm: One/Two", "Tune 1 %?", "2001", ARTIST), ("Calm: One/Two", "Tune 2 %?", "2001", ARTIST),
            *(("Double", f"Disc {d} Tune {n}", "2010", ARTIST) for d in (1, 2) for n in (1, 2)),
        }  # fmt: skip

        def pictured() -> set[tuple[str, ...]]:
            """Return what is shown with its picture, which is in the folder of the first disc only."""
            seen = [one for one in tracks() if one.picture or one.title.startswith("Disc 2")]
            return {(one.album, one.title, one.date[:4], one.artist) for one in seen}

        assert programs.until(lambda: wanted <= pictured())
