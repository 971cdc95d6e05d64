"""What an admin chose about publishing → what is in the library then, also of what was published before."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config import libraries
from config.errors import GreenroomError, Misconfigured, NeedsReview, Rejected, Retryable, RootSilent
from config.libraries import Role
from processor.artwork.tables import BlobHoldRow
from processor.metadata import rows as metadata
from processor.metadata.artists import artist_named, link_artists, write_artist
from processor.metadata.documents import ITSELF, part_of
from processor.publication import news
from processor.publication.drafting import Plan
from processor.publication.given import Chosen
from processor.tables import StagingItem
from tests.scenarios.conftest import SHM
from tests.scenarios.drops import song
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import (
    OWN,
    add_library,
    approve,
    given,
    hang,
    picture,
    publish,
    published,
    rehearse,
    staged,
    take_out,
    unexplained,
)
from tests.scenarios.test_publish import ALBUM, codes, say
from workflow.operations import publishing


def chosen(house: House) -> Chosen:
    return Chosen([picture(house, "front", b"front")], [picture(house, "thumb", b"ada")])


def two_of_ada(house: House) -> tuple[Path, int, int]:
    """Have a library, and two approved albums of one artist; return it and them."""
    library = add_library(house)
    for name in ("Low Tide", "High Tide"):
        house.drop({f"{name}/1.flac": song(1, artist="Ada", album=name)})
    house.cycle(rehearsed=False)
    one, two = approve(house)
    return library, one, two


def with_words(house: House, item_id: int) -> None:
    """Let the words of a track be known, which are published beside it."""
    with house.database.begin() as connection:
        first = metadata.album(connection, item_id).tracks[0].path
        metadata.say(connection, item_id, part_of(first), "lyrics", "La la.", NOW)


MUSIC = [f"{ALBUM}/01 - Song 1.flac", f"{ALBUM}/02 - Song 2.flac", f"{ALBUM}/{OWN}"]
TEXTS = [f"{ALBUM}/01 - Song 1.txt", f"{ALBUM}/album.nfo", "Ada/artist.nfo"]
OF_ARTIST = ["artist.jpg", "artist.nfo", "folder.jpg", "poster.jpg"]
PICTURES = [f"{ALBUM}/cover.jpg", f"{ALBUM}/folder.jpg", "Ada/artist.jpg", "Ada/folder.jpg", "Ada/poster.jpg"]


@pytest.mark.parametrize(("setting", "left"), [("nfo", PICTURES), ("assets", TEXTS)])
def test_what_is_turned_off_is_not_published_and_goes_from_what_was(
    house: House, setting: str, left: list[str]
) -> None:
    library, item_id = staged(house)
    with_words(house, item_id)
    publish(house, item_id, chosen(house))
    assert published(library) == sorted([*MUSIC, *TEXTS, *PICTURES])
    house.change(**{f"phase.publish.{setting}": "false"})
    assert publish(house, item_id, chosen(house)).outcome == "refreshed"
    assert published(library) == sorted([*MUSIC, *left])
    assert take_out(house, item_id).outcome == "undone"
    approve(house)
    publish(house, item_id, chosen(house))
    assert published(library) == sorted([*MUSIC, *left])


def test_what_is_said_of_a_track_stays_said_when_its_album_leaves_the_library_and_its_name_there(house: House) -> None:
    library, item_id = staged(house)
    with_words(house, item_id)
    house.change(**{"phase.publish.file": "{title}"})
    for _ in range(2):
        publish(house, item_id)
        assert publish(house, item_id).outcome == "unchanged"
        assert (library / ALBUM / "Song 1.txt").read_text().strip() == "La la."
        assert take_out(house, item_id).outcome == "undone"
        approve(house)


def test_the_pictures_of_discs_stay_when_an_album_is_published_again(house: House) -> None:
    library, item_id = staged(
        house, {f"Low Tide/CD{n}/1.mp3": song(1, disc=f"{n}/2", artist="Ada", album="Low Tide") for n in (1, 2)}
    )
    publish(house, item_id, chosen(house))
    assert publish(house, item_id, chosen(house)).outcome == "unchanged"
    publish(house, item_id, Chosen([picture(house, "front", b"another")]))
    covers = {str(path.relative_to(library / "Ada/Low Tide")): path.read_bytes() for path in library.rglob("cover.jpg")}
    assert covers == dict.fromkeys(("cover.jpg", "CD 1/cover.jpg", "CD 2/cover.jpg"), b"another")


@pytest.fixture
def far_library(house: House) -> Iterator[Path]:
    """A library on another file system."""
    if not SHM.is_dir() or SHM.stat().st_dev == house.staging.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    add_library(house, "near")
    folder = Path(tempfile.mkdtemp(prefix="greenroom-", dir=SHM))
    with house.database.begin() as connection:
        libraries.add_library(connection, "library", os.fsencode(folder), now=NOW)
    house.change(**{"phase.publish.library": f"* -> {folder}"})
    yield folder
    shutil.rmtree(folder)


def test_hard_links_are_refused_where_there_can_be_none_before_anything_is_copied(
    house: House, far_library: Path
) -> None:
    house.change(transfer="hardlink")
    house.drop({"Low Tide/1.flac": song(1, artist="Ada", album="Low Tide")})
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    with pytest.raises(NeedsReview, match="so nothing can be hard-linked") as refused:
        publish(house, item_id)
    assert refused.value.reason_code == "cannot_hardlink"
    assert published(far_library) == []


@pytest.mark.parametrize(
    ("mode", "room", "fits"),
    [("move", 0, False), ("move", 1 << 14, True), ("hardlink", 1 << 14, True), ("copy", 1 << 14, False)],
)
def test_room_is_wanted_for_what_is_made_and_for_music_that_is_not_linked(
    house: House, monkeypatch: pytest.MonkeyPatch, mode: str, room: int, fits: bool
) -> None:
    library = add_library(house)
    house.change(transfer=mode)
    house.drop({"Low Tide/1.flac": song(1, artist="Ada", album="Low Tide"), "Low Tide/scan.tif": bytes(1 << 16)})
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    left = os.statvfs_result((4096, 1, 1 << 17, room, room, 1 << 20, 1 << 20, 1 << 20, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: left)
    if fits:
        assert publish(house, item_id, chosen(house)).outcome == "published"
        return
    with pytest.raises(Retryable, match="stay in reserve"):
        publish(house, item_id, chosen(house))
    assert published(library) == []


def test_another_template_leaves_the_folder_of_an_artist_that_other_albums_are_in(house: House) -> None:
    library, one, two = two_of_ada(house)
    publish(house, one, chosen(house))
    house.change(folder="Music/{album_artist}/{album}")
    publish(house, two, chosen(house))
    for above in ("Ada", "Music/Ada"):
        assert sorted(path.name for path in (library / above).iterdir() if path.is_file()) == OF_ARTIST
    assert unexplained(house, library) == []


def test_a_folder_that_another_template_made_is_not_taken_for_an_artists(house: House) -> None:
    library, one, two = two_of_ada(house)
    house.change(folder="Rock/{album}")
    publish(house, one, chosen(house))
    house.change(folder="{album_artist}/{album}")
    say(house, one, "review", "Fine.")
    assert publish(house, one, chosen(house)).outcome == "refreshed"
    assert [path.name for path in (library / "Rock").iterdir() if path.is_file()] == []
    publish(house, two, chosen(house))
    assert sorted(path.name for path in (library / "Ada").iterdir() if path.is_file()) == OF_ARTIST
    assert publish(house, one, chosen(house), rename=True).outcome == "upgraded"
    assert not (library / "Rock").exists()


def test_the_files_of_an_artist_leave_a_folder_with_the_last_album_that_leaves_it(house: House) -> None:
    library, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id, chosen(house))
    house.change(folder="Music/{album_artist}/{album}")
    assert publish(house, one, chosen(house), rename=True).outcome == "upgraded"
    for above in ("Ada", "Music/Ada"):
        assert sorted(path.name for path in (library / above).iterdir() if path.is_file()) == OF_ARTIST
    publish(house, two, chosen(house), rename=True)
    assert not (library / "Ada").exists()


def test_what_the_files_of_an_artist_were_made_of_is_let_go_with_them(house: House) -> None:
    _, item_id = staged(house)
    publish(house, item_id, chosen(house))
    say(house, item_id, "credits", ["Eva"])
    publish(house, item_id, Chosen(), rename=True)
    with house.database.read() as connection:
        holders = set(connection.scalars(select(BlobHoldRow.holder)))
    assert [holder for holder in holders if "name:ada" in holder] == []
    assert [holder for holder in holders if "name:eva" in holder] != []


@pytest.mark.parametrize("artist", [["Ada", "22221111-2222-3333-4444-555555555555"], "Eva"])
def test_the_files_of_an_artist_go_with_the_album_that_became_known_to_be_by_another(
    house: House, artist: object
) -> None:
    library, item_id = staged(house)
    publish(house, item_id, chosen(house))
    say(house, item_id, "credits", [artist])
    for outcome in ("refreshed", "unchanged"):
        assert publish(house, item_id, chosen(house)).outcome == outcome
    take_out(house, item_id)
    with house.database.read() as connection:
        holders = [*connection.scalars(select(BlobHoldRow.holder).where(BlobHoldRow.holder.like("published %")))]
    assert (published(library), holders) == ([], [])


def test_an_album_is_not_taken_out_of_a_library_whose_disk_hangs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    answers = hang(library, monkeypatch)
    with pytest.raises(RootSilent):
        publishing.unpublish_item(given(house), item_id, threading.Event(), actor="eva")
    answers.set()


def test_a_picture_of_an_artist_that_somebody_changed_is_theirs_once_the_last_album_is_taken_out(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id, chosen(house))
    (library / "Ada/artist.jpg").write_bytes(b"mine")
    take_out(house, item_id)
    with house.database.read() as connection:
        holders = [*connection.scalars(select(BlobHoldRow.holder).where(BlobHoldRow.holder.like("published %")))]
    assert (published(library), holders, unexplained(house, library)) == (["Ada/artist.jpg"], [], ["Ada/artist.jpg"])
    assert (library / "Ada/artist.jpg").read_bytes() == b"mine"


def test_the_files_of_an_artist_are_made_again_for_an_album_that_stays_in_their_folder(house: House) -> None:
    """Of two albums by one name only one was known by its id, and so was their artist's; now it is taken out."""
    library, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id, chosen(house))
    say(house, two, "credits", [["Ada", "22221111-2222-3333-4444-555555555555"]])
    publish(house, two, chosen(house))
    take_out(house, two)
    with house.database.read() as connection:
        assert news.outdated(connection).keys() == {one}
    assert publish(house, one, chosen(house)).outcome == "refreshed"
    assert sorted(path.name for path in (library / "Ada").iterdir() if path.is_file()) == OF_ARTIST
    take_out(house, one)
    assert published(library) == []


