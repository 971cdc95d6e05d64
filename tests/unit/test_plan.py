"""What is done with each album, and why; no disk is touched."""

from __future__ import annotations

from collections.abc import Mapping, Set
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reasons import Reason
from processor.planning.layout import fold
from processor.planning.meeting import Encounter, Track
from processor.planning.naming import Proposal, cue_references, propose, unnamed
from processor.planning.plan import AlbumPlan, World
from processor.planning.planner import decide
from processor.planning.quality import Sound
from processor.planning.space import Space, human_size, reserve
from processor.staging.sighting import size_difference
from scanner.grouping.groups import Group, GroupTrack
from scanner.identity import Identity
from scanner.smallfiles import MAX_SMALL

GIB = 1 << 30
PLENTY = Space(free=100 * GIB, reserve=GIB, inodes=None, way="copy")


class File(NamedTuple):
    path: bytes
    role: str
    identity: Identity


class Inbound:
    """A scanned inbound folder, declared file by file."""

    def __init__(self) -> None:
        self.files: dict[int, File] = {}

    def add(self, path: bytes, role: str = "audio", size: int = 1000) -> int:
        id = len(self.files) + 1
        self.files[id] = File(path, role, Identity(1, id, size, 0, 0))
        return id

    def album(self, key: str = "k", artist: str | None = "Artist", album: str | None = "Album", **values: Any) -> Group:
        """Group everything added since under one key; `tracks` may give (disc, number, title) for each audio file."""
        home = values.pop("home", f"in/{key}".encode())
        tracks = values.pop("tracks", None)
        if tracks is None:
            ids = [self.add(home + b"/%02d.mp3" % n) for n in (1, 2)]
            tracks = [GroupTrack(id, None, n, f"Song {n}") for n, id in enumerate(ids, 1)]
        return Group(
            **{
                "key": key,
                "kind": "music_album",
                "album_artist": artist,
                "album": album,
                "year": 2001,
                "discs": 1,
                "compilation": False,
                "release_id": None,
                "tracks": tuple(tracks),
                "sides": (),
                "folders": (home,),
                "home": home,
                "verdict": "take",
                "confidence": 1.0,
            }
            | values
        )

    def plan(self, *groups: Group, cues: Mapping[int, Set[str]] | None = None, **world: Any) -> tuple[AlbumPlan, ...]:
        return decide([propose(group, self.files, cues or {}) for group in groups], self.world(**world))

    def world(self, on_disk: dict[bytes, str | None] | None = None, **values: Any) -> World:
        """A staging tree: folder → how its music differs from whatever is compared with it, None for equal."""
        folders = on_disk or {}

        def names(folder: bytes) -> set[bytes]:
            inside = folder + b"/" if folder else b""
            return {path[len(inside) :].split(b"/")[0] for path in folders if path.startswith(inside)}

        def meets(proposal: Proposal, folder: bytes) -> Encounter:
            tracks = tuple(
                Track(file.source, track.disc or 1, track.track, track.title, None, None, Sound("mp3"))
                for track, file in zip(proposal.group.tracks, proposal.files, strict=False)
            )
            twins = {} if folders[folder] else {file.source: file.target for file in proposal.files}
            trouble = Reason("not_as_recorded", folders[folder] or "") if not twins else None
            return Encounter(folder, proposal.group.home, tracks, tracks, twins=twins, trouble=trouble)

        usual: dict[str, Any] = {"space": PLENTY, "same": lambda _files, _others: False, "meets": meets}
        return World(names=names, differs=lambda _files, folder: folders[folder], **usual | values)


@pytest.fixture
def inbound() -> Inbound:
    return Inbound()


def places(plan: AlbumPlan) -> dict[bytes, bytes]:
    return {file.source: file.target for file in plan.files}


def codes(plan: AlbumPlan) -> list[str]:
    return [reason.code for reason in plan.reasons]


def test_an_album_gets_its_folder_and_its_tracks_their_names(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album())
    assert (plan.outcome, plan.target) == ("staged", b"AR/Artist/2001 - Album")
    assert places(plan) == {b"in/k/01.mp3": b"01 - Song 1.mp3", b"in/k/02.mp3": b"02 - Song 2.mp3"}


def test_evidence_and_warnings_become_reasons(inbound: Inbound) -> None:
    warning, evidence = Reason("missing_tracks", "2 of 12"), Reason("same_release", "…")
    (plan,) = inbound.plan(inbound.album(warnings=(warning,), evidence=(evidence,)))
    assert plan.reasons == (warning, evidence)


