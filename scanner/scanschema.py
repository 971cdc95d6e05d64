"""A path → a scan DB file of this schema: made, opened, or filled with what an earlier scan knew."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from config.blake import blake2b
from config.errors import Rejected
from scanner.tags.columns import FACT_COLUMNS

APPLICATION_ID = 0x47524E52  # "GRNR"
SCHEMA = 6

DDL = f"""
CREATE TABLE scan (root BLOB, code TEXT, boot_id TEXT, started TEXT, options TEXT, stats TEXT, previous TEXT);
CREATE TABLE folder (id INTEGER PRIMARY KEY, path BLOB, digest BLOB, since_ns INTEGER, samples INTEGER);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, folder_id INTEGER, name BLOB, role TEXT,
    dev INTEGER, ino INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, nlink INTEGER, mode INTEGER,
    probed INTEGER DEFAULT 0);
CREATE TABLE reading (
    file_id INTEGER PRIMARY KEY, unwritten INTEGER, problem TEXT, message TEXT, truncated INTEGER, reader TEXT,
    {", ".join(FACT_COLUMNS)});
CREATE TABLE ignored (path BLOB, code TEXT, message TEXT);
CREATE TABLE album (id INTEGER PRIMARY KEY, key TEXT, body TEXT, waits TEXT, warnings TEXT);
CREATE TABLE vanished (folder BLOB, name BLOB, ino INTEGER, size INTEGER, mtime_ns INTEGER, since TEXT, id INTEGER);
CREATE TABLE strike (digest TEXT PRIMARY KEY, size INTEGER, times INTEGER, last TEXT);
CREATE TABLE content_digest (
    path BLOB, algorithm TEXT, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, ino INTEGER, dev INTEGER,
    digest TEXT, PRIMARY KEY (path, algorithm, size, mtime_ns, ctime_ns, ino, dev));
CREATE VIEW entry AS
    SELECT file.id, path, name, role, dev, ino, size, mtime_ns, ctime_ns, nlink, mode,
        probed OR coalesce(unwritten, 0) AS probed, reading.*
    FROM file JOIN folder ON folder.id = folder_id LEFT JOIN reading ON file_id = file.id;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
"""  # noqa: S608 - numbers and column names of ours
# Nobody reads the file before it is finished, and one that is not is thrown away: neither journal nor sync.
FAST = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -32768;
"""


@functools.cache
def code_version() -> str:
    """Return a digest of the scanner's source: what other code read or grouped is not carried over."""
    state = blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        state.update(path.read_bytes())
    return state.hexdigest()


def is_finished(path: Path, root: bytes) -> bool:
    """Whether a file is a scan DB of this root that was written to its end, by any code of this schema."""
    try:
        with closing(connect(path)) as sql:  # a digest whose writing was interrupted is rolled back
            return (
                sql.execute("SELECT 1 FROM scan WHERE stats IS NOT NULL AND root = ?", (root,)).fetchone() is not None
            )
    except (sqlite3.DatabaseError, Rejected):
        return False


def is_being_written(path: Path) -> bool:
    """Whether somebody writes to a file at this moment, as who scans does from begin to end."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=0, uri=True)) as sql:
            sql.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


def connect(path: Path) -> sqlite3.Connection:
    """Open a scan DB that is there. Raises Rejected when it is none of this schema."""
    try:
        sql = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise Rejected(f"the scan DB {path} cannot be opened: {error}") from error
    try:
        found = [sql.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    except sqlite3.DatabaseError:
        found = []
    if found != [APPLICATION_ID, SCHEMA]:
        sql.close()
        raise Rejected(f"{path} is no scan DB of this version; scan again")
    return sql


def copy(previous: Path, path: Path, boot: str) -> bool:
    """Fill a new file with all that an earlier scan knew; return whether it can be carried on from."""
    with closing(connect(previous)) as old:
        code, boot_then = old.execute("SELECT code, boot_id FROM scan").fetchone()
        if code != code_version():
            return False
        # What was written without a sync may be lost if the machine went down.
        if boot_then != boot and not _is_whole(old):
            return False
        if old.execute("PRAGMA freelist_count").fetchone()[0] * 2 > old.execute("PRAGMA page_count").fetchone()[0]:
            with suppress(sqlite3.OperationalError):  # somebody reads it
                old.execute("VACUUM")  # most of what it knew has left the inbound folder
        import shutil  # a first scan starts quicker without it

        old.execute("BEGIN")
        old.execute("SELECT root FROM scan").fetchone()  # from now on nobody writes a digest into what is copied
        shutil.copyfile(previous, path)  # by the kernel, four times faster than SQLite's own backup
    return True


def _is_whole(sql: sqlite3.Connection) -> bool:
    try:
        return bool(sql.execute("PRAGMA quick_check").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False
