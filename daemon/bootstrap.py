"""Boot settings → the open application: the only place where objects are built and joined."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from config import admin, libraries, schema, settings, starting
from config.boot import BootSettings
from config.database import Database
from config.errors import Misconfigured
from config.libraries import Library
from config.logs import RESULT_LEVEL
from config.machine import keep_imported, uncollected
from config.reasons import Reason
from config.sections import StagingScan
from daemon import migrating
from daemon.actions.acts import Acts
from daemon.actions.adopting import Looks
from daemon.actions.ongoing import Ongoing, Stage
from daemon.disks import Disks
from processor.filesystem.system_errors import unexpected
from scanner.options import Progress, ScanStats, silent
from workflow import runs

# Each verb imports what it alone needs: most commands are one verb, and start the quicker for it.
if TYPE_CHECKING:
    from processor.client.client import Client
    from workflow.engine.engine import Engine
    from workflow.report import CycleReport
    from workflow.request import Request

# What declares sections of settings; a command may ask for one before it opens the application.
settings.registered_by(
    "workflow.phase:all_phases",
    "workflow.phase:all_chores",
    "processor.providers.registry:all_providers",
)


class Application:
    """What every command and the daemon work with: the boot settings, the database, and the verbs bound to both."""

    def __init__(self, boot: BootSettings, database: Database) -> None:
        self.boot = boot
        self.database = database
        self.vault = boot.vault()  # what the database encrypts secrets with
        self.ongoing = Ongoing()
        self.disks: Disks[Any] = Disks()  # what was seen of libraries; pages ask it
        self.typed: Disks[Any] = Disks()  # and of paths somebody typed, which must not keep those from being looked at
        self.acts = Acts(self.ongoing)
        self.looks = Looks(database, boot.data_dir, self.ongoing)
        self.hint: Callable[[], None] | None = None  # asks the daemon of this process for an earlier cycle

    def staging_settings(self) -> tuple[StagingScan, list[str]]:
        """Read the settings of the staging cycle now; with what could not be read."""
        with self.database.read() as connection:
            return admin.staging_scan(connection)

    def may_move(self) -> None:
        """Return if files may be moved. Raises Misconfigured while settings allow nothing but dry runs."""
        if self.staging_settings()[0].dry_run:
            message = "staging_scan.dry_run is on, so nothing may be moved; switch it off first"
            raise Misconfigured(message, code="dry_run")

    def inbound(self) -> Library | None:
        """Return the inbound library, or None while there is not exactly one."""
        with self.database.read() as connection:
            found = libraries.music_libraries(connection, "inbound")
        return found[0] if len(found) == 1 else None

    def last_fire(self) -> tuple[dt.datetime, str] | None:
        """Return the fire time of the newest scheduled run, and the schedule it belonged to."""
        with self.database.read() as connection:
            newest = runs.recent(connection, limit=1, trigger="schedule")
        if not newest or newest[0]["fire_time"] is None:
            return None
        return newest[0]["fire_time"], str(newest[0]["settings"].get("schedule", ""))

    def last_look(self) -> dt.datetime | None:
        """Return when the last cycle that was done, dry or not as the settings have it, began; None if none ever was.

        One that ended in the future, as the clock was set back since, says nothing of what came after it; where all did
        it is a time before everything.
        """
        dry_run = self.staging_settings()[0].dry_run
        with self.database.read() as connection:
            return runs.last_look(connection, dt.datetime.now(dt.UTC), dry_run=dry_run)

    def run_cycle(
        self,
        *,
        trigger: str,
        stop: threading.Event,
        fire_time: dt.datetime | None = None,
        request: Request | None = None,
        progress: Progress = silent,
    ) -> CycleReport:
        """Run one staging cycle, and let others see how far it is; see workflow.cycle.run_staging_cycle."""
        from workflow import cycle
        from workflow.request import Request

        request = request or Request()
        run_id = request.run_id or runs.new_run_id(dt.datetime.now(dt.UTC))
        with self.ongoing.following(Stage(run_id), progress) as told:
            return cycle.run_staging_cycle(
                self.database,
                self.boot.data_dir,
                trigger=trigger,
                fire_time=fire_time,
                stop=stop,
                request=replace(request, run_id=run_id),
                progress=told,
            )

    def record_skip(self, fire_time: dt.datetime, why: Reason) -> None:
        """Record a fire time of the schedule at which no cycle could begin."""
        from workflow import record

        settings, _ = self.staging_settings()
        record.record_skip(self.database, settings, fire_time, why)

    def scan(self, *, stop: threading.Event, settle: bool, progress: Progress) -> tuple[Path, ScanStats]:
        """Scan the inbound library, and do nothing else; return the scan DB and what was found."""
        from scanner.scan import scan_into
        from scanner.scanfiles import prune
        from workflow import cycle
        from workflow.roots import resolve_roots, scan_db_folder
        from workflow.stopping import StopOrTimeout

        settings, _ = self.staging_settings()
        roots = resolve_roots(self.database)
        folder = scan_db_folder(self.database, settings, self.boot.data_dir)
        until = StopOrTimeout(stop, settings.timeout_minutes)
        options = cycle.scan_options(self.database, roots.inbound, settings, settle=settle)
        made = scan_into(folder, roots.inbound.path, options, until, progress)
        prune(folder, roots.inbound.path, settings.keep_scan_dbs)
        return made

    def newest_scan_db(self) -> Path:
        """Return the newest scan of the inbound library. Raises Misconfigured when there is none."""
        from scanner.scanfiles import newest
        from workflow.roots import resolve_roots, scan_db_folder

        settings, _ = self.staging_settings()
        inbound = resolve_roots(self.database).inbound
        found = newest(scan_db_folder(self.database, settings, self.boot.data_dir), inbound.path)
        if found is None:
            raise Misconfigured("there is no scan yet; make one with `greenroom scan`")
        return found

    @property
    def engine(self) -> Engine:
        """What may be asked of jobs."""
        from workflow import succession
        from workflow.engine.engine import Engine

        return Engine(self.database, succession.works())

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Ask other machines for a person who waits: in turn with all workers, as they do."""
        from processor.client.client import Client  # its libraries are needed by few commands

        with Client(self.database) as client:
            yield client


@contextlib.contextmanager
def application(*, log_level: str = RESULT_LEVEL, migrate: bool = True, warn: bool = True) -> Iterator[Application]:
    """Open the installation that GREENROOM_DATA_DIR and GREENROOM_DATABASE_URL select; bring its schema up to date.

    `log_level` holds where the boot settings say none; `warn` is that of `starting.set_up`.

    Raises Misconfigured or Retryable when it cannot be opened; what the system refuses inside becomes such an error.
    """
    boot = starting.set_up(log_level, warn=warn)
    with uncollected():  # which loads much
        if log_level != RESULT_LEVEL:  # what runs for long has all in place before it begins
            settings.register_all()
        database = Database(boot.url, on_network=boot.sqlite_on_network, vault=boot.vault())
    keep_imported()
    try:
        told = migrating.tell_aloud if log_level == RESULT_LEVEL else migrating.tell
        if migrate and len(set(schema.migrate(database, told=told))) > 1:
            from daemon import secrecy  # which looks at all that holds secrets

            secrecy.seal_at_start(database)
        yield Application(boot, database)
    except BrokenPipeError:
        raise  # whoever reads our output has had enough of it
    except OSError as error:
        logger.opt(exception=True).debug("the system refused something")
        raise unexpected(error) from error
    finally:
        database.close()
