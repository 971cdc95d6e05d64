"""Names of albums' folders → the artist, album and year that people write into them."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from scanner.grouping.discs import disc_folder, is_bonus_folder
from scanner.grouping.folding import clean, fold
from scanner.grouping.names import DASH, DATE, spaced
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import is_various, says_unknown

_BRACKETS = pattern(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_YEAR = pattern(r"(?:19|20)\d\d")
_COUNTED = pattern(  # "Folge 12", "07": which of a series an album is
    r"(?:folge|episode|book|buch|chapter|kapitel|vol|volume|part|teil|band|tome|выпуск|часть|том|n[or])[\W_]*\d{1,4}|(?P<bare>0\d\d?|\d\d?)\.?",
    re.IGNORECASE,
)
_COUNTED_OF_ARTIST = pattern(r"0\d\d?")
_COUNTED_BEHIND_ARTIST = pattern(r"(?<=\w)\s+0\d\d?\Z")  # "TKKG 023 - Title", as nobody is called
_SITE = pattern(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|info|ru)", re.IGNORECASE)
_TECHNICAL = pattern(
    r"flac|mp3|aac|m4a|alac|ogg|opus|wav|aiff|ape|wv|wma|ds[df]\d*|loss(?:less|y)|[cv]br|v[0-2]|eac|xld"
    r"|(?:web|cd)?rip|web|\d*(?:cd|lp)|vinyl|sacd|hi|res|hires|log|cue|scans|bk"
    r"|\d+(?:k?bps|kbits?|k?hz|k|bits?|b)?|k?bps|kbits?|k?hz|bits?|x",
    re.IGNORECASE,
)
_BITS_OR_RATE = pattern(r"(?:16|24|32)\W\d{2,3}|128|192|256|320")
_EDITION = pattern(r"edition|remaster|deluxe|anniversary|expanded|version|mono|stereo|live|reissue|mix|bonus", re.I)
_SCENE = pattern(r"(?P<names>[^-\s]+(?:-[^-\s]+)+)-(?P<year>(?:19|20)\d\d)-\w+")
_OF_RELEASE = pattern(  # what stands behind artist and album
    r"\(.*|.*(?:edition|remaster).*|single|ep|vls|ost|cd[smr]?|dvdr?|promo|retail|digital|bootleg|proper|repack|[a-z]{2}",
    re.IGNORECASE,
)
_CATALOGUE_FIRST = pattern(  # "[WARPCD92] Artist - Album"
    r"\A[(\[{](?=[^()\[\]{}]*\d)[A-Z]{2,}[A-Z\d ._-]*[)\]}]\s+(?=\w)"
)
_YEAR_FIRST = pattern(r"\A(?:(?P<year>(?:19|20)\d\d)(?:\.\s+|[-–—])(?=[^\W\d])|0\d\.\s+)")
_YEAR_INSIDE = pattern(
    r"(?!.*\s[-–—]\s)(?P<artist>[^()\[\]{}]+?)\s*[(\[](?P<year>(?:19|20)\d\d)[)\]]\s*(?P<album>[^()\[\]{}]+)"
)
_YEAR_BETWEEN = pattern(  # "Artist - (1999) - Album"
    r"(?<=\s)[-–—]\s+[(\[{](?:19|20)\d\d(?:[-.]\d\d){0,2}[)\]}](?=\s+[-–—]\s)"
)
_YEAR_LAST = pattern(  # behind a bracket, or before what says no more than the format
    r"(?:(?<=[)\]}])\s+(?P<year>(?:19|20)\d\d)|(?:\s+(?P<before>(?:19|20)\d\d))?(?:\s+(?:flac|mp3|aac|m4a|alac|ogg"
    r"|wav|ds[df]|lossless|[cv]br|(?:web|cd|vinyl)rip|320|\d+\s?k(?:bps|hz)?|\d\d\s?bits?|24[-/]\d+))+)\Z",
    re.IGNORECASE,
)
_BRACKET_LAST = pattern(r"(?<=\s)[(\[{]([^()\[\]{}]*)[)\]}]\Z")
_DASH_LAST = pattern(r"\s[-–—]\Z")
_PRESSING = pattern(  # "(2009, Germany, Label, CAT 12)", "(2009-05-01 - DE - Label - CAT 12)"
    r"(?P<year>(?:19|20)\d\d)(?:-\d\d){0,2}(?:\s*[,;]\s.+|(?:\s[-–—]\s.+){2,})"
)
_YEARS = pattern(r"(?:19|20)\d\d\s?[-–]\s?(?:19|20)?\d\d")
_UNDECODED = pattern(r"\\x[89a-f][0-9a-f]")  # as `path_text` writes bytes of another code page
_WIDE = str.maketrans("－（）［］", "-()[]")
_EAST = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_TIGHT_DASH = pattern(rf"(?<={_EAST})-(?={_EAST})")  # "周杰伦-范特西"
_NO_WORD = pattern(r"[\W_]+")
_TYPE = pattern(
    r"album|ep|single|compilation|broadcast|other", re.IGNORECASE
)  # of Lidarr: "Artist - EP - 1999 - Title"
_NOBODY = pattern(r"album|single|ep|na", re.IGNORECASE)  # "Album - Title" of YouTube Music, "NA" of yt-dlp
_GAP_INSIDE = "\ue000"  # stands for a space within brackets while a name is split at its dashes
_NO_NAME = pattern(
    r"audio|media|download(?:s|ed)?|inbound|incoming|inbox|new|unsorted|unknown|misc|albums|artists"
    r"|torrents|completed?|finished|te?mp|rips|collection|library|singles|eps|discography|desktop"
    r"|(?:live|studio) albums|untitled|folder|to sort|audio cd|cds"
    r"|(?:(?:my|new|meine|mi|ma) )?(?:musi[ck]|musica|musique)|muziek|muzyka|музыка"
    r"|n ?a|non album(?: (?:tracks|songs))?|standalone recordings"  # of yt-dlp, beets and Picard
    r"|audio ?books?|horbucher|horspiele|podcasts"
    r"|(?:(?:new|untitled) folder|neuer ordner|nouveau dossier|nueva carpeta|nova pasta|nuova cartella|nieuwe map"
    r"|nowy folder|ny mapp?e?|novy adresar|uj mappa|yeni klasor|новая папка|нова папка|新しいフォルダー|新建文件夹"
    r"|새 폴더)(?: \d+)?"
)
_COPY = pattern(  # as file managers say
    r"\s[-–—]\s(?:copy|kopie|copie|c[oó]pia|kopia|копия|コピー|副本)(?:\s\(\d+\))?\Z", re.IGNORECASE
)


class AlbumName(NamedTuple):
    """What an album's folder is called, as far as it can be told."""

    artist: str | None
    album: str | None
    year: int | None


