"""A better album → the place of a staged one, by one exchange of two folders; the old one goes to the trash, whole.

fill       hidden folder, as for an album, with more names for the side files that only the old album has
exchange   hidden and final folder change places at once: whoever looks sees one whole album or the other
publish    the item says what is in the folder now, and waits for review
clear      the hidden folder, which holds the old album now, goes to the trash; then the sources go
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from config.errors import NeedsReview, Rejected
from config.reasons import Reason, show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import folders, within
from processor.items import standing
from processor.items.item import NewItem
from processor.moves.album import check_final, in_place, locate, renumbered
from processor.moves.discard import sync_both
from processor.moves.move import Move, Performance, before
from processor.transfers import sidecar, trash
from processor.transfers.clearing import remove_sources
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder, make_folders
from processor.transfers.materialise import CANNOT, duplicate
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import above_target, fill, sync_above, sync_folders
from processor.transfers.transfer import State, Transfer, TransferFile
from scanner.identity import Identity

_PROBES: Final = (b".greenroom-one", b".greenroom-other")


def _fill(run: Performance, transfer: Transfer) -> Transfer:
    if transfer.attempt:
        _, transfer = locate(transfer)
    with Tree(transfer.dst_root) as tree:
        standing.check(tree, transfer.target, before(transfer), alone=True)
        make_folders(transfer, tree, run.guard)
        check_exchange(tree, transfer)
        return run.advance(_fill_whole(run, tree, transfer), "materialised")


def _exchange(run: Performance, transfer: Transfer) -> Transfer:
    where, found = locate(transfer)
    if where == transfer.target:
        check_final(run, found, rehash=True)
        return run.published(found)
    with Tree(found.dst_root) as tree:
        standing.check(tree, found.target, before(found), alone=True)
        if found.attempt:
            found = _fill_whole(run, tree, found)  # syncs again what was not synced
        run.guard.check("exchange")
        with tree.explained("exchange", found.target):
            tree.exchange(hidden_folder(found), found.target)
    sync_above(found.dst_root, above_target(found), run.guard)
    return run.published(found)


def _clear(run: Performance, transfer: Transfer) -> Transfer:
    found = in_place(run, transfer)
    put_into_trash(run, found, "The album staged before is in {} of staging for a while.")
    run.reasons += remove_sources(found, run.guard, run.known)
    return run.advance(found, "done")


def _roll_back(transfer: Transfer, guard: Guard) -> State:
    """Before the exchange: take the hidden folder away, with the names it gave to files of the old album."""
    hidden = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree, tree.explained("undo", hidden):
        if sidecar.is_of(tree, transfer.target, transfer.id):
            return transfer.state
        if tree.stat(hidden) is None:
            return roll_back(transfer, guard)
        if not is_ours(tree, hidden, transfer.id):
            return "attention"  # it may be the old album: nothing in it is spare
        borrowed = [path for path in _kept(transfer) if tree.stat(within(transfer.target, path)) is not None]
        take_kept(tree, hidden, borrowed, guard)
    return roll_back(transfer, guard)


def put_into_trash(run: Performance, transfer: Transfer, told: str) -> None:
    """Let the album that gave way, in the hidden folder now, go to the trash, and tell where it is. Repeatable."""
    hidden = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree, tree.explained("put into the trash", hidden):
        if tree.stat(hidden) is not None:
            trash.put(tree, hidden, transfer.id, run.guard)
            run.reasons.append(Reason("trashed", told.format(show_path(trash.place(transfer.id)))))
        else:
            sync_both(tree, hidden, run.guard)  # whoever renamed it may have died before that


def is_ours(tree: Tree, hidden: bytes, transfer_id: str) -> bool:
    """Whether a hidden folder is what a transfer is building, and not yet an album that gave way to it."""
    try:
        found = sidecar.read(tree, hidden)
    except Rejected:
        return False
    return found is None or found.transfer_id == transfer_id


def _kept(transfer: Transfer) -> Sequence[bytes]:
    """Return the files of the old album that go on beside the new one, relative to the folder."""
    new = {file.target for file in transfer.files}
    return [file.path for file in NewItem.from_json(transfer.item).files if file.path not in new]


def check_exchange(tree: Tree, transfer: Transfer) -> None:
    """Make sure, before anything is copied, that two folders can change places here. Raises NeedsReview."""
    one, other = (within(hidden_folder(transfer), name) for name in _PROBES)
    with tree.explained("exchange folders in", hidden_folder(transfer)):
        tree.make(one)
        tree.make(other)
        try:
            tree.exchange(one, other)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            message = (
                f"the file system cannot exchange two folders at once ({error.strerror}), so "
                f"{transfer.shown} cannot be replaced without a moment in which it is missing; "
                "remove it by hand if the new one shall take its place"
            )
            raise NeedsReview(message, code="cannot_exchange", path=transfer.target) from error
        tree.rmdir(one)
        tree.rmdir(other)


def _fill_whole(run: Performance, tree: Tree, transfer: Transfer) -> Transfer:
    """Fill the hidden folder, and give the kept files of the old album a second name there, durably."""
    filled = fill(transfer, run.guard, strongest=run.strongest, workers=run.workers)
    hidden = hidden_folder(filled)
    with tree.explained("look into", filled.target):
        written = sidecar.read(tree, filled.target)
    wanted = set(_kept(filled))
    kept = tuple(file for file in written.files if file.target in wanted) if written else ()
    whole = replace(filled, files=(*filled.files, *kept))
    for sub in reversed(folders(file.target for file in kept)[:-1]):
        run.guard.check("keep folder")
        with tree.explained("prepare", within(hidden, sub)):
            tree.make(within(hidden, sub))
    for n, file in enumerate(kept, 1):
        run.guard.check(f"keep {n}/{len(kept)}")
        keep(tree, within(filled.target, file.target), within(hidden, file.target), file)
    run.guard.check("keep sidecar")
    with tree.explained("write the sidecar in", hidden):
        sidecar.write(tree, hidden, whole, over=True)
    sync_folders(whole, tree, hidden, run.guard)
    return filled


def keep(tree: Tree, old: bytes, new: bytes, file: TransferFile) -> None:
    """Give a file that stays whole under its old name a second one, by a copy where there are no links."""
    with tree.explained("keep", old):
        with suppress(FileNotFoundError):
            tree.unlink(new)  # what an interrupted try left; the old one is whole
        try:
            tree.link(old, tree, new)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            found = tree.stat(old)
            assert found is not None
            duplicate(tree, tree, replace(file, source=old, identity=Identity.of(found)), new, clone=True)


def take_kept(tree: Tree, hidden: bytes, kept: Sequence[bytes], guard: Guard) -> None:
    """Take the names `keep` gave out of the hidden folder again, and what `check_exchange` may have left there."""
    for path in kept:
        guard.check("undo kept")
        tree.unlink(within(hidden, path), missing_ok=True)
    for sub in (*folders(kept)[:-1], *_PROBES):
        with suppress(OSError):
            tree.rmdir(within(hidden, sub))


MOVE: Final = Move(
    "replace", renumbered, {"planned": _fill, "materialised": _exchange, "published": _clear}, _roll_back
)
