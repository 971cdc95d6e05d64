"""A scan of a library that others made → what Greenroom would call, write and add there. Reads only, moves nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from config.errors import Rejected
from config.reasons import Reason, show_path
from processor import sidecar
from processor.files import Tree, is_file, within
from processor.item import new_item
from processor.metadata import documents
from processor.metadata.known import AlbumMetadata
from processor.metadata.tags import of_tags
from processor.naming import PlannedFile
from processor.nfo import album as album_nfo
from processor.nfo import merging, xml
from processor.plan import AlbumPlan
from processor.publication import pictures
from processor.publication.names import NamedFile, Naming, album_folder, file_places
from processor.publication.pictures import Picture, Profile
from processor.repository import StagedFile
from scanner.grouping.groups import Group
from scanner.rows import FileRecord
from scanner.scandb import ScanDb

NFO: Final = b"album.nfo"
OURS: Final = (NFO, sidecar.NAME)  # what publishing writes itself
COVER: Final = Picture("front", 1, "", "jpg")


class Renamed(NamedTuple):
    """One file, relative to the album's folder: what it is called, and what it would be."""

    path: bytes
    wanted: bytes


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
    covers: tuple[bytes, ...]  # names under which players look for a cover, and there is none

    @property
    def is_as_wanted(self) -> bool:
        """Whether publishing it would change nothing."""
        return self.folder == self.wanted and not self.renamed and self.nfo == "same" and not self.covers


def compare(root: bytes, scan: ScanDb, naming: Naming, profile: Profile) -> Iterator[Album]:
    """Yield every album of a scan beside what it would be, by what its tags say, in the order of the scan."""
    with Tree(root) as tree:
        for group, waits in scan.groups():
            yield _album(tree, group, waits, scan.files(group.file_ids), naming, profile)


def _album(
    tree: Tree,
    group: Group,
    waits: tuple[Reason, ...],
    files: Mapping[int, FileRecord],
    naming: Naming,
    profile: Profile,
) -> Album:
    folder = _folder(group, files)
    item, staged = _as_staged(group, folder, files)
    tracks = [(file.path, file.facts.get("duration_ms")) for file in staged if file.role == "audio"]
    known = documents.album({documents.TAGS: of_tags(item, staged)}, tracks)
    named = [NamedFile(file.path, file.role) for file in staged if file.path not in OURS]
    places = file_places(naming, known, named)
    nfo, fields = _nfo(tree, within(folder, NFO), known)
    said = [*group.warnings, *waits, *(_problem(file) for file in files.values() if file.problem)]
    return Album(
        folder, group.album_artist, group.album, group.year, len(group.tracks), group.confidence, tuple(said),
        album_folder(naming, known),
        tuple(Renamed(path, place) for path, place in sorted(places.items()) if path != place),
        nfo, fields, tuple(_without_cover(tree, folder, profile)),
    )  # fmt: skip


def _folder(group: Group, files: Mapping[int, FileRecord]) -> bytes:
    """Return the folder all files of an album are in."""
    folders = {os.path.dirname(files[track.file_id].path) for track in group.tracks}
    return group.home if group.home in folders or not folders else os.path.commonpath(sorted(folders))


def _as_staged(group: Group, folder: bytes, files: Mapping[int, FileRecord]) -> tuple[dict[str, Any], list[StagedFile]]:
    """Return the item an album would be if it were staged as it is, and its files."""
    inside = [file for file in files.values() if not folder or file.path.startswith(folder + b"/")]
    planned = tuple(
        PlannedFile(
            file.id, file.path, os.path.relpath(file.path, folder) if folder else file.path, file.role, file.identity
        )
        for file in inside
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


def _without_cover(tree: Tree, folder: bytes, profile: Profile) -> Iterator[bytes]:
    there = {os.path.splitext(name)[0].lower() for name in tree.names(folder)}
    for name in pictures.names("album", [COVER], profile):
        if os.path.splitext(name)[0] not in there:
            yield name


def _problem(file: FileRecord) -> Reason:
    assert file.problem is not None
    code, said = file.problem
    return Reason(code, f"{show_path(file.path)}: {said}", file.path)
