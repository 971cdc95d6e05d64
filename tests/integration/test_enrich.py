"""Enriching: a staged album, asked about over HTTP, gets its release, its fields, its artists; or a person is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from config.database import Database
from config.errors import Rejected
from processor import repository
from processor.client.client import Client
from processor.client.service import Service
from processor.enrich import Shop, choose, enrich, unchoose
from processor.matching import rows
from processor.matching.own import OwnAlbum
from processor.matching.rows import NOBODY
from processor.matching.verdict import Thresholds
from processor.metadata import rows as metadata
from processor.metadata.documents import CHOICE, ITSELF, winning
from processor.providers.musicbrainz import MusicBrainz
from processor.providers.provider import Line
from tests.providers import Provider, Reply, as_json
from tests.releases import ARTIST, knows, own, release, retitled, staged, uuid

NOW = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)
AGAIN = dict(date="2009-01-01", country="US", barcode="0601215489422")


@pytest.fixture
def server() -> Iterator[Provider]:
    with Provider().serving() as provider:
        yield provider


@pytest.fixture
def shop(database: Database, server: Provider) -> Iterator[Shop]:
    """A shop whose only provider is the server of this test."""
    with Client(database, turn=lambda *_: None, wait=lambda _: None) as client:
        yield shop_of(database, client, server)


def shop_of(database: Database, client: Client, server: Provider, *, fresh: bool = False) -> Shop:
    service = Service("musicbrainz", local=(server.url,), ttl=86_400, attempts=1)
    provider = MusicBrainz(Line(client, service, f"{server.url}/ws/2", fresh=fresh))
    return Shop(database, [provider], [provider], Thresholds(), lambda: None, lambda: NOW)


def stage(shop: Shop, album: OwnAlbum, key: str = "k") -> int:
    with shop.database.begin() as connection:
        return repository.upsert(connection, [staged(album, key)], NOW)[key].id


def known(shop: Shop, item_id: int) -> Any:
    with shop.database.read() as connection:
        return metadata.album(connection, item_id)


def candidates(shop: Shop, item_id: int) -> list[rows.Candidate]:
    with shop.database.read() as connection:
        return rows.candidates(connection, item_id)


def warnings(shop: Shop, item_id: int) -> list[str]:
    with shop.database.read() as connection:
        item, _ = repository.item(connection, item_id)
        assert item["warned"] == bool(item["warnings"])
        return [warning["code"] for warning in item["warnings"]]


def test_an_album_gets_its_release_its_fields_and_its_artists(shop: Shop, server: Provider) -> None:
    knows(server, release())
    item = stage(shop, retitled(own(release()), t1="Lantren Hill"))
    found = enrich(shop, item)
    assert (found.verdict, found.is_news, list(found.debts)) == ("accepted", True, [])
    album = known(shop, item)
    assert (album.title, album.release_id, album.release_group_id) == ("Harbour Lights", uuid(1), uuid(77))
    assert (album.country, album.labels, album.genres) == ("GB", ("Tidewater",), ("dream pop",))
    assert [track.title for track in album.tracks[:2]] == ["Lantern Hill", "Paper Boats"]
    assert album.tracks[0].recording_id == uuid(9000)
    with shop.database.read() as connection:
        (artist,) = metadata.artists_of(connection, item)
        assert metadata.artist(connection, artist.id).formed == "1991"
    (candidate,) = candidates(shop, item)
    assert (candidate.chosen_by, candidate.about["catalog_numbers"]) == ("match", ["TW 12"])
    assert candidate.tracks[0]["own_title"] == "Lantren Hill"
    assert warnings(shop, item) == []


def test_a_second_time_nobody_is_asked_and_nothing_changes(shop: Shop, server: Provider) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    enrich(shop, item)
    asked, before = len(server.seen), candidates(shop, item)
    assert enrich(shop, item).is_news is False
    assert (len(server.seen), candidates(shop, item)) == (asked, before)


def test_force_asks_anew(shop: Shop, server: Provider, database: Database) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    enrich(shop, item)
    knows(server, release(country="IE"))
    with Client(database, turn=lambda *_: None) as client:
        assert enrich(shop_of(database, client, server, fresh=True), item).is_news
    assert known(shop, item).country == "IE"


def test_of_two_reissues_a_person_chooses_and_the_choice_is_kept_by_the_sound(shop: Shop, server: Provider) -> None:
    knows(server, release(), release(2, **AGAIN))
    album = replace(own(release()), year=None)
    item = stage(shop, album)
    found = enrich(shop, item)
    assert found.verdict == "ambiguous"
    assert warnings(shop, item) == ["match_ambiguous"]
    assert known(shop, item).release_group_id == uuid(77)
    assert known(shop, item).release_id is None
    assert [one.about["country"] for one in candidates(shop, item)] == ["GB", "US"]

    choose(shop, item, uuid(2), actor="eva")
    assert (known(shop, item).release_id, known(shop, item).country) == (uuid(2), "US")
    assert warnings(shop, item) == []
    assert [one.chosen_by for one in candidates(shop, item)] == [None, "eva"]
    assert enrich(shop, item).verdict == "chosen"
    with shop.database.read() as connection:
        assert winning(metadata.sources(connection, item), ITSELF, "album")["country"].locked

    # Dropped again, retagged, under other names and another key.
    again = replace(album, title="Harbor lights!", tracks=tuple(
        track._replace(path=b"x" + track.path, title=f"{track.position}") for track in album.tracks))  # fmt: skip
    other = stage(shop, again, "k2")
    assert enrich(shop, other).verdict == "chosen"
    assert known(shop, other).release_id == uuid(2)
    assert known(shop, other).tracks[0].title == "Lantern Hill"

    unchoose(shop, item)
    assert enrich(shop, item).verdict == "ambiguous"
    assert known(shop, item).release_id is None


def test_what_a_person_chose_stays_as_it_was(shop: Shop, server: Provider, database: Database) -> None:
    knows(server, release(), release(2, **AGAIN))
    item = stage(shop, replace(own(release()), year=None))
    enrich(shop, item)
    choose(shop, item, uuid(2), actor="eva")
    knows(server, release(), release(2, **{**AGAIN, "country": "CA", "disambiguation": "remaster"}))
    with Client(database, turn=lambda *_: None) as client:
        enrich(shop_of(database, client, server, fresh=True), item)
    assert known(shop, item).country == "US"
    assert known(shop, item).disambiguation == "remaster"


def test_a_person_may_say_that_it_is_none_or_one_that_was_no_candidate(shop: Shop, server: Provider) -> None:
    knows(server, release(), release(2, **AGAIN))
    item = stage(shop, own(release()))
    enrich(shop, item)
    choose(shop, item, NOBODY, actor="eva")
    assert enrich(shop, item).verdict == "chosen"
    assert known(shop, item).release_id is None
    knows(server, release(), release(2, **AGAIN), release(3, title="Harbour Lights Live"))
    choose(shop, item, uuid(3), actor="eva")
    assert known(shop, item).title == "Harbour Lights Live"
    assert uuid(3) in {one.release_id for one in candidates(shop, item)}
    with pytest.raises(Rejected, match="no provider that is on knows"):
        choose(shop, item, uuid(4), actor="eva")


def test_a_choice_for_tracks_that_hardly_differ_is_not_carried_to_other_music(shop: Shop, server: Provider) -> None:
    same = release(lengths=[180_000] * 10)
    knows(server, same)
    item = stage(shop, own(same))
    choose(shop, item, uuid(1), actor="eva")
    other = retitled(own(same), **{f"t{n}": f"Elsewhere {n}" for n in range(1, 11)})
    strange = stage(shop, replace(other, title="Nowhere", artist="Somebody"), "k2")
    assert enrich(shop, strange).verdict == "none"


@pytest.mark.parametrize("fault", [Reply(503), Reply(500), Reply(403), Reply(body=b"[1,"), Reply(kind="text/html")])
def test_a_provider_that_is_down_is_owed_for_and_what_it_said_before_stays(
    shop: Shop, server: Provider, database: Database, fault: Reply
) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    server.down = fault
    found = enrich(shop, item)
    assert found.verdict == "unasked"
    assert [(debt.provider, debt.what, debt.tries) for debt in found.debts] == [("musicbrainz", "releases", 1)]
    assert known(shop, item).title == "Harbour Lights"  # by its tags
    with shop.database.read() as connection:
        assert [artist.name for artist in metadata.artists_of(connection, item)] == [ARTIST.name]
        assert rows.count_debts(connection) == {"musicbrainz": 1}
        assert rows.due(connection, NOW, None, 9) == []
        assert rows.due(connection, NOW + dt.timedelta(days=2), None, 9) == [item]
    enrich(shop, item)
    with shop.database.read() as connection:
        assert [debt.tries for debt in rows.debts(connection)] == [2]
    server.down = None
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM circuits")
    assert enrich(shop, item).verdict == "accepted"
    with shop.database.read() as connection:
        assert rows.debts(connection) == []


def test_null_everywhere_is_no_match(shop: Shop, server: Provider) -> None:
    empty = {"id": uuid(1), "title": None, "media": [{"tracks": [None, {"title": None, "recording": None}]}],
             "artist-credit": None, "release-group": None, "label-info": [None], "date": 7}  # fmt: skip
    server.answers["/ws/2/release"] = as_json({"releases": [empty, None, 3]})
    server.answers[f"/ws/2/release/{uuid(1)}"] = as_json(empty)
    item = stage(shop, own(release()))
    assert enrich(shop, item).verdict == "none"
    assert warnings(shop, item) == ["match_none"]


def test_a_translated_track_list_leads_to_its_original(shop: Shop, server: Provider) -> None:
    original = release(1, ["灯台の丘", "紙の舟"], title="港の灯", group_id=None)
    pseudo = release(2, ["Lantern Hill", "Paper Boats"], status="Pseudo-Release", translates=original.id, date=None)
    knows(server, original, pseudo)
    item = stage(shop, replace(own(pseudo), year=1998))
    assert enrich(shop, item).verdict == "accepted"
    assert known(shop, item).release_id == original.id


def test_the_album_of_a_group_alone_still_gets_its_fields(shop: Shop, server: Provider) -> None:
    knows(server, release(), release(2, **AGAIN))
    item = stage(shop, replace(own(release()), year=None))
    enrich(shop, item)
    with shop.database.read() as connection:
        documents = metadata.read(connection, item)
    assert set(documents["musicbrainz"]) == {ITSELF}
    assert CHOICE not in documents
