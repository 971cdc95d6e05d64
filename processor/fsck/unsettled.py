"""A transfer nobody could settle → where each of its files is, whole or not, and whether recovery may try again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from config.database import Database
from config.errors import GreenroomError, Rejected, Stopped
from config.libraries import list_libraries
from config.machine import boot_id
from config.reasons import show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.fsck import rows, undos
from processor.fsck.finding import Finding, Resume
from processor.fsck.remains import Candidates, Shape, Standing
from processor.publication import ledger
from processor.retag import work_root
from processor.transfers import journal, sidecar
from processor.transfers.comparing import is_planned, is_planned_inode, is_whole
from processor.transfers.hidden import TX, hidden_folder, names_in
from processor.transfers.transfer import State, Transfer, TransferFile, roots_outside

_Same = Callable[[os.stat_result | None, TransferFile], bool]
FORWARD: Final = ("album", "merge", "replace", "retag", "publish", "upgrade")  # these may begin anew

IN_TRASH: Final[dict[str, tuple[State, State]]] = {
    "discard": ("planned", "published"),
    "restore": ("published", "materialised"),
}
"""Kinds that only rename: from where recovery takes them up again while the item is listed, and while it is not."""
ABOUT: Final[dict[str, tuple[State, State]]] = {"refresh": ("planned", "planned"), "restage": ("planned", "published")}
"""Kinds that leave the published album as it is, and compare before they write: the same, for an item listed there."""


class Leftovers(NamedTuple):
    """Every transfer that is not settled, and the hidden folders that tell of none."""

    moves: tuple[Standing, ...]
    orphans: tuple[bytes, ...]  # relative to the staging root
    lost: frozenset[bytes] = frozenset()  # roots of theirs that are no libraries any more


def look(database: Database, inbound: bytes, staging: bytes) -> Leftovers:
    """Look at what unsettled transfers left, and at hidden folders whose transfer the database does not know."""
    # Names first, rows second: whoever makes a folder has committed its row before.
    with Tree(staging) as tree, tree.explained("look at", TX):
        names = names_in(tree, TX)
    with database.read(snapshot=True) as connection:
        left = journal.unsettled(connection)
        lost = roots_outside(left, [library.path for library in list_libraries(connection)])
        listed = rows.listed(connection, [_listed_by(transfer) for transfer in left])
        homes = ledger.homes(connection, [transfer.item["key"] for transfer in left if transfer.kind == "restage"])
        settled = journal.states(connection, [name.decode("utf-8", "replace") for name in names])
    known = {id.encode() for transfer in left for id in (transfer.id, transfer.undoes) if id is not None}
    listed |= {
        transfer.id for transfer in left for home in homes if home.moved and home.key == transfer.item.get("key")
    }
    moves = [_examined(transfer, is_listed=_listed_by(transfer) in listed) for transfer in left]
    orphans = []
    blank = Transfer("", "", "planned", inbound, staging, b"", (), {}, 0, boot_id())
    for name in names:
        told = None if name.decode("utf-8", "replace") in settled else _of_hidden(staging, name, blank)
        if told is not None:
            moves.append(examine(told, has_row=False))
        elif name not in known:
            orphans.append(within(TX, name))
    return Leftovers(tuple(moves), tuple(orphans), lost)


def _examined(transfer: Transfer, *, is_listed: bool) -> Standing:
    if transfer.kind in undos.KINDS - IN_TRASH.keys():
        return undos.examine(transfer, is_listed=is_listed)
    return examine(transfer)._replace(is_listed=is_listed)


def _listed_by(transfer: Transfer) -> str:
    """Return the transfer an item came with, as long as a move did not take it off the list."""
    before = transfer.before if transfer.kind in IN_TRASH else None
    return str(before["transfer_id"]) if before else transfer.undoes or transfer.id


def examine(transfer: Transfer, *, has_row: bool = True) -> Standing:
    """Look at every file of a transfer wherever it can be, copies byte by byte. Reads only, raises Stopped."""
    try:
        with (
            Tree(transfer.src_root) as source,
            Tree(transfer.dst_root) as there,
            there.explained("look at", transfer.target),
        ):
            owner = _listed_by(transfer) if transfer.kind in IN_TRASH else transfer.id
            is_final = sidecar.is_of(there, transfer.target, owner)
            is_hidden = there.stat(hidden_folder(transfer)) is not None
            folder = transfer.target if is_final else hidden_folder(transfer)
            known = _with_digests(transfer, there, folder)
            files = tuple(_candidates(file, source, there, known) for file in known.files)
    except Stopped:
        raise
    except GreenroomError as error:
        return Standing(transfer, has_row, False, False, (), error.message)
    return Standing(known, has_row, is_final, is_hidden, files)


def _of_hidden(root: bytes, name: bytes, like: Transfer) -> Transfer | None:
    """Return the transfer that a hidden folder's sidecar tells of; None if it is not of the roots of `like`."""
    try:
        with Tree(root) as tree:
            written = sidecar.read(tree, within(TX, name))
    except (Rejected, OSError):
        return None
    if written is None or written.transfer_id.encode() != name or written.src_root != like.src_root:
        return None
    return replace(
        like,
        id=written.transfer_id,
        kind=written.kind,
        target=written.target,
        files=written.files,
        item=written.item,
        run_id=written.item.get("run_id"),
    )


def _with_digests(transfer: Transfer, tree: Tree, folder: bytes) -> Transfer:
    try:
        return sidecar.with_digests(transfer, sidecar.read(tree, folder))
    except Rejected:
        return transfer


