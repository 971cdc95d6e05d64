"""Proposed repairs → performed, under the lock, in transactions that hold the lease; no byte of music is touched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from loguru import logger

from config.batches import batched
from config.database import Database
from config.errors import GreenroomError, LeaseLost, NeedsReview, Rejected, Stopped
from config.lease import Guard
from config.libraries import Roots
from config.machine import boot_id, utc_now
from config.reasons import show_path
from processor.filesystem.files import Tree, is_file, write_whole
from processor.filesystem.paths import within
from processor.fsck import rows
from processor.fsck.disk import Listed
from processor.fsck.finding import Adopt, Finding, Follow, Learn, MarkFound, MarkMissing, Repair, Resume, WriteSidecar
from processor.items import repository
from processor.items.item import NewItem
from processor.items.presence import Noticed, unheard
from processor.moves import move
from processor.moves.move import Record
from processor.staging.staged import record_item
from processor.transfers import journal, sidecar
from processor.transfers.comparing import is_whole
from processor.transfers.sidecar import Sidecar
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity

BATCH: Final = 100  # repairs that share a transaction


@dataclass(frozen=True, slots=True)
class Workshop:
    """What repairing takes; `noticed` hears of items that are missing from now on or found again.

    `record` and `undone` are what recovery is given: they write what follows from a move that is finished, or undone.
    """

    database: Database
    guard: Guard
    roots: Roots
    noticed: Noticed = unheard
    record: Record = record_item
    undone: Record = move.unheard
    now: dt.datetime = field(default_factory=utc_now)


def perform(shop: Workshop, findings: Sequence[Finding]) -> list[Finding]:
    """Perform the repairs of findings; return the findings, repaired or with what kept us from it, in their order.

    Raises LeaseLost and Stopped, and Retryable when the database does not answer.
    """
    done = list(findings)
    for kind, repair in _REPAIRS.items():
        wanted = [n for n, finding in enumerate(done) if isinstance(finding.repair, kind)]
        for batch in batched(wanted, BATCH):
            shop.guard.check_stop()
            refused = repair(shop, [done[n].repair for n in batch])
            for n, why in zip(batch, refused, strict=True):
                done[n] = _after(done[n], why)
    return done


def _after(finding: Finding, why: str | None) -> Finding:
    paths = [show_path(path) for path in finding.paths[:1]]
    log = logger.bind(code=finding.code, item=finding.item_id, path=paths)
    if why is None:
        log.info("repaired")
        return replace(finding, repaired=True)
    log.bind(error=why).warning("not repaired")
    return replace(finding, message=f"{finding.message} It was not repaired: {why}.", repair=None)


def _each(act: Callable[[Any], None], repairs: Iterable[Any]) -> Iterator[str | None]:
    """Do something with each; yield why it could not be done, or None."""
    for repair in repairs:
        try:
            act(repair)
        except (LeaseLost, Stopped):
            raise
        except GreenroomError as error:
            if error.reason_code in ("database_unavailable", "schema_changed"):
                raise
            yield error.message
        else:
            yield None


def _mark_missing(shop: Workshop, marks: Sequence[MarkMissing]) -> list[str | None]:
    missing = [mark.item_id for mark in marks]
    with shop.database.begin() as connection:
        shop.guard.confirm(connection)
        repository.mark_missing(connection, missing, shop.now)
        shop.noticed(connection, missing, "fsck found its folder or files gone")
    return [None] * len(marks)


def _mark_found(shop: Workshop, marks: Sequence[MarkFound]) -> list[str | None]:
    with shop.database.begin() as connection:
        shop.guard.confirm(connection)
        found = rows.found(connection, [mark.item_id for mark in marks], shop.now)
        shop.noticed(connection, found, "fsck found it whole in its folder again")
    return [None] * len(marks)


def _adopt(shop: Workshop, adoptions: Sequence[Adopt]) -> list[str | None]:
    found: list[tuple[NewItem, Transfer]] = []
    refused = list(_each(lambda adoption: found.append(_told(shop, adoption.folder)), adoptions))
    try:
        _record(shop, found)
    except Rejected:  # a value of one of them is none a row can hold; no other is to wait for that
        alone = _each(lambda told: _record(shop, [told]), found)
        refused = [next(alone) if why is None else why for why in refused]
    return refused


def _record(shop: Workshop, found: Sequence[tuple[NewItem, Transfer]]) -> None:
    with shop.database.begin() as connection:
        shop.guard.confirm(connection)
        restored = rows.restore(connection, [item for item, _ in found], shop.now)
        shop.noticed(connection, restored, "fsck recorded it from the sidecar in its folder")
        journal.plan(connection, [transfer for _, transfer in found], shop.now)  # those it has already stay as they are


def _told(shop: Workshop, folder: bytes) -> tuple[NewItem, Transfer]:
    """Read what a sidecar tells of its album and check every byte of it. Raises NeedsReview and Rejected."""
    with Tree(shop.roots.staging.path) as tree, tree.explained("adopt", folder):
        written = sidecar.read(tree, folder)
        if written is None:
            raise Rejected("its sidecar is gone", code="sidecar_missing", path=folder)
        try:
            item = NewItem.from_json(written.item)
        except (KeyError, TypeError, ValueError) as error:
            raise Rejected(f"its sidecar does not describe an item: {error}", code="sidecar_unreadable") from error
        times = {file.target: _checked(shop, tree, folder, file).mtime_ns for file in written.files}
    if times.keys() != {file.path for file in item.files}:
        raise Rejected("its sidecar lists other files than its item has", code="sidecar_unreadable", path=folder)
    item = replace(item, files=tuple(file._replace(mtime_ns=times[file.path]) for file in item.files))
    item = item.with_digests({file.target: file.digest for file in written.files if file.digest})
    # Whatever made it what it is, the album as a whole is what can be taken back now.
    transfer = Transfer(
        id=written.transfer_id,
        kind="album",
        state="done",
        src_root=written.src_root,
        dst_root=shop.roots.staging.path,
        target=folder,
        files=written.files,
        item=written.item,
        fence=shop.guard.fence,
        boot_id=boot_id(),
        run_id=item.run_id,
    )
    return item.at(shop.roots.staging.root_uuid, folder), transfer


def _checked(shop: Workshop, tree: Tree, folder: bytes, file: TransferFile) -> Identity:
    """Return what a file is now. Raises NeedsReview unless it has the very bytes that are told of it."""
    shop.guard.check("verify")
    path = within(folder, file.target)
    found = tree.stat(path)
    if found is None or not is_file(found) or not is_whole(tree, path, file, rehash=True):
        raise NeedsReview(f"{tree.shown(path)} is not what was put there", code="final_damaged", path=path)
    return Identity.of(found)


def _follow(shop: Workshop, moves: Sequence[Follow]) -> list[str | None]:
    def one(move: Follow) -> None:
        item = _stored(shop, move.item_id)
        with Tree(shop.roots.staging.path) as tree, tree.explained("look into", move.folder):
            for file in item.files:
                planned = Identity(0, 0, file.size, file.mtime_ns, 0)
                _checked(shop, tree, move.folder, TransferFile(file.source, file.path, file.role, planned, file.digest))
        _rewrite(shop, move.item_id, item.at(shop.roots.staging.root_uuid, move.folder), refound=True)

    return list(_each(one, moves))


def _learn(shop: Workshop, lessons: Sequence[Learn]) -> list[str | None]:
    def one(lesson: Learn) -> None:
        item = _stored(shop, lesson.item_id)
        known = {file.path: file for file in lesson.files}
        files = (_taught(file, known.get(file.path)) for file in item.files)
        _rewrite(shop, lesson.item_id, replace(item, files=tuple(files)).summed(), refound=False)
        _put_sidecar(shop, lesson.item_id)

    return list(_each(one, lessons))


def _taught(file: Any, known: Listed | None) -> Any:
    return file if known is None else file._replace(mtime_ns=known.mtime_ns, digest=known.digest)


def _write_sidecars(shop: Workshop, wanted: Sequence[WriteSidecar]) -> list[str | None]:
    return list(_each(lambda repair: _put_sidecar(shop, repair.item_id), wanted))


def _put_sidecar(shop: Workshop, item_id: int) -> None:
    """Write an item's sidecar from its row, as the transfer would; whole or not at all, and durable."""
    item = _stored(shop, item_id)
    with Tree(shop.roots.staging.path) as tree, tree.explained("write the sidecar in", item.path):
        files = []
        for file in item.files:
            found = tree.stat(within(item.path, file.path))
            if found is None or found.st_size != file.size:
                shown = tree.shown(within(item.path, file.path))
                raise NeedsReview(f"{shown} changed just now", code="final_damaged", path=file.path)
            identity = Identity.of(found)._replace(mtime_ns=file.mtime_ns)
            files.append(TransferFile(file.source, file.path, file.role, identity, file.digest))
        told = Sidecar(item.transfer_id, "album", shop.roots.inbound.path, item.path, tuple(files), item.to_json())
        shop.guard.check("sidecar")
        write_whole(tree, within(item.path, sidecar.NAME), sidecar.encode(told), over=True)
        tree.sync(item.path)


