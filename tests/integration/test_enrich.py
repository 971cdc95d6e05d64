"""Enriching: a staged album, asked about over HTTP, gets its release, its fields, its artists; or a person is asked."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from PIL import Image
from sqlalchemy import Connection, delete, insert, select

from config import admin, libraries
from config.database import Database
from config.errors import Misconfigured, Rejected
from processor.artwork import rows as artwork
from processor.artwork.offer import Subject, of_artist
from processor.client.client import Client
from processor.enrich import choose, enrich, unchoose
from processor.enriching.shop import Shop
from processor.items import repository, storing
from processor.items.item import Known
from processor.matching import rows
from processor.matching.lookup import look_up
from processor.matching.own import OwnAlbum
from processor.matching.rows import NOBODY
from processor.matching.verdict import Thresholds
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_metadata, artists_of, read_artist
from processor.metadata.documents import CHOICE, ITSELF, winning
from processor.metadata.known import Credit
from processor.providers.fingerprint import Print, fingerprint, fpcalc
from processor.providers.registry import Providers, all_providers
from processor.providers.release import Medium
from processor.publication import news
from processor.tables import PublicationRow, StagingItem
from tests.carrying import carrying
from tests.catalogue import point
from tests.commands import chosen, printed
from tests.providers import AT_ONCE, Provider, Reply, Seen, as_json
from tests.releases import ARTIST, LENGTHS, TITLES, knows, own, release, retitled, staged, uuid
from tests.waiting import is_blocked, until
from workflow import history, progress, succession
from workflow.chorework import want_daily
from workflow.engine.context import Context
from workflow.engine.engine import Engine
from workflow.operations import deciding, enriching
from workflow.phase import all_chores
from workflow.phases.enrich import EnrichSettings
from workflow.phases.enrich import shop as shop_of_phase

NOW = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)
AGAIN: dict[str, Any] = dict(date="2009-01-01", country="US", barcode="0601215489422")


@pytest.fixture
def server() -> Iterator[Provider]:
    with Provider().serving() as provider:
        yield provider


@pytest.fixture
def shop(database: Database, server: Provider) -> Iterator[Shop]:
    """A shop whose only provider is the server of this test."""
    with Client(database, world=AT_ONCE, wait=lambda _: None) as client:
        yield shop_of(database, client, server)


def shop_of(database: Database, client: Client, server: Provider, *, fresh: bool = False) -> Shop:
    with database.begin() as connection:
        for name in all_providers():
            admin.put(connection, f"provider.{name}.enabled", name == "musicbrainz", actor="eva", now=NOW)
        admin.put(connection, "provider.musicbrainz.base_url", f"{server.url}/ws/2", actor="eva", now=NOW)
    providers = Providers(database, client, fresh=fresh)
    return Shop(database, providers, Thresholds(), lambda: None, lambda: NOW)


def stage(shop: Shop, album: OwnAlbum, key: str = "k") -> int:
    with shop.database.begin() as connection:
        return storing.upsert(connection, [staged(album, key)], NOW)[key].id


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


def kept(shop: Shop, item_id: int) -> list[object]:
    """Return all that enriching keeps of an item and its artists, but when it was asked."""
    with shop.database.read() as connection:
        item, _ = repository.item(connection, item_id)
        artists = artists_of(connection, item_id)
        subjects = [Subject("album", item["key"]), *(of_artist(one.name, one.artist_id) for one in artists)]
        return [
            metadata.read(connection, item_id),
            [read_artist(connection, one.id) for one in artists],
            [artwork.selected(connection, subject) for subject in subjects],
        ]


def changes(shop: Shop, item_id: int) -> bool:
    """Enrich an item; return whether that changed anything."""
    before = kept(shop, item_id)
    enrich(shop, item_id)
    return kept(shop, item_id) != before


def test_an_album_gets_its_release_its_fields_and_its_artists(shop: Shop, server: Provider) -> None:
    knows(server, release())
    item = stage(shop, retitled(own(release()), t1="Lantren Hill"))
    found = enrich(shop, item)
    assert (found.verdict, list(found.debts)) == ("accepted", [])
    album = known(shop, item)
    assert (album.title, album.release_id, album.release_group_id) == ("Harbour Lights", uuid(1), uuid(77))
    assert (album.country, album.labels, album.genres) == ("GB", ("Tidewater",), ("dream pop",))
    assert [track.title for track in album.tracks[:2]] == ["Lantern Hill", "Paper Boats"]
    assert album.tracks[0].recording_id == uuid(9000)
    with shop.database.read() as connection:
        (artist,) = artists_of(connection, item)
        assert artist_metadata(connection, artist.id).formed == "1991"
    (candidate,) = candidates(shop, item)
    assert (candidate.chosen_by, candidate.about["catalog_numbers"]) == ("match", ["TW 12"])
    assert candidate.tracks[0]["own_title"] == "Lantren Hill"
    assert warnings(shop, item) == []


def test_a_second_time_nobody_is_asked_and_nothing_changes(shop: Shop, server: Provider) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    enrich(shop, item)
    asked, before = len(server.seen), candidates(shop, item)
    assert not changes(shop, item)
    assert (len(server.seen), candidates(shop, item)) == (asked, before)


def test_what_two_albums_want_at_once_is_asked_once_and_nothing_the_second_time(
    database: Database, server: Provider
) -> None:
    """Two workers enrich two albums of one artist; then a third process does it again."""
    more = release(2, TITLES[:5], LENGTHS[:5], title="Low Water", barcode=None, group_id=uuid(78))
    knows(server, release(), more, base="/musicbrainz")
    point(database, server)
    with database.begin() as connection:
        items = [staged(replace(own(one), release_id=one.id), one.id) for one in (release(), more)]
        ids = [one.id for one in storing.upsert(connection, items, NOW).values()]

    def work(item_id: int) -> str:
        with Client(database, wait=time.sleep) as client:
            providers = Providers(database, client)
            return enrich(Shop(database, providers, Thresholds(), lambda: None, lambda: NOW), item_id).verdict

    with ThreadPoolExecutor() as threads:
        assert list(threads.map(work, ids)) == ["accepted"] * 2
    asked = Counter((seen.path, *seen.query.items()) for seen in server.seen)
    assert set(asked.values()) == {1}, asked.most_common(3)
    assert {path.split("/")[1] for path in server.paths()} == {"musicbrainz", "discogs", "theaudiodb", "lrclib"}
    assert list(map(work, ids)) == ["accepted"] * 2
    assert len(server.seen) == asked.total()


def test_force_asks_anew(shop: Shop, server: Provider, database: Database) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    enrich(shop, item)
    knows(server, release(country="IE"))
    with Client(database, world=AT_ONCE) as client:
        assert changes(shop_of(database, client, server, fresh=True), item)
    assert known(shop, item).country == "IE"


def test_what_a_provider_said_of_a_release_does_not_outlive_that_it_knows_none_any_more(
    shop: Shop, server: Provider, database: Database
) -> None:
    """MusicBrainz is believed before Discogs, so its word of another album would go on counting."""
    knows(server, release())
    item = stage(shop, own(release()))
    enrich(shop, item)
    assert known(shop, item).release_id == uuid(1)
    server.answers["/ws/2/release"] = as_json({"releases": []})
    server.answers[f"/ws/2/release/{uuid(1)}"] = Reply(404)
    tracks = [{"position": str(n), "title": title, "duration": f"{length // 60_000}:{length // 1000 % 60:02}"}
              for n, (title, length) in enumerate(zip(TITLES, LENGTHS, strict=True), 1)]  # fmt: skip
    hit = {"id": 5, "type": "release", "title": f"{ARTIST.name} - Harbour Lights", "year": "1998", "country": "UK"}
    said = {"id": 5, "title": "Harbour Lights", "artists": [{"name": ARTIST.name}], "released": "1998-03-02",
            "country": "UK", "labels": [{"name": "Other Shore", "catno": "OS 1"}], "formats": [{"name": "CD"}],
            "tracklist": tracks}  # fmt: skip
    server.answers |= {"/database/search": as_json({"results": [hit]}), "/releases/5": as_json(said)}
    with database.begin() as connection:
        for name, value in (("enabled", True), ("base_url", server.url), ("key", "token")):
            admin.put(connection, f"provider.discogs.{name}", value, actor="eva", now=NOW)
    with Client(database, world=AT_ONCE) as client:
        both = replace(shop, providers=Providers(database, client, fresh=True))
        assert enrich(both, item).verdict == "accepted"
        album = known(shop, item)
        assert ([one.source for one in candidates(shop, item)], album.labels) == (["discogs"], ("Other Shore",))
        assert (album.release_id, album.release_group_id) == (None, None)
        assert not changes(both, item)


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
    with Client(database, world=AT_ONCE) as client:
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


@pytest.mark.parametrize("path", ["/ws/2/release", f"/ws/2/artist/{ARTIST.artist_id}"])
def test_what_a_person_says_while_the_album_is_being_enriched_counts(
    shop: Shop, server: Provider, database: Database, path: str
) -> None:
    """The job knows nothing of it yet and waits for a provider; while it is open no other is made."""
    other = Credit("Nora Vale", "bbbbbbbb-0000-4000-8000-000000000001")
    knows(server, release(), release(2, **AGAIN, credits=(other,)))
    item = stage(shop, own(release()))
    said: list[str] = []

    answered = server.answers[path]
    assert isinstance(answered, Reply)

    def while_it_asks(_: Seen, answered: Reply = answered) -> Reply:
        if not said:
            said.append(choose(shop, item, uuid(2), actor="eva").release_id)
        return answered

    server.answers[path] = while_it_asks
    with Client(database, world=AT_ONCE) as client:
        found = enrich(shop_of(database, client, server, fresh=True), item)
    assert said == [uuid(2)]
    assert (found.verdict, known(shop, item).release_id) == ("chosen", uuid(2))
    assert [one.release_id for one in candidates(shop, item) if one.chosen_by == "eva"] == [uuid(2)]
    with database.read() as connection:
        assert winning(metadata.sources(connection, item), ITSELF, "album")["release_id"].locked
        (artist,) = artists_of(connection, item)
        assert artist_metadata(connection, artist.id).formed == "1991", "the artist of what was chosen is asked about"


def test_what_a_person_chose_is_shown_as_chosen_when_it_was_merged_into_another(
    shop: Shop, server: Provider, database: Database
) -> None:
    knows(server, release(), release(2, **AGAIN))
    album = replace(own(release()), year=None)
    choose(shop, stage(shop, album), uuid(2), actor="eva")
    knows(server, release(), release(3, **AGAIN))
    server.answers[f"/ws/2/release/{uuid(2)}"] = server.answers[f"/ws/2/release/{uuid(3)}"]
    dropped_again = stage(shop, album, "k2")
    with Client(database, world=AT_ONCE) as client:
        assert enrich(shop_of(database, client, server, fresh=True), dropped_again).verdict == "chosen"
    assert known(shop, dropped_again).release_id == uuid(3)
    assert [(one.release_id, one.chosen_by) for one in candidates(shop, dropped_again)] == [(uuid(3), "eva")]


@pytest.mark.postgres
def test_of_two_people_who_choose_for_one_sound_at_once_the_later_is_believed(database: Database) -> None:
    def say(connection: Connection, n: int) -> None:
        rows.choose(connection, "the same", rows.Choice("musicbrainz", uuid(n), {}, "eva", NOW))

    def also() -> None:
        with database.begin() as connection:
            say(connection, 2)

    with ThreadPoolExecutor(1) as threads:
        with database.begin() as connection:
            say(connection, 1)
            other = threads.submit(also)
            until(lambda: is_blocked(database))
        other.result()
    with database.read() as connection:
        found = rows.choice(connection, "the same")
    assert found is not None
    assert found.release_id == uuid(2)


def test_a_choice_for_tracks_that_hardly_differ_is_not_carried_to_other_music(shop: Shop, server: Provider) -> None:
    same = release(lengths=[180_000] * 10)
    knows(server, same)
    item = stage(shop, own(same))
    choose(shop, item, uuid(1), actor="eva")
    other = retitled(own(same), **{f"t{n}": f"Elsewhere {n}" for n in range(1, 11)})
    strange = stage(shop, replace(other, title="Nowhere", artist="Somebody"), "k2")
    assert enrich(shop, strange).verdict == "none"


@pytest.mark.parametrize("fault", [Reply(503), Reply(403), Reply(body=b"[1,")])
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
        assert [artist.name for artist in artists_of(connection, item)] == [ARTIST.name]
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


@pytest.mark.parametrize("known", [{"release_id": uuid(404)}, {"group_id": uuid(404)}])
def test_an_id_nobody_knows_any_more_speaks_against_nothing(
    shop: Shop, server: Provider, known: dict[str, Any]
) -> None:
    knows(server, release())
    found = server.answers["/ws/2/release"]

    def searched(seen: Seen) -> Reply:
        assert isinstance(found, Reply)
        return as_json({"releases": []}) if seen.query["query"].startswith("rgid:") else found

    server.answers["/ws/2/release"] = searched
    provider = shop.providers.answering("releases")[0]
    assert look_up(replace(own(release()), **known), provider, shop.limits).kind == "accepted"


def test_an_edition_with_a_film_of_the_concert_competes_with_the_disc_alone(shop: Shop, server: Provider) -> None:
    disc = release().media[0]
    film = Medium(2, "DVD-Video", tracks=tuple(replace(track, title=f"{track.title} (live)") for track in disc.tracks))
    knows(server, release(barcode=None), release(2, barcode=None, media=(disc, film)))
    item = stage(shop, own(release()))
    assert enrich(shop, item).verdict == "ambiguous"
    assert [one.release_id for one in candidates(shop, item)] == [uuid(1), uuid(2)]


def test_null_everywhere_is_no_match(shop: Shop, server: Provider) -> None:
    empty = {"id": uuid(1), "title": None, "media": [{"tracks": [None, {"title": None, "recording": None}]}],
             "artist-credit": None, "release-group": None, "label-info": [None], "date": 7}  # fmt: skip
    server.answers["/ws/2/release"] = as_json({"releases": [empty, None, 3]})
    server.answers[f"/ws/2/release/{uuid(1)}"] = as_json(empty)
    item = stage(shop, own(release()))
    assert enrich(shop, item).verdict == "none"
    assert warnings(shop, item) == ["match_none"]


def test_ids_of_another_database_do_not_keep_an_album_from_being_known(shop: Shop, server: Provider) -> None:
    """As plugins of taggers write them into MusicBrainz's tags."""
    knows(server, release())
    server.answers["/ws/2/release/302127"] = as_json({"error": "Invalid mbid."}, 400)
    theirs = {"mb_release_group_id": "96559", "mb_recording_id": "3135553", "mb_track_id": "6NPVjNh8Jhru9xOmyQigds",
              "mb_album_artist_ids": ["27"], "album_artists": [ARTIST.name]}  # fmt: skip
    with shop.database.begin() as connection:
        album = own(release(), release_id="302127")
        item = storing.upsert(connection, [staged(album, "k", **theirs)], NOW)["k"].id
    assert [credit.name for credit in known(shop, item).credits] == [ARTIST.name]
    found = enrich(shop, item)
    assert (found.verdict, list(found.debts)) == ("accepted", [])
    assert known(shop, item).release_id == uuid(1)


