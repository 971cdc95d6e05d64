"""Albums of single places → whole albums with stable keys: parts that lie in several folders come together."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from config.blake import blake2b
from config.reasons import show_path
from scanner.grouping.credits import BY_RULE
from scanner.grouping.folding import fold
from scanner.grouping.shares import nearly_one_a_track
from scanner.grouping.tidy import Part
from scanner.grouping.tracks import Number

Names = tuple[str, str]
"""Folded artist and title."""

LONGEST_NAME = 120
"""Characters of one name in a key. A longer one is cut and hashed: PostgreSQL indexes no value above 2.7 kB."""


class Whole(NamedTuple):
    """One album: its parts, by folder, and its key.

    `twin` is the folder of an album with the same names that has some of the same track numbers.
    """

    key: str
    parts: tuple[Part, ...]
    twin: bytes | None


def merge(albums: Iterable[Part], taken: set[str]) -> list[Whole]:
    """Join parts of the same release id or names while their disc and track numbers do not collide.

    The key is the release id, or the artist and title; neither year nor discs, so that a second disc dropped a week
    later finds the first one. Where several albums of one scan share it, the largest has it, of which the others may be
    copies; they get the names of their folders added. Keys in `taken` have others; those given are put into it.
    """
    ordered = _with_compilations(sorted(albums, key=attrgetter("first")))
    by_identity: dict[str, list[Part]] = defaultdict(list)
    releases = _releases(ordered)
    leads = _leads(ordered)
    for album in ordered:
        by_identity[_identity(album, releases, leads)].append(album)
    wholes: list[Whole] = []
    for same in by_identity.values():
        twin = None
        for parts in _without_collisions(same):
            plain = key_of(parts[0]) if len(parts) == 1 else _key_of_all(parts)
            wholes.append(Whole(unused_key(plain, parts[0], taken), tuple(parts), twin))
            twin = twin if twin is not None else parts[0].first[0]
    return wholes


def _with_compilations(albums: list[Part]) -> list[Part]:
    """Credit a compilation to various artists that is filed by its singers: "Blur/Hits/01", "Pulp/Hits/02"."""
    by_title: dict[str, list[int]] = defaultdict(list)
    for index, album in enumerate(albums):
        if album.title and album.credit.source == "tag" and not album.release_id:
            by_title[album.title.casefold()].append(index)
    for found in by_title.values():
        if len(found) > 1 and _is_compilation([albums[index] for index in found]):
            for index in found:
                albums[index] = albums[index]._replace(credit=BY_RULE)
    return albums


def _is_compilation(parts: Sequence[Part]) -> bool:
    """Tell whether nearly each track is by somebody else, none has an album artist, and they count one another.

    Songs of several years may be from as many albums: each band has its "Greatest Hits".
    """
    singers = Counter(album.names[0] for album in parts for _ in album.files if album.names)
    if not nearly_one_a_track(singers):
        return False
    tracks = [track for album in parts for track in album.tracks]
    numbers = {track.number for track in tracks}
    if None in numbers or len(numbers) < len(tracks) or any(track.album_artist for track in tracks):
        return False
    if len({track.row.year for track in tracks} - {None}) > 1:
        return False
    totals = {track.row.track_total for track in tracks}
    counted = len(totals) == 1 and None not in totals
    return counted or numbers == {(1, track) for track in range(1, len(tracks) + 1)}


def _releases(albums: Iterable[Part]) -> dict[Names, set[str]]:
    """Return the release ids seen under each artist and title."""
    seen: dict[Names, set[str]] = defaultdict(set)
    for album in albums:
        if album.release_id and album.names:
            seen[album.names].add(album.release_id)
    return seen


def _leads(albums: Sequence[Part]) -> dict[Names, Names]:
    """Map "A & B" to "A" where the songs of both fill gaps in an album of "A": iTunes files them in a folder apart."""
    artists = [album.credit.artist or "" for album in albums]
    duets = {album.names for album, artist in zip(albums, artists, strict=True) if "&" in artist or " and " in artist}
    if not duets:  # as mostly
        return {}
    by_names: dict[Names | None, list[Part]] = defaultdict(list)
    for album in albums:
        by_names[album.names].append(album)
    found = {}
    for names in filter(None, duets):
        lead = names[0].partition(" and ")[0], names[1]
        if lead != names and lead in by_names:
            numbers = [track.number for album in by_names[names] + by_names[lead] for track in album.tracks]
            if None not in numbers and len(set(numbers)) == len(numbers):
                found[names] = lead
    return found


def _identity(album: Part, releases: dict[Names, set[str]], leads: dict[Names, Names]) -> str:
    """Return what parts of one album agree in; untagged parts join the release of their names if there is only one."""
    if album.release_id or album.names is None:
        return key_of(album)
    artist, title = names = leads.get(album.names, album.names)
    ids = releases.get(names, ())
    return f"mbid:{next(iter(ids))}" if len(ids) == 1 else f"album:{_short(artist)}/{_short(title)}"


def _key_of_all(parts: Iterable[Part]) -> str:
    """Return the release id of any part, or the key of the largest."""
    by_size = sorted(parts, key=lambda part: len(part.tracks), reverse=True)
    return min(map(key_of, by_size), key=lambda key: not key.startswith("mbid:"))


def key_of(album: Part) -> str:
    """Return the key of an album by itself, though another may have it, too."""
    if album.release_id:
        return f"mbid:{album.release_id}"
    if album.title:
        artist = _short(fold(album.credit.artist)) if album.credit.artist else ""
        return f"album:{artist}/{_short(fold(album.title))}"
    folder, name = album.first
    return f"file:{_short(show_path(name))}" if album.place.is_root else f"folder:{_short(show_path(folder))}"


def _short(name: str) -> str:
    r"""Return a name that fits into a key; "/" separates the names there, so that in a name becomes "⁄"."""
    name = name.replace("/", "⁄")
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}~{blake2b(name.encode('utf-8', 'backslashreplace'), digest_size=8).hexdigest()}"


def unused_key(plain: str, first: Part, taken: set[str]) -> str:
    """Return the key, with the folder's name if it is taken, and a number if that is taken too."""
    key = plain
    if key in taken:
        by_folder = f"{plain}#{_short(fold(show_path(first.first[0])))}"
        numbered = (f"{by_folder}#{count}" for count in itertools.count(2))
        key = next(key for key in itertools.chain((by_folder,), numbered) if key not in taken)
    taken.add(key)
    return key


def _without_collisions(albums: list[Part]) -> list[list[Part]]:
    """Deal albums of one identity out, largest whole first, so that each number occurs once in each; linear in tracks.

    An album goes one above the last whole that holds any of its numbers. One whose artist or title is unknown, or that
    has a track without a number, cannot be shown to be a part: it stays alone.
    """
    if len(albums) == 1:
        return [albums]
    above: dict[Number, int] = {}
    wholes: dict[int, list[Part]] = defaultdict(list)
    alone: list[list[Part]] = []
    for album in albums:
        numbers = {track.number for track in album.tracks}
        if None in numbers or not (album.release_id or album.names):
            alone.append([album])
            continue
        level = max(above.get(number, 0) for number in numbers if number)
        wholes[level].append(album)
        above.update((number, level + 1) for number in numbers if number)
    return sorted([*wholes.values(), *alone], key=lambda parts: (-sum(len(p.tracks) for p in parts), parts[0].first))