def test_no_folder_of_an_artist_is_left_where_no_album_of_theirs_is(house: House) -> None:
    library, one, two = two_of_ada(house)
    publish(house, one, chosen(house))
    house.change(folder="Music/{album_artist}/{album}")
    publish(house, two, chosen(house))
    for item_id in (one, two):
        take_out(house, item_id)
    assert [path.name for path in library.iterdir() if not path.name.startswith(".")] == []


def test_so_they_are_for_an_album_of_theirs_where_one_of_somebody_else_is_left_there_too(house: House) -> None:
    library = add_library(house)
    for name in ("Low Tide", "High Tide", "Ebb"):
        house.drop({f"{name}/1.flac": song(1, artist="Ada", album=name)})
    house.cycle(rehearsed=False)
    others, one, two = approve(house)
    for item_id in (others, one, two):
        publish(house, item_id, chosen(house))
    for item_id, who in ((others, "Eva"), (two, ["Ada", "22221111-2222-3333-4444-555555555555"])):
        say(house, item_id, "credits", [who])
        publish(house, item_id, chosen(house))
    take_out(house, two)
    with house.database.read() as connection:
        assert one in news.outdated(connection)
    publish(house, one, chosen(house))
    assert sorted(path.name for path in (library / "Ada").iterdir() if path.is_file()) == OF_ARTIST


