"""A person's wish to put albums into the trash, or to have one back from there → an act in a thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from daemon.acts import Act
from daemon.bootstrap import Application
from daemon.wishes import begin
from workflow import trash
from workflow.succession import Seen
from workflow.undo import UndoReport


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