def test_an_album_whose_names_have_no_letters_is_asked_for_by_what_can_be_searched(
    shop: Shop, server: Provider
) -> None:
    there = release(title="†††", credits=(Credit("!!!", ARTIST.artist_id),))
    knows(server, there)
    found = server.answers["/ws/2/release"]
    asked: list[str] = []

    def searched(seen: Seen) -> Reply:
        asked.append(seen.query["query"])
        return found if isinstance(found, Reply) else found(seen)

    server.answers["/ws/2/release"] = searched
    assert enrich(shop, stage(shop, own(there))).verdict == "none"
    assert asked == []
    with shop.database.begin() as connection:
        numbered = staged(own(there), "k2", catalog_number="TW 12")
        item = storing.upsert(connection, [numbered], NOW)["k2"].id
    assert enrich(shop, item).verdict == "accepted"
    assert asked == ["catno:TW12"]


def test_an_album_that_is_taken_back_while_it_is_being_enriched_is_not_there_any_more(
    shop: Shop, server: Provider
) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    found = server.answers["/ws/2/release"]

    def taken_back(seen: Seen) -> Reply:
        with shop.database.begin() as connection:
            connection.execute(delete(StagingItem).where(StagingItem.id == item))
        return found if isinstance(found, Reply) else found(seen)

    server.answers["/ws/2/release"] = taken_back
    with pytest.raises(Misconfigured) as raised:
        enrich(shop, item)
    assert raised.value.reason_code == "unknown_item"


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


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test ask the server it made."""
    monkeypatch.setenv("GREENROOM_OFFLINE", "false")


def test_the_chain_enriches_by_itself_and_leaves_the_album_to_a_person(
    shop: Shop, server: Provider, tmp_path: Path, online: None
) -> None:
    knows(server, release(), release(2, **AGAIN))
    database = shop.database
    engine = Engine(database, succession.works())
    with database.begin() as connection:
        upserted = storing.upsert(connection, [staged(replace(own(release()), year=None))], NOW)
        succession.after_staging(connection, upserted, "r1", NOW)
    (job,) = engine.list()
    item = job.item_id or 0
    assert (job.phase, job.actor) == ("enrich", "chain")
    with carrying(database, tmp_path):
        until(lambda: engine.show(job.id).status == "done")
        with database.read() as connection:
            assert (at := progress.find(connection, item))["position"] == "enriched"
            assert at["status"] == "pending_review"
            told = [kind for (kind,) in connection.exec_driver_sql("SELECT kind FROM events ORDER BY id")]
        assert told == ["item_staged", "needs_review"]
        enriching.choose(database, engine, item, "2", actor="eva")
        until(lambda: engine.counts()["enrich"] == {"done": 2})
    assert known(shop, item).release_id == uuid(2)
    deciding.decide(database, item, "approved", actor="eva", why="heard it")
    assert deciding.take_back(database, item, actor="eva").status == "pending_review"
    with database.read() as connection:
        assert progress.find(connection, item)["position"] == "enriched"
        happened = [(row["actor"], row["what"]) for row in history.of_item(connection, item) if history.is_step(row)
                    or row["what"] == "choose"]  # fmt: skip
    assert happened == [("cycle", "stage"), ("chain", "enrich"), ("eva", "choose"), ("eva", "enrich"),
                        ("eva", "review"), ("eva", "review")]  # fmt: skip


def test_an_item_that_was_approved_meanwhile_is_enriched_and_stays_where_it_is(
    shop: Shop, server: Provider, tmp_path: Path, online: None
) -> None:
    knows(server, release())
    engine = Engine(shop.database, succession.works())
    with shop.database.begin() as connection:
        upserted = storing.upsert(connection, [staged(own(release()))], NOW)
        succession.after_staging(connection, upserted, "r1", NOW)
    item = upserted["k"].id
    deciding.decide(shop.database, item, "approved", actor="eva", why="in a hurry")
    with carrying(shop.database, tmp_path):
        until(lambda: engine.counts()["enrich"] == {"done": 1})
    with shop.database.read() as connection:
        assert (progress.find(connection, item)["position"], known(shop, item).release_id) == ("reviewed", uuid(1))
    assert deciding.take_back(shop.database, item, actor="eva").status == "pending_review"


def test_an_album_that_was_staged_anew_is_enriched_though_a_decision_about_it_was_taken_back(
    shop: Shop, server: Provider, tmp_path: Path, online: None
) -> None:
    """Tracks that joined it were never looked up; that the album was once, before they came, is no matter."""
    knows(server, release())

    def come(year: int | None) -> int:
        with shop.database.begin() as connection:
            upserted = storing.upsert(connection, [replace(staged(own(release())), year=year).summed()], NOW)
            succession.after_staging(connection, upserted, "r1", NOW)
        return upserted["k"].id

    engine, item = Engine(shop.database, succession.works()), come(None)
    with carrying(shop.database, tmp_path):
        until(lambda: engine.counts()["enrich"] == {"done": 1})
    assert come(1999) == item
    deciding.decide(shop.database, item, "approved", actor="eva", why="in a hurry")
    assert deciding.take_back(shop.database, item, actor="eva").status == "pending_review"
    with shop.database.read() as connection:
        assert progress.find(connection, item)["position"] == "staged"


def test_what_is_owed_is_asked_for_again_once_a_day(shop: Shop, server: Provider) -> None:
    database = shop.database
    item = stage(shop, own(release()))
    server.down = Reply(503)
    enrich(shop, item)
    engine = Engine(database, succession.works())
    want_daily(database, succession.works(), NOW)
    assert engine.list(phase="refresh") == []
    want_daily(database, succession.works(), NOW + dt.timedelta(days=1))
    (job,) = engine.list(phase="refresh")
    chore, context = all_chores()["refresh"], Context(database, Path("/"), job, threading.Event())
    chore.run(context, chore.payload(), chore.settings())
    wanted = engine.list(item_id=item)
    assert [(job.phase, job.actor, job.manual) for job in wanted] == [("enrich", "calendar", True)]


@pytest.mark.parametrize(
    ("mode", "days", "after", "is_due"),
    [("auto", 30, 31, True), ("auto", 30, 29, False), ("auto", 0, 4000, False), ("manual", 30, 31, False)],
)
def test_what_was_enriched_long_ago_is_so_again_where_that_goes_by_itself(
    shop: Shop, server: Provider, mode: str, days: int, after: int, is_due: bool
) -> None:
    knows(server, release())
    enrich(shop, stage(shop, own(release())))
    with shop.database.begin() as connection:
        for name, value in (("mode", mode), ("refresh_days", str(days))):
            admin.put(connection, f"phase.enrich.{name}", value, actor="eva", now=NOW)
    chore = all_chores()["refresh"]
    with shop.database.read() as connection:
        assert chore.has_work(connection, chore.settings(), NOW + dt.timedelta(days=after)) == is_due


def test_who_waits_longest_for_what_is_owed_comes_first(database: Database) -> None:
    """However many are owed something: those that are asked for today wait behind the others tomorrow."""
    with database.begin() as connection:
        made = storing.upsert(connection, [staged(own(release()), f"k{n}") for n in range(3)], NOW)
        ids = [made[f"k{n}"].id for n in range(3)]
        for ago, item in enumerate(ids):
            debts = [rows.Debt(item, name, "pictures", "", NOW, 1, NOW - dt.timedelta(hours=hours))
                     for name, hours in (("coverart", ago), ("fanart", -1))]  # fmt: skip
            rows.keep_debts(connection, item, debts)
        assert rows.due(connection, NOW, None, 2) == [ids[2], ids[1]]


def test_the_commands_show_and_choose(
    shop: Shop, server: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, online: None
) -> None:
    knows(server, release(), release(2, **AGAIN))
    item = stage(shop, replace(own(release()), year=None))
    enrich(shop, item)
    chosen(monkeypatch, tmp_path, shop.database)
    assert "It could as well be another release" in printed("items", "candidates", item)
    told = json.loads(printed("items", "candidates", item, "--json"))
    assert [one["release_id"] for one in told["candidates"]] == [uuid(1), uuid(2)]
    assert {"part": "", "field": "country", "before": None, "after": "US"} in told["candidates"][1]["changes"]
    assert json.loads(printed("items", "choose", item, "2", "--json"))["release"] == "2"
    assert "chosen by" in printed("items", "candidates", item)
    assert "there is no candidate 9" in printed("items", "choose", item, "9", code=2)
    with shop.database.read() as connection:
        assert len(connection.execute(select(rows.ChoiceRow.__table__)).all()) == 1
    printed("items", "choose", item, "auto")
    with shop.database.read() as connection:
        assert connection.execute(select(rows.ChoiceRow.__table__)).all() == []
    assert json.loads(printed("enrich", item, "--json"))[0]["item"] == item
    assert "1 job wanted" in printed("enrich", "--status", "pending_review", "--force")
    assert "1 job wanted" in printed("enrich", "--search", "harbour LIGHTS")
    assert "0 jobs wanted" in printed("enrich", "--search", "harbour", "--status", "rejected")
    assert "name items, or say" in printed("enrich", code=2)
    assert "name items, or say" in printed("enrich", "1", "--warned", code=2)
    assert "no item 99" in printed("enrich", "99", code=2)


FPCALC = """#!/bin/sh
for file; do :; done
case $file in
*odd*) echo '{"duration": 1.5, "fingerprint": "AQ"}'; echo 'ERROR: Error decoding audio frame' >&2 ;;
*) n=$(basename "$file" .flac); echo "{\\"duration\\": 200.73, \\"fingerprint\\": \\"AQ$n\\"}" ;;
esac
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program that stands in for Chromaprint's: what it says of a file is made of the file's name."""
    file = tmp_path / "bin" / "fpcalc"
    file.parent.mkdir()
    file.write_text(FPCALC)
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
    return str(file)


def test_a_sound_is_told_but_not_of_a_file_with_errors(program: str, tmp_path: Path) -> None:
    assert fpcalc() == program
    assert fingerprint(program, b"/music/1-1.flac") == Print(200, "AQ1-1")
    assert fingerprint(program, b"/music/odd.flac") is None
    assert fingerprint("/bin/false", b"/x") is None
    assert fingerprint("/bin/echo", b"/x") is None


def test_an_album_without_names_is_known_by_its_sound(
    shop: Shop, server: Provider, tmp_path: Path, program: str
) -> None:
    knows(server, release())
    server.answers["/ws/2/release"] = as_json({"releases": []})
    nameless = replace(own(release()), title="Unknown Album", artist=None, year=None)
    nameless = retitled(nameless, **{f"t{n}": f"Track {n}" for n in range(1, 11)})
    (tmp_path / "staging").mkdir()
    with shop.database.begin() as connection:
        library = libraries.add_library(connection, "staging", bytes(tmp_path / "staging"), now=NOW)
        item = storing.upsert(connection, [replace(staged(nameless), root_uuid=library.root_uuid)], NOW)["k"].id
    assert enrich(shop, item).verdict == "none"

    def looked_up(seen: Seen) -> Reply:
        form = dict(parse_qsl(seen.body.decode()))
        places = [name.removeprefix("fingerprint.") for name in form if name.startswith("fingerprint.")]
        assert {form[f"duration.{n}"] for n in places} == {"200"}
        found = []
        for n in places:
            recording = uuid(8999 + int(form[f"fingerprint.{n}"].rpartition("-")[2]))
            found.append({"index": n, "results": [{"id": "x", "score": 0.97, "recordings": [
                None, {"id": uuid(70), "sources": 99, "releases": []},
                {"id": recording, "sources": 7, "releases": [{"id": uuid(1)}]}]}]})  # fmt: skip
        return as_json({"status": "ok", "fingerprints": found})

    server.answers["/v2/lookup"] = looked_up
    with shop.database.begin() as connection:
        for name, value in (("enabled", True), ("key", "hunter22"), ("base_url", f"{server.url}/v2")):
            admin.put(connection, f"provider.acoustid.{name}", value, actor="eva", now=NOW)
    with Client(shop.database, world=AT_ONCE) as client:
        asked = Shop(shop.database, Providers(shop.database, client), Thresholds(), lambda: None, lambda: NOW)
        assert enrich(asked, item).verdict == "ambiguous"
    assert [seen.path for seen in server.seen].count("/v2/lookup") == 1
    (candidate,) = candidates(shop, item)
    assert candidate.release_id == uuid(1)
    assert {why for track in candidate.tracks for why in track["why"]} == set()  # its other recordings are no doubt


def picture(side: int, colour: str) -> bytes:
    """A square PNG: of one colour with a stripe, or of noise that looks like nothing else."""
    drawn = Image.effect_noise((side, side), 90).convert("RGB") if colour == "noise" else Image.new("RGB", (side, side))
    drawn.paste(Image.new("RGB", (side // 3, side), "white"), (side // 5, 0))
    made = io.BytesIO()
    drawn.save(made, "PNG")
    return made.getvalue()


def test_an_album_gets_its_own_picture_and_those_on_offer(
    shop: Shop, server: Provider, tmp_path: Path, online: None
) -> None:
    knows(server, release())
    images = [
        {
            "id": 7,
            "types": ["Front"],
            "front": True,
            "approved": True,
            "image": f"{server.url}/7.png",
            "thumbnails": {},
        },
        {
            "id": 8,
            "types": ["Back"],
            "front": False,
            "approved": True,
            "image": f"{server.url}/8.png",
            "thumbnails": {},
        },
    ]
    server.answers[f"/caa/release/{uuid(1)}"] = as_json({"images": images})
    server.answers["/7.png"] = Reply(body=picture(1200, "noise"), kind="image/png")
    server.answers["/8.png"] = Reply(503)
    folder = tmp_path / "staging" / "AR" / "k"
    folder.mkdir(parents=True)
    (folder / "cover.jpg").write_bytes(picture(600, "steelblue"))
    database = shop.database
    with database.begin() as connection:
        library = libraries.add_library(connection, "staging", bytes(tmp_path / "staging"), now=NOW)
        for name, value in (("enabled", True), ("base_url", f"{server.url}/caa")):
            admin.put(connection, f"provider.coverart.{name}", value, actor="eva", now=NOW)
        plain = staged(own(release()))
        listing = plain.files[0]._replace(path=b"cover.jpg", role="picture", disc=None, track=None, facts=Known({}))
        listed = replace(plain, files=(*plain.files, listing), root_uuid=library.root_uuid)
        item = storing.upsert(connection, [listed], NOW)["k"].id
    settings = EnrichSettings()
    with shop_of_phase(database, settings, wait=lambda _: None, check=lambda: None, data_dir=tmp_path) as asked:
        done = enrich(asked, item)
        assert (done.verdict, [(debt.provider, debt.what) for debt in done.debts]) == (
            "accepted",
            [("coverart", "pictures")],
        )
        with database.read() as connection:
            chosen = artwork.selected(connection, Subject("album", "k"))
        assert [(one.type, one.width, one.provider) for one in chosen] == [
            ("front", 600, "folder"),
            ("front", 1200, "coverart"),
        ]
        seen = len(server.seen)
        assert not changes(asked, item)
        assert [one.path for one in server.seen[seen:] if one.path != "/8.png"] == []


def test_what_enriching_changed_after_publishing_is_known(shop: Shop, server: Provider) -> None:
    knows(server, release())
    item = stage(shop, own(release()))
    home = {"item_id": item, "root_uuid": "u", "path": b"a", "mode": "copy", "artist": None, "revision": 1,
            "transfer_id": "t", "published_at": NOW, "updated_at": NOW}  # fmt: skip
    with shop.database.begin() as connection:
        connection.execute(insert(PublicationRow).values(home))
        assert news.outdated(connection) == {}
    enrich(replace(shop, now=lambda: NOW + dt.timedelta(hours=1)), item)
    with shop.database.begin() as connection:
        (since,) = news.outdated(connection).values()
        news.caught_up(connection, item, since)
        assert since == NOW + dt.timedelta(hours=1)
    assert not changes(replace(shop, now=lambda: NOW + dt.timedelta(hours=2)), item)
    with shop.database.read() as connection:
        assert news.outdated(connection) == {}
