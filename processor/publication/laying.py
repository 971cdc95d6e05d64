"""A staged album and a library's tree → a free folder, a place for each file, and room for it all. Reads only."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from config.errors import NeedsReview, NoRoom, Retryable
from config.machine import free_bytes
from config.reasons import show_path
from processor import nfo
from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, parent, relative, within
from processor.filesystem.system_errors import OTHER_FILESYSTEM
from processor.items import standing
from processor.items.item import NewItem
from processor.planning import layout
from processor.planning.naming import cue_references
from processor.planning.space import human_size, is_too_large, reserve
from processor.publication import names, pictures
from processor.publication.intent import Gone
from processor.publication.ledger import Entry, Publication, is_identified
from processor.publication.names import NamedFile, Naming, disc_folders
from processor.publication.pictures import Picture
from processor.publication.writing import sha256_at
from processor.transfers.comparing import digest_at
from processor.transfers.transfer import TransferFile, path_to_json
from scanner.identity import Identity, same_time, storable_time
from scanner.smallfiles import MAX_SMALL

if TYPE_CHECKING:
    from processor.publication.given import Known, Options  # loaded with all that is known of an album

# A folder of the library → the folders of published albums below it, each with its artist.
Below = Callable[[bytes], Mapping[bytes, str | None]]


class LaidOut(NamedTuple):
    """The place of each file of an album, by its path in staging, and the pictures by their names. In its folder."""

    places: dict[bytes, bytes]
    pictures: dict[bytes, Picture]


@dataclass(frozen=True, slots=True)
class Standing:
    """A published album that is to be replaced, as it is on disk. Paths are relative to its folder."""

    entries: Sequence[Entry] = ()
    ours: Sequence[bytes] = ()  # as Greenroom put it there
    others: Sequence[bytes] = ()  # what somebody put there, or changed

    def to_json(self, home: Publication) -> dict[str, Any]:
        """Return what the transfer that takes its place has to know."""
        return {
            "home": home.transfer_id,
            "was": path_to_json(home.path),
            "ours": [path_to_json(path) for path in self.ours],
        }


def look(tree: Tree, home: Publication, entries: Sequence[Entry]) -> Standing:
    """Compare a published album with the ledger. Raises NeedsReview `not_as_recorded` if its music is another."""
    with tree.explained("look into", home.path):
        there = standing.files_below(tree, home.path)
    ours = []
    for entry in entries:
        path = relative(entry.path, home.path)
        found = there.get(path)
        if found is None:
            continue
        with tree.explained("look at", entry.path):
            same = _is_ours(tree, entry, found)
        if same:
            ours.append(path)
        elif entry.role == "audio":
            message = (
                f"{show_path(entry.path)} was changed in the library, and would be lost with the album that takes its "
                "place; move it elsewhere, or put back what was there"
            )
            raise NeedsReview(message, code="not_as_recorded", path=entry.path)
    return Standing(entries, ours, sorted(there.keys() - set(ours)))


def _is_ours(tree: Tree, entry: Entry, found: os.stat_result) -> bool:
    """Tell whether a file is as Greenroom put it there: by its time, but a copy by its bytes where shares keep none."""
    if entry.sha256 is not None:
        return sha256_at(tree, entry.path) == entry.alone
    if found.st_size != entry.size or entry.mtime_ns is None:
        return False
    if same_time(entry.mtime_ns, storable_time(found.st_mtime_ns)):
        return True
    return entry.digest is not None and digest_at(tree, entry.path) == entry.digest


def check_bytes(staging: Tree, item: NewItem) -> None:
    """Return if the files of a staged album that have a digest are byte for byte as they were staged.

    Raises NeedsReview `not_as_recorded`.
    """
    for file in item.files:
        path = within(item.path, file.path)
        with staging.explained("verify", path):
            if file.digest is not None and digest_at(staging, path) != file.digest:
                message = (
                    f"{staging.shown(path)} has other bytes than were staged; `greenroom fsck --verify` tells more"
                )
                raise NeedsReview(message, code="not_as_recorded", path=path)


def lay_out(staging: Tree, known: Known, options: Options, others: Collection[bytes] = ()) -> LaidOut:
    """Name every file; those Greenroom adds come first, and a dropped picture with the same bytes is one of them.

    What players would take for one of them gives way, too.

    `others` are files of somebody else, which keep their names.
    """
    item, album, naming = known.item, known.album, options.naming
    files = [NamedFile(file.path, file.role, file.source) for file in item.files]
    kept = _played(staging, item)
    places = names.file_places(naming, album, files, kept=kept, taken=others)
    audio = [places[file.path] for file in files if file.role == "audio"]
    named = pictures.names("album", known.chosen.album, options.profile, disc_folders(audio))
    rivals = pictures.rivals(named)
    spelled = {layout.fold(name): name for name in (*named, *rivals)}
    for path, place in places.items():
        one = named.get(spelled.get(layout.fold(place), place))
        if one is not None and sha256_at(staging, within(item.path, path)) == one.sha256:
            named = {name: other for name, other in named.items() if layout.fold(name) != layout.fold(place)}
    taken = [*named, *rivals, nfo.ALBUM, *others]
    return LaidOut(names.file_places(naming, album, files, kept=kept, taken=taken, spelled=spelled), named)


def _played(staging: Tree, item: NewItem) -> frozenset[bytes]:
    """Return the tracks that a cue sheet calls by their names: renamed, it would play nothing."""
    played: set[str] = set()
    for file in item.files:
        if file.role == "cue" and file.size <= MAX_SMALL:
            sheet = within(item.path, file.path)
            with staging.explained("read", sheet), staging.opened(sheet) as fd:
                played |= cue_references(os.read(fd, MAX_SMALL))
    tracks = [file.path for file in item.files if file.role == "audio"]
    return frozenset(path for path in tracks if layout.fold(os.path.basename(path)) in played)


def free_folder(
    tree: Tree, naming: Naming, known: Known, below: Below, own: bytes | None, gone: Collection[Gone]
) -> bytes:
    """Return the folder an album gets: spelled as the folders above it that are there, numbered beside other items'.

    `own` is where it is now, if it is there; that, and what is above it alone but for what is `gone` without it, may be
    spelled anew. Raises NeedsReview `target_exists` for a folder that Greenroom did not make: only a person knows whose
    it is; and for a folder that is inside its own one, or around it.
    """
    album, artist = known.album, known.artist_key
    left = _left(tree, own, gone) if own is not None else []
    wanted = _spelled(tree, names.album_folder(naming, album), left)
    above = names.artist_folder(naming, wanted)
    others = {other for other in below(above).values() if is_identified(other)} - {artist} if above else set()
    if others and artist is not None and is_identified(artist):  # who has no id yet may be either of them
        told_apart = names.album_folder(naming, album, tell_apart=artist.removeprefix("mbid:")[:4])
        wanted = _spelled(tree, told_apart, left)
    owned = {layout.fold(path) for path in below(parent(wanted)) if path != own}
    for number in itertools.count(1):
        folder = _spelled(tree, layout.numbered(wanted, number, folder=True), left)
        if folder == own:
            return folder
        if layout.fold(folder) in owned:
            continue
        if own is not None and (folder.startswith(own + b"/") or own.startswith(folder + b"/")):
            message = f"{tree.shown(own)} cannot become {show_path(folder)}, because one lies in the other; take the"
            message += " album out with `greenroom publish --undo`, and publish it again"
            raise NeedsReview(message, code="target_exists", path=folder)
        with tree.explained("look at", folder):
            if tree.stat(folder) is not None:
                message = f"{tree.shown(folder)} is in the library, and Greenroom did not put it there; nothing is ever"
                raise NeedsReview(f"{message} overwritten, so move one of the two", code="target_exists", path=folder)
        _check_reachable(tree, folder)
        return folder
    raise AssertionError("unreachable: itertools.count does not end")


def _check_reachable(tree: Tree, path: bytes) -> None:
    """Return if a folder can be renamed to a path: what is above it is on the file system of the root."""
    for above in ancestors(path):
        with tree.explained("look at", above):
            found = tree.stat(above)
            if found is not None and found.st_dev != os.fstat(tree.folder(b"")).st_dev:
                raise NeedsReview(f"{tree.shown(above)}: {OTHER_FILESYSTEM}", code="other_filesystem", path=above)


def _left(tree: Tree, own: bytes, gone: Collection[Gone]) -> list[bytes]:
    """Return what an album would leave with its folder: that, and those above it that would be empty then."""
    left, going = [own], {one.path for one in gone if sha256_at(tree, one.path) == one.sha256}
    for above in ancestors(own):
        with tree.explained("list", above):
            if not {within(above, name) for name in _names(tree, above)} <= {left[-1], *going}:
                break
        left.append(above)
    return left


def _spelled(tree: Tree, path: bytes, left: Collection[bytes]) -> bytes:
    """Return a path with every part of it that is there spelled as it is there, compared without case and form.

    Not as what is `left`, but where the file system takes both for one name: no player would see it go.
    """
    found = b""
    for part in path.split(b"/"):
        with tree.explained("list", found):
            there = _names(tree, found)
            same = [name for name in there if layout.fold(name) == layout.fold(part)]
            if part not in there and tree.stat(within(found, part)) is None:
                same = [name for name in same if within(found, name) not in left]
        found = within(found, part if part in there or not same else same[0])
    return found


def _names(tree: Tree, folder: bytes) -> list[bytes]:
    """Return what is in a folder; nothing where it is not there."""
    try:
        return tree.names(folder)
    except FileNotFoundError:
        return []


def transfer_files(staging: Tree, item: NewItem, places: Mapping[bytes, bytes]) -> tuple[TransferFile, ...]:
    """Return the files as a transfer moves them, as they are now."""
    files = []
    for file in item.files:
        source = within(item.path, file.path)
        with staging.explained("look at", source):
            found = staging.stat_anew(source)  # its name in inbound may have gone just now, which moves its change time
        if found is None:
            raise Retryable(f"{staging.shown(source)} went away while this was planned", code="vanished", path=source)
        files.append(TransferFile(source, places[file.path], file.role, Identity.of(found)))
    return tuple(files)


def check_space(root: bytes, need: int, wanted: int) -> None:
    """Return if a file system has so many bytes beside the reserve. Raises NoRoom.

    Also where the whole of it has less: what a data set of a pool can hold grows with what others of it let go.
    """
    found = os.statvfs(root)
    free, total = free_bytes(found), found.f_blocks * found.f_frsize
    kept = reserve(wanted, total)
    if is_too_large(need, total, kept):
        message = f"the album needs {human_size(need)} in {show_path(root)}, a file system of {human_size(total)} of "
        message += f"which {human_size(kept)} stay in reserve; it can fit there only if that is made larger"
        raise NoRoom(message, code="never_fits", path=root)
    if need and free is not None and free - need < kept:
        message = f"the album needs {human_size(need)} in {show_path(root)}, where {human_size(free)} are free and "
        message += f"{human_size(kept)} stay in reserve; free some space"
        raise NoRoom(message, path=root)
