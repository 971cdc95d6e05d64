"""Files beside the music → the album each one belongs to, if exactly one claims it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from config.reasons import path_text
from scanner.grouping.album_names import is_nameless, parse_album
from scanner.grouping.folding import fold
from scanner.grouping.groups import SideRow
from scanner.grouping.merging import Whole
from scanner.grouping.names import stem_of

_SEVERAL = -1


def home_of(whole: Whole) -> bytes:
    """Return the folder that holds the whole album: its own, or the common parent of its folders."""
    if len(whole.parts) == 1:
        return whole.parts[0].place.home
    homes = [part.place.home.split(b"/") for part in whole.parts]
    shared = []
    for level in zip(*homes, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return b"/".join(shared)


def folders_of(whole: Whole) -> set[bytes]:
    """Return every folder that holds music of the album."""
    return set().union(*(part.folders for part in whole.parts))


def share_out(sides: Iterable[SideRow], wholes: Sequence[Whole]) -> dict[int, list[SideRow]]:
    """Return the side files of each whole, by its index.

    A file goes with the track whose name it has; else to the only album of its folder; else, from a folder without
    music, to the only album under the next folder above that has some, but never above that album's home. What lies in
    the root, or among several albums, is nobody's; of copies of one album the first gets it.
    """
    ordered = sorted(sides, key=lambda side: (side.folder, side.name, side.file_id))
    if not ordered:
        return {}
    with_sides = {side.folder for side in ordered}
    by_stem: dict[tuple[bytes, bytes], int] = {}
    under: dict[bytes, int] = {}
    for index, whole in enumerate(wholes):
        folders = folders_of(whole)
        if not with_sides.isdisjoint(folders):
            for folder, name in (file for part in whole.parts for file in part.files):
                by_stem[folder, name.lower()] = index
                by_stem.setdefault((folder, stem_of(name).lower()), index)
        for folder in folders:
            for above in _upwards(folder):
                under[above] = _one_of(wholes, under.get(above, index), index)
    grounds = [_grounds(whole) for whole in wholes]
    shared: dict[int, list[SideRow]] = defaultdict(list)
    for side in ordered:
        owner = _by_stem(side, by_stem)
        if owner is None:
            owner = _by_folder(side.folder, under, grounds)
        if owner is not None:
            shared[owner].append(side)
    return shared


def _grounds(whole: Whole) -> set[bytes]:
    """Return the folders that are the album's with all that lies in them."""
    homes = {part.place.home for part in whole.parts}
    return folders_of(whole).union(homes, {home_of(whole)}, filter(None, (_named_above(home, whole) for home in homes)))


def _named_above(home: bytes, whole: Whole) -> bytes | None:
    """Return the folder above "FLAC" or "MP3" if it is named after the album: "Artist - Album (1999)/FLAC"."""
    above, _, name = home.rpartition(b"/")
    if not above or not is_nameless(path_text(name)):
        return None
    said = parse_album(path_text(above.rpartition(b"/")[2])).album
    title = whole.parts[0].title
    return above if said and title and fold(said) == fold(title) else None


def _one_of(wholes: Sequence[Whole], first: int, index: int) -> int:
    """Return the album for what lies beside both; of copies, such as FLAC and MP3, the first."""
    if first in (index, _SEVERAL):
        return first
    names = wholes[index].parts[0].names
    return first if names and names == wholes[first].parts[0].names else _SEVERAL


def _upwards(folder: bytes) -> Iterator[bytes]:
    """Yield a folder and those above it, without the root."""
    while folder:
        yield folder
        folder = folder.rpartition(b"/")[0]


def _by_stem(side: SideRow, by_stem: dict[tuple[bytes, bytes], int]) -> int | None:
    """Find the track a file is named after: "01 - Song.lrc", "01 - Song.flac.cue", "01 - Song.en.lrc"."""
    stem = stem_of(side.name).lower()
    return by_stem.get((side.folder, stem), by_stem.get((side.folder, stem_of(stem))))


def _by_folder(folder: bytes, under: dict[bytes, int], grounds: Sequence[set[bytes]]) -> int | None:
    for above in _upwards(folder):
        owner = under.get(above)
        if owner is not None:
            inside = owner != _SEVERAL and any(ground in grounds[owner] for ground in _upwards(above))
            return owner if inside else None
    return None
