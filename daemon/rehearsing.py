"""An item → what publishing it would come to, as its disks say now, or said last if they are slow or hang."""

from __future__ import annotations

from typing import Any

from daemon import publishing
from daemon.bootstrap import Application
from daemon.disks import Seen
from processor.publication.drafting import Plan
from workflow import progress


def plan(app: Application, item_id: int, *, rename: bool) -> tuple[dict[str, Any], Seen[Plan]]:
    """Return an item and the plan of publishing it.

    Raises Misconfigured `unknown_item`, what planning raises, and Retryable (`disk_late`) while nothing is known.
    """
    with app.database.read() as connection:
        item = progress.find(connection, item_id)
    thing = ("publish", item_id, item["revision"], item["status"], item["news_at"], rename)
    return item, app.disks.see(thing, lambda: publishing.rehearse(app, item_id, rename=rename))
