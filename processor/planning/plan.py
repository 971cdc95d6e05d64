"""What will be done, or was, with each album of a cycle, and what planner.py must know to decide it: plain data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from config.reasons import Reason
from processor.planning.copies import Holder
from processor.planning.meeting import Encounter
from processor.planning.naming import PlannedFile, Proposal
from processor.planning.space import Space
from scanner.grouping.groups import Group

RESTAGE: Final = "restage"  # kind of a plan that needs a published album back in staging first

Outcome = Literal["staged", "waiting", "needs_review", "quarantined", "duplicate", "conflict", "failed"]


@dataclass(frozen=True, slots=True)
class AlbumPlan:
    """What will be done with one group, or what came of it. Only of `staged` files move; others stay where they are.

    Paths are relative: `target` to staging, sources to inbound, targets to the album. For `duplicate` and `conflict`
    the target is the folder that is there already.
    """

    group: Group
    outcome: Outcome
    target: bytes | None  # the album's folder
    files: tuple[PlannedFile, ...]  # the tracks in the group's order, then the side files, then copies of tracks
    reasons: tuple[Reason, ...]
    kind: str = "album"  # of the transfer that stages it: a key of processor.moves.MOVES
    stays: frozenset[bytes] = frozenset()  # sources that do not move: their bytes are in the album, where `files` says
    over: str | None = None  # checksum of the staged album that it changes

    @property
    def tracks(self) -> list[tuple[int | None, int | None, str | None, bytes, bytes | None]]:
        """Each track's disc, number, title, source and, if it is in staging or would be, target."""
        goes = self.outcome == "staged"
        pairs = zip(self.group.tracks, self.files, strict=False)
        return [(t.disc, t.track, t.title, f.source, f.target if goes else None) for t, f in pairs]

    def moving(self) -> AlbumPlan:
        """Return the plan without what stays."""
        files = tuple(file for file in self.files if file.source not in self.stays)
        ids = {file.file_id for file in files}
        tracks = tuple(track for track in self.group.tracks if track.file_id in ids)
        return replace(self, group=self.group._replace(tracks=tracks), files=files)


class Home(NamedTuple):
    """Where an album was published; `moved` is its folder, if its item's files are there and not in staging."""

    shown: bytes  # the whole path
    moved: bytes | None  # relative to its library


@dataclass(frozen=True, slots=True)
class World:
    """What a plan must know beyond the scan.

    Its questions are asked only of what a proposal could meet. If one raises a GreenroomError, only that proposal is
    concerned.
    """

    names: Callable[[bytes], Collection[bytes]]  # of everything in a staging folder; empty if there is none
    differs: Callable[[Sequence[PlannedFile], bytes], str | None]  # how music differs from a staging folder's
    meets: Callable[[Proposal, bytes], Encounter]  # a proposal, and the folder of the item that has its key
    same: Callable[[Sequence[PlannedFile], Sequence[PlannedFile]], bool]  # whether the second has what is in the first
    space: Space
    # A digest of what is in a file of inbound; without one no two files have the same bytes.
    content: Callable[[PlannedFile], str] = lambda file: str(file.file_id)
    # Items of other keys that have music of a proposal.
    holders: Callable[[Proposal], Sequence[Holder]] = lambda _: ()
    staged: Mapping[str, bytes] = field(default_factory=dict)  # items by key: their folders, relative to staging
    left_behind: Mapping[str, bytes] = field(default_factory=dict)  # by key: folders in roots that are no libraries now
    published: Mapping[str, Home] = field(default_factory=dict)  # items by key that are in a library
    reserved: Collection[bytes] = ()  # folders that unfinished transfers hold
    held: Collection[bytes] = ()  # source files that unfinished transfers hold
    taken_back: Mapping[bytes, str] = field(default_factory=dict)  # source files an undo put back: the transfer undone
    waiting: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)  # by key: why an album is not quiet yet
    # Why nothing can be taken, by folder, or by file in one of many people.
    inbound_problems: Mapping[bytes, Reason] = field(default_factory=dict)
    staging_problems: Mapping[bytes, Reason] = field(default_factory=dict)  # by folder: why nothing can be put into it
