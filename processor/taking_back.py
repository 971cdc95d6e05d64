"""One settled transfer → taken back, or what stands in the way: look, decide, write the undo down, settle it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from loguru import logger

from config.database import Database
from config.errors import GreenroomError, Stopped
from config.mounts import mount_of
from config.reasons import Reason, sentence
from processor import discarding
from processor.filesystem.files import Tree, is_file, is_folder
from processor.filesystem.paths import ancestors, within
from processor.items import repository
from processor.items.item import NewItem
from processor.items.standing import look_at
from processor.moves.move import Performance, before
from processor.publication import ledger
from processor.settle import settle
from processor.transfers import journal, sidecar, source_folders, trash
from processor.transfers.comparing import is_same, is_whole
from processor.transfers.transfer import Transfer, TransferFile, path_from_json
from processor.undo import EXCHANGES, Seen, Sighting, obstacles, undo_of
from scanner.identity import Identity

Undone = Literal["undone", "trashed", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of one album that was to be taken back or thrown away, and why. If refused, paths are absolute."""

    transfer: Transfer
    outcome: Undone
    reasons: tuple[Reason, ...] = ()


def rehearse(database: Database, transfer: Transfer) -> TakenBack:
    """Say what taking a transfer back would come to, as far as can be seen without doing it. Reads only."""
    reasons = obstacles(transfer, _look(database, transfer))
    return TakenBack(transfer, "refused" if reasons else "undone", reasons)


def take_back(run: Performance, transfer: Transfer) -> TakenBack:
    """Put the files of a transfer back where they were, and make the item say what it said before.

    Refused, with nothing touched, while anything stands in the way. Raises LeaseLost, Stopped, and Retryable when the
    database fails; all leave to recovery what was begun and is not as it was.
    """
    return _carry_out(run, transfer, _look(run.database, transfer), {})


def restage(run: Performance, transfer: Transfer) -> TakenBack:
    """Put the files of a published album back into staging too, and leave its library as it is; as `take_back`."""
    seen = replace(_look(run.database, transfer), foreign=())  # other people's files in the library are not in the way
    return _carry_out(run, transfer, seen, {"kind": "restage", "undoes": None})


def _carry_out(run: Performance, transfer: Transfer, seen: Sighting, other: dict[str, Any]) -> TakenBack:
    log = logger.bind(transfer=transfer.id, target=transfer.shown)
    if reasons := obstacles(transfer, seen):
        log.bind(code=reasons[0].code).info("transfer cannot be taken back")
        return TakenBack(transfer, "refused", reasons)
    undo = undo_of(transfer, seen, id=str(uuid.uuid4()), fence=run.guard.fence, boot_id=run.boot_id)
    undo = replace(undo, **other)
    with run.database.begin() as connection:
        journal.plan(connection, [undo], run.now)
    told = len(run.reasons)
    settled = settle(run, undo)
    if isinstance(run.trouble, Stopped):  # it did not fail, and is as it was or goes on later
        raise run.trouble
    reasons = tuple(run.reasons[told:])
    if settled.state != "done" and settled.error and not reasons:
        reasons = (Reason("unfinished", sentence(settled.error)),)
    log.bind(undo=undo.id, kind=undo.kind, state=settled.state, error=settled.error).info("transfer taken back")
    return TakenBack(transfer, "undone" if settled.state == "done" else "failed", reasons)


