"""An album of the inbound tree → a new folder of staging, which appears whole."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import Final

from config.errors import GreenroomError, NeedsReview
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.moves.move import Move, Performance
from processor.transfers import sidecar
from processor.transfers.arrival import await_copies
from processor.transfers.clearing import remove_sources
from processor.transfers.comparing import is_whole
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder
from processor.transfers.materialise import sync_file
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import above_target, fill, switch, sync_above, sync_folders
from processor.transfers.torn import mend
from processor.transfers.transfer import Transfer


def _fill(run: Performance, transfer: Transfer) -> Transfer:
    where, found = locate(transfer)
    if where == hidden_folder(transfer):
        found = fill(found, run.guard, strongest=run.strongest, workers=run.workers)
    return run.advance(found, "materialised")


def _switch(run: Performance, transfer: Transfer) -> Transfer:
    mend_switch(transfer, run.guard)
    where, found = locate(transfer)
    if where == hidden_folder(transfer):
        found = fill(found, run.guard, strongest=run.strongest, workers=run.workers)  # syncs again what was not synced
        switch(found, run.guard)
        await_copies(found, run.guard)
    else:
        check_final(run, found, rehash=True)
    return run.published(found)


def _clear(run: Performance, transfer: Transfer) -> Transfer:
    found = in_place(run, transfer)
    run.reasons += remove_sources(found, run.guard, run.known)
    return run.advance(found, "done")


def renumbered(transfer: Transfer) -> Transfer:
    """Use the device numbers of today: btrfs, LVM and network shares may get new ones at every mount."""
    with Tree(transfer.src_root) as source, source.explained("look at"):
        root = os.fstat(source.folder(b""))
        today = [source.stat(file.source) or root for file in transfer.files]
    pairs = zip(transfer.files, today, strict=True)
    files = (replace(file, identity=file.identity._replace(dev=found.st_dev)) for file, found in pairs)
    return replace(transfer, files=tuple(files))


def as_mounted(transfer: Transfer) -> Transfer:
    """Renumber a new transfer whose files were scanned at an earlier mount; a scan does not look at unchanged files."""
    scanned = {file.identity.dev: file.source for file in transfer.files}
    with suppress(OSError, GreenroomError), Tree(transfer.src_root) as source:  # who moves them tells what is wrong
        today = {dev: source.stat(path) for dev, path in scanned.items()}
        if any(found is not None and found.st_dev != dev for dev, found in today.items()):
            return renumbered(transfer)
    return transfer


def mend_switch(transfer: Transfer, guard: Guard) -> None:
    """Finish a switch that a pool did on some branches only."""
    with Tree(transfer.dst_root) as tree, tree.explained("bring together", transfer.target):
        mend(tree, hidden_folder(transfer), transfer.target, [file.target for file in transfer.files], guard.check)


def locate(transfer: Transfer) -> tuple[bytes, Transfer]:
    """Return the folder the transfer's files are in now, and the transfer with the digests of its sidecar.

    Raises NeedsReview if there is no folder.
    """
    with Tree(transfer.dst_root) as tree:
        for folder in (transfer.target, hidden_folder(transfer)):
            with tree.explained("look at", folder):
                if sidecar.is_of(tree, folder, transfer.id) and (written := sidecar.read(tree, folder)):
                    return folder, sidecar.with_digests(transfer, written)
        with tree.explained("look at", hidden_folder(transfer)):
            if tree.stat(hidden_folder(transfer)) is not None:
                return hidden_folder(transfer), transfer  # we were killed before the sidecar was there
    raise vanished(transfer)


def in_place(run: Performance, transfer: Transfer) -> Transfer:
    """Return a published transfer, with all its digests, once its album is there, whole and durable."""
    where, found = locate(transfer)
    if where != transfer.target:
        raise vanished(transfer)
    check_final(run, found, rehash=transfer.boot_id != run.boot_id)  # synced in this boot, so it is durable
    return found


def vanished(transfer: Transfer) -> NeedsReview:
    """Return the error for a transfer of which nothing is to be found in staging."""
    if transfer.state == "planned":
        return NeedsReview(
            "the move had not begun when it was interrupted; the next scan plans it again", code="not_begun"
        )
    message = f"the album is not at {transfer.shown}, nor is anything left of its transfer; look for it"
    return NeedsReview(message, code="vanished", path=transfer.target)


def check_final(run: Performance, transfer: Transfer, *, rehash: bool) -> None:
    """Check the switched album and make it durable again: that it can be read does not say that it was written.

    Raises NeedsReview (`final_damaged`) for a file that is not what was put there, Retryable `late`.
    """
    if transfer.attempt:
        await_copies(transfer, run.guard)
    with Tree(transfer.dst_root) as tree:
        for n, file in enumerate(transfer.files, 1):
            run.guard.check(f"verify {n}/{len(transfer.files)}")
            path = within(transfer.target, file.target)
            with tree.explained("verify", path):
                if not is_whole(tree, path, file, rehash=rehash):
                    message = f"{tree.shown(path)} is not what was put there; compare it with the source, which is kept"
                    raise NeedsReview(message, code="final_damaged", path=path)
            sync_file(tree, path, file, linked=False)
        sync_folders(transfer, tree, transfer.target, run.guard)
    sync_above(transfer.dst_root, above_target(transfer), run.guard)


MOVE: Final = Move("album", renumbered, {"planned": _fill, "materialised": _switch, "published": _clear}, roll_back)
