"""Bytes → a file named after its SHA-256, there whole before any row says so, kept as long as somebody holds it.

The row of a blob is written when its file is durable, and goes in the transaction in which the file goes. Who puts a
blob looks again after its row is written: a file that a clean-up took meanwhile is written once more.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import os
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from config.database import Database, insert_into
from config.errors import Retryable
from config.machine import sync_folder
from processor.artwork.tables import BlobHoldRow, BlobRow
from processor.filesystem.files import Tree, write_all
from processor.filesystem.rights import set_mode
from processor.filesystem.system_errors import explained

GRACE: Final = dt.timedelta(days=30)  # how long a blob that nobody holds is kept
_STALE: Final = dt.timedelta(days=1)  # age after which nobody is still writing a file
_AT_ONCE: Final = 200  # blobs removed in one transaction
_FRESH: Final = ".new"  # ends the name of a file that is being written


class BlobMissing(Retryable):
    """A blob is not there, or is not what it was; it has to be made or fetched again."""

    code = "blob_missing"


class Blob(NamedTuple):
    """One file of the cache."""

    sha256: str
    extension: str  # without a dot
    size: int  # bytes

    @property
    def name(self) -> bytes:
        """Its path in the cache."""
        return f"{self.sha256[:2]}/{self.sha256}.{self.extension}".encode()


class Blobs:
    """The cache of one data folder. For any number of threads and processes."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database, self.data_dir = database, data_dir
        self.folder = data_dir / "blobs"

    def put(self, data: bytes, extension: str, now: dt.datetime) -> Blob:
        """Keep bytes, durably; return what they are called. Nobody holds them yet, so they stay for `GRACE` only.

        Raises the errors of processor.filesystem.system_errors where the disk refuses.
        """
        blob = Blob(hashlib.sha256(data).hexdigest(), extension, len(data))
        while True:
            if not self.is_whole(blob):
                self._write(blob, data)
            with self._database.begin() as connection:
                _add(connection, blob, now)
            if self.path(blob).exists():
                return blob

    def path(self, blob: Blob) -> Path:
        """Return where a blob is, or would be."""
        return self.folder / os.fsdecode(blob.name)

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of a blob. Raises BlobMissing when they are not there or not what they were."""
        try:
            data = self.path(blob).read_bytes()
        except OSError as error:
            raise BlobMissing(f"blob {blob.sha256} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise BlobMissing(f"blob {blob.sha256} is damaged: its bytes are not what they were")
        return data

    def is_whole(self, blob: Blob) -> bool:
        """Whether the file is there and is what it was."""
        try:
            self.read(blob)
        except BlobMissing:
            return False
        return True

    def find(self, sha256: str) -> Blob:
        """Return the blob of that name. Raises BlobMissing when there is no row of it."""
        with self._database.read() as connection:
            row = connection.execute(_blobs().where(BlobRow.sha256 == sha256)).first()
        if row is None:
            raise BlobMissing(f"there is no blob {sha256}")
        return Blob(*row)

    def collect(self, now: dt.datetime, grace: dt.timedelta = GRACE, spared: Collection[str] = ()) -> int:
        """Remove what nobody has held for that long, and files that no row knows; return how many blobs went.

        `spared` are needed by somebody who holds none.
        """
        count, last = 0, ""
        while True:
            with self._database.begin() as connection:
                # Who is about to hold one has its row locked: it is waited for, and passed over then.
                query = _released(now - grace, _AT_ONCE, last).with_for_update(of=BlobRow)
                found = [Blob(*row) for row in connection.execute(query)]
                old = [blob for blob in found if blob.sha256 not in spared]
                connection.execute(delete(BlobRow).where(BlobRow.sha256.in_([blob.sha256 for blob in old])))
                for blob in old:
                    self.path(blob).unlink(missing_ok=True)
            count += len(old)
            if len(found) < _AT_ONCE:
                break
            last = found[-1].sha256
        self._sweep(now, grace, spared)
        return count

    def _write(self, blob: Blob, data: bytes) -> None:
        folder = os.fsencode(self.folder)
        with explained("keep", blob.name, folder):
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
                sync_folder(self.data_dir)
        above = blob.name[:2]
        fresh = above + b"/." + uuid.uuid4().hex.encode() + _FRESH.encode()
        with Tree(folder) as tree, tree.explained("keep", blob.name):
            tree.make(above, 0o750)
            tree.sync(b"")
            with tree.created(fresh) as fd:
                write_all(fd, data)
                set_mode(fd, 0o640)
                os.fsync(fd)
            _name(tree, fresh, blob.name, whole=self.is_whole(blob))
            tree.sync(above)

    def _sweep(self, now: dt.datetime, grace: dt.timedelta, spared: Collection[str]) -> None:
        """Remove files that no row knows: those of killed processes, and what was made but is not needed any more."""
        for folder in self._folders():
            old = [file for file in os.scandir(folder) if _is_older(file, now - _limit(file, grace))]
            names = {file.name.partition(".")[0] for file in old}
            with self._database.begin() as connection:
                known = set(connection.scalars(select(BlobRow.sha256).where(BlobRow.sha256.in_(names))))
                for file in old:
                    name = file.name.partition(".")[0]
                    if file.name.endswith(_FRESH) or name not in known.union(spared):
                        Path(file.path).unlink(missing_ok=True)

    def _folders(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(found for found in self.folder.iterdir() if len(found.name) == 2 and found.is_dir())


def hold(connection: Connection, holder: str, sha256s: Collection[str], now: dt.datetime) -> None:
    """Say what a holder needs from now on; what it does not need any more is released, unless others hold it.

    Raises BlobMissing, and changes nothing that may be committed, when one of them is not there any more.
    """
    wanted = set(sha256s)
    held = set(connection.scalars(select(BlobHoldRow.sha256).where(BlobHoldRow.holder == holder)))
    if gone := held - wanted:
        mine = (BlobHoldRow.holder == holder, BlobHoldRow.sha256.in_(gone))
        connection.execute(delete(BlobHoldRow).where(*mine))
        free = BlobRow.sha256.in_(gone), ~exists().where(BlobHoldRow.sha256 == BlobRow.sha256)
        connection.execute(update(BlobRow).where(*free).values(released_at=now))
    if fresh := wanted - held:
        found = connection.execute(update(BlobRow).where(BlobRow.sha256.in_(fresh)).values(released_at=None))
        if found.rowcount != len(fresh):
            raise BlobMissing("a blob that is wanted was removed meanwhile; put it again")
        connection.execute(insert(BlobHoldRow), [{"sha256": one, "holder": holder} for one in sorted(fresh)])


def totals(connection: Connection) -> tuple[int, int]:
    """Return how many blobs there are, and their bytes."""
    count, size = connection.execute(select(func.count(), func.sum(BlobRow.size))).one()
    return count, int(size or 0)


def has_garbage(connection: Connection, now: dt.datetime, grace: dt.timedelta = GRACE) -> bool:
    """Whether `collect` would remove a blob."""
    return connection.execute(_released(now - grace, 1)).first() is not None


def _blobs() -> Any:
    return select(BlobRow.sha256, BlobRow.extension, BlobRow.size)


def _is_older(file: os.DirEntry[str], than: dt.datetime) -> bool:
    try:
        return file.stat().st_mtime < than.timestamp()
    except FileNotFoundError:  # it was given its name meanwhile, or went
        return False


def _limit(file: os.DirEntry[str], grace: dt.timedelta) -> dt.timedelta:
    return _STALE if file.name.endswith(_FRESH) else grace


def _released(before: dt.datetime, limit: int, after: str = "") -> Any:
    free = BlobRow.released_at < before, ~exists().where(BlobHoldRow.sha256 == BlobRow.sha256)
    return _blobs().where(*free, BlobRow.sha256 > after).order_by(BlobRow.sha256).limit(limit)


def _add(connection: Connection, blob: Blob, now: dt.datetime) -> None:
    """Write the row of a blob; one that is there begins its time without a holder anew, if it has none."""
    values = {"stored_at": now, "released_at": now}
    query = insert_into(connection, BlobRow).values(**blob._asdict(), **values)
    unheld = {
        "index_elements": [BlobRow.sha256],
        "set_": {"released_at": now},
        "where": BlobRow.released_at.is_not(None),
    }
    connection.execute(query.on_conflict_do_update(**unheld))


def _name(tree: Tree, fresh: bytes, name: bytes, *, whole: bool) -> None:
    """Give a file its name, which says what is in it: one that is there whole stays, a damaged one is replaced."""
    try:
        tree.rename_noreplace(fresh, name)
        return
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.EINVAL, errno.ENOSYS):
            raise
    if whole:
        with suppress(FileNotFoundError):
            tree.unlink(fresh)
    else:
        tree.rename(fresh, name)
