"""Candidates, what was seen of pictures, and what is selected ↔ their rows. All SQL of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, exists, func, select, update

from config.database import insert_into
from config.errors import Rejected
from processor.artwork.offer import EMBEDDED, FOLDER, Local, Offer, Subject
from processor.artwork.scoring import Parts
from processor.artwork.selecting import Decision
from processor.artwork.tables import BlobRow, CandidateRow, PictureRow
from processor.artwork.wire import Seen
from processor.tables import StagingItem

GAVE_UP: Final = "reader_gave_up"
REST: Final = dt.timedelta(days=1)  # after which what ended too many processes is looked at once more
_CLAIMS: Final = ("url", "preview", "path", "embedded", "width", "height", "language", "votes")
_AT_ONCE: Final = 500  # rows of one statement


class Candidate(NamedTuple):
    """One picture on offer, what was seen of it and what became of it; for its page, and to decide by."""

    id: int
    offer: Offer
    content: str | None  # BLAKE3 of the picture it was when it was looked at last
    seen: Seen | None  # None: it was not looked at, or is not used
    blob: str | None  # SHA-256 of what the cache holds of it
    score: float | None
    parts: Parts | None
    same_as: int | None  # the candidate that stands for it
    rank: int | None  # 1 is the best of those selected; None: not selected
    decision: Decision | None
    decided_by: str | None
    decided_at: dt.datetime | None
    code: str | None  # why it could not be had or used
    message: str | None
    is_owed: bool  # it can be had later


class Selected(NamedTuple):
    """One selected picture, whole in the cache."""

    type: str
    rank: int  # 1 is the best
    sha256: str
    extension: str
    size: int  # bytes
    width: int
    height: int
    provider: str
    candidate: int
    chosen_by: str | None  # the person; None: the rule


class Known(NamedTuple):
    """What is remembered of a content."""

    seen: Seen | None
    code: str | None
    message: str | None
    strikes: int
    looked_at: dt.datetime


def offer(
    connection: Connection, subject: Subject, offers: Iterable[Offer], answered: Collection[str], now: dt.datetime
) -> None:
    """Write what is on offer. What a provider that `answered` does not offer any more goes.

    Not so what a person decided about, nor what is selected, unless it was in the album itself. What ended too many
    processes may be looked at again after its rest: a program or a machine of today may be able to.
    """
    values = [_claims(subject, one, now) for one in offers]
    if values:
        _upsert(connection, values)
    gone = (
        CandidateRow.subject == subject.holder,
        CandidateRow.provider.in_(list(answered)),
        CandidateRow.offered_at < now,
        CandidateRow.decision.is_(None),
        CandidateRow.rank.is_(None) | CandidateRow.provider.in_([EMBEDDED, FOLDER]),
    )
    connection.execute(delete(CandidateRow).where(*gone))
    gave_up = (CandidateRow.subject == subject.holder, CandidateRow.code == GAVE_UP)
    rested = update(CandidateRow).where(*gave_up, CandidateRow.looked_at < now - REST)
    connection.execute(rested.values(code=None, message=None))


def candidates(connection: Connection, subject: Subject) -> list[Candidate]:
    """Return what is on offer, in the order in which it was first offered."""
    query = _candidates().where(CandidateRow.subject == subject.holder).order_by(CandidateRow.id)
    return [_candidate(row) for row in connection.execute(query)]


def candidate(connection: Connection, id: int) -> tuple[Subject, Candidate]:
    """Return one candidate, and whose it is. Raises Rejected (`no_candidate`)."""
    row = connection.execute(_candidates().where(CandidateRow.id == id)).first()
    if row is None:
        raise Rejected(f"there is no picture {id} on offer", code="no_candidate")
    kind, _, key = row.subject.partition(" ")
    return Subject(kind, key), _candidate(row)


def known(connection: Connection, contents: Iterable[str]) -> dict[str, Known]:
    """Return what is remembered of contents."""
    wanted = PictureRow.content.in_(list(contents))
    columns = (PictureRow.seen, PictureRow.code, PictureRow.message, PictureRow.strikes, PictureRow.looked_at)
    found = connection.execute(select(PictureRow.content, *columns).where(wanted))
    return {row.content: Known(_seen(row.seen), *row[2:]) for row in found}


def remember(connection: Connection, content: str, found: Known) -> None:
    """Remember what was seen of a content, or why it is not used."""
    values = found._asdict() | {"seen": found.seen._asdict() if found.seen else None}
    query = insert_into(connection, PictureRow).values(content=content, **values)
    connection.execute(query.on_conflict_do_update(index_elements=[PictureRow.content], set_=values))


def looked(connection: Connection, id: int, content: str, now: dt.datetime) -> None:
    """Write what a candidate turned out to be; what the cache holds of another picture is not of it any more."""
    other = (CandidateRow.id == id, CandidateRow.content.is_distinct_from(content))
    connection.execute(update(CandidateRow).where(*other).values(blob=None))
    values = {"content": content, "code": None, "message": None, "is_owed": False, "looked_at": now}
    connection.execute(update(CandidateRow).where(CandidateRow.id == id).values(values))


def give(connection: Connection, subject: Subject, offer: Offer, blob: str, now: dt.datetime) -> int:
    """Write a picture a person gave, which was looked at and is in the cache; return its candidate."""
    _upsert(connection, [_claims(subject, offer, now)])
    same = (CandidateRow.subject == subject.holder, CandidateRow.type == offer.type)
    named = (CandidateRow.provider == offer.provider, CandidateRow.name == offer.id)
    id = connection.execute(select(CandidateRow.id).where(*same, *named)).scalar_one()
    looked(connection, id, offer.id, now)
    connection.execute(update(CandidateRow).where(CandidateRow.id == id).values(blob=blob))
    return id


def failed(connection: Connection, id: int, why: tuple[str, str], now: dt.datetime, *, is_owed: bool) -> None:
    """Write why, as code and message, a candidate could not be had or used; what it was known to be stays."""
    values = {"code": why[0], "message": why[1], "is_owed": is_owed, "looked_at": now}
    connection.execute(update(CandidateRow).where(CandidateRow.id == id).values(values))


def settle(connection: Connection, results: Sequence[Mapping[str, Any]]) -> None:
    """Write score, parts, same_as, rank and blob of candidates, each with its `id`."""
    columns = ("score", "parts", "same_as", "rank", "blob")
    query = update(CandidateRow).where(CandidateRow.id == bindparam("candidate"))
    query = query.values({name: bindparam(f"new_{name}") for name in columns})
    rows = [{"candidate": one["id"], **{f"new_{name}": one[name] for name in columns}} for one in results]
    if rows:
        connection.execute(query, rows)


def decide(connection: Connection, id: int, decision: Decision | None, actor: str | None, now: dt.datetime) -> None:
    """Write what a person decided about a candidate, or with None that they leave it to the rule."""
    when = None if decision is None else now
    values = {"decision": decision, "decided_by": decision and actor, "decided_at": when}
    connection.execute(update(CandidateRow).where(CandidateRow.id == id).values(values))


def selected(connection: Connection, subject: Subject) -> list[Selected]:
    """Return what is selected of an album or an artist, by type and rank."""
    query = (
        select(CandidateRow, BlobRow.extension, BlobRow.size, PictureRow.seen)
        .join(BlobRow, BlobRow.sha256 == CandidateRow.blob)
        .join(PictureRow, PictureRow.content == CandidateRow.content)
        .where(CandidateRow.subject == subject.holder, CandidateRow.rank.is_not(None))
        .order_by(CandidateRow.type, CandidateRow.rank)
    )
    return [
        Selected(
            row.type, row.rank, row.blob, row.extension, row.size, row.seen["width"], row.seen["height"],
            row.provider, row.id, row.decided_by,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def covers(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Return, by the keys of albums, the content of the front cover that is selected, else of the best one on offer."""
    of = {Subject("album", key).holder: key for key in keys}
    columns = (CandidateRow.subject, CandidateRow.content, PictureRow.seen)
    query = select(*columns).join(PictureRow, PictureRow.content == CandidateRow.content)
    best = (CandidateRow.rank.is_(None), CandidateRow.rank, CandidateRow.score.is_(None), CandidateRow.score.desc())
    query = query.where(CandidateRow.subject.in_(of), CandidateRow.type == "front").order_by(*best, CandidateRow.id)
    found: dict[str, str] = {}
    for row in connection.execute(query):
        if row.seen:  # else it is not used
            found.setdefault(of[row.subject], row.content)
    return found


