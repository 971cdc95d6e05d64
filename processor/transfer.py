"""A journalled plan → a complete, durable album in its place, which appears at once; every step may be the last one.

    fill            hidden folder: sidecar, files, all synced        only adds names
    switch          one rename that cannot overwrite                 the album appears, whole
    roll_back       instead of switch: takes the hidden folder away again

Then the caller commits the staging item and `published` together, and clearing.remove_sources empties the sources.
Many albums at once go through build, sync_built and rename, with sync_above once for all of them before each commit.

A source's bytes are synced before it is linked; the link is durable with its folder. link(2) writes to the inode, so
syncing a file after it means a journal commit for every file, which the sync of the folder does for all of them: ext4
and XFS log the inode in the transaction that logs its new name, btrfs logs the new inodes of a folder along with it.
The hidden folder is `.greenroom-tx/<transfer id>` below the destination root, so the switch stays on one file system.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from os.path import samestat
from typing import Protocol

from config.errors import NeedsReview, Rejected, Retryable
from config.reasons import show_path
from processor import sidecar
from processor.files import Tree, ancestors, explained, parent, within
from processor.journal import State, Strategy, Transfer, TransferFile
from processor.materialise import (
    duplicate,
    is_planned,
    is_planned_inode,
    is_protected,
    is_same_inode,
    is_whole,
    link,
    make_durable,
    sync_file,
    tells_links,
)
from processor.renaming import rename_folder
from processor.torn import is_torn
from scanner.readiness import unready

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
    found: set[bytes] = set()
    for folder in {parent(path) for path in paths}:  # the files of an album are many, their folders few
        found.update((folder, *ancestors(folder)))
    found.discard(b"")
    return [*sorted(found, key=lambda folder: (-folder.count(b"/"), folder)), b""]


def fill(transfer: Transfer, guard: Guard, *, strongest: Strategy = "link", workers: int = 1) -> Transfer:
    """Build the album in its hidden folder, durably; return the transfer with strategy and digests (F1–F3).

    Repeatable: what an interrupted fill left is used where it is provably whole, else made again. `strongest` is
    the way tried first; `workers` copy at once. Raises Retryable `source_changed`, `disk_full` and the like, and
    NeedsReview where neither source nor copy is whole; the sources are untouched then.
    """
    filled = build(transfer, guard, strongest=strongest, workers=workers)
    sync_built(filled, guard)
    sync_above(transfer.dst_root, above_hidden(filled), guard)
    return filled


def switch(transfer: Transfer, guard: Guard) -> None:
    """Give the hidden folder its final name, durably (F4). Raises NeedsReview `target_exists`, changing nothing."""
    rename(transfer, guard)
    sync_above(transfer.dst_root, above_target(transfer), guard)


def sync_sources(transfer: Transfer, guard: Guard) -> frozenset[bytes]:
    """Bring the bytes of every source to the disk, if nobody writes to it; return those that can be linked.

    The scan looked for writers too, but time has passed, and whoever writes to a linked file would go on writing in
    staging. Raises Retryable and Stopped.
    """
    with Tree(transfer.src_root) as source:
        is_durable = _durability(transfer, source, refuse_unready)
        durable = set()
        for file in transfer.files:
            guard.check_stop()
            guard.check("sync source")
            if is_durable(file):
                durable.add(file.source)
    return frozenset(durable)


def build(
    transfer: Transfer,
    guard: Guard,
    *,
    strongest: Strategy = "link",
    workers: int = 1,
    durable: Set[bytes] | None = None,
) -> Transfer:
    """Do what `fill` does but for making names durable: the bytes of every file are, those of the sidecar not yet.

    `durable` is what `sync_sources` returned; without it every source is synced just before it is linked.
    """
    _check_paths(transfer)
    folder = hidden_folder(transfer)
    with Tree(transfer.src_root) as source, Tree(transfer.dst_root) as destination:
        make_folders(transfer, destination, guard)
        is_durable = _durability(transfer, source) if durable is None else lambda file: file.source in durable
        can_link = strongest == "link" and tells_links(destination, within(folder, sidecar.NAME))
        ways = _place(transfer, source, destination, guard, is_durable if can_link else None)
        built = _duplicate_rest(transfer, ways, guard, clone=strongest != "copy", workers=workers)
        if built.files != transfer.files:
            guard.check("manifest digests")
            with explained("write the sidecar in", folder):
                sidecar.write(destination, folder, built)
    return built


def sync_built(transfer: Transfer, guard: Guard) -> None:
    """Make the sidecar and every name in the hidden folder durable (F3); not the folder's own name."""
    folder = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree:
        guard.check("fsync sidecar")
        with explained("sync the sidecar in", folder):
            tree.sync_content(within(folder, sidecar.NAME))
        sync_folders(transfer, tree, folder, guard)


def rename(transfer: Transfer, guard: Guard) -> None:
    """Do what `switch` does but for making names durable."""
    with Tree(transfer.dst_root) as tree, explained("move the album to", transfer.target):
        for folder in reversed([*ancestors(transfer.target)]):
            guard.check("switch parent")
            tree.make(folder)
        guard.check("switch")
        rename_folder(tree, hidden_folder(transfer), transfer.target)


def above_hidden(_transfer: Transfer) -> Iterable[bytes]:
    """Return the folders whose names make the hidden folder's name durable, relative to the destination root."""
    return TX, b""


def above_target(transfer: Transfer) -> Iterable[bytes]:
    """Return the folders a switch changed, relative to the destination root."""
    return *ancestors(transfer.target), b"", TX


def sync_above(root: bytes, paths: Iterable[bytes], guard: Guard, *, missing_ok: bool = False) -> None:
    """Make the names in folders durable. One that is gone is a name less in the one above, which is synced, too."""
    with Tree(root) as tree:
        for path in paths:
            guard.check("fsync above")
            with explained("sync", path):
                tree.sync(path, missing_ok=missing_ok)


