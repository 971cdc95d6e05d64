"""A staged album → back where it came from, under its old names; its folder leaves staging at once, its item is gone.

planned        the inbound tree is filled, durably; the album is still listed and whole in staging
materialised   one transaction: the item is unlisted, the undo published
published      one rename takes the album's folder out of sight; then each of its names goes whose file is provably
               in the inbound tree, and the folders left empty
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from config.errors import NeedsReview, Retryable
from config.reasons import Reason
from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, folders, way_to, within
from processor.filesystem.renaming import rename_folder
from processor.moves.move import Move, Performance, same
from processor.transfers import sidecar
from processor.transfers.comparing import is_same
from processor.transfers.giving_back import check_given_back, forget_marks, give_back, remove_empty, take_away
from processor.transfers.hidden import TX, make_hidden_root, remove_hidden
from processor.transfers.steps import sync_each
from processor.transfers.torn import mend
from processor.transfers.transfer import Transfer


def fill_inbound(run: Performance, undo: Transfer) -> Transfer:
    """Step of every undo from `planned`: the old names are made."""
    return run.advance(give_back(undo, run.guard, strongest=run.strongest, workers=run.workers), "materialised")


def unlist(run: Performance, undo: Transfer) -> Transfer:
    """Step of every undo from `materialised`: the item says what it said before."""
    check_given_back(undo, run.guard)
    return run.taken_back(undo)


def clear(run: Performance, undo: Transfer) -> Transfer:
    """Step of an album's undo from `published`."""
    with patient():
        forget_marks(undo, run.guard)
        hide(run, undo, undo.target)
        remove(run, undo, undo.target)
    return run.advance(undo, "done")


@contextmanager
def patient() -> Iterator[None]:
    """Turn a missing permission into Retryable once the undo is published: then it can only go forward."""
    try:
        yield
    except NeedsReview as error:
        if error.reason_code != "permission_denied":
            raise
        raise Retryable(error.message, code=error.reason_code, path=error.path) from error


def out_of_sight(undo: Transfer) -> bytes:
    """Where the album's folder is while its names are removed; named as its sidecar says, for sweeps to know."""
    assert undo.undoes is not None
    return within(TX, undo.undoes.encode())


def hide(run: Performance, undo: Transfer, home: bytes) -> None:
    """Rename the album's folder out of sight, unless an earlier try did."""
    assert undo.undoes is not None
    with Tree(undo.dst_root) as staging, staging.explained("take away", home):
        mend(staging, home, out_of_sight(undo), [file.target for file in undo.files], run.guard.check)
        if staging.stat(out_of_sight(undo)) is None and sidecar.is_of(staging, home, undo.undoes):
            make_hidden_root(staging, TX, run.guard)
            run.guard.check("hide")
            rename_folder(staging, home, out_of_sight(undo))
        # All above, for an earlier try may have put back what somebody left, into folders it made for that.
        sync_each(staging, (TX, *ancestors(home), b""), run.guard, "fsync hidden", missing_ok=True)


def remove(run: Performance, undo: Transfer, home: bytes, borrowed: Sequence[bytes] = ()) -> None:
    """Remove what is provably in the inbound tree; put the rest back into staging, and name it.

    `borrowed` are files that the folder at the target has, too.
    """
    folder = out_of_sight(undo)
    with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound, staging.explained("remove", home):
        if staging.stat(folder) is not None:
            wanted = [(file.target, inbound, file.source) for file in undo.files]
            wanted += [(path, staging, within(undo.target, path)) for path in borrowed]
            given = [
                path
                for path, other, there in wanted
                if staging.stat(within(folder, path)) is None or is_same(staging, within(folder, path), other, there)
            ]
            try:
                remove_hidden(staging, folder, given, run.guard)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                _put_back(run, staging, undo, home)
        remove_empty(staging, [home], run.guard)


def _put_back(run: Performance, staging: Tree, undo: Transfer, home: bytes) -> None:
    """Put what somebody left in the album's folder back where people find it."""
    folder = out_of_sight(undo)
    for name in (sidecar.NAME + b".new", sidecar.NAME):
        run.guard.check("undo sidecar")
        staging.unlink(within(folder, name), missing_ok=True)
    subs = [within(folder, sub) for sub in folders(file.target for file in undo.files)]
    # Or names that went could be back there, with the sidecar.
    sync_each(staging, subs, run.guard, "fsync put back", missing_ok=True)
    for above in way_to(home):
        staging.make(above)
    run.guard.check("put back")
    rename_folder(staging, folder, home)
    sync_each(staging, (*ancestors(home), b"", TX), run.guard, "fsync put back")
    run.reasons.append(left_in_staging(staging, home))


def left_in_staging(staging: Tree, path: bytes) -> Reason:
    """Say that something stays behind."""
    message = f"{staging.shown(path)} is, or holds, what is not what was put there; it stays there."
    return Reason("left_in_staging", message, path)


MOVE: Final = Move("undo", same, {"planned": fill_inbound, "materialised": unlist, "published": clear}, take_away)
