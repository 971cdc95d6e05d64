"""An approved album → the place of the one of its item that is published, by one exchange of two folders.

fill       hidden folder, as for a publication
exchange   the files that others put into the published one get more names there; hidden and published folder change
           places at once: whoever looks sees one whole album or the other; where no call does that (NFS, SMB), the old
           album goes to the trash and the new one takes its place an instant later; where it gets another name, one
           rename follows; then the artist's files; then the rows say it
clear      the old album, if the hidden folder has it now, goes to the trash of the library; then staging, as ever
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, folders, relative, way_to, within
from processor.filesystem.renaming import rename_folder
from processor.items.standing import files_below
from processor.moves.album import check_final, in_place, locate, renumbered
from processor.moves.discard import sync_both
from processor.moves.move import Move, Performance
from processor.moves.publish import beside, build, check_published, clear_staging, inside, take_apart, written
from processor.moves.replace import is_ours, keep, put_into_trash, take_kept
from processor.publication.access import make_above, rights_kept
from processor.publication.intent import intent_of
from processor.transfers import sidecar, trash
from processor.transfers.arrival import await_copies
from processor.transfers.giving_back import remove_empty
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder
from processor.transfers.materialise import CANNOT
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import above_target, sync_above, sync_each
from processor.transfers.torn import mend
from processor.transfers.transfer import State, Transfer, TransferFile, path_from_json
from scanner.identity import Identity


def _fill(run: Performance, transfer: Transfer) -> Transfer:
    with Tree(transfer.dst_root) as tree:
        if transfer.attempt:
            where, transfer = _locate(transfer)
            # The database is one of before that, or a person let what waited for them go on.
            if where != hidden_folder(transfer) or _is_aside(tree, transfer):
                return run.advance(transfer, "materialised")
        check_published(tree, published(transfer), transfer.item["home"])
    return run.advance(build(run, transfer), "materialised")


def _exchange(run: Performance, transfer: Transfer) -> Transfer:
    _mend(transfer, run.guard)
    where, found = _locate(transfer)
    with Tree(found.dst_root) as tree:
        if where == hidden_folder(found):
            if not _is_aside(tree, found):
                check_published(tree, published(found), found.item["home"])
                found = build(run, found) if found.attempt else found  # syncs again what was not synced
                _keep_others(run, tree, found)
            run.guard.check("exchange")
            with tree.explained("exchange", published(found)):
                _take_place(run, tree, found)
            sync_above(found.dst_root, _changed(found), run.guard, missing_ok=True)
            where = published(found)
        if where != found.target:
            _rename(run, tree, found)
        if found.target != published(found):  # whoever renamed it may have died before that
            sync_above(found.dst_root, _changed(found), run.guard, missing_ok=True)
    await_copies(found, run.guard)
    if found.attempt:
        check_final(run, found, rehash=True)
    return run.published(written(run, found, beside(found)))


def _clear(run: Performance, transfer: Transfer) -> Transfer:
    found = in_place(run, transfer)
    put_into_trash(run, found, "The album published before is in {} of the library for a while.")
    with Tree(found.dst_root) as tree, tree.explained("tidy", published(found)):
        remove_empty(tree, [published(found)], run.guard)  # what went beside it lay in folders above it
    clear_staging(run, found)
    return run.advance(found, "done")


def published(transfer: Transfer) -> bytes:
    """Return the folder of the album that gives way, relative to the library."""
    return path_from_json(transfer.item["was"])


def _locate(transfer: Transfer) -> tuple[bytes, Transfer]:
    """Return the folder the new album is in now: hidden, in the place of the old one, or under its own name."""
    with Tree(transfer.dst_root) as tree, tree.explained("look at", published(transfer)):
        exchanged = sidecar.is_of(tree, published(transfer), transfer.id)
    where, found = locate(replace(transfer, target=published(transfer)) if exchanged else transfer)
    return where, replace(found, target=transfer.target)


def _mend(transfer: Transfer, guard: Guard) -> None:
    """Finish the renames that a pool did on some branches only."""
    old, new = published(transfer), [file.target for file in transfer.files]
    ours = [path_from_json(path) for path in transfer.item["ours"]]
    with Tree(transfer.dst_root) as tree, tree.explained("bring together", old):
        mend(tree, old, trash.place(transfer.id), ours, guard.check)
        mend(tree, hidden_folder(transfer), old, new, guard.check)


def _is_aside(tree: Tree, transfer: Transfer) -> bool:
    """Tell whether the old album went to the trash before the new one had its place."""
    with tree.explained("look at", trash.place(transfer.id)):
        return tree.stat(trash.place(transfer.id)) is not None


def _take_place(run: Performance, tree: Tree, transfer: Transfer) -> None:
    """Let the new album take the place of the old one, at once where that can be done. Raises OSError. Repeatable."""
    hidden, place = hidden_folder(transfer), published(transfer)
    if _is_aside(tree, transfer):
        sync_both(tree, place, run.guard)  # whoever put it there may have died before that
    else:
        try:
            tree.exchange(hidden, place)
            return
        except OSError as error:
            if error.errno not in CANNOT:
                raise
        trash.put(tree, place, transfer.id, run.guard)
    run.guard.check("take place")
    rename_folder(tree, hidden, place)


def _keep_others(run: Performance, tree: Tree, transfer: Transfer) -> None:
    """Give the files of others in the published folder a second name in the hidden one, durably. Repeatable."""
    hidden, others = hidden_folder(transfer), [*_others(tree, transfer)]
    for n, path in enumerate(others, 1):
        run.guard.check(f"keep {n}/{len(others)}")
        old, new = within(published(transfer), path), within(hidden, path)
        with tree.explained("keep", old):
            for sub in way_to(new):
                tree.make(sub)
            found = tree.stat(old)
            if found is not None:
                keep(tree, old, new, TransferFile(old, path, "other", Identity.of(found)))
    sync_each(tree, [within(hidden, sub) for sub in folders(others)], run.guard, "fsync kept")


def _others(tree: Tree, transfer: Transfer) -> Iterator[bytes]:
    """Yield what is in the published folder, relative to it, and not Greenroom's; empty folders stay behind."""
    ours = {path_from_json(path) for path in transfer.item["ours"]}
    new = {file.target for file in transfer.files} | {relative(one.path, transfer.target) for one in inside(transfer)}
    with tree.explained("look into", published(transfer)):
        yield from sorted(files_below(tree, published(transfer)).keys() - ours - new)


