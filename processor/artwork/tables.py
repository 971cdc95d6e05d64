"""The rows of pictures: what was looked at, what is on offer for whom, and what the cache holds for whom."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from config.tables import Base, BigId

_RELEASED = text("released_at IS NOT NULL")


class PictureRow(Base):
    """One content that was looked at, or on which a process died while it did; nobody looks at it twice."""

    __tablename__ = "pictures"

    content: Mapped[str] = mapped_column(primary_key=True)  # BLAKE3 of the bytes, in hex
    seen: Mapped[dict[str, Any] | None]  # the fields of processor.artwork.wire.Seen; None: it is not used
    code: Mapped[str | None]  # why it is not used
    message: Mapped[str | None]
    strikes: Mapped[int]  # how many processes died of it
    looked_at: Mapped[dt.datetime]


class CandidateRow(Base):
    """One picture on offer for an album or an artist; what it claims, what it is, and what became of it."""

    __tablename__ = "artwork_candidates"
    __table_args__ = (
        UniqueConstraint("subject", "type", "provider", "name"),
        Index("ix_artwork_candidates_content", "content"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    subject: Mapped[str]  # processor.artwork.offer.Subject.holder
    type: Mapped[str]
    provider: Mapped[str]
    name: Mapped[str]  # its id at the provider
    url: Mapped[str | None]
    preview: Mapped[str | None]  # URL
    path: Mapped[bytes | None]  # absolute, of a local one
    embedded: Mapped[str | None]  # BLAKE3 of the picture in the tags of that file
    width: Mapped[int | None]  # as claimed
    height: Mapped[int | None]
    language: Mapped[str | None]
    votes: Mapped[int | None]
    content: Mapped[str | None]  # the picture it was when it was looked at last
    blob: Mapped[str | None]  # SHA-256 of what the cache holds of it
    score: Mapped[float | None]  # None: it was not looked at
    parts: Mapped[dict[str, Any] | None]  # the fields of processor.artwork.scoring.Parts
    same_as: Mapped[int | None] = mapped_column(BigInteger)  # the candidate that stands for it, being the same picture
    rank: Mapped[int | None]  # 1 is the best of those selected; None: it is not selected
    decision: Mapped[str | None]  # chosen or rejected, by a person
    decided_by: Mapped[str | None]
    decided_at: Mapped[dt.datetime | None]
    code: Mapped[str | None]  # why it could not be had or used
    message: Mapped[str | None]
    is_owed: Mapped[bool]  # whether it can be had later: a provider did not answer
    offered_at: Mapped[dt.datetime]
    looked_at: Mapped[dt.datetime | None]


class BlobRow(Base):
    """One file of the cache, there and durable."""

    __tablename__ = "blobs"
    __table_args__ = (
        Index("ix_blobs_released_at", "released_at", sqlite_where=_RELEASED, postgresql_where=_RELEASED),
        Index("ix_blobs_size", "size"),  # what is counted of all
    )

    sha256: Mapped[str] = mapped_column(primary_key=True)
    extension: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    stored_at: Mapped[dt.datetime]
    released_at: Mapped[dt.datetime | None]  # since when nobody holds it; None: somebody does


class BlobHoldRow(Base):
    """Somebody who needs a blob."""

    __tablename__ = "blob_holds"

    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), primary_key=True)
    holder: Mapped[str] = mapped_column(primary_key=True, index=True)
