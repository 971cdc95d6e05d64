"""A journalled plan → a complete, durable album in its place, which appears at once; every step may be the last one.

    fill            hidden folder: sidecar, files, all synced        only adds names
    switch          one rename that cannot overwrite                 the album appears, whole
    roll_back       instead of switch: takes the hidden folder away again

Then the caller commits the staging item and `published` together, and clearing.remove_sources empties the sources.
The hidden folder is `.greenroom-tx/<transfer id>` below the destination root, so the switch stays on one file system.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from config.errors import NeedsReview, Rejected, Retryable
from config.reasons import show_path
from processor import sidecar
from processor.files import Tree, ancestors, explained, within
from processor.journal import State, Strategy, Transfer, TransferFile
from processor.materialise import duplicate, is_planned, is_same_inode, is_whole, link, sync_file

TX = b".greenroom-tx"
# Keep players from indexing what is not there yet.
PLAYER_IGNORES = (b".ignore", b".ndignore", b".plexignore", b".nomedia")
_WEAKEST: tuple[Strategy, ...] = ("copy", "clone", "link")


class Guard(Protocol):
    """Asked before every step on a file system, from any thread; raises to forbid it."""

    fence: int  # the number of our lease; every journal write carries it

    def check(self, label: str) -> None:
        """Return if the step may be taken; raise LeaseLost if not. The label's first word names the kind of step."""

    def check_stop(self) -> None:
        """Raise Stopped if somebody asked us to stop. Asked only where the album can still be rolled back."""


def hidden_folder(transfer: Transfer) -> bytes:
    """Where the album is built, relative to the destination root."""
    return TX + b"/" + transfer.id.encode()


def folders(paths: Iterable[bytes]) -> list[bytes]:
    """Return every folder the relative paths are in or below, deepest first, then b"" for the root of them all."""
    found = {folder for path in paths for folder in ancestors(path)}
    return [*sorted(found, key=lambda folder: (-folder.count(b"/"), folder)), b""]


def fill(transfer: Transfer, guard: Guard, *, strongest: Strategy = "link", workers: int = 1) -> Transfer:
    """Build the album in its hidden folder, durably; return the transfer with strategy and digests (F1–F3).

    Repeatable: what an interrupted fill left is used where it is provably whole, else made again. `strongest` is
    the way tried first; `workers` copy at once. Raises Retryable `source_changed`, `disk_full` and the like, and
    NeedsReview where neither source nor copy is whole; the sources are untouched then.
    """
    _check_paths(transfer)
    folder = hidden_folder(transfer)
    with Tree(transfer.src_root) as source, Tree(transfer.dst_root) as destination:
        _make_folders(transfer, destination, guard)
        ways = _place(transfer, source, destination, guard, strongest)
        filled = _duplicate_rest(transfer, ways, guard, clone=strongest != "copy", workers=workers)
        if filled.files != transfer.files:
            guard.check("manifest digests")
            with explained("write the sidecar in", folder):
                sidecar.write(destination, folder, filled)
        sync_folders(filled, destination, folder, guard)
        guard.check("fsync hidden folder")
        with explained("sync", TX):
            destination.sync(TX)
            destination.sync(b"")
    return filled


def switch(transfer: Transfer, guard: Guard) -> None:
    """Give the hidden folder its final name, durably (F4). Raises NeedsReview `target_exists`, changing nothing."""
    with Tree(transfer.dst_root) as tree, explained("move the album to", transfer.target):
        for folder in reversed([*ancestors(transfer.target)]):
            guard.check("switch parent")
            tree.make(folder)
        guard.check("switch")
        _rename_into_place(tree, transfer)
        sync_around(transfer, tree, guard)


def sync_folders(transfer: Transfer, tree: Tree, folder: bytes, guard: Guard) -> None:
    """Make every name in the album durable, deepest folder first (F3)."""
    for sub in folders(file.target for file in transfer.files):
        guard.check("fsync folder")
        with explained("sync", within(folder, sub)):
            tree.sync(within(folder, sub))


