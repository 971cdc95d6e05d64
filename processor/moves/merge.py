"""Late tracks or another disc → files of an album that is staged already; they appear one by one, the sidecar last.

fill       hidden folder, as for an album
join       every hidden file gets one more name in the album's folder, by a link that cannot overwrite; then the
           sidecar of the whole takes the old one's place: from there it only goes forward
publish    the item says what is in the folder now, and waits for review
clear      the hidden names go, and the sources
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import Final

from config.errors import NeedsReview
from processor.filesystem.files import Tree
from processor.filesystem.paths import folders, within
from processor.items import standing
from processor.moves.album import check_final, in_place, locate, renumbered
from processor.moves.move import Move, Performance, before
from processor.transfers import sidecar
from processor.transfers.clearing import remove_sources
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder, make_folders, remove_hidden
from processor.transfers.materialise import CANNOT
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import fill, sync_folders
from processor.transfers.transfer import State, Transfer


def _fill(run: Performance, transfer: Transfer) -> Transfer:
    if transfer.attempt:
        _, transfer = locate(transfer)
    with Tree(transfer.dst_root) as tree:
        standing.check(tree, transfer.target, before(transfer), alone=False)
        make_folders(transfer, tree, run.guard)
        _check_links(tree, transfer)
    return run.advance(
        fill(transfer, run.guard, strongest=run.strongest, workers=run.workers),
        "materialised",
    )


def _join(run: Performance, transfer: Transfer) -> Transfer:
    where, found = locate(transfer)
    if where == transfer.target:
        check_final(run, found, rehash=True)
        return run.published(found)
    if found.attempt:
        found = fill(found, run.guard, strongest=run.strongest, workers=run.workers)  # syncs again what was not synced
    with Tree(found.dst_root) as tree:
        standing.check(tree, found.target, before(found), alone=False)
        _link(tree, found, run.guard)
        _sign(tree, found, run.guard)
    return run.published(found)


def _clear(run: Performance, transfer: Transfer) -> Transfer:
    found = in_place(run, transfer)
    hidden = hidden_folder(found)
    with Tree(found.dst_root) as tree, tree.explained("remove", hidden):
        if tree.stat(hidden) is not None:
            remove_hidden(tree, hidden, [file.target for file in found.files], run.guard)
    run.reasons += remove_sources(found, run.guard, run.known)
    return run.advance(found, "done")


def _roll_back(transfer: Transfer, guard: Guard) -> State:
    """Take the new names out of the album's folder, as long as the old sidecar is there, then the hidden folder."""
    hidden = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree, tree.explained("undo in", transfer.target):
        if sidecar.is_of(tree, transfer.target, transfer.id):
            return transfer.state
        if tree.stat(hidden) is None:
            return roll_back(transfer, guard)
        for file in transfer.files:
            if _is_one(tree, within(hidden, file.target), within(transfer.target, file.target)):
                guard.check("undo join")
                tree.unlink(within(transfer.target, file.target))
        for sub in folders(file.target for file in transfer.files)[:-1]:
            with suppress(OSError):  # the album's own folders are not empty
                tree.rmdir(within(transfer.target, sub))
        for sub in folders(file.target for file in transfer.files):
            guard.check("undo fsync")
            tree.sync(within(transfer.target, sub), missing_ok=True)
    return roll_back(transfer, guard)


def _check_links(tree: Tree, transfer: Transfer) -> None:
    """Make sure, before anything is copied, that a file can have two names here. Raises NeedsReview."""
    written = within(hidden_folder(transfer), sidecar.NAME)
    with tree.explained("link in", hidden_folder(transfer)):
        try:
            if tree.tells_links(written):
                return
            why = "they cannot be told from copies"
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            why = os.strerror(error.errno or 0)
    message = (
        f"the staging filesystem has no hard links ({why}), and without them files cannot join "
        f"{transfer.shown} safely; move them there by hand"
    )
    raise NeedsReview(message, code="cannot_join", path=transfer.target)


def _link(tree: Tree, transfer: Transfer, guard: Guard) -> None:
    """Give every hidden file its name in the album, durably. Raises NeedsReview where one is taken."""
    for sub in reversed(folders(file.target for file in transfer.files)[:-1]):
        guard.check("join folder")
        with tree.explained("prepare", within(transfer.target, sub)):
            tree.make(within(transfer.target, sub))
    for n, file in enumerate(transfer.files, 1):
        guard.check(f"join {n}/{len(transfer.files)}")
        hidden, final = (within(folder, file.target) for folder in (hidden_folder(transfer), transfer.target))
        with tree.explained("add", final):
            try:
                tree.link(hidden, tree, final)
            except FileExistsError:
                if not _is_one(tree, hidden, final):  # else it was us, before we were killed
                    raise
    sync_folders(transfer, tree, transfer.target, guard)


def _sign(tree: Tree, transfer: Transfer, guard: Guard) -> None:
    """Put the sidecar of the whole in the place of the old one, durably."""
    with tree.explained("write the sidecar in", transfer.target):
        old = sidecar.read(tree, transfer.target)
        assert old is not None  # it was checked just now
        guard.check("join sidecar")
        sidecar.write(tree, transfer.target, replace(transfer, files=(*old.files, *transfer.files)), over=True)
        guard.check("join fsync")
        tree.sync(transfer.target)


def _is_one(tree: Tree, path: bytes, other: bytes) -> bool:
    one, two = tree.stat(path), tree.stat(other)
    return one is not None and two is not None and (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)


MOVE: Final = Move("merge", renumbered, {"planned": _fill, "materialised": _join, "published": _clear}, _roll_back)
