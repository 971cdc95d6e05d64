"""Names of folders, and the albums their tags name → which are one place: an album with its disc folders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import dropwhile, takewhile
from typing import Any, NamedTuple

from config.reasons import path_text
from scanner.grouping.album_names import is_format, is_nameless, parse_album
from scanner.grouping.discs import (
    MOST_DISCS,
    MOST_IN_A_BOX,
    NO_DISCS,
    disc_folder,
    is_bonus_folder,
    split_disc,
    without_bonus_disc,
)
from scanner.grouping.folding import fold
from scanner.grouping.groups import FolderTracks
from scanner.grouping.numbering import by_parts, by_same_word, is_part
from scanner.grouping.patterns import pattern

_COUNTS = pattern(rb"\d{1,2}|set[ _-]?\d|encore", re.IGNORECASE)


class Spot(NamedTuple):
    """Where a folder belongs: its place, and the disc its name says (0: a bonus disc, counted later)."""

    home: bytes
    label: str | None  # folded album name, if the disc folders name it: "Album (Disc 1)"; None for the home itself
    title: str
    disc: int | None


Spots = dict[bytes, Spot]
"""Folders of one place, by their path."""

_Key = tuple[bytes, str | None, str]
"""Home and label of a place, and the folded format that its disc folders are divided by: "CD1/FLAC", "CD1/MP3"."""


def find_spots(folders: Sequence[FolderTracks]) -> Iterable[Spots]:
    """Put each folder together with its disc folders; all stay in the order given."""
    found: dict[_Key, Spots] = {}
    parts = _parts(folders)
    last = 0
    for folder in (each.folder for each in folders):
        spot, form = (parts[folder], "") if folder in parts else _spot_and_format(folder, MOST_IN_A_BOX)
        found.setdefault((spot.home, spot.label, form), {})[folder] = spot
        last = max(last, spot.disc or 0)
    if last:  # else there are no discs, as mostly
        by_name = {each.folder: each for each in folders}
        if last > MOST_DISCS:
            _forget_titles(found, by_name, parts)
        _tell_media_apart(found, by_name)
    _bring_bonus_discs(found)
    return found.values()


def _forget_titles(
    found: dict[_Key, Spots], folders: Mapping[bytes, FolderTracks], parts: Mapping[bytes, Spot]
) -> None:
    """Take "CD86" for the title of an album unless a disc that is none, "CD1", lies beside, or tags name the box."""
    for key, spots in [*found.items()]:
        discs = {folder: spot.disc for folder, spot in spots.items() if spot.disc}
        if not discs or min(discs.values()) <= MOST_DISCS or not parts.keys().isdisjoint(discs):
            continue
        for folder in discs:
            if spots[folder].disc in NO_DISCS or not _names_box(folders[folder], spots[folder]):
                del spots[folder]
                spot, form = _spot_and_format(folder, MOST_DISCS)
                found.setdefault((spot.home, spot.label, form), {})[folder] = spot
        if not spots:
            del found[key]


def _names_box(folder: FolderTracks, spot: Spot) -> bool:
    """Tell whether the tags call the album of a disc folder as the folder is called that it lies in."""
    album = split_disc(folder.album[0] or "")[0]
    return bool(album) and fold(album) == fold(parse_album(spot.title).album or "")


def _tell_media_apart(found: dict[_Key, Spots], folders: Mapping[bytes, FolderTracks]) -> None:
    """Let "DVD 1" be the disc after the "CD 1" that lies beside; if it holds the same songs, all DVDs are a copy."""
    for (home, label, form), spots in [item for item in found.items() if len(item[1]) > 1]:
        first: dict[int | None, bytes] = {}
        again: dict[bytes, bytes] = {}  # folder → that of the same disc on another medium
        for folder in sorted(spots, key=_cds_first):
            other = first.setdefault(spots[folder].disc, folder)
            if spots[folder].disc and _medium(folder) != _medium(other):
                again[folder] = other
        copies = {_medium(one) for one, other in again.items() if _same_titles(folders[one], folders[other])}
        for folder in [folder for folder in spots if _medium(folder) in copies]:
            found.setdefault((home, label, f"{form}/{_medium(folder)}"), {})[folder] = spots.pop(folder)
        last = max(spot.disc or 0 for spot in spots.values())
        for disc, folder in enumerate([one for one in again if one in spots], last + 1):
            spots[folder] = spots[folder]._replace(disc=disc)


def _cds_first(folder: bytes) -> tuple[bool, str]:
    return _medium(folder) != "cd", _medium(folder)


def _medium(folder: bytes) -> str:
    """Return a disc folder's name up to its first word, "12 Vinyl 1" → "12vinyl"; discs are thought to be CDs."""
    name = path_text(folder.rpartition(b"/")[2]).casefold()
    size = "".join(filter(str.isdecimal, takewhile(lambda sign: not sign.isalpha(), name)))
    letters = "".join(takewhile(str.isalpha, dropwhile(lambda sign: not sign.isalpha(), name)))
    return "cd" if letters in ("disc", "disk") else size + letters


