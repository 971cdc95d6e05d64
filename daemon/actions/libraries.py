"""A person's word about a root folder → a library added, looked at, forgotten or resumed, and who said it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from config import activity, libraries, root_folders
from config.answering import ANSWERS
from config.errors import GreenroomError
from config.libraries import Library
from config.mounts import damage
from config.reasons import show_path
from daemon.bootstrap import Application
from processor.filesystem.fitness import refuse_unfit
from workflow import suspension
from workflow.operations.relocating import relocate


def add(app: Application, role: str, path: bytes, *, kind: str, actor: str) -> Library:
    """Add a library; see config.libraries.add_library. One whose folder was moved there goes on at its new place.

    Raises Misconfigured, also where no album would be safe; Busy while somebody works on one that was moved.
    """
    now = dt.datetime.now(dt.UTC)
    real = root_folders.checked_folder(path)
    refuse_unfit(real)  # a disk that hangs must hang before the database is kept from others
    with app.database.read() as connection:
        moved = root_folders.moved_here(role, kind, real, libraries.list_libraries(connection))
    if moved:
        library = relocate(app.database, moved, real)
        with app.database.begin() as connection:
            what = f"{role} {show_path(library.path)}, which was {show_path(moved.path)}"
            activity.note(connection, "library_added", actor, now, what)
        return library
    with app.database.begin() as connection:
        library = libraries.add_library(connection, role, path, kind=kind, now=now)
        activity.note(connection, "library_added", actor, now, f"{role} {show_path(library.path)}")
    return library


def troubles(found: Sequence[Library], patience: float | None = None) -> list[str | None]:
    """Return what is wrong with each library, or None; they are all looked at together, so one patience is enough."""
    ANSWERS.begin(library.path for library in found)
    return [_trouble(library, patience) for library in found]


def _trouble(library: Library, patience: float | None) -> str | None:
    try:
        libraries.verify_root(library, patience)
    except GreenroomError as error:
        return error.message
    return damage(library.path)


def remove(app: Application, which: int | bytes, *, actor: str) -> Library:
    """Forget a library, named by its id or its path; its files and its sentinel stay.

    Raises Misconfigured when there is none.
    """
    now, path = dt.datetime.now(dt.UTC), _path(app, which)
    with app.database.begin() as connection:
        library = libraries.remove_library(connection, path)
        activity.note(connection, "library_removed", actor, now, f"{library.role} {show_path(library.path)}")
    return library


def resume(app: Application, which: int | bytes, *, actor: str) -> tuple[Library, int]:
    """Let cycles work on a suspended library again, named by its id or its path; see workflow.suspension.resume.

    Return it as it was, and how many items are now known as missing. Raises Misconfigured when there is none.
    """
    library, gone = suspension.resume(app.database, _path(app, which))
    with app.database.begin() as connection:
        now = dt.datetime.now(dt.UTC)
        activity.note(connection, "library_resumed", actor, now, f"{library.role} {show_path(library.path)}")
    return library, gone


def _path(app: Application, which: int | bytes) -> bytes:
    """Return the path of a library as it is stored, of which no disk has to be asked."""
    with app.database.read() as connection:
        if isinstance(which, bytes):
            return libraries.library_at(connection, which).path
        return libraries.library_of(connection, which).path