def sync_folders(transfer: Transfer, tree: Tree, folder: bytes, guard: Guard) -> None:
    """Make every name in the album durable, deepest folder first (F3)."""
    for sub in folders(file.target for file in transfer.files):
        guard.check("fsync folder")
        with explained("sync", within(folder, sub)):
            tree.sync(within(folder, sub))


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
        if is_torn(destination, folder, transfer.target, [file.target for file in transfer.files]):
            return transfer.state
        if not all(_is_spare(source, destination, within(folder, file.target), file) for file in transfer.files):
            return "attention"
        try:
            remove_hidden(destination, folder, [file.target for file in transfer.files], guard)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return "attention"  # somebody put a file of theirs in there
    return "cancelled"


def refuse_unready(path: bytes, descriptor: int) -> None:
    """Raise Retryable if somebody writes to an open source, or only reserved its room; NeedsReview if it must stay."""
    if is_protected(descriptor):
        message = (
            f"{show_path(path)} may not be moved by anybody: it is immutable or append-only; `chattr -i -a` ends that"
        )
        raise NeedsReview(message, code="protected", path=path)
    if (reason := unready(descriptor, path)) is not None:
        raise Retryable(reason.message, code=reason.code, path=path)


def sources_whole(transfer: Transfer, source: Tree) -> bool:
    """Tell whether every source is as it was planned with."""
    return all(is_planned(source.stat(file.source), file) for file in transfer.files)


def make_hidden_root(tree: Tree, folder: bytes, guard: Guard) -> None:
    """Make a folder of ours at the root of a tree, if it is not there: players and other users keep out of it."""
    if tree.stat(within(folder, PLAYER_IGNORES[-1])) is not None:
        return
    guard.check("mkdir")
    tree.make(folder, 0o700)
    for name in PLAYER_IGNORES:
        with suppress(FileExistsError), tree.created(within(folder, name)):
            pass


def _check_paths(transfer: Transfer) -> None:
    targets = Counter(file.target for file in transfer.files)
    reserved = {sidecar.NAME, sidecar.NAME + b".new"}
    for target, times in targets.items():
        if times > 1 or target in reserved:
            raise Rejected(f"{show_path(target)} is planned twice or is a name of ours", code="bad_plan", path=target)
    if transfer.target.split(b"/")[0] == TX:
        raise Rejected("an album cannot go into the transfer folder", code="bad_plan", path=transfer.target)


def make_folders(transfer: Transfer, tree: Tree, guard: Guard) -> None:
    """Make the hidden folder with its sidecar, which makes it ours, and its sub-folders (F1)."""
    folder = hidden_folder(transfer)
    with explained("prepare", folder):
        make_hidden_root(tree, TX, guard)
        guard.check("mkdir album")
        tree.make(folder)
        guard.check("manifest")
        sidecar.write(tree, folder, transfer)
        for sub in reversed(folders(file.target for file in transfer.files)[:-1]):
            guard.check("mkdir sub-folder")
            tree.make(within(folder, sub))


def _durability(
    transfer: Transfer, source: Tree, look: Callable[[bytes, int], None] | None = None
) -> Callable[[TransferFile], bool]:
    """Return what syncs one source and tells whether the disk could; see make_durable. `look` gets its path, too."""
    names = Counter(file.identity[:2] for file in transfer.files)

    def is_durable(file: TransferFile) -> bool:
        strict = transfer.attempt == 0 and names[file.identity[:2]] == 1
        return make_durable(source, file, strict=strict, look=partial(look, file.source) if look else None)

    return is_durable


def _place(
    transfer: Transfer,
    source: Tree,
    destination: Tree,
    guard: Guard,
    is_durable: Callable[[TransferFile], bool] | None,
) -> list[Strategy | None]:
    """Link the durable sources that can be linked; None for each file that has to be duplicated."""
    total = len(transfer.files)
    folder = hidden_folder(transfer)
    ways: list[Strategy | None] = []
    for n, file in enumerate(transfer.files, 1):
        guard.check_stop()
        guard.check(f"link {n}/{total}")
        target = within(folder, file.target)
        way = _left_from_before(source, destination, target, file) if transfer.attempt else None
        if way is None and is_durable is not None and is_durable(file):
            way = "link" if link(source, destination, file, target) else None
        ways.append(way)
    return ways


def _left_from_before(source: Tree, destination: Tree, target: bytes, file: TransferFile) -> Strategy | None:
    """Sync what an interrupted fill left and say what it is, if it can be trusted; else take it away.

    Raises NeedsReview if the source is not whole either.
    """
    with explained("look at", target):
        found = destination.stat(target)
        if found is None:
            return None
        there = source.stat(file.source)
        if is_planned_inode(found, file) and (there is None or not is_planned(there, file) or samestat(found, there)):
            return _synced(source, destination, target, file, "link")
        if file.digest is not None and is_whole(destination, target, file, rehash=True):
            return _synced(source, destination, target, file, "copy")
        if not is_planned(there, file):
            message = f"neither {show_path(file.source)} nor its unfinished copy is whole; keep the better one"
            raise NeedsReview(message, code="source_missing", path=file.source)
        destination.unlink(target)
    return None


def _synced(source: Tree, destination: Tree, target: bytes, file: TransferFile, way: Strategy) -> Strategy | None:
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


def _is_spare(source: Tree, destination: Tree, hidden: bytes, file: TransferFile) -> bool:
    """Tell whether removing a hidden file loses nothing: its source is there, even if edited since."""
    there = source.stat(file.source)
    return destination.stat(hidden) is None or is_same_inode(there, file.identity) or is_planned(there, file)


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
