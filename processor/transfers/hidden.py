"""A transfer → the hidden folder its album is built in, made and removed again; players keep out of it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from processor.filesystem.files import Tree
from processor.filesystem.paths import folders, within
from processor.transfers import sidecar
from processor.transfers.guard import Guard
from processor.transfers.transfer import Transfer

TX = b".greenroom-tx"
# Keep players from indexing what is not there yet.
PLAYER_IGNORES = (b".ignore", b".ndignore", b".plexignore", b".nomedia", b".lmsignore")


def hidden_folder(transfer: Transfer) -> bytes:
    """Where the album is built, relative to the destination root."""
    return TX + b"/" + transfer.id.encode()


def make_hidden_root(tree: Tree, folder: bytes, guard: Guard) -> None:
    """Make a folder of ours at the root of a tree, if it is not there: players and other users keep out of it."""
    if tree.stat(within(folder, PLAYER_IGNORES[-1])) is not None:
        return
    guard.check("mkdir")
    tree.make(folder, 0o700)
    for name in PLAYER_IGNORES:
        with suppress(FileExistsError), tree.created(within(folder, name)):
            pass


def names_in(tree: Tree, folder: bytes) -> list[bytes]:
    """Return what lies in a folder of ours, but for what keeps players out; nothing where there is no such folder."""
    return [name for name in tree.names(folder) if name not in PLAYER_IGNORES] if tree.stat(folder) else []


def make_folders(transfer: Transfer, tree: Tree, guard: Guard) -> None:
    """Make the hidden folder with its sidecar, which makes it ours, and its sub-folders (F1)."""
    folder = hidden_folder(transfer)
    with tree.explained("prepare", folder):
        make_hidden_root(tree, TX, guard)
        guard.check("mkdir album")
        tree.make(folder)
        guard.check("manifest")
        sidecar.write(tree, folder, transfer)
        for sub in reversed(folders(file.target for file in transfer.files)[:-1]):
            guard.check("mkdir sub-folder")
            tree.make(within(folder, sub))


def remove_hidden(tree: Tree, folder: bytes, targets: Collection[bytes], guard: Guard) -> None:
    """Remove what building made and nothing else; the sidecar last, so that the folder is known as ours to the end.

    Raises OSError (ENOTEMPTY) when there is something in it that building did not make.
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
