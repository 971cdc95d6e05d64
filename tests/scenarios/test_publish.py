"""Approved albums → the library: names, NFO, pictures; again after changes; out of it again; and what meets them."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from config import admin, libraries
from config.errors import GreenroomError, Misconfigured, NeedsReview, NoRoom, Retryable
from config.reasons import Reason
from config.tables import SettingRow
from processor.artwork.blobs import Blob
from processor.artwork.tables import BlobHoldRow
from processor.filesystem.files import Tree
from processor.metadata import rows as metadata
from processor.metadata.documents import ITSELF, part_of
from processor.moves import publish as moves_publish
from processor.nfo import xml
from processor.publication import laying, ledger
from processor.publication.given import Chosen
from processor.tables import PublicationRow, StagingFile, TransferRow
from processor.transfers import sidecar
from processor.transfers.hidden import TX
from processor.transfers.transfer import Transfer
from tests.scenarios.conftest import SHM
from tests.scenarios.drops import song, songs
from tests.scenarios.house import NOW, House, lines
from tests.scenarios.publishing import (
    LOW_TIDE,
    OWN,
    add_library,
    approve,
    given,
    picture,
    publish,
    published,
    staged,
    take_out,
    unexplained,
)
from workflow import history
from workflow.operations import publishing
from workflow.operations.fsck import forget_item
from workflow.operations.undo import undo

ALBUM = "Ada/Low Tide (2014)"


def say(house: House, item_id: int, field: str, value: object) -> None:
    with house.database.begin() as connection:
        metadata.say(connection, item_id, ITSELF, field, value, NOW)


def say_track(house: House, item_id: int, field: str, value: object) -> None:
    with house.database.begin() as connection:
        track = metadata.album(connection, item_id).tracks[0]
        metadata.say(connection, item_id, part_of(track.path), field, value, NOW)


def refuse(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def codes(reasons: Iterable[Reason]) -> list[str]:
    return [reason.code for reason in reasons]


def told(house: House) -> list[tuple[object, ...]]:
    """Return what sidecars in staging say: whose each is, of which album, and which of its files came from where."""
    found = [sidecar.decode(path.read_bytes()) for path in sorted(house.staging.rglob(OWN))]
    pairs = [sorted((file.source, file.target) for file in one.files) for one in found]
    return [
        (one.transfer_id, one.kind, one.src_root, one.target, one.item["key"], came)
        for one, came in zip(found, pairs, strict=True)
    ]


@pytest.mark.parametrize(("sheet", "name"), [("Low Tide.cue", "01 - Song 1.flac"), ("rip.log", "01 - Wave.flac")])
def test_a_track_that_a_cue_sheet_plays_keeps_its_name_in_the_library(house: House, sheet: str, name: str) -> None:
    """Players look for it under the name in the sheet, which is not rewritten."""
    text = b'FILE "01 - SONG 1.flac" WAVE\r\n  TRACK 01 AUDIO'
    library, item_id = staged(house, LOW_TIDE | {f"Low Tide/{sheet}": text})
    say_track(house, item_id, "title", "Wave")
    assert publish(house, item_id).outcome == "published"
    assert [path.name for path in sorted(library.rglob("*.flac"))] == [name, "02 - Song 2.flac"]


def test_a_cue_sheet_that_cannot_be_read_is_told_with_all_of_its_path(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Tree.opened

    def fail(tree: Tree, path: bytes) -> AbstractContextManager[int]:
        if path.endswith(b".cue"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return opened(tree, path)

    library, item_id = staged(house, LOW_TIDE | {"Low Tide/Low Tide.cue": b""})
    monkeypatch.setattr(Tree, "opened", fail)
    with pytest.raises(GreenroomError, match="Input/output") as failed:
        publish(house, item_id)
    (sheet,) = house.staging.rglob("*.cue")
    assert str(sheet) in failed.value.message
    assert published(library) == []


def test_an_album_is_moved_into_the_library_with_its_nfo_and_back(house: House) -> None:
    library = add_library(house)
    house.drop(LOW_TIDE | {"Low Tide/01 - Song 1.lrc": b"[00:01]la"})
    house.cycle()
    (item_id,) = approve(house)
    before, inodes = house.contents(), {path.stat().st_ino for path in house.staging.rglob("*.flac")}
    signed = told(house)
    outcome = publish(house, item_id)
    assert (outcome.outcome, outcome.reasons) == ("published", ())
    assert published(library) == [
        f"{ALBUM}/01 - Song 1.flac", f"{ALBUM}/01 - Song 1.lrc", f"{ALBUM}/02 - Song 2.flac",
        f"{ALBUM}/album.greenroom.json", f"{ALBUM}/album.nfo", "Ada/artist.nfo",
    ]  # fmt: skip
    assert [path.decode() for path in outcome.plan.files] == [path for path in published(library) if OWN not in path]
    assert unexplained(house, library) == []
    assert house.staged() == []
    assert [path for path in house.staging.iterdir() if path.name[0] != "."] == [], "nor does an empty folder stay"
    assert {path.stat().st_ino for path in library.rglob("*.flac")} == inodes
    assert (library / ALBUM / "album.nfo").read_text().count("<track>") == 2
    assert publish(house, item_id).outcome == "unchanged"
    assert house.run().status == "done"
    with house.database.read() as connection:
        happened = [(row["what"], row["status"]) for row in history.of_item(connection, item_id)]
    assert happened[-2:] == [("publish", "publishing"), ("publish", "published")]
    taken = take_out(house, item_id)
    assert (taken.outcome, taken.reasons) == ("undone", ())
    assert published(library) == []
    assert [path for path in library.iterdir() if not path.name.startswith(".")] == [], "no empty folder stays"
    assert house.contents() == before
    assert told(house) == signed, "the folder in staging says again where its files came from"
    house.check_staging()


PICTURES = {
    "kodi": ["fanart.jpg", "fanart1.jpg", "folder.jpg"],
    "jellyfin": ["backdrop1.jpg", "fanart.jpg", "folder.jpg"],
    "plex": ["CD 1/cover.jpg", "CD 2/cover.jpg", "cover.jpg", "fanart.jpg"],
    "navidrome": ["cover.jpg"],
    "all": [
        "CD 1/cover.jpg", "CD 2/cover.jpg", "backdrop1.jpg", "cover.jpg", "fanart.jpg", "fanart1.jpg", "folder.jpg",
    ],
}  # fmt: skip


@pytest.mark.parametrize("profile", PICTURES)
def test_every_profile_has_its_tree(house: House, profile: str) -> None:
    library = add_library(house)
    house.change(profile=profile)
    house.drop({f"Low Tide/CD{n}/1.mp3": song(1, disc=f"{n}/2", artist="Ada", album="Low Tide") for n in (1, 2)})
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    chosen = Chosen(
        [picture(house, "front", b"front"), *(picture(house, "fanart", b"fan%d" % n, n) for n in (1, 2))],
        [picture(house, "thumb", b"ada", ext="png")],
    )
    publish(house, item_id, chosen)
    found = [path.removeprefix("Ada/Low Tide/") for path in published(library) if path.startswith("Ada/Low Tide/")]
    music = ["CD 1/01 - Song 1.mp3", "CD 2/01 - Song 1.mp3", "album.greenroom.json", "album.nfo"]
    assert sorted(found) == sorted([*music, *PICTURES[profile]])
    assert unexplained(house, library) == []
    if profile == "all":
        covers = [library / "Ada/Low Tide" / name for name in ("cover.jpg", "folder.jpg", "CD 2/cover.jpg")]
        assert len({path.stat().st_ino for path in covers}) == 1


def test_music_that_is_gone_from_the_library_is_named_when_its_album_is_published_again(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    (lost,) = library.rglob("*01 - *")
    elsewhere = lost.rename(house.staging.parent / "lost")
    done = publishing.publish_item(given(house), item_id, threading.Event(), actor="eva")
    assert (done.outcome, [(one.code, one.path) for one in done.reasons]) == (
        "unchanged", [("missing", os.fsencode(lost.relative_to(library)))],
    )  # fmt: skip
    elsewhere.rename(lost)
    assert publish(house, item_id).reasons == ()


def test_only_what_changed_is_written_again_and_edits_stay(house: House) -> None:
    library, item_id = staged(house)
    front, other = picture(house, "front", b"one"), picture(house, "front", b"two")
    publish(house, item_id, Chosen([front]))
    before = {path: path.stat() for path in library.rglob("*") if path.is_file()}
    nfo = library / ALBUM / "album.nfo"
    nfo.write_text(nfo.read_text().replace("</album>", "  <!-- mine, too -->\n  <mood>mine</mood>\n</album>"))
    say(house, item_id, "genres", ["Folk"])
    outcome = publish(house, item_id, Chosen([front]))
    assert (outcome.outcome, codes(outcome.reasons)) == ("refreshed", ["edits_kept"])
    assert "<genre>Folk</genre>" in nfo.read_text()
    assert "<mood>mine</mood>" in nfo.read_text()
    say(house, item_id, "genres", ["Jazz"])
    publish(house, item_id, Chosen([other]))
    assert "<genre>Jazz</genre>" in nfo.read_text()
    assert "<!-- mine, too -->\n  <mood>mine</mood>" in nfo.read_text()
    assert "<mood>mine</mood>" in nfo.read_text()
    assert {(library / ALBUM / name).read_bytes() for name in ("folder.jpg", "cover.jpg")} == {b"two"}
    for path, found in before.items():
        if path.suffix == ".flac" or path.name == "artist.nfo":
            assert (path.stat().st_ino, path.stat().st_mtime_ns) == (found.st_ino, found.st_mtime_ns)
    publish(house, item_id, Chosen())
    assert not list(library.rglob("*.jpg"))
    assert unexplained(house, library) == []
    assert publish(house, item_id, Chosen()).outcome == "unchanged"


def test_what_somebody_writes_ahead_of_an_nfo_and_behind_it_stays_there(house: House) -> None:
    """Kodi looks up an address that follows the root."""
    library, item_id = staged(house)
    publish(house, item_id)
    nfo, note, address = library / ALBUM / "album.nfo", "<!-- mine -->\n<album>", "https://musicbrainz.org/release/1\n"
    nfo.write_text(nfo.read_text().replace("<album>", note) + address)
    for genre in ("Folk", "Jazz"):
        say(house, item_id, "genres", [genre])
        assert publish(house, item_id).outcome == "refreshed"
        assert f"<genre>{genre}</genre>" in nfo.read_text()
        assert note in nfo.read_text()
        assert nfo.read_text().endswith(f"</album>\n{address}")
    assert unexplained(house, library) == []


@pytest.mark.parametrize("more", [0, xml.MAX_BYTES])
def test_an_nfo_that_is_too_large_to_read_is_not_cut_off(house: House, more: int) -> None:
    """As much as is read of it may be whole, with its root closed."""
    library, item_id = staged(house)
    publish(house, item_id)
    nfo = library / ALBUM / "album.nfo"
    nfo.write_text(nfo.read_text() + "https://musicbrainz.org/release/1\n")
    theirs = nfo.read_bytes() + b"#" * (xml.MAX_BYTES + 1 - nfo.stat().st_size + more)
    nfo.write_bytes(theirs)
    say(house, item_id, "genres", ["Folk"])
    assert codes(publish(house, item_id).reasons) == ["nfo_unreadable", "changed_kept"]
    assert nfo.read_bytes() == theirs


def test_of_what_the_cache_lost_of_an_nfo_no_edit_is_lost_and_nothing_of_ours_is_taken_for_one(house: House) -> None:
    library, item_id = staged(house)
    nfo, cache = library / ALBUM / "album.nfo", Path(os.fsdecode(given(house).blobs))
    for genre in ("Pop", "Folk"):
        say(house, item_id, "genres", [genre])
        assert publish(house, item_id).reasons == ()
        assert f"<genre>{genre}</genre>" in nfo.read_text()
        for blob in cache.rglob("*.nfo"):
            blob.unlink()
    nfo.write_text(nfo.read_text().replace("</album>", "<mood>mine</mood></album>"))
    say(house, item_id, "genres", ["Jazz"])
    say(house, item_id, "styles", ["Bebop"])
    outcome = publish(house, item_id)
    assert [reason.message for reason in outcome.reasons] == ["Somebody changed genre, mood in it, and that was kept."]
    assert all(f"<{said}</" in nfo.read_text() for said in ("genre>Folk", "mood>mine", "style>Bebop"))


@pytest.mark.parametrize("theirs", ["folder", "link"])
def test_what_is_no_file_in_the_place_of_an_nfo_is_theirs_who_put_it_there(house: House, theirs: str) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    nfo = library / ALBUM / "album.nfo"
    mine = nfo.rename(library / "mine.nfo")
    nfo.mkdir() if theirs == "folder" else nfo.symlink_to(mine)
    say(house, item_id, "genres", ["Folk"])
    before = mine.read_bytes()
    outcome = publish(house, item_id)
    assert (outcome.outcome, mine.read_bytes()) == ("refreshed", before)
    assert nfo.is_dir() if theirs == "folder" else nfo.is_symlink()


def test_lyrics_that_somebody_corrected_are_theirs_from_then_on(house: House) -> None:
    library, item_id = staged(house)
    say_track(house, item_id, "lyrics", "la la")
    publish(house, item_id)
    (lyrics,) = library.rglob("*.txt")
    lyrics.write_text("la di da\n")
    say_track(house, item_id, "lyrics", "la la la")
    assert codes(publish(house, item_id).reasons) == ["changed_kept"]
    assert lyrics.read_text() == "la di da\n"
    assert unexplained(house, library) == [str(lyrics.relative_to(library))]


@pytest.mark.parametrize("theirs", ["corrected", "put there"])
def test_words_of_somebody_are_not_hidden_by_lyrics_of_ours_in_another_format(house: House, theirs: str) -> None:
    """Players show `.lrc` before `.txt`, so one beside a text would be shown instead of it."""
    library, item_id = staged(house)
    if theirs == "corrected":
        say_track(house, item_id, "lyrics", "la la")
    publish(house, item_id)
    mine = library / ALBUM / "01 - Song 1.txt"
    mine.write_text("la di da\n")
    say_track(house, item_id, "synced_lyrics", "[00:01.00]la la")
    assert codes(publish(house, item_id).reasons)[:1] == ["rival_kept"]
    assert mine.read_text() == "la di da\n"
    assert not list(library.rglob("*.lrc"))
    assert codes(publish(house, item_id).reasons) == ["rival_kept"]
    mine.unlink()
    assert publish(house, item_id).reasons == ()
    assert [path.name for path in library.rglob("*.lrc")] == ["01 - Song 1.lrc"]
    mine.write_text("later\n")
    assert publish(house, item_id).reasons == (), "ours was there first, and stays"
    next(library.rglob("*.lrc")).unlink()
    assert codes(publish(house, item_id).reasons) == ["rival_kept"]
    assert not list(library.rglob("*.lrc"))


def test_lyrics_of_ours_give_way_to_better_ones_of_ours(house: House) -> None:
    library, item_id = staged(house)
    say_track(house, item_id, "lyrics", "la la")
    publish(house, item_id)
    say_track(house, item_id, "synced_lyrics", "[00:01.00]la la")
    assert publish(house, item_id).reasons == ()
    assert [path.suffix for path in (library / ALBUM).glob("01 - Song 1.*")].count(".txt") == 0
    assert list(library.rglob("*.lrc"))


def test_a_picture_somebody_replaced_is_theirs_from_then_on(house: House) -> None:
    library, item_id = staged(house)
    publish(house, item_id, Chosen([picture(house, "front", b"one")]))
    mine = library / ALBUM / "folder.jpg"
    mine.unlink()
    mine.write_bytes(b"my own")
    outcome = publish(house, item_id, Chosen([picture(house, "front", b"two")]))
    assert codes(outcome.reasons) == ["changed_kept"]
    assert mine.read_bytes() == b"my own"
    assert (library / ALBUM / "cover.jpg").read_bytes() == b"two"
    assert unexplained(house, library) == [f"{ALBUM}/folder.jpg"]
    assert take_out(house, item_id).outcome == "refused"
    mine.unlink()
    assert take_out(house, item_id).outcome == "undone"
    assert published(library) == []


def test_what_the_cache_lost_is_named_and_the_rest_is_published(house: House) -> None:
    library, item_id = staged(house)
    front = picture(house, "front", b"one")
    given(house).cache.path(Blob(front.sha256, "jpg", 0)).unlink()
    outcome = publish(house, item_id, Chosen([front]))
    assert (outcome.outcome, set(codes(outcome.reasons))) == ("published", {"blob_missing"})
    assert not list(library.rglob("*.jpg"))


def test_a_dropped_picture_gives_its_name_to_the_selected_one_unless_it_is_that(house: House) -> None:
    library, item_id = staged(house, LOW_TIDE | {"Low Tide/cover.jpg": b"dropped", "Low Tide/folder.jpg": b"the one"})
    publish(house, item_id, Chosen([picture(house, "front", b"the one")]))
    assert {path.name: path.read_bytes() for path in (library / ALBUM).glob("*.jpg")} == {
        "cover.jpg": b"the one", "cover [2].jpg": b"dropped", "folder.jpg": b"the one",
    }  # fmt: skip
    assert publish(house, item_id, Chosen([picture(house, "front", b"the one")])).outcome == "unchanged"


def test_a_dropped_picture_of_another_format_does_not_hide_the_selected_one(house: House) -> None:
    """Jellyfin and MPD take folder.png and cover.png before the JPEG, Kodi the JPEG, Navidrome the first by name."""
    library = add_library(house)
    discs = {f"Low Tide/CD{n}/1.mp3": song(1, disc=f"{n}/2", artist="Ada", album="Low Tide") for n in (1, 2)}
    came = {name: name.encode() for name in ("Folder.PNG", "cover.jpeg", "CD 1/cover.gif", "back.jpg", "scan.png")}
    house.drop(discs | {f"Low Tide/{name}": data for name, data in came.items()})
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    front = Chosen([picture(house, "front", b"the one")])
    publish(house, item_id, front)
    found = {path.removeprefix("Ada/Low Tide/") for path in published(library) if not path.endswith(("mp3", "o", "n"))}
    assert found == {
        "CD 1/cover [2].gif", "CD 1/cover.jpg", "CD 2/cover.jpg", "back.jpg", "cover [2].jpeg", "cover.jpg",
        "folder [2].png", "folder.jpg", "scan.png",
    }  # fmt: skip
    assert publish(house, item_id, front).reasons == ()


def test_a_dropped_picture_that_hides_the_next_selected_one_is_told_and_a_rename_gives_it_another_name(
    house: House,
) -> None:
    library, item_id = staged(house, LOW_TIDE | {"Low Tide/Folder.png": b"the one"})
    publish(house, item_id, Chosen([picture(house, "front", b"the one", ext="png")]))
    assert {path.name for path in (library / ALBUM).glob("*.png")} == {"cover.png", "folder.png"}
    other = Chosen([picture(house, "front", b"the other")])
    outcome = publish(house, item_id, other)
    assert (outcome.outcome, codes(outcome.reasons)) == ("refreshed", ["dropped_kept"])
    assert "folder.png came with the album" in outcome.reasons[0].message
    assert publish(house, item_id, other, rename=True).outcome == "upgraded"
    assert {path.name for path in (library / ALBUM).glob("*.[jp]*g")} == {"cover.jpg", "folder.jpg", "folder [2].png"}
    assert publish(house, item_id, other).reasons == ()


@pytest.mark.parametrize("ext", ["jpg", "png"])
def test_a_published_picture_stays_while_the_one_that_is_to_follow_cannot_be_had(house: House, ext: str) -> None:
    library, item_id = staged(house)
    publish(house, item_id, Chosen([picture(house, "front", b"one")]))
    other = picture(house, "front", b"other", ext=ext)
    given(house).cache.path(Blob(other.sha256, ext, 0)).unlink()
    outcome = publish(house, item_id, Chosen([other]))
    assert (outcome.outcome, set(codes(outcome.reasons))) == ("unchanged", {"blob_missing"})
    assert (library / ALBUM / "folder.jpg").read_bytes() == b"one"
    picture(house, "front", b"other", ext=ext)
    publish(house, item_id, Chosen([other]))
    assert {path.name for path in (library / ALBUM).glob("folder.*")} == {f"folder.{ext}"}


def test_a_selected_picture_that_a_dropped_one_keeps_from_its_name_is_told_and_a_rename_gives_it_that(
    house: House,
) -> None:
    library, item_id = staged(house, LOW_TIDE | {"Low Tide/Folder.jpg": b"the one"})
    one, other = picture(house, "front", b"the one"), picture(house, "front", b"the other")
    publish(house, item_id, Chosen([one]))
    outcome = publish(house, item_id, Chosen([one]))
    assert (outcome.outcome, outcome.reasons) == ("unchanged", ())
    outcome = publish(house, item_id, Chosen([other]))
    assert (outcome.outcome, codes(outcome.reasons)) == ("refreshed", ["dropped_kept"])
    assert "folder.jpg came with the album" in outcome.reasons[0].message
    assert publish(house, item_id, Chosen([other]), rename=True).outcome == "upgraded"
    shown = {path.name: path.read_bytes() for path in (library / ALBUM).glob("*.jpg")}
    assert shown == {"cover.jpg": b"the other", "folder.jpg": b"the other", "folder [2].jpg": b"the one"}
    outcome = publish(house, item_id, Chosen([other]), rename=True)
    assert (outcome.outcome, outcome.reasons) == ("unchanged", ())


def test_a_folder_that_is_not_ours_is_never_touched_however_it_is_spelled(house: House) -> None:
    library, item_id = staged(house)
    (library / "ADA" / "low tide (2014)").mkdir(parents=True)
    with pytest.raises(NeedsReview, match="ADA/low tide") as refused:
        publish(house, item_id)
    assert refused.value.reason_code == "target_exists"
    (library / "ADA" / "low tide (2014)").rmdir()
    publish(house, item_id)
    assert {path.split("/")[0] for path in published(library)} == {"ADA"}


@pytest.mark.parametrize(
    ("said", "folder"), [(("title", "LOW Tide"), "Ada/LOW Tide (2014)"), (("credits", ["ADA"]), "ADA/Low Tide (2014)")]
)
def test_a_folder_is_spelled_anew_when_its_album_gets_new_names(
    house: House, said: tuple[str, object], folder: str
) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    say(house, item_id, *said)
    assert publish(house, item_id).outcome == "refreshed"
    before = [path.rpartition("/")[2] for path in published(library)]
    assert publish(house, item_id, rename=True).plan.folder == folder.encode()
    after = [path for path in published(library) if not path.startswith(".")]
    assert {path.rpartition("/")[0] for path in after} == {folder.partition("/")[0], folder}
    assert [path.rpartition("/")[2] for path in after] == before
    assert publish(house, item_id, rename=True).outcome == "unchanged"


@pytest.mark.parametrize("kept", ["My Tape/1.flac", "folder.jpg", "artist.nfo"])
def test_the_folder_of_an_artist_stays_spelled_as_it_is_where_somebody_keeps_something_of_theirs(
    house: House, kept: str
) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    theirs = library / "Ada" / kept
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_bytes(b"<artist><name>Ada</name><biography>Mine.</biography></artist>")
    say(house, item_id, "credits", ["ADA"])
    publish(house, item_id, rename=True)
    assert {path.name for path in library.iterdir() if path.name[0] != "."} == {"Ada"}


def test_the_folder_of_an_artist_is_spelled_as_its_first_album_spelled_it(house: House) -> None:
    library = add_library(house)
    for name in ("Low Tide", "High Tide"):
        house.drop({f"{name}/1.flac": song(1, artist="Ada", album=name)})
    house.cycle(rehearsed=False)
    for item_id in approve(house):
        publish(house, item_id)
        say(house, item_id, "credits", ["ADA"])
    for rename in (False, True):
        publish(house, item_id, rename=rename)
    assert {path.name for path in library.iterdir() if path.name[0] != "."} == {"Ada"}


def test_the_nfo_of_an_artist_is_what_the_first_of_the_published_albums_makes_of_it(house: House) -> None:
    library = add_library(house)
    for album, artist in (("Low Tide", "Ada"), ("High Tide", "ADA")):
        house.drop({f"{album}/1.flac": song(1, artist=artist, album=album)})
    house.cycle(rehearsed=False)
    later, first = sorted(approve(house), reverse=True)
    publish(house, first)
    (nfo,) = library.glob("*/artist.nfo")
    written = nfo.read_bytes()
    assert publish(house, later).outcome == "published"
    for item_id in (first, later, first):
        assert publish(house, item_id).outcome == "unchanged"
    assert nfo.read_bytes() == written


def test_two_albums_of_one_name_get_two_folders_and_share_the_artists_files(house: House) -> None:
    library = add_library(house)
    house.change(folder="{album_artist}/{album}")
    house.drop(LOW_TIDE)
    house.drop({f"2020/{n}.flac": song(n, f"Other {n}", artist="Ada", album="Low Tide", date="2020") for n in (1, 2)})
    house.cycle(rehearsed=False)
    one, two = approve(house)
    publish(house, one)
    publish(house, two)
    folders = {path.rpartition("/")[0] for path in published(library)}
    assert folders == {"Ada", "Ada/Low Tide", "Ada/Low Tide [2]"}
    take_out(house, one)
    assert "Ada/artist.nfo" in published(library)
    take_out(house, two)
    assert published(library) == []


def test_two_artists_of_one_name_have_folders_of_their_own(house: House) -> None:
    library = add_library(house)
    for name in ("Low Tide", "High Tide"):
        house.drop({f"{name}/1.flac": song(1, artist="Ada", album=name)})
    house.cycle(rehearsed=False)
    for n, item_id in enumerate(approve(house), 1):
        say(house, item_id, "credits", [["Ada", f"{n}{n}{n}{n}1111-2222-3333-4444-555555555555"]])
        publish(house, item_id)
    assert {path.split("/")[0] for path in published(library)} == {"Ada", "Ada (2222)"}


def test_albums_of_an_artist_whose_id_is_known_of_one_alone_share_a_folder_and_the_files_that_know_most(
    house: House,
) -> None:
    library = add_library(house)
    for name in ("Low Tide", "High Tide", "Neap Tide"):
        house.drop({f"{name}/1.flac": song(1, artist="Ada", album=name)})
    house.cycle(rehearsed=False)
    before, known, after = approve(house)
    say(house, known, "credits", [["Ada", "22221111-2222-3333-4444-555555555555"]])
    for item_id in (before, known, after, before):
        assert publish(house, item_id).reasons == ()
    assert {path.split("/")[0] for path in published(library)} == {"Ada"}
    assert "22221111" in (library / "Ada" / "artist.nfo").read_text()
    for item_id in (known, before, after):
        take_out(house, item_id)
    assert published(library) == []


def test_an_artists_file_that_was_there_before_stays(house: House) -> None:
    library, item_id = staged(house)
    (library / "Ada").mkdir()
    (library / "Ada" / "artist.nfo").write_text("<artist><name>mine</name></artist>")
    assert codes(publish(house, item_id).reasons) == ["foreign_kept"]
    assert "mine" in (library / "Ada" / "artist.nfo").read_text()
    assert unexplained(house, library) == ["Ada/artist.nfo"]


def test_rules_send_albums_to_several_libraries(house: House) -> None:
    library, item_id = staged(house)
    other = add_library(house, "classical")
    with pytest.raises(Misconfigured, match="no rule"):
        publish(house, item_id)
    house.change(**{"phase.publish.library": f"genre Classical -> {other}; * -> {library}"})
    say(house, item_id, "genres", ["classical"])
    publish(house, item_id)
    assert published(library) == []
    assert len(published(other)) == 5
    say(house, item_id, "genres", ["Folk"])
    publish(house, item_id)  # where it is it stays
    assert published(library) == []


def test_an_album_that_could_not_be_published_is_approved_still(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    library, item_id = staged(house)
    before = house.contents()

    def fail(*_: object, **__: object) -> Transfer:
        raise Retryable("the disk could not write", code="io_error")

    with monkeypatch.context() as patch:
        patch.setattr(moves_publish, "fill", fail)
        failed = publishing.publish_item(given(house), item_id, threading.Event(), actor="eva")
    assert (failed.outcome, codes(failed.reasons)) == ("failed", ["io_error"])
    (item,) = house.items().values()
    assert (item["status"], published(library), house.contents()) == ("approved", [], before)
    assert publish(house, item_id).outcome == "published"


def test_what_becomes_another_librarys_while_its_pictures_are_got_waits_for_the_lock_of_that(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, item_id = staged(house)
    other = add_library(house, "classical")
    house.change(**{"phase.publish.library": f"genre Classical -> {other}; * -> {library}"})

    def complete(*_: object) -> int:
        say(house, item_id, "genres", ["classical"])
        return 0

    monkeypatch.setattr(publishing, "complete", complete)
    with pytest.raises(Misconfigured, match="changed just now"):
        publishing.publish_item(given(house), item_id, threading.Event(), actor="eva")
    assert published(library) == published(other) == []
    assert publish(house, item_id).outcome == "published"
    assert published(library) == []


def test_what_an_artist_had_is_forgotten_with_the_last_album_and_not_before(house: House, tmp_path: Path) -> None:
    library = add_library(house)
    house.drop(LOW_TIDE | songs("High", "flac", range(1, 3), album="High Tide", date="2015"))
    house.cycle()
    low, high = approve(house, "album:ada/low tide"), approve(house, "album:ada/high tide")
    for item_id in (*low, *high):
        publish(house, item_id)
    (library / "Ada/artist.nfo").unlink()
    left = []
    for (item_id,), folder in ((low, ALBUM), (high, "Ada/High Tide (2015)")):
        (library / folder).rename(tmp_path / f"{item_id}")
        forget_item(house.database, item_id, stop=threading.Event())
        with house.database.read() as connection:
            left.append([entry.path for entry in ledger.entries(connection) if entry.item_id is None])
            held = connection.scalars(select(BlobHoldRow.holder)).all()
    assert (left, held) == ([[b"Ada/artist.nfo"], []], [])


def test_an_album_is_not_forgotten_because_the_disk_of_its_library_is_away(house: House, tmp_path: Path) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    library.rename(tmp_path / "unmounted")
    library.mkdir()
    with pytest.raises(Misconfigured, match="is its disk mounted"):
        forget_item(house.database, item_id, stop=threading.Event())
    library.rmdir()
    (tmp_path / "unmounted").rename(library)
    with pytest.raises(NeedsReview, match="still has"):
        forget_item(house.database, item_id, stop=threading.Event())


def test_an_album_is_not_forgotten_while_it_is_published_and_leaves_no_trace_then(house: House, tmp_path: Path) -> None:
    """Somebody removed its files from staging, where a copy stayed, and tells Greenroom to forget it."""
    library, item_id = staged(house)
    house.change(transfer="copy")
    publish(house, item_id)
    shutil.rmtree(house.staging / "AD")
    with pytest.raises(NeedsReview, match=f"publish {item_id} --undo") as refused:
        forget_item(house.database, item_id, stop=threading.Event())
    assert refused.value.reason_code == "files_exist"
    (library / ALBUM).rename(tmp_path / "away")
    forget_item(house.database, item_id, stop=threading.Event())
    with house.database.read() as connection:
        assert (ledger.publication(connection, item_id), ledger.entries(connection, item_id=item_id)) == (None, [])
        (left,) = ledger.entries(connection)
        assert connection.scalars(select(BlobHoldRow.sha256)).all() == [left.sha256], "no more than that is needed"
    assert (left.path, (library / "Ada" / "artist.nfo").exists()) == (b"Ada/artist.nfo", True), "it is still ours"
    # It comes again, and gets its own folder again, and not a numbered one beside an album nobody knows.
    house.drop({f"again/{name}": content for name, content in LOW_TIDE.items()})
    house.cycle(rehearsed=False)
    (again,) = approve(house)
    assert os.fsdecode(publish(house, again).plan.folder) == ALBUM


@pytest.mark.parametrize("mode", ["copy", "hardlink", "reflink"])
def test_staging_keeps_its_files_unless_they_are_moved(house: House, mode: str) -> None:
    library, item_id = staged(house)
    house.change(transfer=mode)
    before = house.look()[1]
    publish(house, item_id)
    house.check_staging()
    links = {path.stat().st_nlink for path in library.rglob("*.flac")}
    assert links == ({2} if mode == "hardlink" else {1})
    house.drop(songs("again", "flac", range(1, 3), date="2014"))
    assert house.cycle() == ["duplicate Ada / Low Tide (2014): 2 tracks"]
    taken = take_out(house, item_id)
    assert (taken.outcome, published(library)) == ("undone", [])
    assert {path: stat[2:4] for path, stat in before.items() if path.endswith(b".flac")} == {
        path: stat[2:4] for path, stat in house.look()[1].items() if path.endswith(b".flac")
    }


def test_what_staging_had_of_a_published_album_may_go(house: House) -> None:
    _, item_id = staged(house)
    house.change(transfer="copy")
    publish(house, item_id)
    (item,) = house.items().values()
    shutil.rmtree(house.staging / os.fsdecode(item["path"]))
    house.drop(LOW_TIDE)
    assert [line.split()[0] for line in (house.run(), lines(house.run()))[1]] == ["conflict"]
    (item,) = house.items().values()
    assert item["status"] == "published"


def test_what_is_published_meets_what_is_dropped_again(house: House) -> None:
    _, item_id = staged(house)
    publish(house, item_id)
    house.drop(LOW_TIDE)
    assert house.cycle() == ["duplicate Ada / Low Tide (2014): 2 tracks"]
    house.drop({"Low Tide/01 - Song 1.flac": song(1, artist="Ada", album="Low Tide", date="2014", comment="other")})
    assert house.cycle() == ["conflict Ada / Low Tide (2014): 2 tracks"]
    assert [reason["code"] for reason in house.albums()[0]["reasons"]][:2] == ["published", "quality_same"]
    assert not any("taging already has" in reason["message"] for reason in house.albums()[0]["reasons"])
    assert publish(house, item_id).outcome == "unchanged"


def test_the_second_of_two_copies_stays_a_duplicate_when_the_first_is_published(house: House) -> None:
    add_library(house)
    house.drop(LOW_TIDE | {path.replace("Low Tide", "copy", 1): thing for path, thing in LOW_TIDE.items()})
    assert house.cycle() == ["duplicate Ada / Low Tide (2014): 2 tracks", "staged Ada / Low Tide (2014): 2 tracks"]
    (item_id,) = approve(house)
    publish(house, item_id)
    assert house.cycle() == ["duplicate Ada / Low Tide (2014): 2 tracks"]


def test_a_staging_that_was_published_is_not_taken_back_to_inbound(house: House) -> None:
    _, item_id = staged(house)
    publish(house, item_id)
    run_id = house.report.run_id

    assert run_id is not None
    report = undo(house.database, run_id, dry_run=True, stop=threading.Event())
    assert codes(report.albums[0].reasons) == ["published"]
    with house.database.read() as connection:
        home = ledger.publication(connection, item_id)
    assert home is not None
    report = undo(house.database, home.transfer_id, dry_run=False, stop=threading.Event())
    assert codes(report.albums[0].reasons) == ["published"]


def test_what_waits_to_be_finished_of_a_publication_keeps_its_own_album_from_being_taken_back_and_no_other(
    house: House,
) -> None:
    add_library(house)
    house.change(transfer="copy")
    house.drop(songs("Low Tide", "flac", range(1, 3)) | songs("High Tide", "flac", range(1, 4), album="High Tide"))
    house.cycle(rehearsed=False)
    ids = approve(house)
    publish(house, ids[0])
    with house.database.begin() as connection:
        connection.execute(delete(PublicationRow))  # it is not written down yet
        connection.execute(update(TransferRow).where(TransferRow.kind == "publish").values(state="attention"))
    found = {item["id"]: item["transfer_id"] for item in house.items().values()}
    report = [undo(house.database, found[id], dry_run=True, stop=threading.Event()).albums[0] for id in ids]
    assert [(one.outcome, codes(one.reasons)) for one in report] == [("refused", ["unsettled"]), ("undone", [])]


def test_only_what_was_approved_is_published_and_nothing_of_it_changes(house: House) -> None:
    add_library(house)
    house.drop(LOW_TIDE)
    house.cycle(rehearsed=False)
    (item,) = house.items().values()
    with pytest.raises(NeedsReview, match="only what was approved"):
        publish(house, item["id"])
    approve(house)
    next(house.staging.rglob("*.flac")).write_bytes(b"other")
    with pytest.raises(NeedsReview, match="fsck"):
        publish(house, item["id"])


def modes(root: Path) -> set[tuple[bool, int]]:
    """Return the rights of everything below a library that players see: whether it is a folder, and which."""
    found = [path for path in root.rglob("*") if TX.decode() not in path.parts and path.name != ".greenroom-root"]
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in found}


def test_what_is_published_has_the_rights_an_admin_wants(house: House) -> None:
    library = add_library(house)
    house.drop({f"Low Tide/CD{n}/1.mp3": song(1, disc=f"{n}/2", artist="Ada", album="Low Tide") for n in (1, 2)})
    (house.inbound / "Low Tide/CD1/1.mp3").chmod(0o600)  # as some programs leave what they fetched
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    house.change(file_mode="664", folder_mode="775", owner=f"{os.geteuid()}:{os.getegid()}")
    publish(house, item_id)
    assert modes(library) == {(True, 0o775), (False, 0o664)}
    house.change(file_mode="640")
    say(house, item_id, "review", "Calm.")
    assert publish(house, item_id, Chosen([], [picture(house, "thumb", b"ada")])).outcome == "refreshed"
    fresh = ["Ada/Low Tide/album.nfo", "Ada/folder.jpg"]
    assert {stat.S_IMODE((library / name).stat().st_mode) for name in fresh} == {0o640}
    for setting, value in (("file_mode", "444"), ("file_mode", "rw"), ("folder_mode", "664")):
        with pytest.raises(GreenroomError, match="must be rights in octal"):
            house.change(**{setting: value})


def test_an_owner_nobody_here_knows_is_refused_when_it_is_set(house: House) -> None:
    with pytest.raises(Misconfigured, match="nobody here is called 'nobody-such'"):
        house.change(owner="nobody-such")
    row = {"key": "phase.publish.owner", "value": '"nobody-such"', "changed_at": NOW, "changed_by": "eva"}
    with house.database.begin() as connection:  # from another host, which knows them
        connection.execute(insert(SettingRow).values(row))
        assert admin.read_section(connection, "phase.publish")[1] == []


def test_what_cannot_be_given_away_is_published_and_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    library, item_id = staged(house)
    house.change(owner=str(os.geteuid() + 1))
    monkeypatch.setattr(os, "fchown", refuse)
    done = publish(house, item_id)
    assert (done.outcome, codes(done.reasons)) == ("published", ["rights_kept"] * 3)
    told = [reason.message.partition(" keeps its rights or owner: ")[0] for reason in done.reasons]
    assert told == [f"{library / ALBUM} (and 4 more)", f"{library / 'Ada'}", f"{library / 'Ada/artist.nfo'}"]
    assert [reason.path for reason in done.reasons] == [ALBUM.encode(), b"Ada", b"Ada/artist.nfo"]


def test_what_a_refresh_cannot_give_away_is_written_and_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, item_id = staged(house)
    publish(house, item_id)
    house.change(owner=str(os.geteuid() + 1))
    say(house, item_id, "review", "Calm.")

    monkeypatch.setattr(os, "fchown", refuse)
    done = publish(house, item_id)
    assert (done.outcome, codes(done.reasons)) == ("refreshed", ["rights_kept"])
    assert "album.nfo keeps its rights or owner" in done.reasons[0].message
    assert publish(house, item_id).outcome == "unchanged"


def test_without_room_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    half_full = os.statvfs_result((1 << 20, 1 << 20, 1000, 500, 500, 0, 0, 0, 0, 255))  # in MiB
    monkeypatch.setattr(os, "statvfs", lambda _root: half_full)
    laying.check_space(b"/music", 480 << 20, 0)
    with pytest.raises(NoRoom, match=r"needs .* in /music, where .* stay in reserve; free some space"):
        laying.check_space(b"/music", 481 << 20, 0)
    with pytest.raises(NoRoom, match="free some space"):
        laying.check_space(b"/music", 980 << 20, 0)
    # It waits nevertheless: what a data set of a pool could hold grows with what others of it let go.
    with pytest.raises(NoRoom, match=r"needs .* in /music, .*; it can fit there only if that is made larger") as never:
        laying.check_space(b"/music", 981 << 20, 0)
    assert never.value.reason_code == "never_fits"


def test_bytes_that_changed_in_staging_are_noticed_by_their_digest(divided_house: House) -> None:
    """Copied files have digests; size and time of this one are as they were."""
    library, item_id = staged(divided_house)
    track = next(divided_house.staging.rglob("*.flac"))
    before, data = track.stat(), track.read_bytes()
    track.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(track, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(NeedsReview, match="has other bytes than were staged"):
        publish(divided_house, item_id)
    assert published(library) == []
    track.write_bytes(data)
    os.utime(track, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert publish(divided_house, item_id).outcome == "published"


def test_an_album_that_is_not_in_staging_as_it_was_approved_is_not_published(house: House) -> None:
    """Linked files have no digests: their size alone tells."""
    library, item_id = staged(house)
    track = next(house.staging.rglob("*.flac"))
    track.write_bytes(track.read_bytes() + b"!")
    with pytest.raises(NeedsReview) as raised:
        publish(house, item_id)
    assert (raised.value.reason_code, published(library)) == ("not_as_recorded", [])
    assert track.exists()


def test_a_folder_that_no_rename_reaches_is_told_before_anything_is_copied(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, item_id = staged(house)
    (library / "Ada").mkdir()
    real = Tree.stat

    def stat_elsewhere(tree: Tree, path: bytes) -> os.stat_result | None:
        found = real(tree, path)
        is_mount = found is not None and (tree.root, path) == (os.fsencode(library), b"Ada")
        return os.stat_result((*found[:2], found.st_dev + 1, *found[3:10])) if found and is_mount else found

    monkeypatch.setattr(Tree, "stat", stat_elsewhere)
    with pytest.raises(NeedsReview) as raised:
        publish(house, item_id)
    assert (raised.value.reason_code, raised.value.path, published(library)) == ("other_filesystem", b"Ada", [])


def test_music_that_is_said_to_be_another_than_was_published_and_is_there_alone_is_not_published_over_it(
    house: House,
) -> None:
    library, item_id = staged(house)
    publish(house, item_id)
    with house.database.begin() as connection:
        connection.execute(update(StagingFile).where(StagingFile.role == "audio").values(size=StagingFile.size + 1))
    before = published(library)
    with pytest.raises(NeedsReview) as raised:
        publish(house, item_id)
    assert (raised.value.reason_code, published(library)) == ("music_changed", before)


def test_music_that_is_written_to_while_other_music_is_compared_is_not_published(
    divided_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, item_id = staged(divided_house)
    first, second = sorted(divided_house.staging.rglob("*.flac"))
    read = os.readv

    def meanwhile(fd: int, buffers: list[memoryview]) -> int:
        if os.path.samestat(os.fstat(fd), second.stat()):  # the first was compared by now
            with first.open("ab") as file:
                file.write(b"tag")
            monkeypatch.undo()
        return read(fd, buffers)

    monkeypatch.setattr(os, "readv", meanwhile)
    outcome = publishing.publish_item(given(divided_house), item_id, threading.Event(), actor="eva")
    assert (outcome.outcome, codes(outcome.reasons)) == ("failed", ["source_changed"])
    assert published(library) == []
    assert first.read_bytes().endswith(b"tag")


@pytest.fixture
def far_library(house: House) -> Iterator[Path]:
    """A library on another file system."""
    if not SHM.is_dir() or SHM.stat().st_dev == house.staging.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    with tempfile.TemporaryDirectory(prefix="greenroom-", dir=SHM) as folder:
        with house.database.begin() as connection:
            libraries.add_library(connection, "library", os.fsencode(folder), now=NOW)
        yield Path(folder)


def test_a_library_on_another_file_system_gets_verified_copies(house: House, far_library: Path) -> None:
    house.drop(LOW_TIDE)
    house.cycle(rehearsed=False)
    (item_id,) = approve(house)
    house.change(transfer="hardlink")
    with pytest.raises(NeedsReview, match="another file system"):
        publish(house, item_id)
    house.change(transfer="move")
    before = house.contents()
    publish(house, item_id)
    with house.database.read() as connection:
        digests = [entry.digest for entry in ledger.entries(connection) if entry.role == "audio"]
    assert all(digest and digest.startswith("blake3:") for digest in digests)
    assert house.staged() == []
    assert len(published(far_library)) == 5
    take_out(house, item_id)
    assert house.contents() == before


def test_on_postgresql_it_is_the_same(postgres_house: House) -> None:
    library, item_id = staged(postgres_house)
    publish(postgres_house, item_id, Chosen([picture(postgres_house, "front", b"one")]))
    say(postgres_house, item_id, "genres", ["Folk"])
    assert publish(postgres_house, item_id).outcome == "refreshed"
    assert unexplained(postgres_house, library) == []
    assert take_out(postgres_house, item_id).outcome == "undone"
