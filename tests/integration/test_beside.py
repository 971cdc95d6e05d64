"""What lies beside the music, NFO files and pictures of the artist: kept, and believed as far as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from config import libraries
from config.database import Database
from processor.artwork import rows as artwork
from processor.artwork.desk import Gallery
from processor.artwork.offer import of_artist
from processor.artwork.pool import shared
from processor.client.client import Client
from processor.enrich import enrich
from processor.enriching.shop import Shop, Studio
from processor.items import storing
from processor.items.item import Known
from processor.matching.own import OwnAlbum
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_metadata, artists_of
from processor.metadata.documents import ITSELF, winning
from processor.providers.registry import Providers
from tests.integration.test_enrich import AGAIN, NOW, changes, known, shop_of, warnings
from tests.pictures import jpeg
from tests.providers import AT_ONCE, Provider, Reply
from tests.releases import ARTIST, knows, own, release, staged, uuid
from workflow.operations.downloading import downloads
from workflow.phases.enrich import EnrichSettings

DROP = b"The Velvet Harbour/Harbour Lights"


class House:
    """A staging and an inbound library, one album in both, and MusicBrainz on this machine."""

    def __init__(self, shop: Shop, server: Provider, tmp_path: Path) -> None:
        self.shop, self.server = shop, server
        self.staging, self.inbound = tmp_path / "staging", tmp_path / "inbound"
        self.album, self.artist = self.staging / "AR" / "k", self.inbound / "The Velvet Harbour"
        for folder in (self.album, self.artist):
            folder.mkdir(parents=True)
        with shop.database.begin() as connection:
            libraries.add_library(connection, "inbound", bytes(self.inbound), now=NOW)
            self.root = libraries.add_library(connection, "staging", bytes(self.staging), now=NOW).root_uuid

    def stage(self, own: OwnAlbum, *beside: str, **called: bytes) -> int:
        """Stage an album with files beside its music; `called` are their names where publishing changed them."""
        plain = staged(own, **({"album": own.title} if own.artist else {}))
        files = [file._replace(source=DROP + b"/" + file.path) for file in plain.files]
        for name in beside:
            role = "nfo" if name.lower().endswith("nfo") else "picture"
            path = called.get(name.partition(".")[0], name.encode())
            (self.album / path.decode()).write_bytes(b"")
            source = DROP + b"/" + name.encode()
            files.append(files[0]._replace(
                path=path, source=source, role=role, disc=None, track=None, title=None, facts=Known({})))  # fmt: skip
        item = replace(plain, files=tuple(files), root_uuid=self.root).summed()
        with self.shop.database.begin() as connection:
            return storing.upsert(connection, [item], NOW)["k"].id

    def said(self, item_id: int) -> dict[str, str]:
        """Who says the album's fields."""
        with self.shop.database.read() as connection:
            found = winning(metadata.sources(connection, item_id), ITSELF, "album")
        return {name: one.source for name, one in found.items()}


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with Provider().serving() as server, Client(database, world=AT_ONCE, wait=lambda _: None) as client:
        yield House(shop_of(database, client, server), server, tmp_path)


def nfo(**fields: str) -> str:
    return "<album>" + "".join(f"<{name}>{text}</{name}>" for name, text in fields.items()) + "</album>"


IDS = {"musicbrainzalbumid": uuid(2), "musicbrainzreleasegroupid": uuid(77)}


def test_an_nfo_counts_before_the_tags_and_after_the_network(house: House) -> None:
    house.server.down = Reply(503)
    item = house.stage(own(release()), "Album.NFO")
    said = nfo(title="Harbour Lights!", genre="Sea Songs", review="Ten songs.", **IDS)
    (house.album / "Album.NFO").write_text(said)
    assert changes(house.shop, item)
    album = known(house.shop, item)
    assert (album.title, album.genres, album.review) == ("Harbour Lights!", ("Sea Songs",), "Ten songs.")
    assert not changes(house.shop, item)

    house.server.down = None
    knows(house.server, release(2, genres=()))
    assert enrich(house.shop, item).verdict == "accepted"
    assert known(house.shop, item).title == "Harbour Lights"
    assert {name: house.said(item)[name] for name in ("title", "genres", "review")} == {
        "title": "musicbrainz", "genres": "musicbrainz", "review": "nfo",
    }  # fmt: skip


def test_of_two_reissues_the_nfo_says_which(house: House) -> None:
    knows(house.server, release(), release(2, **AGAIN))
    item = house.stage(own(release(), year=None), "album.nfo")
    assert enrich(house.shop, item).verdict == "ambiguous"
    (house.album / "album.nfo").write_text(nfo(**IDS))
    assert enrich(house.shop, item).verdict == "accepted"
    assert known(house.shop, item).release_id == uuid(2)


def test_ids_that_contradict_each_other_leave_it_to_a_person(house: House) -> None:
    knows(house.server, release(), release(2, **AGAIN))
    item = house.stage(own(release(), year=None, release_id=uuid(1)), "album.nfo")
    (house.album / "album.nfo").write_text(nfo(**IDS))
    assert enrich(house.shop, item).verdict == "ambiguous"


