"""The plan a person approved and the plan of this moment → exactly what was approved, or what changed since. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from config.errors import NeedsReview
from config.reasons import Reason, called, show_text
from processor.planning.plan import AlbumPlan

MOST_NAMED: Final = 5  # albums named in the sentence that says what changed


def fingerprint(plan: AlbumPlan) -> str:
    """Return a digest of one planned move: every name, and the size and times of every file.

    Numbers of devices and inodes are left out, for they may change at the next mount. For a move that changes a staged
    album its reasons and that album's checksum count, too."""
    files = [(file.source, file.target, file.role, *file.identity[2:]) for file in plan.files]
    why = [(reason.code, reason.message) for reason in plan.reasons] if plan.kind != "album" else []
    why += [("over", plan.over)] if plan.over is not None else []
    said = (plan.group.key, plan.kind, plan.target, sorted(files), sorted(plan.stays), why)
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


def only_approved(plans: Sequence[AlbumPlan], approved: Mapping[str, str]) -> tuple[AlbumPlan, ...]:
    """Return the plans with only the approved albums left to move; the others wait. `approved`: fingerprints by key.

    Raises NeedsReview `plan_changed`, before anything moved, if one approved album would not be moved as approved.
    """
    now = {plan.group.key: plan for plan in plans if plan.outcome == "staged"}
    changed = [key for key in sorted(approved) if key not in now or fingerprint(now[key]) != approved[key]]
    if changed:
        raise NeedsReview(_changed(changed, plans), code="plan_changed")
    return tuple(plan if plan.group.key in approved else _waits(plan) for plan in plans)


def _waits(plan: AlbumPlan) -> AlbumPlan:
    if plan.outcome != "staged":
        return plan
    why = Reason("not_in_plan", "It is not in the approved plan; the next cycle takes it.", plan.group.home)
    return replace(plan, outcome="waiting", target=None, reasons=(why, *plan.reasons))


def _changed(keys: Sequence[str], plans: Sequence[AlbumPlan]) -> str:
    by_key = {plan.group.key: plan for plan in plans}
    told = [_difference(key, by_key.get(key)) for key in keys[:MOST_NAMED]]
    more = f"; and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return f"the world is not as it was when this was planned, so nothing was moved: {'; '.join(told)}{more}"


def _difference(key: str, plan: AlbumPlan | None) -> str:
    if plan is None:
        return f"{show_text(key)} is not in inbound any more"
    name = show_text(called(plan.group.album_artist, plan.group.album))
    if plan.outcome == "staged" and plan.over is not None:
        return f"{name} has other files, or the staged album it changes is another one by now"
    if plan.outcome == "staged":
        return f"{name} has other files, or would go elsewhere"
    why = f" ({plan.reasons[0].message})" if plan.reasons else ""
    return f"{name} would not be staged now but is {plan.outcome}{why}"
