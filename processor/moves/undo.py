"""A staged album → back where it came from, under its old names; its folder leaves staging at once, its item is gone.

planned        the inbound tree is filled, durably; the album is still listed and whole in staging
materialised   one transaction: the item is unlisted, the undo published
published      one rename takes the album's folder out of sight; then each of its names goes whose file is provably
               in the inbound tree, and the folders left empty
"""

from __future__ import annotations

import errno
from typing import Final

from config.errors import NeedsReview, Retryable
from config.reasons import Reason, show_path
from processor import sidecar
from processor.files import Tree, ancestors, explained, parent, rename_folder, within
from processor.giving_back import check_given_back, forget_marks, give_back, remove_empty, take_away
from processor.journal import Transfer
from processor.materialise import is_same
from processor.moves.move import Move, Performance
from processor.transfer import TX, make_hidden_root, remove_hidden


def fill_inbound(run: Performance, undo: Transfer) -> Transfer:
    """Step of every undo from `planned`: the old names are made."""
    return run.advance(give_back(undo, run.guard, strongest=run.strongest, workers=run.workers), "materialised")


def unlist(run: Performance, undo: Transfer) -> Transfer:
    """Step of every undo from `materialised`: the item says what it said before."""
    check_given_back(undo, run.guard)
    return run.taken_back(undo)


def _clear(run: Performance, undo: Transfer) -> Transfer:
    try:
        forget_marks(undo, run.guard)
        _hide(run, undo)
        _remove(run, undo)
    except NeedsReview as error:
        if error.reason_code != "permission_denied":
            raise
        raise Retryable(error.message, code=error.reason_code, path=error.path) from error  # nothing to decide about
    return run.advance(undo, "done")


def out_of_sight(undo: Transfer) -> bytes:
    """Where the album's folder is while its names are removed; called as its sidecar says, so that a sweep knows it."""
    assert undo.undoes is not None
    return within(TX, undo.undoes.encode())


def _hide(run: Performance, undo: Transfer) -> None:
    """Take the album's folder out of sight, if that was not done before."""
    assert undo.undoes is not None
    with Tree(undo.dst_root) as staging, explained("take away", undo.target):
        if staging.stat(out_of_sight(undo)) is None and sidecar.is_of(staging, undo.target, undo.undoes):
            make_hidden_root(staging, TX, run.guard)
            run.guard.check("hide")
            rename_folder(staging, undo.target, out_of_sight(undo))
        for folder in (TX, parent(undo.target), b""):
            run.guard.check("fsync hidden")
            staging.sync(folder, missing_ok=True)


def _remove(run: Performance, undo: Transfer) -> None:
    """Remove what is provably in the inbound tree; what is not goes back to its place in staging, and is named."""
    folder = out_of_sight(undo)
    with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound, explained("remove", undo.target):
        if staging.stat(folder) is not None:
            targets = [within(folder, file.target) for file in undo.files]
            given = [
                file.target
                for file, hidden in zip(undo.files, targets, strict=True)
                if staging.stat(hidden) is None or is_same(staging, hidden, inbound, file.source)
            ]
            try:
                remove_hidden(staging, folder, given, run.guard)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                _put_back(run, staging, undo)
        remove_empty(staging, [undo.target], run.guard)


def _put_back(run: Performance, staging: Tree, undo: Transfer) -> None:
    """Put what is left of the album's folder, which is not what we put there, where people find it."""
    folder = out_of_sight(undo)
    for name in (sidecar.NAME + b".new", sidecar.NAME):
        run.guard.check("undo sidecar")
        staging.unlink(within(folder, name), missing_ok=True)
    for above in reversed([*ancestors(undo.target)]):
        staging.make(above)
    run.guard.check("put back")
    rename_folder(staging, folder, undo.target)
    for changed in (*ancestors(undo.target), b"", TX):
        staging.sync(changed)
    message = f"{show_path(undo.target)} holds files that are not what was put there; they stay in staging"
    run.reasons.append(Reason("left_in_staging", message, undo.target))


def same(undo: Transfer) -> Transfer:
    """Return the undo as it is: the device numbers of today are looked up where they are used."""
    return undo


MOVE: Final = Move("undo", same, {"planned": fill_inbound, "materialised": unlist, "published": _clear}, take_away)
