"""A group and its files → the folder it would get and the place of each file in it. Pure."""

from __future__ import annotations

import os.path
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Protocol

from config.reasons import Reason, show_path
from processor.filesystem.paths import stem_of
from processor.planning import layout
from processor.transfers import sidecar
from scanner.grouping.groups import Group
from scanner.identity import Identity
from scanner.smallfiles import text_of

# Within one line: white space that may span lines would be looked through from each of them anew.
_CUE_FILE = re.compile(r'^[ \t]*FILE[ \t]+(?:"([^"\r\n]*)"|(\S+))', re.IGNORECASE | re.MULTILINE)
_LISTS = frozenset({"checksum", "playlist"})  # roles of files that call tracks by their names
_OLD_NAMES = "old_names_listed"
_SHOWN = 3  # lists that a message names


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file and its place."""

    file_id: int
    source: bytes  # relative to the inbound root
    target: bytes  # relative to the album's folder
    role: str  # audio, or a side file's role
    identity: Identity

    @property
    def path(self) -> bytes:
        """The source, as naming asks for it."""
        return self.source


@dataclass(frozen=True, slots=True)
class Proposal:
    """One group with every file named, before anybody looked at the disk; `target` is None if the album has no name.

    So it is where none was looked for, see `unnamed`; the targets of files mean nothing then.
    """

    group: Group
    target: bytes | None  # relative to the staging root
    files: tuple[PlannedFile, ...]  # the tracks in order, then the side files
    cues: Mapping[int, Set[str]] = field(default_factory=dict)  # what cue sheets refer to, by the sheet's file id

    @property
    def music(self) -> list[PlannedFile]:
        """Its tracks."""
        return [file for file in self.files if file.role == "audio"]

    @property
    def beside(self) -> list[PlannedFile]:
        """Its files beside the music."""
        return [file for file in self.files if file.role != "audio"]


class SourceFile(Protocol):
    """What naming needs to know of a scanned file."""

    @property
    def path(self) -> bytes:
        """Where it is, relative to the inbound root."""

    @property
    def role(self) -> str:
        """Whether it is `audio`, or which kind of side file."""

    @property
    def identity(self) -> Identity:
        """What it was when it was scanned."""


def propose(
    group: Group,
    files: Mapping[int, SourceFile],
    cues: Mapping[int, Set[str]],
    there: Iterable[bytes] = (),
    discs: int = 1,
    tracks: int = 0,
) -> Proposal:
    """Name every file of a group; nothing is known of the disk yet, so nothing is decided.

    `files` has every file id of the group, `cues` what cue sheets refer to, by the sheet's file id; see
    `cue_references`. A group without an album's name has no target. For one that joins others see `join`.
    """
    target = None if group.album is None else layout.album_folder(group.album_artist, group.album, group.year)
    places = layout.Places([sidecar.NAME, sidecar.NAME + b".new", *there])
    discs = max([discs, group.discs, *(track.disc or 1 for track in group.tracks)])
    most = max([tracks, *(track.track or 0 for track in group.tracks)])
    music = _tracks(group, files, _kept(group, files, cues), places, discs, most)
    stems = {layout.fold(stem_of(track.source)): stem_of(track.target) for track in reversed(music)}
    wanted = [(id, *_side_place(files[id].path, group.home, stems)) for id in group.sides]
    # What belongs to one track claims its name before what belongs to the album.
    wanted.sort(key=lambda side: not side[2])
    # In a folder of this album, too, a sidecar of another one would mark an album.
    marked = {os.path.dirname(place) for _, place, _ in wanted if place.lower().endswith(b"/" + sidecar.NAME)}
    for folder in marked:
        places.claim(os.path.join(folder, sidecar.NAME))
    sides = [_planned(id, files[id], files[id].role, places.claim(place)) for id, place, _ in wanted]
    told = [reason for reason in group.evidence if reason.code != _OLD_NAMES]  # it is named anew where it joins another
    group = group._replace(evidence=(*told, *_old_names(group.home, music, sides, cues)))
    return Proposal(group, target, (*music, *sides), cues)


def unnamed(group: Group, files: Mapping[int, SourceFile]) -> Proposal:
    """Leave every file of a group where it is: of one that goes nowhere, whatever it would be called.

    Naming is a large part of what an idle cycle costs, and thousands of albums may wait at each.
    """
    ids = (*(track.file_id for track in group.tracks), *group.sides)
    return Proposal(group, None, tuple(_planned(id, files[id], files[id].role, files[id].path) for id in ids))


def join(proposal: Proposal, there: Iterable[bytes], discs: int, tracks: int) -> Proposal:
    """Name the files anew, for a folder that holds the files `there`, of an album whose highest numbers are given."""
    files = {file.file_id: file for file in proposal.files}
    return propose(proposal.group, files, proposal.cues, there, discs, tracks)


def cue_references(sheet: bytes) -> frozenset[str]:
    """Return the names, folded, of the files a cue sheet plays, without any folder."""
    found = (quoted or plain for quoted, plain in _CUE_FILE.findall(text_of(sheet)))
    return frozenset(layout.fold(re.split(r"[/\\]", name)[-1].encode()) for name in found)


def _old_names(
    home: bytes, music: Iterable[PlannedFile], sides: Iterable[PlannedFile], cues: Mapping[int, Set[str]]
) -> Iterator[Reason]:
    """Say which lists may call tracks by names they have no more. They are not rewritten: some are signed."""
    lists = [side for side in sides if side.role in _LISTS or side.file_id in cues]
    if not lists:  # as nearly always, and to name all tracks again takes as long as to name them
        return
    renamed = {
        layout.fold(stem_of(os.path.basename(one.source))) for one in music if one.target != _own_place(one.path, home)
    }
    told = [
        show_path(os.path.basename(side.target))
        for side in lists
        if side.role in _LISTS or any(os.path.splitext(name)[0] in renamed for name in cues.get(side.file_id, ()))
    ]
    if renamed and told:
        more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        message = f"Tracks got new names; lists that may call them by the old ones: {', '.join(told[:_SHOWN])}{more}."
        yield Reason(_OLD_NAMES, message, home)


def _tracks(
    group: Group,
    files: Mapping[int, SourceFile],
    kept: Collection[int],
    places: layout.Places,
    discs: int,
    most: int,
) -> list[PlannedFile]:
    planned = []
    for track in group.tracks:
        file = files[track.file_id]
        if track.file_id in kept:
            name = _own_place(file.path, group.home)
        else:
            source = os.path.basename(file.path)
            name = layout.track_name(
                disc=track.disc, track=track.track, title=track.title, source=source, discs=discs, tracks=most
            )
        planned.append(_planned(track.file_id, file, "audio", places.claim(name)))
    return planned


def _kept(group: Group, files: Mapping[int, SourceFile], cues: Mapping[int, Set[str]]) -> frozenset[int]:
    """Return the tracks whose names a cue sheet relies on: renamed, the sheet would play nothing."""
    tracks = [track.file_id for track in group.tracks]
    if any(warning.code == "image_and_cue" for warning in group.warnings):
        return frozenset(tracks)
    sheets = {id: os.path.dirname(files[id].path) for id in group.sides if id in cues}
    played = {(folder, name) for id, folder in sheets.items() for name in cues[id]}
    at = {id: os.path.split(files[id].path) for id in tracks}
    return frozenset(id for id, (folder, name) in at.items() if (folder, layout.fold(name)) in played)


def _side_place(path: bytes, home: bytes, stems: Mapping[str, bytes]) -> tuple[bytes, bool]:
    """Return where a side file belongs, and whether that is beside one track: `01 Song.en.lrc` beside `01 Song.mp3`."""
    stem = path
    while b"." in os.path.basename(stem):
        stem = stem.rpartition(b".")[0]
        if (track := stems.get(layout.fold(stem))) is not None:
            folder, name = os.path.split(track)
            return os.path.join(folder, layout.file_name(name + path[len(stem) :])), True
    return _own_place(path, home), False


def _own_place(path: bytes, home: bytes) -> bytes:
    """Return the place a file keeps, relative to the album's home or the folder above; others keep their name only."""
    above = next((above for above in (home, os.path.dirname(home)) if above and path.startswith(above + b"/")), b"")
    inside = path.removeprefix(above + b"/") if above else os.path.basename(path) if home else path
    *folders, name = inside.split(b"/")
    safe = [layout.folder_name(folder.decode("utf-8", "surrogateescape")) for folder in folders]
    return b"/".join([*safe, layout.file_name(name)])


def _planned(id: int, file: SourceFile, role: str, target: bytes) -> PlannedFile:
    return PlannedFile(id, file.path, target, role, file.identity)
