"""Libraries that were removed → what of them stands still now, and what goes on with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from config.libraries import list_libraries
from config.reasons import counted, show_path
from daemon.bootstrap import Application
from daemon.finding import Finding
from processor.items import repository
from processor.publication import ledger
from processor.transfers import journal
from processor.transfers.transfer import roots_outside


class Stranded(NamedTuple):
    """Moves that no cycle settles, because a root of theirs is no library any more."""

    unfinished: int  # of those that do not wait for a person anyway
    said: list[str]  # a sentence a root: what to do


def stranded(connection: Connection) -> Stranded:
    """Return what no cycle settles."""
    moves = journal.unsettled(connection)
    lost = roots_outside(moves, [library.path for library in list_libraries(connection)])
    count = sum(move.state != "attention" and not lost.isdisjoint((move.src_root, move.dst_root)) for move in moves)
    end = "is unfinished, and that is no library any more: add it, or another disk there, and the next cycle settles it"
    return Stranded(count, [f"a move into or out of {show_path(root)} {end}" for root in sorted(lost)])


def examine_removed(app: Application) -> Iterator[Finding]:
    """Name roots that unfinished moves still need, and count the albums that are, or were published, in such a one."""
    with app.database.read() as connection:
        known = list_libraries(connection)
        unsettled = stranded(connection)
        outside = repository.count_outside(connection, [library.root_uuid for library in known])
        away = ledger.count_outside(connection, [library.root_uuid for library in known])
    for message in unsettled.said:
        yield Finding("problem", "unknown_root", message)
    if outside:
        message = f"{counted(outside, 'album')} in a root that is no library any more: `greenroom fsck` says which, and"
        yield Finding("problem", "unknown_root", f"{message} what can be done")
    if away:
        message = f"{counted(away, 'album')} published in a library that was removed: nothing is done for them until it"
        yield Finding("note", "unknown_root", f"{message} is added again; `greenroom items forget ID` lets one go")
