"""An open application → the running daemon: one per data folder, told by signals, reporting to systemd."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from loguru import logger

from config.answering import GLANCE
from config.boot import BootSettings, read_boot_settings
from config.database import Database
from config.errors import GreenroomError, SchemaChanged
from config.libraries import verify_root
from config.logs import RUNNING_LEVEL, log_threads, setup_logs
from config.machine import boottime, share_heaps, utc_now
from config.task import Task
from daemon import scheduler, secrecy, systemd
from daemon.beats import Beats
from daemon.bootstrap import Application
from daemon.hanging import GIVEN_UP_AFTER, Hanging, roots
from daemon.sole import sole_daemon
from daemon.worker import Carrying
from scanner.watch import Watch

if TYPE_CHECKING:
    from daemon.web.server import WebServer

LATE_BEATS = 3  # after so many intervals without a beat one is asked for: the clock was set back
GIVEN_UP = "a disk does not answer and is waited for no longer; the next start settles what was begun"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(app: Application) -> int:
    """Run until SIGTERM or SIGINT; return the exit code.

    The cycle at hand gives up a copy, finishes any other file step and ends cleanly; more signals of the kind change
    nothing. Where a disk hangs in that step it is given up after a while (1), and the caller has to end the process
    whatever its threads do.
    SIGHUP reads the log level and the settings again, at once. When another Greenroom has migrated the database it ends
    (1), for a restart is the way on. Raises Busy when a daemon already works on this data folder.
    """
    share_heaps()
    log_threads()
    stop = threading.Event()
    every = min(scheduler.HEARTBEAT_SECONDS, (systemd.watchdog_seconds() or 3600) / 2)
    with sole_daemon(app.boot.data_dir), _signals() as signals, contextlib.ExitStack() as page:
        serve_page = _Page(app, page)
        serve_page()
        _check_at_start(app)
        secrecy.seal_at_start(app.database)
        carrying = Carrying(app)
        hanging = Hanging()

        def silent(busy: bool) -> list[str]:
            return hanging.look(roots(app.database), busy=busy or carrying.is_busy or bool(app.ongoing.stages()))

        def watch(root: bytes, hear: Callable[[], None]) -> Watch:
            return Watch(root, hear, since=(app.last_look() or utc_now()).timestamp())

        heartbeat = scheduler.Heartbeat(
            app, stop, clock=utc_now, monotonic=boottime, watch=watch, carry=carrying.look, silent=silent
        )
        app.hint = heartbeat.hint
        beat = _Reporting(heartbeat, app.database, serve_page)
        beats: Beats | None = None
        try:
            beat()
            systemd.notify(systemd.READY)
            logger.bind(data_dir=str(app.boot.data_dir)).info("daemon started")
            beats = Beats(beat, every)
            while not beat.outdated and (caught := _next(signals, every)) not in (signal.SIGTERM, signal.SIGINT):
                if caught == signal.SIGHUP:
                    _reload(app.boot, heartbeat, beat)
                elif boottime() - heartbeat.beaten > LATE_BEATS * every:
                    beats.now()
        finally:
            _announce_the_end(beat.outdated)
            stop.set()
            app.ongoing.stop()
            if beats is not None:
                beats.stop()
            heartbeat.stop_listening()
            ends = boottime() + GIVEN_UP_AFTER
            carrying.stop()
            is_over = _settle(lambda: heartbeat.is_idle(every) and app.ongoing.is_idle(every), silent, ends)
    logger.info("daemon stopped")
    return 0 if is_over and not beat.outdated else 1


def _announce_the_end(outdated: str) -> None:
    if outdated:
        logger.bind(error=outdated).error("the schema of the database was changed")
    systemd.notify(systemd.STOPPING, systemd.status("stopping: the file step at hand is being finished"))
    logger.info("daemon stopping")


def _settle(is_idle: Callable[[], bool], silent: Callable[[bool], list[str]], ends: float) -> bool:
    """Wait for what is being done; return False if a disk that hangs still keeps it from ending at that boottime."""
    while not is_idle():
        systemd.notify(systemd.ALIVE)
        if _is_silent(silent) and boottime() > ends:
            logger.error("a disk does not answer and is waited for no longer")
            systemd.notify(systemd.status(GIVEN_UP))
            return False
    return True


def _is_silent(silent: Callable[[bool], list[str]]) -> bool:
    with contextlib.suppress(GreenroomError):  # the database is away, too
        return bool(silent(True))
    return False


@contextlib.contextmanager
def _signals() -> Iterator[queue.SimpleQueue[int]]:
    """Queue the signals meant for us; handlers do nothing else, because they may run between any two steps.

    SimpleQueue.put is made to be called from a handler; Event.set could wait for a lock its own thread holds.
    """
    received: queue.SimpleQueue[int] = queue.SimpleQueue()
    before = {number: signal.signal(number, lambda caught, _frame: received.put(caught)) for number in SIGNALS}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Page:
    """Serves the page until the stack ends. Albums are staged also where it cannot be served.

    What is in the way may go: an address comes after us at a boot, is another's for a while, the database is full. So
    it is tried at each beat until it is served; in a thread of its own, for name servers that do not answer keep who
    asks for the address of a name for minutes.
    """

    def __init__(self, app: Application, stack: contextlib.ExitStack) -> None:
        self._app, self._stack = app, stack
        self._address = app.boot.web_address  # None once nothing is to be done
        self._coming: Task[WebServer] | None = None
        self._told = ""

    def __call__(self) -> None:
        if self._address is None:
            return
        patience = 0.0 if self._coming else GLANCE
        self._coming = self._coming or Task(partial(_web_server, self._app, self._address))
        if not self._coming.over.wait(patience):
            if not self._told:
                self._tell(f"{self._address[0]} is still being looked up, or the database waited for")
            return
        came, self._coming = self._coming, None
        try:
            self._stack.enter_context(came.result())
        except GreenroomError as error:
            self._tell(error.message)
        else:
            self._address = None

    def _tell(self, error: str) -> None:
        if error != self._told:
            self._told = error
            logger.bind(error=error).error("there is no page; it is tried again")


def _web_server(app: Application, address: tuple[str, int]) -> WebServer:
    from daemon.web.server import WebServer

    return WebServer(app, address)


class _Reporting:
    """Beats, and tells systemd: the state when it changed, and that we live.

    A beat asks the database, so one that hangs there is not reported and systemd restarts us. A database that refuses
    is another matter: a restart would not bring it back.
    """

    def __init__(self, heartbeat: scheduler.Heartbeat, database: Database, serve_page: Callable[[], None]) -> None:
        self._heartbeat, self._database, self._serve_page = heartbeat, database, serve_page
        self._told = ""
        self.outdated = ""  # why this process must not go on: the schema is another program's

    def __call__(self) -> None:
        try:
            self._database.check()
        except SchemaChanged as error:
            self.outdated = error.message
            return
        except GreenroomError:
            pass  # the database is away, or damaged, which the heartbeat says
        self._heartbeat.beat()
        self._serve_page()
        news = [systemd.ALIVE]
        if self._heartbeat.state != self._told:
            self._told = self._heartbeat.state
            news.append(systemd.status(self._told))
        systemd.notify(*news)


def _next(signals: queue.SimpleQueue[int], seconds: float) -> int | None:
    with contextlib.suppress(queue.Empty):
        return signals.get(timeout=seconds)
    return None


def _reload(boot: BootSettings, heartbeat: scheduler.Heartbeat, beat: Callable[[], None]) -> None:
    systemd.notify(systemd.reloading())
    _read_log_settings_again(boot)
    heartbeat.stop_listening()
    beat()
    systemd.notify(systemd.READY)
    logger.info("settings read again")


def _read_log_settings_again(before: BootSettings) -> None:
    """Log as the boot settings say now, of which nothing else is obeyed; the secrets in use are those of before."""
    try:
        boot = read_boot_settings()
    except GreenroomError as error:
        logger.bind(error=error.message).error("the boot settings cannot be read; the old ones stay")
    else:
        setup_logs(boot.log_level or RUNNING_LEVEL, boot.log_format, [*before.secrets, *boot.secrets])


def _check_at_start(app: Application) -> None:
    """Say what will keep cycles from running, before the first of them fails; reads only."""
    try:
        settings, problems = app.staging_settings()
        if not settings.enabled and not problems:  # which the first beat tells
            logger.warning("nothing will run: greenroom settings set staging_scan.enabled true")
        library = app.inbound()
        if library is None:
            logger.warning("no inbound library: greenroom libraries add inbound PATH")
        else:
            verify_root(library, GLANCE)
    except GreenroomError as error:
        logger.bind(error=error.message).warning("cycles will fail until this is put right")
