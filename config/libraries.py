"""Root folders ↔ library rows: which library a role means, and whether its root is there, ours and may be worked on."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, delete, insert, select, update

from config.answering import ANSWERS, Answers, Silence, silence
from config.database import one_writer
from config.errors import Misconfigured
from config.reasons import show_path
from config.root_folders import checked_folder, marked, refuse_clash
from config.sentinel import SENTINEL, unseen
from config.tables import LibraryRow

Role = Literal["inbound", "staging", "library"]
Kind = Literal["music", "movie"]


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


class Roots(NamedTuple):
    """The two libraries a cycle works between."""

    inbound: Library
    staging: Library

    @property
    def both(self) -> list[Library]:
        """The two, first the one whose fence the journal carries."""
        return [self.staging, self.inbound]


def list_libraries(connection: Connection) -> list[Library]:
    """Return all libraries in the order they were added."""
    rows = connection.execute(select(LibraryRow.__table__).order_by(LibraryRow.id))
    return [Library(r.id, r.role, r.kind, bytes(r.path), r.root_uuid, r.filesystem, r.suspended) for r in rows]


def root_paths(connection: Connection) -> dict[str, bytes]:
    """Return the path of every library, by the uuid of its root."""
    return {library.root_uuid: library.path for library in list_libraries(connection)}


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
    root_uuid = marked(path)
    values = {"role": role, "kind": kind, "path": path, "root_uuid": root_uuid, "created_at": now}
    new_id = connection.execute(insert(LibraryRow).values(**values).returning(LibraryRow.id)).scalar_one()
    return next(lib for lib in list_libraries(connection) if lib.id == new_id)


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
