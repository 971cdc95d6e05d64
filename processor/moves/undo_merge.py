"""Files that joined a staged album → back where they came from; the album says again what it said before.

The first steps are those of every undo. Then each file's name leaves the album's folder, one by one, where its file is
provably in the inbound tree; last, the sidecar is again the one of the album without them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.moves.move import Move, Performance, same
from processor.moves.undo import fill_inbound, left_in_staging, patient, unlist
from processor.transfers import journal, sidecar
from processor.transfers.comparing import is_same
from processor.transfers.giving_back import forget_marks, remove_empty, take_away
from processor.transfers.transfer import Transfer


def _clear(run: Performance, undo: Transfer) -> Transfer:
    with patient():
        forget_marks(undo, run.guard)
        with (
            Tree(undo.dst_root) as staging,
            Tree(undo.src_root) as inbound,
            staging.explained("take out of", undo.target),
        ):
            places = [(within(undo.target, file.target), file.source) for file in undo.files]
            for n, (place, source) in enumerate(places, 1):
                run.guard.check(f"take out {n}/{len(places)}")
                if staging.stat(place) is not None and is_same(staging, place, inbound, source):
                    staging.unlink(place)
                elif staging.stat(place) is not None:
                    run.reasons.append(left_in_staging(staging, place))
            remove_empty(staging, [place for place, _ in places], run.guard)
            _sign(run, staging, undo)
    return run.advance(undo, "done")


def _sign(run: Performance, staging: Tree, undo: Transfer) -> None:
    """Put a sidecar without the files that left in the place of the one they came with, durably. Repeatable."""
    written = sidecar.read(staging, undo.target)
    if written is None or undo.before is None:
        return
    if written.transfer_id == undo.undoes:
        left = {file.target for file in undo.files}
        earlier = str(undo.before["transfer_id"])
        with run.database.read() as connection:
            kinds = [transfer.kind for transfer in journal.named(connection, earlier)]
        files = tuple(file for file in written.files if file.target not in left)
        old = replace(undo, id=earlier, kind=(*kinds, "album")[0], item=undo.before, files=files)
        run.guard.check("sign")
        sidecar.write(staging, undo.target, old, over=True)
    run.guard.check("fsync sign")  # also what an earlier try wrote before it was killed
    staging.sync(undo.target)


MOVE: Final = Move(
    "undo_merge", same, {"planned": fill_inbound, "materialised": unlist, "published": _clear}, take_away
)
