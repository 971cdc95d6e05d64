"""A folder nobody wants, or that gave way to a better one ↔ .greenroom-trash/<transfer id>, kept for days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from config.batches import batched
from config.database import Database
from config.errors import NeedsReview
from config.reasons import Reason
from processor.filesystem.files import Tree, is_folder
from processor.filesystem.paths import within
from processor.filesystem.renaming import rename_folder
from processor.transfers import journal, sidecar, trash_rows
from processor.transfers.guard import Guard
from processor.transfers.hidden import make_hidden_root, names_in

TRASH = b".greenroom-trash"
LONGEST, SHORTEST = dt.timedelta(days=1), dt.timedelta(hours=1)  # most that a look adds to an age; least worth writing
GOING = b".going"  # ends the name of a folder that is being removed, so that its rest is removed after a crash


@dataclass(frozen=True, slots=True)
class Trashed:
    """One folder in the trash of a root."""

    transfer_id: str  # of the transfer that put it there
    since: dt.datetime  # its change time, which the move into the trash set
    files: int  # without the sidecar, which is Greenroom's own
    size: int  # bytes of these
    age: dt.timedelta = dt.timedelta(0)  # how long it has provably lain there; see `grow_older`
    told: trash_rows.GaveWay | None = None  # what it is; None if the journal does not know

    def kept_until(self, days: dt.timedelta, now: dt.datetime) -> dt.datetime | None:
        """Return when it is due to be removed, if it is kept so many days and cycles go on looking at it.

        None for what stays, because the journal does not know it: an older database was restored, or a new one made.
        """
        if self.told is None:
            return None
        return now + max(days - self.age, dt.timedelta(0))


def place(transfer_id: str) -> bytes:
    """Where a transfer puts what it replaced, relative to the root."""
    return TRASH + b"/" + transfer_id.encode()


def put(tree: Tree, folder: bytes, transfer_id: str, guard: Guard) -> None:
    """Move a folder of the tree into its trash, in one rename, durably. Not for a path that is there already.

    Raises OSError as the system does; EEXIST if the transfer has put something there before.
    """
    make_hidden_root(tree, TRASH, guard)
    guard.check("trash")
    rename_folder(tree, folder, place(transfer_id))
    for changed in (TRASH, folder.rpartition(b"/")[0], b""):
        guard.check("fsync trash")
        tree.sync(changed)


def listed(database: Database, root: bytes) -> list[Trashed]:
    """Return what lies in the trash of a root, what has lain there longest first."""
    with Tree(root) as tree, tree.explained("look into", TRASH):
        found = [seen for name in names_in(tree, TRASH) if not name.endswith(GOING) and (seen := look(tree, name))]
    ages: dict[str, tuple[dt.timedelta, dt.datetime | None]] = {}
    told: dict[str, trash_rows.GaveWay] = {}
    with database.read() as connection:
        for ids in batched([trashed.transfer_id for trashed in found]):
            ages |= trash_rows.trash_ages(connection, ids)
            told |= trash_rows.gave_way(connection, ids)
    aged = [
        replace(t, age=ages[t.transfer_id][0], told=told[t.transfer_id]) if t.transfer_id in ages else t for t in found
    ]
    return sorted(aged, key=lambda trashed: (-trashed.age, trashed.since, trashed.transfer_id))


def grow_older(database: Database, root: bytes, now: dt.datetime) -> None:
    """Add to the age of what lies in the trash the time since the last look, by the wall clock, though at most a day.

    So a clock that jumps by years shortens the time by a day at most.
    """
    with Tree(root) as tree, tree.explained("look into", TRASH):
        ids = [name.decode("utf-8", "backslashreplace") for name in names_in(tree, TRASH)]
    if not ids:
        return
    with database.read() as connection:
        ages = {id: age for some in batched(ids) for id, age in trash_rows.trash_ages(connection, some).items()}
    passed = {id: now - (seen or now) for id, (_, seen) in ages.items()}
    older = {
        id: age + max(dt.timedelta(0), min(passed[id], LONGEST))
        for id, (age, seen) in ages.items()
        if seen is None or not dt.timedelta(0) <= passed[id] < SHORTEST
    }
    if older:
        with database.begin() as connection:
            trash_rows.count_in_trash(connection, older, now)


def due(
    database: Database, root: bytes, kept_for: dt.timedelta, only: Collection[str] | None = None
) -> tuple[list[Trashed], list[Reason]]:
    """Return what has lain in the trash of a root for so long, of `only` these transfers, and what may not go.

    Kept whatever their age: folders of transfers that are unsettled or being taken back, which may hold the only copy
    of something, and folders no journal row knows.
    """
    old = [one for one in listed(database, root) if one.age >= kept_for and (only is None or one.transfer_id in only)]
    with database.read() as connection:
        settled = {id for ids in batched([one.transfer_id for one in old]) for id in journal.settled(connection, ids)}
    message = "It stays in the trash: its transfer is not settled, or no transfer is known that put it there."
    kept = [Reason("trash_kept", message, place(one.transfer_id)) for one in old if one.transfer_id not in settled]
    return [one for one in old if one.transfer_id in settled], kept


def empty(
    database: Database, guard: Guard, root: bytes, kept_for: dt.timedelta, only: Collection[str] | None = None
) -> tuple[list[Trashed], list[Reason]]:
    """Remove for good what is `due`; return what went and what may not go. May be killed anywhere and run again.

    What the system forbids to remove is raised once all else is gone.
    """
    gone, kept = due(database, root, kept_for, only)
    with Tree(root) as tree, tree.explained("empty", TRASH):
        for trashed in gone:
            guard.check("trash going")
            rename_folder(tree, place(trashed.transfer_id), place(trashed.transfer_id) + GOING)
        if going := [name for name in names_in(tree, TRASH) if name.endswith(GOING)]:
            guard.check("fsync trash")
            tree.sync(TRASH)  # or half of an album could be back under the name of a whole one
            _write_down(database, going)  # before: once its folder is gone nobody knows any more what a row waits for
        refused: list[NeedsReview] = []
        for name in going:
            try:
                erase(tree, within(TRASH, name), guard)
            except NeedsReview as error:  # of an immutable file, say
                refused.append(error)
        if refused:
            raise refused[0]
    return gone, kept


def is_empty(root: bytes) -> bool:
    """Whether nothing lies in the trash of a root, not even what is left of something that was being removed."""
    with Tree(root) as tree, tree.explained("look into", TRASH):
        return not names_in(tree, TRASH)


def _write_down(database: Database, going: Sequence[bytes]) -> None:
    """Let the rows of folders that are being removed say that they are."""
    ids = [name.removesuffix(GOING).decode("utf-8", "backslashreplace") for name in going]
    with database.begin() as connection:
        for some in batched(ids):
            trash_rows.went_for_good(connection, some)


def look(tree: Tree, name: bytes) -> Trashed | None:
    """Return what lies in the trash under a name; None if it was taken out just now."""
    folder = within(TRASH, name)
    found = tree.stat(folder)
    if found is None:
        return None
    since = dt.datetime.fromtimestamp(found.st_ctime_ns / 1e9, dt.UTC)
    try:
        below = [*tree.below(folder)] if is_folder(found) else [(folder, found)]
    except FileNotFoundError:
        return None
    ours = within(folder, sidecar.NAME)
    sizes = [inner.st_size for path, inner in below if path != ours and not is_folder(inner)]
    return Trashed(name.decode("utf-8", "backslashreplace"), since, len(sizes), sum(sizes))


def erase(tree: Tree, folder: bytes, guard: Guard) -> None:
    """Remove a folder with everything below it, or a file, if it is there; a typed error names what stays."""
    with tree.explained("remove", folder) as removing:
        found = tree.stat(folder)
        if found is None:
            return
        for path, inner in chain(tree.below(folder) if is_folder(found) else (), [(folder, found)]):
            guard.check("trash remove")
            removing.path = path
            (tree.rmdir if is_folder(inner) else tree.unlink)(path)