def test_what_is_news_to_no_file_of_an_album_is_published_once_and_not_for_ever(house: House) -> None:
    _, item_id = staged(house)
    publish(house, item_id)
    say(house, item_id, "barcode", "5012345678900")  # which no NFO has
    with house.database.read() as connection:
        assert news.outdated(connection).keys() == {item_id}
    assert publish(house, item_id).outcome == "unchanged"
    with house.database.read() as connection:
        assert news.outdated(connection) == {}


def test_what_is_news_of_an_artist_goes_on_to_an_album_that_can_be_published(house: House) -> None:
    library, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id)
    (library / "Ada/High Tide" / OWN).rename(library / "mine")  # now nobody can tell whose album it is
    with house.database.begin() as connection:
        known = artist_named(connection, "Ada", None)
        write_artist(connection, known, "theaudiodb", {ITSELF: {"biography": "She sang."}}, NOW)
        for item_id in (one, two):
            link_artists(connection, item_id, [known])
        assert news.outdated(connection).keys() == {one}
    given_up = publishing.publish_item(given(house), one, threading.Event(), actor="eva")
    assert codes(given_up.reasons) == ["not_as_recorded"]
    with house.database.read() as connection:
        assert news.outdated(connection).keys() == {one, two}
    (library / "mine").rename(library / "Ada/High Tide" / OWN)
    assert publish(house, two).outcome == "refreshed"
    assert "She sang." in (library / "Ada/artist.nfo").read_text()


