"""Folder and file names → the artist, album, year, disc, track and title that people write into them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from scanner.grouping.folding import clean, fold

MOST_DISCS = 50  # "CD86" and "Disc 1984" are titles, not discs

LONGEST_NAME = 255  # a longer tag is no name that somebody wrote a disc into

_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten"
_ROMAN = "i|ii|iii|iv|v|vi|vii|viii|ix|x"
_COUNT = {w: n for words in (_WORDS, _ROMAN) for n, w in enumerate(words.split("|"), 1)}
_OF = r"(?:[\W_]*of[\W_]*\d{1,2})?"
_NUMBER = rf"(?:[\W_]*(?P<number>\d{{1,2}})(?!\d)|[\W_]+(?P<word>{_WORDS})\b){_OF}"
_MEDIUM = r"(?:cd|dis[ck]|disque|scheibe|dvd|sacd|vinyl|lp|record|tape|cassette|digital[\W_]*media)"
_DISC_FOLDERS = (
    re.compile(rf"[\W_]*{_MEDIUM}{_NUMBER}(?:[\W_].*)?", re.IGNORECASE | re.DOTALL),
    re.compile(rf"[\W_]*(?:cd|dis[ck])[\W_]+(?P<roman>{_ROMAN})(?:[\W_].*)?", re.IGNORECASE | re.DOTALL),
    re.compile(r"[\W_]*(?P<number>\d{1,2})[\W_]*of[\W_]*\d{1,2}[\W_]*", re.IGNORECASE),
    re.compile(r"side[\W_]*(?:(?P<number>\d)|(?P<side>[a-h]))", re.IGNORECASE),
)
_BONUS = r"bonus(?:[\W_]*(?:cd|dis[ck]|dvd|lp|tracks?))?"
_BONUS_FOLDER = re.compile(_BONUS, re.IGNORECASE)
_BONUS_AT_END = re.compile(rf"\s*(?:[(\[{{]\s*{_BONUS}\s*[)\]}}]|[-–:,]\s*{_BONUS})\Z", re.IGNORECASE)
_DISC_IN_BRACKETS = re.compile(
    rf"[\s_]*[(\[{{][\W_]*(?:(?:cd|dis[ck]){_NUMBER}|(?P<nth>\d{{1,2}})[\W_]*of[\W_]*\d{{1,2}})"
    r"(?:[\W_][^()\[\]{}]*)?[)\]}]",
    re.IGNORECASE,
)
_DISC_AT_END = re.compile(
    rf"[\s_,.:;–-](?:cd|dis[ck]){_NUMBER}(?:\s*[-–:]\s.*|(?P<tail>[\s_]*[(\[{{-].*|[\s_.]+(?:19|20)\d\d\b.*))?\Z",
    re.IGNORECASE | re.DOTALL,
)

_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_YEAR = re.compile(r"(?:19|20)\d\d")
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
    r"(?:(?:\s*[-–—._)\]]+\s*|\s+)(?P<rest>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_NO_DISC = rb"\d{1,3}(?:[ _]|[-.][^\dtT\x80-\xff])"  # what nearly every name begins with
_NONE_WITH_DISC = re.compile(rb"(?:%b[^/]*/)*" % _NO_DISC)
_DISC_BEFORE = re.compile(r"(?:cd|dis[ck])[\s_]*(\d{1,2})\s*[-–—]\s*(?=\d)", re.IGNORECASE)
_TRACK_INSIDE = re.compile(r"(?P<artist>.+?)\s*[-–—]\s*(?P<track>\d{1,3})\s*(?:[-–—]|\.\s)\s*(?P<rest>.+)", re.DOTALL)
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


def stem_of(name: bytes) -> bytes:
    """Return a file's name without its extension: `b"01 - Song.flac"` → `b"01 - Song"`."""
    stem, dot, extension = name.rpartition(b".")
    return stem if dot and stem and extension.isalnum() and len(extension) <= 8 else name


