"""An inbound root → findings about folders in it whose albums would wait: not readable, or nothing can be taken out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from config import users
from config.answering import ANSWERS
from config.errors import GreenroomError
from config.libraries import Library
from config.reasons import show_path
from daemon.finding import Finding
from processor.staging.shut import why_shut
from scanner.ignore import IgnoreRules
from scanner.walk import Folder, walk

LOOKED_INTO = 2000  # folders; a tree of hundreds of thousands is a cycle's to walk
TRIED = 10  # files of a folder
NAMED = 5
UNREADABLE = ("unreadable_folder", "unreadable_file")


def examine_folders(inbound: Library, patterns: Sequence[str]) -> Iterator[Finding]:
    """Look into the first folders as a cycle would, and say of which this user could not take an album."""
    try:
        looked, shut = ANSWERS.reading([inbound.path], lambda: _look(inbound.path, patterns))
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
        return
    for message in shut[:NAMED]:
        yield Finding("problem", "shut_folder", message)
    some = f"the first {looked} folders" if looked == LOOKED_INTO else "all folders"
    if len(shut) > NAMED:
        message = f"so it is with {len(shut) - NAMED} more of {some} of inbound; a cycle names them"
        yield Finding("problem", "shut_folder", message)
    if not shut:
        yield Finding("ok", "folders", f"{some} of inbound can be read, and albums taken out of them")


def _look(root: bytes, patterns: Sequence[str]) -> tuple[int, list[str]]:
    """Return how many folders were looked into, and a sentence for each from which nothing can be taken."""
    looked, shut = 0, []
    for folder in islice(walk(root, IgnoreRules.of(patterns)), LOOKED_INTO):
        looked += 1
        path = os.path.join(root, folder.path) if folder.path else root
        if why := _shut(path, folder):
            whose = ""
            with suppress(OSError):  # below a folder that may not be entered nobody is told
                whose = f"It is {users.rights(os.stat(path))}, and this"
            shut.append(f"{show_path(path)}: {why} {whose or 'This'} is {users.me()}")
    return looked, shut


def _shut(path: bytes, folder: Folder) -> str | None:
    """Say why the albums in a folder would wait, as a cycle does."""
    unseen = next((reason.message for reason in folder.ignored if reason.code in UNREADABLE), None)
    if unseen:
        return f"{unseen} Give this user the right to read and change it (`chmod`, `chown`, `setfacl`)."
    names = [name for name, *_ in folder.files[:TRIED]]
    return why_shut(path, names) if names else None
