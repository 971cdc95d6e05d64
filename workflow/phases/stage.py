"""An album of the inbound folder → an item in staging: what the staging cycle does, and where every chain begins."""

from __future__ import annotations

from workflow.phase import Phase


class Stage(Phase):
    """The root of the chain; workflow.cycle carries it, so it has no jobs."""

    name = "stage"
    reached = "staged"
    description = "Move albums from the inbound folder into staging."


PHASE = Stage()