@pytest.mark.parametrize(("number", "searched"), [(77, f"rgid:{uuid(77)}".replace("-", "\\-")), (1, None)])
def test_an_id_of_a_group_is_not_taken_for_that_of_a_release(house: House, number: int, searched: str | None) -> None:
    """Lidarr writes the one, an old Kodi the other, both under the same name."""
    knows(house.server, release())
    item = house.stage(own(release()), "album.nfo")
    (house.album / "album.nfo").write_text(nfo(title="x", musicbrainzalbumid=uuid(number)))
    assert enrich(house.shop, item).verdict == "accepted"
    assert known(house.shop, item).release_id == uuid(1)
    searches = [seen.query["query"] for seen in house.server.seen if "query" in seen.query]
    assert searches[:1] == ([searched] if searched else [])


def test_an_nfo_names_what_no_tag_names(house: House) -> None:
    knows(house.server, release())
    bare = own(release())
    bare = replace(bare, title="dsc_0815", artist=None, tracks=tuple(
        track._replace(title=f"Track {track.position}", artist=None) for track in bare.tracks))  # fmt: skip
    item = house.stage(bare, "album.nfo")
    tracks = "".join(
        f"<track><position>{track.position}</position><title>{escape(track.title or '')}</title></track>"
        for _, track in release().tracks()
    )
    credits = f"<albumArtistCredits><artist>{ARTIST.name}</artist></albumArtistCredits>"
    (house.album / "album.nfo").write_text(f"<album><title>Harbour Lights</title>{credits}{tracks}</album>")
    done = enrich(house.shop, item)
    assert done.verdict == "accepted", done.why


def test_an_nfo_that_cannot_be_read_is_a_warning_until_it_can(house: House) -> None:
    knows(house.server, release())
    item = house.stage(own(release()), "album.nfo")
    (house.album / "album.nfo").write_text("<album><title>x</album>")
    enrich(house.shop, item)
    assert warnings(house.shop, item) == ["nfo_album"]
    (house.album / "album.nfo").write_text("THE VELVET HARBOUR PRESENTS: a release of 1998\n" * 50)
    enrich(house.shop, item)
    assert warnings(house.shop, item) == []
    (house.album / "album.nfo").unlink()
    (house.album / "album.nfo").symlink_to("/etc/passwd")
    enrich(house.shop, item)
    assert warnings(house.shop, item) == []


def test_what_an_nfo_said_stays_when_publishing_calls_it_otherwise_and_goes_with_it(house: House) -> None:
    house.server.down = Reply(503)
    item = house.stage(own(release()), "album.nfo", album=b"album [2].nfo")
    (house.album / "album [2].nfo").write_text(nfo(title="Theirs"))
    (house.album / "album.nfo").write_text(nfo(title="what Greenroom wrote there"))
    enrich(house.shop, item)
    assert known(house.shop, item).title == "Theirs"
    (house.album / "album [2].nfo").rename(house.album / "away")
    enrich(house.shop, item)
    assert known(house.shop, item).title == "Theirs", "nobody knows that it is gone for good"
    house.stage(own(release()))
    enrich(house.shop, item)
    assert known(house.shop, item).title == "Harbour Lights"


def test_an_artist_is_known_by_what_lies_in_their_folder(house: House, tmp_path: Path) -> None:
    database = house.shop.database
    knows(house.server, release())
    (house.artist / "artist.nfo").write_text(
        f"<artist><title>{ARTIST.name}</title><musicbrainzartistid>{ARTIST.artist_id}</musicbrainzartistid>"
        "<biography>They met in a harbour.</biography><formed>1890</formed></artist>"
    )
    (house.artist / "folder.jpg").write_bytes(jpeg(1, 600))
    (house.artist / "notes.jpg").write_bytes(jpeg(2, 600))
    item = house.stage(own(release()), "artist-banner.jpg", "cover.jpg")
    (house.album / "artist-banner.jpg").write_bytes(jpeg(3, 1000, 185))
    providers = house.shop.providers
    assert isinstance(providers, Providers)
    studio = Studio(Gallery(database, tmp_path, shared()), EnrichSettings(), downloads(providers))
    shop = replace(house.shop, studio=studio)
    assert changes(shop, item)
    assert not changes(shop, item)

    def selected() -> list[tuple[str, int, str]]:
        with database.read() as connection:
            found = artwork.selected(connection, of_artist(ARTIST.name, ARTIST.artist_id))
        return [(one.type, one.width, one.provider) for one in found]

    assert selected() == [("banner", 1000, "folder"), ("thumb", 600, "folder")]
    with database.read() as connection:
        (artist,) = artists_of(connection, item)
        about = artist_metadata(connection, artist.id)
    assert (about.biography, about.formed) == ("They met in a harbour.", "1991")

    for left in house.artist.iterdir():
        left.unlink()
    assert not changes(shop, item)
    assert not enrich(shop, item).debts
    assert selected() == [("banner", 1000, "folder"), ("thumb", 600, "folder")]


def test_a_link_in_place_of_the_artists_folder_is_not_followed(house: House, tmp_path: Path) -> None:
    knows(house.server, release())
    (house.artist / "artist.nfo").write_text(
        f"<artist><title>{ARTIST.name}</title><biography>What only others may read.</biography></artist>"
    )
    house.artist.rename(tmp_path / "away")
    house.artist.symlink_to(tmp_path / "away")
    item = house.stage(own(release()))
    enrich(house.shop, item)
    with house.shop.database.read() as connection:
        (artist,) = artists_of(connection, item)
        assert artist_metadata(connection, artist.id).biography is None
