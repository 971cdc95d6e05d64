"""An open application → the running daemon: one per data folder, told by signals, reporting to systemd."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator

from loguru import logger

from config.answering import GLANCE
from config.boot import BootSettings, read_boot_settings
from config.database import Database
from config.errors import GreenroomError, SchemaChanged
from config.libraries import verify_root
from config.logs import RUNNING_LEVEL, log_threads, setup_logs
from config.machine import boottime, share_heaps, utc_now
from daemon import scheduler, secrecy, systemd
from daemon.beats import Beats
from daemon.bootstrap import Application
from daemon.hanging import GIVEN_UP_AFTER, Hanging, roots
from daemon.page import Page
from daemon.sole import sole_daemon
from daemon.worker import Carrying
from scanner.watch import Watch

LATE_BEATS = 3  # after so many intervals without a beat one is asked for: the clock was set back
GIVEN_UP = "a disk does not answer and is waited for no longer; the next start settles what was begun"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(app: Application) -> int:
    """Run until SIGTERM or SIGINT; return the exit code.

    The cycle at hand gives up a file it copies or reads, finishes any other step and ends cleanly; more signals of the
    kind change nothing. Where a disk hangs in that step it is given up after a while (1), and the caller has to end the
    process whatever its threads do.
    SIGHUP reads the log level and the settings again, at once. When another Greenroom has migrated the database it ends
    (1), for a restart is the way on. Raises Busy when a daemon already works on this data folder.
    """
    share_heaps()
    log_threads()
    with sole_daemon(app.boot.data_dir) as say, _signals() as signals, contextlib.ExitStack() as page:
        serve_page = Page(app, page)
        serve_page()
        _check_at_start(app)
        secrecy.seal_at_start(app.database)
        work = _Work(app, serve_page, say)
        try:
            work.go_on(signals)
        finally:
            is_over = work.end()
    logger.info("daemon stopped")
    return 0 if is_over and not work.beat.outdated else 1


class _Work:
    """What the daemon does between its start and its end: it beats, hears of changes and carries jobs."""

    def __init__(self, app: Application, serve_page: Callable[[], None], say: Callable[[str], None]) -> None:
        self._app = app
        self._every = min(scheduler.HEARTBEAT_SECONDS, (systemd.watchdog_seconds() or 3600) / 2)
        self._stop = threading.Event()
        self._carrying = Carrying(app)
        self._hanging = Hanging()
        self._heartbeat = scheduler.Heartbeat(
            app,
            self._stop,
            clock=utc_now,
            monotonic=boottime,
            watch=self._watch,
            carry=self._carrying.look,
            silent=self._silent,
        )
        app.hint = self._heartbeat.hint
        self.beat = _Reporting(self._heartbeat, app.database, serve_page, say)
        self._beats: Beats | None = None

    def _watch(self, root: bytes, hear: Callable[[], None]) -> Watch:
        return Watch(root, hear, since=(self._app.last_look() or utc_now()).timestamp())

    def _silent(self, busy: bool) -> list[str]:
        busy = busy or self._carrying.is_busy or bool(self._app.ongoing.stages())
        return self._hanging.look(roots(self._app.database), busy=busy)

    def go_on(self, signals: queue.SimpleQueue[int]) -> None:
        """Beat until a signal asks for the end, or the schema is another program's."""
        self.beat()
        systemd.notify(systemd.READY)
        logger.bind(data_dir=str(self._app.boot.data_dir)).info("daemon started")
        self._beats = Beats(self.beat, self._every)
        while not self.beat.outdated and (caught := _next(signals, self._every)) not in (signal.SIGTERM, signal.SIGINT):
            if caught == signal.SIGHUP:
                _reload(self._app.boot, self._heartbeat, self.beat)
            elif boottime() - self._heartbeat.beaten > LATE_BEATS * self._every:
                self._beats.now()

    def end(self) -> bool:
        """Ask all that is being done to stop, and wait; return False where a disk that hangs keeps it from ending."""
        _announce_the_end(self.beat.outdated)
        self._stop.set()
        self._app.ongoing.stop()
        if self._beats is not None:
            self._beats.stop()
        self._heartbeat.stop_listening()
        ends = boottime() + GIVEN_UP_AFTER
        self._carrying.stop()
        while not (self._heartbeat.is_idle(self._every) and self._app.ongoing.is_idle(self._every)):
            systemd.notify(systemd.ALIVE)
            if self._is_silent() and boottime() > ends:
                logger.error("a disk does not answer and is waited for no longer")
                systemd.notify(systemd.status(GIVEN_UP))
                return False
        return True

    def _is_silent(self) -> bool:
        with contextlib.suppress(GreenroomError):  # the database is away, too
            return bool(self._silent(True))
        return False


def _announce_the_end(outdated: str) -> None:
    if outdated:
        logger.bind(error=outdated).error("the schema of the database was changed")
    systemd.notify(systemd.STOPPING, systemd.status("stopping: the file step at hand is being finished"))
    logger.info("daemon stopping")


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


class _Reporting:
    """Beats, and tells systemd: the state when it changed, and that we live. What fails is said in the data folder.

    A beat asks the database, so one that hangs there is not reported and systemd restarts us. A database that refuses
    is another matter: a restart would not bring it back.
    """

    def __init__(
        self,
        heartbeat: scheduler.Heartbeat,
        database: Database,
        serve_page: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._heartbeat, self._database, self._serve_page, self._say = heartbeat, database, serve_page, say
        self._told = self._said = ""
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
        if self._heartbeat.trouble != self._said:
            self._said = self._heartbeat.trouble
            with contextlib.suppress(OSError):  # of a data folder that is full, too
                self._say(self._said)
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