def sync_around(transfer: Transfer, tree: Tree, guard: Guard) -> None:
    """Make the album's own name durable, and those of the folders above it."""
    for folder in (*ancestors(transfer.target), b"", TX):
        guard.check("switch fsync")
        with explained("sync", folder):
            tree.sync(folder)


def roll_back(transfer: Transfer, guard: Guard) -> State:
    """Take the hidden folder away again if that loses nothing; return the state the transfer belongs in then.

    `cancelled`: nothing of it is left. Its own state: it was switched, recovery goes forward. `attention`: the folder
    may hold the only copy of something, and stays.
    """
    folder = hidden_folder(transfer)
    with Tree(transfer.src_root) as source, Tree(transfer.dst_root) as destination, explained("undo", folder):
        if destination.stat(folder) is None:
            if sidecar.is_of(destination, transfer.target, transfer.id):
                return transfer.state
            made = transfer.state == "materialised" and not sources_whole(transfer, source)
            return "attention" if made else "cancelled"
        if not all(_is_spare(source, destination, within(folder, file.target), file) for file in transfer.files):
            return "attention"
        try:
            remove_hidden(destination, folder, [file.target for file in transfer.files], guard)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return "attention"  # somebody put a file of theirs in there
    return "cancelled"


def sources_whole(transfer: Transfer, source: Tree) -> bool:
    """Tell whether every source is as it was planned with."""
    return all(is_planned(source.stat(file.source), file) for file in transfer.files)


def _check_paths(transfer: Transfer) -> None:
    targets = Counter(file.target for file in transfer.files)
    reserved = {sidecar.NAME, sidecar.NAME + b".new"}
    for target, times in targets.items():
        if times > 1 or target in reserved:
            raise Rejected(f"{show_path(target)} is planned twice or is a name of ours", code="bad_plan", path=target)
    if transfer.target.split(b"/")[0] == TX:
        raise Rejected("an album cannot go into the transfer folder", code="bad_plan", path=transfer.target)


def _make_folders(transfer: Transfer, tree: Tree, guard: Guard) -> None:
    """Make the hidden folder with its sidecar, which makes it ours, and its sub-folders (F1)."""
    folder = hidden_folder(transfer)
    with explained("prepare", folder):
        guard.check("mkdir")
        tree.make(TX, 0o700)
        for name in PLAYER_IGNORES:
            with suppress(FileExistsError), tree.created(within(TX, name)):
                pass
        guard.check("mkdir album")
        tree.make(folder)
        guard.check("manifest")
        sidecar.write(tree, folder, transfer)
        for sub in reversed(folders(file.target for file in transfer.files)[:-1]):
            guard.check("mkdir sub-folder")
            tree.make(within(folder, sub))


def _place(
    transfer: Transfer, source: Tree, destination: Tree, guard: Guard, strongest: Strategy
) -> list[Strategy | None]:
    """Link what can be linked, then sync it all in one group; None for each file that has to be duplicated."""
    total = len(transfer.files)
    names = Counter(file.identity[:2] for file in transfer.files)
    ways: list[Strategy | None] = []
    for n, file in enumerate(transfer.files, 1):
        guard.check_stop()
        guard.check(f"link {n}/{total}")
        target = within(hidden_folder(transfer), file.target)
        way = _left_from_before(source, destination, target, file) if transfer.attempt else None
        if way is None and strongest == "link":
            strict = transfer.attempt == 0 and names[file.identity[:2]] == 1
            way = "link" if link(source, destination, file, target, strict=strict) else None
        ways.append(way)
    for n, file in enumerate(transfer.files):
        if ways[n] is not None:
            guard.check(f"fsync {n + 1}/{total}")
            ways[n] = _synced(source, destination, within(hidden_folder(transfer), file.target), file, ways[n])
    return ways