def test_side_files_stay_beside_their_track_and_the_rest_keeps_its_folder(inbound: Inbound) -> None:
    songs = [inbound.add(b"in/k/CD%d/01 Song.mp3" % disc) for disc in (1, 2)]
    sides = [
        inbound.add(path, "other")
        for path in (b"in/k/CD2/01 Song.en.lrc", b"in/k/CD1/01 song.LRC", b"in/k/CD1/cover.jpg", b"in/k/rip: it.log")
    ]
    tracks = [GroupTrack(id, disc, 1, "Song") for disc, id in enumerate(songs, 1)]
    (plan,) = inbound.plan(inbound.album(tracks=tracks, sides=tuple(sides), discs=2))
    assert places(plan) == {
        b"in/k/CD1/01 Song.mp3": b"1-01 - Song.mp3",
        b"in/k/CD2/01 Song.mp3": b"2-01 - Song.mp3",
        b"in/k/CD2/01 Song.en.lrc": b"2-01 - Song.en.lrc",
        b"in/k/CD1/01 song.LRC": b"1-01 - Song.LRC",
        b"in/k/CD1/cover.jpg": b"CD1/cover.jpg",
        b"in/k/rip: it.log": b"rip - it.log",
    }


def test_the_lyrics_of_a_track_have_its_name_before_those_that_only_are_called_so(inbound: Inbound) -> None:
    track = GroupTrack(inbound.add(b"in/k/a.mp3"), None, 1, "Song")
    sides = tuple(inbound.add(path, "lyrics") for path in (b"in/k/01 - Song.lrc", b"in/k/a.lrc"))
    (plan,) = inbound.plan(inbound.album(tracks=[track], sides=sides))
    assert places(plan) == {
        b"in/k/a.mp3": b"01 - Song.mp3",
        b"in/k/a.lrc": b"01 - Song.lrc",
        b"in/k/01 - Song.lrc": b"01 - Song [2].lrc",
    }


def test_names_that_meet_after_folding_are_numbered(inbound: Inbound) -> None:
    tracks = [GroupTrack(inbound.add(b"in/k/" + name), None, 1, "Song") for name in (b"a.mp3", b"b.mp3", b"c.MP3")]
    sides = (inbound.add(b"in/k/Cover.jpg", "picture"), inbound.add(b"in/k/cover.JPG", "picture"))
    (plan,) = inbound.plan(inbound.album(tracks=tracks, sides=sides))
    assert list(places(plan).values()) == [
        b"01 - Song.mp3",
        b"01 - Song [2].mp3",
        b"01 - Song [3].mp3",
        b"Cover.jpg",
        b"cover [2].JPG",
    ]


def test_a_file_called_like_our_sidecar_gives_way(inbound: Inbound) -> None:
    group = inbound.album()
    side = inbound.add(b"in/k/Album.Greenroom.json", "other")
    (plan,) = inbound.plan(group._replace(sides=(side,)))
    assert places(plan)[b"in/k/Album.Greenroom.json"] == b"Album.Greenroom [2].json"


def test_a_side_file_from_outside_the_home_keeps_its_name_only(inbound: Inbound) -> None:
    group = inbound.album()
    side = inbound.add(b"elsewhere/cover.jpg", "picture")
    (plan,) = inbound.plan(group._replace(sides=(side,)))
    assert places(plan)[b"elsewhere/cover.jpg"] == b"cover.jpg"


def test_loose_files_in_the_root_keep_no_folder(inbound: Inbound) -> None:
    track = GroupTrack(inbound.add(b"x.mp3"), None, None, None)
    (plan,) = inbound.plan(inbound.album(tracks=[track], sides=(inbound.add(b"x.lrc", "lyrics"),), home=b""))
    assert list(places(plan).values()) == [b"x.mp3", b"x.lrc"]


def test_an_image_and_its_cue_keep_their_names(inbound: Inbound) -> None:
    track = GroupTrack(inbound.add(b"in/k/CD1/Album.flac"), 1, None, "Album")
    cue = inbound.add(b"in/k/CD1/Album.cue", "cue")
    warning = Reason("image_and_cue", "…")
    (plan,) = inbound.plan(inbound.album(tracks=[track], sides=(cue,), warnings=(warning,)))
    assert list(places(plan).values()) == [b"CD1/Album.flac", b"CD1/Album.cue"]


