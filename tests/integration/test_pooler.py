"""PostgreSQL behind a pooler that gives each transaction whatever session is free: what relies on sessions holds."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from config.database import Database
from config.errors import Busy
from config.libraries import Library, add_library
from config.locks import hold
from processor.items import storing
from tests.databases import TEMPLATE, PostgresServer
from tests.items import album


@pytest.fixture
def pooled(postgres_server: PostgresServer) -> Iterator[Database]:
    """A migrated database through a pooler."""
    with postgres_server.database(TEMPLATE) as url, postgres_server.pooled(url.split("/")[3].split("?")[0]) as through:
        database = Database(through)
        yield database
        database.close()


@contextlib.contextmanager
def last_session_taken(database: Database) -> Iterator[None]:
    """Another program is in a transaction, in the session of the server that was used last."""
    with contextlib.closing(Database(database.url.render_as_string())) as other, other.read() as connection:
        connection.execute(text("SELECT 1"))
        yield


def test_a_statement_that_is_repeated_is_understood_by_whatever_session_comes_next(pooled: Database) -> None:
    def ask() -> int:
        with pooled.read() as connection:
            return int(connection.execute(text("SELECT count(*) FROM jobs")).scalar_one())

    for _ in range(10):  # more often than psycopg needs to prepare it
        ask()
    with last_session_taken(pooled):
        assert ask() == 0


def test_no_table_for_staged_albums_is_left_to_whoever_gets_the_session_next(pooled: Database) -> None:
    """After an upgrade that would be a Greenroom that knows other columns."""
    for checksum in ("1", "2"):
        with pooled.begin() as connection:
            for changed in (True, False):
                done = storing.upsert(connection, [replace(album(), checksum=checksum)], dt.datetime.now(dt.UTC))
                assert done["k"].changed == changed
        with pooled.read() as connection:
            left = connection.execute(text("SELECT relname FROM pg_class WHERE relpersistence = 't'")).scalars().all()
        assert left == []


def test_a_root_is_held_against_another_host_until_it_is_let_go(pooled: Database, tmp_path: Path) -> None:
    (tmp_path / "inbound").mkdir()
    with pooled.begin() as connection:
        here = add_library(connection, "inbound", os.fsencode(tmp_path / "inbound"), now=dt.datetime.now(dt.UTC))
    shutil.copytree(tmp_path / "inbound", tmp_path / "elsewhere")  # of another inode: the kernel's lock is not asked
    there = replace(here, path=os.fsencode(tmp_path / "elsewhere"))

    def taken(library: Library) -> contextlib.AbstractContextManager[object]:
        return hold(pooled, [library], "test", threading.Event())

    with contextlib.ExitStack() as others:
        with taken(here):
            others.enter_context(last_session_taken(pooled))
            with pytest.raises(Busy, match="is being worked on"), taken(there):
                pass
        with taken(there):
            pass
