"""The places of files that join a staged album: their own, free, and numbered as the album is."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from processor.planning.joining import Joining, into
from processor.planning.layout import fold
from processor.planning.meeting import Encounter, Track
from processor.planning.naming import propose
from processor.planning.quality import Sound
from scanner.grouping.groups import Group, GroupTrack
from tests.unit.test_plan import Inbound


def staged(path: bytes, disc: int, number: int) -> Track:
    return Track(path, disc, number, "Old", None, None, Sound())


def join(
    tracks: Iterable[tuple[int | None, int, str]],
    album: Iterable[Track],
    there: Iterable[bytes] = (),
    twins: Iterable[int] = (),
    sides: Iterable[bytes] = (),
) -> Joining:
    """Join newcomers (disc, number, title) and side files; the n-th newcomers in `twins` are there already."""
    inbound = Inbound()
    members = [GroupTrack(inbound.add(b"in/%d.mp3" % n), *track) for n, track in enumerate(tracks)]
    ids = tuple(inbound.add(b"in/" + side, "other") for side in sides)
    group: Group = inbound.album(tracks=members, sides=ids, home=b"in")
    proposal = propose(group, inbound.files, {})
    album = tuple(album)
    same = {b"in/%d.mp3" % n: b"twin of %d" % n for n in twins}
    everything = (*(track.path for track in album), *there)
    return into(proposal, Encounter(b"A", b"in", (), album, everything, same))


def names(joining: Joining) -> list[bytes]:
    return [file.target for file in joining.files]


def test_another_disc_says_its_number() -> None:
    assert names(join([(2, 1, "New")], [staged(b"01 - Old.mp3", 1, 1)])) == [b"2-01 - New.mp3"]


def test_a_late_track_is_named_as_those_it_joins() -> None:
    album = [staged(b"1-001 - Old.mp3", 1, 1), staged(b"2-101 - Old.mp3", 2, 101)]
    assert names(join([(1, 2, "New")], album)) == [b"1-002 - New.mp3"]


def test_a_name_that_is_taken_gets_a_number() -> None:
    album = [staged(b"01 - Old.mp3", 1, 1)]
    assert names(join([(None, 2, "New")], album, [b"02 - NEW.mp3", b"Notes.txt"], sides=[b"notes.txt"])) == [
        b"02 - New [2].mp3",
        b"notes [2].txt",
    ]


def test_twins_stay_and_say_where_their_bytes_are() -> None:
    joining = join([(None, 1, "Old"), (None, 2, "New")], [staged(b"01 - Old.mp3", 1, 1)], twins=[0])
    assert joining.stays == {b"in/0.mp3"}
    assert names(joining) == [b"twin of 0", b"02 - New.mp3"]
    assert [(reason.code, reason.path) for reason in joining.reasons] == [("already_there", b"in/0.mp3")]


places = st.sampled_from(
    [b"01 - A.mp3", b"01 - a.mp3", b"1-01 - A.mp3", b"a.txt", b"album.greenroom.json", b"A [2].txt"]
)


@given(
    st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.integers(1, 3), st.sampled_from("Aa")), max_size=6),
    st.lists(places, unique=True),
    st.lists(st.sampled_from([b"a.txt", b"A.txt", b"a [2].txt"]), unique=True),
)
def test_no_two_files_ever_want_one_place(
    tracks: list[tuple[int | None, int, str]], there: list[bytes], sides: list[bytes]
) -> None:
    wanted = [fold(name) for name in names(join(tracks, [staged(b"9 - Old.mp3", 1, 9)], there, sides=sides))]
    assert len(set(wanted)) == len(wanted)
    assert not set(wanted) & {fold(path) for path in (*there, b"9 - Old.mp3", b"album.greenroom.json")}
