"""Music of an album that items of other keys have, too → a copy of one of them, or a word to whoever reviews it. Pure.

A copy has the same music as one item, all of it and no more, so a single is none of its album, nor is an album of the
two items that its discs once were; and who rejected that item may want it under this name. What lies where the item
came from is what was left there, if it is a part only, too: alone it may have another key than with the rest. A word is
worth what is most of the album, or another whole album, and not what a compilation shares with an album.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from config.reasons import Reason, called, counted, show_path, show_text
from processor.planning.naming import Proposal
from scanner.grouping.doubts import confidence_of
from scanner.grouping.groups import Group

MOST: Final = 5  # albums that are looked at for one; a single of plain PCM has the size of many
BEYOND_CHANCE: Final = 3  # tracks; fewer of the same sizes and lengths are in some album or other of many thousands


class Holder(NamedTuple):
    """An item that has music of an album of inbound under another key, as it seems by sizes."""

    item_id: int
    artist: str | None
    album: str | None
    folder: bytes | None  # relative to the staging root; None if it is elsewhere
    shown: bytes  # its path, for people
    status: str
    tracks: int  # that it has
    shared: int  # of the album's tracks, byte for byte
    alike: int  # of them, by size, codec and length: with other tags, most likely
    from_here: bool = False  # whether it came from the very folders that the album's music lies in

    @property
    def told(self) -> str:
        """What a sentence calls it."""
        name = show_text(called(self.artist, self.album))
        rejected = " (rejected)" if self.status == "rejected" else ""
        return f"item {self.item_id}{rejected}, {name}, in {show_path(self.shown)}"


def is_telling(shared: int, tracks: int, others: int) -> bool:
    """Tell whether sharing so many tracks says something about an album of `tracks` and an item of `others`."""
    return shared * 2 > tracks or shared == others > 1


def original(group: Group, holders: Sequence[Holder]) -> Holder | None:
    """Return the item an album is a copy of."""
    tracks = len(group.tracks)
    wanted = (holder for holder in holders if holder.status != "rejected")
    whole = (one for one in wanted if one.shared == tracks)
    is_left = group.sources.get("album") != "person"  # what a person made of files is nothing that was left behind
    return next((one for one in whole if one.tracks == tracks or (is_left and one.from_here)), None)


def noted(proposal: Proposal, holders: Sequence[Holder]) -> Proposal:
    """Return a proposal with a warning if items have much of its music, or music that is much like it."""
    group = proposal.group
    same = [(one, one.shared) for one in holders if is_telling(one.shared, len(group.tracks), one.tracks)]
    alike = [(one, one.alike) for one in holders if one.alike >= BEYOND_CHANCE]
    alike = [(one, count) for one, count in alike if is_telling(count, len(group.tracks), one.tracks)]
    if same:
        why = Reason("also_staged", f"Music of it is here already, byte for byte: {_told(group, same)}.", group.home)
    elif alike:
        what = "Music of the same sizes and lengths, with other tags as it seems, is here already"
        why = Reason("alike_staged", f"{what}: {_told(group, alike)}.", group.home)
    else:
        return proposal
    return _warned(proposal, why)


def comes_twice(proposal: Proposal, other: Proposal) -> Proposal:
    """Return a proposal with a warning that all its music comes with it under another name, too."""
    name, place = show_text(called(other.group.album_artist, other.group.album)), show_path(other.group.home)
    message = f"The same music comes under another name, too, {name}, in {place}; keep one of them."
    return _warned(proposal, Reason("also_staged", message, proposal.group.home))


def comes_again(proposal: Proposal, left: bytes) -> Proposal:
    """Return a proposal with a warning that its album was staged before, in a root that is no library any more."""
    message = (
        f"It was staged before, as {show_path(left)}, in a root that is no library any more. That copy stays there and "
        "is not listed from now on; if it has what this one lacks, move its folder to inbound."
    )
    return _warned(proposal, Reason("staged_elsewhere", message, proposal.group.home))


def _warned(proposal: Proposal, why: Reason) -> Proposal:
    warnings = (*proposal.group.warnings, why)
    confidence = confidence_of((*proposal.group.evidence, *warnings))
    return replace(proposal, group=proposal.group._replace(warnings=warnings, confidence=confidence))


def _told(group: Group, found: Sequence[tuple[Holder, int]]) -> str:
    tracks = counted(len(group.tracks), "track")
    return "; ".join(f"{count} of its {tracks} in {one.told}, which has {one.tracks}" for one, count in found)
