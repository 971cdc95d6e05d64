"""What lies beside an album's music → what its NFO files say, kept as a source; pictures of its artist, on offer.

album.nfo is in the album's folder; artist.nfo and pictures of the artist are there, too, or in the folder with the
artist's name in which the album was dropped, as players and Lidarr have it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from config.errors import GreenroomError, Rejected
from config.libraries import list_libraries
from config.reasons import Reason, sentence
from processor.artwork.local import artist_offers
from processor.artwork.offer import Offer
from processor.enriching.owed import Owed
from processor.enriching.shop import Shop
from processor.filesystem.files import Tree, is_folder
from processor.filesystem.paths import within
from processor.items import repository
from processor.items.repository import StagedFile
from processor.metadata import rows as metadata
from processor.metadata.artists import Artist, artists_of, write_artist
from processor.metadata.documents import ITSELF, NFO, part_of
from processor.nfo import ALBUM, ARTIST, reading, xml
from processor.nfo.reading import Track
from scanner.grouping.folding import fold
from scanner.grouping.placeholders import is_various

SAME_LENGTH: Final = 10_000  # ms that a track of a list and ours may differ in
ABOVE: Final = 2  # folders above an album that may be its artist's

_T = TypeVar("_T")


class _Came(NamedTuple):
    """An album, as it came: where it is now, its files, and its artist if there is just one."""

    folder: bytes
    files: tuple[StagedFile, ...]
    artist: Artist | None


def note_album(shop: Shop, item_id: int) -> None:
    """Keep what an album's own NFO says. One that cannot be read is a warning."""
    came = _came(shop, item_id)
    if came is None or (data := _data(came.folder, _called(came.files, ALBUM))) is None:
        return
    notes, warnings = _read(reading.read_album, data, ALBUM)
    said = {ITSELF: notes.fields, **dict(_of_tracks(came.files, notes.tracks))} if notes else {}
    with shop.database.begin() as connection:
        repository.set_warnings(connection, item_id, "nfo_album", warnings)
        known = {part: fields for part, fields in said.items() if fields}
        metadata.write(connection, item_id, NFO, known, shop.now())


def note_artist(shop: Shop, item_id: int, _: Owed) -> None:
    """Keep what an artist's NFO says of the one artist an album is by."""
    came = _came(shop, item_id)
    if came is None or came.artist is None:
        return
    data = _data(came.folder, _called(came.files, ARTIST))
    if not data and (above := _artists_folder(shop, came.files, came.artist.name)):
        data = _data(above, next((name for name in _names(above) if name.lower() == ARTIST), None))
    said, warnings = _read(reading.read_artist, data, ARTIST)
    with shop.database.begin() as connection:
        repository.set_warnings(connection, item_id, "nfo_artist", warnings)
        if said and _is_of(said, came.artist):  # else another album of this artist may have come with one
            write_artist(connection, came.artist.id, NFO, {ITSELF: said}, shop.now())


def artist_pictures(shop: Shop, item_id: int) -> list[Offer]:
    """Return the pictures an album came with of the one artist it is by."""
    came = _came(shop, item_id)
    if came is None or came.artist is None:
        return []
    offers = artist_offers(came.folder, [file.path for file in came.files if file.role == "picture"], is_album=True)
    if above := _artists_folder(shop, came.files, came.artist.name):
        offers += artist_offers(above, _names(above), is_album=False)
    return offers


def _came(shop: Shop, item_id: int) -> _Came | None:
    """Return what an album came with; None while nobody knows its library."""
    with shop.database.read() as connection:
        item, files = repository.item(connection, item_id)
        artists = artists_of(connection, item_id)
    folder = shop.folder_of(item)
    one = artists[0] if len(artists) == 1 and not is_various(artists[0].name) else None
    return None if folder is None else _Came(folder, files, one)


def _read(read: Callable[[bytes], _T], data: bytes | None, name: bytes) -> tuple[_T | None, list[Reason]]:
    """Return what a file says, or why that cannot be told."""
    try:
        return (read(data) if data else None), []
    except Rejected as error:
        code = name.decode().partition(".")[0]
        return None, [Reason(f"nfo_{code}", sentence(f"{name.decode()} counts for nothing: {error.message}"))]


def _artists_folder(shop: Shop, files: Sequence[StagedFile], name: str) -> bytes | None:
    """Return the folder of an artist in inbound that an album was dropped in, while it is there."""
    with shop.database.read() as connection:
        roots = [library.path for library in list_libraries(connection) if library.role == "inbound"]
    folders = [os.path.dirname(file.source) for file in files if file.role == "audio"]
    home = os.path.commonpath(folders) if folders else b""
    for _ in range(ABOVE):
        home = os.path.dirname(home)
        if home and fold(os.path.basename(home).decode("utf-8", "replace")) == fold(name):
            return next((within(root, home) for root in roots if _is_folder(root, home)), None)
    return None


def _is_folder(root: bytes, folder: bytes) -> bool:
    """Tell whether a folder is in a root, by no link."""
    try:
        with Tree(root) as tree, tree.explained("look at", folder):
            return is_folder(tree.stat(folder))
    except GreenroomError:
        return False


def _called(files: Sequence[StagedFile], name: bytes) -> bytes | None:
    """Return the place of a file that was called so when it was dropped; publishing may have called it otherwise."""
    found = [file.path for file in files if os.path.basename(file.source).lower() == name and file.role == "nfo"]
    return min(found, key=lambda path: (path.count(b"/"), path), default=None)


def _data(folder: bytes, path: bytes | None) -> bytes | None:
    """Return the bytes of a file; none if there is no such file, None if it cannot be read now."""
    if path is None:
        return b""
    try:
        with Tree(folder) as tree, tree.explained("read", path), tree.opened(path) as fd:
            return os.read(fd, xml.MAX_BYTES + 1)
    except GreenroomError:
        return None


def _names(folder: bytes) -> list[bytes]:
    try:
        with Tree(folder) as tree, tree.explained("list"):
            return tree.names(b"")
    except GreenroomError:
        return []


def _of_tracks(files: Sequence[StagedFile], tracks: Sequence[Track]) -> Iterator[tuple[str, Any]]:
    """Yield what a list says of our tracks, by their numbers, which say too little where there are several discs."""
    audio = [file for file in files if file.role == "audio"]
    ours, theirs = Counter(file.track for file in audio), Counter(track.position for track in tracks)
    if any((file.disc or 1) > 1 for file in audio):
        return
    listed = {track.position: track for track in tracks if theirs[track.position] == 1}
    for file in audio:
        one, length = listed.get(file.track), file.facts.get("duration_ms")
        if one is None or file.track is None or ours[file.track] > 1:
            continue
        if abs((one.length_ms or length or 0) - (length or one.length_ms or 0)) <= SAME_LENGTH:
            yield part_of(file.path), one.fields


def _is_of(said: dict[str, Any], artist: Artist) -> bool:
    if artist.artist_id and said.get("artist_id"):
        return bool(said["artist_id"] == artist.artist_id)
    return fold(said.get("name", "")) == fold(artist.name)
