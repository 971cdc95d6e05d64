"""A person's wish that albums go somewhere → a look at it, the act in a thread, and the cycle that may follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from config.errors import Misconfigured
from daemon.actions.act_kinds import Kind
from daemon.actions.acts import Act, Work
from daemon.bootstrap import Application
from scanner.grouping.chosen import Choice
from workflow import runs
from workflow.operations.deciding import Seen, as_seen
from workflow.request import Request
from workflow.telling import album_name


def begin(
    app: Application, kind: Kind, item_ids: Sequence[int], work: Work, *,
    actor: str, sure: bool, seen: Mapping[int, Seen] | None = None, choices: Mapping[bytes, Choice] | None = None,
) -> Act:  # fmt: skip
    """Begin an act about items, if they are what was seen.

    Raises Misconfigured for an item there is not and in a dry run, NeedsReview `item_changed`, and Busy.
    """
    with app.database.read() as connection:
        items = [as_seen(connection, item_id, (seen or {}).get(item_id)) for item_id in item_ids]
    if sure:
        app.may_move()
    act = Act(
        runs.new_run_id(dt.datetime.now(dt.UTC)), kind, work, tuple((item["id"], album_name(item)) for item in items),
        {item["id"]: Seen(item["revision"], item["status"]) for item in items}, sure, choices or {},
    )  # fmt: skip

    def then() -> None:
        if act.told.follows:
            request = Request(run_id=act.id, asked_by=actor)
            app.run_cycle(trigger="request", stop=app.ongoing.stopping, request=request)

    app.acts.begin(act, actor, then)
    return act


def go_on(app: Application, act_id: str, *, actor: str) -> Act:
    """Do what an act only looked at, if the albums are still what they were then."""
    act = found(app, act_id)
    return begin(app, act.kind, list(act.seen), act.work, actor=actor, sure=True, seen=act.seen, choices=act.choices)


def found(app: Application, act_id: str) -> Act:
    """Return an act. Raises Misconfigured (`unknown_act`)."""
    act = app.acts.find(act_id)
    if act is None:
        message = f"there is no act {act_id}, or Greenroom was restarted since; the activity page says what was done"
        raise Misconfigured(message, code="unknown_act")
    return act
