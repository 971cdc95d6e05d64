"""A staged album and what is known of it → its files with tags that say so; the old files go to the trash.

Each file whose tags differ is copied, the copy retagged, synced, and looked at: the sound must be bit for bit the same.
Then one transfer puts the copies in the album's place, as a better album would be. A file whose tags cannot be written
goes on as it is, and is named.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final, Literal

from sqlalchemy import Connection

from config.batches import batched
from config.errors import NeedsReview
from config.reasons import Reason
from processor.filesystem.files import Tree
from processor.filesystem.paths import ancestors, extension, folders, within
from processor.filesystem.rights import set_mode
from processor.items import standing, storing
from processor.items.item import Known, NewFile, NewItem, facts_to_json
from processor.metadata.known import AlbumMetadata
from processor.moves.move import Performance
from processor.publication.laying import check_space
from processor.recover import RecoveryReport, report_of
from processor.settle import settle, take_over
from processor.staging.staged import digested
from processor.tagging.wanted import Wanted, wanted
from processor.tagging.write import DIED, File, Said, look, write
from processor.transfers import journal, trash
from processor.transfers.comparing import digest_at
from processor.transfers.hidden import make_hidden_root, names_in
from processor.transfers.materialise import duplicate
from processor.transfers.steps import sync_each
from processor.transfers.transfer import Transfer, TransferFile
from scanner.facts import Facts
from scanner.identity import Identity

WORK: Final = b".greenroom-retag"  # in the staging root: copies that are being retagged, a folder a transfer
AT_ONCE: Final = 64  # files that are open at once
NEVER: Final = frozenset({"tags_lost", "sound_changed", DIED})  # refusals that say something is wrong here


@dataclass(frozen=True, slots=True)
class Retagged:
    """What became of an album: which files got new tags, and what there is to say."""

    outcome: Literal["same", "retagged", "failed"]
    files: tuple[bytes, ...] = ()
    reasons: tuple[Reason, ...] = ()


def work_root(staging: bytes) -> bytes:
    """Return the root that retagged copies come from."""
    return os.path.join(staging, WORK)


def retold(run: Performance) -> Performance:
    """Return what performs a retag, after which the item says what its files say, with all decisions about it kept."""

    def record(connection: Connection, transfer: Transfer) -> None:
        item = NewItem.from_json(transfer.item)
        storing.retell(connection, digested(item, transfer), run.now)

    return replace(run, record=record)


def retag(run: Performance, staging: bytes, item: NewItem, known: AlbumMetadata, reserve: int) -> Retagged:
    """Write what is known of an album into the tags of its files, where they say something else.

    Their copies leave `reserve` bytes of the file system free, or as much of it as `processor.planning.space` says.

    Call it under the lease of the staging root, with nothing of it unsettled, and with what `retold` returns.

    Raises NeedsReview where the album is not what its item says, LeaseLost, and Retryable when the disk is full, or it
    or the database fails.
    """
    said = {file.path: file.facts for file in item.files}
    tags = {track.path: wanted(known, track, said[track.path]) for track in known.tracks}
    with Tree(staging) as tree:
        standing.check(tree, item.path, item, alone=False)
        differing = _differing(tree, item, tags)
        if not differing:
            return Retagged("same")
        sweep(run, tree)
        check_space(staging, sum(file.size for file in item.files if file.path in differing), reserve)
        with tree.explained("make", WORK):
            make_hidden_root(tree, WORK, run.guard)
        transfer_id = str(uuid.uuid4())
        written, reasons = _copies(run, tree, item, {path: tags[path] for path in differing}, transfer_id)
    if not written:
        return Retagged("same", reasons=reasons)
    transfer = _planned(run, staging, item, written, transfer_id)
    with run.database.begin() as connection:
        journal.plan(connection, [transfer], run.now)
    settled = settle(run, transfer)
    if settled.state != "done":
        raise run.trouble or NeedsReview(settled.error or "the album could not be retagged")
    kept = tuple(reason for reason in run.reasons if reason.code != "trashed")
    return Retagged("retagged", tuple(written), (*reasons, *kept))


def settle_retags(run: Performance, staging: bytes) -> RecoveryReport:
    """Settle every retag, and undo of one, that was left open in staging. Call it as `retag`."""
    with run.database.read() as connection:
        unfinished = journal.open_transfers(connection, work_root(staging), staging)
    return report_of([take_over(run, transfer) for transfer in unfinished], run.reasons)


def sweep(run: Performance, tree: Tree) -> None:
    """Remove copies that no unsettled transfer needs; the album has all that is in them."""
    if tree.stat(WORK) is None:
        return
    with run.database.read() as connection:
        needed = {transfer.id.encode() for transfer in journal.unsettled(connection)}
    with tree.explained("empty", WORK):
        for name in names_in(tree, WORK):
            if name not in needed:
                trash.erase(tree, within(WORK, name), run.guard)
        tree.sync(WORK)


def _differing(tree: Tree, item: NewItem, tags: Mapping[bytes, Wanted]) -> list[bytes]:
    paths = [path for path in tags if tags[path]]
    found = _said(tree, item.path, paths, tags, look)
    return [path for path, said in found if said.outcome == "differs" or said.code == DIED]


def _said(
    tree: Tree,
    folder: bytes,
    paths: Sequence[bytes],
    tags: Mapping[bytes, Wanted],
    ask: Callable[[list[File]], list[Said]],
) -> Iterator[tuple[bytes, Said]]:
    """Yield what became of each file once it is durable, with a limited number open at once."""
    for some in batched(paths, AT_ONCE):
        with ExitStack() as stack:
            files = []
            for path in some:
                place = within(folder, path)
                with tree.explained("open", place):
                    fd = stack.enter_context(tree.opened(place, write=ask is write))
                files.append(File(fd, extension(path), tags[path]))
            said = ask(files)
            for path, file, one in zip(some, files, said, strict=True):
                with tree.explained("sync", within(folder, path)):
                    if one.outcome == "written":
                        os.fsync(file.fd)
        yield from zip(some, said, strict=True)


def _copies(
    run: Performance, tree: Tree, item: NewItem, tags: Mapping[bytes, Wanted], transfer_id: str
) -> tuple[dict[bytes, tuple[TransferFile, Facts]], tuple[Reason, ...]]:
    """Make retagged copies, durably; return those that are whole, by path in the album, and why the others are not."""
    folder = within(WORK, transfer_id.encode())
    paths = list(tags)
    for sub in reversed(folders(paths)):
        with tree.explained("prepare", within(folder, sub)):
            tree.make(within(folder, sub))
    for n, path in enumerate(paths, 1):
        run.guard.check_stop()
        run.guard.check(f"copy {n}/{len(paths)}")
        _copy(tree, within(item.path, path), within(folder, path))
    run.guard.check("retag")
    written, reasons = {}, []
    for path, one in _said(tree, folder, paths, tags, write):
        if one.facts is not None:
            written[path] = _new(tree, within(item.path, path), within(folder, path), path), one.facts
        else:
            if one.outcome == "refused":  # else nobody could tell before that it says all that already
                reasons.append(_refused(item, path, one))
            with tree.explained("remove", within(folder, path)):
                tree.unlink(within(folder, path))
    changed = (*(within(folder, sub) for sub in folders(paths)), *ancestors(folder), b"")
    sync_each(tree, changed, run.guard, "fsync copies")
    return written, tuple(reasons)


def _copy(tree: Tree, source: bytes, target: bytes) -> None:
    with tree.explained("look at", source):
        found = tree.stat(source)
    if found is None:
        raise NeedsReview(f"{tree.shown(source)} is not there any more; look for it", code="vanished", path=source)
    file = TransferFile(source, target, "audio", Identity.of(found))
    duplicate(tree, tree, file, target, clone=True)
    with tree.explained("prepare", target), tree.opened(target) as fd:
        set_mode(fd, found.st_mode & 0o777 | 0o200)  # much music may be written to by nobody


def _new(tree: Tree, source: bytes, place: bytes, path: bytes) -> TransferFile:
    """Return a retagged copy, once it has the rights of its source again, durably."""
    with tree.explained("read", place), tree.opened(place) as fd:
        there = tree.stat(source)
        if there is not None and not there.st_mode & 0o200:
            set_mode(fd, there.st_mode & 0o777)
            os.fsync(fd)
        found = os.fstat(fd)
        return TransferFile(place.removeprefix(WORK + b"/"), path, "audio", Identity.of(found), digest_at(tree, place))


def _refused(item: NewItem, path: bytes, said: Said) -> Reason:
    code = said.code or "not_taggable"
    what = "it keeps those it has" if code not in NEVER else "it keeps those it has, and please report it"
    return Reason(code, f"Its tags were not written: {said.message}; {what}.", within(item.path, path))


def _planned(
    run: Performance, staging: bytes, item: NewItem, written: Mapping[bytes, tuple[TransferFile, Facts]], id: str
) -> Transfer:
    files = tuple(_retold(file, *written[file.path]) if file.path in written else file for file in item.files)
    new = replace(item, files=files, size=sum(file.size for file in files), transfer_id=id).summed()
    return Transfer(
        id=id,
        kind="retag",
        state="planned",
        src_root=work_root(staging),
        dst_root=staging,
        target=item.path,
        files=tuple(copy for copy, _ in written.values()),
        item=new.to_json(),
        fence=run.guard.fence,
        boot_id=run.boot_id,
        before=item.to_json(),
    )


def _retold(file: NewFile, copy: TransferFile, facts: Facts) -> NewFile:
    """Return what the item says of a file with new tags; where it came from, and by which values it is named, stays."""
    said = facts_to_json(facts)
    if sources := file.facts.get("sources"):
        said["sources"] = sources
    title, known = facts.title or file.title, Known(said)
    size, mtime_ns = copy.identity.size, copy.identity.mtime_ns
    return file._replace(title=title, size=size, mtime_ns=mtime_ns, digest=copy.digest, facts=known)
