"""One scan of an inbound root ↔ one SQLite file: folders, files, their tags, groups. All SQL of the scanner."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from config.errors import Misconfigured, Rejected, Retryable
from config.reasons import Reason
from scanner import rows
from scanner.grouping.groups import Group, SideRow, TrackRow
from scanner.identity import Identity, identity_columns
from scanner.readiness import FileState, FolderState
from scanner.rows import FileRecord, FileRow
from scanner.scanschema import DDL, FAST, code_version, connect, copy, is_finished
from scanner.tags.columns import READING_COLUMNS, Block
from scanner.vanished import Gone, Vanished

if TYPE_CHECKING:
    from scanner.tags.wire import Numbers

T = TypeVar("T", str, str | None)

REMEMBERED_DIGESTS = 200_000
STORED_AT_ONCE = 2000  # files

# These speak of the machine at that moment, or of rights that change without a trace on the file: tried again.
PASSING = ("reader_killed", "reader_crashed", "reader_timeout", "io_error", "permission_denied", "vanished")
_NOTE_VANISHED = """
INSERT INTO vanished SELECT path, name, ino, size, mtime_ns, (SELECT previous FROM scan)
FROM file JOIN folder ON folder.id = folder_id WHERE file.id = ? AND role = 'audio'"""
_FORGET_PASSING = f"DELETE FROM reading WHERE problem IN ({', '.join('?' * len(PASSING))}) RETURNING file_id"  # noqa: S608 - marks only


class ScanDb:
    """One scan DB. `create` begins a scan, in one transaction until `finish`; `open` reads a finished one."""

    def __init__(
        self, path: Path, sql: sqlite3.Connection, *, same_options: bool = True, unread: Sequence[int] = ()
    ) -> None:
        self.path = path
        self.same_options = same_options  # as the scan this one carries on from
        self.grew = False  # whether files were added that the scan before did not know, or not like this
        self._sql = sql
        self._unread = unread  # ids of the files whose reading of the scan before counts no more
        self._new_files: list[FileRow] = []
        self._new_ignored: list[tuple[bytes | None, str, str]] = []
        self._last_folder, self._last_file = (
            int(sql.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608 - names of ours
            for table in ("folder", "file")
        )
        self._last_known = self._last_file

    @classmethod
    def create(
        cls, path: Path, *, root: bytes, started: dt.datetime, boot: str, options: str, previous: Path | None = None
    ) -> ScanDb:
        """Begin a new file (mode 0600; its folder is made if missing) that knows all that `previous` knew.

        Raises Misconfigured when the file cannot be made, or is there already.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Misconfigured(f"the scan DB {path} cannot be made: {error.strerror}; choose another place") from error
        known = previous is not None and is_finished(previous, root) and copy(previous, path, boot)
        try:
            sql = sqlite3.connect(path, isolation_level=None)
            sql.executescript(FAST if known else f"PRAGMA page_size = 16384; {FAST} {DDL}")
            sql.execute("BEGIN EXCLUSIVE")
            # What is known of the time before a restart are times of a clock that began anew.
            sql.execute("UPDATE folder SET samples = 0 WHERE (SELECT boot_id FROM scan) <> ?", (boot,))
            same_options = sql.execute("SELECT options FROM scan").fetchone() == (options,)
            previous = sql.execute("SELECT max(started) FROM scan").fetchone()[0]
            sql.execute("DELETE FROM scan")
            unread = [row[0] for row in sql.execute(_FORGET_PASSING, PASSING)]
            row = (root, code_version(), boot, started.isoformat(), options, previous)
            sql.execute("INSERT INTO scan VALUES (?, ?, ?, ?, ?, NULL, ?)", row)
        except sqlite3.DatabaseError as error:
            path.unlink()
            raise _failed(path, error) from error
        return cls(path, sql, same_options=same_options, unread=unread)

    @classmethod
    def open(cls, path: Path) -> ScanDb:
        """Open a finished scan. Raises Rejected when it is none."""
        sql = connect(path, "rw")
        if sql.execute("SELECT stats FROM scan").fetchone()[0] is None:
            sql.close()
            raise Rejected(f"the scan in {path} was interrupted; scan again")
        sql.execute("PRAGMA synchronous = OFF")  # it holds nothing that cannot be scanned again
        return cls(path, sql)

    def __enter__(self) -> ScanDb:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        interrupted = self._sql.in_transaction
        self._sql.close()
        if interrupted:
            self.path.unlink(missing_ok=True)
        if isinstance(error, sqlite3.DatabaseError):
            raise _failed(self.path, error) from error

    # Folders and files, as the walk finds them.

    def folder_states(self) -> dict[bytes, FolderState]:
        """Return what is known of every folder, by path."""
        found = self._sql.execute("SELECT path, id, digest, since_ns, samples FROM folder ORDER BY path")
        return {path: FolderState(*state) for path, *state in found}

    def add_folder(self, path: bytes) -> int:
        """Add a folder and return its id; what we see of it over time is stored by `set_folder_states`."""
        self._last_folder += 1
        self._sql.execute("INSERT INTO folder VALUES (?, ?, x'', 0, 0)", (self._last_folder, path))
        return self._last_folder

    def file_ids(self, count: int) -> range:
        """Return ids for so many new files."""
        first = self._last_file + 1
        self._last_file += count
        return range(first, first + count)

    def add_files(self, files: Sequence[FileRow]) -> None:
        """Add files that are new."""
        self._new_files += files
        self.grew = self.grew or bool(files)
        if len(self._new_files) > STORED_AT_ONCE:
            self.flush()

    def known_files(self, folder_id: int) -> dict[tuple[object, ...], int]:
        """Return the ids of the files of a folder, by name and the numbers of their identity."""
        self.flush()
        found = self._sql.execute(
            "SELECT id, name, dev, ino, size, mtime_ns, ctime_ns FROM file WHERE folder_id = ?", (folder_id,)
        )
        return {row[1:]: row[0] for row in found}

    def forget_files(self, file_ids: Iterable[int]) -> None:
        """Forget files that are gone, or were touched, and what was read from them."""
        ids = [(file_id,) for file_id in file_ids]
        self._sql.executemany(_NOTE_VANISHED, ids)
        self._sql.executemany("DELETE FROM reading WHERE file_id = ?", ids)
        self._sql.executemany("DELETE FROM file WHERE id = ?", ids)

    def drop_folders(self, folder_ids: Iterable[int]) -> None:
        """Forget folders that are gone, and their files; then make the one index, after the bulk of the rows."""
        self.flush()
        for folder_id in folder_ids:
            self.forget_files(
                [row[0] for row in self._sql.execute("SELECT id FROM file WHERE folder_id = ?", (folder_id,))]
            )
            self._sql.execute("DELETE FROM folder WHERE id = ?", (folder_id,))
        self._sql.execute("CREATE INDEX IF NOT EXISTS file_in_folder ON file (folder_id)")

    def set_folder_states(self, states: Iterable[FolderState]) -> None:
        """Store what was seen of every folder."""
        found = ((state.digest, state.since_ns, state.samples, state.id) for state in states)
        self._sql.executemany("UPDATE folder SET digest = ?, since_ns = ?, samples = ? WHERE id = ?", found)

    def forget_ignored(self) -> None:
        """Begin the list of what is left alone anew."""
        self._sql.execute("DELETE FROM ignored")

    def add_ignored(self, reasons: Iterable[Reason]) -> None:
        """Add what is left alone; the reasons carry the path."""
        self._new_ignored += [(reason.path, reason.code, reason.message) for reason in reasons]

    def flush(self) -> None:
        """Insert what was added so far."""
        insert = "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
        self._sql.executemany(insert, self._new_files)
        self._sql.executemany("INSERT INTO ignored VALUES (?, ?, ?)", self._new_ignored)
        self._new_files.clear()
        self._new_ignored.clear()

    # What the tags say.

    def unread(self) -> Iterator[tuple[bytes, int, bytes, tuple[int, ...]]]:
        """Yield those of the scan before that are to be read again: folder, file id, name, numbers of the identity."""
        # Sorted, hence complete before the first row comes: readings may be added meanwhile.
        query = """
            SELECT path, file.id, name, dev, ino, size, mtime_ns, ctime_ns
            FROM file JOIN folder ON folder.id = folder_id
            WHERE file.id IN (SELECT value FROM json_each(?)) AND file.id NOT IN (SELECT file_id FROM reading)
            ORDER BY path, name"""
        found = self._sql.execute(query, (json.dumps(self._unread),)) if self._unread else ()
        return ((row[0], row[1], row[2], tuple(row[3:])) for row in found)

    def add_readings(self, block: Block) -> None:
        """Store what was read; what SQLite cannot hold of a hostile tag is cut down to what it can."""
        insert = _insert_readings(block.columns)
        try:
            self._sql.executemany(insert, zip(*block.values, strict=True))
        except (UnicodeEncodeError, OverflowError):
            storable = [map(rows.storable, column) for column in block.values]
            self._sql.executemany(insert, zip(*storable, strict=True))

    def set_identity(self, file_id: int, numbers: tuple[int, ...]) -> int:
        """Note that a file was touched after the walk saw it; return the id of its folder, which is not still."""
        self.flush()
        update = (
            "UPDATE file SET dev = ?, ino = ?, size = ?, mtime_ns = ?, ctime_ns = ? WHERE id = ? RETURNING folder_id"
        )
        return int(self._sql.execute(update, (*map(rows.storable, numbers), file_id)).fetchone()[0])

    def readings_that_failed(self, problems: Sequence[str]) -> list[tuple[bytes, Numbers]]:
        """Return the files with one of the problems: absolute path, and the numbers of the identity."""
        query = """
            SELECT (SELECT root FROM scan), path, name, dev, ino, size, mtime_ns, ctime_ns
            FROM reading JOIN file ON file.id = file_id JOIN folder ON folder.id = folder_id
            WHERE problem IN (SELECT value FROM json_each(?)) ORDER BY path, name"""
        found = self._sql.execute(query, (json.dumps(list(problems)),))
        return [(os.path.join(*row[:3]), tuple(row[3:])) for row in found]

    def strike(self, digest: str, size: int) -> None:
        """Count that a reader died on this content; `size` in bytes."""
        count = "INSERT INTO strike VALUES (?, ?, 1) ON CONFLICT (digest) DO UPDATE SET times = times + 1"
        self._sql.execute(count, (digest, size))

    def struck(self, times: int) -> dict[int, set[str]]:
        """Return the digests on which readers died so often, by the size of the file."""
        found: dict[int, set[str]] = {}
        for size, digest in self._sql.execute("SELECT size, digest FROM strike WHERE times >= ?", (times,)):
            found.setdefault(size, set()).add(digest)
        return found

    def music_folders(self) -> frozenset[bytes]:
        """Return the folders with audio in them."""
        query = "SELECT path FROM folder WHERE id IN (SELECT folder_id FROM file WHERE role = 'audio')"
        return frozenset(row[0] for row in self._sql.execute(query))

    def vanished(self) -> Vanished:
        """Return the music that went away since `forget_vanished`, but for what only got another name or content."""
        found = self._sql.execute("SELECT * FROM vanished").fetchall()
        if not found:
            return Vanished({}, None)
        files = self._sql.execute("SELECT path, name, ino, size, mtime_ns FROM entry WHERE role = 'audio'").fetchall()
        names, contents = {file[:2] for file in files}, {file[2:] for file in files}
        gone = {row[:2]: Gone(row[0], row[2:5]) for row in found if row[:2] not in names and row[2:5] not in contents}
        since = min((row[5] for row in found if row[5]), default=None)
        return Vanished({os.path.join(*place): file for place, file in gone.items()}, since)

    def forget_vanished(self) -> None:
        """Begin to remember anew what goes away."""
        self._sql.execute("DELETE FROM vanished")

    # Groups.

    def tracks(self) -> Iterator[TrackRow]:
        """Yield every audio file, in any order."""
        folders = dict(self._sql.execute("SELECT id, path FROM folder"))
        # `date` is that of the release at hand; the original date stands in where the release has none.
        found = self._sql.execute("""
            SELECT id, folder_id, name, title, artist, album, album_artist, track, track_total, disc, disc_total,
                coalesce(date, original_date), mb_release_id, compilation, problem, message
            FROM file LEFT JOIN reading ON file_id = id WHERE role = 'audio'""")
        return rows.tracks_from(found, folders)

    def sides(self) -> Iterator[SideRow]:
        """Yield every other file, by folder and name."""
        found = self._sql.execute("SELECT id, path, name, role FROM entry WHERE role <> 'audio' ORDER BY path, name")
        return map(SideRow._make, found)

    def forget_groups(self) -> None:
        """Begin the list of groups anew."""
        self._sql.execute("DELETE FROM album")

    def keep_whole_groups(self) -> set[int]:
        """Forget the groups that lost a file since the scan before; return the ids of the files of the others."""
        there = {row[0] for row in self._sql.execute("SELECT id FROM file")}
        kept: set[int] = set()
        for album_id, group in self.known_groups(only_waiting=False):
            if there.issuperset(ids := group.file_ids):
                kept.update(ids)
            else:
                self._sql.execute("DELETE FROM album WHERE id = ?", (album_id,))
        return kept

    def add_group(self, group: Group) -> int:
        """Add a group and return the id of its row."""
        row = (rows.storable(group.key), rows.text_of_group(group))
        return self._sql.execute("INSERT INTO album (key, body) VALUES (?, ?)", row).lastrowid or 0

    def known_groups(self, *, only_waiting: bool) -> Iterator[tuple[int, Group]]:
        """Yield the groups of the scan before with the ids of their rows; `set_waits` may be called meanwhile."""
        query = "SELECT id FROM album WHERE waits IS NOT NULL OR NOT ?"
        for album_id in [row[0] for row in self._sql.execute(query, (only_waiting,))]:
            body = self._sql.execute("SELECT body FROM album WHERE id = ?", (album_id,)).fetchone()[0]
            yield album_id, rows.group_of_text(body)

    def groups(self) -> Iterator[tuple[Group, tuple[Reason, ...]]]:
        """Yield every group with the reasons it has to wait for; ready ones have none."""
        for body, waits, warnings in self._sql.execute("SELECT body, waits, warnings FROM album ORDER BY id"):
            group = rows.group_of_text(body)
            yield group._replace(warnings=group.warnings + rows.reasons_of_text(warnings)), rows.reasons_of_text(waits)

    def set_waits(self, album_id: int, waits: Iterable[Reason], warnings: Iterable[Reason]) -> None:
        """Store why a group has to wait, and what its reviewer should know."""
        row = (rows.text_of_reasons(waits), rows.text_of_reasons(warnings), album_id)
        self._sql.execute("UPDATE album SET waits = ?, warnings = ? WHERE id = ?", row)

    def doubtful_files(self) -> dict[int, FileState]:
        """Return, by id, the files readiness has to know of: those that end too early, or were not probed yet."""
        found = self._sql.execute("""
            SELECT id, path, name,
                CASE WHEN problem = 'empty_file' THEN problem WHEN truncated THEN 'truncated' END AS unfinished, probed
            FROM entry WHERE NOT probed OR truncated OR problem = 'empty_file'""")
        return {
            file_id: FileState(file_id, folder + b"/" + name if folder else name, unfinished, bool(probed))
            for file_id, folder, name, unfinished, probed in found
        }

    def set_probed(self, file_ids: Iterable[int]) -> None:
        """Remember that nobody was writing to these files."""
        self._sql.executemany("UPDATE file SET probed = 1 WHERE id = ?", ((file_id,) for file_id in file_ids))

    # The whole.

    def totals(self) -> dict[str, int]:
        """Return how much there is, by the names of ScanStats."""
        found = self._sql.execute(
            """
            SELECT (SELECT count(*) FROM folder) AS folders, (SELECT count(*) FROM file) AS files,
                (SELECT count(*) FROM file WHERE role = 'audio') AS audio,
                (SELECT coalesce(sum(size), 0) FROM file) AS bytes, (SELECT count(*) FROM ignored) AS ignored,
                (SELECT count(*) FROM reading WHERE problem IS NOT NULL) AS problems,
                (SELECT count(*) FROM album) AS groups,
                (SELECT count(*) FROM album WHERE waits IS NOT NULL) AS waiting,
                (SELECT count(*) FROM reading
                    WHERE file_id > ? OR file_id IN (SELECT value FROM json_each(?))) AS read""",
            (self._last_known, json.dumps(self._unread)),
        )
        totals = dict(zip((column[0] for column in found.description), found.fetchone(), strict=True))
        return {**totals, "carried": totals["audio"] - totals["read"]}

    def finish(self, stats: Mapping[str, object]) -> None:
        """Make the scan one that may be read and carried on from."""
        oldest = "DELETE FROM content_digest WHERE rowid <= (SELECT max(rowid) FROM content_digest) - ?"
        self._sql.execute(oldest, (REMEMBERED_DIGESTS,))
        self._sql.execute("UPDATE scan SET stats = ?", (json.dumps(stats),))
        self._sql.execute("COMMIT")

    def files(self, file_ids: Iterable[int]) -> dict[int, FileRecord]:
        """Return files by id."""
        query = "SELECT * FROM entry WHERE id IN (SELECT value FROM json_each(?))"
        found = self._sql.execute(query, (json.dumps(list(file_ids)),))
        return {row[0]: rows.record_from(row) for row in found}

    def ignored(self) -> Iterator[Reason]:
        """Yield what is left alone, by path."""
        found = self._sql.execute("SELECT code, message, path FROM ignored ORDER BY path")
        return (Reason(*row) for row in found)

    def digest(self, identity: Identity, algorithm: str, compute: Callable[[], T]) -> T:
        """Return the digest of a file, from memory if it was not touched since; later scans remember it too.

        None, which `compute` may return, is not remembered.
        """
        same = "dev = ? AND ino = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ? AND algorithm = ?"
        query = f"SELECT digest FROM content_digest WHERE {same}"  # noqa: S608 - bound
        key: tuple[object, ...] = (*identity_columns(identity), algorithm)
        row = self._sql.execute(query, key).fetchone()
        if row:
            return str(row[0])
        made = compute()
        if made is not None:
            self._sql.execute("INSERT OR REPLACE INTO content_digest VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, made))
        return made

    def checksum_lists(self) -> dict[int, bytes]:
        """Return the files that list the checksums of others: their paths, by id."""
        query = "SELECT file.id, path, name FROM file JOIN folder ON folder.id = folder_id WHERE role = 'checksum'"
        return {file_id: os.path.join(path, name) for file_id, path, name in self._sql.execute(query)}


@lru_cache(maxsize=1024)
def _insert_readings(columns: tuple[int, ...]) -> str:
    names = ", ".join(READING_COLUMNS[index] for index in columns)
    return f"INSERT OR REPLACE INTO reading ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - names of ours


def _failed(path: Path, error: sqlite3.DatabaseError) -> Retryable:
    return Retryable(f"the scan DB {path} cannot be used: {error}; is the disk full?", code="scan_db_failed")
