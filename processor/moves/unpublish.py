"""A published album → out of the library again: its files are back in staging first, under the names they had there.

The first steps are those of every undo, with staging for inbound. Then one rename takes the album's folder out of
sight; each of its names goes whose file is provably in staging, and what Greenroom made and nobody changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from processor.filesystem.files import Tree
from processor.filesystem.paths import relative, within
from processor.items import repository
from processor.moves.move import Move, Performance, before, same
from processor.moves.undo import fill_inbound, hide, out_of_sight, patient, remove
from processor.publication.intent import Gone, intent_of
from processor.publication.writing import take
from processor.transfers import journal, sidecar
from processor.transfers.giving_back import check_given_back, forget_marks, remove_empty, take_away
from processor.transfers.transfer import Transfer


def tell(run: Performance, undo: Transfer) -> Transfer:
    """Step of undos into staging from `materialised`: item, ledger and publication say where the album is."""
    check_given_back(undo, run.guard)
    return run.published(undo)


def _clear(run: Performance, undo: Transfer) -> Transfer:
    made = intent_of(undo).gone
    hidden = [
        Gone(within(out_of_sight(undo), relative(one.path, undo.target)), one.sha256)
        for one in made
        if one.path.startswith(undo.target + b"/")
    ]
    beside = [one for one in made if not one.path.startswith(undo.target + b"/")]
    with patient():
        forget_marks(undo, run.guard)
        hide(run, undo, undo.target)
        with Tree(undo.dst_root) as library:
            take(library, hidden, run.guard)  # what stays goes back to its place with the folder, and is told of there
            run.reasons += take(library, beside, run.guard)
        remove(run, undo, undo.target)
        with Tree(undo.dst_root) as library, library.explained("tidy", undo.target):
            remove_empty(library, [one.path for one in beside], run.guard)
        sign(run, undo)
    return run.advance(undo, "done")


def sign(run: Performance, undo: Transfer) -> None:
    """Put the sidecar back that tells whose the folder in staging is, durably. Repeatable."""
    staged = before(undo)
    with run.database.read() as connection:
        known = journal.named(connection, staged.transfer_id)
    with Tree(undo.src_root) as tree, tree.explained("sign", staged.path):
        if _is_staged_again(run, undo):
            return
        if not sidecar.is_of(tree, staged.path, staged.transfer_id):
            files = tuple(replace(file, target=relative(file.source, staged.path)) for file in undo.files)
            origin = {file.path: file.source for file in staged.files}
            files = tuple(replace(file, source=origin.get(file.target, file.source)) for file in files)
            first = known[0] if known else undo
            told = replace(undo, id=staged.transfer_id, kind=first.kind if known else "album", src_root=first.src_root)
            told = replace(told, target=staged.path, item=undo.before or {}, files=files)
            run.guard.check("sign")
            sidecar.write(tree, staged.path, told, over=True)
        run.guard.check("fsync sign")  # also what an earlier try wrote before it was killed
        tree.sync(staged.path)


def _is_staged_again(run: Performance, undo: Transfer) -> bool:
    """Tell whether late tracks or a better copy made another album of what was published, whose sidecar is there."""
    with run.database.read() as connection:
        found = repository.of_id(connection, intent_of(undo).item_id)
    return found is not None and found.item.transfer_id != before(undo).transfer_id


MOVE: Final = Move("unpublish", same, {"planned": fill_inbound, "materialised": tell, "published": _clear}, take_away)
