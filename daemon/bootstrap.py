"""Boot settings → the open application: the only place where objects are built and joined."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from config import accounts, activity, admin, libraries, schema
from config.boot import BootSettings, load_boot_settings
from config.database import Database
from config.errors import Misconfigured
from config.lease import holder
from config.libraries import Library
from config.logs import RESULT_LEVEL, setup_logs
from config.reasons import Reason
from config.sections import StagingScan
from daemon import secrecy
from daemon.acts import Acts
from daemon.adopting import Looks
from daemon.disks import Disks
from daemon.ongoing import Ongoing, Stage
from processor.providers.registry import all_providers
from processor.system_errors import unexpected
from scanner.options import Progress, ScanStats, silent
from workflow import runs
from workflow.phase import all_phases

# Each verb imports what it alone needs: most commands are one verb, and start the quicker for it.
if TYPE_CHECKING:
    from processor.client.client import Client
    from processor.fsck.fsck import FsckReport
    from processor.fsck.rows import Row
    from processor.recover import RecoveryReport
    from workflow import cycle, enriching, succession
    from workflow.emptying import Emptied
    from workflow.engine.engine import Engine
    from workflow.engine.job import Job
    from workflow.report import CycleReport
    from workflow.undo import UndoReport


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
            raise Misconfigured("staging_scan.dry_run is on, so nothing may be moved; switch it off first")

    def inbound(self) -> Library | None:
        """Return the inbound library, or None while there is not exactly one."""
        with self.database.read() as connection:
            found = [
                lib for lib in libraries.list_libraries(connection) if (lib.role, lib.kind) == ("inbound", "music")
            ]
        return found[0] if len(found) == 1 else None

    def last_fire(self) -> tuple[dt.datetime, str] | None:
        """Return the fire time of the newest scheduled run, and the schedule it belonged to."""
        with self.database.read() as connection:
            newest = runs.recent(connection, limit=1, trigger="schedule")
        if not newest or newest[0]["fire_time"] is None:
            return None
        return newest[0]["fire_time"], str(newest[0]["settings"].get("schedule", ""))

    def run_cycle(
        self,
        *,
        trigger: str,
        fire_time: dt.datetime | None,
        stop: threading.Event,
        request: cycle.Request | None = None,
        progress: Progress = silent,
    ) -> CycleReport:
        """Run one staging cycle, and let others see how far it is; see workflow.cycle.run_staging_cycle."""
        from workflow import cycle

        request = request or cycle.Request()
        run_id = request.run_id or runs.new_run_id(dt.datetime.now(dt.UTC))
        with self.ongoing.following(Stage(run_id, trigger, request.dry_run), progress) as told:
            return cycle.run_staging_cycle(
                self.database,
                self.boot.data_dir,
                trigger=trigger,
                fire_time=fire_time,
                stop=stop,
                request=replace(request, run_id=run_id),
                progress=told,
            )

    def record_skip(self, *, trigger: str, fire_time: dt.datetime | None, why: Reason) -> None:
        """Record a fire time at which no cycle could begin."""
        from workflow import record

        settings, _ = self.staging_settings()
        record.record_skip(self.database, settings, trigger=trigger, fire_time=fire_time, why=why)

    def scan(self, *, stop: threading.Event, settle: bool, progress: Progress) -> tuple[Path, ScanStats]:
        """Scan the inbound library, and do nothing else; return the scan DB and what was found."""
        from workflow import cycle

        settings, _ = self.staging_settings()
        roots = cycle.resolve_roots(self.database)
        folder = cycle.scan_db_folder(self.database, settings, self.boot.data_dir)
        until = cycle.StopOrTimeout(stop, settings.timeout_minutes)
        return cycle.scan(self.database, roots.inbound, settings, folder, until, settle, progress)

    def newest_scan_db(self) -> Path:
        """Return the newest scan of the inbound library. Raises Misconfigured when there is none."""
        from scanner.scanfiles import newest
        from workflow import cycle

        settings, _ = self.staging_settings()
        inbound = cycle.resolve_roots(self.database).inbound
        found = newest(cycle.scan_db_folder(self.database, settings, self.boot.data_dir), inbound.path)
        if found is None:
            raise Misconfigured("there is no scan yet; make one with `greenroom scan`")
        return found

    def recover(self, *, stop: threading.Event) -> RecoveryReport:
        """Settle unfinished transfers; see workflow.cycle.recover."""
        from workflow import cycle

        return cycle.recover(self.database, self.boot.data_dir, stop)

    def add_hook(self, name: str, *, actor: str) -> str:
        """Make a hook and return its secret, which can be seen this once. Raises Misconfigured (`bad_name`)."""
        now = dt.datetime.now(dt.UTC)
        with self.database.begin() as connection:
            secret = accounts.add_hook(connection, actor, name, now)
            activity.note(connection, "hook_made", actor, now, name)
        return secret

    def remove_hook(self, name: str, *, actor: str) -> None:
        """Forget a hook; its secret is worthless at once. Raises Misconfigured (`unknown_hook`)."""
        now = dt.datetime.now(dt.UTC)
        with self.database.begin() as connection:
            accounts.remove_hook(connection, name)
            activity.note(connection, "hook_removed", actor, now, name)

    def decide(
        self, item_id: int, status: str, *, actor: str, why: str, seen: succession.Seen | None, publish: bool = False
    ) -> str:
        """Let a person approve, reject or quarantine an item; see workflow.succession.decide."""
        from workflow import succession

        return succession.decide(self.database, item_id, status, actor=actor, why=why, seen=seen, publish=publish)

    def take_back(self, item_id: int, *, actor: str, seen: succession.Seen | None) -> str:
        """Take the last decision about an item back; see workflow.succession.take_back."""
        from workflow import succession

        return succession.take_back(self.database, item_id, actor=actor, seen=seen)

    def say(
        self, item_id: int, part: str, values: Mapping[str, Any], *, actor: str, seen: succession.Seen | None
    ) -> list[str]:
        """Let a person say what fields of an item are; see workflow.editing.say."""
        from workflow import editing

        return editing.say(self.database, item_id, part, values, actor=actor, seen=seen)

    def note(self, item_id: int, text: str, *, actor: str) -> None:
        """Keep a person's note about an item; see workflow.editing.note."""
        from workflow import editing

        editing.note(self.database, item_id, text, actor=actor)

    def candidates(self, item_id: int) -> enriching.Told:
        """Return which releases an item could be, and what is thought of them; see workflow.enriching.candidates."""
        from workflow import enriching

        return enriching.candidates(self.database, item_id)

    def choose(self, item_id: int, release: str, *, actor: str, seen: succession.Seen | None = None) -> Job:
        """Let a person say which release an item is; see workflow.enriching.choose."""
        from workflow import enriching

        return enriching.choose(self.database, self.engine, item_id, release, actor=actor, seen=seen)

    def enrich(self, item_ids: Sequence[int], *, actor: str, force: bool) -> list[Job]:
        """Want items enriched for a person; see workflow.enriching.want."""
        from workflow import enriching

        return enriching.want(self.engine, item_ids, actor=actor, force=force)

    @property
    def engine(self) -> Engine:
        """What may be asked of jobs."""
        from workflow import succession
        from workflow.engine.engine import Engine

        return Engine(self.database, succession.works())

    def undo(self, name: str, *, dry_run: bool, stop: threading.Event) -> UndoReport:
        """Take back a run or a transfer; see workflow.undo."""
        from workflow import undo

        return undo.undo(self.database, name, dry_run=dry_run, stop=stop)

    def release(self, name: str) -> int:
        """Let the next cycle have what was taken back; see workflow.undo."""
        from workflow import undo

        return undo.release(self.database, name)

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Ask other machines for a person who waits: in turn with all workers, as they do."""
        from processor.client.client import Client  # its libraries are needed by few commands

        with Client(self.database) as client:
            yield client

    def empty_trash(self, days: int, *, actor: str, stop: threading.Event) -> Emptied:
        """Remove what has lain in the trashes for so many days; see workflow.emptying."""
        from workflow import emptying

        return emptying.empty(self.database, stop, actor=actor, days=days)

    def fsck(self, *, verify: bool, adopt: bool, stop: threading.Event, progress: Progress) -> FsckReport:
        """Compare disk, journal, sidecars and rows; see workflow.fsck.fsck."""
        from workflow.fsck import fsck

        return fsck(self.database, verify=verify, adopt=adopt, stop=stop, progress=progress)

    def forget_item(self, item_id: int, *, stop: threading.Event) -> Row:
        """Delete the row of an item whose files are gone; see workflow.fsck.forget_item."""
        from workflow.fsck import forget_item

        return forget_item(self.database, item_id, stop=stop)

    def status(self) -> dict[str, Any]:
        """Return the installation at a glance, as plain values."""
        from processor import journal, repository

        settings, problems = self.staging_settings()
        fire = settings.as_schedule().next_after(dt.datetime.now(dt.UTC)) if settings.enabled else None
        with self.database.read() as connection:
            roots = libraries.list_libraries(connection)
            last = next(iter(runs.recent(connection, limit=1)), None)
            return {
                "enabled": settings.enabled,
                "dry_run": settings.dry_run,
                "schedule": settings.schedule,
                "next_fire": fire.isoformat() if fire else None,
                "problems": [*problems, *secrecy.lost(self.database)],
                "libraries": [
                    {"role": lib.role, "kind": lib.kind, "path": lib.path, "holder": holder(connection, lib.root_uuid)}
                    for lib in roots
                ],
                "last_run": last,
                "items": repository.count_by_status(connection),
                "unfinished": journal.count_open(connection),
            }


@contextlib.contextmanager
def application(*, log_level: str = RESULT_LEVEL, migrate: bool = True) -> Iterator[Application]:
    """Open the installation that GREENROOM_DATA_DIR and GREENROOM_DATABASE_URL select; bring its schema up to date.

    `log_level` holds where the boot settings say none.

    Raises Misconfigured or Retryable when it cannot be opened; what the system refuses inside becomes such an error.
    """
    boot = load_boot_settings()
    all_phases()  # their settings join the registry
    all_providers()
    setup_logs(boot.log_level or log_level, boot.log_format, boot.secrets)
    database = Database(boot.url, on_network=boot.sqlite_on_network, vault=boot.vault())
    try:
        if migrate and len(set(schema.migrate(database))) > 1:
            secrecy.seal_at_start(database)
        yield Application(boot, database)
    except BrokenPipeError:
        raise  # whoever reads our output has had enough of it
    except OSError as error:
        logger.opt(exception=True).debug("the system refused something")
        raise unexpected(error) from error
    finally:
        database.close()
