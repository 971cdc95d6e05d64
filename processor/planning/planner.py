"""Albums as grouped, and the world they meet → a plan for each: where its files go, what collides, what waits. Pure."""

from __future__ import annotations

import itertools
import os.path
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from config.errors import GreenroomError, Stopped
from config.reasons import Reason, show_path
from processor.planning.copies import MOST, comes_again, comes_twice, noted, original
from processor.planning.decision import Decision, is_copy, is_published, key_twice, numbered_name, unseen
from processor.planning.doubles import Copies, singled, staying, without_original
from processor.planning.joining import into
from processor.planning.layout import fold, numbered
from processor.planning.meeting import Encounter, Meeting, Rules, left_there, meet
from processor.planning.naming import Proposal
from processor.planning.plan import RESTAGE, AlbumPlan, World


def decide(proposals: Iterable[Proposal], world: World, rules: Rules | None = None) -> tuple[AlbumPlan, ...]:
    """Decide about every proposal, in the order of their keys, so that the same input always gives the same names.

    If several albums want one folder, the first key gets it, the next ` [2]`, and so on; an item staged earlier keeps
    its folder. If the folder that is there belongs to no item, no number is added: same music is a duplicate, other
    music a conflict, and nothing moves. `meeting.meet` decides about an album whose key is staged already.
    """
    planner = _Planner(world, rules or Rules())
    ordered = sorted(proposals, key=lambda p: (p.group.key, p.group.folders))
    return tuple(planner.plan(proposal) for proposal in ordered)


class _Listing(NamedTuple):
    """The names in one folder. Linux allows two that differ in case only; then the exact one counts."""

    exact: frozenset[bytes]
    folded: dict[str, bytes]


