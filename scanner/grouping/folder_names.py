"""An album's folder and those it lies in → what the album is called and whose it is, as far as they tell together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from config.reasons import path_text
from scanner.grouping.album_names import AlbumName, is_nameless, parse_album
from scanner.grouping.folding import fold
from scanner.grouping.names import DATE
from scanner.grouping.numbering import is_part
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import is_various, sorts_music

_YEAR = pattern(r"(?:19|20)\d\d")
_OEUVRE = pattern(  # what folders of all that an artist made are called: "Discography", "(1967-1990)"
    r"[\s(\[]+(?:(?:complete )?(?:discogra\w+|diskogra\w+|дискография)\b.*"
    r"|(?:19|20)\d\d\s?[-–]\s?(?:(?:19|20)?\d\d)?[)\]])",
    re.IGNORECASE,
)

_YEARS = pattern(r"(?:19|20)\d\ds?|\d0s|(?:19|20)\d\d\s?[-–]\s?(?:19|20)?\d\d")  # "Artist/1984", "Artist/1980s"
_SHELF = pattern(  # by which the albums of one artist are sorted; "Live" and "Singles" may also be who made them
    r"(?:\d{1,2}[\W_]+)?(?:studio |live |official )?(?:albums|ep'?s?|lps|singles|studio|live|compilations?|samplers?"
    r"|remixes|bootlegs|demos|promos|splits|mixtapes|collaborations|others?)(?: (?:&|and) \w+| \((?:studio|live)\))?"
    r"|(?:studio|live)?-?alben|(?:студийные )?альбомы|синглы|сборники|концерты",
    re.IGNORECASE,
)
_SHELF_OF_MANY = pattern(
    r"compilations|(?:original )?soundtracks?|osts?|filmmusik|musicals|box[ -]?sets|samplers?|(?:dj )?mixes|playlists"
    r"|favou?rites|(?:video )?games",
    re.IGNORECASE,
)
_ADDITION = pattern(  # "Title - EP", as iTunes calls folders, is no title of an album
    r"single|ep|ost|(?:.* )?(?:edition|version|soundtrack)|deluxe|(?:digital(?:ly)? )?remaster(?:ed)?|bonus tracks?"
    r"|instrumentals?",
    re.IGNORECASE,
)
_COUNTED = pattern(r"(?P<series>.*\D)\s(?P<number>[1-9]\d?)")  # "Maroon 5", "Stories 2"
_DIGIT = pattern(r"[1-9]")
_LONGEST_CODE = 3  # letters of a folder that may sort those in it


class Named(NamedTuple):
    """What an album is called, and who the folder above says it is by, unless its own name does."""

    name: AlbumName
    above: str | None


class Beside:
    """The titles of all albums' folders, by the folder above → which of them count; looked at when the first asks."""

    def __init__(self) -> None:
        self.titles: Iterable[tuple[bytes, str]] = ()

    def count(self, above: bytes, series: str) -> bool:
        """Tell whether several numbers stand behind the same words in one folder, "" for none: "1" and "2"."""
        return len(self._found.get((above, fold(series)), ())) > 1

    def are_dated(self, above: bytes) -> bool:
        """Tell whether several names in one folder have a year behind: "Low Tide - 2003", "High Tide - 2005"."""
        return len(self._found.get((above, None), ())) > 1

    @cached_property
    def _found(self) -> Mapping[tuple[bytes, str | None], set[str]]:
        found: dict[tuple[bytes, str | None], set[str]] = defaultdict(set)
        for above, title in self.titles:
            said = parse_album(title)
            if _DIGIT.fullmatch(title):
                found[above, ""].add(title)
            elif said.artist and _ends_in_year(said):
                found[above, None].add(fold(said.artist))
            elif counted := _COUNTED.fullmatch(said.artist or ""):
                found[above, fold(counted["series"])].add(counted["number"])
        return found


