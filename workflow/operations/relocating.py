"""A library whose folder lies at another path now → all rows that named the old one."""

from __future__ import annotations

import threading
from dataclasses import replace

from config import libraries
from config.database import Database
from config.libraries import Library
from config.locks import hold
from processor.players import debts
from processor.retag import work_root
from processor.transfers import journal


def relocate(database: Database, library: Library, path: bytes) -> Library:
    """Let a library go on at a real path that carries its mark; return it as it is now.

    Moves that are begun, and those that can be taken back, go along; items and publications name the mark anyway.
    Raises Busy while somebody works on it, and Misconfigured where it cannot be.
    """
    with hold(database, [replace(library, path=path)], "libraries add", threading.Event()) as guard:
        with database.begin() as connection:
            guard.confirm(connection)
            moved = libraries.move_library(connection, library, path)
            journal.move_root(connection, library.path, path)
            journal.move_root(connection, work_root(library.path), work_root(path))  # of files with new tags
            debts.move_root(connection, library.path, path)
        return moved
