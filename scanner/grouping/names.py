"""Folder and file names → the artist, album, year, track and title that people write into them; a file's disc."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from scanner.grouping.discs import disc_folder, is_bonus_folder, split_disc
from scanner.grouping.folding import clean, fold

_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATE = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)([-._])(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])(?!\d)")
_COUNTED = re.compile(  # "Folge 12", "07": which of a series an album is
    r"(?:folge|episode|vol|volume|part|teil|band|tome|выпуск|часть|том|n[or])[\W_]*\d{1,4}|(?P<bare>0\d\d?|\d\d?)\.?",
    re.IGNORECASE,
)
_TECHNICAL = re.compile(
    r"flac|mp3|aac|m4a|alac|ogg|opus|wav|aiff|ape|wv|wma|ds[df]|loss(?:less|y)|[cv]br|v[0-2]|(?:web|cd)?rip|web"
    r"|\d*(?:cd|lp)|vinyl|sacd|hi|res|hires|log|cue|scans|\d+(?:k?bps|kbits?|k?hz|k|bits?|b)?|k?bps|kbits?|k?hz|bits?|x",
    re.IGNORECASE,
)
_EDITION = re.compile(r"edition|remaster|deluxe|anniversary|expanded|version|mono|stereo|live|reissue|mix|bonus", re.I)
_SCENE = re.compile(r"(?P<artist>[^-\s]+)-(?P<album>[^-\s]+)-(?:\S*-)?(?P<year>(?:19|20)\d\d)-\w+")
_NO_WORD = re.compile(r"[\W_]+")
_DASH = re.compile(r"\s+[-–—]\s+")
_NO_NAME = re.compile(
    r"musi[ck]|musique|audio|media|download(?:s|ed)?|inbound|incoming|inbox|new|unsorted|unknown|misc|albums|artists"
    r"|torrents|completed?|finished|te?mp|rips|collection|library|singles|discography|desktop"
    r"|untitled|folder|(?:new|untitled) folder|unknown (?:album|artist)|(?:my|new) music|to sort"
)

_TRACK_FIRST = re.compile(
    r"(?:(?:cd|dis[ck]|d)?[\s_]*(?P<disc>\d{1,2})(?:[-.](?:track|t)?|t))?(?<!\d)(?P<track>\d{1,3})"
    r"(?:\s?of\s?\d{1,3})?(?:(?:\s*[-–—._)\]]+\s*|\s+)(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_TRACK_OF_A_SHOW = re.compile(  # "gd77-05-08d1t01", as tapers call it
    r"[a-z&]{0,12}[\W_]?\d{2,4}-\d\d-\d\d(?:[\W_]\S*?)??[\W_]?(?:(?:cd|d|s)(?P<disc>\d{1,2})[\W_]?)?"
    r"t(?:rack)?(?P<track>\d{2,3})(?:[\W_]+(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NO_DISC = rb"\d{1,3}(?:[ _]|[-.][^\dtT\x80-\xff])"  # what nearly every name begins with
_NONE_WITH_DISC = re.compile(rb"(?:%b[^/]*/)*" % _NO_DISC)
_DISC_BEFORE = re.compile(r"(?:cd|dis[ck])[\s_]*(\d{1,2})(?:\s*[-–—]\s*|[\s_]+)(?:track[\s_]*)?(?=\d)", re.IGNORECASE)
_TRACK_INSIDE = re.compile(  # not "Blink-182 - Title", whose dashes differ
    r"(?P<artist>.+?)(?:(?P<tight>(?<!\s)[-–—](?!\s))|\s+[-–—]\s*|[-–—]\s+)(?P<track>\d{1,3})"
    r"\s*(?:[-–—]|\.\s)(?(tight)(?<!\s[-–—]))\s*(?P<rest>.+)",
    re.DOTALL,
)
_TRACK_OF_KARAOKE = re.compile(
    r"[A-Z]{2,}[ _]?\d{3,}-(?P<track>\d{1,2})\s+[-–—]\s+(?P<rest>.+)", re.DOTALL
)  # "SC8001-07 - …"
_DIGITS = re.compile(r"(\d+)")


class AlbumName(NamedTuple):
    """What an album's folder is called, as far as it can be told."""

    artist: str | None
    album: str | None
    year: int | None


class TrackName(NamedTuple):
    """What a track's file is called; `artist` is whatever stands before the title or the number."""

    disc: int | None
    track: int | None
    artist: str | None
    title: str | None


def text_of(name: bytes) -> str:
    r"""Return a file's or folder's name as text; bytes that are not UTF-8 become `\xff`."""
    return name.decode("utf-8", "backslashreplace")


def spaced(text: str) -> str:
    """Return a name with spaces where it has none but underscores: "01_Song" is "01 Song"."""
    return text if " " in text else text.replace("_", " ").strip()


def stem_of(name: bytes) -> bytes:
    """Return a file's name without its extension: `b"01 - Song.flac"` → `b"01 - Song"`."""
    stem, dot, extension = name.rpartition(b".")
    return stem if dot and stem and extension.isalnum() and len(extension) <= 8 else name


