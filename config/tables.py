"""Classes of columns → tables, for the rows of every floor; and this floor's rows."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, NamedTuple, TypeVar, cast, get_origin

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.elements import Cast, ColumnElement, KeyedColumnElement, TypeCoerce
from sqlalchemy.types import JSON, TypeDecorator

T = TypeVar("T")


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


class Base:
    """A table as a class, its columns as attributes; all tables of Greenroom share one MetaData.

    The class stands for its table in every statement. SQLAlchemy's declarative classes say the same, but mapping them
    as objects, which nobody here asks for, took an eighth of the start of every command.
    """

    # Constraint names are fixed, so that migrations can name them on both databases.
    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]] = ()  # indexes, constraints; a dict of what one database alone is told
    __table__: ClassVar[Table]

    def __init_subclass__(cls) -> None:
        """Make the table of the columns the class was given."""
        columns = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}
        for name, found in columns.items():
            found.name = found.key = name
        parts = [part for part in cls.__table_args__ if isinstance(part, SchemaItem)]
        cls.__table__ = Table(cls.__tablename__, Base.metadata, *columns.values(), *parts)

    @classmethod
    def __clause_element__(cls) -> Table:
        """Return what SQLAlchemy takes where the class stands in a statement."""
        return cls.__table__


class SomeRows(NamedTuple):
    """An index of the rows a condition holds for; `whole_schema` has it."""

    name: str
    columns: tuple[str, ...]
    where: TextClause
    unique: bool = False

    def add_to(self, table: Table) -> None:
        """Let a table have it, once."""
        if self.name not in {index.name for index in table.indexes}:
            columns = [table.c[name] for name in self.columns]
            Index(self.name, *columns, unique=self.unique, sqlite_where=self.where, postgresql_where=self.where)


def whole_schema() -> MetaData:
    """Return the tables of all modules imported so far, with what each database is told in its own words.

    Only who makes or compares tables needs that. For such words SQLAlchemy loads the dialects of both databases, and
    PostgreSQL's with the code for six drivers is a twentieth of the start of a command on SQLite.
    """
    for table in Base.__subclasses__():
        for part in table.__table_args__:
            if isinstance(part, SomeRows):
                part.add_to(table.__table__)
            elif isinstance(part, dict):
                table.__table__.dialect_kwargs.update(part)
    return Base.metadata


def column(kind: type[T], *parts: Any, **options: Any) -> KeyedColumnElement[T]:
    """Return a column that is never NULL, for one Python type; `parts` begin with a type where SQL needs another."""
    usual: tuple[Any, ...] = ()
    if not parts or isinstance(parts[0], SchemaItem):
        usual = (_TYPES[get_origin(kind) or kind],)
    made: Column[Any] = Column(*usual, *parts, **{"nullable": False, **options})
    return cast("KeyedColumnElement[T]", made)  # its own class forbids, for mypy, what a class's columns are asked for


def optional(kind: type[T], *parts: Any, **options: Any) -> KeyedColumnElement[T | None]:
    """Return a column that may be NULL, which is: unknown."""
    return cast("KeyedColumnElement[T | None]", column(kind, *parts, nullable=True, **options))


_TYPES: dict[Any, Any] = {
    str: Text,
    bytes: LargeBinary,
    int: Integer,
    float: Double,
    bool: Boolean,
    dt.datetime: UtcDateTime,
    dict: JSON,
    list: JSON,
}

# BIGINT identity on PostgreSQL, the rowid on SQLite (which only makes an INTEGER primary key its rowid).
BigId = BigInteger().with_variant(Integer, "sqlite")


class _AnyText(TypeDecorator[str]):
    """Text of SQLite, which keeps whatever somebody writes there by hand; what is no UTF-8 is read as �."""

    impl = Text
    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read it as bytes."""
        return TypeCoerce(Cast(column, LargeBinary), self)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Return the bytes as text."""
        return None if value is None else value.decode(errors="replace")


HAND_WRITTEN = Text().with_variant(_AnyText(), "sqlite")


class SettingRow(Base):
    """One setting that somebody changed; a setting nobody changed has no row."""

    __tablename__ = "settings"

    key = column(str, primary_key=True)
    value = column(str, HAND_WRITTEN)  # JSON of the typed value
    changed_at = column(dt.datetime)
    changed_by = column(str)


class SettingChange(Base):
    """One change of one setting: who, when, from what, to what. Rows are only ever added."""

    __tablename__ = "settings_history"

    id = column(int, BigId, Identity(), primary_key=True)
    key = column(str, index=True)
    old = optional(str)  # JSON; None was the default
    new = optional(str)  # JSON; None is back to the default
    changed_at = column(dt.datetime)
    changed_by = column(str)


class LibraryRow(Base):
    """One root folder: `role` inbound, staging or library; `kind` music or movie."""

    __tablename__ = "libraries"
    __table_args__ = (UniqueConstraint("path"),)

    id = column(int, Identity(), primary_key=True)
    role = column(str)
    kind = column(str)
    path = column(bytes)
    root_uuid = column(str)  # what its sentinel file .greenroom-root says
    filesystem = optional(str)  # f_fsid of statvfs(3) when a cycle last worked there; None before the first
    suspended = optional(str)  # why no cycle may work there until a person resumes it
    created_at = column(dt.datetime)


class LeaseRow(Base):
    """Who may write below a root. `fence` grows by one with each new holder and is checked by every journal write."""

    __tablename__ = "leases"

    root_uuid = column(str, primary_key=True)
    holder = column(str)  # for people: host, pid, command
    boot_id = column(str)  # of the holder's kernel: tells whether it ran on this machine, in this uptime
    fence = column(int, BigInteger)
    expires_at = column(int, BigInteger)  # seconds since 1970 by the database's clock
    since = column(dt.datetime)


class AccountRow(Base):
    """One person who may use the page."""

    __tablename__ = "accounts"

    name = column(str, primary_key=True)
    password = column(str)  # an argon2id hash with its parameters
    created_at = column(dt.datetime)


class TokenRow(Base):
    """One session, API key or setup token; config/tokens.py says what they are."""

    __tablename__ = "tokens"

    id = column(int, BigId, Identity(), primary_key=True)
    purpose = column(str, index=True)  # session, api_key, setup
    digest = column(bytes, unique=True)  # SHA-256 of the token
    account = optional(str)
    name = optional(str)  # what a person calls an API key
    prefix = optional(str)  # the first characters of an API key
    scopes = column(str)  # "read write"
    created_at = column(dt.datetime)
    expires_at = optional(dt.datetime)
    seen_at = optional(dt.datetime)


class AccountEvent(Base):
    """One thing an account did, or somebody tried in its name; config/activity.py says what there is."""

    __tablename__ = "account_events"

    id = column(int, BigId, Identity(), primary_key=True)
    at = column(dt.datetime, index=True)
    account = column(str)  # as it was typed; of a failed sign-in perhaps nobody's
    what = column(str)
    detail = optional(str)  # the address, or the name of a key
