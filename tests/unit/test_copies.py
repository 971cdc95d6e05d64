"""Whose copy an album is that comes under another name, and when a word about shared music is worth it."""

from __future__ import annotations

import pytest

from processor.planning.copies import Holder, is_telling, noted, original
from processor.planning.naming import Proposal, propose
from scanner.grouping.groups import GroupTrack
from tests.unit.test_plan import Inbound, codes


def holder(shared: int, tracks: int, item_id: int = 7, status: str = "pending_review", alike: int = 0) -> Holder:
    return Holder(item_id, "Ada", "Ebb \x1b", b"AD/Ada/Ebb", b"AD/Ada/Ebb", status, tracks, shared, alike)


def album(tracks: int) -> Proposal:
    inbound = Inbound()
    ids = [inbound.add(b"in/k/%02d.mp3" % n) for n in range(tracks)]
    group = inbound.album(tracks=[GroupTrack(id, None, n, "Song") for n, id in enumerate(ids, 1)])
    return propose(group, inbound.files, {})


@pytest.mark.parametrize(
    ("shared", "tracks", "others", "is_told"),
    [
        (10, 10, 10, True),
        (6, 10, 20, True),
        (5, 10, 20, False),
        (5, 10, 5, True),  # a disc of its own
        (1, 20, 12, False),  # a compilation and an album
        (1, 20, 1, False),  # a compilation and a single
        (2, 20, 2, True),
        (1, 1, 12, True),  # a single and its album
        (1, 2, 12, False),
    ],
)
def test_what_is_most_of_an_album_or_another_whole_one_is_told(
    shared: int, tracks: int, others: int, is_told: bool
) -> None:
    assert is_telling(shared, tracks, others) is is_told


@pytest.mark.parametrize(
    ("holders", "whose"),
    [
        ((), None),
        ((holder(3, 3),), 7),
        ((holder(3, 4),), None),
        ((holder(2, 2, 1), holder(1, 1, 2)), None),
        ((holder(3, 4, 1), holder(3, 3, 2), holder(3, 3, 3)), 2),
        ((holder(3, 3, status="rejected"),), None),
    ],
)
def test_a_copy_has_all_the_music_of_one_item_and_no_more(holders: tuple[Holder, ...], whose: int | None) -> None:
    found = original(album(3).group, holders)
    assert (found.item_id if found else None) == whose


def test_what_lies_where_an_item_came_from_is_a_copy_of_a_part_unless_a_person_made_it_an_album() -> None:
    left, part = album(3).group, holder(3, 9)._replace(from_here=True)
    assert original(left, (holder(3, 9), part)) == part
    assert original(left, (holder(2, 9)._replace(from_here=True),)) is None, "and not of what it has more of"
    assert original(left._replace(sources={"album": "person"}), (part,)) is None


def test_a_word_names_the_items_and_lowers_what_the_album_is_trusted() -> None:
    proposal = noted(album(4), [holder(2, 2, 1), holder(3, 5, 2), holder(1, 9, 99)])
    (told,) = proposal.group.warnings
    assert (told.code, told.path, proposal.group.confidence) == ("also_staged", b"in/k", 0.7)
    where = r"Ada – Ebb \x1b, in AD/Ada/Ebb"
    assert told.message.endswith(
        f": 2 of its 4 tracks in item 1, {where}, which has 2; 3 of its 4 tracks in item 2, {where}, which has 5."
    )
    assert noted(album(4), [holder(2, 9)]) == album(4)


def test_music_that_seems_to_have_other_tags_is_told_where_it_is_no_chance() -> None:
    def codes_of(tracks: int, *holders: Holder) -> list[str]:
        return [reason.code for reason in noted(album(tracks), holders).group.warnings]

    assert codes_of(4, holder(1, 4, alike=3)) == ["alike_staged"]
    assert codes_of(4, holder(0, 4, alike=4), holder(3, 9, alike=3)) == ["also_staged"]
    assert codes_of(2, holder(0, 2, alike=2)) == codes_of(8, holder(0, 9, alike=4)) == []


def test_only_what_would_move_or_differs_is_asked_for() -> None:
    inbound, asked = Inbound(), list[str]()

    def holders(proposal: Proposal) -> tuple[Holder, ...]:
        asked.append(proposal.group.key)
        return (holder(2, 2),)

    groups = [inbound.album(key, album=key) for key in ("new", "known", "unfit", "other")]
    groups[2] = groups[2]._replace(verdict="quarantined")
    staged = {"known": b"AR/Artist/2001 - known", "other": b"AR/Artist/2001 - other"}
    on_disk: dict[bytes, str | None] = {b"AR": "", b"AR/Artist": "", staged["known"]: None, staged["other"]: "differs"}
    plans = inbound.plan(*groups, on_disk=on_disk, staged=staged, holders=holders)
    assert asked == ["new", "other"]
    assert [plan.outcome for plan in plans] == ["duplicate", "duplicate", "duplicate", "quarantined"]
    assert [codes(plan) for plan in plans if plan.target == b"AD/Ada/Ebb"] == [["same_content"]] * 2
