"""Staged files → their old names in the inbound tree, durably, never over anything; or those names removed again.

    give_back      a hidden folder in the inbound root is filled and synced, then each file linked from it to its name
    forget_marks   removes the hidden folder, after which our names cannot be told from others'; then gives the folders
                   their times and rights again
    take_away      instead of forget_marks: removes the names we made, then the hidden folder

A name in the inbound tree is ours if it is another link of the hidden file; what was there before has no hidden file.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from config.errors import NeedsReview, Retryable
from config.reasons import show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import folders, parent, way_to, within
from processor.filesystem.renaming import rename_file
from processor.transfers import sidecar, source_folders
from processor.transfers.comparing import is_same, is_same_inode
from processor.transfers.guard import Guard
from processor.transfers.hidden import PLAYER_IGNORES, TX, hidden_folder, remove_hidden
from processor.transfers.materialise import CANNOT, tells_links
from processor.transfers.steps import fill, sync_each
from processor.transfers.transfer import State, Strategy, Transfer, TransferFile
from scanner.identity import Identity


def backwards(undo: Transfer) -> Transfer:
    """Return an undo as a move from staging to inbound, of the files that have to be made there.

    Files whose old name was there before are left out. Device numbers are those of today.
    """
    with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound:
        files = []
        for file in undo.files:
            with inbound.explained("look at", file.source):
                hidden = inbound.stat(within(hidden_folder(undo), file.source))
                if hidden is None and inbound.stat(file.source) is not None:
                    continue
            place = within(undo.target, file.target)
            with staging.explained("look at", place):
                found = staging.stat(place)
            identity = file.identity._replace(dev=found.st_dev) if found else file.identity
            files.append(TransferFile(place, file.source, file.role, identity))
    return replace(undo, src_root=undo.dst_root, dst_root=undo.src_root, files=tuple(files))


def give_back(undo: Transfer, guard: Guard, *, strongest: Strategy, workers: int) -> Transfer:
    """Make every old name, durably; return the undo with the way it was done. Repeatable.

    Raises NeedsReview `target_exists` for a name that somebody else has, `changed_meanwhile` for a staged file that is
    not what it was, and Retryable `disk_full` and the like.
    """
    back = backwards(undo)
    if back.files:
        back = _named(back, undo, guard, strongest, workers)
    with Tree(undo.src_root) as inbound:
        # Also those that are there already: an earlier try may have renamed the hidden ones, and died before that.
        sync_each(inbound, _left(inbound, undo), guard, "fsync left", missing_ok=True)
        sync_each(inbound, folders(file.source for file in undo.files), guard, "fsync back")
    return replace(undo, strategy=back.strategy)


def _left(inbound: Tree, undo: Transfer) -> Iterable[bytes]:
    """Return the hidden folders whose files were renamed, as where there are no links.

    One that came back after a power cut would be removed later, and on a FAT the bytes of the new name with it.
    """
    hidden = [within(hidden_folder(undo), file.source) for file in undo.files]
    with inbound.explained("look at", hidden_folder(undo)):
        return dict.fromkeys(parent(path) for path in hidden if inbound.stat(path) is None)


def _named(back: Transfer, undo: Transfer, guard: Guard, strongest: Strategy, workers: int) -> Transfer:
    """Fill the hidden folder and give its files their old names; return how it was filled."""
    try:
        filled = fill(back, guard, strongest=strongest, workers=workers)
    except Retryable as error:
        if error.reason_code not in ("source_changed", "vanished"):
            raise
        shown = show_path(within(back.src_root, error.path or b""))
        message = f"{shown} changed in staging while it was being taken back; nothing was taken back, look at it"
        raise NeedsReview(message, code="changed_meanwhile", path=error.path) from error
    with Tree(back.dst_root) as inbound, Tree(back.dst_root) as hidden:
        can_link = tells_links(hidden, within(hidden_folder(undo), sidecar.NAME))
        for n, file in enumerate(filled.files, 1):
            guard.check(f"back {n}/{len(filled.files)}")
            with inbound.explained("put back", file.target):
                _name(hidden, within(hidden_folder(undo), file.target), inbound, file.target, can_link=can_link)
    return filled


def check_given_back(undo: Transfer, guard: Guard) -> None:
    """See that every file is whole and durable under its old name, compared with the staged one.

    Raises NeedsReview `changed_meanwhile`.
    """
    with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound:
        for n, file in enumerate(undo.files, 1):
            guard.check(f"verify back {n}/{len(undo.files)}")
            with inbound.explained("verify", file.source):
                if not is_same(staging, within(undo.target, file.target), inbound, file.source):
                    message = f"{inbound.shown(file.source)} changed while it was being taken back; look at it"
                    raise NeedsReview(message, code="changed_meanwhile", path=file.source)
                inbound.sync_content(file.source)


def forget_marks(undo: Transfer, guard: Guard) -> None:
    """Remove the hidden folder from the inbound root, and leave the folders there as the undo says. Repeatable.

    Raises NeedsReview `only_copy` if it would lose something.
    """
    folder = hidden_folder(undo)
    with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound, inbound.explained("tidy", folder):
        if inbound.stat(folder) is not None:
            for file in undo.files:
                staged, hidden = within(undo.target, file.target), within(folder, file.source)
                found = inbound.stat(hidden)
                named = found is None or is_same_inode(inbound.stat(file.source), Identity.of(found))
                if not named and not is_same(staging, staged, inbound, hidden):
                    message = (
                        f"{inbound.shown(hidden)} may be the only copy of {inbound.shown(file.source)}; look at both"
                    )
                    raise NeedsReview(message, code="only_copy", path=hidden)
            remove_hidden(inbound, folder, [file.source for file in undo.files], guard)
        _tidy_hidden_root(inbound, guard)
    source_folders.put_back(undo, guard)


def take_away(undo: Transfer, guard: Guard) -> State:
    """Remove the names made in the inbound tree; return the state the undo belongs in then.

    `cancelled`: nothing of it is left, the album is in staging as it was. `attention`: something in the inbound tree
    may be the only copy, and stays.
    """
    back, folder = backwards(undo), hidden_folder(undo)
    with Tree(undo.dst_root) as staging, Tree(undo.src_root) as inbound, inbound.explained("undo", folder):
        made = [file for file in back.files if inbound.stat(within(folder, file.target)) is not None]
        if not all(is_same(staging, file.source, inbound, within(folder, file.target)) for file in made):
            return "attention"
        for file in made:
            guard.check("undo back")
            hidden = inbound.stat(within(folder, file.target))
            if hidden is not None and is_same_inode(inbound.stat(file.target), Identity.of(hidden)):
                inbound.unlink(file.target)
        remove_empty(inbound, [file.target for file in made], guard)
        try:
            if inbound.stat(folder) is not None:
                remove_hidden(inbound, folder, [file.source for file in undo.files], guard)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return "attention"  # somebody put a file of theirs in there
        _tidy_hidden_root(inbound, guard)
    source_folders.put_back(undo, guard)
    return "cancelled"


def remove_empty(tree: Tree, paths: Sequence[bytes], guard: Guard) -> None:
    """Remove the folders above the paths as far as they are empty, durably. Never the root."""
    changed = {parent(path) for path in paths}
    for folder in folders(paths):
        guard.check("rmdir")
        if folder and _is_gone(tree, folder):
            changed.add(parent(folder))
        elif folder in changed:
            tree.sync(folder)


def _is_gone(tree: Tree, folder: bytes) -> bool:
    try:
        tree.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.EACCES, errno.EPERM):
            raise
        return False
    return True


def _name(hidden_tree: Tree, hidden: bytes, inbound: Tree, path: bytes, *, can_link: bool) -> None:
    """Give a hidden file its old name; where there are no links, instead of the hidden one."""
    for folder in way_to(path):
        inbound.make_alike(folder)
    try:
        if can_link:
            hidden_tree.link(hidden, inbound, path)
            return
    except FileExistsError:
        found = hidden_tree.stat(hidden)
        if found is None or not is_same_inode(inbound.stat(path), Identity.of(found)):
            raise
        return
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    rename_file(inbound, hidden, path)


def _tidy_hidden_root(tree: Tree, guard: Guard) -> None:
    """Remove the transfer folder from an inbound root, where only undos make one."""
    guard.check("undo transfer folder")
    with suppress(FileNotFoundError):
        if set(tree.names(TX)) <= set(PLAYER_IGNORES):
            for name in reversed(PLAYER_IGNORES):  # the last of them says that all are there
                tree.unlink(within(TX, name), missing_ok=True)
            tree.rmdir(TX)
            tree.sync(b"")
