"""A person's wish about an album and its library → published or taken out now, or what that would come to.

Nobody who only asks waits for ever for a disk that hangs: RootSilent is raised then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from config.answering import ANSWERS
from config.libraries import music_libraries
from config.machine import umask
from config.reasons import counted, show_path
from daemon.bootstrap import Application
from daemon.disks import Seen
from daemon.finding import Finding
from processor.items import repository
from processor.publication import ledger, planning
from processor.publication.drafting import Plan
from processor.publication.given import Publishing, require_approved
from processor.publish import Outcome, rehearse_taking_back
from processor.taking_back import TakenBack
from workflow import progress, succession
from workflow.engine.job import Job
from workflow.operations import publishing
from workflow.phase import settings_of
from workflow.phases.publish import PublishSettings

T = TypeVar("T")
_OTHERS: Final = 0o055  # reading and entering, for the group and for all others
_SHOWN: Final = 259 - 20  # characters Windows allows a path, but for a share's usual name: \\diskstation\music\


def approved(app: Application) -> list[int]:
    """Return the items that are approved, the first staged first."""
    with app.database.read() as connection:
        return repository.ids(connection, "approved")


def rehearse(app: Application, item_id: int, *, rename: bool = False, stop: threading.Event | None = None) -> Plan:
    """Say what publishing an item would come to; touches nothing. Raises what planning does, and Stopped."""
    given = _given(app, rehearsing=True)
    stop = stop or app.ongoing.stopping
    return _reading(given, item_id, stop, lambda: planning.plan(given, item_id, rename=rename))


def foretold(app: Application, item_id: int, *, rename: bool) -> Seen[Plan]:
    """Return what `rehearse` does, as the item's disks say now, or said last if they are slow or hang.

    Raises Misconfigured `unknown_item`, what planning raises, and Retryable (`disk_late`) while nothing is known.
    """
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
    thing = ("publish", item_id, item["revision"], item["status"], item["news_at"], rename)
    return app.disks.see(thing, lambda: rehearse(app, item_id, rename=rename))


def publish(app: Application, item_id: int, *, actor: str, stop: threading.Event, rename: bool = False) -> Outcome:
    """Publish an item for a person, now; see the operation of this name."""
    return publishing.publish_item(_given(app), item_id, stop, actor=actor, rename=rename)


def want(app: Application, item_id: int, *, actor: str, rename: bool) -> Job:
    """Have a worker publish an item for a person. Raises Misconfigured `unknown_item`, NeedsReview `not_approved`."""
    with app.database.read() as connection:
        require_approved(item_id, progress.find(connection, item_id)["status"])
    return succession.request(app.engine, "publish", item_id, actor=actor, rename=rename)


def unpublish(app: Application, item_id: int, *, dry_run: bool, actor: str, stop: threading.Event) -> TakenBack:
    """Take an item out of its library for a person, or say what that would come to; see the operation of this name."""
    given = _given(app, rehearsing=dry_run)
    if dry_run:
        return _reading(given, item_id, stop, lambda: rehearse_taking_back(app.database, item_id))
    return publishing.unpublish_item(given, item_id, stop, actor=actor)


def examine(app: Application) -> Iterator[Finding]:
    """Say whether nobody but us could enter the folders publishing makes, by the umask of this process.

    And which files have paths that are too long for most programs on Windows, to which a share may show the library.
    """
    with app.database.read() as connection:
        long = [path for path in ledger.longer(connection, _SHOWN) if _letters(path) > _SHOWN]
        has_library = bool(music_libraries(connection, "library"))
        settings: PublishSettings = settings_of(connection, "publish")
    mask = umask()
    if has_library and not settings.folder_mode and mask & _OTHERS == _OTHERS:
        message = f"by this umask, {mask:03o}, no player that is another user can enter what is published"
        command = "`greenroom settings set phase.publish.folder_mode 755`, or 775 for a group they share"
        yield Finding("note", "umask", f"{message}: {command}")
    if long:
        message = (
            f"{counted(len(long), 'published file')} of paths longer than {_SHOWN} characters, which most programs on "
            f"Windows open no more on a share, such as {show_path(max(long, key=_letters))}: shorter templates "
            "(`phase.publish.folder` and `.file`) or titles help, and then `greenroom publish ITEM --rename`"
        )
        yield Finding("note", "long_paths", message)


def _letters(path: bytes) -> int:
    """Return how many characters a path has as Windows counts them."""
    return len(os.fsdecode(path).encode("utf-16-le", "surrogatepass")) // 2


def _reading(given: Publishing, item_id: int, stop: threading.Event, work: Callable[[], T]) -> T:
    return ANSWERS.reading([root.path for root in publishing.roots(given, item_id)], work, stop)


def _given(app: Application, *, rehearsing: bool = False) -> Publishing:
    if not rehearsing:
        app.may_move()
    with app.database.read() as connection:
        settings: PublishSettings = settings_of(connection, "publish")
    return publishing.prepare(app.database, app.boot.data_dir, settings.options())
