"""What the kernel tells of the inbound tree → a hint that something changed; where it tells nothing, a cheap look."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import marshal
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from loguru import logger

from config.machine import NETWORK_FILESYSTEMS, filesystem_type
from config.reasons import Reason, show_path
from scanner.ignore import JUNK, OWN, built_in

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent

POLL_SECONDS = 60.0
PROMPTLY = 1.0  # seconds for which who begins to listen, or ends it, waits for a disk
_IN_DELETE, _IN_DELETE_SELF = 0x200, 0x400  # inotify(7)
GONE = -1


class Watch:
    """Calls `on_change`, from a thread of its own, when something below `root` may have changed.

    A hint, never the truth: calls may come too often, late, or not at all. What a scan ignores makes none. It begins
    with a look for what changed after `since`, in seconds of the wall clock, while nobody listened. `reason` says, once
    listening, why the kernel's events do not suffice and the folders' times are polled as well; or is None. Nobody
    waits for a disk that hangs, but that thread.
    """

    def __init__(
        self,
        root: bytes,
        on_change: Callable[[], None],
        *,
        since: float,
        poll_seconds: float = POLL_SECONDS,
        patience: float = PROMPTLY,
    ) -> None:
        self.reason: Reason | None = None
        self._root, self._on_change = root, on_change
        self._since: float | None = since
        self._poll_seconds, self._patience = poll_seconds, patience
        self._stopping = threading.Event()
        self._resting = threading.Event()  # unless a disk is asked
        self._telling = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)

    @property
    def is_waiting(self) -> bool:
        """Whether a disk is being asked, and has not answered yet."""
        return not self._resting.is_set()

    def start(self) -> None:
        """Begin to listen. An event queue that overflows is full of hints, so none is lost by it."""
        self._thread.start()
        self._resting.wait(self._patience)

    def stop(self) -> None:
        """End; when this returns, `on_change` is not called any more. Not to be called from `on_change`."""
        with self._telling:
            self._stopping.set()
        self._thread.join(self._patience)

    def _listen(self) -> None:
        while self._listen_here():
            self._since = None  # of what came meanwhile nobody told

    def _listen_here(self) -> bool:
        """Listen until another folder has the name, as of a disk that was mounted anew; return whether one has."""
        with ExitStack() as ends:
            number = ends.enter_context(numbered(self._root))
            first = number()
            self.reason = no_events_on(self._root) or self._start_events(ends) or watches_used_up(self._root)
            if self.reason and not self._stopping.is_set():
                logger.bind(reason=self.reason.message, code=self.reason.code).warning("the inbound folder is polled")
                self._poll()
            else:
                self._hear_news()
            while not self._rest():
                if number() not in (first, GONE):
                    return True
        return False

    def _hear(self) -> None:
        with self._telling:
            if not self._stopping.is_set():
                self._on_change()

    def _start_events(self, ends: ExitStack) -> Reason | None:
        from watchdog import events  # importing it takes longer than a short command
        from watchdog.observers.inotify import InotifyObserver

        class Hints(events.FileSystemEventHandler):
            def on_any_event(_, event: FileSystemEvent) -> None:
                if self._concerns(event.src_path) or self._concerns(event.dest_path):
                    self._hear()

        # Told of a folder that is made while its parent is being added, each time with the paths of all folders.
        warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)
        try:
            observer = InotifyObserver()
            try:
                kinds = [
                    *(events.FileCreatedEvent, events.FileModifiedEvent, events.FileClosedEvent),
                    *(events.FileDeletedEvent, events.FileMovedEvent),
                    *(events.DirCreatedEvent, events.DirDeletedEvent, events.DirMovedEvent),
                ]
                observer.schedule(Hints(), os.fsdecode(self._root), recursive=True, event_filter=kinds)
                observer.start()
            except OSError:
                observer.on_thread_stop()
                raise
        except OSError as error:
            return Reason("watch_unavailable", f"{show_path(self._root)} cannot be watched: {error.strerror}.")
        ends.callback(observer.join)
        ends.callback(observer.stop)
        return None

    def _concerns(self, path: bytes | str) -> bool:
        """Whether a path is one that a scan would look at."""
        below = os.path.relpath(os.fsencode(path), self._root) if path else b"."
        return below != b"." and not any(built_in(part, False) in (OWN, JUNK) for part in below.split(b"/"))

    def _hear_news(self) -> None:
        if self._since is None or any(changed > self._since for changed in self._times_of_change()):
            self._hear()

    def _times_of_change(self) -> Iterator[float]:
        """Yield when all below the root was changed or put there; not the root, in which our own trials come and go."""
        folders = [self._root]
        for folder in folders:  # grows while it is walked
            with suppress(OSError), os.scandir(folder) as listing:
                for entry in listing:
                    if self._stopping.is_set():
                        return
                    if built_in(entry.name, False) in (OWN, JUNK):
                        continue
                    with suppress(OSError):  # gone meanwhile, or nobody can say anything of it
                        yield entry.stat(follow_symlinks=False).st_ctime
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)

    def _poll(self) -> None:
        folders = list_folders(self._root)
        before = folder_times(folders)
        self._hear_news()
        while not self._rest():
            if folder_times(folders) != before:
                folders = list_folders(self._root)
                before = folder_times(folders)
                self._hear()

    def _rest(self) -> bool:
        """Wait until it is time to look again; return whether to stop instead."""
        self._resting.set()
        if self._stopping.wait(self._poll_seconds):
            return True
        self._resting.clear()
        return False


def list_folders(root: bytes) -> list[bytes]:
    """Return every folder below `root`, itself included, without following links."""
    found = [root]
    for path in found:  # grows while it is walked
        try:
            with os.scandir(path) as listing:
                found += [entry.path for entry in listing if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue  # gone, or closed to us; a scan tells which
    return found


def folder_times(folders: Iterable[bytes]) -> bytes:
    """Return a digest that differs when an entry was added to, removed from or renamed in one of the folders.

    One stat a folder. It does not see a file that grows or is edited in place; a scan does.
    """
    return hashlib.blake2b(marshal.dumps([_mtime_ns(path) for path in folders], 2), digest_size=16).digest()


def _mtime_ns(path: bytes) -> int | None:
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return None


def no_events_on(root: bytes) -> Reason | None:
    """Say so if a folder is on a filesystem that others change without this kernel noticing."""
    try:
        name = NETWORK_FILESYSTEMS.get(filesystem_type(root))
    except OSError:
        return None  # not there: watching it fails with a better reason
    return Reason("watch_remote", f"On {name} the kernel does not see what other computers change.") if name else None


@contextmanager
def numbered(root: bytes) -> Iterator[Callable[[], int]]:
    """Yield what numbers the folder that is there at the moment, or says that it is GONE.

    The kernel gives a folder it watches already the number it has. Nothing else tells a disk that was mounted anew.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(os.O_CLOEXEC)
    try:
        yield lambda: libc.inotify_add_watch(queue, root, _IN_DELETE_SELF)
    finally:
        if queue >= 0:
            os.close(queue)


def watches_used_up(root: bytes) -> Reason | None:
    """Try one watch more: the library says nothing of folders below the root that it could not watch."""
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(os.O_CLOEXEC)
    if queue < 0:
        return None
    try:
        added = libc.inotify_add_watch(queue, root, _IN_DELETE)
        number = ctypes.get_errno()
    finally:
        os.close(queue)
    if added >= 0 or number != errno.ENOSPC:
        return None
    return Reason("watch_limit", "The limit fs.inotify.max_user_watches is used up; raise it to hear of all folders.")