def _left_from_before(source: Tree, destination: Tree, target: bytes, file: TransferFile) -> Strategy | None:
    """Say what an interrupted fill left, if it can be trusted; take it away if it cannot and the source is whole."""
    with explained("look at", target):
        found = destination.stat(target)
        if found is None:
            return None
        if is_planned(found, file):
            return "link"
        if file.digest is not None and is_whole(destination, target, file, rehash=True):
            return "copy"
        if not is_planned(source.stat(file.source), file):
            message = f"neither {show_path(file.source)} nor its unfinished copy is whole; keep the better one"
            raise NeedsReview(message, code="source_missing", path=file.source)
        destination.unlink(target)
    return None


def _synced(
    source: Tree, destination: Tree, target: bytes, file: TransferFile, way: Strategy | None
) -> Strategy | None:
    """Sync one file that is there; None if the disk could not, so that a new inode is made instead."""
    try:
        sync_file(destination, target, file, linked=way == "link")
    except Retryable as error:
        if error.reason_code != "io_error" or not is_planned(source.stat(file.source), file):
            raise
        with explained("remove the suspect", target):
            destination.unlink(target)
        return None
    return way


def _duplicate_rest(
    transfer: Transfer, ways: list[Strategy | None], guard: Guard, *, clone: bool, workers: int
) -> Transfer:
    """Clone or copy the files that could not be linked, several at once; return the transfer with what came of it."""
    files, used = list(transfer.files), list(ways)

    def one(n: int) -> None:
        guard.check_stop()
        guard.check(f"copy {n + 1}/{len(files)}")
        with Tree(transfer.src_root) as source, Tree(transfer.dst_root) as destination:
            target = within(hidden_folder(transfer), files[n].target)
            used[n], digest = duplicate(source, destination, files[n], target, clone=clone)
            files[n] = replace(files[n], digest=digest)

    missing = [n for n, way in enumerate(ways) if way is None]
    if workers > 1 and len(missing) > 1:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(one, missing):
                pass
    else:
        for n in missing:
            one(n)
    strategy = next(way for way in _WEAKEST if way in used)
    return replace(transfer, files=tuple(files), strategy=strategy)


def _rename_into_place(tree: Tree, transfer: Transfer) -> None:
    if transfer.attempt:  # an empty folder may be the one made below, just before we were killed
        with suppress(OSError):
            tree.rmdir(transfer.target)
    try:
        tree.rename_noreplace(hidden_folder(transfer), transfer.target)
        return
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
    # NFS, SMB and some FUSE cannot. There mkdir takes the name or fails, and rename(2) replaces an empty folder only.
    tree.make_new(transfer.target)
    try:
        tree.rename(hidden_folder(transfer), transfer.target)
    except OSError:
        with suppress(OSError):
            tree.rmdir(transfer.target)
        raise


def _is_spare(source: Tree, destination: Tree, hidden: bytes, file: TransferFile) -> bool:
    """Tell whether removing a hidden file loses nothing: its source is there, even if edited since."""
    return destination.stat(hidden) is None or is_same_inode(source.stat(file.source), file.identity)


def remove_hidden(tree: Tree, folder: bytes, targets: Collection[bytes], guard: Guard) -> None:
    """Remove what `fill` made and nothing else; the sidecar last, so that the folder is known as ours to the end.

    Raises OSError (ENOTEMPTY) when there is something in it that `fill` did not make.
    """
    for target in targets:
        guard.check("undo file")
        tree.unlink(within(folder, target), missing_ok=True)
    for sub in folders(targets)[:-1]:
        guard.check("undo folder")
        with suppress(FileNotFoundError):
            tree.rmdir(within(folder, sub))
    for name in (sidecar.NAME + b".new", sidecar.NAME):
        guard.check("undo sidecar")
        tree.unlink(within(folder, name), missing_ok=True)
    guard.check("undo album")
    tree.rmdir(folder)
    tree.sync(TX)