def named_in(title: str, above: bytes, beside: Beside, singers: Collection[str]) -> Named:
    """Read the title of a folder that lies in the folder `above`; `singers` are the folded artists its files name.

    "Stories 1 - Morning" and "Stories 2 - Evening" are of the artist in whose folder they lie, and keep their number,
    else the series made them; "Stories 5 - Morning" alone may be by a band. So may "Low Tide - 2003" be by one: what
    may be either is nobody's.
    """
    said = parse_album(title)
    holder = _above_title(title, above)
    artist = _artist_folder(holder, dated=said.year is not None)
    if said.artist is None:
        dated = said.year and " - " not in (said.album or "")  # "Vol. 4 (1972)" has a year of its own
        sung = artist and fold(artist) in singers
        part = None if dated or sung else _part_of_the_album_above(said.album or "", above, beside)
        return Named(AlbumName(None, part, said.year), None) if part else Named(said, artist)
    if artist and _YEARS.fullmatch(said.artist):  # "Artist/1973 - Album (2011)"
        return Named(said._replace(artist=None), artist)
    if fold(said.artist) in singers:
        return Named(said, artist)
    whole = AlbumName(None, f"{said.artist} - {said.album}", said.year)
    owner = _owner(holder, said.artist)
    if owner and _ends_in_year(said):  # "Artist/Low Tide - 2003", or "Anything/Prince - 1999"
        dated = is_various(owner) or fold(owner) in singers or beside.are_dated(above)
        return Named(AlbumName(None, said.artist, int(said.album or 0)), owner) if dated else Named(whole, None)
    if owner and _ADDITION.fullmatch(said.album or ""):
        return Named(whole, owner)
    counted = _COUNTED.fullmatch(said.artist)
    if counted is None or (artist and fold(artist) == fold(said.artist)):
        return Named(said, artist)
    several = beside.count(above, counted["series"])
    if artist is None:
        return Named(said._replace(artist=counted["series"]) if several else said, None)
    return Named(whole, artist if several else None)


def _ends_in_year(said: AlbumName) -> bool:
    return not said.year and _YEAR.fullmatch(said.album or "") is not None


def _above_title(title: str, above: bytes) -> bytes:
    """Return the folder above that an album is called after: of "Artist/1999 - Album/FLAC" that of the artist."""
    parent, _, name = above.rpartition(b"/")
    said = path_text(name)
    return parent if " - " in said and title.startswith(said) else above


def _owner(folder: bytes, name: str) -> str | None:
    """Return whose a folder is; None if nobody's, or of the `name`, or if it may be a shelf: "Live/Prince - 1999"."""
    owner = _artist_folder(folder, dated=True)
    return None if owner is None or fold(owner) == fold(name) or _SHELF.fullmatch(owner) else owner


def _part_of_the_album_above(title: str, above: bytes, beside: Beside) -> str | None:
    """Return "Best Of - Vol. 1" for "Artist/Best Of/Vol. 1"; None unless a folder lies above that may be the artist's.

    It may as well be by somebody called "Best Of", whose folder lies in one of anything: whose it is, is not told.
    """
    if not (is_part(title) or (_DIGIT.fullmatch(title) and beside.count(above, ""))):
        return None
    parent, _, name = above.rpartition(b"/")
    album = parse_album(path_text(name))
    if album.artist or _OEUVRE.search(path_text(name)):
        return None
    owned = _artist_folder(parent, dated=False) and not _begins(path_text(parent.rpartition(b"/")[2]), path_text(name))
    return f"{album.album} - {title}" if owned and _artist_folder(above, dated=False) else None


def _begins(code: str, name: str) -> bool:
    """Tell a few letters that folders are sorted by: "BE/The Beatles", "LZ/Led Zeppelin", as staging has them."""
    first = fold(code)[:1]
    return len(code) <= _LONGEST_CODE and any(word.startswith(first) for word in fold(name).split())


def _artist_folder(folder: bytes, *, dated: bool) -> str | None:
    """Read the artist of an album that lies in a folder; one with its year also through "Artist/Live"."""
    above, _, name = folder.rpartition(b"/")
    text = path_text(name)
    if not text:
        return None
    sure = _YEARS.fullmatch(text) or DATE.match(text) or _SHELF_OF_MANY.fullmatch(text)  # nobody is called so
    shelf = sure or (dated and above and _SHELF.fullmatch(text))
    if shelf or is_nameless(text) or sorts_music(text):  # "Artist (1967-1990)/Albums"
        many = text if is_various(text) else None  # "Music/Compilations"
        text = path_text(above.rpartition(b"/")[2])
        if (not text or is_nameless(text) or sorts_music(text)) if shelf else not _OEUVRE.search(text):
            return many
    said = parse_album(text)  # "Artist - Discography (1990-2010)"
    return said.artist or (said.album and _OEUVRE.sub("", said.album))
