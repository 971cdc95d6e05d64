"""An invented album → what every provider would answer about it, in the shapes they have, on one server."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from config import admin
from config.database import Database
from processor.providers.registry import all_providers
from tests.providers import Provider, Reply, Seen, as_json
from tests.releases import answered, release

RELEASE = "0b3a9f0e-6a55-4a4e-9d0c-8c6f2b1e7a01"
GROUP = "1c4bae1f-7b66-4b5f-8e1d-9d703c2f8b02"
ARTIST = "2d5cbf20-8c77-4c60-9f2e-ae814d309c03"
BARCODE = "5099912345678"
KEY = "sesame-5f1a"
TITLE, NAME = "Nightjar", "Aster Vale"
JPEG = b"\xff\xd8\xff\xe0 a picture"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def point(database: Database, server: Provider, **settings: Any) -> None:
    """Let every provider be asked at a server, each below its own name, with a key and without a pace."""
    with database.begin() as connection:
        for name in all_providers():
            given = {"base_url": f"{server.url}/{name}", "key": KEY, "per_second": 0, **settings}
            for field in given.keys() & all_providers()[name].settings.model_fields:
                admin.put(connection, f"provider.{name}.{field}", given[field], actor="test", now=NOW)


def fill(server: Provider) -> None:
    """Let a server know the album and its artist, as all providers of this package do."""
    url = server.url
    server.answers |= {
        f"/coverart/release/{RELEASE}": as_json(cover_art(url)),
        f"/coverart/release-group/{GROUP}": as_json(cover_art_group(url)),
        f"/fanart/music/{ARTIST}": as_json(fanart_artist(url)),
        f"/fanart/music/albums/{GROUP}": as_json(fanart_album(url)),
        f"/theaudiodb/{KEY}/artist-mb.php": lambda seen: as_json(
            audiodb_artist(url) if seen.query["i"] == ARTIST else {"artists": None}
        ),
        f"/theaudiodb/{KEY}/search.php": as_json(audiodb_artist(url)),
        f"/theaudiodb/{KEY}/album-mb.php": lambda seen: as_json(
            audiodb_album(url) if seen.query["i"] == GROUP else {"album": None}
        ),
        f"/musicbrainz/release/{RELEASE}": as_json(musicbrainz_release()),
        "/musicbrainz/release": as_json({"count": 1, "offset": 0, "releases": [musicbrainz_release()]}),
        f"/musicbrainz/artist/{ARTIST}": as_json(musicbrainz_artist()),
        "/acoustid/lookup": as_json(acoustid()),
        "/lrclib/search": as_json(songs()),
        "/discogs/database/search": lambda seen: as_json(discogs_search(seen)),
        "/discogs/releases/4711": as_json(discogs_release(url)),
        "/discogs/oauth/identity": as_json({"id": 1, "username": "somebody"}),
        **{f"/pictures/{name}.jpg": Reply(body=JPEG, kind="image/jpeg") for name in ("front", "back", "thumb")},
    }


def musicbrainz_release() -> dict[str, Any]:
    edition = answered(replace(release(titles=("Low Tide", "Lee Shore")), id=RELEASE, group_id=GROUP, translates=GROUP))
    medium = edition["media"][0]
    medium |= {"pregap": medium["tracks"][0], "data-tracks": medium["tracks"][1:], "track-offset": 0, "discs": []}
    medium["tracks"][0]["recording"] |= {"isrcs": ["NOX001"], "artist-credit": edition["artist-credit"]}
    area = {"iso-3166-1-codes": ["NO"], "name": "Norway"}
    genres = [{"name": "folk", "count": 2}]
    also = {"aliases": [{"name": "Nightjars", "locale": "en", "primary": True, "type": None}], "quality": "normal"}
    return edition | also | {"genres": genres, "release-events": [{"date": "1997-05", "area": area}], "score": 100}


def musicbrainz_artist() -> dict[str, Any]:
    links = [{"type": "wikidata", "url": {"resource": "https://www.wikidata.org/wiki/Q1"}}]
    return {
        "id": ARTIST, "name": NAME, "sort-name": "Vale, Aster", "type": "Person", "gender": "Female", "country": "NO",
        "area": {"name": "Norway"}, "life-span": {"begin": "1971-02", "end": "2009", "ended": True}, "isnis": ["0"],
        "disambiguation": "of Bergen", "aliases": [{"name": "A. Vale", "primary": None}], "relations": links,
        "genres": [{"name": "folk", "count": 4}, {"name": "dream pop", "count": 7}],
    }  # fmt: skip


def acoustid() -> dict[str, Any]:
    recording = {"id": GROUP, "sources": 12, "releases": [{"id": RELEASE}], "title": "Low Tide", "duration": 187}
    recording["releasegroups"] = [{"id": GROUP, "releases": [{"id": RELEASE}]}]
    return {"status": "ok", "fingerprints": [{"index": "0", "results": [
        {"id": ARTIST, "score": 0.95, "recordings": [recording]}]}]}  # fmt: skip


def cover_art(url: str) -> dict[str, Any]:
    def image(number: int, types: Any, name: str, **more: Any) -> dict[str, Any]:
        small = f"{url}/pictures/{name}-250.jpg"
        return {
            "id": number, "types": types, "front": "Front" in (types or []), "back": "Back" in (types or []),
            "approved": True, "comment": "", "edit": 1, "image": f"{url}/pictures/{name}.jpg",
            "thumbnails": {"250": small, "500": small, "1200": small, "small": small, "large": small}, **more,
        }  # fmt: skip

    return {
        "release": f"https://musicbrainz.org/release/{RELEASE}",
        "images": [
            image(32921095540, ["Front"], "front"),
            image(32921095541, ["Back", "Spine"], "back"),
            image(32921095542, ["Medium"], "disc"),
            image(32921095543, ["Booklet"], "booklet", thumbnails={}),
            image(32921095544, ["Front", "Watermark"], "bad"),
            image(32921095545, ["Raw/Unedited"], "bad"),
            image(32921095546, ["Matrix/Runout"], "bad"),
            image(32921095547, ["Poster"], "bad"),
            image(32921095548, [], "bad"),
            image(32921095549, None, "bad"),
            image(32921095550, ["Front"], "bad", image=None),
            None,
        ],
    }


def cover_art_group(url: str) -> dict[str, Any]:
    return {"release": "x", "images": [cover_art(url)["images"][0] | {"id": "16666", "types": None, "front": True}]}


def fanart_artist(url: str) -> dict[str, Any]:
    def images(name: str, *more: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": f"{name}{n}", "url": f"{url}/fanart/{name}{n}.jpg", "likes": str(n), **one}
            for n, one in enumerate(more)
        ]

    return {
        "name": NAME,
        "mbid_id": ARTIST,
        "artistthumb": images("thumb", {}, {"likes": None}),
        "artistbackground": images("back", {"width": "3840", "height": "2160"}, {"url": None}, {"url": "ftp://x"}),
        "hdmusiclogo": images("logo", {"lang": "en"}, {"lang": "00"}),
        "musicbanner": images("banner", {"lang": ""}),
        "albums": {},
        "novelty": 7,
    }


def fanart_album(url: str) -> dict[str, Any]:
    cover = {"id": "31", "url": f"{url}/fanart/cover.jpg", "likes": "12"}
    disc = {"id": "32", "url": f"{url}/fanart/disc.png", "likes": "x", "disc": "1", "size": "1000"}
    return {"name": NAME, "mbid_id": ARTIST, "albums": {GROUP: {"albumcover": [cover, None], "cdart": [disc]}}}


def audiodb_artist(url: str) -> dict[str, Any]:
    return {
        "artists": [
            {
                "idArtist": "9001", "strArtist": NAME, "strMusicBrainzID": ARTIST, "intFormedYear": "1994",
                "intBornYear": "1994", "intDiedYear": "2009", "intMembers": "4", "strDisbanded": "Yes",
                "strGender": "Mixed", "strGenre": "Dream Pop", "strSubGenre": None, "strStyle": "Rock/Pop",
                "strMood": "Calm", "strCountry": "Bergen, Norway", "strCountryCode": "NO",
                "strBiography": "Plain.", "strBiographyEN": "Four friends\r\n\r\nof Bergen.",
                "strBiographyDE": "Vier Freunde aus Bergen.", "strBiographyFR": "",
                "strArtistThumb": f"{url}/pictures/thumb.jpg", "strArtistFanart": f"{url}/pictures/f1.jpg",
                "strArtistFanart2": f"{url}/pictures/f1.jpg", "strArtistFanart3": None, "strArtistFanart4": "",
                "strArtistLogo": f"{url}/pictures/logo.png", "strArtistClearart": None,
                "strArtistWideThumb": f"{url}/pictures/wide.jpg", "strArtistBanner": 7,
            }
        ]
    }  # fmt: skip


def audiodb_album(url: str) -> dict[str, Any]:
    return {
        "album": [
            {
                "idAlbum": "77", "strAlbum": TITLE, "strArtist": NAME, "intYearReleased": "1997",
                "strStyle": "Rock/Pop", "strGenre": "Dream Pop", "strLabel": "Tern", "strMood": "Calm",
                "strTheme": None, "strDescriptionEN": "Their second.", "strDescriptionDE": None,
                "strReview": "A quiet one.", "intScore": "8.5", "intScoreVotes": "11", "strMusicBrainzID": GROUP,
                "strAlbumThumb": f"{url}/pictures/front.jpg", "strAlbumThumbHQ": None, "strAlbumBack": None,
                "strAlbumCDart": f"{url}/pictures/disc.png", "strAlbumSpine": None,
            }
        ]
    }  # fmt: skip


def songs() -> list[Any]:
    def song(duration: Any, **more: Any) -> dict[str, Any]:
        return {
            "id": 1, "trackName": "Low Tide", "artistName": NAME, "albumName": TITLE, "duration": duration,
            "instrumental": False, "plainLyrics": None, "syncedLyrics": None, **more,
        }  # fmt: skip

    return [
        song(187.0, plainLyrics="Live words", trackName="Low Tide (Live)"),
        song(187.0, plainLyrics="Another's words", artistName="Somebody Else"),
        song(199.0, plainLyrics="Words of the long one", syncedLyrics="[00:01.00] Words of the long one"),
        song(187.2),
        song(
            188.0,
            plainLyrics="The words",
            syncedLyrics="[00:12.30] The words\n[00:15.00] and more",
            albumName="Best Of",
        ),
        song(None, plainLyrics="Words of no length"),
        song("?", artistName=None, trackName=None),
        None,
    ]


def discogs_search(seen: Seen) -> dict[str, Any]:
    hit = {
        "id": 4711, "type": "release", "title": f"{NAME} - {TITLE}", "year": "1997", "country": "UK",
        "format": ["CD", "Album"], "label": ["Tern", "Tern"], "catno": "TERN 12", "barcode": [BARCODE],
        "genre": ["Rock"], "style": ["Dream Pop"], "thumb": "", "cover_image": "",
    }  # fmt: skip
    is_known = seen.query.get("barcode") == BARCODE or seen.query.get("catno") == "TERN 12"
    by_name = seen.query.get("release_title") == TITLE
    master = {**hit, "id": 1, "type": "master"}
    return {"pagination": {"items": 1}, "results": [master, hit] if is_known or by_name else []}


def discogs_release(url: str) -> dict[str, Any]:
    def track(position: str, title: str, duration: str, **more: Any) -> dict[str, Any]:
        return {"position": position, "type_": "track", "title": title, "duration": duration, **more}

    return {
        "id": 4711, "title": TITLE, "year": 1997, "released": "1997-11-00", "country": "UK", "status": "Accepted",
        "artists": [{"name": f"{NAME} (2)", "anv": "", "join": "&", "id": 5},
                    {"name": "Ines Holm", "anv": "I. Holm", "join": ""}],
        "labels": [{"name": "Tern (3)", "catno": "TERN 12"}, {"name": "Tern (3)", "catno": "none"}],
        "formats": [{"name": "CD", "qty": "2", "descriptions": ["Album", "Compilation"]}],
        "genres": ["Rock"], "styles": ["Dream Pop", "Shoegaze"],
        "identifiers": [{"type": "Matrix / Runout", "value": "X"}, {"type": "Barcode", "value": BARCODE}],
        "tracklist": [
            {"position": "", "type_": "heading", "title": "Shore", "duration": ""},
            track("1-1", "Low Tide", "3:07"), track("1-2", "Groynes", "", artists=[{"name": "Ines Holm"}]),
            {"position": "", "type_": "index", "title": "Suite", "duration": "",
             "sub_tracks": [track("2-1", "One", "1:02:03"), track("2-2", "Two", "0:00")]},
            None,
        ],
        "images": [{"type": "secondary", "uri": f"{url}/pictures/back.jpg", "width": 600, "height": 590},
                   {"type": "primary", "uri": f"{url}/pictures/front.jpg", "width": 600, "height": 0,
                    "uri150": f"{url}/pictures/small.jpg"}],
        "community": {"rating": {"count": 21, "average": 4.25}},
    }  # fmt: skip