def test_only_tracks_that_a_cue_names_keep_their_names(inbound: Inbound) -> None:
    tracks = [
        GroupTrack(inbound.add(b"in/k/" + name), None, n, "Song") for n, name in enumerate((b"A b.FLAC", b"c.flac"), 1)
    ]
    cue = inbound.add(b"in/k/x.cue", "cue")
    cues = {cue: cue_references(b'\xef\xbb\xbfREM x\r\nFILE "D:\\rip\\a B.flac" WAVE\r\n  TRACK 01 AUDIO\r\n')}
    (plan,) = inbound.plan(inbound.album(tracks=tracks, sides=(cue,)), cues=cues)
    assert list(places(plan).values()) == [b"A b.FLAC", b"02 - Song.flac", b"x.cue"]


@pytest.mark.parametrize(
    ("name", "lists", "told"),
    [
        (b"c.flac", {b"00.m3u": "playlist", b"x.sfv": "checksum", b"rip.log": "log"}, "old ones: 00.m3u, x.sfv."),
        (b"c.flac", {b"%d.md5" % n: "checksum" for n in range(5)}, "old ones: 0.md5, 1.md5, 2.md5 and 2 more."),
        (b"c.flac", {b"x.cue": "cue"}, "old ones: x.cue."),  # it plays c.wav, so it was of no use, and says so
        (b"d.flac", {b"x.cue": "cue"}, None),
        (b"01 - Song.flac", {b"00.m3u": "playlist"}, None),
        (b"c.flac", {b"rip.log": "log"}, None),
    ],
)
def test_lists_that_call_tracks_by_old_names_are_told(
    inbound: Inbound, name: bytes, lists: dict[bytes, str], told: str | None
) -> None:
    tracks = [GroupTrack(inbound.add(b"in/k/" + name), None, 1, "Song")]
    sides = tuple(inbound.add(b"in/k/" + one, role) for one, role in lists.items())
    sheet = cue_references(b'FILE "b.wav" WAVE\nFILE "c.wav" WAVE')
    cues = {side: sheet for side in sides if "cue" in lists.values()}
    (plan,) = inbound.plan(inbound.album(tracks=tracks, sides=sides), cues=cues)
    assert [reason.message.partition("by the ")[2] for reason in plan.reasons] == ([told] if told else [])


def test_a_cue_sheet_in_an_old_code_page_is_read_too() -> None:
    sheet = 'FILE "café.wav" WAVE\nFILE plain.wav WAVE'
    for encoding in ("latin-1", "utf-8", "utf-8-sig", "utf-16"):
        assert cue_references(sheet.encode(encoding)) == {"café.wav", "plain.wav"}


