"""The declarative base every floor's rows share, and this floor's rows."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, Integer, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON, TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware datetime, stored in UTC; SQLite keeps no zone, so it is added back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse a naive time: nobody could say what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Return the time as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """All tables of Greenroom. Constraint names are fixed, so that migrations can name them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        bytes: LargeBinary,
        dt.datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


# BIGINT identity on PostgreSQL, the rowid on SQLite (which only makes an INTEGER primary key its rowid).
BigId = BigInteger().with_variant(Integer, "sqlite")


class SettingRow(Base):
    """One setting that somebody changed; a setting nobody changed has no row."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]  # JSON of the typed value
    changed_at: Mapped[dt.datetime]
    changed_by: Mapped[str]


class SettingChange(Base):
    """One change of one setting: who, when, from what, to what. Rows are only ever added."""

    __tablename__ = "settings_history"

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(index=True)
    old: Mapped[str | None]  # JSON; None was the default
    new: Mapped[str | None]  # JSON; None is back to the default
    changed_at: Mapped[dt.datetime]
    changed_by: Mapped[str]


class LibraryRow(Base):
    """One root folder: `role` inbound, staging or library; `kind` music or movie."""

    __tablename__ = "libraries"
    __table_args__ = (UniqueConstraint("path"),)

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    role: Mapped[str]
    kind: Mapped[str]
    path: Mapped[bytes]
    root_uuid: Mapped[str]  # what its sentinel file .greenroom-root says
    filesystem: Mapped[str | None]  # f_fsid of statvfs(3) when a cycle last worked there; None before the first
    suspended: Mapped[str | None]  # why no cycle may work there until a person resumes it
    created_at: Mapped[dt.datetime]


class LeaseRow(Base):
    """Who may write below a root. `fence` grows by one with each new holder and is checked by every journal write."""

    __tablename__ = "leases"

    root_uuid: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]  # for people: host, pid, command
    boot_id: Mapped[str]  # of the holder's kernel: tells whether it ran on this machine, in this uptime
    fence: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)  # seconds since 1970 by the database's clock
    since: Mapped[dt.datetime]


class AccountRow(Base):
    """One person who may use the page."""

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str]  # an argon2id hash with its parameters
    created_at: Mapped[dt.datetime]


class TokenRow(Base):
    """One session, API key or setup token; config/accounts.py says what they are."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    purpose: Mapped[str] = mapped_column(index=True)  # session, api_key, setup
    digest: Mapped[bytes] = mapped_column(unique=True)  # SHA-256 of the token
    account: Mapped[str | None]
    name: Mapped[str | None]  # what a person calls an API key
    prefix: Mapped[str | None]  # the first characters of an API key
    scopes: Mapped[str]  # "read write"
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]
    seen_at: Mapped[dt.datetime | None]


class AccountEvent(Base):
    """One thing an account did, or somebody tried in its name; config/activity.py says what there is."""

    __tablename__ = "account_events"

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    account: Mapped[str]  # as it was typed; of a failed sign-in perhaps nobody's
    what: Mapped[str]
    detail: Mapped[str | None]  # the address, or the name of a key