def _stored(shop: Workshop, item_id: int) -> NewItem:
    with shop.database.read() as connection:
        found = repository.of_id(connection, item_id)
    if found is None:
        raise NeedsReview(f"item {item_id} is gone", code="unknown_item")
    return found.item


def _rewrite(shop: Workshop, item_id: int, item: NewItem, *, refound: bool) -> None:
    with shop.database.begin() as connection:
        shop.guard.confirm(connection)
        rows.rewrite(connection, item_id, item, shop.now)
        if refound:
            found = rows.found(connection, [item_id], shop.now)
            shop.noticed(connection, found, f"fsck found it again in {show_path(item.path)}")


def _resume(shop: Workshop, wanted: Sequence[Resume]) -> list[str | None]:
    """Give transfers back to recovery; whether it settled them is seen by whoever runs it."""

    def one(repair: Resume) -> None:
        with shop.database.begin() as connection:
            if repair.has_row:
                is_ours = repair.transfer.dst_root == shop.roots.staging.path
                fence = shop.guard.fence if is_ours else None
                journal.reopen(connection, repair.transfer, repair.state, fence, shop.now)
            else:
                ours = replace(repair.transfer, state=repair.state, fence=shop.guard.fence)
                journal.plan(connection, [ours], shop.now)

    return list(_each(one, wanted))


# In the order in which they are done: what rows say first, so that sidecars are written from what is right by then.
_REPAIRS: Final[dict[type[Repair], Callable[[Workshop, Sequence[Any]], list[str | None]]]] = {
    Resume: _resume,
    MarkMissing: _mark_missing,
    MarkFound: _mark_found,
    Follow: _follow,
    Adopt: _adopt,
    Learn: _learn,
    WriteSidecar: _write_sidecars,
}