def _look(database: Database, transfer: Transfer) -> Sighting:
    """Look at what is there of a transfer; whatever cannot be looked at becomes a problem."""
    if transfer.kind == "discard":
        return discarding.look(database, transfer)
    with database.read() as connection:
        undo = journal.undo_state(connection, transfer.id)
        homes = ledger.homes(connection, [transfer.item.get("key", "")])
        done_at = journal.moved_on(connection, transfer.id)
        goes_on = any(_is_from(one, transfer) for one in journal.unsettled(connection))
    # A published album that also is in staging: what was done to it there can be taken back, and the item stays.
    beside = transfer.before is not None and not any(home.moved for home in homes)
    if homes and transfer.kind not in ("publish", "upgrade") and not beside:
        return Sighting(undo, "ours", {}, published=homes[0].item_id)
    if undo is not None or transfer.state != "done" or goes_on:
        return Sighting(undo, "ours", {}, goes_on=goes_on)
    with Tree(transfer.dst_root) as staging, Tree(transfer.src_root) as inbound:
        with staging.explained("look at", transfer.target):
            if staging.stat(transfer.target) is None:
                return Sighting(undo, "gone", {})
            if not sidecar.is_of(staging, transfer.target, transfer.id):
                return Sighting(undo, "other", {})
        files: dict[bytes, Seen] = {}
        problems = [*_place_taken(database, transfer)]
        for file in transfer.files:
            try:
                files[file.target] = _see(staging, inbound, transfer, file)
            except Stopped:
                raise
            except GreenroomError as error:
                problems.append(error.reason())
        with staging.explained("look into", transfer.target):
            foreign = [] if transfer.kind == "merge" else _foreign(staging, transfer)
        replaced = _replaced(staging, transfer) if transfer.kind in EXCHANGES else None
        folders = source_folders.look_at(transfer.src_root, [file.source for file in transfer.files])
        done_ns = int(done_at.timestamp() * 1e9)
        return Sighting(undo, "ours", files, foreign, replaced, problems, folders=folders, done_ns=done_ns)


def _is_from(other: Transfer, transfer: Transfer) -> bool:
    """Tell whether a transfer takes the album on from where another one put it, into a library say."""
    return other.src_root == transfer.dst_root and other.item.get("key") == transfer.item.get("key")


def _place_taken(database: Database, transfer: Transfer) -> Iterator[Reason]:
    """Say which album was staged since then where a published one goes back to: one folder holds one album."""
    if transfer.kind not in ("publish", "upgrade") or transfer.before is None:
        return
    ours = NewItem.from_json(transfer.before)
    with database.read() as connection:
        is_taken = repository.is_anothers(connection, ours)
    if is_taken:
        message = "Its place in staging is another album's by now; publish that one or put it into the trash first"
        message += ", or let its row go with `greenroom items forget` if it is missing."
        yield Reason("name_taken", message, os.path.join(transfer.src_root, ours.path))


def _see(staging: Tree, inbound: Tree, transfer: Transfer, file: TransferFile) -> Seen:
    place = within(transfer.target, file.target)
    with staging.explained("look at", place):
        found = staging.stat_anew(place)  # as in publication.laying
        staged = Identity.of(found) if found is not None and is_file(found) else None
        untouched = is_whole(staging, place, file, rehash=True)
        if untouched and staged is not None and transfer.strategy == "link":
            untouched = staged.ino == file.identity.ino
    with inbound.explained("look at", file.source):
        if inbound.stat(file.source) is None:
            above = next((folder for folder in ancestors(file.source) if inbound.stat(folder) is not None), b"")
            return Seen(staged, untouched, "mounted" if _is_mounted(transfer.src_root, above) else "free")
        return Seen(staged, untouched, "same" if is_same(staging, place, inbound, file.source) else "taken")


def _is_mounted(root: bytes, folder: bytes) -> bool:
    """Tell whether a folder is on another mount than its root, across which nothing can be linked or renamed."""
    return folder != b"" and mount_of(os.path.join(root, folder)) != mount_of(root)


def _foreign(staging: Tree, transfer: Transfer) -> list[bytes]:
    """Return what is in the album's folder that neither the transfer nor, before it, the item's album put there."""
    listed = {path_from_json(file["path"]) for file in transfer.item.get("files", ())}
    known = listed | {file.target for file in transfer.files} | {sidecar.NAME, sidecar.NAME + b".new"}
    ours = {within(transfer.target, name) for name in known}
    there = [(path, found) for path, found in staging.below(transfer.target) if path not in ours]
    # Empty folders count, too.
    return [path for path, found in there if not is_folder(found) or not staging.names(path)]


def _replaced(staging: Tree, transfer: Transfer) -> Literal["whole", "gone"]:
    """Tell whether the album that gave way is in the trash, as its item said."""
    standing = look_at(staging, trash.place(transfer.id), before(transfer))
    return "whole" if standing.trouble is None else "gone"