def natural_key(name: bytes) -> list[str | int]:
    """Return a sort key in which "2" comes before "10"."""
    # str.split with one group alternates text and digits, so equal places always hold equal types
    parts = _DIGITS.split(text_of(name).casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def disc_folder(text: str) -> int | None:
    """Return the number of a folder that is nothing but one disc of its parent: "CD1", "Disk_2 - Live", "Side B".

    "Volume 2" and "Part 2" are none: they are mostly albums of their own, and their tags say when they are not.
    """
    for pattern in _DISC_FOLDERS:
        found = pattern.fullmatch(text.strip())
        if found:
            side = found.groupdict().get("side")
            return ord(side.lower()) - ord("a") + 1 if side else _disc_number(found)
    return None


def is_bonus_folder(text: str) -> bool:
    """Tell whether a folder is a disc that has no number of its own: "Bonus CD"."""
    return _BONUS_FOLDER.fullmatch(text.strip()) is not None


def without_bonus(text: str) -> str:
    """Take out of an album's name that it is a bonus: `"Album (Bonus Disc)"` → `"Album"`."""
    return _BONUS_AT_END.sub("", text) or text


@lru_cache(maxsize=1024)
def split_disc(text: str) -> tuple[str, int | None]:
    """Take the disc out of an album's name: `"Album (Disc 2) [Remastered]"` → `("Album [Remastered]", 2)`."""
    found = None
    if len(text) <= LONGEST_NAME:
        found = _DISC_IN_BRACKETS.search(text) or _DISC_AT_END.search(text)
    if found is None:
        return text, None
    tail = text[found.end() :] or found.groupdict().get("tail") or ""
    before = text[: found.start()].rstrip(" _,.:;–-")
    number = _disc_number(found)
    return (f"{before}{tail}".strip(), number) if number and any(map(str.isalnum, before)) else (text, None)


def _disc_number(found: re.Match[str]) -> int | None:
    groups = found.groupdict()
    word = groups.get("word") or groups.get("roman")
    number = _COUNT[word.lower()] if word else int(groups.get("number") or groups.get("nth") or 0)
    return number if 0 < number <= MOST_DISCS else None


@lru_cache(maxsize=1024)
def parse_album(text: str) -> AlbumName:
    """Read an album folder's name: "Artist - Album (1999) [FLAC]", "1999 - Album", "Artist-Album-WEB-1999-GRP"."""
    if scene := _SCENE.fullmatch(text):
        artist, album = (clean(scene[part].replace("_", " ")) for part in ("artist", "album"))
        return AlbumName(artist, album, int(scene["year"]))
    if " " not in text:
        text = text.replace("_", " ")
    years = [inside for inside in _BRACKETS.findall(text) if _YEAR.fullmatch(inside.strip())]
    parts = [part for part in map(clean, _DASH.split(_BRACKETS.sub(_worth_keeping, text))) if part]
    # "1999" and "Prince - 1999 (1982)" are albums: a part is the year only before a name, and if no bracket is
    beside = next((part for part in parts[:-1] if _YEAR.fullmatch(part)), None) if not years else None
    if beside:
        parts.remove(beside)
        years = [beside]
    artist = parts[0] if len(parts) > 1 else None
    return AlbumName(artist, " - ".join(parts[1:] if artist else parts) or None, int(years[0]) if years else None)


def _worth_keeping(bracket: re.Match[str]) -> str:
    """Drop a year, a format or a catalogue number in braces; keep what belongs to the title, above all editions."""
    inside = bracket[1].strip()
    if _EDITION.search(inside):
        return bracket[0]
    return " " if bracket[0][0] == "{" or _YEAR.fullmatch(inside) or is_technical(inside) else bracket[0]


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
    """Read a track's file name without extension: "01 - Title", "1-01 Title", "Artist - 01 - Title", "d1t01. Title"."""
    if " " not in text:
        text = text.replace("_", " ").strip()
    text = _DISC_BEFORE.sub(r"\1-", text, count=1) if _DISC_BEFORE.match(text) else text
    if found := _TRACK_FIRST.fullmatch(text):
        artist, title = split_artist(clean(found["rest"]))
        return TrackName(int(found["disc"]) if found["disc"] else None, int(found["track"]), artist, title)
    if found := _TRACK_INSIDE.fullmatch(text):
        artist = clean(_DASH.split(found["artist"])[0])  # "Artist - Album - 01 - Title"
        return TrackName(None, int(found["track"]), artist, clean(found["rest"]))
    return TrackName(None, None, *split_artist(clean(text)))


def split_artist(text: str | None) -> tuple[str | None, str | None]:
    """Split "Artist - Title"; whether the first half is an artist, only the neighbours can tell."""
    parts = _DASH.split(text, maxsplit=1) if text else []
    return (parts[0], parts[1]) if len(parts) == 2 else (None, text)
