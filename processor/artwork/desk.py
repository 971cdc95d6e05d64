"""Candidates → their bytes in files of one pass, and rows of what they turned out to be or why they cannot be had."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

from config.database import Database
from config.errors import GreenroomError, LeaseLost, Rejected, Retryable
from config.reasons import sentence
from processor.artwork import previews, rows
from processor.artwork.blobs import Blobs
from processor.artwork.likeness import ALGORITHM
from processor.artwork.offer import Offer
from processor.artwork.pool import PicturePool
from processor.artwork.readers import DEADLY
from processor.artwork.rows import GAVE_UP, REST, Candidate, Known
from processor.artwork.source import Refused, check_bytes, read_plain
from processor.artwork.wire import Made, Seen, Task
from processor.filesystem.system_errors import explained

# An offer, and whether its small version will do → the bytes. Raises Retryable, and Rejected for what will never come.
Fetch = Callable[[Offer, bool], bytes]
AT_ONCE: Final = 4  # downloads of one pass; the client lets each provider be asked in its turn
STRIKES: Final = 3
WORK: Final = ".work-"  # beginning of the name of a pass's folder
_TOO_LARGE: Final = frozenset({"picture_too_large", "too_large"})
_PASSING: Final = frozenset({"io_error", "vanished"})  # said of a place, and not of what is there
_GIVEN_UP: Final = (GAVE_UP, f"Looking at it ended {STRIKES} processes, so it is tried again once a day at most.")


@dataclass(frozen=True, slots=True)
class Gallery:
    """Where pictures are kept and who looks at them."""

    database: Database
    data_dir: Path
    pool: PicturePool

    @property
    def blobs(self) -> Blobs:
        """The cache."""
        return Blobs(self.database, self.data_dir)


class Desk:
    """What one pass has at hand. `tried` has the candidates it looked at."""

    def __init__(self, gallery: Gallery, folder: Path, fetch: Fetch, now: dt.datetime, *, force: bool) -> None:
        self._gallery, self._folder, self._fetch, self._now, self._force = gallery, folder, fetch, now, force
        self.files: dict[str, Path] = {}  # by content
        self.tried: set[int] = set()
        self.restored: set[str] = set()  # blobs the cache had lost
        self._small: set[int] = set()  # candidates that are had in their small version, for the picture is too large
        self._looks: dict[str, Future[Any]] = {}  # by content
        self._previews: dict[str, Future[Any]] = {}  # by content
        self._lock = threading.Lock()

    def look(self, candidates: Iterable[Candidate], check: Callable[[], None]) -> None:
        """Get candidates, several at once, and look at each while others are on their way.

        One that is too large is had in its small version, if there is one: a scan of a record sleeve, say, of which
        an archive has a picture of 1200 pixels, too. Raises what `check` raises, when those on their way have come.
        """
        wanted = list(candidates)
        self._look(wanted, check)
        self._look([one for one in wanted if one.id in self._small], check)

    def _look(self, wanted: Sequence[Candidate], check: Callable[[], None]) -> None:
        waiting: list[tuple[Candidate, str, Future[Any] | None]] = []

        def get(one: Candidate) -> str | None:
            check()
            return self._get(one)

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="picture") as threads:
            self.tried.update(one.id for one in wanted)
            for one, content in zip(wanted, threads.map(get, wanted), strict=True):
                if content is not None:
                    waiting.append((one, content, self._asked(content)))
        for one, content, future in waiting:
            check()
            self._note(one, content, self._known(content) if future is None else _outcome(future))
        self._keep_previews()

    def glance(self, one: Candidate) -> Seen | None:
        """Return what the small version of a picture is; None if it cannot be had, or is no picture."""
        try:
            content = self._put(self._fetch(one.offer, True))
            seen: Seen = self._gallery.pool.ask(Task("look", os.fsencode(self.files[content])))
        except LeaseLost:
            raise
        except (Rejected, Retryable, Refused):
            return None
        return seen

    def given(self, data: bytes) -> tuple[Seen, Made]:
        """Look at a picture a person gives; return it with what players are given. Raises Rejected."""
        try:
            content = self._put(data)
        except Refused as refused:
            raise Rejected(refused.message, code=refused.code) from None
        seen: Seen = self._gallery.pool.ask(Task("look", os.fsencode(self.files[content])))
        self._remember(seen)
        self._keep_previews()
        return seen, self.made(content)

    def made(self, content: str) -> Made:
        """Return what players are given of a picture that is at hand. Raises Rejected."""
        made: Made = self._gallery.pool.ask(Task("plain", os.fsencode(self.files[content])))
        return made

    def _get(self, one: Candidate) -> str | None:
        """Put a candidate's bytes on the desk and return their BLAKE3; None if they cannot be had, which is noted."""
        try:
            return self._put(self._bytes(one))
        except LeaseLost:
            raise
        except (Rejected, Retryable, Refused) as error:
            reason = _reason(error)
            self._fail(one, reason, is_owed=isinstance(error, Retryable) or reason[0] in DEADLY | _PASSING)
            return None

    def _put(self, data: bytes) -> str:
        """Put bytes on the desk, return their BLAKE3. Raises Refused for too many or none, Retryable on a full disk."""
        check_bytes(len(data))
        content = blake3(data).hexdigest()
        with self._lock:  # nobody may read what another thread is still writing
            if content not in self.files:
                with explained("keep a picture in", os.fsencode(self._folder)):
                    (self._folder / content).write_bytes(data)
                self.files[content] = self._folder / content
        return content

    def _bytes(self, one: Candidate) -> bytes:
        local = one.offer.local
        if local is None:
            return self._fetch(one.offer, one.id in self._small)
        if local.embedded is None:
            return read_plain(local.path)
        made: Made = self._gallery.pool.ask(Task("take", local.path, which=local.embedded))
        return made.data

    def _asked(self, content: str) -> Future[Any] | None:
        """Have a content looked at, unless what is known of it is to stand."""
        found = self._known(content)
        if found and self._stands(found):
            return None
        if content not in self._looks:
            self._looks[content] = self._gallery.pool.submit(Task("look", os.fsencode(self.files[content])))
        return self._looks[content]

    def _stands(self, found: Known) -> bool:
        """Tell whether a look would say nothing new, or was too much for too many processes a short while ago."""
        if found.seen:
            return found.seen.algorithm == ALGORITHM
        if self._force:
            return False
        return not found.strikes or (found.strikes >= STRIKES and found.looked_at > self._now - REST)

    def _known(self, content: str) -> Known | None:
        with self._gallery.database.read() as connection:
            return rows.known(connection, [content]).get(content)

    def _note(self, one: Candidate, content: str, found: Seen | Known | GreenroomError | None) -> None:
        """Write what was seen of a candidate."""
        if isinstance(found, GreenroomError):
            self._refuse(one, content, found)
            return
        if isinstance(found, Seen):
            self._remember(found)
        if isinstance(found, Seen) or (found and found.seen):
            with self._gallery.database.begin() as connection:
                rows.looked(connection, one.id, content, self._now)
        elif found:
            given = _GIVEN_UP if found.strikes else (found.code or "", found.message or "")
            self._fail(one, given, is_owed=False)

    def _refuse(self, one: Candidate, content: str, error: GreenroomError) -> None:
        code, message = _reason(error)
        if isinstance(error, Retryable) or code in _PASSING:
            self._fail(one, (code, message), is_owed=True)
            return
        before, is_deadly = self._known(content), code in DEADLY  # said of the picture, so it is remembered
        strikes = (before.strikes if before else 0) + is_deadly
        with self._gallery.database.begin() as connection:
            rows.remember(connection, content, Known(None, code, message, strikes, self._now))
        is_over = is_deadly and strikes > STRIKES
        self._fail(one, _GIVEN_UP if is_over else (code, message), is_owed=is_deadly and not is_over)

    def _remember(self, seen: Seen) -> None:
        """Write what was seen, and have its preview made meanwhile."""
        if previews.read(self._gallery.data_dir, seen.content) is None:
            task = Task("preview", os.fsencode(self.files[seen.content]), side=previews.SIDE)
            self._previews[seen.content] = self._gallery.pool.submit(task)
        with self._gallery.database.begin() as connection:
            rows.remember(connection, seen.content, Known(seen, None, None, 0, self._now))

    def _keep_previews(self) -> None:
        """Keep what was made; a picture of which none could be made is known without."""
        while self._previews:
            content, future = self._previews.popitem()
            if isinstance(made := _outcome(future), Made):
                previews.keep(self._gallery.data_dir, content, made.data)

    def _fail(self, one: Candidate, reason: tuple[str, str], *, is_owed: bool) -> None:
        if one.offer.preview and reason[0] in _TOO_LARGE:
            self._small.add(one.id)
        with self._gallery.database.begin() as connection:
            rows.failed(connection, one.id, reason, self._now, is_owed=is_owed)


@contextmanager
def desk(gallery: Gallery, fetch: Fetch, now: dt.datetime, *, force: bool = False) -> Iterator[Desk]:
    """A desk with a folder of its own, gone with it. Raises the errors of processor.filesystem.system_errors."""
    with explained("make a folder in", os.fsencode(gallery.blobs.folder)):
        gallery.blobs.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        own = tempfile.TemporaryDirectory(prefix=WORK, dir=gallery.blobs.folder)
    with own as folder:
        yield Desk(gallery, Path(folder), fetch, now, force=force)


def sweep(gallery: Gallery, before: float) -> None:
    """Remove the folders that killed passes left; `before` is in seconds since 1970."""
    for left in gallery.blobs.folder.glob(f"{WORK}*"):
        with suppress(FileNotFoundError):  # its pass ended meanwhile
            if left.stat().st_mtime < before:
                shutil.rmtree(left, ignore_errors=True)


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except (Rejected, Retryable) as error:
        return error


def _reason(error: GreenroomError | Refused) -> tuple[str, str]:
    if isinstance(error, Refused):
        return error.code, error.message
    return error.reason_code, sentence(error.message)
