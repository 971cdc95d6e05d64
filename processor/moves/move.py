"""What every kind of transfer shares: the steps it declares, and what those steps are given to work with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from config import machine
from config.database import Database
from config.errors import GreenroomError
from config.reasons import Reason
from processor.items import repository
from processor.items.item import NewItem
from processor.transfers import journal
from processor.transfers.guard import Guard
from processor.transfers.transfer import State, Strategy, Transfer

Record = Callable[[Connection, Transfer], object]


def unheard(connection: Connection, transfer: Transfer) -> None:
    """Nobody wants to hear of an undo."""


@dataclass(slots=True)
class Performance:
    """The collaborators of the steps, and the reasons they found worth telling."""

    database: Database
    guard: Guard
    record: Record  # writes what the transfer makes of the staging item, in the transaction that publishes it
    now: dt.datetime = field(default_factory=machine.utc_now)
    boot_id: str = field(default_factory=machine.boot_id)
    strongest: Strategy = "link"
    workers: int = 1
    known: Set[bytes] = frozenset()  # paths of the source tree that need no explanation when they stay
    undone: Record = unheard  # hears of an undo in the transaction that publishes it
    blobs: bytes = b""  # the folder of the cache, for what is published
    reasons: list[Reason] = field(default_factory=list)
    trouble: GreenroomError | None = None  # what kept the last transfer from being done

    def advance(self, transfer: Transfer, state: State) -> Transfer:
        """Commit that a transfer has come to a state, and when. Raises LeaseLost.

        Not `now`, when all this began: an undo takes for somebody's what changed in a folder after the row was done.
        """
        with self.database.begin() as connection:
            (moved,) = journal.advance(connection, [transfer], state, machine.utc_now())
        return moved

    def published(self, transfer: Transfer) -> Transfer:
        """Commit what the transfer makes of the item together with its state: all or none. Raises LeaseLost."""
        with self.database.begin() as connection:
            self.record(connection, transfer)
            (moved,) = journal.advance(connection, [transfer], "published", self.now)
        return moved

    def taken_back(self, transfer: Transfer) -> Transfer:
        """Commit that an undo is published, and that the item says what it said before; none if there was none."""
        with self.database.begin() as connection:
            if transfer.before is None:
                repository.unlist(connection, transfer.item["key"], transfer.target)
            else:
                self.record(connection, replace(transfer, item=transfer.before, files=()))
            self.undone(connection, transfer)
            (moved,) = journal.advance(connection, [transfer], "published", self.now)
        return moved

    def close(self, transfer: Transfer, state: State, error: GreenroomError) -> Transfer:
        """Commit that a transfer ends otherwise than meant, and why."""
        self.reasons.append(error.reason())
        return self.advance(replace(transfer, error=error.message), state)

    def postpone(self, transfer: Transfer, error: GreenroomError) -> Transfer:
        """Commit that a transfer is left for a later try, and why."""
        with self.database.begin() as connection:
            return journal.postpone(connection, transfer, error.message, self.now)


def before(transfer: Transfer) -> NewItem:
    """Return the item as it was before a transfer that changes one."""
    assert transfer.before is not None
    return NewItem.from_json(transfer.before)


def same(transfer: Transfer) -> Transfer:
    """Return a transfer as it is, where the device numbers of today are looked up when they are used."""
    return transfer


Step = Callable[[Performance, Transfer], Transfer]


@dataclass(frozen=True, slots=True)
class Move:
    """One kind of transfer, as data.

    `renumbered` returns the transfer with the device numbers of today. `steps` names, for each open state, what takes
    the transfer to the next one; each may be repeated after having been interrupted anywhere, and raises Retryable,
    NeedsReview or Rejected where it cannot go on. `roll_back` takes away what was made before `published`, if that
    loses nothing, and returns the state the transfer belongs in then: its own if it must go forward, `attention` if a
    person has to look.
    """

    kind: str
    renumbered: Callable[[Transfer], Transfer]
    steps: Mapping[State, Step]
    roll_back: Callable[[Transfer, Guard], State]