@pytest.mark.parametrize("filling", [b"\n", b" ", b"\t\n", b"FILE "])
def test_a_cue_sheet_full_of_nothing_is_read_in_a_moment(filling: bytes) -> None:
    sheet = filling * (MAX_SMALL // len(filling) - 1) + b'\nFILE "a.wav" WAVE'
    assert "a.wav" in cue_references(sheet)  # what looks through the blanks from each of them takes hours


@pytest.mark.parametrize("verdict", ["needs_review", "quarantined"])
def test_what_grouping_could_not_settle_stays_where_it_is(inbound: Inbound, verdict: str) -> None:
    (plan,) = inbound.plan(inbound.album(verdict=verdict, warnings=(Reason("no_tags", "…"),)))
    assert (plan.outcome, plan.target, codes(plan)) == (verdict, None, ["no_tags"])


def test_an_album_without_a_name_is_never_staged(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album(album=None))
    assert (plan.outcome, codes(plan)) == ("needs_review", ["no_album"])


def test_an_unknown_artist_is_a_folder_only(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album(artist=None))
    assert plan.target == b"_/Unknown Artist/2001 - Album"
    assert plan.group.album_artist is None


def test_an_album_that_is_not_quiet_waits(inbound: Inbound) -> None:
    growing = Reason("growing", "01.mp3 grew by 5 MiB", b"in/k/01.mp3")
    (plan,) = inbound.plan(inbound.album(verdict="quarantined"), waiting={"k": (growing,)})
    assert (plan.outcome, plan.reasons) == ("waiting", (growing,))


@pytest.mark.parametrize(
    ("verdict", "waiting"),
    [
        ("take", {"k": (Reason("growing", "01.mp3 grew by 5 MiB", b"in/k/01.mp3"),)}),
        ("needs_review", {}),
        ("quarantined", {}),
    ],
)
def test_of_an_album_that_stays_the_same_is_told_if_nobody_named_its_files(
    inbound: Inbound, verdict: str, waiting: dict[str, tuple[Reason, ...]]
) -> None:
    inbound.add(b"in/k/cover.jpg", "picture")
    group = inbound.album(verdict=verdict, sides=(1,))
    (named,), world = inbound.plan(group, waiting=waiting), inbound.world(waiting=waiting)
    (plan,) = decide([unnamed(group, inbound.files)], world)
    assert (plan.outcome, plan.target, plan.reasons) == (named.outcome, named.target, named.reasons)
    assert plan.tracks == named.tracks
    assert [file.source for file in plan.files] == [file.source for file in named.files]


def test_the_same_music_again_is_a_duplicate(inbound: Inbound) -> None:
    folder = b"AR/Artist/2001 - Album"
    for staged in ({"k": folder}, {"other": folder}, {}):
        (plan,) = inbound.plan(inbound.album(), on_disk={folder: None}, staged=staged)
        assert (plan.outcome, plan.target, codes(plan)) == ("duplicate", folder, ["same_content"])


def test_the_same_album_with_other_music_is_a_conflict_wherever_it_lies(inbound: Inbound) -> None:
    there = b"AR/Artist/1999 - Album"
    (plan,) = inbound.plan(inbound.album(), on_disk={there: "it has 9 music files"}, staged={"k": there})
    assert (plan.outcome, plan.target, codes(plan)) == ("conflict", there, ["target_differs", "not_as_recorded"])
    assert "1999 - Album" in plan.reasons[0].message
    assert "9 music files" in plan.reasons[0].message


def test_a_copy_of_what_got_a_number_is_a_duplicate_of_that_and_what_is_neither_is_a_conflict(inbound: Inbound) -> None:
    first, second, third = (b"AR/Artist/2001 - Album" + number for number in (b"", b" [2]", b" [3]"))
    staged = {"k": first, "k#in/2": second, "k#in/3": third}
    for differs, outcome in (((None, "x"), ("duplicate", second)), (("x", None), ("duplicate", third)),
                             (("x", "y"), ("conflict", first))):  # fmt: skip
        on_disk = dict(zip((first, second, third), ("z", *differs), strict=True))
        (plan,) = inbound.plan(inbound.album(), on_disk=on_disk, staged=staged)
        assert (plan.outcome, plan.target) == outcome


def test_a_folder_that_is_no_items_is_never_touched(inbound: Inbound) -> None:
    there = b"AR/Artist/2001 - ALBUM"  # the same name where case does not count
    (plan,) = inbound.plan(inbound.album(), on_disk={there: "x"})
    assert (plan.outcome, plan.target) == ("conflict", there)


def test_an_item_whose_folder_is_gone_is_staged_again(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album(), staged={"k": b"AR/Artist/2001 - Album"})
    assert (plan.outcome, plan.target) == ("staged", b"AR/Artist/2001 - Album")


def test_editions_with_one_name_are_numbered_by_key_whatever_their_order(inbound: Inbound) -> None:
    groups = [inbound.album(key) for key in ("b", "a", "c")]
    for order in (groups, groups[::-1]):
        plans = inbound.plan(*order)
        assert [(plan.group.key, plan.target) for plan in plans] == [
            ("a", b"AR/Artist/2001 - Album"),
            ("b", b"AR/Artist/2001 - Album [2]"),
            ("c", b"AR/Artist/2001 - Album [3]"),
        ]
    assert codes(plans[1]) == ["numbered"]


def test_an_edition_passes_by_items_staged_earlier_and_folders_in_transfer(inbound: Inbound) -> None:
    first, second = b"AR/Artist/2001 - Album", b"AR/Artist/2001 - album [2]"
    (plan,) = inbound.plan(inbound.album(), on_disk={first: "x"}, staged={"other": first}, reserved=[second])
    assert (plan.outcome, plan.target) == ("staged", first + b" [3]")


def test_one_key_twice_in_inbound_is_a_conflict_for_the_second(inbound: Inbound) -> None:
    first, second = inbound.album(home=b"in/1"), inbound.album(home=b"in/2")
    plans = inbound.plan(second, first)
    assert [(plan.group.home, plan.outcome) for plan in plans] == [(b"in/1", "staged"), (b"in/2", "conflict")]
    assert codes(plans[1]) == ["key_twice"]


def test_a_second_copy_of_an_album_in_one_plan_is_a_duplicate(inbound: Inbound) -> None:
    twice_by_key = inbound.album("a", home=b"in/1"), inbound.album("a", home=b"in/2")
    twice_by_name = inbound.album("a", home=b"in/1"), inbound.album("b", home=b"in/2")
    for groups in (twice_by_key, twice_by_name):
        plans = inbound.plan(*groups, same=lambda _files, _others: True)
        assert [(plan.outcome, plan.target) for plan in plans] == [
            ("staged", b"AR/Artist/2001 - Album"),
            ("duplicate", b"AR/Artist/2001 - Album"),
        ]
        assert "in/1" in plans[1].reasons[0].message


def test_files_of_an_unfinished_transfer_are_not_planned_again(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album("k"), held=[b"in/k/02.mp3"])
    assert (plan.outcome, plan.target) == ("needs_review", None)
    assert (plan.reasons[0].code, plan.reasons[0].path) == ("unfinished_transfer", b"in/k/02.mp3")


def test_an_album_an_undo_took_back_waits_for_a_person_who_is_told_how_to_let_it_go(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album("k"), taken_back={b"in/k/02.mp3": "transfer-7"})
    assert (plan.outcome, plan.target, plan.reasons[0].code) == ("needs_review", None, "taken_back")
    assert "`greenroom undo --release transfer-7`" in plan.reasons[0].message


def test_an_artist_folder_keeps_the_spelling_it_has(inbound: Inbound) -> None:
    groups = [inbound.album("a", "ABBA", "One"), inbound.album("b", "Abba", "Two")]
    assert [p.target for p in inbound.plan(*groups)] == [b"AB/ABBA/2001 - One", b"AB/ABBA/2001 - Two"]
    on_disk = {b"AB/abba/2000 - Zero": "x"}
    assert [p.target for p in inbound.plan(*groups, on_disk=on_disk)] == [b"AB/abba/2001 - One", b"AB/abba/2001 - Two"]


def test_space_is_counted_album_by_album_and_a_smaller_one_may_still_fit(inbound: Inbound) -> None:
    big = inbound.album("a", tracks=[GroupTrack(inbound.add(b"in/a/1.wav", size=2 * GIB), None, 1, "x")], album="A")
    huge = inbound.album("b", tracks=[GroupTrack(inbound.add(b"in/b/1.wav", size=2 * GIB), None, 1, "x")], album="B")
    small = inbound.album("c", album="C")
    plans = inbound.plan(big, huge, small, space=Space(4 * GIB, GIB, None, way="copy"))
    assert [plan.outcome for plan in plans] == ["staged", "failed", "staged"]
    assert codes(plans[1]) == ["no_space"]
    assert "2.0 GiB" in plans[1].reasons[0].message


def test_an_album_that_never_fits_says_so_instead_of_waiting_for_room(inbound: Inbound) -> None:
    album = inbound.album("a", tracks=[GroupTrack(inbound.add(b"in/a/1.wav", size=2 * GIB), None, 1, "x")], album="A")
    (plan,) = inbound.plan(album, space=Space(GIB, GIB, None, way="copy", total=3 * GIB))
    assert (plan.outcome, codes(plan)) == ("failed", ["no_space"])
    (plan,) = inbound.plan(album, space=Space(GIB, GIB, None, way="copy", total=3 * GIB - 1))
    assert (plan.outcome, codes(plan)) == ("failed", ["never_fits"])
    (plan,) = inbound.plan(album, space=Space(GIB, GIB, None, way="link", total=GIB))
    assert plan.outcome == "staged"


def test_links_need_no_space_but_folders_need_inodes(inbound: Inbound) -> None:
    (plan,) = inbound.plan(inbound.album(), space=Space(0, GIB, 10, way="link"))
    assert plan.outcome == "staged"
    (plan,) = inbound.plan(inbound.album(), space=Space(0, GIB, 3, way="link"))
    assert (plan.outcome, codes(plan)) == ("failed", ["no_space"])


def test_clones_need_no_space_but_inodes_of_their_own(inbound: Inbound) -> None:
    album = inbound.album()
    (plan,) = inbound.plan(album)
    needed = 4 + len(plan.files)
    (plan,) = inbound.plan(album, space=Space(0, GIB, needed, way="clone", total=2 * GIB))
    assert plan.outcome == "staged"
    (plan,) = inbound.plan(album, space=Space(0, GIB, needed - 1, way="clone", total=2 * GIB))
    assert (plan.outcome, codes(plan)) == ("failed", ["no_space"])


@pytest.mark.parametrize("folder", [b"", b"AR", b"AR/Artist"])
def test_a_staging_folder_that_cannot_be_written_fails_the_album(inbound: Inbound, folder: bytes) -> None:
    (plan,) = inbound.plan(inbound.album(), staging_problems={folder: Reason("not_writable", "…")})
    assert (plan.outcome, codes(plan)) == ("failed", ["not_writable"])


def test_a_source_folder_that_cannot_be_emptied_fails_only_its_album(inbound: Inbound) -> None:
    groups = [inbound.album("a", album="A"), inbound.album("b", album="B")]
    plans = inbound.plan(*groups, inbound_problems={b"in/b": Reason("not_writable", "…", b"in/b")})
    assert [plan.outcome for plan in plans] == ["staged", "failed"]


def test_a_file_that_a_shared_folder_keeps_fails_only_its_album(inbound: Inbound) -> None:
    groups = [inbound.album(key, album=key, home=b"in/shared/" + key.encode()) for key in ("a", "b")]
    kept = Reason("permission_denied", "…", b"in/shared/b")
    plans = inbound.plan(*groups, inbound_problems=dict.fromkeys([b"in/shared/b/01.mp3", b"in/shared/b/02.mp3"], kept))
    assert [(plan.outcome, codes(plan)) for plan in plans] == [("staged", []), ("failed", ["permission_denied"])]


def test_sizes_tell_most_differences_without_reading(inbound: Inbound) -> None:
    group = inbound.album()
    proposal = propose(group, inbound.files, {})
    assert size_difference(proposal.files, {b"1": 1000, b"2": 1000}) is None
    assert size_difference(proposal.files, {b"1": 1000, b"2": 1000, b"3": 999}) is None
    assert size_difference(proposal.files, {b"1": 1000}) == "it has 1 music files, this one has 2"
    assert "no music file of 1000 bytes" in str(size_difference(proposal.files, {b"1": 1000, b"2": 999}))


@pytest.mark.parametrize(("total", "kept"), [(5, 0.5), (20, 1), (1000, 20)])
def test_the_reserve_is_what_is_wanted_within_two_and_ten_percent(total: int, kept: float) -> None:
    assert reserve(GIB, total * GIB) == kept * GIB


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (GIB, "1.0 GiB"), (1 << 52, "4096.0 TiB")],
)
def test_sizes_are_shown_as_people_read_them(size: int, text: str) -> None:
    assert human_size(size) == text


NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: name not in (b".", b"..") and b"/" not in name)
FEW = st.sampled_from(["a", "A", "\u0301a", "b/c", "..", "The A", "?"])


@given(st.lists(st.tuples(st.lists(NAMES, max_size=2), NAMES, st.booleans(), st.one_of(st.none(), FEW)), max_size=12))
def test_whatever_files_are_called_no_two_meet_and_none_leaves_the_album(
    wild: list[tuple[list[bytes], bytes, bool, str | None]],
) -> None:
    inbound = Inbound()
    tracks, sides = [], []
    for folders, name, is_audio, title in wild:
        id = inbound.add(b"/".join([b"in", *folders, name]), "audio" if is_audio else "other")
        tracks += [GroupTrack(id, None, 1, title)] if is_audio else []
        sides += [] if is_audio else [id]
    (plan,) = inbound.plan(inbound.album(tracks=tracks, sides=tuple(sides), home=b"in"))
    targets = [fold(file.target) for file in plan.files]
    assert len(set(targets)) == len(wild)
    assert all(part not in ("", ".", "..") for target in targets for part in target.split("/"))
    above = {target[:n] for target in targets for n, c in enumerate(target) if c == "/"}
    assert not above & set(targets)


@given(st.lists(st.tuples(FEW, FEW), max_size=8), st.randoms(use_true_random=False))
def test_whatever_albums_are_called_each_has_a_folder_of_its_own_in_any_order(
    names: list[tuple[str, str]], random: Random
) -> None:
    inbound = Inbound()
    groups = [inbound.album(str(n), artist, album) for n, (artist, album) in enumerate(names)]
    plans = inbound.plan(*groups)
    assert len({fold(plan.target) for plan in plans if plan.target}) == len(groups)
    random.shuffle(groups)
    assert inbound.plan(*groups) == plans
