"""What is known of an album and its artist, and what is in the library → the files to make there, and those to remove.

A file that somebody changed since we wrote it stays as it is; an NFO is merged, field by field. Reads only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from config.errors import Rejected
from config.reasons import Reason, show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import stem_of, within
from processor.metadata.known import AlbumMetadata, ArtistMetadata
from processor.nfo import ALBUM, ARTIST, merging, xml
from processor.nfo import album as album_nfo
from processor.nfo import artist as artist_nfo
from processor.planning import layout
from processor.publication.intent import Gone, Made, Role
from processor.publication.ledger import Entry
from processor.publication.pictures import Picture
from processor.publication.writing import sha256_at

LYRICS: Final = (b".lrc", b".txt", b".elrc")  # of one track players show one file


class Wanted(NamedTuple):
    """One file as it should be. `path` is relative to the library; a text has its bytes, a picture is in the cache."""

    path: bytes
    role: Role
    sha256: str
    ext: str
    size: int
    data: bytes | None = None


@dataclass(slots=True)
class Making:
    """What there is to do, and what is left alone."""

    made: list[Made] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    texts: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by SHA-256 and extension: what the cache needs
    reasons: list[Reason] = field(default_factory=list)
    same: list[bytes] = field(default_factory=list)  # what is there already as it should be
    # Names without extension of pictures the cache does not have; what is there under them stays.
    absent: set[bytes] = field(default_factory=set)


Blob = Callable[[str, str], bytes | None]  # the bytes of a blob, by SHA-256 and extension; None if it is not there
Size = Callable[[Picture], int | None]  # of a blob; None if the cache does not have it


def of_album(folder: bytes, album: AlbumMetadata, lyrics: Mapping[bytes, bytes]) -> Iterator[Wanted]:
    """Yield an album's NFO, and the lyrics of its tracks, by the place of each relative to the folder."""
    yield _text(within(folder, ALBUM), "nfo", xml.encode(album_nfo.element(album)))
    for place, text in lyrics.items():
        yield _text(within(folder, place), "lyrics", text)


def of_artist(folder: bytes, artist: ArtistMetadata) -> Iterator[Wanted]:
    """Yield an artist's NFO."""
    yield _text(within(folder, ARTIST), "nfo", xml.encode(artist_nfo.element(artist)))


def of_pictures(folder: bytes, named: Mapping[bytes, Picture], size: Size, making: Making) -> Iterator[Wanted]:
    """Yield pictures by their names relative to the folder; one the cache does not have is named."""
    for name, picture in named.items():
        found = size(picture)
        if found is None:
            message = f"The picture for {show_path(name)} is not in the cache; it is added once it can be had again."
            making.reasons.append(Reason("blob_missing", message, within(folder, name)))
            making.absent.add(stem_of(within(folder, name)))
        else:
            yield Wanted(within(folder, name), "picture", picture.sha256, picture.ext, found)