def _candidates(file: TransferFile, source: Tree, there: Tree, transfer: Transfer) -> Candidates:
    return Candidates(
        file,
        _shape(source, file.source, file),
        _shape(there, within(hidden_folder(transfer), file.target), file, same=is_planned_inode),
        _shape(there, within(transfer.target, file.target), file, same=None),
    )


def _shape(tree: Tree, path: bytes, file: TransferFile, *, same: _Same | None = is_planned) -> Shape:
    """Judge as recovery does: before the switch by the inode or the digest, after it by content."""
    try:
        found = tree.stat(path)
        if found is None:
            return "absent"
        today = replace(
            file, identity=file.identity._replace(dev=found.st_dev)
        )  # numbers of devices change with mounts
        whole = same is not None and same(found, today)
        digested = file.digest is not None or same is None
        return "whole" if whole or (digested and is_whole(tree, path, today, rehash=True)) else "different"
    except NotADirectoryError:
        return "absent"


def judge(left: Leftovers, inbound: bytes, staging: bytes) -> Iterator[Finding]:
    """Say of each transfer what is left of it; propose to go on where that cannot lose anything. Pure."""
    targets = [standing.transfer.target for standing in left.moves]
    ours = ((inbound, staging), (work_root(staging), staging))
    for folder in left.orphans:
        message = (
            "No unfinished move made this hidden folder, and it may hold the only copy of something. Move what you "
        )
        yield Finding("orphan_transfer_folder", message + "want to keep to inbound, and remove the folder.", (folder,))
    for standing in left.moves:
        transfer = standing.transfer
        state = _way_on(standing)
        pair = (transfer.src_root, transfer.dst_root)
        if not left.lost.isdisjoint(pair) or (pair not in ours and transfer.src_root != staging):
            yield _finding(standing, "stranded_transfer", _stranded(transfer))
        elif standing.trouble is not None:
            yield _finding(
                standing, "unsettled_transfer", f"What is left of this move cannot be seen: {standing.trouble}."
            )
        elif transfer.state in ("planned", "materialised", "published") and standing.has_row:
            message = "This move is not finished; a running cycle, the next one or `greenroom recover` settles it."
            yield _finding(standing, "unfinished_transfer", message)
        elif state is None or targets.count(transfer.target) > 1:
            yield _finding(standing, "unsettled_transfer", f"{_why(standing)} {_left(standing)} {_advice(standing)}")
        else:
            message = f"{_why(standing)} {_left(standing)} Nothing can be lost by going on with it."
            yield replace(
                _finding(standing, "unsettled_transfer", message), repair=Resume(transfer, state, standing.has_row)
            )


def _way_on(standing: Standing) -> State | None:
    """Return the state from which recovery can take a transfer up again without losing anything, or None."""
    if standing.transfer.kind in IN_TRASH:
        return IN_TRASH[standing.transfer.kind][not standing.is_listed]
    if standing.transfer.kind in undos.KINDS:
        return undos.way_on(standing)
    if standing.transfer.kind in ABOUT:
        return ABOUT[standing.transfer.kind][not standing.is_listed]
    if standing.transfer.kind not in (FORWARD if standing.has_row else ("album",)):
        return None
    if standing.is_final:
        return "materialised" if all(c.final == "whole" for c in standing.files) else None
    if standing.is_hidden:
        return "planned" if all(c.is_safe for c in standing.files) else None
    return "planned"  # nothing of it is on disk: recovery closes it


def _finding(standing: Standing, code: str, message: str) -> Finding:
    transfer = standing.transfer
    is_hidden = standing.is_hidden and not standing.is_final and transfer.undoes is None  # an undo's is in inbound
    place = hidden_folder(transfer) if is_hidden else transfer.target
    return Finding(code, message, (place,), root=transfer.dst_root)


def _why(standing: Standing) -> str:
    if not standing.has_row:
        return "A hidden folder holds a move that the database does not know, as after restoring an older one."
    what = "An undo" if standing.transfer.undoes is not None else "A move"
    return f"{what} waits for a person: {standing.transfer.error or 'it did not say why'}."


def _left(standing: Standing) -> str:
    """Name what is left of each file that is not simply whole where it should be."""
    if standing.transfer.kind in ABOUT:
        return "The published album is left as it is."
    if not (standing.is_final or standing.is_hidden):
        return "Nothing it made is on the disk."
    odd = [c for c in standing.files if not (c.final == "whole" if standing.is_final else c.is_safe)]
    if not odd:
        return "Every file of it is whole."
    root = standing.transfer.src_root
    named = (
        f"{show_path(within(root, c.file.source))}: source {c.source}, hidden {c.hidden}, album {c.final}"
        for c in odd[:10]
    )
    more = f"; and {len(odd) - 10} more" if len(odd) > 10 else ""
    return (
        f"Not whole where they should be, {len(odd)} of {len(standing.files)} files: " + "; ".join(named) + more + "."
    )


def _advice(standing: Standing) -> str:
    if standing.transfer.kind not in FORWARD:
        return "Look into both folders, and bring together by hand what belongs together; then run this again."
    if standing.is_final:
        return "Put the files back as they were, or move the folder elsewhere; then run this again."
    folder = show_path(within(standing.transfer.dst_root, hidden_folder(standing.transfer)))
    return f"Put the files back, or move what you want to keep out of {folder} and remove it; then run this again."


def _stranded(transfer: Transfer) -> str:
    return (
        f"This move goes from {show_path(transfer.src_root)} to {show_path(transfer.dst_root)}, which are not the "
        "libraries any more; add them again, and the next cycle settles it."
    )
