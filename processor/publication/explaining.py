"""A library's tree, the ledger and the journal → whose each file is: ours, in the trash, left behind, or of others.

Reads only.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from config.database import Database
from config.libraries import Library, verify_root
from config.sentinel import SENTINEL
from processor.filesystem.files import Tree, is_folder
from processor.publication import ledger
from processor.transfers import journal
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.trash import TRASH

_MARK = b".greenroom-"  # how everything begins that Greenroom hides


@dataclass(slots=True)
class Explained:
    """What is in one library. Paths are relative to it."""

    ours: int = 0  # files the ledger names
    trashed: int = 0  # files in the trash
    missing: list[bytes] = field(default_factory=list)  # what the ledger names and is not there
    left: list[bytes] = field(default_factory=list)  # hidden by Greenroom, and no unfinished transfer needs it
    others: list[bytes] = field(default_factory=list)  # what somebody else put there


def explain(database: Database, library: Library) -> Explained:
    """Look at every file of a library and say whose it is.

    What is published meanwhile may be told as of others, or as missing: the ledger is read before the tree. Raises what
    `verify_root` does, for where no disk is mounted nothing is missing, and the errors of
    processor.filesystem.system_errors.
    """
    verify_root(library)
    with database.read() as connection:
        named = {bytes(entry.path) for entry in ledger.entries(connection, root_uuid=library.root_uuid)}
        busy = {transfer.id.encode() for transfer in journal.unsettled(connection)}
    found, seen = Explained(), set()
    with Tree(library.path) as tree, tree.explained("look into", b""):
        for path, there in tree.below(b""):
            if is_folder(there):
                continue
            if path in named:
                seen.add(path)
            elif not _is_known(path, busy, found):
                (found.left if path.rpartition(b"/")[2].startswith(_MARK) else found.others).append(path)
    found.ours, found.missing = len(seen), sorted(named - seen)
    found.left.sort()
    found.others.sort()
    return found


def _is_known(path: bytes, busy: Set[bytes], found: Explained) -> bool:
    """Tell whether a file that the ledger does not name has its place there all the same; or say what it is."""
    top, _, below = path.partition(b"/")
    if path == SENTINEL or (top in (TX, TRASH) and below in PLAYER_IGNORES):
        return True
    if top == TX and below.partition(b"/")[0] not in busy:
        found.left.append(path)
    elif top == TRASH:
        found.trashed += 1
    return top in (TX, TRASH)
