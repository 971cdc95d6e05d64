"""The rows of pictures: what was looked at, what is on offer for whom, and what the cache holds for whom."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text

from config.tables import Base, BigId, SomeRows, column, optional

_RELEASED = text("released_at IS NOT NULL")


class PictureRow(Base):
    """One content that was looked at, or on which a process died while it did; hardly ever looked at twice."""

    __tablename__ = "pictures"

    content = column(str, primary_key=True)  # BLAKE3 of the bytes, in hex
    seen = optional(dict[str, Any])  # the fields of processor.artwork.wire.Seen; None: it is not used
    code = optional(str)  # why it is not used
    message = optional(str)
    strikes = column(int)  # how many processes died of it
    looked_at = column(dt.datetime)


class CandidateRow(Base):
    """One picture on offer for an album or an artist; what it claims, what it is, and what became of it."""

    __tablename__ = "artwork_candidates"
    __table_args__ = (
        UniqueConstraint("subject", "type", "provider", "name"),
        Index("ix_artwork_candidates_content", "content"),
        {"sqlite_autoincrement": True},
    )

    id = column(int, BigId, Identity(), primary_key=True)
    subject = column(str)  # processor.artwork.offer.Subject.holder
    type = column(str)
    provider = column(str)
    name = column(str)  # its id at the provider
    url = optional(str)
    preview = optional(str)  # URL
    path = optional(bytes)  # absolute, of a local one
    embedded = optional(str)  # BLAKE3 of the picture in the tags of that file
    width = optional(int)  # as claimed
    height = optional(int)
    language = optional(str)
    votes = optional(int)
    content = optional(str)  # the picture it was when it was looked at last
    blob = optional(str)  # SHA-256 of what the cache holds of it
    score = optional(float)  # None: it was not looked at
    parts = optional(dict[str, Any])  # the fields of processor.artwork.scoring.Parts
    same_as = optional(int, BigInteger)  # the candidate that stands for it, being the same picture
    rank = optional(int)  # 1 is the best of those selected; None: it is not selected
    decision = optional(str)  # chosen or rejected, by a person
    decided_by = optional(str)
    decided_at = optional(dt.datetime)
    code = optional(str)  # why it could not be had or used
    message = optional(str)
    is_owed = column(bool)  # whether it can be had later: a provider did not answer
    offered_at = column(dt.datetime)
    looked_at = optional(dt.datetime)  # or tried


class BlobRow(Base):
    """One file of the cache, there and durable."""

    __tablename__ = "blobs"
    __table_args__ = (
        SomeRows("ix_blobs_released_at", ("released_at",), _RELEASED),
        Index("ix_blobs_size", "size"),  # what is counted of all
    )

    sha256 = column(str, primary_key=True)
    extension = column(str)
    size = column(int, BigInteger)  # bytes
    stored_at = column(dt.datetime)
    released_at = optional(dt.datetime)  # since when nobody holds it; None: somebody does


class BlobHoldRow(Base):
    """Somebody who needs a blob."""

    __tablename__ = "blob_holds"

    sha256 = column(str, ForeignKey("blobs.sha256"), primary_key=True)
    holder = column(str, primary_key=True, index=True)
