"""An item → every file of it read and compared with what is recorded; what we made is mended from the cache.

Music is never touched: what is wrong with it is told. An item that changes while it is looked at is left for later.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from config.database import Database
from config.errors import Misconfigured, Retryable
from config.lease import Guard
from config.libraries import Library, verify_root
from config.reasons import Reason
from processor.artwork.blobs import Blobs
from processor.filesystem.files import Tree, is_folder
from processor.filesystem.paths import parent
from processor.publication import ledger
from processor.publication.access import AS_IS, Access
from processor.publication.intent import Made, Role
from processor.publication.writing import is_begun, place_of_fresh, put, read_blob
from processor.transfers import sidecar
from processor.verification import rows
from processor.verification.judging import TROUBLE, Known, Seen, Subject, finding, is_anew, judge
from processor.verification.looking import Spend, look
from processor.verification.rows import Checked, Place

MARK: Final = "verify"  # in the names of the fresh files beside those that are mended
CACHED: Final = 64 << 20  # bytes; a larger file is not put back into the cache


Hold = Callable[[Library, Callable[[Guard], str]], str]
"""Does something under the lock of a library."""


@dataclass(frozen=True, slots=True)
class Verifying:
    """What verifying is given to work with."""

    database: Database
    libraries: Mapping[str, Library]  # by uuid; an item with files in another root is passed by
    blobs: bytes  # the folder of the cache
    spend: Spend
    decode: Callable[[int], bool] | None = None
    hold: Hold | None = None  # for mending; None: nothing is mended
    access: Access = AS_IS  # of what is mended
    away: tuple[Misconfigured, ...] = ()  # why libraries are not among those given


class Found(NamedTuple):
    """One item that was looked at."""

    checked: Checked
    fresh: tuple[Reason, ...]  # trouble that the last look did not see


@dataclass(slots=True)
class _Look:
    """What one look has come to so far."""

    item_id: int
    size: int = 0
    known: dict[Place, Known] = field(default_factory=dict)
    findings: dict[Place, Reason] = field(default_factory=dict)
    mended: list[Reason] = field(default_factory=list)


def verify(given: Verifying, item_id: int) -> Found | None:
    """Look at all files of an item; None where it changed meanwhile, or is in none of the libraries given.

    Of the files of all artists only those that changed are left out.

    Raises Misconfigured for a root that is not there, Busy when what is to be mended is locked, what `spend` raises,
    and the errors of processor.filesystem.system_errors where a disk refuses.
    """
    with given.database.read() as connection:
        subjects, before = rows.subjects(connection, item_id), rows.known(connection, item_id)
        last = rows.look(connection, item_id)
    told = {(one["code"], one["message"]) for one in last.findings} if last else set()
    roots = {subject.root_uuid for subject in subjects}
    if not subjects or not roots <= given.libraries.keys():
        return None
    looked = _Look(item_id)
    with ExitStack() as stack:
        trees = {root: _open(stack, given.libraries[root]) for root in roots}
        for subject in subjects:
            place = (subject.root_uuid, subject.path)
            _one(given, trees[subject.root_uuid], subject, before.get(place), looked)
    with given.database.read() as connection:
        now = rows.subjects(connection, item_id)
        is_moving = bool(looked.findings) and rows.is_moving(connection, item_id)
    if item_id == rows.ARTISTS:  # those of one artist say nothing of the others, and reading all of them takes long
        subjects = sorted(set(subjects) & set(now))
    elif now != subjects:
        return None
    places = {(subject.root_uuid, subject.path) for subject in subjects}
    findings = [one for place, one in looked.findings.items() if place in places]
    troubles = [one for one in findings if one.code.removeprefix("verify_") in TROUBLE]
    # What looks edited may be what a move that is not settled wrote; of the artists some move nearly always is.
    if is_moving and (troubles if item_id == rows.ARTISTS else findings):
        return None
    known = {place: one for place, one in looked.known.items() if place in places}
    checked = Checked(item_id, len(subjects), looked.size, known, findings, looked.mended)
    fresh = tuple(one for one in troubles if (one.code, one.message) not in told)
    return Found(checked, fresh)


def _open(stack: ExitStack, library: Library) -> Tree:
    verify_root(library)
    return stack.enter_context(Tree(library.path))


def _one(given: Verifying, tree: Tree, subject: Subject, before: Known | None, looked: _Look) -> None:
    with tree.explained("verify", subject.path):
        seen = look(tree, subject, given.spend, given.decode)
        beside = subject._replace(path=place_of_fresh(subject.path, MARK))
        left = look(tree, beside, given.spend) if subject.is_made else None  # by a mending that was cut off
        if left is not None and seen is not None and not (seen.size or seen.trouble):
            seen = None  # it had taken the name, as `rename_file` does where no call refuses to replace
        judged, why = judge(subject, before, seen), ""
        if subject.is_made and judged.code in ("missing", "rotten") and given.hold is not None:
            why = _mend(given, given.hold, looked.item_id, subject, seen.digest if seen else None)
            if not why:
                looked.mended.append(finding(judged.code, tree.root, subject.path, "; it was made anew"))
                seen = look(tree, subject, given.spend)
                judged = judge(subject, None, seen)
        elif subject.is_made and seen is not None and judged.code in (None, "edited"):
            if judged.code is None:
                _keep(given, tree, subject, is_new=is_anew(subject, before, seen))
            if given.hold is not None and left is not None and left.trouble is None:
                # What it had just taken out of somebody's goes back, or stays beside what they wrote since; all else is
                # removed, for which mending refuses to touch a file that is not what it is told to mend.
                is_theirs = _is_theirs(given, tree, subject, beside, left)
                if judged.code is None or not (is_theirs or left.digest == seen.digest):
                    _mend(given, given.hold, looked.item_id, subject, None if is_theirs else left.digest)
    looked.size += seen.size if seen else 0
    if judged.known is not None:
        looked.known[subject.root_uuid, subject.path] = judged.known
    if judged.code is not None:
        looked.findings[subject.root_uuid, subject.path] = finding(judged.code, tree.root, subject.path, why)


def _is_theirs(given: Verifying, tree: Tree, subject: Subject, beside: Subject, left: Seen) -> bool:
    """Whether what lies beside a file of ours is somebody's: neither that file, nor the beginning of it."""
    if judge(beside, None, left).code != "edited":
        return False
    assert subject.digest is not None
    sha256, ext = subject.digest.removeprefix("sha256:"), _extension(subject.path)
    return not is_begun(tree, beside.path, given.blobs, sha256, ext)


