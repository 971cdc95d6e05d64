"""Interrupted transfers → finished, undone, or explained to a person. May itself be killed anywhere, and run again."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.errors import GreenroomError, LeaseLost, NeedsReview, Rejected, Retryable, Stopped
from config.reasons import Reason, show_path
from processor import journal, sidecar
from processor.clearing import remove_sources
from processor.files import Tree, explained, within
from processor.journal import State, Strategy, Transfer
from processor.materialise import is_whole, sync_file
from processor.orphans import sweep
from processor.transfer import Guard, fill, hidden_folder, roll_back, switch, sync_around, sync_folders

MAX_ATTEMPTS = 3  # a transfer that was interrupted more often than this waits for a person

Publish = Callable[[Connection, Transfer], object]


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What became of each unfinished transfer, in its new state, and what there is to say about it."""

    done: tuple[Transfer, ...] = ()
    cancelled: tuple[Transfer, ...] = ()  # undone; the next scan finds the sources as they were
    attention: tuple[Transfer, ...] = ()  # a person has to look; `error` says at what
    waiting: tuple[Transfer, ...] = ()  # still open: the disk or the database was not up to it
    reasons: tuple[Reason, ...] = ()


@dataclass(slots=True)
class Recovery:
    """The collaborators of one recovery, and what it found out so far."""

    database: Database
    guard: Guard
    publish: Publish
    now: dt.datetime
    boot_id: str
    strongest: Strategy
    workers: int
    settled: list[Transfer] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


def recover(
    database: Database,
    guard: Guard,
    publish: Publish,
    roots: tuple[bytes, bytes],
    *,
    now: dt.datetime,
    boot_id: str,
    strongest: Strategy = "link",
    workers: int = 1,
) -> RecoveryReport:
    """Settle every transfer left open between two roots (source, destination), and sweep hidden folders without a row.

    Call it under the lease of the roots and after their sentinels were checked: an unmounted root looks empty.
    `publish` writes the staging item, in the transaction that makes the transfer `published`; `boot_id` is the
    kernel's (/proc/sys/kernel/random/boot_id). Raises LeaseLost, Stopped, and Retryable when the database fails.
    """
    run = Recovery(database, guard, publish, now, boot_id, strongest, workers)
    with database.read() as connection:
        unfinished = journal.open_transfers(connection, *roots)
    for transfer in unfinished:
        _settle(run, transfer)
    run.reasons += sweep(database, guard, *roots)
    by_state = {
        state: tuple(t for t in run.settled if t.state == state) for state in ("done", "cancelled", "attention")
    }
    waiting = tuple(t for t in run.settled if t.state not in by_state)
    return RecoveryReport(**by_state, waiting=waiting, reasons=tuple(run.reasons))


def _settle(run: Recovery, transfer: Transfer) -> None:
    with run.database.begin() as connection:
        ours = replace(journal.adopt(connection, transfer, run.guard.fence, run.now), error=None)
    if ours.attempt > MAX_ATTEMPTS:
        error = NeedsReview(f"this move was interrupted {MAX_ATTEMPTS} times; find out why before it is tried again")
        settled = _close(run, ours, "attention", error)
    else:
        settled = _try(run, ours)
    run.settled.append(settled)
    log = logger.bind(transfer=settled.id, target=show_path(settled.target), state=settled.state, error=settled.error)
    log.info("interrupted transfer settled")


def _try(run: Recovery, transfer: Transfer) -> Transfer:
    """Go forward, state by state; where that is not possible go back; where that may lose something, ask a person."""
    while transfer.state != "done":
        try:
            transfer = _renumbered(transfer)
            transfer = _NEXT[transfer.state](run, transfer)
        except LeaseLost:
            raise
        except Stopped as stop:
            _postpone(run, transfer, stop)  # being asked to stop is no failed attempt
            raise
        except (Retryable, NeedsReview, Rejected) as error:
            if error.reason_code == "database_unavailable":
                raise  # whether a commit happened is not known; the next recovery reads it
            return _back(run, transfer, error)
    return transfer


def _renumbered(transfer: Transfer) -> Transfer:
    """Use the device numbers of today: btrfs, LVM and network shares may get new ones at every mount."""
    with Tree(transfer.src_root) as source, explained("look at", transfer.src_root):
        root = os.fstat(source.folder(b""))
        today = [source.stat(file.source) or root for file in transfer.files]
    pairs = zip(transfer.files, today, strict=True)
    files = (replace(file, identity=file.identity._replace(dev=found.st_dev)) for file, found in pairs)
    return replace(transfer, files=tuple(files))


