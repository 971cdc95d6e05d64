"""What lies beside an album's music → what its NFO files say, kept as a source; pictures of its artist, on offer.

album.nfo is in the album's folder; artist.nfo and pictures of the artist are there, too, or in the folder with the
artist's name in which the album was dropped, as players and Lidarr have it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from config.errors import GreenroomError
from config.libraries import list_libraries
from config.reasons import Reason, sentence
from processor import repository
from processor.artwork.local import artist_offers
from processor.artwork.offer import Offer
from processor.files import Tree, explained, within
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF, NFO, Document, part_of
from processor.nfo import reading, xml
from processor.nfo.reading import Track
from processor.owed import Owed
from processor.providers.release import VARIOUS
from processor.repository import StagedFile
from scanner.grouping.folding import fold

if TYPE_CHECKING:
    from processor.enrich import Shop

SAME_LENGTH: Final = 10_000  # ms that a track of a list and ours may differ in
ABOVE: Final = 2  # folders above an album that may be its artist's


def note_album(shop: Shop, item_id: int) -> bool:
    """Keep what an album's own NFO says; return whether that is news. One that cannot be read is a warning."""
    with shop.database.read() as connection:
        item, files = repository.item(connection, item_id)
    folder = shop.folder_of(item)
    if folder is None or (data := _data(folder, _called(files, b"album.nfo"))) is None:
        return False
    warnings: list[Reason] = []
    document: Document = {}
    try:
        notes = reading.read_album(data) if data else reading.AlbumNotes({})
        document = {ITSELF: notes.fields, **dict(_of_tracks(files, notes.tracks))}
    except GreenroomError as error:
        warnings.append(Reason("nfo_album", sentence(f"album.nfo counts for nothing: {error.message}")))
    with shop.database.begin() as connection:
        repository.set_warnings(connection, item_id, "nfo_album", warnings)
        said = {part: fields for part, fields in document.items() if fields}
        return metadata.write(connection, item_id, NFO, said, shop.now())


def note_artist(shop: Shop, item_id: int, _: Owed) -> bool:
    """Keep what an artist's NFO says of the one artist an album is by; return whether that is news."""
    with shop.database.read() as connection:
        item, files = repository.item(connection, item_id)
        artist = only_artist(metadata.artists_of(connection, item_id))
    folder = shop.folder_of(item)
    if folder is None or artist is None:
        return False
    data = _data(folder, _called(files, b"artist.nfo"))
    if not data:
        above = artists_folder(shop, files, artist.name)
        data = None if above is None else _data(above, b"artist.nfo")
    warnings, said = [], {}
    try:
        said = reading.read_artist(data) if data else {}
    except GreenroomError as error:
        warnings.append(Reason("nfo_artist", sentence(f"artist.nfo counts for nothing: {error.message}")))
    with shop.database.begin() as connection:
        repository.set_warnings(connection, item_id, "nfo_artist", warnings)
        if not said or not _is_of(said, artist):
            return False  # another album of this artist may have come with one
        return metadata.write_artist(connection, artist.id, NFO, {ITSELF: said}, shop.now())


def artist_pictures(shop: Shop, item_id: int) -> list[Offer]:
    """Return the pictures an album came with of the one artist it is by."""
    with shop.database.read() as connection:
        item, files = repository.item(connection, item_id)
        artist = only_artist(metadata.artists_of(connection, item_id))
    folder = shop.folder_of(item)
    if folder is None or artist is None:
        return []
    offers = artist_offers(folder, [file.path for file in files if file.role == "picture"], is_album=True)
    above = artists_folder(shop, files, artist.name)
    if above is not None:
        offers += artist_offers(above, _names(above), is_album=False)
    return offers


def only_artist(artists: Sequence[metadata.Artist]) -> metadata.Artist | None:
    """Return the artist of an album that has one, and not of various."""
    return artists[0] if len(artists) == 1 and artists[0].artist_id != VARIOUS else None


def artists_folder(shop: Shop, files: Sequence[StagedFile], name: str) -> bytes | None:
    """Return the folder of an artist in inbound that an album was dropped in, while it is there."""
    with shop.database.read() as connection:
        roots = [library.path for library in list_libraries(connection) if library.role == "inbound"]
    folders = [os.path.dirname(file.source) for file in files if file.role == "audio"]
    home = os.path.commonpath(folders) if folders else b""
    for _ in range(ABOVE):
        home = os.path.dirname(home)
        if home and fold(os.path.basename(home).decode("utf-8", "replace")) == fold(name):
            there = [within(root, home) for root in roots if os.path.isdir(within(root, home))]
            return next(iter(there), None)
    return None


def _called(files: Sequence[StagedFile], name: bytes) -> bytes | None:
    """Return the place of a file that was called so when it was dropped; publishing may have called it otherwise."""
    found = [file.path for file in files if os.path.basename(file.source).lower() == name and file.role == "nfo"]
    return min(found, key=lambda path: (path.count(b"/"), path), default=None)


def _data(folder: bytes, path: bytes | None) -> bytes | None:
    """Return the bytes of a file; none if there is no such file, None if it cannot be read now."""
    if path is None:
        return b""
    try:
        with Tree(folder) as tree, explained("read", path), tree.opened(path) as fd:
            return os.read(fd, xml.MAX_BYTES + 1)
    except GreenroomError:
        return None


def _names(folder: bytes) -> list[bytes]:
    try:
        with Tree(folder) as tree, explained("list", folder):
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


def _is_of(said: dict[str, Any], artist: metadata.Artist) -> bool:
    if artist.artist_id and said.get("artist_id"):
        return bool(said["artist_id"] == artist.artist_id)
    return fold(said.get("name", "")) == fold(artist.name)
