"""What is done to a house whose disks fail: a cycle, a merge, a replacement, undos, repairs; and how it must end."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from tests.faults.asking import (
    to_add,
    to_collect,
    to_export,
    to_follow,
    to_give,
    to_merge,
    to_rotate,
    to_split,
)  # fmt: skip
from tests.faults.cycles import (
    Ended,
    House,
    albums,
    converges,
    encoded,
    late_tracks,
    lost,
    music,
    recovered,
    unsettled,
    wrong_items,
)  # fmt: skip
from tests.faults.libraries import to_exchange, to_join, to_publish, to_publish_anew, to_rename, to_take_out
from tests.faults.repairing import REPAIR, is_repaired, mislay, smudge, to_forget, to_mend, to_miss, to_verify
from tests.faults.tagging import to_tag, to_untag
from tests.faults.trashing import to_empty, to_empty_library, to_restore, to_trash
from tests.faults.trials import Trial, must

CYCLE, RECOVER = ("cycle", "--json"), ("recover", "--json")
TICKETS = {"Live at the Cannery/cover.jpg": b"\xff\xd8\xff two tickets"}  # goes on beside the better album


@functools.cache
def better_album() -> Mapping[str, bytes]:
    """Live at the Cannery without the losses of mp3."""
    tags = {"artist": "The Cannery", "album": "Live", "date": "2019", "track": "1/1"}
    return {
        f"Live at the Cannery (FLAC)/CD{n}/01.flac": encoded(**tags, title=f"Night {n}", disc=f"{n}/2") for n in (1, 2)
    }


class Subject(NamedTuple):
    """What is there before, what is dropped then, and whether it is the cycle or its undo that is disturbed."""

    name: str
    staged: Mapping[str, bytes]
    dropped: Callable[[], Mapping[str, bytes]]
    undone: bool = False
    damage: Callable[[House], None] | None = None  # what is broken then, so that it is a repair that is disturbed
    then: Callable[[House], Trial] | None = None  # what is done once all is staged, and there is a library

    @property
    def is_new(self) -> bool:
        """Whether what is dropped has never been on a disk when it begins."""
        return not self.undone and self.damage is None and self.then is None

    def make_ready(self, house: House) -> None:
        """Stage what is there before."""
        house.dropped = {}
        house.set(replace="better")
        if self.staged:
            house.drop(self.staged)
            must(house, *CYCLE)

    def begin(self, house: House) -> Trial:
        """Return what is to be done with the drop; do it, and return its undo, where that is the subject."""
        if self.then is not None:
            house.add_library()
            must(house, *CYCLE)
            return self.then(house)
        if self.damage is not None:
            must(house, *CYCLE)
            self.damage(house)
            return Trial(REPAIR, is_repaired)
        if not self.undone:
            return Trial(CYCLE, converges)
        before = look(house)
        must(house, *CYCLE)
        undo = ("undo", str(house.runs()[0]["id"]), "--json")
        return Trial(undo, partial(goes_back, undo=undo, before=before))


SUBJECTS = (
    Subject("cycle", {}, albums),
    Subject("merge", albums(), late_tracks),
    Subject("replace", {**albums(), **TICKETS}, better_album),
    Subject("undo", {}, albums, undone=True),
    Subject("undo of a merge", albums(), late_tracks, undone=True),
    Subject("undo of a replacement", {**albums(), **TICKETS}, better_album, undone=True),
    Subject("fsck of albums", {}, albums, damage=mislay),
    Subject("fsck of sidecars", {}, albums, damage=smudge),
    Subject("publish", {}, albums, then=to_publish),
    Subject("publish anew", {}, albums, then=to_publish_anew),
    Subject("publish --undo", {}, albums, then=to_take_out),
    Subject("publish --rename", {}, albums, then=to_rename),
    Subject("late tracks, published", {}, albums, then=to_join),
    Subject("publish late tracks", {}, albums, then=to_exchange),
    Subject("review trash", {}, albums, then=to_trash),
    Subject("trash restore", {}, albums, then=to_restore),
    Subject("tag", {}, albums, then=to_tag),
    Subject("undo of tags", {}, albums, then=to_untag),
    Subject("cycle, missing", {}, albums, then=to_miss),
    Subject("items forget", {}, albums, then=to_forget),
    Subject("verify", {}, albums, then=to_mend),
    Subject("pictures give", {}, albums, then=to_give),
    Subject("trash empty", {}, albums, then=to_empty),
    Subject("trash empty, library", {}, albums, then=to_empty_library),
    Subject("review split", {}, albums, then=to_split),
    Subject("review merge", {}, albums, then=to_merge),
    Subject("libraries add", {}, albums, then=to_add),
    Subject("libraries add, moved", {}, albums, then=to_follow),
    Subject("fsck --verify", {}, albums, then=to_verify),
    Subject("gc", {}, albums, then=to_collect),
    Subject("secrets rotate", {}, albums, then=to_rotate),
    Subject("export", {}, albums, then=to_export),
)


def left_of(ended: Ended) -> set[str]:
    """Return the codes of all that a command said of albums; none if it did not come so far."""
    try:
        albums_told = json.loads(ended.out)["albums"]
    except ValueError:
        return set()
    return {reason["code"] for album in albums_told for reason in album["reasons"]}


def look(house: House) -> object:
    """Everything people see: both roots by name, byte and time, and what is listed."""
    seen = []
    for root in (house.inbound, house.staging):
        found = {path: data for path, data in music(root).items() if not path.startswith(b".greenroom-")}
        seen.append({path: (data, (root / path.decode()).stat().st_mtime_ns) for path, data in found.items()})
    items = [(item["path"], sorted((file["path"], file["source"]) for file in item["files"])) for item in house.items()]
    return seen, sorted(items)


def goes_back(house: House, *, undo: tuple[str, ...], before: object) -> list[str]:
    """Recover and undo again, as after a crash; return what is broken on the way or not as it was at the end."""
    wrong = [*recovered(house)]
    for command in (undo, CYCLE):  # the cycle leaves alone what was taken back
        ended = house.run(*command)
        if ended.status and left_of(ended) != {"undone_before"}:
            wrong.append(f"{command[0]} ended with {ended.status}: {ended.out} {ended.err}")
        if look(house) != before:
            wrong.append(f"after {command[0]} it is not as it was before: {look(house)} {ended.out} {ended.err}"[:3000])
        wrong += [*lost(house), *wrong_items(house)]
    return [*wrong, *(said for said in unsettled(house) if said.startswith(("a ", "left in the transfer")))]