def natural_key(name: bytes) -> list[str | int]:
    """Return a sort key in which "2" comes before "10"."""
    # str.split with one group alternates text and digits, so equal places always hold equal types
    parts = _DIGITS.split(text_of(name).casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


@lru_cache(maxsize=1024)
def parse_album(text: str) -> AlbumName:
    """Read an album folder's name: "Artist - Album (1999) [FLAC]", "1999 - Album", "Artist-Album-WEB-1999-GRP"."""
    if scene := _SCENE.fullmatch(text):
        artist, album = (clean(scene[part].replace("_", " ")) for part in ("artist", "album"))
        return AlbumName(artist, album, int(scene["year"]))
    text = spaced(text)
    years = [inside.strip()[:4] for inside in _BRACKETS.findall(text) if _is_year(inside.strip())]
    parts = [part for part in map(clean, _DASH.split(_BRACKETS.sub(_worth_keeping, text))) if part]
    # "1999" and "Prince - 1999 (1982)" are albums: a part is the year only before a name, and if no bracket is
    beside = next((part for part in parts[:-1] if _YEAR.fullmatch(part)), None) if not years else None
    if beside:
        parts.remove(beside)
        years = [beside]
    elif not years and (date := _DATE.search(text)):  # a show is called by its date, which stays in the name
        years = [date["year"]]
    counted = _COUNTED.fullmatch(parts[0]) if len(parts) > 1 else None
    if counted and not counted["bare"]:
        parts = [" - ".join(parts)]
    elif counted:
        del parts[0]
    artist = parts[0] if len(parts) > 1 else None
    return AlbumName(artist, " - ".join(parts[1:] if artist else parts) or None, int(years[0]) if years else None)


def _worth_keeping(bracket: re.Match[str]) -> str:
    """Drop a year, a format or a catalogue number in braces; keep what belongs to the title, above all editions."""
    inside = bracket[1].strip()
    if _EDITION.search(inside):
        return bracket[0]
    return " " if bracket[0][0] == "{" or _is_year(inside) or is_technical(inside) else bracket[0]


def _is_year(text: str) -> bool:
    return _YEAR.fullmatch(text) is not None or _DATE.fullmatch(text) is not None


def is_technical(text: str) -> bool:
    """Tell whether a text names nothing but a file format, a rate or a medium: "FLAC 24-96"."""
    words = [word for word in _NO_WORD.split(text) if word]
    return bool(words) and all(map(_TECHNICAL.fullmatch, words))


def is_nameless(text: str) -> bool:
    """Tell whether a folder's name names neither an artist nor an album: "Downloads", "FLAC", "CD1"."""
    if is_technical(text):
        return not text.strip().isdigit()
    return _NO_NAME.fullmatch(fold(text)) is not None or disc_folder(text) is not None or is_bonus_folder(text)


def may_tell_disc(*names: bytes) -> bool:
    """Tell whether any of some file names may hold a disc; "01 Title" does not, and need not be parsed for one."""
    return _NONE_WITH_DISC.fullmatch(b"/".join((*names, b""))) is None


def parse_track(text: str) -> TrackName:
    """Read a track's file name without extension: "01 - Title", "1-01 Title", "Artist - 01 - Title", "d1t01", "CD1"."""
    text = spaced(text)
    text = _DISC_BEFORE.sub(r"\1-", text, count=1) if _DISC_BEFORE.match(text) else text
    if found := _TRACK_OF_A_SHOW.fullmatch(text):
        return TrackName(int(found["disc"]) if found["disc"] else None, int(found["track"]), None, clean(found["rest"]))
    if found := _TRACK_FIRST.fullmatch(text):
        artist, title = split_artist(clean(found["rest"]))
        return TrackName(int(found["disc"]) if found["disc"] else None, int(found["track"]), artist, title)
    if found := _TRACK_OF_KARAOKE.fullmatch(text):
        return TrackName(None, int(found["track"]), *split_artist(clean(found["rest"])))
    rest, disc = split_disc(text)
    if disc := disc or disc_folder(text):  # a file that is all of a disc
        return TrackName(disc, None, *split_artist(clean(rest)))
    dated = _DATE.match(text) is not None  # "2014-01-03 Episode 7": the month is no track, and nobody called 2014
    if found := _TRACK_INSIDE.fullmatch(_DATE.sub(lambda date: date[0].replace("-", "."), text)):
        artist = None if dated else clean(_DASH.split(text[: found.end("artist")])[0])  # "Artist - Album - 01 - Title"
        return TrackName(None, int(found["track"]), artist, clean(text[found.start("rest") :]))
    return TrackName(None, None, *((None, clean(text)) if dated else split_artist(clean(text))))


def split_artist(text: str | None) -> tuple[str | None, str | None]:
    """Split "Artist - Title"; whether the first half is an artist, only the neighbours can tell."""
    parts = _DASH.split(text, maxsplit=1) if text else []
    return (parts[0], parts[1]) if len(parts) == 2 else (None, text)
