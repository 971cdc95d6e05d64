"""What albums were compared with, what was chosen and by whom, what providers still owe. All their SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, ForeignKey, delete, func, insert, select, update

from config.database import insert_into
from config.tables import Base, BigId, column, optional

NOBODY: Final = ""  # the release of a choice that says: none of these


class EnrichmentRow(Base):
    """What enriching an item came to, the last time."""

    __tablename__ = "enrichments"

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    content = column(str, index=True)  # processor.matching.own.content_key
    revision = column(int)  # of the item
    verdict = column(str)  # accepted, ambiguous, none, chosen, unasked
    reasons = column(list[Any])  # [{code, message}]
    at = column(dt.datetime, index=True)


class CandidateRow(Base):
    """One release an item was compared with."""

    __tablename__ = "release_candidates"

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    source = column(str, primary_key=True)  # the provider
    release_id = column(str, primary_key=True)
    position = column(int)  # 1 is the nearest
    distance = column(float)  # 0…1
    about = column(dict[str, Any])  # what it says of itself; processor.matching.told
    parts = column(list[Any])  # [{name, weight, penalty, why}]
    tracks = column(list[Any])  # who is who
    doubts = column(list[Any])  # [{code, message}]
    document = column(dict[str, Any])  # what it would say of the album
    chosen_by = optional(str)  # "match", or who chose it


class ChoiceRow(Base):
    """Which release people say an album of this content is; release "" says that it is none."""

    __tablename__ = "release_choices"

    content = column(str, primary_key=True)
    source = column(str)
    release_id = column(str)
    document = column(dict[str, Any])  # what was chosen, so that it can be said again without asking anybody
    actor = column(str)
    at = column(dt.datetime)


class DebtRow(Base):
    """One provider that did not answer about an item."""

    __tablename__ = "enrich_debts"

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    provider = column(str, primary_key=True, index=True)
    what = column(str)  # releases, pictures, artists …
    why = column(str)
    since = column(dt.datetime)
    tries = column(int)
    next_try = column(dt.datetime, index=True)


class Candidate(NamedTuple):
    """One release an item was compared with, as it is kept."""

    source: str
    release_id: str
    position: int
    distance: float
    about: dict[str, Any]
    parts: list[Any]
    tracks: list[Any]
    doubts: list[Any]
    document: dict[str, Any]
    chosen_by: str | None = None


class Choice(NamedTuple):
    """What a person chose for an album of some content."""

    source: str
    release_id: str
    document: dict[str, Any]
    actor: str
    at: dt.datetime


class Enrichment(NamedTuple):
    """What enriching an item came to."""

    content: str
    revision: int
    verdict: str
    reasons: list[Any]
    at: dt.datetime


class Debt(NamedTuple):
    """What a provider still owes an item."""

    item_id: int
    provider: str
    what: str
    why: str
    since: dt.datetime
    tries: int
    next_try: dt.datetime


def candidates(connection: Connection, item_id: int) -> list[Candidate]:
    """Return what an item was compared with, the nearest first."""
    columns = (getattr(CandidateRow, name) for name in Candidate._fields)
    query = select(*columns).where(CandidateRow.item_id == item_id).order_by(CandidateRow.position)
    return [Candidate(*row) for row in connection.execute(query)]


def keep_candidates(connection: Connection, item_id: int, found: Sequence[Candidate]) -> None:
    """Replace what an item was compared with."""
    connection.execute(delete(CandidateRow).where(CandidateRow.item_id == item_id))
    if found:
        connection.execute(insert(CandidateRow), [{"item_id": item_id, **one._asdict()} for one in found])


def mark_chosen(connection: Connection, item_id: int, release_id: str | None, by: str | None) -> None:
    """Say which candidate counts, and who says so; None for none."""
    connection.execute(update(CandidateRow).where(CandidateRow.item_id == item_id).values(chosen_by=None))
    ours = (CandidateRow.item_id == item_id, CandidateRow.release_id == release_id)
    connection.execute(update(CandidateRow).where(*ours).values(chosen_by=by))


def choice(connection: Connection, content: str) -> Choice | None:
    """Return what people chose for albums of this content."""
    columns = (getattr(ChoiceRow, name) for name in Choice._fields)
    row = connection.execute(select(*columns).where(ChoiceRow.content == content)).first()
    return None if row is None else Choice(*row)


def choose(connection: Connection, content: str, chosen: Choice | None) -> None:
    """Keep a choice, or with None forget it."""
    if chosen is None:
        connection.execute(delete(ChoiceRow).where(ChoiceRow.content == content))
    else:  # of two albums that sound the same two people may say so at once
        said = chosen._asdict()
        kept = insert_into(connection, ChoiceRow).values(content=content, **said)
        connection.execute(kept.on_conflict_do_update(index_elements=[ChoiceRow.content], set_=said))


def enrichment(connection: Connection, item_id: int) -> Enrichment | None:
    """Return what enriching an item came to; None when it never was."""
    columns = (getattr(EnrichmentRow, name) for name in Enrichment._fields)
    row = connection.execute(select(*columns).where(EnrichmentRow.item_id == item_id)).first()
    return None if row is None else Enrichment(*row)


def keep_enrichment(connection: Connection, item_id: int, made: Enrichment) -> None:
    """Replace what enriching an item came to."""
    connection.execute(delete(EnrichmentRow).where(EnrichmentRow.item_id == item_id))
    connection.execute(insert(EnrichmentRow).values(item_id=item_id, **made._asdict()))


def debts(connection: Connection, item_id: int | None = None) -> list[Debt]:
    """Return what providers owe, to one item or to all, the oldest first."""
    query = select(*(getattr(DebtRow, name) for name in Debt._fields)).order_by(DebtRow.since, DebtRow.item_id)
    if item_id is not None:
        query = query.where(DebtRow.item_id == item_id)
    return [Debt(*row) for row in connection.execute(query)]


def count_debts(connection: Connection) -> dict[str, int]:
    """Return how many items each provider owes an answer."""
    query = select(DebtRow.provider, func.count()).group_by(DebtRow.provider).order_by(DebtRow.provider)
    return {provider: count for provider, count in connection.execute(query)}


def keep_debts(connection: Connection, item_id: int, owed: Sequence[Debt]) -> None:
    """Replace what is owed to an item; how long each has been stays."""
    before = {debt.provider: debt for debt in debts(connection, item_id)}
    connection.execute(delete(DebtRow).where(DebtRow.item_id == item_id))
    kept = [
        debt._replace(since=before[debt.provider].since, tries=before[debt.provider].tries + 1)
        if debt.provider in before
        else debt
        for debt in owed
    ]
    if kept:
        connection.execute(insert(DebtRow), [debt._asdict() for debt in kept])


def add_debts(connection: Connection, item_id: int, owed: Sequence[Debt]) -> None:
    """Add to what is owed to an item, where the provider owes nothing yet."""
    known = {debt.provider for debt in debts(connection, item_id)}
    fresh = [debt._asdict() for debt in owed if debt.provider not in known]
    if fresh:
        connection.execute(insert(DebtRow), fresh)


def due(connection: Connection, now: dt.datetime, enriched_before: dt.datetime | None, limit: int) -> list[int]:
    """Return items whose debts may be asked for again, those that wait longest first, then those that were last
    enriched before a time.
    """
    owed = select(DebtRow.item_id).where(DebtRow.next_try <= now).group_by(DebtRow.item_id)
    found = list(connection.scalars(owed.order_by(func.min(DebtRow.next_try), DebtRow.item_id).limit(limit)))
    if enriched_before is not None and len(found) < limit:
        old = select(EnrichmentRow.item_id).where(EnrichmentRow.at < enriched_before)
        old = old.where(EnrichmentRow.item_id.not_in(found)).order_by(EnrichmentRow.at).limit(limit - len(found))
        found += connection.scalars(old)
    return found