def _bring_bonus_discs(found: dict[_Key, Spots]) -> None:
    """Let "Album [Bonus Disc]" join the "Album" beside it, or "Album (Disc 1)" and the others; alone it is disc 2."""
    for home in [home for home, *which in found if which == [None, ""] and b"bonus" in home.lower()]:
        above, _, name = home.rpartition(b"/")
        title = path_text(name)
        plain = without_bonus_disc(title)
        beside = home.removesuffix(name) + plain.encode()
        host = found.get((beside, None, "")) or found.get((above, fold(plain), ""))
        if plain == title or list(found[home, None, ""]) != [home]:
            continue
        alone = found.pop((home, None, ""))[home]
        if host:
            host[home] = alone._replace(disc=0)
        else:
            found[above, fold(plain), ""] = {home: Spot(above, fold(plain), plain, 0)}


def _parts(folders: Iterable[FolderTracks]) -> dict[bytes, Spot]:
    """Find the parts of one album: their tags name no other, and they are called "Part 1", "Part 2" …, or "1", "2" …

    Without tags only "1", "2" … of a book and "Set 1", "Encore" of a show are, in "Artist - Album".
    """
    beside: dict[tuple[bytes, str], list[FolderTracks]] = {}
    music = set()
    for folder in folders:
        parent, inside, name = folder.folder.rpartition(b"/")
        music.add(folder.folder)
        album = folder.album[0]
        named = album or (inside and _COUNTS.fullmatch(name) and _is_album(parent))
        if inside and named and folder.album.count(album) == len(folder.album):
            beside.setdefault((parent, album or ""), []).append(folder)
    found: dict[bytes, Spot] = {}
    for (parent, album), members in beside.items():
        if len(members) == 1 or parent in music:
            continue
        names = [path_text(folder.folder.rpartition(b"/")[2]) for folder in members]
        if numbers := by_parts(names):
            doubtful = names[0][:1].isdecimal() and _same_titles(*members[:2])  # "16 bit" and "24 bit"
            doubtful = doubtful if album else sorted(numbers) != [*range(1, len(numbers) + 1)]
        elif disc_folder(names[0]) is None and (numbers := by_same_word(names)):  # "CD1" is asked below, as mostly
            doubtful = _is_series(names, parent, members[0]) or _are_copies(members)
        else:
            continue
        if not doubtful and not _is_one_song_each(members) and all(_agree(members[0], other) for other in members):
            title = path_text(parent.rpartition(b"/")[2])
            found |= {part.folder: Spot(parent, None, title, n) for part, n in zip(members, numbers, strict=True)}
    return found


def _is_album(folder: bytes) -> bool:
    """Tell whether a folder is called after an artist and an album: "Artist - Album", not "Artist - Discography"."""
    said = parse_album(path_text(folder.rpartition(b"/")[2]))
    return bool(said.artist and said.album) and not is_nameless(said.album or "")


