"""A journalled plan → a complete, durable album in its place, which appears at once; every step may be the last one.

    F1  hidden folder with its sidecar and sub-folders   hidden.make_folders      only adds names
    F2  files in it, their bytes durable                 building.build
    F3  sidecar and every name durable                   sync_built
    F4  one rename that cannot overwrite                 rename                   the album appears, whole
    F5  sources removed                                  clearing.remove_sources

Before F4 rolling_back.roll_back takes the hidden folder away again; after it the caller commits the staging item and
the state `published` together. `fill` and `switch` do it for one album; many at once go through the steps together,
with sync_above once for all of them before each commit.

A source's bytes are synced before it is linked; the link is durable with its folder. link(2) writes to the inode, so
syncing a file after it means a journal commit for every file, which the sync of the folder does for all of them: ext4
and XFS log the inode in the transaction that logs its new name, btrfs logs the new inodes of a folder along with it.
The hidden folder is `.greenroom-tx/<transfer id>` below the destination root, so the switch stays on one file system.
"""

from __future__ import annotations

from collections.abc import Iterable

from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, folders, way_to, within
from processor.filesystem.renaming import rename_folder
from processor.transfers import sidecar
from processor.transfers.building import build
from processor.transfers.guard import Guard
from processor.transfers.hidden import TX, hidden_folder
from processor.transfers.transfer import Strategy, Transfer


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


def sync_built(transfer: Transfer, guard: Guard) -> None:
    """Make the sidecar and every name in the hidden folder durable (F3); not the folder's own name."""
    folder = hidden_folder(transfer)
    with Tree(transfer.dst_root) as tree:
        guard.check("fsync sidecar")
        with tree.explained("sync the sidecar in", folder):
            tree.sync_content(within(folder, sidecar.NAME))
        sync_folders(transfer, tree, folder, guard)


def rename(transfer: Transfer, guard: Guard) -> None:
    """Do what `switch` does but for making names durable."""
    with Tree(transfer.dst_root) as tree, tree.explained("move the album to", transfer.target):
        for folder in way_to(transfer.target):
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
        sync_each(tree, paths, guard, "fsync above", missing_ok=missing_ok)


def sync_folders(transfer: Transfer, tree: Tree, folder: bytes, guard: Guard) -> None:
    """Make every name in the album durable, deepest folder first (F3)."""
    subs = folders(file.target for file in transfer.files)
    sync_each(tree, [within(folder, sub) for sub in subs], guard, "fsync folder")


def sync_each(tree: Tree, paths: Iterable[bytes], guard: Guard, label: str, *, missing_ok: bool = False) -> None:
    """Make the names in folders of an open tree durable, one after the other, each with leave to."""
    for path in paths:
        guard.check(label)
        with tree.explained("sync", path):
            tree.sync(path, missing_ok=missing_ok)
