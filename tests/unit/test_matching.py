"""Which release an album is: the right one, or none without a person; never a wrong one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.items.repository import StagedFile
from processor.matching.assignment import assign
from processor.matching.comparison import compare
from processor.matching.names import OTHER_NUMBER, OTHER_VERSION, artist_distance, title_distance
from processor.matching.own import OwnAlbum, OwnTrack, content_key, own_album
from processor.matching.told import document
from processor.matching.verdict import Verdict, judge
from processor.metadata.known import Credit
from processor.providers.musicbrainz_answers import release_of
from processor.providers.release import Label, Medium, Release, ReleaseTrack
from tests.releases import ARTIST, LENGTHS, TITLES, VARIOUS_ARTISTS, answered, own, release, retitled, uuid


def verdict(album: OwnAlbum, *candidates: Release) -> Verdict:
    return judge([compare(album, one) for one in candidates])


def codes(found: Verdict) -> set[str]:
    return {reason.code for reason in found.reasons}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Song", "THE SONG"), ("Café del Mar", "Cafe Del Mar"), ("Salt & Ash", "Salt and Ash"), ("(Intro)", "Intro"),
        ("Don’t Go", "Dont Go"), ("Song, Pt. 2", "Song (Part 2)"),
        ("Song (Part II)", "Song, Pt. 2"),
    ],
)  # fmt: skip
def test_what_people_write_differently_is_one_title(one: str, other: str) -> None:
    assert title_distance(one, other) == 0


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Song feat. Somebody", "Song", 0.001, 0.05),
        ("Song (2011 Remaster)", "Song", 0.001, 0.1),
        ("Song (A Second Name)", "Song", 0.05, 0.2),
        ("Seventeen Wintres", "Seventeen Winters", 0.01, 0.1),
        ("Symphony No. 5: I. Allegro con brio", "Allegro con brio", 0.05, 0.15),
        ("Symphony No. 5: I. Allegro", "Symphony No. 5: II. Allegro", OTHER_NUMBER, 1),
        ("Symphony No. 5: I. Allegro", "Symphony No. 6: I. Allegro", OTHER_NUMBER, 1),
        ("Part One", "Part Two", OTHER_NUMBER, 1),
        ("Untitled", "Untitled 2", OTHER_NUMBER, 1),
        ("Song (Live)", "Song", OTHER_VERSION, 1),
        ("Song - Demo", "Song", OTHER_VERSION, 1),
        ("Song feat. Somebody (Live)", "Song", OTHER_VERSION, 1),
        ("Song ft. Somebody - Remix", "Song", OTHER_VERSION, 1),
        ("Song feat. Somebody [Acoustic]", "Song feat. Somebody", OTHER_VERSION, 1),
        ("Song (Ao Vivo)", "Song", OTHER_VERSION, 1),
        ("Song (ライブ)", "Song", OTHER_VERSION, 1),
        ("Songs (Demos)", "Songs (Demo)", 0.001, 0.1),
        ("Song (Original Mix)", "Song", 0.001, 0.1),
        ("Song (Club Mix)", "Song", OTHER_VERSION, 1),
        ("Song (Marwitz Remix)", "Song (Ida Holm Remix)", 0.5, 1),
        ("Song (Marwitz Remix)", "Song (Marwicz Remix)", 0.05, 0.2),
        ("Song (Marwitz Remix)", "Song (Marwitz Remix, 2011 Remaster)", 0.01, 0.1),
        ("Song (Live in Oslo)", "Song (Live in Oslo, 1986)", 0.05, 0.1),
        ("Song (Live, 1986)", "Song (Live, 1987)", OTHER_NUMBER, 1),
        ("Song (Live in Oslo)", "Song (Live in Bergen)", OTHER_NUMBER, 1),
        ("Song (Live in Oslo)", "Song (Live from Oslo)", 0.05, 0.1),
        ("Song (Live)", "Song (Live in Concert)", 0.05, 0.1),
        ("Song (En Directo)", "Song (En Vivo)", 0.05, 0.1),
        ("Song (Live in Oslo, 1986)", "Song (Live at the Old Theatre, Oslo, 5/6/1986)", 0.05, 0.1),
        ("Song (Live, 1986)", "Song (Live in Oslo)", 0.05, 0.1),
        ("Song (Live) [2009 Remaster]", "Song (Live) [2011 Remaster]", 0.01, 0.1),
        ("Songs (Edited Version)", "Songs", 0.01, 0.1),
        ("Song (Radio Edit)", "Song (Radio Version)", 0.01, 0.1),
        ("Song (Ida’s Version)", "Song", OTHER_VERSION, 1),  # sung anew
        ("Song (Ida's Version)", "Song [Idas Version]", 0, 0.05),
        ("Song (Bonus Tracks Version)", "Song", 0.01, 0.1),
        ("Song (Extended Mix)", "Song (Extended Version)", 0.01, 0.1),
        ("Song (Marwitz Remix feat. Somebody)", "Song (Marwitz Remix)", 0.001, 0.05),
        ("Song (Take One)", "Song (Take 1)", 0.05, 0.1),
        ("Song (Part 1)", "Song (Part 2)", OTHER_NUMBER, 1),
        ("Song (2009 Remaster)", "Song (2011 Remaster)", 0.01, 0.1),
        ("Interlude (Morning)", "Interlude (Dusk)", 0.5, 1),
        ("Finale", "Overture", 0.6, 1),
    ],
)
def test_titles_are_as_far_apart_as_their_recordings(one: str, other: str, least: float, most: float) -> None:
    assert least <= title_distance(one, other) <= most
    assert title_distance(one, other) == title_distance(other, one)


@pytest.mark.parametrize("beside", [" feat. Ida Holm (Live)", " ft. Ida Holm - Remix", " (En Vivo)"])
def test_a_concert_or_a_remix_is_not_taken_for_the_album_whoever_is_its_guest(beside: str) -> None:
    album = own(release(titles=TITLES[:4]))
    there = tuple(track._replace(title=f"{track.title}{beside}") for track in album.tracks)
    assert verdict(replace(album, tracks=there), release(titles=TITLES[:4])).kind == "ambiguous"


def test_remixes_by_others_are_another_single() -> None:
    ours = own(release(1, ["Song (Marwitz Remix)", "Song (Ida Holm Remix)"], [300_000, 310_000]))
    theirs = release(2, ["Song (Tern Remix)", "Song (Groynes Remix)"], [305_000, 312_000])
    assert verdict(ours, theirs).kind != "accepted"


def test_artists_are_one_in_any_order() -> None:
    assert artist_distance("Beatles, The", "The Beatles") == 0
    assert artist_distance("Air feat. Beth", "Air") < 0.05
    assert artist_distance("One; Other", "Other & One") < 0.05
    assert artist_distance("One", "One & Other") <= 0.2
    assert artist_distance("One", "Other") > 0.3


@given(st.data(), st.integers(1, 5), st.integers(1, 5))
def test_nobody_finds_a_cheaper_assignment(data: st.DataObject, rows: int, columns: int) -> None:
    one = st.sampled_from([0.0, 0.1, 0.5, 1.0]) | st.floats(0, 1)
    costs = data.draw(st.lists(st.lists(one, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    found = assign(costs)
    taken = [column for column in found if column is not None]
    assert len(set(taken)) == len(taken) == min(rows, columns)
    total = sum(costs[row][column] for row, column in enumerate(found) if column is not None)
    short, long = sorted((rows, columns))
    cheapest = min(
        sum(costs[at][other] if rows <= columns else costs[other][at] for at, other in enumerate(order))
        for order in itertools.permutations(range(long), short)
    )
    assert total == pytest.approx(cheapest)


def test_no_rows_and_no_columns_are_assigned_nothing() -> None:
    assert assign([]) == []
    assert assign([[], []]) == [None, None]


@given(st.permutations(range(10)))
def test_the_order_of_files_and_candidates_changes_nothing(order: list[int]) -> None:
    album = own(release())
    mixed = replace(album, tracks=tuple(album.tracks[n] for n in order))
    assert compare(mixed, release()).distance == 0
    assert content_key(mixed.tracks) == content_key(album.tracks)


@given(st.integers(0, 9), st.text(min_size=1, max_size=30), st.integers(0, 600_000) | st.none())
def test_any_change_only_ever_takes_an_album_further_away(at: int, title: str, length: int | None) -> None:
    album = own(release())
    tracks = list(album.tracks)
    tracks[at] = tracks[at]._replace(title=title, length_ms=length)
    found = compare(replace(album, tracks=tuple(tracks)), release())
    assert 0 <= found.distance <= 1
    assert all(0 <= part.penalty <= 1 and part.why.endswith(".") for part in found.parts)


def test_a_clean_album_is_taken_and_says_why() -> None:
    found = verdict(own(release()), release())
    assert found.kind == "accepted"
    assert found.best is not None
    assert found.best.distance == 0
    assert {part.name for part in found.best.parts} >= {"artist", "album", "tracks", "year", "mediums"}
    assert "“Harbour Lights” is 0.000 away" in found.reasons[0].message


def test_a_typo_ridden_album_is_still_the_one() -> None:
    wrong = retitled(own(release()), t1="Lantren Hill", t2="Paper Boat", t3="Cartographer", t5="Seventeen wintres")
    found = verdict(replace(wrong, title="Harbor Lights", artist="Velvet Harbour"), release())
    assert found.kind == "accepted"
    assert found.best is not None
    assert 0 < found.best.distance < 0.04


def test_another_album_is_none() -> None:
    other = release(2, [f"Elsewhere {n}" for n in range(10)], [60_000] * 10, title="Nowhere", credits=(Credit("Who"),))
    assert verdict(own(release()), other).kind == "none"
    assert verdict(own(release())).kind == "none"


FOUR = release(titles=TITLES[:4])
WRONG: dict[str, dict[str, Any]] = {
    "other tracks": {"titles": ["North", "East", "South", "West"]},
    "of a concert": {"titles": [f"{title} (live)" for title in TITLES[:4]]},
    "another order": {"titles": TITLES[3::-1], "lengths": LENGTHS[3::-1]},
    "half an hour longer": {"titles": TITLES[:4], "lengths": [length + 450_000 for length in LENGTHS[:4]]},
    "one more": {"titles": TITLES[:5]},
    "one less": {"titles": TITLES[:3]},
    "another title": {"titles": TITLES[:4], "title": "Nowhere at All"},
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_an_answer_leaves_out_another_album_is_not_taken(name: str) -> None:
    """Each key of MusicBrainz' answer is null wherever it stands, but lengths where nothing else tells them apart."""
    answer = answered(release(5, group_id=uuid(78), **WRONG[name]))
    whole = release_of(answer)
    assert whole is not None
    assert verdict(own(FOUR), whole).kind != "accepted"
    for key in sorted(keys(answer) - ({"length"} if "longer" in name else set())):
        found = release_of(without(answer, key))
        assert found is None or verdict(own(FOUR), found).kind != "accepted", key


