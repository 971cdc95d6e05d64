"""A scan of a library that others made → what Greenroom would call, write and add there. Reads only, moves nothing.

What is wanted follows from tags and names alone, for nobody is asked about albums that are only looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from config.errors import Rejected
from config.reasons import Reason, show_path
from processor.artwork.local import pictures_of
from processor.filesystem.files import Tree, is_file, is_folder
from processor.filesystem.paths import relative, within
from processor.items.item import new_item
from processor.items.repository import StagedFile
from processor.metadata import documents
from processor.metadata.known import AlbumMetadata
from processor.metadata.tags import of_files
from processor.nfo import ALBUM, ARTIST, merging, xml
from processor.nfo import album as album_nfo
from processor.planning.naming import PlannedFile
from processor.planning.plan import AlbumPlan
from processor.publication import pictures
from processor.publication.names import NamedFile, Naming, album_folder, artist_folder, file_places
from processor.publication.pictures import Picture, Profile
from processor.transfers import sidecar
from scanner.grouping.groups import Group
from scanner.rows import FileRecord
from scanner.scandb import ScanDb

OURS: Final = (ALBUM, sidecar.NAME)  # what publishing writes itself
COVER: Final = "front"
TAGS: Final = ("title", "artist", "album", "album_artist", "track", "date", "mb_release_id")  # each track should have
THUMB: Final = Picture("thumb", 1, "", "jpg")


class Renamed(NamedTuple):
    """One file, relative to the album's folder: what it is called, and what it would be."""

    path: bytes
    wanted: bytes


class Lacking(NamedTuple):
    """A tag, by its field of Facts, and how many tracks of an album lack it."""

    tag: str
    tracks: int


class Twin(NamedTuple):
    """An item that is the same album: staged, or published."""

    item_id: int
    status: str
    is_here: bool  # it is this very folder


class Album(NamedTuple):
    """One album that is there. Folders are relative to the library."""

    folder: bytes
    artist: str | None
    album: str | None
    year: int | None
    tracks: int
    confidence: float  # 0…1, of the grouping
    reasons: tuple[Reason, ...]  # why the grouping, or a file of it, is in doubt
    wanted: bytes  # the folder it would get
    renamed: tuple[Renamed, ...]
    nfo: str  # absent, unreadable, same or differs
    fields: tuple[str, ...]  # of the NFO, that would say something else
    pictures: tuple[bytes, ...]  # names players look for: of its cover, and of pictures it has by other names
    beside: tuple[bytes, ...]  # names that are absent in its artist's folder
    lacking: tuple[Lacking, ...]
    twin: Twin | None

    @property
    def is_as_wanted(self) -> bool:
        """Whether publishing it would change nothing; what its tags lack, it would go on lacking."""
        is_there = self.folder == self.wanted and not self.renamed and self.nfo == "same"
        return is_there and not self.pictures and not self.beside


Twins = Callable[[str, bytes], Twin | None]  # by the key of an album, and its folder


def compare(root: bytes, scan: ScanDb, naming: Naming, profile: Profile, twins: Twins) -> Iterator[Album]:
    """Yield every album of a scan beside what it would be, by what its tags say, in the order of the scan."""
    with Tree(root) as tree:
        for group, waits in scan.groups():
            yield _album(tree, group, waits, scan.files(group.file_ids), naming, profile, twins)


def _album(
    tree: Tree,
    group: Group,
    waits: tuple[Reason, ...],
    files: Mapping[int, FileRecord],
    naming: Naming,
    profile: Profile,
    twins: Twins,
) -> Album:
    folder = _folder(group, files)
    item, staged = _as_staged(group, folder, files)
    tracks = [(file.path, file.facts.get("duration_ms")) for file in staged if file.role == "audio"]
    known = documents.album(of_files(item, staged), tracks)
    named = [NamedFile(file.path, file.role) for file in staged if file.path not in OURS]
    places = file_places(naming, known, named)
    nfo, fields = _nfo(tree, within(folder, ALBUM), known)
    said = [*group.warnings, *waits, *(_problem(file) for file in files.values() if file.problem)]
    wanted = album_folder(naming, known)
    return Album(
        folder, group.album_artist, group.album, group.year, len(group.tracks), group.confidence, tuple(said), wanted,
        tuple(Renamed(path, place) for path, place in sorted(places.items()) if path != place),
        nfo, fields, tuple(_without(tree, folder, _pictures(folder, staged, profile))),
        tuple(_without(tree, artist_folder(naming, wanted), _beside(known, profile))), tuple(_lacking(files)),
        twins(group.key, folder),
    )  # fmt: skip


