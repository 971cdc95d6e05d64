"""What happened → rows written with it, and given to each subscriber at least once, in one order. All SQL of events.

Events of transactions that run at the same time become visible in any order. So a dispatcher numbers those it sees,
one dispatcher at a time, and how far a subscriber has come is one of these numbers: nothing is passed over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, get_args

from sqlalchemy import (
    BigInteger,
    Connection,
    Identity,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from config.database import Database, one_writer
from config.tables import Base, BigId, SomeRows, column, optional

Kind = Literal[
    "item_staged", "needs_review", "approved", "rejected", "undone",
    "published", "unpublished", "run_finished", "run_failed", "job_dead", "library_suspended",
    "player_missed", "damage_found", "move_held", "library_away",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
STAGED: Final[tuple[Kind, ...]] = ("item_staged",)
ENDS: Final[tuple[Kind, ...]] = ("run_finished", "run_failed")
LOOKED_BACK: Final = 20  # ends of runs, for one that was no dry run
AT_ONCE: Final = 1000  # events numbered, or given to a subscriber, in one transaction
_UNNUMBERED: Final = text("number IS NULL")
_IS_END: Final = text("kind IN ('run_finished', 'run_failed')")  # as text: SQLite sees only so which index answers it


class EventRow(Base):
    """One event; the meaning of each column is in Event."""

    __tablename__ = "events"
    __table_args__ = (
        SomeRows("ix_events_unnumbered", ("id",), _UNNUMBERED),
        SomeRows("ix_events_ends", ("id",), _IS_END),
    )

    id = column(int, BigId, Identity(), primary_key=True)
    number = optional(int, BigInteger, unique=True)  # the order all hear; None until dispatched
    kind = column(str)
    at = column(dt.datetime)
    subject = column(str)
    why = column(str)
    item_id = optional(int, BigId, index=True)
    run_id = optional(str, index=True)
    job_id = optional(int, BigId)
    facts = column(dict[str, Any])


_TABLE: Final = EventRow.__table__


class SubscriberRow(Base):
    """How far one subscriber has heard."""

    __tablename__ = "subscribers"

    name = column(str, primary_key=True)
    number = column(int, BigInteger)
    moved_at = column(dt.datetime)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, and to what; `subject` and `why` are for people."""

    kind: Kind
    subject: str  # an album, a run, a phase, a folder
    why: str
    item_id: int | None = None
    run_id: str | None = None
    job_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)  # of a run: how many albums came to which outcome
    id: int | None = None  # known once it was read, as is the next
    at: dt.datetime | None = None


class Subscriber(Protocol):
    """Whom events are given to."""

    name: str

    def wants(self, connection: Connection) -> Collection[Kind]:
        """Return the kinds to be given now; the others pass by."""

    def waits(self, heard: Sequence[Event], now: dt.datetime) -> bool:
        """Return whether these are to be given later, together with what follows them."""

    def take(self, connection: Connection, heard: Sequence[Event], now: dt.datetime) -> None:
        """Take events, oldest first; what is written here commits with the subscriber's new position."""


def tell(connection: Connection, events: Collection[Event], now: dt.datetime) -> None:
    """Write events in the transaction of what they tell of."""
    names = ("kind", "subject", "why", "item_id", "run_id", "job_id")
    rows = [{"at": now, "facts": dict(e.facts), **{name: getattr(e, name) for name in names}} for e in events]
    if rows:
        connection.execute(insert(EventRow), rows)


def dispatch(database: Database, subscribers: Collection[Subscriber], now: dt.datetime) -> int:
    """Give every subscriber what it has not heard; return how many events were new. New subscribers start now."""
    with database.read() as connection:
        if not _is_news(connection, subscribers):
            return 0
    found = new = _number(database, subscribers, now)
    while new == AT_ONCE:
        new = _number(database, subscribers, now)
        found += new
    for subscriber in subscribers:
        while _give(database, subscriber, now):
            pass
    return found


def _is_news(connection: Connection, subscribers: Collection[Subscriber]) -> bool:
    if connection.execute(select(EventRow.id).where(EventRow.number.is_(None)).limit(1)).first():
        return True
    mine = SubscriberRow.name.in_([subscriber.name for subscriber in subscribers])
    behind = mine & (SubscriberRow.number < select(func.max(EventRow.number)).scalar_subquery())
    return connection.execute(select(SubscriberRow.name).where(behind)).first() is not None


def _top(connection: Connection) -> int:
    """Return the highest number ever given, also if its event was removed since."""
    numbers = [select(func.max(EventRow.number)), select(func.max(SubscriberRow.number))]
    return max(connection.scalar(query) or 0 for query in numbers)