def test_so_is_what_an_album_cannot_be_told_whose_new_name_somebody_has(house: House) -> None:
    library, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id)
    (library / "Ada/Ebb").mkdir()
    say(house, one, "title", "Ebb")
    with house.database.begin() as connection:
        news.note_of(connection, "artist", "name:ada", NOW)
    with pytest.raises(NeedsReview, match="Greenroom did not put it there"):
        publishing.publish_item(given(house), one, threading.Event(), actor="eva", rename=True)
    with house.database.read() as connection:
        assert news.outdated(connection).keys() == {one, two}


@pytest.mark.parametrize(("error", "is_lasting"), [(Rejected, True), (Retryable, False)])
def test_what_an_artist_has_is_told_by_the_next_album_where_one_is_refused_for_good(
    house: House, monkeypatch: pytest.MonkeyPatch, error: type[GreenroomError], is_lasting: bool
) -> None:
    """What passes by itself is tried again with the album it is news to."""

    def refuse(*_: object, **__: object) -> Plan:
        raise error("a file of it is none that can be read")

    _, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id)
    with house.database.begin() as connection:
        news.note_of(connection, "artist", "name:ada", NOW)
    monkeypatch.setattr("processor.publication.planning.plan", refuse)
    with pytest.raises(error):
        publishing.publish_item(given(house), one, threading.Event(), actor="eva")
    with house.database.read() as connection:
        assert news.outdated(connection).keys() == ({one, two} if is_lasting else {one})


def test_what_is_news_of_an_artist_goes_by_an_album_that_waits_for_a_person(house: House) -> None:
    _, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id)
    with house.database.begin() as connection:
        connection.execute(update(StagingItem).where(StagingItem.id == one).values(status="pending_review"))
        news.note_of(connection, "artist", "name:ada", NOW)
        assert news.outdated(connection).keys() == {two}


@pytest.mark.parametrize("root", ["staging", "library"])
def test_nothing_is_published_while_one_of_its_roots_is_suspended(house: House, root: Role) -> None:
    library, item_id = staged(house)
    with house.database.begin() as connection:
        (one,) = (one for one in libraries.list_libraries(connection) if one.role == root)
        libraries.suspend(connection, one, "half of it is gone")
    with pytest.raises(Misconfigured, match="half of it is gone"):
        publishing.publish_item(given(house), item_id, threading.Event(), actor="eva")
    assert published(library) == []


def test_a_rehearsal_says_that_the_disk_of_the_library_is_not_there(house: House, tmp_path: Path) -> None:
    library, item_id = staged(house)
    library.rename(tmp_path / "unmounted")
    library.mkdir()
    with pytest.raises(Misconfigured, match="is its disk mounted"):
        rehearse(house, item_id)


