"""A person's wish to put albums into the trash, to see it, to have one back, or to empty it → an act in a thread."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from config.errors import GreenroomError, Misconfigured, Rejected, Retryable
from config.libraries import Library
from config.reasons import show_path
from daemon.actions.acts import Act
from daemon.actions.wishes import begin
from daemon.bootstrap import Application
from daemon.disks import Seen, raised
from workflow.operations import deciding, emptying, trash
from workflow.operations.emptying import Emptied, Lying
from workflow.operations.undo import UndoReport

Which = Literal["expired", "all", "chosen"]


class Bin(NamedTuple):
    """The trash of one root, as it is, or as it was last seen, with the reason."""

    root: Library
    lying: Lying
    at: dt.datetime | None  # None: now, or never
    error: GreenroomError | None
    late: bool = False

    @property
    def problem(self) -> str | None:
        """Why it is not known as it is now, in a sentence."""
        return None if self.error is None else self.error.message


def bins(app: Application) -> list[Bin]:
    """Look into the trash of each root; nobody waits long for a disk. Raises Misconfigured when there is no staging."""
    roots = emptying.bins(app.database)
    looks: dict[Hashable, Callable[[], Any]] = {
        ("trash", root.path): partial(raised, partial(emptying.lying, app.database, root)) for root in roots
    }
    seen = app.disks.ask(looks)
    return [_bin(root, seen[("trash", root.path)]) for root in roots]


def _bin(root: Library, seen: Seen[Lying | GreenroomError]) -> Bin:
    shown = f"the disk of the {root.role} {show_path(root.path)}"
    if isinstance(seen.value, GreenroomError):
        return Bin(root, Lying(), None, seen.value)
    if seen.late is None:
        return Bin(root, seen.value or Lying(), None, None)
    late = Retryable(f"{shown} has not answered for {seen.late:.0f} s; try again", code="disk_late")
    return Bin(root, seen.value or Lying(), seen.at, late, late=True)


def chosen(app: Application, which: Which, transfers: Collection[str] = ()) -> list[str]:
    """Return the transfers whose albums are to go: those that are due, those that are known, or those that were chosen.

    Raises what kept us from looking, such as Retryable (`disk_late`), and Rejected if there is nothing to remove.
    """
    if which == "chosen":
        found = list(dict.fromkeys(transfers))
    else:
        there = _known(bins(app))
        days = app.staging_settings()[0].trash_days if which == "expired" else 0
        found = [album.transfer_id for one in there for album in one.lying.due(days)]
    if not found:
        raise Rejected("there is nothing of the kind in the trash", code="nothing_chosen")
    return found


def empty(app: Application, transfers: Sequence[str], *, actor: str, sure: bool) -> Act:
    """Remove for good what transfers brought into the trash of any root."""
    only = frozenset(transfers)

    def work(act: Act, actor: str, stop: threading.Event) -> Emptied:
        return emptying.empty(app.database, stop, actor=actor, only=only, sure=act.sure)

    return begin(app, "empty", [], work, actor=actor, sure=sure)


def _known(found: list[Bin]) -> list[Bin]:
    for one in found:
        if one.error:
            raise one.error
    return found


def throw_away(
    app: Application, item_ids: Sequence[int], *,
    actor: str, sure: bool, why: str = "", seen: Mapping[int, deciding.Seen] | None = None,
) -> Act:  # fmt: skip
    """Reject albums and put them into the trash of staging."""
    ids = list(dict.fromkeys(item_ids))

    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        return trash.discard(app.database, ids, sure=act.sure, actor=actor, why=why, seen=act.seen, stop=stop)

    return begin(app, "trash", ids, work, actor=actor, sure=sure, seen=seen)


def bring_back(app: Application, transfer_id: str, *, actor: str, sure: bool) -> Act:
    """Put what a transfer brought into staging's trash back into its place. Raises Misconfigured (`not_trashed`)."""
    staging, *_ = _known(bins(app)[:1])
    if transfer_id not in {one.transfer_id for one in staging.lying.albums}:
        raise Misconfigured(f"nothing in the trash of staging is called {transfer_id!r}", code="not_trashed")

    def work(act: Act, actor: str, stop: threading.Event) -> UndoReport:
        return trash.restore(app.database, transfer_id, sure=act.sure, actor=actor, stop=stop)

    return begin(app, "restore", [], work, actor=actor, sure=sure)
