"""One drop, and nobody asks for anything: staged, enriched, approved by rule, tagged, published, shown by a player."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from xml.etree import ElementTree

import mutagen
import pytest

from config import admin
from processor.players import debts
from processor.players import rows as players
from processor.players.paths import Pair
from processor.players.player import Player
from processor.providers.registry import all_providers
from tests.carrying import carrying
from tests.catalogue import cover_art
from tests.pictures import jpeg
from tests.playing import SECRET, USER, kodi
from tests.playing import House as Shelves
from tests.providers import Provider, Reply, as_json
from tests.releases import ARTIST, knows, release, uuid
from tests.scenarios.drops import songs
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import add_library, check_libraries, published, unexplained
from workflow import history

THERE = "smb://nas/music"
FOLDER = f"{ARTIST.name}/Harbour Lights (1998)"


@pytest.fixture
def world(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """MusicBrainz and the Cover Art Archive as servers of this test; all settings as automatic as they can be."""
    monkeypatch.setenv("GREENROOM_OFFLINE", "false")
    add_library(house)
    with Provider().serving() as server:
        with house.database.begin() as connection:
            for name in all_providers():
                on = name in ("musicbrainz", "coverart")
                admin.put(connection, f"provider.{name}.enabled", on, actor="test", now=NOW)
            settings = {
                "provider.musicbrainz.base_url": f"{server.url}/ws/2", "provider.musicbrainz.per_second": 0,
                "provider.coverart.base_url": f"{server.url}/coverart", "provider.coverart.per_second": 0,
                "phase.enrich.match_strong": 0.2,
                "phase.review.mode": "auto", "phase.review.auto_approve": "0.3", "phase.review.max_warnings": 9,
                "phase.tag.mode": "auto",
                "phase.publish.mode": "auto", "phase.publish.auto_publish": True,
                "phase.players.debounce_seconds": 0,
            }  # fmt: skip
            for key, value in settings.items():
                admin.put(connection, key, value, actor="test", now=NOW)
        knows(server, release(titles=["Song 1", "Song 2", "Song 3"], lengths=[1000, 1000, 1000]))
        server.answers[f"/coverart/release/{uuid(1)}"] = as_json(cover_art(server.url))
        for seed, name in enumerate(("front", "back", "disc", "booklet"), 1):
            picture = Reply(body=jpeg(seed, 1000), kind="image/jpeg")
            server.answers |= {f"/pictures/{name}.jpg": picture, f"/pictures/{name}-250.jpg": picture}
        yield server


def test_one_drop_goes_all_the_way_by_itself(house: House, world: Provider) -> None:
    library, shelves = house.staging.parent / "library", Shelves()
    shelves.mount = (THERE, library)
    house.drop(songs("drop", "flac", range(1, 4), artist=ARTIST.name, album="Harbor Lights", date="1998"))
    with kodi(shelves).serving() as provider:
        with house.database.begin() as connection:
            new = Player(0, "tv", "kodi", provider.url, USER, SECRET, (Pair(str(library), THERE),))
            players.add(connection, new, NOW)
        house.cycle()
        with carrying(house.database, house.data, concurrency=4):
            wait_until_shown(house, shelves)
    (item,) = house.items().values()
    assert (item["status"], happened(house, item["id"])) == (
        "published", ["stage", "enrich", "review", "tag", "publish", "publish", "sync"],
    )  # fmt: skip
    assert [one.folder for one in shelves.shown] == [f"{THERE}/{FOLDER}"]

    inside = {path.removeprefix(f"{FOLDER}/") for path in published(library) if path.startswith(FOLDER)}
    assert {"album.nfo", "folder.jpg", "01 - Song 1.flac", "02 - Song 2.flac", "03 - Song 3.flac"} <= inside
    nfo = ElementTree.parse(library / FOLDER / "album.nfo").getroot()
    assert [nfo.findtext(name) for name in ("title", "year", "musicbrainzalbumid", "label")] == [
        "Harbour Lights", "1998", uuid(1), "Tidewater",
    ]  # fmt: skip
    assert (library / FOLDER / "folder.jpg").read_bytes() == jpeg(1, 1000)
    opened = mutagen.File(library / FOLDER / "02 - Song 2.flac")
    assert opened is not None
    assert (opened["album"], opened["musicbrainz_albumid"]) == (["Harbour Lights"], [uuid(1)])
    check_libraries(house)
    assert unexplained(house, library) == []
    assert [path for path in house.staged() if "greenroom" not in path] == []


def wait_until_shown(house: House, shelves: Shelves) -> None:
    """Wait until the player shows the album and nobody is owed anything."""
    deadline = time.monotonic() + 120  # seconds; far more than a loaded machine needs
    while True:
        with house.database.read() as connection:
            if shelves.shown and not debts.debts(connection):
                return
        (item,) = house.items().values()
        assert time.monotonic() < deadline, (
            item["status"],
            json.dumps(happened(house, item["id"])),
            os.listdir(house.data),
        )
        time.sleep(0.05)


def happened(house: House, item_id: int) -> list[str]:
    """Return what happened to an item, in order."""
    with house.database.read() as connection:
        return [one["what"] for one in history.of_item(connection, item_id)]
