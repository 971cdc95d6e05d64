"""Invented albums and the releases they could be, for tests of matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from processor.matching.own import OwnAlbum, OwnTrack
from processor.metadata.known import Credit
from processor.providers.release import VARIOUS, Label, Medium, Release, ReleaseTrack

TITLES = (
    "Lantern Hill", "Paper Boats", "The Cartographer", "Salt & Ash", "Seventeen Winters", "Dear Meridian",
    "Low Tide, High Wire", "Glass Orchard", "Part One", "Part Two",
)  # fmt: skip
LENGTHS = (181_000, 204_500, 263_200, 148_900, 325_000, 199_300, 274_800, 221_100, 96_000, 402_700)
ARTIST = Credit("The Velvet Harbour", "aaaaaaaa-0000-4000-8000-000000000001", "", "Velvet Harbour, The")
VARIOUS_ARTISTS = Credit("Various Artists", VARIOUS)


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
        Medium(disc + 1, "CD", None, len(part), tuple(part))
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
