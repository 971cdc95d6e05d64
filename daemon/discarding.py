"""A person's wish to put albums into the trash, or to have one back from there → an act in a thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from config.errors import GreenroomError, Retryable
from daemon.acts import Act
from daemon.bootstrap import Application
from daemon.wishes import begin
from processor.trash import Trashed
from workflow import trash
from workflow.succession import Seen
from workflow.undo import UndoReport


def lying(app: Application) -> list[Trashed]:
    """Return what lies in the trash, what has lain there longest first.

    Raises Retryable while the disk does not answer, and Misconfigured when there are no libraries.
    """

    def look() -> list[Trashed] | GreenroomError:
        try:
            return app.trash()
        except GreenroomError as error:
            return error

    seen = app.disks.ask({"trash": look})["trash"]
    if seen.late is not None:
        raise Retryable(f"the disk of staging has not answered for {seen.late:.0f} s; try again", code="disk_late")
    if isinstance(seen.value, GreenroomError):
        raise seen.value
    return list(seen.value or ())


def throw_away(
    app: Application, item_ids: Sequence[int], *,
    actor: str, sure: bool, why: str = "", seen: Mapping[int, Seen] | None = None,
) -> Act:  # fmt: skip
    """Reject albums and put them into the trash of staging."""
    ids = list(dict.fromkeys(item_ids))

    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        return trash.discard(app.database, ids, sure=act.sure, actor=actor, why=why, seen=act.seen, stop=stop)

    return begin(app, "trash", ids, work, actor=actor, sure=sure, seen=seen)


def bring_back(app: Application, transfer_id: str, *, actor: str, sure: bool) -> Act:
    """Put what a transfer brought into the trash back into its place. Raises Misconfigured (`not_trashed`)."""
    trash.check_there(app.database, transfer_id)

    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        return trash.restore(app.database, transfer_id, sure=act.sure, actor=actor, stop=stop)

    return begin(app, "restore", [], work, actor=actor, sure=sure)