def _rename(run: Performance, tree: Tree, transfer: Transfer) -> None:
    """Give the album, which is whole under its old name, the new one. Raises NeedsReview `target_exists`."""
    with tree.explained("rename", transfer.target):
        run.reasons += rights_kept(tree, make_above(tree, transfer.target, intent_of(transfer).access, run.guard))
        run.guard.check("rename")
        rename_folder(tree, published(transfer), transfer.target)


def _changed(transfer: Transfer) -> list[bytes]:
    return [*ancestors(published(transfer)), *above_target(transfer)]


def _roll_back(transfer: Transfer, guard: Guard) -> State:
    """Before the exchange: take the hidden folder away, with the names it gave to files of others."""
    _mend(transfer, guard)
    hidden = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree, tree.explained("undo", hidden):
        if any(sidecar.is_of(tree, path, transfer.id) for path in (published(transfer), transfer.target)):
            return transfer.state
        if tree.stat(hidden) is not None and not is_ours(tree, hidden, transfer.id):
            return "attention"  # it may be the old album: nothing in it is spare
        if _is_aside(tree, transfer):
            guard.check("undo trash")
            rename_folder(tree, trash.place(transfer.id), published(transfer))  # refused where somebody has its place
        sync_both(tree, published(transfer), guard)  # also what an earlier try put back before it was killed
        if tree.stat(hidden) is not None:
            take_apart(tree, transfer, guard)
            take_kept(tree, hidden, [*_others(tree, transfer)], guard)
    return roll_back(transfer, guard)


MOVE: Final = Move(
    "upgrade", renumbered, {"planned": _fill, "materialised": _exchange, "published": _clear}, _roll_back
)