@pytest.mark.parametrize(
    "various",
    [
        ("compilation", True),
        ("credits", [["Various Artists", "89ad4ac3-39f7-470e-963a-56509c546377"]]),
        ("credits", [["Ada", None, " & "], ["Bea"]]),
    ],
)
def test_the_folder_of_various_artists_or_of_several_is_nobodys(house: House, various: tuple[str, object]) -> None:
    library, item_id = staged(house)
    say(house, item_id, *various)
    publish(house, item_id, chosen(house))
    assert [path.name for path in library.rglob("artist.*")] == []


ID = "22221111-2222-3333-4444-555555555555"


def test_an_artists_nfo_is_of_the_artist_of_that_id_and_of_no_other_of_the_name(house: House) -> None:
    library, item_id = staged(house)
    with house.database.begin() as connection:
        known = artist_named(connection, "Ada", ID)
        write_artist(connection, known, "theaudiodb", {ITSELF: {"biography": "She sang."}}, NOW)
        link_artists(connection, item_id, [known])
    say(house, item_id, "credits", [["Ada", ID]])
    publish(house, item_id)
    nfo = library / "Ada" / "artist.nfo"
    assert (ID in nfo.read_text(), "She sang." in nfo.read_text()) == (True, True)
    other = ID.replace("2", "3")
    say(house, item_id, "credits", [["Ada", other]])
    publish(house, item_id)
    assert (other in nfo.read_text(), "She sang." in nfo.read_text()) == (True, False)


def test_an_artist_whom_albums_spell_in_two_ways_has_one_nfo_with_all_that_is_known(house: House) -> None:
    library = add_library(house)
    for name, artist in (("Low Tide", "Ada"), ("High Tide", "ADA")):
        house.drop({f"{name}/1.flac": song(1, artist=artist, album=name)})
    house.cycle(rehearsed=False)
    with house.database.begin() as connection:
        for item in house.items().values():
            known = artist_named(connection, item["album_artist"], None)
            link_artists(connection, item["id"], [known])
        write_artist(connection, known, "theaudiodb", {ITSELF: {"biography": "Born by the sea."}}, NOW)
    ids = approve(house)
    for item_id in ids:
        publish(house, item_id)
    (nfo,) = library.rglob("artist.nfo")
    before = nfo.read_bytes()
    assert b"Born by the sea." in before
    for item_id in ids:
        publish(house, item_id)
        assert nfo.read_bytes() == before


@pytest.mark.parametrize("rename", [False, True])
def test_an_artists_files_stay_while_another_album_there_is_by_that_artist(house: House, rename: bool) -> None:
    library, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id, chosen(house))
    say(house, one, "credits", [["Eva" if rename else "Ada", ID]])
    publish(house, one, Chosen(), rename=rename)
    assert sorted(path.name for path in (library / "Ada").iterdir() if path.is_file()) == OF_ARTIST
    assert (ID in (library / "Ada" / "artist.nfo").read_text()) is not rename, "who is Eva now was not Ada's"


def test_an_artists_files_stay_in_a_folder_in_which_another_album_of_theirs_is_left(house: House) -> None:
    library, one, two = two_of_ada(house)
    for item_id in (one, two):
        publish(house, item_id, chosen(house))
    house.change(**{"phase.publish.folder": "Music/{album_artist}/{album}"})
    for item_id, left in ((one, OF_ARTIST), (two, [])):
        assert publish(house, item_id, chosen(house), rename=True).outcome == "upgraded"
        assert sorted(path.name for path in (library / "Ada").glob("*.*")) == left
        assert sorted(path.name for path in (library / "Music/Ada").glob("*.*")) == OF_ARTIST


def test_an_album_that_gets_another_name_in_the_folder_of_its_artist_leaves_that_as_it_is(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id, chosen(house))
    before = {path: path.stat().st_ino for path in (library / "Ada").iterdir() if path.is_file()}
    say(house, item_id, "title", "High Tide")
    assert publish(house, item_id, chosen(house), rename=True).outcome == "upgraded"
    assert {path: path.stat().st_ino for path in (library / "Ada").iterdir() if path.is_file()} == before


def test_of_a_picture_that_somebody_put_there_already_nothing_is_said(house: House) -> None:
    library, item_id = staged(house)
    (library / "Ada").mkdir()
    (library / "Ada" / "folder.jpg").write_bytes(b"ada")
    assert publish(house, item_id, chosen(house)).reasons == ()
    assert unexplained(house, library) == ["Ada/folder.jpg"]