def gone(connection: Connection, before: dt.datetime) -> list[Subject]:
    """Return albums nobody knows any more, whose pictures were last offered before a time."""
    # From the seventh character, so that the index on keys serves.
    there = exists().where(StagingItem.key == func.substr(CandidateRow.subject, len("album ") + 1))
    query = _offered("album", before).where(~there).limit(_AT_ONCE)
    return [Subject("album", name.partition(" ")[2]) for name in connection.scalars(query)]


def artists(connection: Connection, before: dt.datetime) -> list[Subject]:
    """Return the artists whose pictures were last offered before a time."""
    return [Subject("artist", name.partition(" ")[2]) for name in connection.scalars(_offered("artist", before))]


def _offered(kind: str, before: dt.datetime) -> Select[str]:
    late = exists().where(_other.c.subject == CandidateRow.subject, _other.c.offered_at >= before)
    return select(CandidateRow.subject).where(CandidateRow.subject.startswith(f"{kind} "), ~late).distinct()


def forget(connection: Connection, subject: Subject) -> None:
    """Remove every candidate of an album or an artist."""
    connection.execute(delete(CandidateRow).where(CandidateRow.subject == subject.holder))


def forget_pictures(connection: Connection, before: dt.datetime) -> list[str]:
    """Remove what is remembered of contents that no candidate is, looked at before a time; return those contents."""
    unused = ~exists().where(CandidateRow.content == PictureRow.content)
    query = select(PictureRow.content).where(PictureRow.looked_at < before, unused).limit(_AT_ONCE)
    contents = list(connection.scalars(query))
    connection.execute(delete(PictureRow).where(PictureRow.content.in_(contents)))
    return contents


