"""A settled transfer and what is there of it → the undo that takes it back, or all that stands in its way. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from config.reasons import Reason, show_path
from processor.transfers.transfer import SourceFolder, State, Transfer
from scanner.identity import Identity

UNDOS: Final[dict[str, str]] = {
    "album": "undo",
    "merge": "undo_merge",
    "replace": "undo_replace",
    "publish": "unpublish",
    "upgrade": "unpublish",
    "retag": "undo_retag",
    "discard": "restore",
}
"""A transfer's kind → the kind that takes it back."""
EXCHANGES: Final = frozenset({"replace", "retag"})
"""The kinds that put what was there before into the trash."""


class Seen(NamedTuple):
    """What is on disk of one file of the transfer."""

    staged: Identity | None  # of the plain file in the album's folder; None if there is none
    untouched: bool  # it has the bytes that were put there
    # at its old name: nothing, the same file or bytes, something else, or a disk mounted on the way
    inbound: Literal["free", "same", "taken", "mounted"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What undoing one transfer must know of the disk and the journal. Paths are relative to the staging root."""

    undo: State | None  # of the transfer that took it back before, or is about to
    folder: Literal["ours", "gone", "other"]  # the album's folder: as the transfer left it, or another one's
    files: Mapping[bytes, Seen]  # by target
    foreign: Sequence[bytes] = ()  # what else is in the folder
    replaced: Literal["whole", "gone"] | None = None  # in the trash, what gave way to it; None if nothing did
    problems: Sequence[Reason] = ()  # why something could not be looked at
    published: int | None = None  # the item, if it is in a library, which it has to leave first
    goes_on: bool = False  # what takes the album on from here is not settled: it would look for an item that is gone
    folders: Mapping[bytes, SourceFolder] = field(default_factory=dict)  # of inbound, as far as they are there
    done_ns: int = 0  # when the transfer was done, since 1970


def obstacles(transfer: Transfer, seen: Sighting) -> tuple[Reason, ...]:
    """Return everything that has to change before the transfer can be taken back; nothing if it can. Whole paths."""
    early = _journal(transfer, seen) or _folder(transfer, seen)
    if early is not None:
        return (early,)
    return (*seen.problems, *_changes(transfer, seen))


def undo_of(transfer: Transfer, seen: Sighting, *, id: str, fence: int, boot_id: str) -> Transfer:
    """Return the undo of a transfer without obstacles, about to be journalled."""
    files = []
    for file in transfer.files:
        staged = seen.files[file.target].staged
        assert staged is not None
        files.append(replace(file, identity=staged, digest=None))
    return replace(
        transfer,
        id=id,
        kind=UNDOS[transfer.kind],
        state="planned",
        files=tuple(files),
        fence=fence,
        boot_id=boot_id,
        strategy=None,
        attempt=0,
        error=None,
        run_id=None,
        undoes=transfer.id,
        source_folders=tuple(_folders(transfer, seen)),
    )


def _folders(transfer: Transfer, seen: Sighting) -> Iterator[SourceFolder]:
    """Say how the undo has to leave folders: as they were, if it makes them anew or nobody touched them since."""
    for noted in transfer.source_folders:
        there = seen.folders.get(noted.path)
        if there is None:
            yield noted
        elif there.mtime_ns <= seen.done_ns:  # its rights may be somebody's wish since then
            yield there._replace(mtime_ns=noted.mtime_ns)


def _journal(transfer: Transfer, seen: Sighting) -> Reason | None:
    where = os.path.join(transfer.dst_root, transfer.target)
    if seen.published is not None:
        message = (
            f"It is published; take it out of its library first, with `greenroom publish {seen.published} --undo`."
        )
        return Reason("published", message, where)
    if seen.undo == "done":
        return Reason("undone_before", "It was taken back before.", where)
    if transfer.state == "cancelled":
        return Reason("nothing_moved", "It moved nothing, so there is nothing to take back.", where)
    if transfer.state != "done" or seen.undo is not None or seen.goes_on:
        return Reason("unsettled", "It is not settled yet; `greenroom fsck` says why.", where)
    if transfer.kind not in UNDOS:
        return Reason("cannot_undo_kind", f"A {transfer.kind} cannot be taken back by Greenroom yet.", where)
    return None


def _folder(transfer: Transfer, seen: Sighting) -> Reason | None:
    where = os.path.join(transfer.dst_root, transfer.target)
    if seen.folder == "gone" and transfer.kind == "discard":
        return Reason("trash_gone", "It is not in the trash any more.", where)
    if seen.folder == "gone":
        return Reason("album_gone", "The album is not there any more: it was moved, renamed or removed.", where)
    if seen.folder == "other":
        message = "The folder is not as this transfer left it: a later one, or somebody else, put another album there."
        return Reason("album_replaced", message, where)
    if seen.replaced == "gone":
        message = "The album it took the place of is not in the trash any more, or not as it was put there."
        return Reason("trash_gone", message, where)
    return None


def _changes(transfer: Transfer, seen: Sighting) -> Iterator[Reason]:
    """Name every file that is not what it was, and every old name that is taken."""
    for file in transfer.files:
        there = seen.files.get(file.target)
        if there is None:
            continue  # it could not be looked at, and that was said
        staged = os.path.join(transfer.dst_root, transfer.target, file.target)
        if there.staged is None:
            yield Reason("file_gone", "It is not in the album any more.", staged)
        elif not there.untouched:
            message = "It is not what was put there: it was edited, replaced, or copied to this disk."
            yield Reason("file_changed", message, staged)
        if there.inbound == "taken":
            where = "staging" if UNDOS[transfer.kind] == "unpublish" else "inbound"
            message = f"Its name in {where} is taken by something else; {show_path(staged)} cannot go back there."
            yield Reason("name_taken", message, os.path.join(transfer.src_root, file.source))
        if there.inbound == "mounted":
            message = "Its old place is on a disk mounted inside the root, where nothing is put back; unmount it first."
            yield Reason("other_filesystem", message, os.path.join(transfer.src_root, file.source))
    for path in seen.foreign:
        message = "It is in the album's folder, and somebody put it there or changed it; move it elsewhere first."
        yield Reason("foreign_file", message, os.path.join(transfer.dst_root, path))