@lru_cache(maxsize=1024)
def parse_album(text: str) -> AlbumName:
    """Read an album folder's name: "Artist - Album (1999) [FLAC]", "1999 - Album", "Artist-Album-WEB-1999-GRP"."""
    if scene := _SCENE.fullmatch(text):
        return _scene(scene["names"].split("-"), int(scene["year"]))
    text = _CATALOGUE_FIRST.sub("", _plain(text))
    if inside := _YEAR_INSIDE.fullmatch(text):
        artist, year, album = inside.groups()
        if not (is_nameless(album) or _EDITION.search(album)):
            return AlbumName(clean(artist), clean(album), int(year))
    pressed = _years_pressed(text)
    text, years = _without_years(text)
    parts = _parts(text)
    # "1999" and "Prince - 1999 (1982)" are albums: a part is the year only beside two names, and if no bracket is
    beside = [part for part in (*parts[:-1], *parts[2:]) if _YEAR.fullmatch(part)] if not years else []
    if beside:
        where = parts.index(beside[0])
        typed = 1 < where < len(parts) - 1 and _TYPE.fullmatch(parts[where - 1])
        del parts[where - 1 if typed else where : where + 1]
        years = beside
    elif not years and (date := DATE.search(text)):  # a show is called by its date, which stays in the name
        years = [date["year"]]
    years = years or pressed
    counted = _COUNTED.fullmatch(parts[0]) if len(parts) > 1 else None
    if counted and not counted["bare"]:
        parts = [" - ".join(parts)]
    elif counted:
        del parts[0]
    elif len(parts) > 2 and _COUNTED_OF_ARTIST.fullmatch(parts[1]):
        del parts[1]
    artist = _COUNTED_BEHIND_ARTIST.sub("", parts[0]) if len(parts) > 1 and not DATE.match(parts[0]) else None
    return AlbumName(artist, " - ".join(parts[1:] if artist else parts) or None, int(years[0]) if years else None)


def _parts(text: str) -> list[str]:
    """Split a name at its dashes, of which those in brackets part nothing: "Album (Live - Town)"."""
    kept = _BRACKETS.sub(lambda bracket: _worth_keeping(bracket).replace(" ", _GAP_INSIDE), text)
    parts = [part for part in (clean(part.replace(_GAP_INSIDE, " ")) for part in DASH.split(kept)) if part]
    return parts[1:] if len(parts) > 1 and _NOBODY.fullmatch(parts[0]) else parts