_other = CandidateRow.__table__.alias("other")


def _claims(subject: Subject, offer: Offer, now: dt.datetime) -> dict[str, Any]:
    local = offer.local or Local(b"")
    return {
        "subject": subject.holder, "type": offer.type, "provider": offer.provider, "name": offer.id,
        "url": offer.url, "preview": offer.preview, "path": local.path or None, "embedded": local.embedded,
        "width": offer.width, "height": offer.height, "language": offer.language, "votes": offer.votes,
        "is_owed": False, "offered_at": now,
    }  # fmt: skip


def _upsert(connection: Connection, values: Sequence[Mapping[str, Any]]) -> None:
    identity = ("subject", "type", "provider", "name")
    unique = {tuple(row[name] for name in identity): row for row in values}  # of two offers of one name the last counts
    query = insert_into(connection, CandidateRow)
    fresh = {name: query.excluded[name] for name in (*_CLAIMS, "offered_at")}
    statement = query.on_conflict_do_update(index_elements=identity, set_=fresh)
    connection.execute(statement, list(unique.values()))


def _candidates() -> Any:
    return select(CandidateRow, PictureRow.seen).outerjoin(PictureRow, PictureRow.content == CandidateRow.content)


def _candidate(row: Any) -> Candidate:
    local = Local(row.path, row.embedded) if row.path else None
    claims = (row.width, row.height, row.language, row.votes)
    return Candidate(
        row.id, Offer(row.provider, row.name, row.type, row.url, local, row.preview, *claims), row.content,
        _seen(row.seen), row.blob, row.score, Parts(**row.parts) if row.parts else None, row.same_as, row.rank,
        row.decision, row.decided_by, row.decided_at, row.code, row.message, row.is_owed,
    )  # fmt: skip


def _seen(value: Mapping[str, Any] | None) -> Seen | None:
    return Seen(**value) if value else None