def _fill(run: Recovery, transfer: Transfer) -> Transfer:
    where, found = _locate(transfer)
    if where == hidden_folder(transfer):
        found = fill(found, run.guard, strongest=run.strongest, workers=run.workers)
    return _advance(run, found, "materialised")


def _publish(run: Recovery, transfer: Transfer) -> Transfer:
    where, found = _locate(transfer)
    if where == hidden_folder(transfer):
        found = fill(found, run.guard, strongest=run.strongest, workers=run.workers)  # syncs again what was not synced
        switch(found, run.guard)
    else:
        _check_final(run, found, rehash=True)
    with run.database.begin() as connection:
        run.publish(connection, found)
        (published,) = journal.advance(connection, [found], "published", run.now)
    return published


def _clear(run: Recovery, transfer: Transfer) -> Transfer:
    where, found = _locate(transfer)
    if where != transfer.target:
        raise _vanished(transfer)
    _check_final(run, found, rehash=transfer.boot_id != run.boot_id)  # the same boot vouches for what it synced
    run.reasons += remove_sources(found, run.guard)
    return _advance(run, found, "done")


def _locate(transfer: Transfer) -> tuple[bytes, Transfer]:
    """Return the folder the transfer's files are in now, and the transfer with the digests its sidecar adds.

    The sidecar may know more than the row: it was written first. Raises NeedsReview if there is no folder.
    """
    with Tree(transfer.dst_root) as tree:
        for folder in (transfer.target, hidden_folder(transfer)):
            with explained("look at", folder):
                if sidecar.is_of(tree, folder, transfer.id) and (written := sidecar.read(tree, folder)):
                    digests = {file.target: file.digest for file in written.files}
                    files = (replace(file, digest=file.digest or digests.get(file.target)) for file in transfer.files)
                    return folder, replace(transfer, files=tuple(files))
        with explained("look at", hidden_folder(transfer)):
            if tree.stat(hidden_folder(transfer)) is not None:
                return hidden_folder(transfer), transfer  # we were killed before the sidecar was there
    raise _vanished(transfer)


def _vanished(transfer: Transfer) -> NeedsReview:
    if transfer.state == "planned":
        return NeedsReview(
            "the move had not begun when it was interrupted; the next scan plans it again", code="not_begun"
        )
    message = f"the album is not at {show_path(transfer.target)}, nor is anything left of its transfer; look for it"
    return NeedsReview(message, code="vanished", path=transfer.target)


def _back(run: Recovery, transfer: Transfer, error: GreenroomError) -> Transfer:
    state: State = transfer.state
    if state != "published":
        try:
            state = roll_back(transfer, run.guard)
        except LeaseLost:
            raise
        except (Retryable, NeedsReview, Rejected) as second:
            error = second
    if state != transfer.state:
        return _close(run, transfer, state, error)
    if isinstance(error, Retryable):
        return _postpone(run, transfer, error)
    return _close(run, transfer, "attention", error)


def _postpone(run: Recovery, transfer: Transfer, error: GreenroomError) -> Transfer:
    with run.database.begin() as connection:
        return journal.postpone(connection, transfer, error.message, run.now)


def _close(run: Recovery, transfer: Transfer, state: State, error: GreenroomError) -> Transfer:
    run.reasons.append(Reason(error.reason_code, error.message, error.path))
    return _advance(run, replace(transfer, error=error.message), state)


def _advance(run: Recovery, transfer: Transfer, state: State) -> Transfer:
    with run.database.begin() as connection:
        (moved,) = journal.advance(connection, [transfer], state, run.now)
    return moved


def _check_final(run: Recovery, transfer: Transfer, *, rehash: bool) -> None:
    """Check the switched album and make it durable again: that it can be read does not say that it was written."""
    with Tree(transfer.dst_root) as tree:
        for n, file in enumerate(transfer.files, 1):
            run.guard.check(f"verify {n}/{len(transfer.files)}")
            path = within(transfer.target, file.target)
            with explained("verify", path):
                if not is_whole(tree, path, file, rehash=rehash):
                    message = f"{show_path(path)} is not what was put there; compare it with the source, which is kept"
                    raise NeedsReview(message, code="final_damaged", path=path)
            sync_file(tree, path, file, linked=False)
        sync_folders(transfer, tree, transfer.target, run.guard)
        sync_around(transfer, tree, run.guard)


_NEXT: dict[State, Callable[[Recovery, Transfer], Transfer]] = {
    "planned": _fill,
    "materialised": _publish,
    "published": _clear,
}