def lyrics_of(album: AlbumMetadata, places: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the lyrics that no file of the album has yet, by the place they get beside their track."""
    taken = set(map(layout.fold, places.values()))
    found: dict[bytes, bytes] = {}
    for track in album.tracks:
        text, ext = (track.synced_lyrics, b".lrc") if track.synced_lyrics else (track.lyrics, b".txt")
        stem = places.get(track.path, b"").rpartition(b".")[0]
        if text and stem and not any(layout.fold(stem + other) in taken for other in LYRICS):
            found[stem + ext] = xml.xml_safe(text).encode() + b"\n"
    return found


def compare(making: Making, tree: Tree, wanted: Iterable[Wanted], known: Iterable[Entry], blob: Blob) -> None:
    """Compare what should be with what is there and what the ledger says of it; `blob` reads the cache."""
    entries = {entry.path: entry for entry in known}
    listed = {one.path: one for one in wanted}
    for path, one in listed.items():
        with tree.explained("look at", path):
            if (rival := _rival(tree, one, entries)) is None:
                _one(making, tree, one, entries.get(path), blob)
            else:
                _give_way(making, tree, one, entries.get(path), rival)
    for path, entry in entries.items():
        if path not in listed and stem_of(path) not in making.absent and entry.alone is not None:
            making.gone.append(Gone(path, entry.alone))


def _one(making: Making, tree: Tree, one: Wanted, entry: Entry | None, blob: Blob) -> None:
    there, ours = sha256_at(tree, one.path), entry and entry.sha256
    is_brought = entry is not None and ours is None  # came with the album, which is about to call it otherwise
    if tree.stat(one.path) is None or is_brought:
        _want(making, one, None)
    elif entry is not None and ours is not None and there is not None and one.role == "nfo":
        _merge(making, tree, one, there, entry.base or ours, blob)
    elif ours is not None and there == ours:
        _want(making, one, there)
    elif ours is not None:
        making.gone.append(Gone(one.path, ours))  # it is not that any more, so it stays; and it is theirs from now on
    elif there != one.sha256:
        message = f"{tree.shown(one.path)} was there before, and not by Greenroom, so it was left as it is."
        making.reasons.append(Reason("foreign_kept", message, one.path))


def _rival(tree: Tree, one: Wanted, entries: Mapping[bytes, Entry]) -> bytes | None:
    """Return the words of somebody else that players would not show any more, once ours stood beside them."""
    if one.role != "lyrics" or tree.stat(one.path) is not None:
        return None
    for place in (stem_of(one.path) + ext for ext in LYRICS):
        if tree.stat(place) is not None:
            entry = entries.get(place)
            if entry is None or entry.sha256 != sha256_at(tree, place):
                return place
    return None


def _give_way(making: Making, tree: Tree, one: Wanted, entry: Entry | None, rival: bytes) -> None:
    message = f"{tree.shown(rival)} has words that are not Greenroom's, so it writes no others beside them."
    making.reasons.append(Reason("rival_kept", message, rival))
    if entry is not None and entry.sha256 is not None:
        making.gone.append(Gone(one.path, entry.sha256))  # whoever wrote the others took it away


def note_missing(making: Making, tree: Tree, music: Collection[bytes], item_id: int) -> None:
    """Say of music that it is gone from the library; there may be no other copy, so it stays the album's."""
    for path in music:
        with tree.explained("look at", path):
            if tree.stat(path) is None:
                message = f"It is gone from the library: put it back; `greenroom verify {item_id}` looks at it again."
                making.reasons.append(Reason("missing", message, path))


def note_dropped(making: Making, tree: Tree, path: bytes, picture: Picture) -> None:
    """Say of a picture the album came with that it has the name of a selected one; nothing if it is that."""
    with tree.explained("look at", path):
        if sha256_at(tree, path) != picture.sha256:
            message = (
                f"{tree.shown(path)} came with the album, so the selected picture does not have that name; to publish "
                "it with new names (`--rename`) gives it to that."
            )
            making.reasons.append(Reason("dropped_kept", message, path))


def note_rival(making: Making, tree: Tree, path: bytes) -> None:
    """Say of a picture the album came with that it is in the way of a selected one."""
    message = (
        f"{tree.shown(path)} came with the album, and some players show it instead of the selected picture; to publish "
        "it with new names (`--rename`) gives it another one."
    )
    making.reasons.append(Reason("dropped_kept", message, path))


def _want(making: Making, one: Wanted, there: str | None, base: str | None = None) -> None:
    if one.data is not None:
        making.texts[one.sha256, one.ext] = one.data
    if there == one.sha256:
        making.same.append(one.path)
    making.made.append(Made(one.path, one.role, one.sha256, one.ext, one.size, there, base))


def _merge(making: Making, tree: Tree, one: Wanted, there: str, base: str, blob: Blob) -> None:
    """Keep what a person changed in an NFO."""
    assert one.data is not None
    tag = "artist" if one.path.endswith(ARTIST) else "album"
    if there == base:
        _want(making, one, there)
        return
    with tree.opened(one.path) as fd, open(fd, "rb", closefd=False) as file:
        data = file.read(xml.MAX_BYTES + 1)
    written = blob(base, "nfo")
    try:
        now = xml.decode(data, tag)
        before = None if written is None else xml.decode(written, tag)
        merged = merging.merge(before, now, xml.decode(one.data, tag))
        merging.annotate(merged.root, xml.decode(data, tag, notes=True))
    except Rejected as error:
        making.reasons.append(error.reason(one.path))
        making.gone.append(Gone(one.path, base))
        return
    if merged.kept:
        message = f"Somebody changed {', '.join(merged.kept)} in it, and that was kept."
        making.reasons.append(Reason("edits_kept", message, one.path))
    making.texts[one.sha256, one.ext] = one.data  # what the next merge compares with
    merged_file = xml.encode(merged.root, xml.ahead(data)) + xml.behind(data, tag)
    _want(making, _text(one.path, one.role, merged_file), there, one.sha256)


def _text(path: bytes, role: Role, data: bytes) -> Wanted:
    ext = path.rpartition(b".")[2].decode()
    return Wanted(path, role, hashlib.sha256(data).hexdigest(), ext, len(data), data)
