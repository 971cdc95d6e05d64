"""An undo nobody could settle → where each of its files is, and whether going on with it can lose anything."""

from __future__ import annotations

from config.errors import GreenroomError, Stopped
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.fsck.remains import Candidates, Shape, Standing
from processor.moves.undo import out_of_sight
from processor.transfers import sidecar, trash
from processor.transfers.comparing import is_same, is_same_inode
from processor.transfers.hidden import hidden_folder
from processor.transfers.transfer import State, Transfer, TransferFile
from processor.undo import UNDOS

KINDS = frozenset(UNDOS.values())


def examine(undo: Transfer, *, is_listed: bool) -> Standing:
    """Look at every file of an undo wherever it can be. Reads only, raises Stopped.

    `is_listed`: the item still says what the undo takes back, so it is not published. `is_final`: its album is
    somewhere in staging; `is_hidden`: the folder it fills inbound from is there.
    """
    try:
        with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound, staging.explained("look at", undo.target):
            home = _home(undo, staging)
            is_hidden = inbound.stat(hidden_folder(undo)) is not None
            files = tuple(_candidates(file, undo, staging, home, inbound) for file in undo.files)
    except Stopped:
        raise
    except GreenroomError as error:
        return Standing(undo, True, False, False, (), error.message, is_listed)
    return Standing(undo, True, home is not None, is_hidden, files, None, is_listed)


def way_on(standing: Standing) -> State | None:
    """Return the state from which recovery can take an undo up again without losing anything, or None.

    Each of its steps compares before it removes. Before it is published it can also be taken back; afterwards all
    that is still in staging has to have its name in inbound, or the album would be left in two halves.
    """
    if standing.is_listed:
        return "planned"
    given = all(c.source != "absent" or c.final == "absent" for c in standing.files)
    return "published" if given else None


def _home(undo: Transfer, staging: Tree) -> bytes | None:
    """Return the folder the album that is taken back is in now; None if it is gone from staging."""
    assert undo.undoes is not None
    for folder in (undo.target, trash.place(undo.undoes), out_of_sight(undo)):
        if sidecar.is_of(staging, folder, undo.undoes):
            return folder
    return None


def _candidates(file: TransferFile, undo: Transfer, staging: Tree, home: bytes | None, inbound: Tree) -> Candidates:
    staged = within(home, file.target) if home is not None else None
    found = staging.stat(staged) if staged is not None else None
    final: Shape = "absent" if found is None else "whole" if found.st_size == file.identity.size else "different"

    def compare(path: bytes) -> Shape:
        there = inbound.stat(path)
        if there is None:
            return "absent"
        same = is_same_inode(there, file.identity._replace(dev=there.st_dev))
        return "whole" if same or (staged is not None and is_same(staging, staged, inbound, path)) else "different"

    return Candidates(file, compare(file.source), compare(within(hidden_folder(undo), file.source)), final)
