"""Albums in staging and in the library → read again: damage told, what Greenroom made mended, edits left alone."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from config import admin
from config.errors import Stopped
from config.lease import Guard
from config.libraries import Library
from daemon.bootstrap import application
from daemon.web.metrics import exposition
from processor.artwork.tables import BlobHoldRow
from processor.items import storing
from processor.metadata.artists import artist_named, link_artists, write_artist
from processor.metadata.documents import ITSELF
from processor.tables import StagingItem, TransferRow
from processor.verification import looking, rows
from scanner.options import silent
from tests.commands import chosen, greenroom
from tests.items import album
from tests.scenarios.drops import Drop, song, songs
from tests.scenarios.house import NOW, House, digest
from tests.scenarios.publishing import add_library, approve, given, publish, take_out
from workflow import events
from workflow.operations import publishing, verifying
from workflow.operations.fsck import forget_item, fsck

ALBUM = "Ada/Low Tide (2014)"


def look(house: House, *, mend: bool = True, decode: bool = False) -> dict[str, tuple[str, ...]]:
    """Verify everything; return the findings, and what was mended, by their codes."""
    stop = threading.Event()
    given = verifying.verifying(
        house.database, house.data, verifying.Pace(0, int, stop.wait), stop, decode=decode, mend=mend
    )
    ids = [*(item["id"] for item in house.items().values()), rows.ARTISTS]
    found = list(verifying.verify_items(given, ids))
    return {
        "wrong": tuple(
            sorted(
                f"{one.code} {os.path.basename(one.path or b'').decode()}" for f in found for one in f.checked.findings
            )
        ),
        "mended": tuple(sorted(os.path.basename(one.path or b"").decode() for f in found for one in f.checked.mended)),
    }


def rot(path: Path) -> None:
    """Let one byte of a file flip, as a disk does: without a new time."""
    found = path.stat()
    with path.open("r+b") as file:
        file.seek(found.st_size // 2)
        byte = file.read(1)
        file.seek(found.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def left_beside(file: Path) -> Path:
    """Where a mending of a file that is cut off leaves what it wrote."""
    return file.with_name(f".greenroom-verify-{sha256(os.fsencode(file.name)).hexdigest()[:8]}")


def told(house: House) -> list[tuple[str, str]]:
    with house.database.read() as connection:
        all_told = events.of_ids(connection, range(10_000))
    return [(event.subject, event.why) for event in all_told if event.kind == "damage_found"]


@pytest.fixture
def library(house: House) -> Path:
    """A library with one album in it, and one more in staging."""
    root = add_library(house)
    house.drop(
        songs("Low Tide", "flac", range(1, 3), date="2014")
        | songs("High", "flac", range(1, 3), album="High Tide", date="2015")
    )
    house.cycle()
    (key,) = (key for key, item in house.items().items() if item["album"] == "Low Tide")
    (item_id,) = approve(house, key)
    publish(house, item_id)
    return root


def test_nothing_is_mended_unless_that_is_wanted_nor_while_only_dry_runs_are_allowed(house: House) -> None:
    for dry_run, mend, mends in (("false", True, True), ("false", False, False), ("true", True, False)):
        house.change(dry_run=dry_run)
        stop = threading.Event()
        given = verifying.verifying(
            house.database, house.data, verifying.Pace(0, int, stop.wait), stop, decode=False, mend=mend
        )
        assert (given.hold is not None) is mends
        assert {library.role for library in given.libraries.values()} == {"staging"}


def test_items_that_cannot_be_looked_at_now_are_in_the_way_of_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "AT_ONCE", 2)
    with house.database.begin() as connection:
        made = storing.upsert(connection, [album(f"k{n}", path=b"%d" % n) for n in range(7)], NOW)
    assert list(verifying.due(house.database, NOW)) == [one.id for one in made.values()]


def test_what_came_with_an_album_is_looked_at_as_its_music_is(house: House) -> None:
    beside: Drop = {
        "Low Tide/album.nfo": b"<album/>",
        "Low Tide/cover.jpg": b"no picture",
        "Low Tide/01 - Song 1.lrc": b"la",
    }
    house.drop(songs("Low Tide", "flac", range(1, 3)) | beside)
    house.cycle()
    assert look(house) == {"wrong": (), "mended": ()}
    rot(next(house.staging.rglob("cover.jpg")))
    nfo = next(house.staging.rglob("album.nfo"))
    nfo.write_bytes(b"<album>another</album>")
    assert look(house) == {"wrong": ("verify_changed album.nfo", "verify_rotten cover.jpg"), "mended": ()}


def test_what_fsck_learned_of_songs_before_they_were_published_tells_that_they_rotted(house: House) -> None:
    """Files that were linked into staging, and moved into the library, were read by nobody else."""
    library = add_library(house)
    house.drop(songs("Low Tide", "flac", range(1, 3), date="2014"))
    house.cycle()
    fsck(house.database, verify=True, adopt=True, stop=threading.Event(), progress=silent)
    (item_id,) = approve(house)
    publish(house, item_id)
    rot(library / ALBUM / "01 - Song 1.flac")
    assert look(house) == {"wrong": ("verify_rotten 01 - Song 1.flac",), "mended": ()}


def test_what_belongs_to_artists_is_not_missed_while_an_album_is_on_its_way(house: House, library: Path) -> None:
    """Some moves take it with them, and say so only once they are done."""
    (library / "Ada/artist.nfo").unlink()
    for state, wrong in (("materialised", ()), ("done", ("verify_missing artist.nfo",))):
        with house.database.begin() as connection:
            connection.execute(update(TransferRow).where(TransferRow.kind == "publish").values(state=state))
        assert look(house, mend=False)["wrong"] == wrong


def test_an_album_that_is_taken_out_of_the_library_while_it_is_looked_at_leaves_nothing_there(
    house: House, library: Path
) -> None:
    """The look began with what was published, reads music for minutes, and comes then to files that are no more."""
    (item_id,) = (item["id"] for item in house.items().values() if item["album"] == "Low Tide")
    stop = threading.Event()
    given = verifying.verifying(
        house.database, house.data, verifying.Pace(0, int, stop.wait), stop, decode=False, mend=True
    )

    def meanwhile(_: int) -> None:
        if (library / ALBUM / "01 - Song 1.flac").exists():
            take_out(house, item_id)

    assert list(verifying.verify_items(replace(given, spend=meanwhile), [item_id])) == []
    assert not (library / ALBUM).exists()
    assert told(house) == []


def test_what_is_taken_out_of_an_album_before_it_can_be_mended_is_not_made_anew(house: House, library: Path) -> None:
    """Whoever publishes has the library, for which mending waits."""
    (item_id,) = (item["id"] for item in house.items().values() if item["album"] == "Low Tide")
    nfo, stop = library / ALBUM / "album.nfo", threading.Event()
    nfo.unlink()
    looking = verifying.verifying(
        house.database, house.data, verifying.Pace(0, int, stop.wait), stop, decode=False, mend=True
    )

    def hold(root: Library, work: Callable[[Guard], str]) -> str:
        with house.database.begin() as connection:
            admin.put(connection, "phase.publish.nfo", False, actor="eva", now=NOW)
        publishing.publish_item(given(house), item_id, stop, actor="eva")
        assert looking.hold is not None
        return looking.hold(root, work)

    assert list(verifying.verify_items(replace(looking, hold=hold), [item_id])) == []
    assert not nfo.exists()


def test_of_all_artists_only_the_files_that_change_meanwhile_are_left_for_later(house: House, library: Path) -> None:
    house.drop({"Low/1.flac": song(1, artist="Eva", album="Low")})
    house.cycle()
    by = {item["album_artist"]: item["id"] for item in house.items().values() if item["album"] in ("Low", "Low Tide")}
    approve(house, *(key for key, item in house.items().items() if item["id"] == by["Eva"]))
    publish(house, by["Eva"])
    (library / "Eva/artist.nfo").unlink()
    stop = threading.Event()
    looking = verifying.verifying(
        house.database, house.data, verifying.Pace(0, int, stop.wait), stop, decode=False, mend=False
    )

    def meanwhile(_: int) -> None:
        with house.database.begin() as connection:
            known = artist_named(connection, "Ada", None)
            write_artist(connection, known, "theaudiodb", {ITSELF: {"biography": "She sang."}}, NOW)
            link_artists(connection, by["Ada"], [known])
        publishing.publish_item(given(house), by["Ada"], stop, actor="eva")

    (found,) = verifying.verify_items(replace(looking, spend=meanwhile), [rows.ARTISTS])
    assert [one.path for one in found.checked.findings] == [b"Eva/artist.nfo"]
    assert found.checked.known == {}, "what changed was seen as it is not recorded any more"


def test_what_greenroom_made_is_mended_and_music_is_only_told_of(house: House, library: Path) -> None:
    assert look(house) == {"wrong": (), "mended": ()}  # linked music is read for the first time
    nfo, artist = library / ALBUM / "album.nfo", library / "Ada/artist.nfo"
    written = nfo.read_bytes()
    song = library / ALBUM / "01 - Song 1.flac"
    staged = next(house.staging.rglob("02*.flac"))
    rot(nfo)
    artist.unlink()
    rot(song)
    rot(staged)
    broken = digest(os.fsencode(song))
    assert look(house, mend=False)["mended"] == ()
    house.change(dry_run="true")
    assert look(house)["mended"] == ()
    house.change(dry_run="false")
    assert look(house) == {
        "wrong": ("verify_rotten 01 - Song 1.flac", f"verify_rotten {staged.name}"),
        "mended": ("album.nfo", "artist.nfo"),
    }
    assert (nfo.read_bytes(), artist.exists(), digest(os.fsencode(song))) == (written, True, broken)
    once = ["Ada – High Tide", "Ada – Low Tide", "pictures and notes of artists"]
    assert sorted(subject for subject, _ in told(house)) == once
    look(house)
    assert len(told(house)) == len(once)  # what is known is not told again
    rot(song)  # the same bit again: it is whole
    rot(staged)
    assert look(house) == {"wrong": (), "mended": ()}


@pytest.mark.parametrize("left", ["a twin", "a part", "what was rotten", "what somebody wrote just then"])
def test_what_a_mending_that_was_cut_off_left_beside_a_file_is_settled_by_the_next_look(
    house: House, library: Path, left: str
) -> None:
    nfo = library / ALBUM / "album.nfo"
    data = nfo.read_bytes()
    rot(nfo)
    rotten, when = nfo.read_bytes(), nfo.stat().st_mtime_ns
    nfo.write_bytes(data)
    beside = {"a twin": data, "a part": data[:9], "what was rotten": rotten}.get(left, b"<album>mine</album>")
    hidden = left_beside(nfo)
    hidden.write_bytes(beside)
    if left == "what was rotten":
        os.utime(hidden, ns=(when, when))
    look(house)
    look(house)
    assert not hidden.exists()
    assert nfo.read_bytes() == (beside if left.startswith("what somebody") else data)


def test_a_file_of_ours_that_the_disk_does_not_give_back_is_told_of_also_where_its_mending_was_cut_off(
    house: House, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nfo = library / ALBUM / "album.nfo"
    left_beside(nfo).write_bytes(b"")
    broken, whole = nfo.stat().st_ino, os.read

    def read(fd: int, size: int) -> bytes:
        if os.fstat(fd).st_ino == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return whole(fd, size)

    monkeypatch.setattr(os, "read", read)
    assert look(house) == {"wrong": ("verify_unreadable album.nfo",), "mended": ()}


@pytest.mark.parametrize("left", ["a twin", "a part", "what somebody wrote before"])
def test_what_a_mending_left_beside_an_nfo_that_somebody_edited_since_goes_unless_it_is_theirs(
    house: House, library: Path, left: str
) -> None:
    nfo = library / ALBUM / "album.nfo"
    hidden = left_beside(nfo)
    data = nfo.read_bytes()
    hidden.write_bytes({"a twin": data, "a part": data[:9]}.get(left, b"<album>older</album>"))
    nfo.write_bytes(b"<album>mine</album>")
    look(house)
    look(house)
    assert hidden.exists() == left.startswith("what somebody")
    assert nfo.read_bytes() == b"<album>mine</album>"


def test_the_folder_of_an_artist_that_somebody_took_away_is_not_made_anew(house: House, library: Path) -> None:
    shutil.rmtree(library / "Ada")
    assert look(house)["mended"] == ()
    assert not (library / "Ada").exists()
    assert any("so is its folder" in why for _, why in told(house))
    (item_id,) = (item["id"] for item in house.items().values() if item["album"] == "Low Tide")
    forget_item(house.database, item_id, stop=threading.Event())
    assert look(house) == {"wrong": (), "mended": ()}
    with house.database.read() as connection:
        holders = connection.scalars(select(BlobHoldRow.holder)).all()
    assert [holder for holder in holders if holder.startswith("published")] == []


def test_an_edited_nfo_is_no_damage_and_a_retagged_song_is_right_from_then_on(house: House, library: Path) -> None:
    look(house)
    nfo, song = library / ALBUM / "album.nfo", library / ALBUM / "01 - Song 1.flac"
    nfo.write_text(nfo.read_text().replace("Low Tide", "Low Tide!"))
    os.utime(nfo, ns=(0, nfo.stat().st_mtime_ns + 5_000_000_000))
    song.write_bytes(song.read_bytes() + b"tag")
    mine = nfo.read_bytes()
    assert look(house) == {"wrong": ("verify_changed 01 - Song 1.flac", "verify_edited album.nfo"), "mended": ()}
    assert look(house) == {"wrong": ("verify_edited album.nfo",), "mended": ()}
    assert (nfo.read_bytes(), told(house)) == (mine, [])


@pytest.mark.parametrize("put_there", [None, "High Tide"])
def test_no_folder_that_is_not_the_published_album_gets_what_belongs_to_that(
    house: House, library: Path, put_there: str | None
) -> None:
    shutil.rmtree(library / ALBUM)
    if put_there:
        shutil.copytree(next(house.staging.rglob(f"*{put_there}")), library / ALBUM)
    before = sorted(library.rglob("*"))
    found = look(house)
    assert "verify_missing album.nfo" in found["wrong"]
    assert (found["mended"], sorted(library.rglob("*"))) == ((), before)


def test_an_nfo_that_a_program_edits_as_soon_as_it_hears_of_the_album_is_no_damage(house: House, library: Path) -> None:
    nfo = library / ALBUM / "album.nfo"
    mine = nfo.read_text().replace("Low Tide", "Low Tide!")
    nfo.write_text(mine)
    assert look(house) == {"wrong": ("verify_edited album.nfo",), "mended": ()}
    assert nfo.read_text() == mine


def test_what_the_cache_lost_too_is_said_and_nothing_is_made_up(house: House, library: Path) -> None:
    for blob in (house.data / "blobs").rglob("*.nfo"):
        blob.unlink()
    (library / ALBUM / "album.nfo").unlink()
    assert look(house)["wrong"] == ("verify_missing album.nfo",)
    assert not (library / ALBUM / "album.nfo").exists()
    assert "publish the item again" in told(house)[0][1]


def test_a_library_that_is_away_keeps_no_other_album_from_being_read(house: House, library: Path) -> None:
    """What lies there stays due, and is read once it is back; a chore waits only where no root is."""
    stop, now = threading.Event(), dt.datetime.now(dt.UTC)

    def read() -> tuple[set[int], list[str]]:
        given = verifying.verifying(
            house.database, house.data, verifying.Pace(0, int, stop.wait), stop, decode=False, mend=True
        )
        found = verifying.verify_items(given, verifying.due(house.database, now))
        return {one.checked.item_id for one in found}, [one.reason_code for one in given.away]

    low, high = sorted((item["album"], item["id"]) for item in house.items().values())[::-1]
    library.rename(away := library.with_name("away"))
    library.mkdir()
    assert read() == ({high[1]}, ["root_not_mounted"])
    library.rmdir()
    away.rename(library)
    assert read() == ({low[1], rows.ARTISTS}, [])


def test_a_round_goes_on_where_it_was_stopped_the_longest_ago_first(house: House, library: Path) -> None:
    stop, seen, now = threading.Event(), list[int](), dt.datetime.now(dt.UTC)

    def check() -> None:
        if stop.is_set():
            raise Stopped("enough")

    def round_of(until: int | None) -> None:
        stop.clear()
        given = verifying.verifying(
            house.database, house.data, verifying.Pace(0, check, stop.wait), stop, decode=False, mend=False
        )
        for found in verifying.verify_items(given, verifying.due(house.database, now)):
            seen.append(found.checked.item_id)
            if until is not None and len(seen) == until:
                stop.set()

    with pytest.raises(Stopped):
        round_of(1)
    round_of(None)
    assert len(seen) == len(set(seen)) == 3  # two albums, and the artist's files
    assert list(verifying.due(house.database, now)) == []


def test_a_pace_is_kept_while_reading_and_not_made_up_for_after_a_pause() -> None:
    now, waited = [0.0], [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds
        waited[0] += seconds

    pace = verifying.Pace(5, int, wait, lambda: now[0])
    for _ in range(100):  # MiB
        now[0] += 0.01  # what reading it takes
        pace.spend(1 << 20)
    assert 18 <= now[0] <= 20
    now[0] += 3600
    waited[0] = 0
    for _ in range(100):
        pace.spend(1 << 20)
    assert 18 <= waited[0] <= 20
    endless = verifying.Pace(0, int, wait, lambda: now[0])
    waited[0] = 0
    endless.spend(1 << 40)
    assert waited[0] == 0


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed: decoding was NOT tested")
def test_music_that_cannot_be_decoded_to_its_end_is_told(house: House) -> None:
    kinds = ("flac", "mp3", "m4a", "ogg", "opus", "wav", "wma", "wv")
    for ext in kinds:
        house.drop(songs(ext, ext, range(1, 2), album=f"Whole {ext}"))
    house.drop(songs("Low", "flac", range(1, 3), album="Scratched"))
    house.cycle(rehearsed=False)
    scratched = next(house.staging.rglob("Ada/*Scratched/02*.flac"))
    data = bytearray(scratched.read_bytes())
    data[-40:-20] = bytes(20)  # in its last frame
    scratched.write_bytes(data)
    assert look(house, decode=True) == {"wrong": (f"verify_undecodable {scratched.name}",), "mended": ()}
    assert [subject for subject, _ in told(house)] == ["Ada – Scratched"]


def test_who_is_to_stop_waits_for_no_decoder_and_what_interrupts_it_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\ncut -d' ' -f5 /proc/$$/stat > {tmp_path}/group\nexec sleep 60\n")
    (tmp_path / "ffmpeg").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(looking, "LOOK", 0.01)

    def check() -> None:
        if (tmp_path / "group").exists() and (tmp_path / "group").read_text():
            raise Stopped("stopped on request")

    with (tmp_path / "ffmpeg").open("rb") as music, pytest.raises(Stopped):
        looking.decoder(check)(music.fileno())
    assert int((tmp_path / "group").read_text()) != os.getpgid(0)  # Ctrl-C goes to a terminal's group


def test_a_decoder_that_the_kernel_kills_for_want_of_memory_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "ffmpeg").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with (tmp_path / "ffmpeg").open("rb") as music:
        assert looking.decoder(int)(music.fileno())
        (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 60\n")
        monkeypatch.setattr(looking, "DECODE_SECONDS", 0)
        assert not looking.decoder(int)(music.fileno())


def test_what_was_found_of_an_album_that_is_gone_is_counted_no_more(house: House, library: Path) -> None:
    """As an older version left it, whose look at the album nobody can repeat; what artists have stays."""
    look(house)
    rot(library / ALBUM / "02 - Song 2.flac")
    look(house)
    with house.database.begin() as connection:
        assert rows.totals(connection).findings
        connection.execute(delete(StagingItem).where(StagingItem.album == "Low Tide"))
        before = set(connection.scalars(select(rows.CheckRow.item_id)))
    assert len(before) == 3
    list(verifying.due(house.database, NOW))
    with house.database.read() as connection:
        assert rows.totals(connection).findings == {}
        left = set(connection.scalars(select(rows.CheckRow.item_id)))
        assert left == {rows.ARTISTS, *connection.scalars(select(StagingItem.id))}


def test_what_is_kept_and_found_is_counted_and_what_is_old_goes_at_once(
    house: House, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, house.data, house.database)
    look(house)
    rot(library / ALBUM / "02 - Song 2.flac")
    look(house)
    with application() as app:
        shown = exposition(app)[0].decode()
    for line in (
        "greenroom_published 1.0", "greenroom_verify_never 0.0", 'greenroom_verify_findings{code="verify_rotten"} 1.0',
    ):  # fmt: skip
        assert line in shown
    assert "greenroom_verify_oldest_timestamp_seconds" in shown
    assert len(list((house.data / "scan-db").glob("*.db"))) > 1
    house.change(keep_scan_dbs="1")
    removed = json.loads(greenroom("gc", "--json").stdout)
    assert removed["scans"] > 0
    assert {removed[name] for name in ("jobs", "runs", "transfers", "history", "trash")} == {0}
    assert look(house)["mended"] == ()  # nothing that is published went


def test_the_command_reads_what_is_due_and_ends_with_1_when_music_is_damaged(
    house: House, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, house.data, house.database)

    def run(*arguments: str) -> tuple[int, Any]:
        done = greenroom("verify", *arguments, "--json")
        return done.exit_code, json.loads(done.stdout)

    code, first = run()
    assert (code, len(first), sum(len(one["findings"]) for one in first)) == (0, 3, 0)
    assert run() == (0, [])  # nothing is due for a month
    assert greenroom("verify", "--all").output.startswith("2 albums, ")  # and what belongs to artists
    rot(library / ALBUM / "02 - Song 2.flac")
    code, again = run("--all", "--only-look")
    assert (code, [one["code"] for item in again for one in item["findings"]]) == (1, ["verify_rotten"])
    (item_id,) = (item["item"] for item in again if item["findings"])
    assert greenroom("verify", item_id, "99").exit_code == 2  # there is none of that number
    shown = greenroom("items", "show", item_id).output
    assert "verified" in shown
    assert "02 - Song 2.flac is not what it was" in shown


def test_a_link_in_the_place_of_an_artists_folder_keeps_nobody_from_verifying_the_others(
    house: House, library: Path, tmp_path: Path
) -> None:
    shutil.move(library / "Ada", tmp_path / "elsewhere")
    (library / "Ada").symlink_to(tmp_path / "elsewhere")
    assert "verify_missing artist.nfo" in look(house)["wrong"]
    with house.database.read() as connection:
        assert rows.look(connection, rows.ARTISTS) is not None
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["Low Tide (2014)", "artist.nfo"]
