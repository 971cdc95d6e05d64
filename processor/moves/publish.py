"""An approved album of staging → a folder of a library, which appears whole, with its pictures and NFO in it.

fill       hidden folder, as for an album, and the files Greenroom makes, from the cache
switch     one rename that cannot overwrite; then the artist's files, one by one; then the rows say it
clear      where the album is moved: its files in staging go, as sources do, and last the sidecar there
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.errors import NeedsReview
from config.reasons import Reason
from processor.filesystem.files import Tree
from processor.filesystem.paths import relative, within
from processor.moves.album import check_final, in_place, locate, mend_switch, renumbered
from processor.moves.move import Move, Performance, before
from processor.publication.access import give, make_above, rights_kept
from processor.publication.intent import STRONGEST, Made, intent_of, with_intent
from processor.publication.writing import add, put, take
from processor.transfers import sidecar
from processor.transfers.arrival import await_copies
from processor.transfers.clearing import remove_sources
from processor.transfers.giving_back import remove_empty
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import fill, switch
from processor.transfers.transfer import WEAKEST_FIRST, State, Transfer


def _fill(run: Performance, transfer: Transfer) -> Transfer:
    found = transfer
    if transfer.attempt:
        where, found = locate(transfer)
        if where == transfer.target:
            return run.advance(found, "materialised")
    return run.advance(build(run, found), "materialised")


def _switch(run: Performance, transfer: Transfer) -> Transfer:
    mend_switch(transfer, run.guard)
    where, found = locate(transfer)
    if where == hidden_folder(transfer):
        found = build(run, found) if found.attempt else found  # syncs again what was not synced
        with Tree(found.dst_root) as tree:
            with tree.explained("prepare", found.target):
                run.reasons += rights_kept(tree, make_above(tree, found.target, intent_of(found).access, run.guard))
            switch(found, run.guard)
            await_copies(found, run.guard)
    else:
        check_final(run, found, rehash=True)
    return run.published(written(run, found, beside(found)))


def _clear(run: Performance, transfer: Transfer) -> Transfer:
    found = in_place(run, transfer)
    clear_staging(run, found)
    return run.advance(found, "done")


def build(run: Performance, transfer: Transfer) -> Transfer:
    """Fill the hidden folder from staging and from the cache, durably; return the transfer with what it came to."""
    strongest = min(run.strongest, STRONGEST[intent_of(transfer).mode], key=WEAKEST_FIRST.index)
    filled = fill(transfer, run.guard, strongest=strongest, workers=run.workers)
    with Tree(transfer.dst_root) as tree:
        hidden = hidden_folder(transfer)
        add(tree, hidden, transfer.target, inside(transfer), run.blobs, run.guard)
        run.guard.check("set rights")
        refused = give(tree, [hidden, *(path for path, _ in tree.below(hidden))], intent_of(transfer).access)
        # Told where people will find it.
        run.reasons += rights_kept(tree, [within(transfer.target, relative(path, hidden)) for path in refused])
    return filled


def check_published(tree: Tree, folder: bytes, transfer_id: str) -> None:
    """Check that a folder of the library is the album a transfer brought. Raises NeedsReview `not_as_recorded`."""
    with tree.explained("look into", folder):
        if not sidecar.is_of(tree, folder, transfer_id):
            message = (
                f"{tree.shown(folder)} is not the album that was published there: it was moved or replaced; put it back"
            )
            raise NeedsReview(message, code="not_as_recorded", path=folder)


def inside(transfer: Transfer) -> list[Made]:
    """Return the made files that are in the album's folder."""
    return [one for one in intent_of(transfer).made if one.path.startswith(transfer.target + b"/")]


def beside(transfer: Transfer) -> list[Made]:
    """Return the made files outside the album's folder: those of the artist."""
    return [one for one in intent_of(transfer).made if not one.path.startswith(transfer.target + b"/")]


def written(run: Performance, transfer: Transfer, made: list[Made]) -> Transfer:
    """Put made files in their places, remove the unwanted; return the transfer without what could not be written."""
    intent = intent_of(transfer)
    with Tree(transfer.dst_root) as tree:
        kept, rights = put(tree, made, run.blobs, run.guard, transfer.id[:8], intent.access)
        run.reasons += [*kept, *rights, *take(tree, intent.gone, run.guard)]
    refused = {reason.path for reason in kept}
    return with_intent(transfer, replace(intent, made=tuple(one for one in intent.made if one.path not in refused)))


def clear_staging(run: Performance, transfer: Transfer) -> None:
    """After a move: remove from staging what is safe in the library, the sidecar last. Repeatable."""
    if intent_of(transfer).mode != "move":
        return
    staged = before(transfer)
    ours = within(staged.path, sidecar.NAME)
    kept = remove_sources(transfer, run.guard, {ours})
    with Tree(transfer.src_root) as tree, tree.explained("tidy", staged.path):
        run.reasons += [_in_staging(tree, reason) for reason in kept]
        left = [file for file in transfer.files if tree.stat(file.source) is not None]
        if not left and sidecar.is_of(tree, staged.path, staged.transfer_id):
            run.guard.check("leave sidecar")
            tree.unlink(ours)
        remove_empty(tree, [ours], run.guard)  # which syncs


def _in_staging(tree: Tree, kept: Reason) -> Reason:
    """Say where it stays, for what else is told is of the library; and that no scan looks there."""
    assert kept.path is not None
    said = kept.message if kept.code != "left_behind" else "What is not the album's stays; no scan looks there."
    return kept._replace(message=f"{said} It is in staging: {tree.shown(kept.path)}.")


def _roll_back(transfer: Transfer, guard: Guard) -> State:
    """Take what was made out of the hidden folder, then the folder."""
    mend_switch(transfer, guard)
    hidden = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree, tree.explained("undo", hidden):
        if sidecar.is_of(tree, transfer.target, transfer.id):
            return transfer.state
        take_apart(tree, transfer, guard)
    return roll_back(transfer, guard)


def take_apart(tree: Tree, transfer: Transfer, guard: Guard) -> None:
    """Take what Greenroom made out of the hidden folder; all of it lies beside music, with which the folders go."""
    hidden = hidden_folder(transfer)
    for one in inside(transfer):
        guard.check("undo made")
        tree.unlink(within(hidden, relative(one.path, transfer.target)), missing_ok=True)


MOVE: Final = Move("publish", renumbered, {"planned": _fill, "materialised": _switch, "published": _clear}, _roll_back)
