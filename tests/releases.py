"""Invented albums and the releases they could be, for tests of matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from processor.items.item import Known, NewFile, NewItem
from processor.matching.own import OwnAlbum, OwnTrack
from processor.metadata import known
from processor.metadata.known import Credit
from processor.providers.release import Label, Medium, Release, ReleaseTrack
from tests import items
from tests.providers import Provider, as_json

TITLES = (
    "Lantern Hill", "Paper Boats", "The Cartographer", "Salt & Ash", "Seventeen Winters", "Dear Meridian",
    "Low Tide, High Wire", "Glass Orchard", "Part One", "Part Two",
)  # fmt: skip
LENGTHS = (181_000, 204_500, 263_200, 148_900, 325_000, 199_300, 274_800, 221_100, 96_000, 402_700)
ARTIST = Credit("The Velvet Harbour", "aaaaaaaa-0000-4000-8000-000000000001", "", "Velvet Harbour, The")
VARIOUS_ARTISTS = Credit("Various Artists", known.VARIOUS_ARTISTS)


def uuid(n: int) -> str:
    """Return an id of the shape MusicBrainz has."""
    return f"00000000-0000-4000-8000-{n:012d}"


def release(
    n: int = 1, titles: Sequence[str] = TITLES, lengths: Sequence[int | None] = LENGTHS, discs: int = 1, **values: Any
) -> Release:
    """Return one edition of an album; `titles` are dealt to the discs in order."""
    tracks = [
        ReleaseTrack(
            title,
            position,
            str(position),
            length,
            (ARTIST,),
            track_id=uuid(n * 1000 + at),
            recording_id=uuid(9000 + at),
        )
        for at, (position, title, length) in enumerate(zip(_numbers(len(titles), discs), titles, lengths, strict=False))
    ]
    each = -(-len(tracks) // discs)
    media = tuple(
        Medium(disc + 1, "CD", len(part), tuple(part))
        for disc, part in enumerate(tracks[start : start + each] for start in range(0, len(tracks), each))
    )
    standard: dict[str, Any] = {
        "title": "Harbour Lights", "credits": (ARTIST,), "group_id": uuid(77), "date": "1998-03-02", "country": "GB",
        "original_date": "1998-03-02", "status": "Official", "labels": (Label("Tidewater", "TW 12"),),
        "barcode": "5012345678900", "type": "Album", "media": media,
    }  # fmt: skip
    return Release("musicbrainz", uuid(n), **{**standard, **values})


def _numbers(count: int, discs: int) -> list[int]:
    each = -(-count // discs)
    return [n % each + 1 for n in range(count)]


def own(of: Release, **values: Any) -> OwnAlbum:
    """Return an album tagged just as a release is, without any of its ids."""
    tracks = tuple(
        OwnTrack(
            b"%d-%d.flac" % (medium.position or 1, track.position or 0),
            track.title,
            "".join(credit.name + credit.join for credit in track.credits) or None,
            medium.position,
            track.position,
            track.length_ms,
            "flac",
        )
        for medium, track in of.tracks()
    )
    artist = "".join(credit.name + credit.join for credit in of.credits)
    standard = {"title": of.title, "artist": artist, "year": int((of.date or "0")[:4]) or None, "discs": len(of.media)}
    return OwnAlbum(**{**standard, "tracks": tracks, **values})


def retitled(album: OwnAlbum, **titles: str) -> OwnAlbum:
    """Return the album with other titles, by the number of the track: `t3="…"`."""
    tracks = list(album.tracks)
    for name, title in titles.items():
        at = int(name[1:]) - 1
        tracks[at] = tracks[at]._replace(title=title)
    return replace(album, tracks=tuple(tracks))


def staged(album: OwnAlbum, key: str = "k", /, **facts: Any) -> NewItem:
    """Return an album as an item about to be recorded; `facts` are those of every track."""
    files = tuple(
        NewFile(
            track.path, "audio", b"in/" + track.path, track.disc, track.position, track.title, 1000, 1, None,
            Known(facts | {name: value for name, value in (
                ("artist", track.artist), ("duration_ms", track.length_ms), ("codec", track.codec),
                ("barcode", album.barcode), ("mb_release_id", album.release_id),
            ) if value is not None}),
        )
        for track in album.tracks
    )  # fmt: skip
    plain = items.album(key, album=album.title, album_artist=album.artist, year=album.year, discs=album.discs or 1)
    track_count, path = len(files), b"AR/" + key.encode()
    return replace(plain, files=files, track_count=track_count, path=path, release_id=album.release_id, warnings="[]")


def answered(of: Release, *, with_tracks: bool = True) -> dict[str, Any]:
    """Return a release as MusicBrainz tells of it, in a search without its tracks."""
    media = [
        {
            "position": medium.position, "format": medium.format, "title": "",
            "track-count": len(medium.tracks),
            **({"tracks": [_track(track) for track in medium.tracks]} if with_tracks else {}),
        }
        for medium in of.media
    ]  # fmt: skip
    labels = [{"catalog-number": label.catalog_number, "label": {"name": label.name}} for label in of.labels]
    return {
        "id": of.id, "title": of.title, "status": of.status, "disambiguation": of.disambiguation or "",
        "date": of.date or "", "country": of.country, "barcode": of.barcode, "packaging": None, "asin": None,
        "artist-credit": [_credit(credit) for credit in of.credits], "label-info": labels, "media": media,
        "release-group": {"id": of.group_id, "title": of.title, "primary-type": of.type, "secondary-types": [],
                          "first-release-date": of.original_date or "", "genres": [{"name": "dream pop", "count": 3}]},
        "text-representation": {"language": "eng", "script": None}, "genres": [], "aliases": [],
        "relations": [{"type": "transl-tracklisting", "direction": "backward", "release": {"id": of.translates}}]
        if of.translates else [],
    }  # fmt: skip


def _track(track: ReleaseTrack) -> dict[str, Any]:
    return {
        "id": track.track_id, "title": track.title, "number": track.number, "position": track.position,
        "length": track.length_ms, "artist-credit": [_credit(credit) for credit in track.credits],
        "recording": {"id": track.recording_id, "title": track.title, "length": None, "video": False, "isrcs": []},
    }  # fmt: skip


def _credit(credit: Credit) -> dict[str, Any]:
    artist = {"id": credit.artist_id, "name": credit.name, "sort-name": credit.sort_name, "aliases": None}
    return {"name": credit.name, "joinphrase": credit.join, "artist": artist}


def knows(provider: Provider, *releases: Release, base: str = "/ws/2") -> None:
    """Let a server answer as MusicBrainz would that knows these releases: every search finds all of them."""
    found = {"count": len(releases), "offset": 0, "releases": [answered(one, with_tracks=False) for one in releases]}
    provider.answers[f"{base}/release"] = as_json(found)
    for one in releases:
        provider.answers[f"{base}/release/{one.id}"] = as_json(answered(one))
        for credit in one.credits:
            about = {"id": credit.artist_id, "name": credit.name, "sort-name": credit.sort_name, "type": "Group",
                     "country": "GB", "life-span": {"begin": "1991", "end": None}, "aliases": [], "relations": [
                         {"type": "discogs", "url": {"resource": "https://www.discogs.com/artist/7"}}]}  # fmt: skip
            provider.answers[f"{base}/artist/{credit.artist_id}"] = as_json(about)