def test_an_nfo_that_somebody_edits_goes_on_with_its_album_to_another_name(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    nfo = library / ALBUM / "album.nfo"
    nfo.write_text(nfo.read_text().replace("</album>", "  <mood>mine</mood>\n</album>"))
    say(house, item_id, "title", "High Tide")
    assert codes(publish(house, item_id, rename=True).reasons) == ["edits_kept", "trashed"]
    assert "<mood>mine</mood>" in (library / "Ada/High Tide (2014)/album.nfo").read_text()
    assert "<title>High Tide</title>" in (library / "Ada/High Tide (2014)/album.nfo").read_text()


def edit(house: House, item_id: int, nfo: Path, *, is_merged: bool) -> str:
    """Add something to an NFO; and let what becomes known be published, so that Greenroom writes it with that."""
    tag = f"</{nfo.stem}>"
    nfo.write_text(nfo.read_text().replace(tag, f"  <mood>mine</mood>\n{tag}"))
    if is_merged:
        say(house, item_id, "genres", ["Folk"])
        say(house, item_id, "credits", [["Ada", ID]])
        before = nfo.read_bytes()
        assert publish(house, item_id).outcome == "refreshed"
        assert nfo.read_bytes() != before
    assert "<mood>mine</mood>" in nfo.read_text()
    return nfo.read_text()


@pytest.mark.parametrize("is_merged", [False, True])
def test_an_nfo_that_somebody_edited_keeps_its_album_from_being_taken_out_with_it(
    house: House, is_merged: bool
) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    nfo = library / ALBUM / "album.nfo"
    before = edit(house, item_id, nfo, is_merged=is_merged)
    refused = publishing.unpublish_item(given(house), item_id, threading.Event(), actor="eva")
    assert (refused.outcome, nfo.read_text()) == ("refused", before)
    assert [reason.message.partition(", and ")[2] for reason in refused.reasons] == [
        "somebody put it there or changed it; move it elsewhere first."
    ]
    nfo.unlink()
    assert take_out(house, item_id).outcome == "undone"
    assert published(library) == []


@pytest.mark.parametrize("name", [f"{ALBUM}/album.nfo", "Ada/artist.nfo"])
@pytest.mark.parametrize("is_merged", [False, True])
def test_an_nfo_that_somebody_edited_stays_when_none_is_wanted_any_more(
    house: House, name: str, is_merged: bool
) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    before = edit(house, item_id, library / name, is_merged=is_merged)
    house.change(nfo="false")
    assert codes(publish(house, item_id).reasons) == ["changed_kept"]
    assert (library / name).read_text() == before
    assert unexplained(house, library) == [name]


@pytest.mark.parametrize("is_merged", [False, True])
def test_it_goes_on_then_with_its_album_to_another_name(house: House, is_merged: bool) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    before = edit(house, item_id, library / ALBUM / "album.nfo", is_merged=is_merged)
    house.change(nfo="false")
    say(house, item_id, "title", "High Tide")
    assert publish(house, item_id, rename=True).outcome == "upgraded"
    assert (library / "Ada/High Tide (2014)/album.nfo").read_text() == before


@pytest.mark.parametrize("is_merged", [False, True])
def test_an_artists_nfo_that_somebody_edited_stays_when_the_last_album_goes(house: House, is_merged: bool) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    nfo = library / "Ada/artist.nfo"
    before = edit(house, item_id, nfo, is_merged=is_merged)
    if is_merged:
        assert take_out(house, item_id).outcome == "undone"
    else:
        say(house, item_id, "credits", ["Eva"])
        assert publish(house, item_id, rename=True).outcome == "upgraded"
    assert nfo.read_text() == before


def test_an_nfo_that_cannot_be_read_any_more_is_theirs_who_wrote_it(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    nfo = library / ALBUM / "album.nfo"
    nfo.write_text("<album><title>mine")
    assert set(codes(publish(house, item_id).reasons)) == {"nfo_unreadable", "changed_kept"}
    assert unexplained(house, library) == [f"{ALBUM}/album.nfo"]
    assert codes(publish(house, item_id).reasons) == ["foreign_kept"]
    assert nfo.read_text() == "<album><title>mine"