class _Planner:
    """Decides proposals one by one, and remembers the keys, folders and space that earlier ones took."""

    def __init__(self, world: World, rules: Rules) -> None:
        self._world = world
        self._rules = rules
        self._owners = {fold(path): key for key, path in world.staged.items()}
        self._taken = {fold(path) for path in world.reserved}
        self._folders: dict[str, bytes] = {}  # code and artist folders of this plan, as spelled by the first album
        self._listed: dict[bytes, _Listing] = {}
        self._keys: dict[str, bytes] = {}
        self._planned: dict[str, Proposal] = {}  # by folded target
        self._sized = defaultdict[tuple[int, ...], list[Proposal]](list)  # those of it, by the sizes of their music
        self._space = world.space

    def plan(self, proposal: Proposal) -> AlbumPlan:
        copies: Copies = ()
        try:
            decision = self._verdict(proposal)
            if decision is None:
                proposal, copies = singled(proposal, self._world.content)
                proposal, decision = self._known(proposal)
                proposal, decision = self._not_twice(proposal, decision or self._place(proposal))
                left = without_original(proposal.group, proposal.music)
                if left is not None and decision.outcome != "duplicate":
                    decision = Decision("needs_review", None, (left,))
        except Stopped:
            raise
        except GreenroomError as error:
            decision = unseen(error, proposal.group)
        if decision.outcome == "staged":
            assert decision.target is not None
            decision = self._obstacle(proposal, decision.target) or self._take(proposal, decision)
        group = proposal.group
        # tracks that join an album are not an album with gaps; its item says what the whole lacks
        doubts = [doubt for doubt in group.warnings if decision.kind != "merge" or doubt.code != "tracks_missing"]
        stay, why = staying(copies, proposal.files)
        why = why if decision.outcome == "staged" else ()
        reasons = (*decision.reasons, *why, *doubts, *group.evidence)
        said = (decision.kind, decision.stays.union(file.source for file in stay), decision.over)
        return AlbumPlan(group, decision.outcome, decision.target, (*proposal.files, *stay), reasons, *said)

    def _verdict(self, proposal: Proposal) -> Decision | None:
        group = proposal.group
        if waits := self._world.waiting.get(group.key):
            return Decision("waiting", None, waits)
        if group.verdict != "take":
            return Decision(group.verdict, None)
        held = next((file.source for file in proposal.files if file.source in self._world.held), None)
        if held is not None:
            message = "An earlier move of this file could not be finished; `greenroom fsck` says why."
            return Decision("needs_review", None, (Reason("unfinished_transfer", message, held),))
        back = next((file.source for file in proposal.files if file.source in self._world.taken_back), None)
        if back is not None:
            message = (
                "An undo took this album back, so it stays here until one of its files is changed or renamed, or until "
                f"`greenroom undo --release {self._world.taken_back[back]}`."
            )
            return Decision("needs_review", None, (Reason("taken_back", message, group.home),))
        if proposal.target is None:
            message = "No tag and no folder says what this album is called; tag it, or name its folder Artist - Album."
            return Decision("needs_review", None, (Reason("no_album", message, group.home),))
        return None

    def _known(self, proposal: Proposal) -> tuple[Proposal, Decision | None]:
        """Compare with the album of the same key, of this plan or staged before; None if there is none on disk.

        If the tags say that it is another release, the year becomes part of its key, and it is compared again.
        """
        while True:
            group = proposal.group
            if (other := self._keys.get(group.key)) is not None:
                return proposal, self._twin(proposal, other) or key_twice(group, other)
            folder = self._world.staged.get(group.key)
            home = self._world.published.get(group.key)
            if folder is not None and self._there(folder) is not None:
                home = None  # what is in staging too may be changed there
            elif home is None:
                return proposal, self._copy_of_published(proposal)
            elif home.moved is None:
                return proposal, is_published(group, home)
            else:
                folder = home.moved
            encounter = self._world.meets(proposal, folder)
            if home is not None:
                encounter = replace(encounter, strangers=())  # they stay where they are, beside whatever is published
            meeting = meet(encounter, self._rules)
            if meeting.outcome != "beside":
                return (
                    (proposal, is_published(group, home, meeting)) if home else self._met(proposal, encounter, meeting)
                )
            key, evidence = f"{group.key}/{group.year}", (*meeting.reasons, *group.evidence)
            proposal = replace(proposal, group=group._replace(key=key, evidence=evidence))

    def _not_twice(self, proposal: Proposal, decision: Decision) -> tuple[Proposal, Decision]:
        """Leave an album where it is that an item of another key has; warn of one of which items have much."""
        if decision.outcome not in ("staged", "conflict") and decision.kind != RESTAGE:
            return proposal, decision
        holders = self._world.holders(proposal)
        if (holder := original(proposal.group, holders)) is not None:
            return proposal, is_copy(proposal, holder)
        if decision.outcome != "staged":
            return proposal, decision
        if (left := self._world.left_behind.get(proposal.group.key)) is not None:
            proposal = comes_again(proposal, left)
        others = (other for other in self._sized[_sizes(proposal)][:MOST] if other.group.key != proposal.group.key)
        other = next((other for other in others if self._world.same(proposal.music, other.music)), None)
        return noted(proposal, holders) if other is None else comes_twice(proposal, other), decision

    def _copy_of_published(self, proposal: Proposal) -> Decision | None:
        """Return a duplicate if the album was kept apart from one of its name that is published with the same music.

        It may have come together with that one, and has a key of its own since; in staging their folders would meet.
        """
        plain = proposal.group.key.partition("#")[0]
        home = self._world.published.get(plain)
        if plain == proposal.group.key or home is None or home.moved is None:
            return None
        as_that = replace(proposal, group=proposal.group._replace(key=plain))
        meeting = meet(self._world.meets(as_that, home.moved), self._rules)
        return is_published(proposal.group, home, meeting) if meeting.outcome == "duplicate" else None

    def _met(self, proposal: Proposal, encounter: Encounter, meeting: Meeting) -> tuple[Proposal, Decision]:
        """Turn the outcome of a meeting into a plan."""
        folder = encounter.folder
        if meeting.outcome == "conflict" and (copy := self._copy_of_numbered(proposal)) is not None:
            return proposal, copy
        if meeting.outcome == "duplicate" or meeting.outcome == "conflict":
            return proposal, Decision(meeting.outcome, folder, meeting.reasons)
        if fold(folder) in self._taken:
            message = f"An earlier change of {show_path(folder)} is not finished; `greenroom fsck` says why."
            return proposal, Decision("needs_review", folder, (Reason("unfinished_transfer", message, encounter.home),))
        if meeting.outcome == "replace":
            return proposal, Decision("staged", folder, meeting.reasons, "replace", over=encounter.checksum)
        joining = into(proposal, encounter)
        reasons = (*meeting.reasons, *joining.reasons)
        decision = Decision("staged", folder, reasons, "merge", joining.stays, encounter.checksum)
        return replace(proposal, files=joining.files), decision

    def _copy_of_numbered(self, proposal: Proposal) -> Decision | None:
        """Return a duplicate if the same music is staged beside the album of this name, in a folder with a number.

        Albums of one name that come together get keys of their own; a copy that comes alone has the plain one.
        """
        assert proposal.target is not None
        wanted, number = self._spelled(proposal.target), 2
        while (there := self._there(numbered(wanted, number, folder=True))) is not None:
            if (met := self._compare(proposal, there)).outcome == "duplicate":
                return met
            number += 1
        return None

    def _place(self, proposal: Proposal) -> Decision:
        """Find the first free folder, passing by those of other items."""
        assert proposal.target is not None
        wanted = self._spelled(proposal.target)
        for number in itertools.count(1):
            target = numbered(wanted, number, folder=True)
            if fold(target) in self._taken:
                if twin := self._twin(proposal, target):
                    return twin
                continue
            there = self._there(target)
            if there is None and self._owners.get(fold(target), proposal.group.key) == proposal.group.key:
                return Decision("staged", target, numbered_name(proposal, wanted, target))
            if there is None:
                continue  # another item's folder, taken away by somebody: that row must not list our files
            met = self._compare(proposal, there)
            if met.outcome == "duplicate" or fold(there) not in self._owners:
                return met
        raise AssertionError("unreachable: itertools.count does not end")

    def _twin(self, proposal: Proposal, target: bytes) -> Decision | None:
        """Return a duplicate if the album is a second copy of one that this plan puts at the target."""
        other = self._planned.get(fold(target))
        if other is None or not self._world.same(proposal.music, other.music):
            return None
        alone = [file.source for file in proposal.beside if not self._world.same([file], other.beside)]
        message = (
            f"The same music is in inbound twice, and the copy in {show_path(other.group.home)} is staged; "
            f"{left_there(alone)}"
        )
        return Decision("duplicate", target, (Reason("same_content", message, proposal.group.home),))

    def _compare(self, proposal: Proposal, folder: bytes) -> Decision:
        home, shown = proposal.group.home, show_path(folder)
        difference = self._world.differs(proposal.music, folder)
        if difference is None:
            alone = [file.source for file in proposal.beside]
            message = f"The same music is in staging already, in {shown}; {left_there(alone)}"
            return Decision("duplicate", folder, (Reason("same_content", message, home),))
        message = (
            f"Staging already has {shown}, and it differs: {difference}. Nothing was moved; join the two or remove one."
        )
        return Decision("conflict", folder, (Reason("target_differs", message, home),))

    def _obstacle(self, proposal: Proposal, target: bytes) -> Decision | None:
        """Return why an album cannot be staged though its place is free: rights or space."""
        world = self._world
        sources = {path for file in proposal.files for path in (file.source, os.path.dirname(file.source))}
        found = [world.inbound_problems[path] for path in sorted(sources & world.inbound_problems.keys())]
        problems = list(dict.fromkeys(found))
        parts = target.split(b"/")
        parents = [b"/".join(parts[:depth]) for depth in range(len(parts))]
        problems += [world.staging_problems[folder] for folder in parents if folder in world.staging_problems]
        if not problems and (lack := self._space.lack(proposal.files)):
            problems = [Reason(*lack, proposal.group.home)]
        return Decision("failed", None, tuple(problems)) if problems else None

    def _take(self, proposal: Proposal, decision: Decision) -> Decision:
        """Book the folder and the space an album will use, so that later ones do not count on them."""
        assert decision.target is not None
        self._space = self._space.without(proposal.files)
        self._keys[proposal.group.key] = decision.target
        self._taken.add(fold(decision.target))
        self._planned[fold(decision.target)] = proposal
        self._sized[_sizes(proposal)].append(proposal)
        artist = os.path.dirname(decision.target)
        for folder in (os.path.dirname(artist), artist):
            self._folders[fold(folder)] = folder
        return decision

    def _spelled(self, target: bytes) -> bytes:
        """Return the target below the code and artist folders as they are spelled already, here or on disk."""
        *parents, name = target.split(b"/")
        base = b""
        for parent in parents:
            wanted = os.path.join(base, parent)
            base = self._folders.get(fold(wanted)) or self._there(wanted) or wanted
        return os.path.join(base, name)

    def _there(self, path: bytes) -> bytes | None:
        """Return how a staging path is spelled on disk, compared as `fold` does; None if it is not there."""
        folder, name = os.path.split(path)
        if folder not in self._listed:
            names = sorted(self._world.names(folder))
            self._listed[folder] = _Listing(frozenset(names), {fold(found): found for found in names})
        exact, folded = self._listed[folder]
        found = name if name in exact else folded.get(fold(name))
        return None if found is None else os.path.join(folder, found)


def _sizes(proposal: Proposal) -> tuple[int, ...]:
    return tuple(sorted(file.identity.size for file in proposal.music))
