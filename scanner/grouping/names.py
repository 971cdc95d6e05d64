"""File names → the disc, track, artist and title that people write into them."""

from __future__ import annotations

import re
from typing import NamedTuple

from config.reasons import path_text
from scanner.grouping.discs import disc_folder, split_disc
from scanner.grouping.folding import clean
from scanner.grouping.patterns import pattern

DATE = pattern(r"(?<!\d)(?P<year>(?:19|20)\d\d)([-._])(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])(?!\d)")
DASH = pattern(r"\s+[-–—]\s+")

_TRACK_FIRST = pattern(
    r"(?:(?:cd|dis[ck]|d)?[\s_]*(?P<disc>\d{1,2})(?:[-.](?:track|t)?|t))?(?<!\d)(?P<track>\d{1,3})"
    r"(?:\s?of\s?\d{1,3})?(?:(?:\s*[-–—._)\]\u2010：|]+\s*|\s+)(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_TRACK_OF_A_SHOW = pattern(  # "gd77-05-08d1t01", as tapers call it
    r"[a-z&]{0,12}[\W_]?\d{2,4}-\d\d-\d\d(?:[\W_]\S*?)??[\W_]?(?:(?:cd|d|s)(?P<disc>\d{1,2})[\W_]?)?"
    r"t(?:rack)?(?P<track>\d{2,3})(?:[\W_]+(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NO_DISC = rb"\d{1,3}(?:[ _]|[-.][^\dtT\x80-\xff])"  # what nearly every name begins with
_NONE_WITH_DISC = pattern(rb"(?:%b[^/]*/)*" % _NO_DISC)
_DISC_BEFORE = pattern(r"(?:cd|dis[ck])[\s_]*(\d{1,2})(?:\s*[-–—]\s*|[\s_]+)(?:track[\s_]*)?(?=\d)", re.IGNORECASE)
_TRACK_INSIDE = pattern(  # not "Blink-182 - Title", whose dashes differ
    r"(?P<artist>.+?)(?:(?P<tight>(?<!\s)[-–—](?!\s))|\s+[-–—]\s*|[-–—]\s+)(?P<track>\d{1,3})"
    r"\s*(?:[-–—]|\.\s)(?(tight)(?<!\s[-–—]))\s*(?P<rest>.+)",
    re.DOTALL,
)
_TRACK_ON_DISC = pattern(  # "Artist - Album CD 2 - 03 - Title"
    r"(?P<before>.+?)[\s_.-]+[(\[]?(?:cd|dis[ck])[\s_]*(?P<disc>\d{1,2})[)\]]?\s*[-–—]\s*(?P<track>\d{1,3})"
    r"\s*(?:[-–—]|\.\s)\s*(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_TRACK_OF_KARAOKE = pattern(
    r"[A-Z]{2,}[ _]?\d{3,}-(?P<track>\d{1,2})\s+[-–—]\s+(?P<rest>.+)", re.DOTALL
)  # "SC8001-07 - …"
_ID_OF_VIDEO = pattern(r"[\s_]\[(?=[^\]]*(?:\d|[a-z][A-Z]))[\w-]{11}\]\Z", re.ASCII)
_DIGITS = pattern(r"(\d+)")


class TrackName(NamedTuple):
    """What a track's file is called; `artist` is whatever stands before the title or the number."""

    disc: int | None
    track: int | None
    artist: str | None
    title: str | None


def spaced(text: str) -> str:
    """Return a name with spaces where it has none but underscores, or dots: "01_Song", "A.Band.-.An.Album"."""
    if " " in text:
        return text
    return (text.replace(".", " ") if ".-." in text else text).replace("_", " ").strip()


def stem_of(name: bytes) -> bytes:
    """Return a file's name without its extension: `b"01 - Song.flac"`, `b"01 - Song.flac.flac"` → `b"01 - Song"`."""
    stem, dot, extension = name.rpartition(b".")
    if not (dot and stem and extension.isalnum() and len(extension) <= 8):
        return name
    twice = stem[-1] == name[-1] and stem.endswith(dot + extension)
    return (twice and stem[: -len(extension) - 1]) or stem


def natural_key(name: bytes) -> list[str | int]:
    """Return a sort key in which "2" comes before "10"."""
    # str.split with one group alternates text and digits, so equal places always hold equal types
    parts = _DIGITS.split(path_text(name).casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def without_id(text: str) -> str:
    """Leave out what yt-dlp writes behind a title, the id of the video: "Title [dQw4w9WgXcQ]"."""
    return _ID_OF_VIDEO.sub("", text)


def may_tell_disc(*names: bytes) -> bool:
    """Tell whether any of some file names may hold a disc; "01 Title" does not, and need not be parsed for one."""
    return _NONE_WITH_DISC.fullmatch(b"/".join((*names, b""))) is None


def parse_track(text: str) -> TrackName:
    """Read a track's file name without extension: "01 - Title", "1-01 Title", "Artist - 01 - Title", "d1t01", "CD1"."""
    text = spaced(without_id(text))
    text = _DISC_BEFORE.sub(r"\1-", text, count=1) if _DISC_BEFORE.match(text) else text
    if text.count("-") > 1 and (found := _TRACK_OF_A_SHOW.fullmatch(text)):
        return TrackName(int(found["disc"]) if found["disc"] else None, int(found["track"]), None, clean(found["rest"]))
    if found := _TRACK_FIRST.fullmatch(text):
        artist, title = split_artist(clean(found["rest"]))
        return TrackName(int(found["disc"]) if found["disc"] else None, int(found["track"]), artist, title)
    if found := _TRACK_OF_KARAOKE.fullmatch(text):
        return TrackName(None, int(found["track"]), *split_artist(clean(found["rest"])))
    if found := _TRACK_ON_DISC.fullmatch(text):
        artist, _ = split_artist(clean(found["before"]))
        return TrackName(int(found["disc"]), int(found["track"]), artist, clean(found["rest"]))
    if disc := split_disc(text)[1] or disc_folder(text):  # a file that is all of a disc; nothing else tells them apart
        return TrackName(disc, None, *split_artist(clean(text)))
    dated = DATE.match(text) is not None  # "2014-01-03 Episode 7": the month is no track, and nobody called 2014
    if found := _TRACK_INSIDE.fullmatch(DATE.sub(lambda date: date[0].replace("-", "."), text)):
        artist = None if dated else clean(DASH.split(text[: found.end("artist")])[0])  # "Artist - Album - 01 - Title"
        return TrackName(None, int(found["track"]), artist, clean(text[found.start("rest") :]))
    return TrackName(None, None, *((None, clean(text)) if dated else split_artist(clean(text))))


def split_artist(text: str | None) -> tuple[str | None, str | None]:
    """Split "Artist - Title"; whether the first half is an artist, only the neighbours can tell."""
    parts = DASH.split(text, maxsplit=1) if text else []
    return (parts[0], parts[1]) if len(parts) == 2 else (None, text)
