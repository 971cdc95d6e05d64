"""Providers asked over HTTP: what they make of the shapes that are answered, and of everything else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from config.database import Database
from config.errors import Misconfigured, Rejected
from processor.artwork.offer import Offer
from processor.artwork.types import TYPES
from processor.client.client import Client
from processor.client.exchange import World
from processor.client.service import Outage
from processor.metadata.fields import checked
from processor.metadata.known import Credit
from processor.providers.acoustid import Recognised
from processor.providers.coverart import CoverArt
from processor.providers.discogs import Discogs
from processor.providers.fanart import Fanart
from processor.providers.fingerprint import Print
from processor.providers.lrclib import Lrclib
from processor.providers.musicbrainz import MusicBrainz
from processor.providers.provider import AlbumAsked, TrackAsked
from processor.providers.provider import Provider as AnyProvider
from processor.providers.registry import Providers, all_providers, questions
from processor.providers.release import Label
from processor.providers.theaudiodb import TheAudioDb
from tests.catalogue import ARTIST, BARCODE, GROUP, JPEG, KEY, NAME, RELEASE, TITLE, fill, point
from tests.providers import AT_ONCE, Provider, Reply, as_json

pytestmark = pytest.mark.sqlite
Kind = TypeVar("Kind", bound=AnyProvider)
ALBUM = AlbumAsked(TITLE, RELEASE, GROUP, BARCODE, "TERN 12")
TRACK = TrackAsked("Low Tide", NAME, TITLE, 187_000)


@pytest.fixture
def server() -> Iterator[Provider]:
    with Provider().serving() as serving:
        fill(serving)
        yield serving


@pytest.fixture
def known(database: Database, server: Provider) -> Iterator[Providers]:
    point(database, server)
    with Client(database, world=AT_ONCE, wait=lambda _: None) as client:
        yield Providers(database, client)


def speaking(known: Providers, language: str) -> Providers:
    return Providers(known._database, known._client, language=language)


def ready(known: Providers, kind: type[Kind]) -> Kind:
    found = known.provider(kind.name)
    assert isinstance(found, kind)
    return found


def said(server: Provider, path: str) -> Any:
    """What it would answer."""
    answer = server.answers[path]
    assert isinstance(answer, Reply)
    return json.loads(answer.body)


def urls(server: Provider, *offers: tuple[str, str]) -> list[tuple[str, str]]:
    return [(kind, f"{server.url}/{path}") for kind, path in offers]


def shown(offers: list[Offer]) -> list[tuple[str, str | None]]:
    return [(offer.type, offer.url) for offer in offers]


def test_cover_art_offers_what_is_a_clean_picture_of_something(known: Providers, server: Provider) -> None:
    offers = ready(known, CoverArt).album_pictures(ALBUM)
    assert shown(offers) == urls(
        server, ("front", "pictures/front.jpg"), ("back", "pictures/back.jpg"), ("disc", "pictures/disc.jpg"),
        ("booklet", "pictures/booklet.jpg"),
    )  # fmt: skip
    assert [offer.id for offer in offers] == ["32921095540", "32921095541", "32921095542", "32921095543"]
    assert [offer.preview is None for offer in offers] == [False, False, False, True]


def test_of_several_fronts_the_one_that_is_the_releases_is_offered(known: Providers, server: Provider) -> None:
    """The others may be larger, and would be the cover then."""
    told = said(server, f"/coverart/release/{RELEASE}")
    front, _, disc, *_ = told["images"]
    slipcase = front | {"id": 7, "front": False}
    label = disc | {"id": 8, "types": ["Front", "Medium"]}
    server.answers[f"/coverart/release/{RELEASE}"] = as_json({"images": [slipcase, front, label]})
    offers = ready(known, CoverArt).album_pictures(ALBUM)
    assert [(offer.type, offer.id) for offer in offers] == [("front", "32921095540"), ("disc", "8")]


def test_a_picture_typed_as_a_front_is_one_where_none_is_said_to_be(known: Providers, server: Provider) -> None:
    front = said(server, f"/coverart/release/{RELEASE}")["images"][0]
    server.answers[f"/coverart/release/{RELEASE}"] = as_json({"images": [front | {"front": False}]})
    assert [offer.type for offer in ready(known, CoverArt).album_pictures(ALBUM)] == ["front"]


def test_the_cover_of_the_group_is_asked_for_only_where_the_edition_has_none(
    known: Providers, server: Provider
) -> None:
    coverart = ready(known, CoverArt)
    coverart.album_pictures(ALBUM)
    assert server.paths() == [f"/coverart/release/{RELEASE}"]
    (front,) = coverart.album_pictures(ALBUM._replace(release_id="0" * 8))
    assert (front.type, front.id) == ("front", "16666")
    assert coverart.album_pictures(AlbumAsked("x")) == []


def test_fanart_offers_pictures_with_their_votes_and_languages(known: Providers, server: Provider) -> None:
    fanart = ready(known, Fanart)
    offers = {offer.id: offer for offer in fanart.artist_pictures(NAME, ARTIST)}
    assert list(offers) == ["thumb0", "thumb1", "back0", "logo0", "logo1", "banner0"]
    assert offers["logo0"] == Offer(
        "fanart", "logo0", "logo", f"{server.url}/fanart/logo0.jpg", None, f"{server.url}/preview/logo0.jpg",
        800, 310, "en", 0,
    )  # fmt: skip
    assert (offers["back0"].width, offers["back0"].height) == (3840, 2160)
    assert (offers["logo1"].language, offers["banner0"].language) == (None, None)
    assert (offers["logo1"].votes, offers["thumb1"].votes) == (1, None)
    covers = fanart.album_pictures(ALBUM)
    assert [(one.type, one.id, one.votes, one.width) for one in covers] == [
        ("front", "31", 12, 1000),
        ("disc", "32", None, 1000),
    ]
    assert {seen.headers["api-key"] for seen in server.seen} == {KEY}
    assert "api_key" not in server.seen[0].query


def test_fanart_is_read_in_its_older_and_newer_shapes(known: Providers, server: Provider) -> None:
    now = said(server, f"/fanart/music/albums/{GROUP}")
    server.answers[f"/fanart/music/albums/{GROUP}"] = as_json(
        {"albums": [{"release_group_id": "other"}, {"release_group_id": GROUP, **now["albums"][GROUP]}]}
    )
    artist = said(server, f"/fanart/music/{ARTIST}")
    server.answers[f"/fanart/music/{ARTIST}"] = as_json({NAME: artist})
    assert [offer.id for offer in ready(known, Fanart).album_pictures(ALBUM)] == ["31", "32"]
    assert len(ready(known, Fanart).artist_pictures(NAME, ARTIST)) == 6


def test_theaudiodb_tells_of_an_artist_in_the_wanted_language(known: Providers) -> None:
    said = ready(speaking(known, "de"), TheAudioDb).artist_fields(NAME, ARTIST)
    assert said == {
        "formed": "1994", "disbanded": "2009", "country": "NO", "genres": ["Dream Pop"], "styles": ["Rock/Pop"],
        "moods": ["Calm"], "biography": "Vier Freunde aus Bergen.",
    }  # fmt: skip
    french = ready(speaking(known, "fr"), TheAudioDb).artist_fields(NAME, ARTIST)
    assert french["biography"] == "Four friends\n\nof Bergen.", "English is better than nothing"
    assert ready(known, TheAudioDb).artist_fields("Nobody", "0" * 8) == {}


def test_theaudiodb_finds_artists_by_their_very_name_only(known: Providers, server: Provider) -> None:
    audiodb = ready(known, TheAudioDb)
    assert audiodb.artist_fields("aster vale", None)["formed"] == "1994"
    assert audiodb.artist_fields("Aster Vail", None) == {}
    two = said(server, f"/theaudiodb/{KEY}/search.php")["artists"] * 2
    server.answers[f"/theaudiodb/{KEY}/search.php"] = as_json({"artists": two})
    assert ready(Providers(known._database, known._client, fresh=True), TheAudioDb).artist_fields(NAME, None) == {}


def test_theaudiodb_tells_of_an_album(known: Providers, server: Provider) -> None:
    audiodb = ready(known, TheAudioDb)
    assert audiodb.album_fields(ALBUM) == {
        "original_date": "1997", "genres": ["Dream Pop"], "styles": ["Rock/Pop"], "moods": ["Calm"],
        "labels": ["Tern"], "review": "Their second.", "rating": 8.5, "votes": 11,
    }  # fmt: skip
    assert shown(audiodb.album_pictures(ALBUM)) == urls(
        server, ("front", "pictures/front.jpg"), ("disc", "pictures/disc.png")
    )
    assert shown(audiodb.artist_pictures(NAME, ARTIST)) == urls(
        server, ("thumb", "pictures/thumb.jpg"), ("fanart", "pictures/f1.jpg"), ("logo", "pictures/logo.png"),
        ("landscape", "pictures/wide.jpg"),
    )  # fmt: skip
    assert audiodb.album_fields(ALBUM._replace(group_id="0" * 8)) == {}


def test_what_is_told_of_another_id_is_not_believed(known: Providers, server: Provider) -> None:
    server.answers[f"/theaudiodb/{KEY}/album-mb.php"] = as_json(
        {"album": [{"strMusicBrainzID": ARTIST, "strGenre": "Polka"}]}
    )
    assert ready(known, TheAudioDb).album_fields(ALBUM) == {}


def test_lrclib_chooses_the_recording_that_is_as_long(known: Providers) -> None:
    lrclib = ready(known, Lrclib)
    timed = "[00:12.30] The words\n[00:15.00] and more"
    assert lrclib.track_fields(TRACK) == {"lyrics": "The words", "synced_lyrics": timed}
    assert lrclib.track_fields(TRACK._replace(duration_ms=205_000)) == {"lyrics": "Words of the long one"}
    assert lrclib.track_fields(TRACK._replace(duration_ms=None)) == {"lyrics": "Words of the long one"}
    assert lrclib.track_fields(TRACK._replace(duration_ms=400_000)) == {"lyrics": "Words of no length"}
    assert lrclib.track_fields(TRACK._replace(title="High Tide")) == {}
    assert lrclib.track_fields(TRACK._replace(artist=None)) == {}


def test_lrclib_knows_that_there_is_nothing_to_sing(known: Providers, server: Provider) -> None:
    song = {"trackName": "Low Tide", "artistName": NAME, "duration": 187, "instrumental": True}
    server.answers["/lrclib/search"] = as_json([song])
    assert ready(known, Lrclib).track_fields(TRACK) == {"instrumental": True}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(188, {"lyrics": "La la."}), (199, {"instrumental": True})],
    ids=["the same recording", "maybe another"],
)
def test_what_somebody_calls_instrumental_has_words_where_others_wrote_them(
    known: Providers, server: Provider, seconds: int, told: dict[str, object]
) -> None:
    song = {"trackName": "Low Tide", "artistName": NAME}
    silent, sung = song | {"duration": 187, "instrumental": True}, song | {"duration": seconds, "plainLyrics": "La la."}
    server.answers["/lrclib/search"] = as_json([silent, sung])
    assert ready(known, Lrclib).track_fields(TRACK) == told


@pytest.mark.parametrize("words", ["[Instrumental]", "(instrumental)", "♪"])
def test_what_people_write_where_nobody_sings_is_no_words(known: Providers, server: Provider, words: str) -> None:
    song = {"trackName": "Low Tide", "artistName": NAME, "duration": 187, "plainLyrics": words}
    server.answers["/lrclib/search"] = as_json([song])
    assert ready(known, Lrclib).track_fields(TRACK) == {"instrumental": True}


def test_a_genre_hardly_anybody_agrees_with_is_none(known: Providers, server: Provider) -> None:
    told = said(server, f"/musicbrainz/release/{RELEASE}")
    votes = {"folk": 20, "dream pop": 3, "seen live": 1, "metal": 0, "polka": -2, "slowcore": None}
    genres = [{"name": name, "count": count} for name, count in votes.items()]
    server.answers[f"/musicbrainz/release/{RELEASE}"] = as_json(told | {"genres": genres})
    release = ready(known, MusicBrainz).release(RELEASE)
    assert release is not None
    assert release.genres == ("folk", "dream pop", "slowcore")


def test_discogs_tells_of_the_edition_with_the_albums_number(known: Providers, server: Provider) -> None:
    discogs = ready(known, Discogs)
    assert discogs.album_fields(ALBUM) == {
        "genres": ["Rock"], "styles": ["Dream Pop", "Shoegaze"], "labels": ["Tern"], "catalog_numbers": ["TERN 12"],
        "rating": 8.5, "votes": 21,
    }  # fmt: skip
    (cover,) = discogs.album_pictures(ALBUM)
    assert (cover.type, cover.url, cover.width, cover.height) == (
        "front",
        f"{server.url}/pictures/front.jpg",
        600,
        None,
    )
    assert {seen.headers["authorization"] for seen in server.seen} == {f"Discogs token={KEY}"}
    assert discogs.album_fields(ALBUM._replace(title="Something Else Entirely")) == {}
    assert discogs.album_fields(AlbumAsked(TITLE)) == {}


def test_discogs_has_releases_with_their_media(known: Providers) -> None:
    discogs = ready(known, Discogs)
    release = discogs.release("4711")
    assert release is not None
    assert (release.source, release.id, release.title, release.date, release.country) == (
        "discogs", "4711", TITLE, "1997-11", "GB",
    )  # fmt: skip
    assert release.credits == (Credit(NAME, join=" & "), Credit("I. Holm"))
    assert (release.type, release.secondary_types, release.barcode) == ("album", ("compilation",), BARCODE)
    assert release.labels == (Label("Tern", "TERN 12"), Label("Tern", "none"))
    told = [
        (medium.position, medium.format, [(t.position, t.title, t.length_ms) for t in medium.tracks])
        for medium in release.media
    ]
    assert told == [
        (1, "CD", [(1, "Low Tide", 187_000), (2, "Groynes", None)]),
        (2, "CD", [(1, "One", 3_723_000), (2, "Two", None)]),
    ]
    assert discogs.release(RELEASE) is None, "MusicBrainz' ids mean nothing there"


@pytest.mark.parametrize(
    ("medium", "first", "second"),
    [
        ("Vinyl", ("A1", "A2", "B"), ("C1", "D1")),
        ("Vinyl", ("A-1", "B-1"), ("C-1",)),
        ("Vinyl", ("1A", "1B2"), ("2A1", "2B")),  # as in boxes
        ("CD", ("I-1", "I-2"), ("II-1", "II-2a")),
        ("CD", ("IV-1",), ("V-1", "V-2")),
        ("Vinyl", ("I-1", "I-2"), ("II-1",)),  # no side I
        ("CD", ("5", "6a"), ()),
    ],
)
def test_discogs_tells_media_apart_by_the_positions_that_are_printed(
    known: Providers, server: Provider, medium: str, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    record = said(server, "/discogs/releases/4711")
    tracks = [{"position": position, "type_": "track", "title": position} for position in (*first, *second)]
    record |= {"formats": [{"name": medium, "qty": "2"}], "tracklist": tracks}
    server.answers["/discogs/releases/4711"] = as_json(record)
    release = ready(known, Discogs).release("4711")
    assert release is not None
    found = [tuple(track.number for track in one.tracks) for one in release.media]
    assert found == list(filter(None, (first, second)))
    assert [(one.position, one.format) for one in release.media] == [(n, medium) for n in range(1, len(found) + 1)]


@pytest.mark.parametrize(
    ("positions", "formats", "media"),
    [
        (["CD-1", "CD-2", "DVD-1"], ["CD", "DVD"], [("CD", False), ("DVD-Video", True)]),
        (["1-1", "1-2", "2-1", "DVD1-1"], ["CD", "CD", "DVD"], [("CD", False)] * 2 + [("DVD-Video", True)]),
        (["CD1-1", "CD2-1", "CD2-2"], ["CD", "CD"], [("CD", False)] * 2),
        (["LP-A1", "LP-B1", "CD-1"], ["CD", "Vinyl"], [("Vinyl", False), ("CD", False)]),
    ],
)
def test_discogs_names_media_in_positions(
    known: Providers, server: Provider, positions: list[str], formats: list[str], media: list[tuple[str, bool]]
) -> None:
    """Songs of a film on a second disc would be missed of the first else."""
    told = said(server, "/discogs/releases/4711")
    tracks = [{"position": position, "type_": "track", "title": position} for position in positions]
    shapes = [{"name": name, "descriptions": ["DVD-Video"] if name == "DVD" else []} for name in formats]
    server.answers["/discogs/releases/4711"] = as_json(told | {"formats": shapes, "tracklist": tracks})
    release = ready(known, Discogs).release("4711")
    assert release is not None
    assert [(medium.format, medium.is_beside) for medium in release.media] == media
    assert [track.number for _, track in release.tracks()] == positions


def test_a_video_on_a_disc_is_one_and_various_is_nobody(known: Providers, server: Provider) -> None:
    told = said(server, "/discogs/releases/4711")
    tracks = [{"position": position, "type_": "track", "title": position} for position in ("1", "2", "Video 1")]
    told |= {"artists": [{"name": "Various"}], "tracklist": tracks, "formats": [{"name": "CD"}]}
    server.answers["/discogs/releases/4711"] = as_json(told)
    release = ready(known, Discogs).release("4711")
    assert release is not None
    assert (release.is_various, release.credits[0].name) == (True, "Various Artists")
    assert [track.video for _, track in release.tracks()] == [False, False, True]


def test_a_picture_is_downloaded_and_not_kept_with_answers(known: Providers, server: Provider) -> None:
    offer = ready(known, CoverArt).album_pictures(ALBUM)[0]
    assert known.picture(offer).body == JPEG
    assert known.picture(offer).body == JPEG
    assert server.paths().count("/pictures/front.jpg") == 2
    assert not known.picture(offer, preview=True).found
    with pytest.raises(Rejected, match="nowhere"):
        known.picture(offer._replace(url=None, preview=None))


def test_a_picture_takes_a_turn_only_where_its_provider_is(known: Providers, server: Provider) -> None:
    turns: list[str] = []

    @contextmanager
    def turn(_: Database, name: str, *__: object, **___: object) -> Iterator[None]:
        turns.append(name)
        yield

    point(known._database, server, per_second=5)
    offer = Offer("coverart", "1", "front", f"{server.url}/pictures/front.jpg")
    with Client(known._database, world=World(turn=turn)) as client:
        paced = Providers(known._database, client)
        assert paced.picture(offer).found
        with pytest.raises(Rejected, match="in the local network"):
            paced.picture(offer._replace(url=server.at("localhost") + "/pictures/front.jpg"))
    assert turns == ["coverart"]


def test_providers_that_are_off_or_lack_their_key_are_not_asked(known: Providers, server: Provider) -> None:
    def names(providers: Providers) -> list[str]:
        return [provider.name for provider in providers.answering("album_pictures")]

    assert names(known) == ["coverart", "fanart", "theaudiodb", "discogs"]
    point(known._database, server, key="")
    assert names(Providers(known._database, known._client)) == ["coverart"]
    point(known._database, server, enabled=False)
    off = Providers(known._database, known._client)
    assert names(off) == []
    assert not off.is_on("coverart")
    with pytest.raises(Misconfigured, match="there are "):
        off.provider("nobody")


def test_a_provider_that_does_not_answer_is_an_outage(known: Providers, server: Provider) -> None:
    server.down = Reply(503)
    asked = known.answering("album_pictures")
    assert len(asked) == 4
    for provider in asked:
        with pytest.raises(Outage) as caught:
            provider.album_pictures(ALBUM)
        assert KEY not in caught.value.message


def test_every_provider_can_be_tried(known: Providers) -> None:
    for name in all_providers():
        assert known.provider(name).test().status in (200, 404)


JUNK: list[Any] = [None, 7, "x", [], {}, -1.5, True, [None], {"a": 1}, [[]], "\x00\ud800", 10**30]


def positions(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from positions(one, (*path, key))


def spoiled(value: Any, first: int, most: int = 16) -> Iterator[Any]:
    """Answers that have something else in one place, from top to bottom."""
    places = list(positions(value))
    step = -(-len(places) // most)
    for n, path in list(enumerate(places))[first % step :: step]:
        junk = JUNK[n % len(JUNK)]
        changed: Any = {"": copy.deepcopy(value)}
        at, keys = changed, ("", *path)
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = junk
        yield changed[""]


ASKED: dict[str, Callable[[Any], Any]] = {
    "release": lambda provider: provider.release("4711" if provider.name == "discogs" else RELEASE),
    "releases": lambda provider: provider.releases(Looked()),
    "album_fields": lambda provider: provider.album_fields(ALBUM),
    "artist_fields": lambda provider: provider.artist_fields(NAME, ARTIST),
    "track_fields": lambda provider: provider.track_fields(TRACK),
    "album_pictures": lambda provider: provider.album_pictures(ALBUM),
    "artist_pictures": lambda provider: provider.artist_pictures(NAME, ARTIST),
    "recognised": lambda provider: provider.recognised([Print(187, "AQAA")]),
}


class Looked:
    """A search."""

    title, artist, barcode, catalog_number, is_loose = TITLE, NAME, BARCODE, None, False
    group_id, tracks = GROUP, 4


@pytest.mark.parametrize("name", ["acoustid", "coverart", "discogs", "fanart", "lrclib", "musicbrainz", "theaudiodb"])
def test_whatever_is_answered_nothing_breaks(known: Providers, server: Provider, name: str) -> None:
    """One place of an answer after the other is something else; what comes out are fields, offers and releases."""
    provider = known.provider(name)
    paths = [path for path in server.answers if path.startswith(f"/{name}/") and "identity" not in path]
    for n, question in enumerate(questions(all_providers()[name])):
        for path in paths:
            answer = server.answers[path]
            before = len(server.seen)
            asks_it = Providers(known._database, known._client, fresh=True).provider(name)
            ASKED[question](asks_it)
            seen = [one for one in server.seen[before:] if one.path == path]
            if not seen:
                continue
            body = json.loads((answer(seen[0]) if callable(answer) else answer).body)
            for bad in spoiled(body, n):
                server.answers[path] = as_json(bad)
                judge(question, ASKED[question](asks_it))
            server.answers[path] = answer
    assert provider.name == name


def judge(question: str, said: Any) -> None:
    """What is said is such that it can be stored."""
    if question.endswith("_fields"):
        subject: Any = question.removesuffix("_fields")
        for field, value in said.items():
            assert checked(subject, field, value) not in (None, "", ()), (field, value)
    elif question.endswith("_pictures"):
        for offer in said:
            assert (question.removesuffix("_pictures"), offer.type) in TYPES
            assert offer.id
            assert offer.url.startswith("http")
    elif question == "recognised":
        assert [type(one) for one in said] == [Recognised]
    else:
        for release in said if isinstance(said, list) else [said] if said else []:
            assert release.id
            json.dumps(release.title)