def _mend(given: Verifying, hold: Hold, item_id: int, subject: Subject, over: str | None) -> str:
    """Make a file of ours anew, over what of a digest was just seen there; return why not, "" if it was."""
    assert subject.digest is not None
    sha256, ext = subject.digest.removeprefix("sha256:"), _extension(subject.path)
    library = given.libraries[subject.root_uuid]
    role: Role = "picture" if subject.role == "picture" else "nfo"
    made = Made(subject.path, role, sha256, ext, subject.size, over and over.removeprefix("sha256:"))

    def work(guard: Guard) -> str:
        with Tree(library.path) as tree:
            with given.database.read() as connection:
                # The album may have left the library, or be on its way where somebody died.
                if subject not in rows.subjects(connection, item_id) or rows.is_moving(connection, item_id):
                    return "; what is published was changed just now"
                home = ledger.publication(connection, item_id)
            if home is not None and not sidecar.is_of(tree, home.path, home.transfer_id):
                # Somebody's, or a better copy whose move waits for a person: what is recorded is not of it.
                return "; its folder is not the album that was published there"
            if not _is_there(tree, parent(subject.path)):
                return "; so is its folder"
            kept, _ = put(tree, [made], given.blobs, guard, MARK, given.access)
        return "; it was changed again just now" if kept else ""

    try:
        return hold(library, work)
    except Retryable as error:
        if error.reason_code != "blob_missing":
            raise
        return "; the cache does not have it either, so publish the item again"


def _is_there(tree: Tree, folder: bytes) -> bool:
    """Whether a folder is there, and no link or file in its place, or in that of one above."""
    try:
        return is_folder(tree.stat(folder))
    except NotADirectoryError:
        return False


def _keep(given: Verifying, tree: Tree, subject: Subject, *, is_new: bool) -> None:
    """Make a new file that is whole in the library durable, and put back what the cache has lost of it."""
    if is_new:
        tree.sync(parent(subject.path))  # whoever mended it may have died before that
    assert subject.digest is not None
    sha256, ext = subject.digest.removeprefix("sha256:"), _extension(subject.path)
    if subject.size > CACHED or read_blob(given.blobs, sha256, ext) is not None:
        return
    with tree.opened(subject.path) as fd, open(fd, "rb", closefd=False) as file:
        file.seek(0)
        cache = Blobs(given.database, Path(os.fsdecode(given.blobs)).parent)
        cache.put(file.read(), ext, dt.datetime.now(dt.UTC))


def _extension(path: bytes) -> str:
    return os.fsdecode(os.path.splitext(path)[1].lstrip(b"."))