def _number(database: Database, subscribers: Collection[Subscriber], now: dt.datetime) -> int:
    with database.begin() as connection:
        one_writer(connection, SubscriberRow.__tablename__)
        top = _top(connection)
        known = set(connection.scalars(select(SubscriberRow.name)))
        new = [{"name": s.name, "number": top, "moved_at": now} for s in subscribers if s.name not in known]
        if new:
            connection.execute(insert(SubscriberRow), new)
        query = select(EventRow.id).where(EventRow.number.is_(None)).order_by(EventRow.id).limit(AT_ONCE)
        rows = [{"event": found, "next": top + n} for n, found in enumerate(connection.scalars(query), 1)]
        if rows:
            numbered = update(_TABLE).where(_TABLE.c.id == bindparam("event"))
            connection.execute(numbered.values(number=bindparam("next")), rows)
        return len(rows)


def _give(database: Database, subscriber: Subscriber, now: dt.datetime) -> bool:
    """Give a subscriber its next events; return whether there may be more."""
    with database.begin() as connection:
        one_writer(connection, SubscriberRow.__tablename__)
        mine = SubscriberRow.name == subscriber.name
        position = connection.scalars(select(SubscriberRow.number).where(mine)).one()
        query = select(EventRow.__table__).where(EventRow.number > position).order_by(EventRow.number).limit(AT_ONCE)
        rows = connection.execute(query).all()
        if rows:
            wanted = subscriber.wants(connection)
            taken = [_event(row) for row in rows if row.kind in wanted]
            if taken and len(rows) < AT_ONCE and subscriber.waits(taken, now):
                return False
            if taken:
                subscriber.take(connection, taken, now)
            connection.execute(update(SubscriberRow).where(mine).values(number=rows[-1].number, moved_at=now))
    return len(rows) == AT_ONCE


def of_run(connection: Connection, run_id: str, kinds: Collection[Kind]) -> list[Event]:
    """Return what happened in a run, oldest first."""
    mine = (EventRow.run_id == run_id, EventRow.kind.in_(kinds))
    return [_event(row) for row in connection.execute(select(EventRow.__table__).where(*mine).order_by(EventRow.id))]


def last_end(connection: Connection) -> Mapping[str, Any]:
    """Return the facts of the last run's end, empty if there was none. Dry runs do not count."""
    query = select(EventRow.facts).where(_IS_END).order_by(EventRow.id.desc())
    ends = (row for row in connection.execute(query.limit(LOOKED_BACK)) if not row.facts.get("dry_run"))
    last = next(ends, None)
    return {} if last is None else last.facts


def was_told(connection: Connection, kind: Kind, subject: str, since: dt.datetime) -> bool:
    """Tell whether such an event of a subject was written since then; of all events only the later ones are read."""
    ended = select(EventRow.id).where(_IS_END, EventRow.at <= since).order_by(EventRow.id.desc()).limit(1)
    later = EventRow.id > func.coalesce(ended.scalar_subquery(), 0)
    mine = (later, EventRow.kind == kind, EventRow.subject == subject, EventRow.at > since)
    return connection.execute(select(EventRow.id).where(*mine).limit(1)).first() is not None


def of_ids(connection: Connection, ids: Collection[int]) -> list[Event]:
    """Return events by their ids, oldest first; those that are gone are left out."""
    query = select(EventRow.__table__).where(EventRow.id.in_(ids)).order_by(EventRow.id)
    return [_event(row) for row in connection.execute(query)]


def of_item(connection: Connection, item_id: int, kind: Kind, times: Collection[dt.datetime]) -> list[Event]:
    """Return what happened to an item at these times, which its history has of the same transactions; oldest first."""
    mine = (EventRow.item_id == item_id, EventRow.kind == kind, EventRow.at.in_(times))
    return [_event(row) for row in connection.execute(select(EventRow.__table__).where(*mine).order_by(EventRow.id))]


def old(connection: Connection, before: dt.datetime, limit: int) -> Sequence[int]:
    """Return events from before a time that every subscriber has heard."""
    heard = select(func.min(SubscriberRow.number)).scalar_subquery()
    return connection.scalars(
        select(EventRow.id).where(EventRow.at < before, EventRow.number <= heard).limit(limit)
    ).all()


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Remove events."""
    connection.execute(delete(EventRow).where(EventRow.id.in_(ids)))


def _event(row: Any) -> Event:
    return Event(row.kind, row.subject, row.why, row.item_id, row.run_id, row.job_id, row.facts, row.id, row.at)