def keys(value: Any) -> set[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (set(value) if isinstance(value, dict) else set()).union(*map(keys, inner))


def without(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: None if name == key else without(one, key) for name, one in value.items()}
    return [without(one, key) for one in value] if isinstance(value, list) else value


def test_a_partial_album_is_found_and_a_person_asked() -> None:
    album = own(release())
    found = verdict(replace(album, tracks=album.tracks[:6]), release())
    assert found.kind == "ambiguous"
    assert found.best is not None
    assert found.best.missing == (6, 7, 8, 9)
    (why,) = (reason.message for reason in found.reasons if reason.code == "tracks_missing")
    assert (
        why == "4 of its tracks are not here: 7 “Low Tide, High Wire”, 8 “Glass Orchard”, 9 “Part One”, 10 “Part Two”."
    )


def test_of_the_edition_with_a_bonus_track_and_the_one_without_the_right_one_is_taken() -> None:
    longer = release(2, (*TITLES, "Harbour at Night"), (*LENGTHS, 240_000), disambiguation="deluxe edition")
    assert (got := verdict(own(longer), release(), longer).best) is not None
    assert got.release == longer
    assert verdict(own(longer), release(), longer).kind == "accepted"
    plain = verdict(own(release()), longer, release())
    assert plain.kind == "accepted"
    assert plain.best is not None
    assert plain.best.release.id == release().id


def test_a_bonus_track_nobody_knows_of_is_for_a_person() -> None:
    album = own(release(1, (*TITLES, "Harbour at Night"), (*LENGTHS, 240_000)))
    found = verdict(album, release())
    assert (found.kind, found.best and found.best.unmatched) == ("ambiguous", (10,))


def test_two_reissues_with_the_same_tracks_are_for_a_person_but_the_album_is_sure() -> None:
    again = release(2, date="2009-01-01", country="US", barcode="0601215489422", labels=(Label("Reissues", "RE 1"),))
    album = replace(own(release()), year=None)
    found = verdict(album, release(), again)
    assert (found.kind, codes(found), found.group_id) == ("ambiguous", {"editions"}, uuid(77))


@pytest.mark.parametrize(
    "known",
    [
        {"release_id": uuid(2)}, {"barcode": "601215489422"}, {"catalog_number": "RE-1"},
    ],
)  # fmt: skip
def test_an_id_a_barcode_or_a_catalogue_number_settles_which_reissue_it_is(known: dict[str, Any]) -> None:
    again = release(2, date="2009-01-01", country="US", barcode="0601215489422", labels=(Label("Reissues", "RE 1"),))
    found = verdict(replace(own(release()), year=None, **known), release(), again)
    assert found.kind == "accepted"
    assert found.best is not None
    assert found.best.release == again
    assert "ruled_out" in codes(found) or found.ranked[1].distance > 0.1


@pytest.mark.parametrize(
    "known", [{"barcode": "0601215489422"}, {"catalog_number": "RE 1"}, {"catalog_number": "RE 1; RE 1 LP"}]
)
def test_another_number_than_the_tags_have_is_another_edition_of_the_album(known: dict[str, Any]) -> None:
    found = verdict(replace(own(release()), **known), release())
    assert (found.kind, codes(found) >= {"other_edition"}) == ("ambiguous", True)
    assert found.group_id == (None if "barcode" in known else uuid(77))
    named = replace(own(release()), release_id=uuid(1), **known)
    assert "other_edition" not in codes(verdict(named, release()))


@pytest.mark.parametrize(
    "known",
    [{"barcode": "0"}, {"catalog_number": "none"}, {"catalog_number": "RE 1; TW-12"}, {"catalog_number": "n/a"}],
)
def test_what_is_no_number_or_one_of_several_speaks_against_nothing(known: dict[str, Any]) -> None:
    assert verdict(replace(own(release()), **known), release()).kind == "accepted"


def test_a_number_of_two_records_is_one_number() -> None:
    there = release(labels=(Label("Tidewater", "TW 7067/8"),))
    assert verdict(replace(own(there), catalog_number="TW 7067/8"), there).kind == "accepted"


@pytest.mark.parametrize(
    ("ours", "theirs", "is_same"),
    [
        ("CD", "Enhanced CD", True), ("CDr", "CD-R", True), ("Vinyl", '12" Vinyl', True),
        ('12" Vinyl', '7" Vinyl', False),
        ("Compact Disc", "CD", True), ("WEB", "Digital Media", True), ("Digital Media", "CD", False),
    ],
)  # fmt: skip
def test_a_medium_may_be_called_less_exactly(ours: str, theirs: str, is_same: bool) -> None:
    there = release(media=(replace(release().media[0], format=theirs),))
    assert compare(replace(own(there), media=ours), there).agrees("media") is is_same


@pytest.mark.parametrize("country", ["GB", "UK", "gb", "IE"])
def test_each_country_it_was_released_in_is_right(country: str) -> None:
    there = release(country="GB", countries=("GB", "IE"))
    assert compare(replace(own(there), country=country), there).agrees("country")
    assert compare(replace(own(there), country="FR"), there).penalty("country") == 1


@pytest.mark.parametrize(
    ("ours", "title", "theirs", "kind"),
    [
        ("Harbour Lights (Explicit)", "Harbour Lights", "clean", "ambiguous"),
        ("Harbour Lights (Explicit)", "Harbour Lights", "explicit lyrics", "accepted"),
        ("Harbour Lights (Edited)", "Harbour Lights", "clean", "accepted"),
        ("Harbour Lights", "Harbour Lights", "clean", "accepted"),
        ("Harbour Lights (Deluxe Version)", "Harbour Lights", "deluxe edition", "accepted"),
        ("Harbour Lights (Remastered)", "Harbour Lights", "2011 remaster", "accepted"),
        ("Harbour Lights (Japanese Edition)", "Harbour Lights", "Japan", "accepted"),
        ("Harbour Lights (European Edition)", "Harbour Lights", "Japan", "ambiguous"),
        ("Harbour Lights (Deluxe)", "Harbour Lights (Deluxe)", "explicit", "accepted"),
        ("Harbour Lights (1998)", "Harbour Lights", "digipak", "accepted"),
        ("Harbour Lights (Original Motion Picture Soundtrack)", "Harbour Lights", "enhanced", "accepted"),
    ],
)
def test_an_edition_by_another_name_is_for_a_person(ours: str, title: str, theirs: str, kind: str) -> None:
    there = release(title=title, disambiguation=theirs)
    assert verdict(replace(own(there), title=ours), there).kind == kind


def test_a_barcode_both_reissues_share_settles_nothing() -> None:
    album = replace(own(release()), barcode="5012345678900")
    assert verdict(album, release(), release(2)).kind == "ambiguous"


def test_the_same_tracks_under_another_name_do_not_compete() -> None:
    album = replace(own(release()), year=None)
    tribute = release(2, credits=(Credit("A Tribute Orchestra"),), group_id=uuid(78))
    assert (
        verdict(album, release(), release(3, title="Harbour Lights, Volume 2", group_id=uuid(79)), tribute).kind
        == "accepted"
    )


def test_an_id_that_was_merged_into_another_still_counts() -> None:
    album = replace(own(release()), release_id=uuid(5))
    assert verdict(album, release(1, ids=frozenset({uuid(5)})), release(2)).kind == "accepted"
    of_a_group_that_was_merged = replace(own(release()), release_id=uuid(1), group_id=uuid(78))
    assert verdict(of_a_group_that_was_merged, release()).kind == "accepted"


def test_an_id_of_one_database_says_nothing_of_a_release_of_another() -> None:
    elsewhere = replace(release(), source="discogs", id="302127")
    assert compare(own(release(), release_id=uuid(1)), elsewhere).penalty("release id") is None
    assert compare(own(release(), release_id="302127"), elsewhere).agrees("release id")
    assert compare(own(release(), release_id="302127"), release()).penalty("release id") is None


def test_tags_that_name_a_release_of_other_music_are_not_believed() -> None:
    other = release(2, [f"Elsewhere {n}" for n in range(10)], [60_000] * 10, title="Nowhere")
    found = verdict(replace(own(release()), release_id=uuid(2)), other)
    assert found.kind != "accepted"


def test_a_remaster_is_told_by_its_lengths() -> None:
    longer = release(2, lengths=[length + 9_000 + 500 * n for n, length in enumerate(LENGTHS)], date="2011")
    found = verdict(replace(own(longer), year=None), release(), longer)
    assert found.kind == "accepted"
    assert found.best is not None
    assert found.best.release == longer
    near = release(3, lengths=[length + 4_000 for length in LENGTHS])
    both = verdict(own(release()), release(), near)
    assert both.kind == "ambiguous"
    assert both.best is not None
    assert both.best.release.id == release().id


def test_one_other_recording_among_many_is_enough_to_ask() -> None:
    live = retitled(own(release()), t4="Salt & Ash (Live)")
    assert codes(verdict(live, release())) >= {"tracks_differ"}
    album = own(release())
    long = list(album.tracks)
    long[2] = long[2]._replace(length_ms=LENGTHS[2] + 70_000)
    found = verdict(replace(album, tracks=tuple(long)), release())
    assert (found.kind, "tracks_differ" in codes(found)) == ("ambiguous", True)


def test_a_translated_track_list_stands_for_its_original_and_is_never_taken_itself() -> None:
    titles = ["灯台の丘", "紙の舟"]
    original = release(1, titles, title="港の灯", media=release(1, titles).media)
    pseudo = release(2, TITLES[:2], status="Pseudo-Release", translates=original.id)
    assert verdict(own(pseudo), pseudo).kind == "ambiguous"
    told = original.translated_by(pseudo)
    found = verdict(own(pseudo), told, pseudo)
    assert found.kind == "accepted"
    assert found.best is not None
    assert found.best.release.id == original.id


def test_a_symphony_tagged_by_movement_is_near_and_its_composer_is_its_artist() -> None:
    work = "Symphony No. 3 in E minor, Op. 40"
    movements = [f"{work}: {name}" for name in ("I. Allegro", "II. Andante", "III. Scherzo", "IV. Finale")]
    players = (Credit("Ilse Marwitz", None, "; ", "Marwitz, Ilse"), Credit("Orchester am Deich"))
    there = release(1, movements, [700_000, 540_000, 410_000, 620_000], title=work, credits=players)
    here = retitled(own(there), t1="I. Allegro", t2="II. Andante", t3="III. Scherzo", t4="IV. Finale")
    here = replace(here, artist="Marwitz, Ilse; Orchester am Deich")
    found = verdict(here, there)
    assert found.best is not None
    assert found.best.distance < 0.1
    assert not found.best.doubts
    swapped = retitled(here, t1="II. Andante", t2="I. Allegro")
    assert verdict(swapped, there).kind == "ambiguous"


def test_a_mix_of_many_artists_is_taken_by_its_tracks_and_as_one_file_by_nobody() -> None:
    names = [Credit(f"Artist {n}") for n in range(6)]
    tracks = tuple(ReleaseTrack(f"Cut {n * 7}x", n + 1, str(n + 1), 300_000 + n * 1000, (names[n],)) for n in range(6))
    mix = Release(
        "musicbrainz", uuid(1), "Night Mix", credits=(VARIOUS_ARTISTS,), media=(Medium(1, "CD", tracks=tracks),)
    )
    album = replace(own(mix), artist="VA")
    assert verdict(album, mix).kind == "accepted"
    single = OwnAlbum("Night Mix", "Various", discs=1, tracks=(OwnTrack(b"mix.mp3", "Night Mix", length_ms=1_815_000),))
    assert verdict(single, mix).kind != "accepted"


@pytest.mark.parametrize("beside", [" (Live)", " 2", " - Demo"])
@pytest.mark.parametrize("is_mix", [True, False])
def test_one_title_of_another_recording_is_enough_to_ask_whatever_else_agrees(beside: str, is_mix: bool) -> None:
    """The artist of each track of a mix agrees, too, and weighs."""
    names = [Credit(f"Artist {n}") if is_mix else ARTIST for n in range(10)]
    tracks = [replace(track, credits=(name,)) for (_, track), name in zip(release().tracks(), names, strict=True)]
    credits = (VARIOUS_ARTISTS,) if is_mix else (ARTIST,)
    there = release(credits=credits, media=(Medium(1, "CD", tracks=tuple(tracks)),))
    found = verdict(retitled(own(there), t4=f"Salt & Ash{beside}"), there)
    assert (found.kind, codes(found)) == ("ambiguous", {"tracks_differ"})


def test_what_is_a_concert_throughout_may_say_so_of_each_song() -> None:
    album = own(release())
    said = tuple(track._replace(title=f"{track.title} (Live)") for track in album.tracks)
    album = replace(album, title="Harbour Lights (Live)", tracks=said)
    assert verdict(album, release(secondary_types=("Live",))).kind == "accepted"
    assert verdict(album, release()).kind == "none"


def test_a_song_is_by_nobody_only_because_its_album_is_by_many() -> None:
    """Discogs does not name the artist of each track; the files may."""
    tracks = tuple(ReleaseTrack(f"Cut {n * 7}x", n, str(n), 300_000 + n) for n in range(1, 4))
    there = release(credits=(VARIOUS_ARTISTS,), media=(Medium(1, "CD", tracks=tracks),))
    assert credited_tracks(there) == [None] * 3
    assert credited_tracks(replace(there, credits=(ARTIST,))) == [ARTIST.name] * 3


def credited_tracks(there: Release) -> list[str | None]:
    said = document(own(there), compare(own(there), there))
    return [fields["credits"][0][0] if "credits" in fields else None for part, fields in said.items() if part]


def test_an_edition_in_another_order_is_for_a_person() -> None:
    album = own(release())
    first, second, *others = album.tracks
    swapped = (first._replace(position=2), second._replace(position=1), *others)
    assert codes(verdict(replace(album, tracks=swapped), release())) == {"tracks_reordered"}


def test_tracks_on_each_others_disc_are_for_a_person() -> None:
    there = release(discs=2)
    album = own(there)
    first, *others = album.tracks
    sixth = others.pop(4)
    swapped = (first._replace(disc=2), *others, sixth._replace(disc=1))
    assert codes(verdict(replace(album, tracks=swapped), there)) == {"tracks_reordered"}


def test_discs_numbered_through_are_as_good_as_discs_numbered_each() -> None:
    there = release(1, discs=2)
    album = own(there)
    through = tuple(track._replace(position=n, disc=1) for n, track in enumerate(album.tracks, 1))
    found = verdict(replace(album, tracks=through), there)
    assert found.best is not None
    assert not found.best.doubts
    assert compare(album, there).distance == 0


def test_each_of_several_artists_may_be_called_by_another_name() -> None:
    names = [("Кино", "Kino"), ("坂本", "Sakamoto")]
    listed = [
        {"name": name, "joinphrase": " & ", "artist": {"name": name, "aliases": [{"name": also}]}}
        for name, also in names
    ]
    said = {"id": uuid(1), "title": "Low Tide", "artist-credit": [listed[0], listed[1] | {"joinphrase": ""}]}
    found = release_of(said)
    assert found is not None
    for artist in ("Kino & 坂本", "Кино & Sakamoto", "Kino & Sakamoto"):
        assert compare(replace(own(release()), artist=artist), found).agrees("artist"), artist


def test_nobody_misses_hidden_data_and_video_tracks() -> None:
    whole = release()
    extra = (ReleaseTrack("Hidden", 0, "0", 60_000, (ARTIST,), place="pregap"), *whole.media[0].tracks,
             ReleaseTrack("Film", 11, "11", None, (ARTIST,), place="data"))  # fmt: skip
    there = replace(whole, media=(replace(whole.media[0], tracks=extra), Medium(2, "DVD-Video", tracks=(extra[1],))))
    assert compare(own(whole), there).is_whole


FILM = tuple(replace(track, length_ms=None, recording_id=None) for track in release().media[0].tracks)


@pytest.mark.parametrize("format", ["DVD-Video", "DVD", "VCD", "HD-DVD", "Data CD"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_film_of_the_same_songs_is_not_taken_for_the_disc_beside_it(format: str, is_first: bool) -> None:
    film, disc = Medium(None, format, tracks=FILM), release().media[0]
    media = (film, disc) if is_first else (disc, film)
    there = release(media=tuple(replace(medium, position=n) for n, medium in enumerate(media, 1)))
    found = verdict(own(release()), there)
    assert (found.kind, found.best and {pair.seconds_apart for pair in found.best.pairs}) == ("accepted", {0.0})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Hybrid SACD (CD layer)", "Hybrid SACD (SACD layer, multichannel)"),
        ("DualDisc (DVD-Audio side)", "DualDisc (CD side)"),
    ],
)
def test_nobody_misses_the_other_layer_of_a_disc(first: str, second: str) -> None:
    disc = release().media[0]
    there = release(media=(replace(disc, format=first), replace(disc, position=2, format=second)))
    assert verdict(own(release()), there).kind == "accepted"


def test_of_a_film_alone_each_song_is_missed() -> None:
    there = release(media=(Medium(1, "DVD-Video", tracks=FILM),))
    album = own(release())
    assert verdict(replace(album, tracks=album.tracks[:3]), there).kind != "accepted"


@pytest.mark.parametrize("title", ["[silence]", "[data track]"])
def test_nobody_misses_tracks_of_silence_before_a_hidden_one(title: str) -> None:
    disc = release().media[0]
    still = tuple(ReleaseTrack(title, n, str(n), 4_000, (ARTIST,)) for n in range(11, 69))
    hidden = ReleaseTrack("Harbour at Night", 69, "69", 240_000, (ARTIST,))
    there = release(media=(replace(disc, tracks=(*disc.tracks, *still, hidden)),))
    album = own(release(1, (*TITLES, "Harbour at Night"), (*LENGTHS, 240_000)))
    assert verdict(album, there).kind == "accepted"


def test_discs_numbered_through_count_no_hidden_track() -> None:
    first, second = release(discs=2).media
    hidden = ReleaseTrack("Hidden", 0, "0", 60_000, (ARTIST,), place="pregap")
    there = release(media=(replace(first, tracks=(hidden, *first.tracks)), second))
    album = own(release(discs=2))
    through = tuple(track._replace(position=n, disc=1) for n, track in enumerate(album.tracks, 1))
    assert verdict(replace(album, tracks=through), there).kind == "accepted"


@pytest.mark.parametrize(("count", "seconds"), [(1, 15), (2, 20), (10, 12)])
def test_where_no_track_is_as_long_it_is_another_edit(count: int, seconds: int) -> None:
    there = release(1, TITLES[:count])
    longer = tuple(track._replace(length_ms=(track.length_ms or 0) + seconds * 1000) for track in own(there).tracks)
    found = verdict(replace(own(there), tracks=longer), there)
    assert (found.kind, codes(found) >= {"lengths_differ"}) == ("ambiguous", True)


def test_a_recording_that_was_merged_into_another_is_no_doubt_but_all_of_them_are() -> None:
    there = release()
    album = own(there)
    known = [track._replace(recording_id=uuid(9000 + n)) for n, track in enumerate(album.tracks)]
    one = [known[0]._replace(recording_id=uuid(1)), *known[1:]]
    assert verdict(replace(album, tracks=tuple(one)), there).kind == "accepted"
    others = tuple(track._replace(recording_id=uuid(n)) for n, track in enumerate(known, 1))
    assert verdict(replace(album, tracks=others), there).kind == "ambiguous"


def test_an_edition_with_a_concert_in_it_does_not_compete() -> None:
    titles = [*TITLES[:9], "Part Two (Live)"]
    assert verdict(own(release()), release(), release(2, titles)).kind == "accepted"


@pytest.mark.parametrize("title", [None, "Interlude"])
@given(order=st.permutations(range(5)))
def test_tracks_that_only_lengths_tell_apart_are_paired_by_them(title: str | None, order: list[int]) -> None:
    """A person who chooses the release gives each file the title of its partner."""
    there = release(1, [title or name for name in TITLES[:5]], [200_000, 204_000, 198_000, 202_000, 206_000])
    bare = [track._replace(title=title, position=None, disc=None) for track in own(there).tracks]
    found = compare(replace(own(there), tracks=tuple(bare[n] for n in order)), there)
    assert [order[pair.own] for pair in found.pairs] == [pair.theirs for pair in found.pairs]


def test_what_is_known_of_nothing_is_no_match_and_breaks_nothing() -> None:
    empty = Release("musicbrainz", uuid(3), media=(Medium(tracks=(ReleaseTrack(), ReleaseTrack())),))
    for album in (OwnAlbum(), OwnAlbum(tracks=(OwnTrack(b"a"), OwnTrack(b"b"))), own(release())):
        assert verdict(album, empty, Release("musicbrainz", uuid(4))).kind != "accepted"
    bare = replace(own(release()), tracks=tuple(track._replace(title=None) for track in own(release()).tracks))
    assert "too_little_known" in codes(verdict(bare, release()))


def test_a_big_box_takes_little_time() -> None:
    titles = [f"Take {n}" for n in range(300)]
    box = release(1, titles, [100_000 + 37 * n for n in range(300)], discs=12)
    assert compare(own(box), box).is_whole


def test_the_key_of_content_is_of_sound_alone() -> None:
    tracks = own(release()).tracks
    retagged = tuple(track._replace(title="Else", path=b"x%d" % n, position=None) for n, track in enumerate(tracks))
    assert content_key(retagged) == content_key(tracks)
    assert content_key(tracks[1:]) != content_key(tracks)
    assert content_key((tracks[0]._replace(codec="mp3"), *tracks[1:])) != content_key(tracks)


@pytest.mark.parametrize("text", ["Track 7", "07", "Audio Track 3", "Titel_12", "Untitled Track", "#4"])
def test_what_programs_write_for_nothing_is_no_name(text: str) -> None:
    item = {"album": "Unknown Album (1.2.2003 10:11:12)", "album_artist": "Unknown Artist", "year": None, "discs": 1,
            "compilation": None}  # fmt: skip
    file = StagedFile(b"a", "audio", b"a", None, 1, text, 1, 1, None, {"artist": "Seven"})
    album = own_album(item, [file], {})
    assert (album.title, album.artist, album.tracks[0].title) == (None, None, None)
    assert album.tracks[0].artist == "Seven"


@pytest.mark.parametrize("text", ["1999", "21", "Track Record", "Unknown Pleasures", "Title Fight", "Untitled"])
def test_what_only_looks_like_nothing_is_a_name(text: str) -> None:
    item = {"album": text, "album_artist": text, "year": None, "discs": 1, "compilation": None}
    assert own_album(item, [], {}).title == text