def _plain(text: str) -> str:
    """Write a name with spaces and the dashes and brackets of English, without that it is a copy."""
    text = spaced(text)
    if not text.isascii():
        text = _TIGHT_DASH.sub(" - ", text.translate(_WIDE))
    copied = _COPY.search(text)  # "Artist - Copy" may be an album
    return text[: copied.start()] if copied and DASH.search(text, 0, copied.start()) else text


def _scene(names: list[str], year: int) -> AlbumName:
    """Read "Artist", "Album" and what is said of the release; "Jay", "Z", "Album" tells an artist with a hyphen."""
    said = takewhile(lambda name: not (_OF_RELEASE.fullmatch(name) or is_technical(name)), names[2:])
    hyphen = any(said) and not is_various(names[0]) and (len(names[0]) <= 2 or len(names[1]) <= 3)
    artist, album = ("-".join(names[:2]), names[2]) if hyphen else names[:2]
    return AlbumName(clean(artist.replace("_", " ")), clean(album.replace("_", " ")), year)


def _years_pressed(text: str) -> list[str]:
    pressings = map(_PRESSING.fullmatch, map(str.strip, _BRACKETS.findall(text)))
    return [found["year"] for found in pressings if found]


def _without_years(text: str) -> tuple[str, list[str]]:
    """Take a year out of a name that is no word of it; those in brackets go with them, later."""
    years = [inside.strip()[:4] for inside in _BRACKETS.findall(text) if _is_year(inside.strip())]
    text = _YEAR_BETWEEN.sub("", text)
    bare = _without_brackets(text)
    if (found := _YEAR_LAST.search(bare)) and bare[found.start() - 1] in ")]}":  # "Album (1999) FLAC [24-96]"
        text = bare
    for form in (_YEAR_FIRST, _YEAR_LAST):
        if (found := form.search(text)) and not (found["year"] and _follows_no_name(text[: found.start()])):
            text = text[: found.start()] + text[found.end() :]
            years += filter(None, found.groups())
    return _DASH_LAST.sub("", text), years


def _follows_no_name(before: str) -> bool:
    """Tell whether what stands after brackets is the name: "[2014] 1989", "Artist - [2014] 1989"."""
    named = _BRACKETS.sub(" ", before).rstrip()
    return named != before.rstrip() and (not named or _DASH_LAST.search(named) is not None)


def _without_brackets(text: str) -> str:
    """Take off the brackets at the end of a name that say nothing of the album: "Album FLAC [24-96]"."""
    while (last := _BRACKET_LAST.search(text)) and _worth_keeping(last) == " ":
        text = text[: last.start()].rstrip()
    return text


def _worth_keeping(bracket: re.Match[str]) -> str:
    """Drop a year, a format or a catalogue number in braces; keep what belongs to the title, above all editions."""
    inside = bracket[1].strip()
    if _EDITION.search(inside) or _YEARS.fullmatch(inside):
        return bracket[0]
    if bracket[0][0] == "{" or _is_year(inside) or _PRESSING.fullmatch(inside) or is_technical(inside):
        return " "
    if _SITE.fullmatch(inside):
        return " "
    return bracket[0]


def _is_year(text: str) -> bool:
    return _YEAR.fullmatch(text) is not None or DATE.fullmatch(text) is not None


def is_technical(text: str) -> bool:
    """Tell whether a text names nothing but a file format, a rate or a medium: "FLAC 24-96"."""
    words = [word for word in _NO_WORD.split(text) if word]
    return bool(words) and all(map(_TECHNICAL.fullmatch, words))


def is_format(text: str) -> bool:
    """Tell whether a folder is called after a format: "FLAC", "MP3 320", "24-96"; "1999" and "25 [FLAC]" are albums."""
    if not is_technical(text):
        return False
    bare = _BRACKETS.sub(_worth_keeping, text).strip() or text.strip()
    return _BITS_OR_RATE.fullmatch(bare) is not None or any(map(str.isalpha, bare))


def is_nameless(text: str) -> bool:
    """Tell whether a folder's name names neither an artist nor an album: "Downloads", "FLAC", "CD1", no UTF-8."""
    if "\\x" in text and not any(map(str.isalpha, _UNDECODED.sub("", text))):
        return True
    if is_technical(text):
        return is_format(text)
    if _NO_NAME.fullmatch(fold(text)) or says_unknown(text):
        return True
    return disc_folder(text) is not None or is_bonus_folder(text)
