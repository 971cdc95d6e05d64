"""Root folders ↔ library rows: how they are checked, and which library a role means."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, delete, insert, select, update

from config import users
from config.answering import ANSWERS, Answers, Silence, silence
from config.database import one_writer
from config.errors import Misconfigured
from config.mounts import place_of
from config.reasons import show_path
from config.sentinel import SENTINEL, mark_root, read_sentinel, unseen
from config.tables import LibraryRow

Role = Literal["inbound", "staging", "library"]
Kind = Literal["music", "movie"]
ONCE_PER_KIND = ("inbound", "staging")


@dataclass(frozen=True, slots=True)
class Library:
    """One root folder. `path` is absolute; `root_uuid` is what its sentinel file must say."""

    id: int
    role: Role
    kind: Kind
    path: bytes
    root_uuid: str
    filesystem: str | None = None  # what `filesystem_id` said when a cycle last worked there
    suspended: str | None = None  # why no cycle may work there until a person resumes it

    @property
    def called(self) -> str:
        """What people call such a folder."""
        return "library" if self.role == "library" else f"{self.role} library"

    @property
    def sentinel(self) -> bytes:
        """Path of the sentinel file; it is also what the cycle locks."""
        return os.path.join(self.path, SENTINEL)


def list_libraries(connection: Connection) -> list[Library]:
    """Return all libraries in the order they were added."""
    rows = connection.execute(select(LibraryRow.__table__).order_by(LibraryRow.id))
    return [Library(r.id, r.role, r.kind, bytes(r.path), r.root_uuid, r.filesystem, r.suspended) for r in rows]


def music_libraries(connection: Connection, role: Role) -> list[Library]:
    """Return the music libraries of a role in the order they were added."""
    return [lib for lib in list_libraries(connection) if (lib.role, lib.kind) == (role, "music")]


def sole_library(connection: Connection, role: Role) -> Library:
    """Return the one music library of a role. Raises Misconfigured when there is none, or several."""
    found = music_libraries(connection, role)
    if not found:
        raise Misconfigured(
            f"there is no {role} library for music; add one with `greenroom libraries add {role} PATH`",
            code="no_library",
        )
    if len(found) > 1:
        paths = ", ".join(show_path(lib.path) for lib in found)
        raise Misconfigured(
            f"there are {len(found)} {role} libraries for music ({paths}); keep one and remove the others with "
            "`greenroom libraries remove PATH`",
            code="several_libraries",
        )
    return found[0]


def add_library(connection: Connection, role: str, path: bytes, *, kind: str = "music", now: dt.datetime) -> Library:
    """Check a folder, mark it with a sentinel file, and store it.

    Adding the same folder in the same role again changes nothing. Raises Misconfigured with the reason when the folder
    cannot serve, and what verify_root does for one that was added before.
    """
    if role not in get_args(Role) or kind not in get_args(Kind):
        raise Misconfigured(f"{role}/{kind} is no role and kind; roles: inbound, staging, library; kinds: music, movie")
    path = checked_folder(path)
    one_writer(connection, LibraryRow.__tablename__)
    existing = list_libraries(connection)
    for other in existing:
        if other.path == path and (other.role, other.kind) == (role, kind):
            verify_root(other)  # or whoever lost its mark would be told that all is well
            return other
    refuse_clash(role, kind, path, existing)
    root_uuid = _mark(path, existing)
    values = {"role": role, "kind": kind, "path": path, "root_uuid": root_uuid, "created_at": now}
    new_id = connection.execute(insert(LibraryRow).values(**values).returning(LibraryRow.id)).scalar_one()
    return next(lib for lib in list_libraries(connection) if lib.id == new_id)


def moved_here(role: str, kind: str, path: bytes, existing: Sequence[Library]) -> Library | None:
    """Return the library a real path is the folder of: it carries that one's mark, which is nowhere else; reads only.

    None, too, while the disk of that one is silent or in doubt: the folder may be a copy then.
    """
    with suppress(OSError):
        mark = read_sentinel(path)
        for other in existing:
            if mark == other.root_uuid and (role, kind) == (other.role, other.kind) and path != other.path:
                found = ANSWERS.ask(other.path)
                return None if isinstance(found, Silence) or found.mark == mark else other
    return None


def move_library(connection: Connection, library: Library, path: bytes) -> Library:
    """Let a library be at another real path, on whatever filesystem that is; return it as it is now."""
    others = [other for other in list_libraries(connection) if other.id != library.id]
    refuse_clash(library.role, library.kind, path, others)
    values = {"path": path, "filesystem": None}
    connection.execute(update(LibraryRow).where(LibraryRow.id == library.id).values(**values))
    return library_of(connection, library.id)


def remove_library(connection: Connection, path: bytes) -> Library:
    """Forget a library; its files and its sentinel stay. Raises Misconfigured when the path is none."""
    library = library_at(connection, path)
    connection.execute(delete(LibraryRow).where(LibraryRow.id == library.id))
    return library


def suspend(connection: Connection, library: Library, why: str) -> None:
    """Forbid every cycle to work on a library, and remember why, until `resume`."""
    connection.execute(update(LibraryRow).where(LibraryRow.id == library.id).values(suspended=why))


def resume(connection: Connection, path: bytes) -> Library:
    """Let cycles work on a library again, on whatever filesystem it is now; return it as it was.

    Raises Misconfigured when the path is none.
    """
    library = library_at(connection, path)
    values = {"suspended": None, "filesystem": None}
    connection.execute(update(LibraryRow).where(LibraryRow.id == library.id).values(**values))
    return library


def remember_filesystem(connection: Connection, library: Library, filesystem: str) -> None:
    """Remember the filesystem a root is on, as `filesystem_id` said, so that the next cycle notices another one."""
    connection.execute(update(LibraryRow).where(LibraryRow.id == library.id).values(filesystem=filesystem))


def filesystem_id(path: bytes) -> str:
    """Return what the filesystem of a path calls itself: f_fsid of statvfs(3), in hex."""
    return f"{os.statvfs(path).f_fsid:x}"


def library_at(connection: Connection, path: bytes) -> Library:
    """Return the library of a path. Links are followed, which asks the disks, only if no library has the path as it is.

    Raises Misconfigured when the path is none.
    """
    known = {library.path: library for library in list_libraries(connection)}
    if found := known.get(path) or known.get(os.path.realpath(path)):
        return found
    raise Misconfigured(f"{show_path(path)} is no library; `greenroom libraries` lists them", code="no_library")


def verify_root(library: Library, patience: float | None = None, answers: Answers = ANSWERS) -> None:
    """Check at the start of a run that the root is there, is ours, and can be written.

    Raises Misconfigured, or Retryable if we cannot tell (too many open files); then nothing below it may be touched.
    A disk that does not answer in time, usually `config.answering.PATIENCE`, is RootSilent.
    """
    shown = show_path(library.path)
    try:
        found = answers.ask(library.path, patience)
    except OSError as error:
        raise unseen(library.called, library.path, error) from error
    if isinstance(found, Silence):
        raise silence(library.path, found.since)
    if found.mark is None:
        raise Misconfigured(
            f"the {library.called} {shown} has no {SENTINEL.decode()} file: is its disk mounted? If it was moved, run "
            f"`greenroom libraries add {library.role} PATH` with its new place; if the folder was made anew, "
            f"`greenroom libraries remove {shown}`, and add it again",
            code="root_not_mounted",
        )
    if found.mark != library.root_uuid:
        raise Misconfigured(
            f"the {library.called} {shown} carries the mark of another root ({found.mark}); is that the wrong disk?",
            code="wrong_root",
        )
    if found.refusal:
        raise Misconfigured(f"the {library.called} {shown} cannot be written: {found.refusal}", code="root_read_only")
    if library.suspended is not None:
        raise Misconfigured(
            f"the {library.called} {shown} is suspended: {library.suspended}. Look at its disk; when all is "
            f"as it should be, run `greenroom libraries resume {shown}`",
            code="suspended",
        )


def library_of(connection: Connection, library_id: int) -> Library:
    """Return the library of an id. Raises Misconfigured when there is none."""
    for library in list_libraries(connection):
        if library.id == library_id:
            return library
    raise Misconfigured("there is no such library; it may have been removed already", code="unknown_library")


def same_filesystem(a: Library, b: Library) -> bool:
    """Whether both roots report one device; a hint only, hard links may still be refused between bind mounts."""
    return os.stat(a.path).st_dev == os.stat(b.path).st_dev


def checked_folder(path: bytes) -> bytes:
    """Return the real path of a folder that could be a root; reads only. Raises Misconfigured with the reason."""
    shown = show_path(path)
    if not path.startswith(b"/") or b"\0" in path:
        raise Misconfigured(f"a library's path must be absolute, not {shown}", code="bad_path")
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        what = "a file, and no folder" if os.path.exists(real) else "no folder; create it first (is its disk mounted?)"
        raise Misconfigured(f"{shown} is {what}", code="bad_path")
    if real == b"/":
        raise Misconfigured("the root of the whole filesystem cannot be a library", code="bad_path")
    if not os.access(real, os.R_OK | os.W_OK | os.X_OK):
        whose, said = users.rights(os.stat(real)), users.refusal(real)
        message = f"{shown} cannot be read and written by {users.me()}: it is {whose}" + (f" ({said})" if said else "")
        raise Misconfigured(message, code="bad_path")
    return real


def _mark(path: bytes, existing: Sequence[Library]) -> str:
    try:
        root_uuid = mark_root(path)
    except OSError as error:
        raise Misconfigured(
            f"{show_path(path)} cannot be marked as a root: {error.strerror}", code="bad_path"
        ) from error
    for other in existing:
        if other.root_uuid == root_uuid:
            raise Misconfigured(
                f"{show_path(path)} carries the mark of the {other.called} {show_path(other.path)}: it is the "
                f"same folder mounted twice, or a copy; of a copy, remove its {SENTINEL.decode()} file first",
                code="nested_libraries",
            )
    return root_uuid


def refuse_clash(role: str, kind: str, path: bytes, existing: Sequence[Library]) -> None:
    """Raise Misconfigured if a real path cannot be a root beside those there are."""
    place = place_of(path)
    for other in existing:
        how = _clash(path, other.path)
        if how is None and place and (theirs := place_of(other.path)) and place[0] == theirs[0]:
            seen = _clash(place[1], theirs[1])  # as a bind mount shows it elsewhere
            how = f"through another mount {seen}" if seen else None
        if how:
            raise Misconfigured(
                f"{show_path(path)} is {how} the {other.called} {show_path(other.path)}; libraries must be apart",
                code="nested_libraries",
            )
        if role in ONCE_PER_KIND and (other.role, other.kind) == (role, kind):
            raise Misconfigured(
                f"{kind} already has the {role} library {show_path(other.path)}; remove it first",
                code="several_libraries",
            )


def _clash(path: bytes, other: bytes) -> str | None:
    if path == other:
        return "the same as"
    return "nested with" if path.startswith(other + b"/") or other.startswith(path + b"/") else None
