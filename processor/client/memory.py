"""Answers of services ↔ rows that live as long as they are good, and somewhat longer for bad days. All their SQL."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Index, delete, func, select

from config.database import insert_into
from config.tables import Base, column
from processor.client.service import MIB, Answer

LARGEST: Final = 2 * MIB  # of one answer; a larger one is asked for anew each time
MOST: Final = 256 * MIB  # of all answers, packed; beyond that the oldest go
STALE: Final = dt.timedelta(days=30)  # how long an answer is kept beyond its time, for when nobody answers
_HEADERS: Final = ("content-type", "etag", "last-modified")  # worth remembering


class AnswerRow(Base):
    """One remembered answer."""

    __tablename__ = "answers"
    # all that is asked of all: in SQLite the size lies behind the body, and each body would be read for it
    __table_args__ = (Index("ix_answers_stored_at", "stored_at", "key", "size"),)

    key = column(str, primary_key=True)  # a digest of the request, without its secrets
    service = column(str, index=True)
    status = column(int)
    headers = column(dict[str, Any])
    body = column(bytes)  # packed with zlib
    size = column(int)  # of the packed body
    stored_at = column(dt.datetime)
    good_until = column(dt.datetime, index=True)


class Remembered(NamedTuple):
    """An answer, and whether it is still good."""

    answer: Answer
    is_good: bool


def recall(connection: Connection, key: str, now: dt.datetime) -> Remembered | None:
    """Return the answer to a request, good or not any more."""
    row = connection.execute(select(AnswerRow.__table__).where(AnswerRow.key == key)).first()
    if row is None:
        return None
    headers = {str(name): str(value) for name, value in row.headers.items()}
    is_good = row.stored_at <= now < row.good_until  # one of a later hour is of a clock that was ahead
    return Remembered(Answer(row.status, headers, zlib.decompress(row.body), from_cache=True), is_good)


def remember(connection: Connection, key: str, service: str, answer: Answer, now: dt.datetime, seconds: float) -> None:
    """Keep an answer for so long, in the place of an older one."""
    if len(answer.body) > LARGEST:
        return
    body = zlib.compress(answer.body, 6)
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    good_until = now + dt.timedelta(seconds=seconds)
    values = {"service": service, "status": answer.status, "headers": headers, "body": body, "size": len(body)}
    values |= {"stored_at": now, "good_until": good_until}
    kept = insert_into(connection, AnswerRow).values(key=key, **values)
    connection.execute(kept.on_conflict_do_update(index_elements=[AnswerRow.key], set_=values))


def surplus(connection: Connection, before: dt.datetime, limit: int, most: int = MOST) -> Sequence[str]:
    """Return the keys of answers to forget: of those good until `before`, else the oldest of more than `most` bytes."""
    past = select(AnswerRow.key).where(AnswerRow.good_until < before).limit(limit)
    if keys := connection.scalars(past).all():
        return keys
    total = connection.execute(select(func.coalesce(func.sum(AnswerRow.size), 0))).scalar_one()
    found: list[str] = []
    for key, size in connection.execute(
        select(AnswerRow.key, AnswerRow.size).order_by(AnswerRow.stored_at, AnswerRow.key).limit(limit)
    ):
        if total <= most:
            break
        found.append(key)
        total -= size
    return found


def forget(connection: Connection, keys: Sequence[str]) -> None:
    """Remove answers."""
    connection.execute(delete(AnswerRow).where(AnswerRow.key.in_(keys)))