def _is_series(names: Sequence[str], parent: bytes, folder: FolderTracks) -> bool:
    """Tell whether names count what an artist made, not discs: "Now 1", "Now 2" of an album "Now", or years differ.

    In a folder of its own, which is not its artist's, an album may be that name: "The Wall/The Wall 1".
    """
    if len({parse_album(name).year for name in names} - {None}) > 1:
        return True
    album = fold(folder.album[0] or "")
    home = fold(parse_album(path_text(parent.rpartition(b"/")[2])).album or "")
    return fold(names[0]).startswith(f"{album} ") and (home != album or home in _artists(folder))


def _are_copies(folders: Sequence[FolderTracks]) -> bool:
    """Tell whether any two folders hold a song of the same number and title, however it is spelt: "CD" and "LP"."""
    songs = [
        {(track, fold(title or "")) for track, title in zip(folder.track, folder.title, strict=True)}
        for folder in folders
    ]
    return len(set().union(*songs)) < sum(map(len, songs))


def _is_one_song_each(folders: Sequence[FolderTracks]) -> bool:
    """Tell whether each folder holds one song, with a number of its own: then the folders count songs, not discs."""
    return len({folder.track[0] for folder in folders if folder.track[0] and len(folder.track) == 1}) == len(folders)


def _agree(one: FolderTracks, other: FolderTracks) -> bool:
    """Tell whether two folders may be parts of one album: the same years, and people, or various people, if known."""
    years, people = ({*filter(None, one.year)}, {*filter(None, other.year)}), (_artists(one), _artists(other))
    return _overlap(*years) and (_overlap(*people) or all(len(names) > 1 for names in people))


def _overlap(one: set[Any], other: set[Any]) -> bool:
    """Tell whether both have something in common, or one is unknown."""
    return not one or not other or not one.isdisjoint(other)


def _artists(folder: FolderTracks) -> set[str]:
    credited = folder.album_artist if any(folder.album_artist) else folder.artist
    return {fold(artist) for artist in credited if artist}


def _same_titles(one: FolderTracks, other: FolderTracks) -> bool:
    """Tell whether two folders hold the same songs, as copies do."""
    return bool(set(zip(one.track, one.title, strict=True)) & set(zip(other.track, other.title, strict=True)))


def _spot_and_format(folder: bytes, most: int) -> tuple[Spot, str]:
    """Look through the format in a disc folder: `b"Album/CD1/FLAC"` is disc 1 of `b"Album"`, in one of its copies."""
    spot = _spot(folder, most)
    above, _, name = folder.rpartition(b"/")
    if above and spot.disc is None and is_format(path_text(name)) and (disc := _spot(above, most)).disc is not None:
        return disc, fold(path_text(name))
    return spot, ""


def _spot(folder: bytes, most: int) -> Spot:
    """Tell a disc folder from an album's: `b"Album/CD1"` is disc 1 of `b"Album"`; none has a number above `most`."""
    home, disc, inside = folder, None, ""
    while home:
        parent, _, name = home.rpartition(b"/")
        text = path_text(name)
        highest = most if parent and not inside else MOST_DISCS
        number = disc_folder(text, highest) or (0 if is_bonus_folder(text) and parent else None)
        if number is None:
            break
        if inside and number:  # "LP2/Side A" is the third side
            number = disc_folder(f"{text} {inside}") or number
        home, disc, inside = parent, number, text
    if disc is not None:  # disc folders lying in the root are one place, apart from the loose files there
        return Spot(home, None if home else "", _title_of(home), disc)
    rest, number = split_disc(path_text(home.rpartition(b"/")[2]), most)
    if number is None:
        return Spot(folder, None, _title_of(home), None)
    return Spot(home.rpartition(b"/")[0], fold(rest), rest, number)


def _title_of(home: bytes) -> str:
    """Name an album's folder; one that says no more than a format, a part or the album again as that it lies in."""
    parent, _, name = home.rpartition(b"/")
    title, above = path_text(name), path_text(parent.rpartition(b"/")[2])
    if " - " not in above:
        return title
    if is_format(title) or fold(parse_album(above).album or "") == fold(title):  # "Artist - Album (1999)/Album"
        return above
    return f"{above} - {title}" if is_part(title) else title
