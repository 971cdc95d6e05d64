"""What the planner found out about an album → its decision, in the words of people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.errors import GreenroomError
from config.reasons import Reason, show_path
from processor.planning.copies import Holder
from processor.planning.meeting import Meeting, left_there
from processor.planning.naming import Proposal
from processor.planning.plan import RESTAGE, Home, Outcome
from scanner.grouping.groups import Group

_WENT_AWAY: Final = ("vanished", "root_not_mounted", "wrong_root", "no_library")  # codes


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one album: where it goes, and what of it stays."""

    outcome: Outcome
    target: bytes | None
    reasons: tuple[Reason, ...] = ()
    kind: str = "album"
    stays: frozenset[bytes] = frozenset()
    over: str | None = None


def is_published(group: Group, home: Home, meeting: Meeting | None = None) -> Decision:
    """Decide about an album that is published: whatever joins or replaces it does so in staging first."""
    shown = show_path(home.shown)
    if meeting is not None and meeting.outcome == "duplicate":
        message = f"The same music is published already, in {shown}; {left_there(meeting.alone)}"
        return Decision("duplicate", None, (Reason("same_content", message, group.home),))
    if meeting is not None and meeting.outcome in ("merge", "replace"):
        message = (
            f"This album is published, in {shown}. Its files come back to staging first, while the library stays as it "
            "is; then this one goes to them, and what comes of it is published in the place of what is there."
        )
        return Decision("waiting", None, (Reason(RESTAGE, message, group.home), *meeting.reasons), RESTAGE)
    # what a conflict says first is of staging
    others = meeting.reasons[1:] if meeting is not None and meeting.outcome == "conflict" else ()
    why = f"{others[0].message} " if others else ""
    message = (
        f"This album is published, in {shown}, with other music. {why}Nothing was moved; take it out of there first "
        "with `greenroom publish --undo`, or remove this one."
    )
    return Decision("conflict", None, (Reason("published", message, group.home), *others))


def is_copy(proposal: Proposal, original: Holder) -> Decision:
    """Decide about an album whose music an item of another key has, all of it and no more."""
    place, way = "published", ""
    if original.folder is not None:
        place, way = "in staging", " If this is its name, reject that item, and the next cycle takes this copy."
    left = left_there([file.source for file in proposal.beside])
    message = f"The same music is {place} already under another name, as {original.told}; {left}{way}"
    return Decision("duplicate", original.folder, (Reason("same_content", message, proposal.group.home),))


def key_twice(group: Group, other: bytes) -> Decision:
    """Decide about an album of which this plan stages another version, at `other`."""
    message = f"The same album is in inbound twice, and the other one goes to {show_path(other)}; keep one of them."
    return Decision("conflict", other, (Reason("key_twice", message, group.home),))


def unseen(error: GreenroomError, group: Group) -> Decision:
    """Return the plan of an album that could not be compared: it stays, and waits if files or a root only went away."""
    outcome: Outcome = "waiting" if error.reason_code in _WENT_AWAY else "failed"
    return Decision(outcome, None, (error.reason(group.home),))


def numbered_name(proposal: Proposal, wanted: bytes, target: bytes) -> tuple[Reason, ...]:
    """Say why an album goes to another folder than the one it wanted, if it does."""
    if target == wanted:
        return ()
    message = f"Another album is called {show_path(wanted)} too, so this one is {show_path(target)}."
    return (Reason("numbered", message, proposal.group.home),)