def _folder(group: Group, files: Mapping[int, FileRecord]) -> bytes:
    """Return the folder all files of an album are in."""
    folders = {os.path.dirname(files[track.file_id].path) for track in group.tracks}
    return group.home if group.home in folders or not folders else os.path.commonpath(sorted(folders))


def _as_staged(group: Group, folder: bytes, files: Mapping[int, FileRecord]) -> tuple[dict[str, Any], list[StagedFile]]:
    """Return the item an album would be if it were staged as it is, and its files."""
    inside = [file for file in files.values() if not folder or file.path.startswith(folder + b"/")]
    planned = tuple(
        PlannedFile(file.id, file.path, relative(file.path, folder), file.role, file.identity) for file in inside
    )
    plan = AlbumPlan(group, "staged", folder, planned, ())
    facts = {file.id: file.facts for file in inside if file.facts is not None}
    value = new_item(plan, facts, root_uuid="", transfer_id="").to_json()
    names = StagedFile._fields
    found = [StagedFile(**{name: file[name] for name in names} | {"path": one.target, "source": one.source})
             for one, file in zip(planned, value["files"], strict=True)]  # fmt: skip
    return value, found


def _nfo(tree: Tree, path: bytes, known: AlbumMetadata) -> tuple[str, tuple[str, ...]]:
    if not is_file(tree.stat(path)):
        return "absent", ()
    with tree.opened(path) as fd, open(fd, "rb", closefd=False) as file:
        data = file.read(xml.MAX_BYTES + 1)
    try:
        there = xml.decode(data, "album")
    except Rejected:
        return "unreadable", ()
    fields = merging.differing(there, xml.decode(xml.encode(album_nfo.element(known)), "album"))
    return ("differs", fields) if fields else ("same", ())


def _pictures(folder: bytes, staged: list[StagedFile], profile: Profile) -> Iterator[bytes]:
    """Yield the names of an album's cover, and of what it has pictures of, whatever they are called."""
    there = {kind for _, kind in pictures_of(((file.path, file.role) for file in staged), folder)}
    yield from pictures.names("album", [Picture(kind, 1, "", "jpg") for kind in sorted({COVER, *there})], profile)


def _beside(known: AlbumMetadata, profile: Profile) -> Iterator[bytes]:
    """Yield what is wanted in the folder of the one artist an album is by."""
    if len(known.credits) == 1 and not known.compilation:
        yield from (ARTIST, *pictures.names("artist", [THUMB], profile))


def _without(tree: Tree, folder: bytes | None, names: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the names that are absent in a folder, whatever their extension; all of them where it is none."""
    if folder is None:
        return
    there = set(tree.names(folder)) if not folder or is_folder(tree.stat(folder)) else set()
    stems = {os.path.splitext(name)[0].lower() for name in there}
    for name in names:
        stem, extension = os.path.splitext(name)
        if name not in there and (extension != b".jpg" or stem not in stems):
            yield name


def _lacking(files: Mapping[int, FileRecord]) -> Iterator[Lacking]:
    """Yield the tags tracks lack that could be read."""
    facts = [file.facts for file in files.values() if file.role == "audio" and file.facts is not None]
    for tag in TAGS:
        if count := sum(not getattr(one, tag) for one in facts):
            yield Lacking(tag, count)


def _problem(file: FileRecord) -> Reason:
    assert file.problem is not None
    code, said = file.problem
    return Reason(code, f"{show_path(file.path)}: {said}", file.path)
