"""Libraries that were removed → what of them stands still now, and what goes on with it."""

from __future__ import annotations

from collections.abc import Iterator

from config.libraries import list_libraries
from config.reasons import counted, show_path
from daemon.bootstrap import Application
from daemon.finding import Finding
from processor.publication import ledger
from processor.transfers import journal


def examine_removed(app: Application) -> Iterator[Finding]:
    """Name roots that unfinished moves still need, and count the albums that were published in such a library."""
    with app.database.read() as connection:
        known = list_libraries(connection)
        moves = journal.unsettled(connection)
        away = ledger.count_outside(connection, [library.root_uuid for library in known])
    ours = tuple(library.path + b"/" for library in known)  # new tags come from a folder in staging
    for root in sorted({root for move in moves for root in (move.src_root, move.dst_root)}):
        if not (root + b"/").startswith(ours):
            message = f"a move into or out of {show_path(root)} is unfinished, and that is no library any more: add it"
            yield Finding("problem", "unknown_root", f"{message}, or another disk there, and the next cycle settles it")
    if away:
        message = f"{counted(away, 'album')} published in a library that was removed: nothing is done for them until it"
        yield Finding("note", "unknown_root", f"{message} is added again; `greenroom items forget ID` lets one go")
