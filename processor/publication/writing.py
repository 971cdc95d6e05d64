"""Blobs of the cache → files of a library: into a folder nobody sees yet, or one by one over what is provably ours.

    add        into the hidden folder, before the album appears
    put        in its place: made anew, or exchanged with what it may take the place of, which is looked at once more
    take       removed, if it still is what we wrote

What somebody changed meanwhile is kept, and named. Every step may be repeated after it was interrupted anywhere.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.errors import GreenroomError, Retryable
from config.reasons import Reason, show_path
from processor.artwork.blobs import Blob
from processor.filesystem.files import Tree, is_file, write_all
from processor.filesystem.paths import folders, parent, relative, way_to, within
from processor.filesystem.renaming import rename_file
from processor.filesystem.rights import set_mode
from processor.publication.access import AS_IS, Access, given, make_above, rights_kept
from processor.publication.intent import Gone, Made
from processor.transfers.guard import Guard
from processor.transfers.materialise import CANNOT
from processor.transfers.steps import sync_each

BLOCK = 1 << 20  # bytes
MODE = 0o644
_EMPTY = hashlib.sha256().hexdigest()


def read_blob(blobs: bytes, sha256: str, ext: str) -> bytes | None:
    """Return the bytes of a blob; None if the cache does not have it, or something else in its place."""
    try:
        data = Path(os.fsdecode(os.path.join(blobs, Blob(sha256, ext, 0).name))).read_bytes()
    except FileNotFoundError:
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def sha256_at(tree: Tree, path: bytes) -> str | None:
    """Return the SHA-256 of a plain file in hex; None if there is none."""
    if not is_file(tree.stat(path)):
        return None
    with tree.opened(path) as fd:
        return _sha256(fd)


def add(tree: Tree, folder: bytes, within_target: bytes, made: Iterable[Made], blobs: bytes, guard: Guard) -> None:
    """Put files into the hidden folder, durably; of several with the same bytes the others are hard links."""
    first: dict[str, bytes] = {}
    places = [(one, within(folder, relative(one.path, within_target))) for one in made]
    for n, (one, place) in enumerate(places, 1):
        guard.check(f"make {n}/{len(places)}")
        for sub in way_to(place):
            if sub.startswith(folder + b"/"):
                with tree.explained("make", sub):
                    tree.make(sub)
        with tree.explained("write", place):
            if sha256_at(tree, place) != one.sha256:
                tree.unlink(place, missing_ok=True)
                _link_or_create(tree, first.get(one.sha256), place, one, blobs)
            tree.sync_content(place)
        first.setdefault(one.sha256, place)
    inside = [sub for sub in folders(place for _, place in places) if sub == folder or sub.startswith(folder + b"/")]
    sync_each(tree, inside, guard, "fsync made")


def put(
    tree: Tree, made: Collection[Made], blobs: bytes, guard: Guard, mark: str, access: Access = AS_IS
) -> tuple[list[Reason], list[Reason]]:
    """Put files in their places, durably; return why some were not, and what of the others kept its rights.

    `mark` tells our fresh files from others'.
    """
    reasons: list[Reason] = []
    refused: list[bytes] = []
    for one in made:
        guard.check("put")
        with tree.explained("write", one.path), _fresh(tree, one, blobs, mark) as fresh:
            there = sha256_at(tree, one.path)
            if there == one.sha256:
                continue
            if there == _EMPTY != one.over and tree.stat(fresh) is None:
                there = None  # somebody's, or left by an interrupted rename_file, which settles that
            elif tree.stat(one.path) is not None and (there is None or there != one.over):
                reasons.append(_kept(tree, one.path, None if tree.stat(fresh) is None else fresh))
                continue
            refused += make_above(tree, one.path, access, guard)
            _create(tree, fresh, one, blobs)
            is_given = given(tree, fresh, access)
            guard.check("put in place")
            if _took_place(tree, fresh, one, there):
                refused += [] if is_given else [one.path]
            else:
                reasons.append(_kept(tree, one.path))
    # Of all: what is there may be ours from before a crash, or somebody's that is back in its place.
    sync_each(tree, folders(one.path for one in made), guard, "fsync put")
    return reasons, rights_kept(tree, refused)


def take(tree: Tree, gone: Iterable[Gone], guard: Guard) -> list[Reason]:
    """Remove files that still are what we wrote, durably; return which were kept."""
    reasons: list[Reason] = []
    changed: set[bytes] = set()
    for one in gone:
        guard.check("take")
        with tree.explained("remove", one.path), suppress(FileNotFoundError):
            there = sha256_at(tree, one.path)
            if there == one.sha256:
                tree.unlink(one.path)
            elif there is not None:
                reasons.append(_kept(tree, one.path))
            changed.add(parent(one.path))
    for folder in sorted(changed):
        with tree.explained("sync", folder):
            tree.sync(folder, missing_ok=True)
    return reasons


def _took_place(tree: Tree, fresh: bytes, one: Made, there: str | None) -> bool:
    """Exchange a fresh file with the one in its place; exchange back, and return False, if that was another."""
    if there is None:
        try:
            tree.link(fresh, tree, one.path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            rename_file(tree, fresh, one.path)
        return True
    try:
        tree.exchange(fresh, one.path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        tree.rename(fresh, one.path)  # NFS and the like: it was looked at just now, and nothing better can be done
        return True
    if sha256_at(tree, fresh) == there:
        return True
    tree.exchange(fresh, one.path)  # somebody wrote to it in between
    return False


@contextmanager
def _fresh(tree: Tree, one: Made, blobs: bytes, mark: str) -> Iterator[bytes]:
    """Yield a hidden name beside a file, which is nobody's before and after unless both are somebody's."""
    place = place_of_fresh(one.path, mark)
    is_free = _settle_fresh(tree, place, one, blobs)
    yield place
    if is_free:
        tree.unlink(place, missing_ok=True)


def place_of_fresh(path: bytes, mark: str) -> bytes:
    """Return the hidden name beside a file under which `put` makes a fresh one; it moves with their folder."""
    digest = hashlib.sha256(os.path.basename(path)).hexdigest()[:8]
    return within(parent(path), f".greenroom-{mark}-{digest}".encode())


def _settle_fresh(tree: Tree, place: bytes, one: Made, blobs: bytes) -> bool:
    """Clean up after an interrupted try: put back a file it exchanged and did not look at yet, and remove the rest.

    Return False where somebody wrote that file before, and what stands in its place now since: then both stay.
    """
    is_ours = tree.stat(place) is None or sha256_at(tree, place) in (one.sha256, one.over or one.sha256)
    if not is_ours and (there := sha256_at(tree, one.path)) == one.sha256:
        tree.exchange(place, one.path)
    elif not (is_ours or there == one.over or is_begun(tree, place, blobs, one.sha256, one.ext)):
        if tree.stat(one.path) is not None:
            return False
        rename_file(tree, place, one.path)  # ours was removed since
    tree.unlink(place, missing_ok=True)
    return True


def is_begun(tree: Tree, path: bytes, blobs: bytes, sha256: str, ext: str) -> bool:
    """Tell whether a file is the beginning of a blob, or all of it; of one that the cache lost none is."""
    whole = read_blob(blobs, sha256, ext)
    if whole is None or not is_file(tree.stat(path)):
        return False
    with tree.opened(path) as fd, open(fd, "rb", closefd=False) as file:
        return whole.startswith(file.read(len(whole) + 1))


def _link_or_create(tree: Tree, twin: bytes | None, place: bytes, one: Made, blobs: bytes) -> None:
    if twin is not None:
        try:
            tree.link(twin, tree, place)
            return
        except OSError as error:
            if error.errno not in CANNOT:
                raise
    _create(tree, place, one, blobs)


def _create(tree: Tree, place: bytes, one: Made, blobs: bytes) -> None:
    """Write a blob's bytes to a new file, compared and synced."""
    data = read_blob(blobs, one.sha256, one.ext)
    if data is None:
        message = f"the cache does not have {one.sha256}.{one.ext} for {show_path(one.path)} any more; publish it again"
        raise Retryable(message, code="blob_missing", path=one.path)
    try:
        with tree.created(place) as fd:
            set_mode(fd, MODE)
            write_all(fd, data)
            os.fsync(fd)
    except (OSError, GreenroomError) as error:
        if not isinstance(error, FileExistsError):
            with suppress(OSError):
                tree.unlink(place)
        raise


def _kept(tree: Tree, path: bytes, before: bytes | None = None) -> Reason:
    message = f"{tree.shown(path)} is not what Greenroom wrote there, so it was left as it is."
    if before is not None:
        message += f" What somebody had written there before is {tree.shown(before)}."
    return Reason("changed_kept", message, path)


def _sha256(fd: int) -> str:
    hasher = hashlib.sha256()
    while data := os.read(fd, BLOCK):
        hasher.update(data)
    return hasher.hexdigest()
