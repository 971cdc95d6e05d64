"""The files of a transfer → the same bytes in its hidden folder: linked, cloned or copied, several at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os.path import samestat

from config.errors import NeedsReview, Rejected, Retryable
from config.leave import LEAVE
from config.reasons import show_path
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.transfers import sidecar
from processor.transfers.comparing import is_planned, is_planned_inode, is_same, is_whole
from processor.transfers.guard import Guard
from processor.transfers.hidden import TX, hidden_folder, make_folders
from processor.transfers.materialise import duplicate, in_turn, is_protected, link, make_durable, sync_file, tells_links
from processor.transfers.transfer import WEAKEST_FIRST, Strategy, Transfer, TransferFile
from scanner.readiness import unready

OPEN_AT_ONCE = 32  # files


def sync_sources(
    transfer: Transfer, guard: Guard, sync: Callable[[Sequence[int]], list[OSError | None]] | None = None
) -> frozenset[bytes]:
    """Bring the bytes of every source to the disk, if nobody writes to it; return those that can be linked.

    The scan looked for writers, too, but that was earlier, and whoever writes to a linked file would go on writing into
    staging. `sync` does what `in_turn` does. Raises Retryable and Stopped.
    """

    def guarded(files: Iterable[TransferFile]) -> Iterator[TransferFile]:
        for file in files:
            guard.check_stop()
            guard.check("sync source")
            yield file

    sync = sync or partial(in_turn, check=guard.check_stop)
    unlinked, durable = _unlinked(transfer), set[bytes]()
    with Tree(transfer.src_root) as source:
        for at in range(0, len(transfer.files), OPEN_AT_ONCE):
            part = guarded(transfer.files[at : at + OPEN_AT_ONCE])
            durable |= make_durable(source, part, sync, unlinked=unlinked, look=partial(refuse_unready, source))
    return frozenset(durable)


def build(
    transfer: Transfer,
    guard: Guard,
    *,
    strongest: Strategy = "link",
    workers: int = 1,
    durable: Set[bytes] | None = None,
) -> Transfer:
    """Fill the hidden folder; return the transfer with strategy and digests (F1, F2).

    The bytes of every file are durable then; the names in the folder and the sidecar are not yet. Repeatable, and
    raises what steps.fill does. `durable` is what `sync_sources` returned; without it every source is synced just
    before it is linked.
    """
    _check_paths(transfer)
    folder = hidden_folder(transfer)
    with Tree(transfer.src_root) as source, Tree(transfer.dst_root) as destination:
        make_folders(transfer, destination, guard)
        is_durable = _durability(transfer, source, guard) if durable is None else lambda file: file.source in durable
        can_link = strongest == "link" and tells_links(destination, within(folder, sidecar.NAME))
        ways = _place(transfer, source, destination, guard, is_durable if can_link else None)
        built = _duplicate_rest(transfer, ways, guard, clone=strongest != "copy", workers=workers)
        if built.files != transfer.files:
            guard.check("manifest digests")
            with destination.explained("write the sidecar in", folder):
                sidecar.write(destination, folder, built)
    return built


def _check_paths(transfer: Transfer) -> None:
    targets = Counter(file.target for file in transfer.files)
    reserved = {sidecar.NAME, sidecar.NAME + b".new"}
    for target, times in targets.items():
        if times > 1 or target in reserved:
            raise Rejected(f"{show_path(target)} is planned twice or is a name of ours", code="bad_plan", path=target)
    if transfer.target.split(b"/")[0] == TX:
        raise Rejected("an album cannot go into the transfer folder", code="bad_plan", path=transfer.target)


def _durability(transfer: Transfer, source: Tree, guard: Guard) -> Callable[[TransferFile], bool]:
    """Return what syncs one source and tells whether the disk could."""
    unlinked, sync = _unlinked(transfer), partial(in_turn, check=guard.check_stop)
    return lambda file: file.source in make_durable(source, [file], sync, unlinked=unlinked)


def _unlinked(transfer: Transfer) -> frozenset[bytes]:
    """Return the sources no link was made of yet, which moves the change time of all names of a file."""
    names = Counter(file.identity[:2] for file in transfer.files)
    single = (file.source for file in transfer.files if names[file.identity[:2]] == 1)
    return frozenset(single if transfer.attempt == 0 else ())


def refuse_unready(source: Tree, path: bytes, descriptor: int) -> None:
    """Raise Retryable if somebody writes to an open source, or only reserved its room; NeedsReview if protected."""
    if is_protected(descriptor):
        shown = source.shown(path)
        message = f"{shown} may not be moved by anybody: it is immutable or append-only; `chattr -i -a` ends that"
        raise NeedsReview(message, code="protected", path=path)
    if (reason := unready(descriptor, path)) is not None:
        raise Retryable(reason.message, code=reason.code, path=path)


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
    """Sync what an interrupted build left and say what it is, if it can be trusted; else take it away.

    Raises NeedsReview if the source is not whole either.
    """
    with destination.explained("look at", target):
        found = destination.stat(target)
        if found is None:
            return None
        there = source.stat(file.source)
        if is_planned_inode(found, file) and (there is None or not is_planned(there, file) or samestat(found, there)):
            return _synced(source, destination, target, file, "link")
        if file.digest is not None and is_whole(destination, target, file, rehash=True):
            return _synced(source, destination, target, file, "copy")
        if not is_planned(there, file):
            message = f"neither {source.shown(file.source)} nor its unfinished copy is whole; keep the better one"
            raise NeedsReview(message, code="source_missing", path=file.source)
        if found.st_nlink > 1 and is_same(source, file.source, destination, target):
            return _synced(source, destination, target, file, "clone")  # it has its name, as no other would
        destination.unlink(target)
    return None


def _synced(source: Tree, destination: Tree, target: bytes, file: TransferFile, way: Strategy) -> Strategy | None:
    """Sync one file that is there; if the disk cannot, remove it and return None, so that it is made anew."""
    try:
        sync_file(destination, target, file, linked=way == "link")
    except Retryable as error:
        if error.reason_code != "io_error" or not is_planned(source.stat(file.source), file):
            raise
        with destination.explained("remove the suspect", target):
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
        with ThreadPoolExecutor(workers, initializer=LEAVE.set, initargs=(LEAVE.get(),)) as pool:
            for _ in pool.map(one, missing):
                pass
    else:
        for n in missing:
            one(n)
    strategy = next(way for way in WEAKEST_FIRST if way in used)
    return replace(transfer, files=tuple(files), strategy=strategy)
