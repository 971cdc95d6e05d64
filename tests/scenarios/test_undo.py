"""Albums that are taken back: everything where it was, or not a file touched; and then left alone until released."""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, null, select, update

from config import activity
from config.errors import Busy, Misconfigured, Stopped
from config.libraries import Role, add_library, remove_library
from config.locks import hold
from processor.filesystem.files import Tree
from processor.items import grouping_choices
from processor.publication import ledger
from processor.publication.ledger import Publication
from processor.tables import StagingItem, TransferRow
from processor.transfers import journal
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.trash import TRASH
from scanner.grouping.chosen import Choice
from tests.faults.world import Killed
from tests.scenarios.drops import JPEG, Drop, link, songs
from tests.scenarios.house import NOW, House, seen
from workflow import events, history
from workflow.operations.collecting import collect
from workflow.operations.deciding import Seen
from workflow.operations.regrouping import regroup, staged
from workflow.operations.trash import discard, restore
from workflow.operations.undo import UndoReport, release, undo
from workflow.recovering import recover
from workflow.roots import resolve_roots

KEY = "album:ada/low tide"
ALBUM: Drop = songs("Low Tide/CD 1", "flac", range(1, 3), disc="1/2") | songs(
    "Low Tide/CD 2", "mp3", range(1, 2), disc="2/2"
)
ALBUM |= {"Low Tide/cover.jpg": JPEG, "Low Tide/caf\udce9.log": b"log", "Low Tide/empty.txt": b""}
STAGED = ["staged Ada / Low Tide: 3 tracks on 2 discs"]
LOW = Choice("b", "Bo", "Low")
HELD = ["needs_review Ada / Low Tide: 3 tracks on 2 discs"]


class Ear:
    """A subscriber that wants to hear of undos."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def wants(self, connection: Connection) -> tuple[events.Kind, ...]:
        """Return what it wants."""
        return ("undone",)

    def waits(self, heard: Sequence[events.Event], now: dt.datetime) -> bool:
        """Wait for nothing."""
        return False

    def take(self, connection: Connection, heard: Sequence[events.Event], now: dt.datetime) -> None:
        """Remember."""
        self.heard += [event.subject for event in heard]


def drop(house: House) -> None:
    """Drop the album with times and rights of its own."""
    house.drop(ALBUM)
    for n, path in enumerate(sorted(house.inbound.rglob("*"))):
        if path.name != ".greenroom-root":
            os.chmod(path, (0o640 if n % 2 else 0o600) | (0o150 if path.is_dir() else 0))
            os.utime(path, ns=(n * 10**9, 1_500_000_000_123_456_789 + n))


def take_back(house: House, name: str | None = None, *, dry_run: bool = False) -> UndoReport:
    return undo(house.database, name or house.report.run_id or "", dry_run=dry_run, stop=threading.Event())


def laid(root: Path, *, folder_times: bool = True) -> dict[bytes, tuple[object, ...]]:
    """Every file and folder below a root: its time, rights and owner; the bytes of files."""
    laid: dict[bytes, tuple[object, ...]] = {}
    for path, (mode, *_, mtime_ns, _ctime) in seen(root).items():
        found = Path(os.fsdecode(path))
        data = found.read_bytes() if found.is_file() else b""
        time = mtime_ns if folder_times or found.is_file() else None
        laid[os.path.relpath(path, os.fsencode(root))] = (mode, found.stat().st_uid, time, data)
    return laid


def below(root: Path) -> dict[bytes, tuple[object, ...]]:
    """What is laid below a root, whose own time others move."""
    return {path: what for path, what in laid(root).items() if path != b"."}


def told(report: UndoReport) -> list[tuple[str, list[str]]]:
    return [(album.outcome, sorted({reason.code for reason in album.reasons})) for album in report.albums]


def test_everything_is_back_where_it_was_and_stays_there_until_released(any_house: House) -> None:
    house = any_house
    drop(house)
    before = laid(house.inbound)
    assert house.cycle() == STAGED
    assert told(take_back(house)) == [("undone", [])]
    assert laid(house.inbound) == before
    assert {path for path in laid(house.staging) if path.split(b"/")[0] != TX} == {b".", b".greenroom-root"}
    assert set(os.listdir(os.path.join(os.fsencode(house.staging), TX))) == set(PLAYER_IGNORES)
    assert house.items() == {}
    listener = Ear()
    events.dispatch(house.database, [listener], dt.datetime.now(dt.UTC))
    assert listener.heard[-1] == "Ada – Low Tide"

    assert house.cycle() == HELD
    assert "taken_back" in house.codes()
    assert laid(house.inbound) == before
    (album,) = house.report.albums
    (transfer_id,) = [r.message.split("--release ")[1].rstrip("`.") for r in album.reasons if r.code == "taken_back"]
    assert release(house.database, transfer_id) == 1
    assert release(house.database, transfer_id) == 0
    assert house.cycle() == STAGED
    assert house.items()[KEY]["track_count"] == 3


def test_an_undo_that_recovery_finished_is_told_as_any_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise Killed

    drop(house)
    house.cycle()
    events.dispatch(house.database, [listener := Ear()], dt.datetime.now(dt.UTC))
    with monkeypatch.context() as patched:
        patched.setattr("processor.moves.undo.check_given_back", die)
        with pytest.raises(Killed):
            take_back(house)
    assert [one.kind for one in recover(house.database, house.data, threading.Event()).done] == ["undo"]
    events.dispatch(house.database, [listener], dt.datetime.now(dt.UTC))
    assert listener.heard == ["Ada – Low Tide"]


def test_a_dry_run_says_the_same_and_touches_nothing(house: House) -> None:
    drop(house)
    house.cycle()
    before, items = house.look(), house.items()
    assert told(take_back(house, dry_run=True)) == [("undone", [])]
    assert (house.look(), house.items()) == (before, items)


def test_a_linked_album_is_the_same_inodes_again(house: House) -> None:
    drop(house)
    before = {path: stat[1] for path, stat in seen(house.inbound).items() if os.path.isfile(path)}
    house.cycle()
    take_back(house)
    assert {path: stat[1] for path, stat in seen(house.inbound).items() if os.path.isfile(path)} == before


def track(house: House) -> Path:
    return next(house.staging.rglob("1-01*.flac"))


def edit(house: House) -> None:
    with track(house).open("ab") as file:
        file.write(b"tag")


def replace_it(house: House) -> None:
    old = track(house)
    new = old.with_suffix(".new")
    new.write_bytes(old.read_bytes()[:-1] + b"!")
    os.utime(new, ns=(0, old.stat().st_mtime_ns))
    new.rename(old)


def add(house: House) -> None:
    (track(house).parent / "folder.jpg").write_bytes(JPEG)


def remove(house: House) -> None:
    track(house).unlink()


def take_the_name(house: House) -> None:
    (house.inbound / "Low Tide").mkdir()
    (house.inbound / "Low Tide" / "cover.jpg").write_bytes(b"another cover")


def block_the_folder(house: House) -> None:
    (house.inbound / "Low Tide").write_bytes(b"a file where the folder was")


def lead_elsewhere(house: House) -> None:
    (house.inbound / "Low Tide").symlink_to(house.data)


def move_away(house: House) -> None:
    album = track(house).parent
    album.rename(album.parent / "My favourite")


def rename_a_track(house: House) -> None:
    track(house).rename(track(house).parent / "1-01 - mine.flac")


CHANGES: list[tuple[Callable[[House], None], set[str]]] = [
    (edit, {"file_changed"}),
    (replace_it, {"file_changed"}),
    (add, {"foreign_file"}),
    (remove, {"file_gone"}),
    (take_the_name, {"name_taken"}),
    (block_the_folder, {"not_a_plain_path"}),
    (lead_elsewhere, {"not_a_plain_path"}),
    (move_away, {"album_gone"}),
    (rename_a_track, {"file_gone", "foreign_file"}),
]


@pytest.mark.parametrize(("change", "codes"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
def test_what_changed_is_named_and_not_a_file_is_touched(
    house: House, change: Callable[[House], None], codes: set[str]
) -> None:
    drop(house)
    house.report = house.run()
    change(house)
    before, items = house.look(), house.items()
    for dry_run in (True, False):
        report = take_back(house, dry_run=dry_run)
        assert told(report) == [("refused", sorted(codes))]
        assert report.exit_code == 1
    assert (house.look(), house.items()) == (before, items)


def test_the_same_is_said_of_a_copied_album(divided_house: House) -> None:
    drop(divided_house)
    divided_house.report = divided_house.run()
    replace_it(divided_house)
    before = divided_house.look()
    assert told(take_back(divided_house)) == [("refused", ["file_changed"])]
    assert divided_house.look() == before


def test_a_root_that_is_not_mounted_stops_it_before_anything_is_looked_at(house: House) -> None:
    drop(house)
    house.cycle()
    mark = house.staging / ".greenroom-root"
    mark.rename(house.data / "elsewhere")
    with pytest.raises(Exception, match="greenroom-root"):
        take_back(house)
    (house.data / "elsewhere").rename(mark)
    assert told(take_back(house)) == [("undone", [])]


def test_a_name_that_is_still_the_same_file_is_no_obstacle(house: House) -> None:
    drop(house)
    house.cycle()
    (house.inbound / "Low Tide" / "CD 1").mkdir(parents=True)
    mine = house.inbound / "Low Tide" / "CD 1" / "01 - Song 1.flac"
    os.link(track(house), mine)
    inode = mine.stat().st_ino
    assert told(take_back(house)) == [("undone", [])]
    assert mine.stat().st_ino == inode


def test_a_run_is_taken_back_album_by_album_and_what_cannot_be_stays(house: House) -> None:
    drop(house)
    house.drop(songs("b", "mp3", range(1, 3), artist="Bo", album="Other"))
    house.drop(songs("c", "mp3", range(1, 3), artist="Cy", album="Third"))
    house.cycle()
    run = house.report.run_id
    edit(house)
    report = take_back(house, run)
    assert sorted(told(report)) == [("refused", ["file_changed"]), ("undone", []), ("undone", [])]
    assert set(house.items()) == {KEY}
    assert sorted(path.name for path in house.staging.iterdir()) == [".greenroom-root", TX.decode(), "AD"]
    again = take_back(house, run)
    assert sorted(code for _, codes in told(again) for code in codes) == [
        "file_changed",
        "undone_before",
        "undone_before",
    ]


@pytest.mark.parametrize("role", ["inbound", "staging"])
def test_nothing_is_written_below_a_root_that_is_no_library_any_more(house: House, role: Role) -> None:
    drop(house)
    house.cycle()
    before = house.look()
    elsewhere = house.data / "elsewhere"
    elsewhere.mkdir()
    with house.database.begin() as connection:
        remove_library(connection, os.fsencode(house.inbound if role == "inbound" else house.staging))
        add_library(connection, role, os.fsencode(elsewhere), now=dt.datetime.now(dt.UTC))
    for dry_run in (True, False):
        assert told(take_back(house, dry_run=dry_run)) == [("refused", ["other_roots"])]
    assert house.look() == before


def test_who_is_asked_to_stop_finishes_the_album_and_says_that_the_rest_waits(house: House) -> None:
    class Asked(threading.Event):
        def is_set(self) -> bool:
            return len(house.items()) < 2

    drop(house)
    house.drop(songs("b", "mp3", range(1, 3), artist="Bo", album="Other"))
    house.cycle()
    report = undo(house.database, house.report.run_id or "", dry_run=False, stop=Asked())
    assert (told(report), len(house.items()), report.exit_code) == ([("undone", [])], 1, 1)
    assert report.to_json()["stopped"] == {**report.to_json()["stopped"], "code": "stopped", "path": None}
    assert sorted(told(take_back(house))) == [("refused", ["undone_before"]), ("undone", [])]


def test_an_album_given_up_in_the_middle_when_asked_to_stop_is_as_it_was_and_did_not_fail(house: House) -> None:
    class Asked(threading.Event):
        def is_set(self) -> bool:
            with house.database.read() as connection:
                return connection.scalar(select(TransferRow.id).where(TransferRow.kind == "undo")) is not None

    drop(house)
    house.cycle()
    before = house.contents(), house.staged(), len(house.items())
    report = undo(house.database, house.report.run_id or "", dry_run=False, stop=Asked())
    assert (told(report), report.stopped and report.stopped.code, report.exit_code) == ([], "stopped", 1)
    assert (house.contents(), house.staged(), len(house.items())) == before
    assert told(take_back(house)) == [("undone", [])]


def test_an_album_that_cannot_be_looked_at_is_told_and_the_others_go_back(house: House) -> None:
    drop(house)
    house.drop(songs("b", "mp3", range(1, 3), artist="Bo", album="Other"))
    house.cycle()
    artist = house.staging / "AD"
    artist.symlink_to(artist.rename(house.staging / "elsewhere"))
    for dry_run in (True, False):
        told_of = sorted(told(take_back(house, dry_run=dry_run)))
        assert told_of == [("failed", ["not_a_plain_path"]), ("undone", [])]


def with_a_bad_spot(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three albums in staging, one of them where the disk cannot be read."""
    for name in "ABC":
        house.drop(songs(name, "mp3", range(1, 3), album=f"Tide {name}"))
    house.cycle()
    bad = next(item["path"] for item in house.items().values() if item["album"] == "Tide B")
    look = Tree.stat

    def stat(tree: Tree, path: bytes) -> os.stat_result | None:
        if path == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return look(tree, path)

    monkeypatch.setattr(Tree, "stat", stat)


def test_an_album_on_a_bad_spot_of_the_disk_keeps_no_other_from_going_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_bad_spot(house, monkeypatch)
    assert sorted(told(take_back(house))) == [("failed", ["io_error"]), ("undone", []), ("undone", [])]


def test_an_album_on_a_bad_spot_of_the_disk_keeps_no_other_from_the_trash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_bad_spot(house, monkeypatch)
    ids = [item["id"] for item in house.items().values()]
    report = discard(house.database, ids, sure=True, actor="eva", why="", seen={}, stop=threading.Event())
    assert sorted(told(report)) == [("refused", ["io_error"]), ("trashed", []), ("trashed", [])]
    assert report.exit_code == 1


def test_a_link_as_long_as_the_file_it_stands_for_is_not_taken_for_it(house: House) -> None:
    house.drop(songs("Low Tide", "mp3", range(1, 3)) | {"Low Tide/notes.txt": b"of a link"})
    house.cycle()
    (notes,) = house.staging.rglob("notes.txt")
    notes.unlink()
    notes.symlink_to("elsewhere")
    ids = [item["id"] for item in house.items().values()]
    report = discard(house.database, ids, sure=True, actor="eva", why="", seen={}, stop=threading.Event())
    assert told(report) == [("refused", ["not_as_recorded"])]


def test_an_album_that_could_not_go_to_the_trash_is_not_said_to_lie_there(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    (item,) = house.items().values()
    (house.staging / os.fsdecode(TRASH)).write_bytes(b"in its place")
    before = house.staged()
    report = discard(house.database, [item["id"]], sure=True, actor="eva", why="", seen={}, stop=threading.Event())
    assert (told(report), report.exit_code) == ([("failed", ["unfinished"])], 1)
    assert ".greenroom-trash" in report.albums[0].reasons[0].message
    assert house.staged() == before


def test_of_albums_that_were_chosen_for_the_trash_none_goes_if_one_is_no_more(house: House) -> None:
    """Somebody else was quicker; whoever chose them looks again, at a list that is as it was but for that one."""
    for name in "ABC":
        house.drop(songs(name, "mp3", range(1, 3), album=f"Tide {name}"))
    house.cycle()
    ids = [item["id"] for item in house.items().values()]

    def throw_away(*those: int) -> int:
        return discard(house.database, those, sure=True, actor="eva", why="", seen={}, stop=threading.Event()).exit_code

    assert throw_away(ids[1]) == 0
    with pytest.raises(Misconfigured, match=f"there is no item {ids[1]}"):
        throw_away(*ids)
    assert {item["id"] for item in house.items().values()} == {ids[0], ids[2]}


def test_what_nobody_needs_is_removed_from_the_trash_by_its_days_and_in_no_dry_run(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    (item,) = house.items().values()
    discard(house.database, [item["id"]], sure=True, actor="eva", why="", seen={}, stop=threading.Event())

    def removed() -> int:
        return collect(house.database, house.data, threading.Event())["trash"]

    house.change(trash_days="7")
    assert removed() == 0
    with house.database.begin() as connection:
        connection.execute(update(TransferRow).values(trash_seconds=8 * 24 * 3600))
    house.change(dry_run="true")
    assert removed() == 0
    house.change(dry_run="false")
    (stop := threading.Event()).set()
    with pytest.raises(Stopped):
        collect(house.database, house.data, stop)
    assert [*house.staging.rglob("*.flac")] != []
    assert removed() == 1
    assert [*house.staging.rglob("*.flac")] == []


def test_what_is_published_elsewhere_or_not_as_somebody_saw_it_goes_to_no_trash(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    (item,) = house.items().values()

    def throw_away(seen: Seen | None = None, *, sure: bool = True) -> list[tuple[str, list[str]]]:
        known = {} if seen is None else {item["id"]: seen}
        stop = threading.Event()
        return told(discard(house.database, [item["id"]], sure=sure, actor="eva", why="twice", seen=known, stop=stop))

    def change(**values: object) -> None:
        with house.database.begin() as connection:
            connection.execute(update(StagingItem).values(**values))

    before = house.look(), house.items()
    assert throw_away(sure=False) == [("trashed", [])]
    for wrong in (Seen(1, "approved"), Seen(2, "pending_review")):
        assert throw_away(wrong) == throw_away(wrong, sure=False) == [("refused", ["item_changed"])]
    assert (house.look(), house.items()) == before
    for values, code in (({"root_uuid": "another"}, "other_roots"), ({"status": "publishing"}, "illegal_move")):
        change(**values)
        assert throw_away() == [("refused", [code])]
        change(root_uuid=item["root_uuid"], status=item["status"])
    with house.database.begin() as connection:
        there = Publication(item["id"], "a library", b"Ada", "copy", "Ada", 1, "t", NOW, NOW)
        ledger.publish(connection, there, brought=True)
    assert throw_away() == [("refused", ["published"])], "else the library had an album that no item is of"
    with house.database.begin() as connection:
        ledger.forget_item(connection, item["id"])
    assert (house.look(), house.items()) == before
    change(status="rejected")
    assert throw_away(Seen(1, "rejected")) == [("trashed", [])], "what was rejected before may go, too"
    with house.database.read() as connection:
        happened = [(one["actor"], one["status"], one["why"]) for one in history.of_item(connection, item["id"])]
    assert happened[-1] == ("eva", "rejected", "twice")


def test_what_is_restored_is_told_once_it_is_back_and_not_before(house: House) -> None:
    house.drop(ALBUM)
    house.cycle()
    (item,) = house.items().values()
    before = house.staged()
    stop = threading.Event()
    (gone,) = discard(house.database, [item["id"]], sure=True, actor="eva", why="", seen={}, stop=stop).albums

    def events_of_the_trash() -> list[tuple[str, str]]:
        with house.database.read() as connection:
            return [(one.what, one.account) for one in reversed(activity.newest(connection))]

    there = house.contents()
    assert restore(house.database, gone.transfer.id, sure=False, actor="ada", stop=stop).exit_code == 0
    (house.staging / os.fsdecode(item["path"])).mkdir(parents=True)
    assert restore(house.database, gone.transfer.id, sure=True, actor="ada", stop=stop).exit_code == 1
    shutil.rmtree(house.staging / os.fsdecode(item["path"]).split("/")[0])
    assert house.contents() == there
    assert events_of_the_trash() == [("album_trashed", "eva")]
    assert restore(house.database, gone.transfer.id, sure=True, actor="ada", stop=stop).exit_code == 0
    assert events_of_the_trash() == [("album_trashed", "eva"), ("album_restored", "ada")]
    assert house.staged() == before
    house.check_staging()


class Between(threading.Event):
    """Asks to stop once something is back in inbound and nothing is under way: between two moves."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    def is_set(self) -> bool:
        with self._house.database.read() as connection:
            return not journal.unsettled(connection) and any(self._house.inbound.rglob("*.flac"))


def test_what_went_back_before_regrouping_broke_off_is_let_go(house: House) -> None:
    """An album that a disc joined goes back in two steps, each under a lock of its own."""
    house.drop(songs("Low Tide/CD1", "flac", range(1, 4), disc="1/2"))
    house.cycle()
    house.drop(songs("Low Tide/CD2", "flac", range(1, 4), disc="2/2"))
    house.cycle()
    (item,) = house.items().values()
    report = regroup(house.database, [item["id"]], {}, actor="eva", stop=Between(house))
    assert [album.outcome for album in report.albums] == ["undone"]
    assert report.exit_code
    assert {path.name for path in house.inbound.rglob("*.flac")} == {f"0{n} - Song {n}.flac" for n in range(1, 4)}
    house.run()
    assert not list(house.inbound.rglob("*.flac"))  # staged again, as before anybody asked


@pytest.mark.parametrize("is_busy", [False, True])
def test_what_was_said_of_files_before_counts_again_where_they_cannot_be_taken_back(
    house: House, is_busy: bool
) -> None:
    """Because somebody edited one of them, or works there just now."""
    drop(house)
    house.cycle()
    (item,) = house.items().values()
    with house.database.begin() as connection:
        root = resolve_roots(house.database).inbound
        sources = {file.source for file in staged(connection, item["id"]).files}
        before = {path: Choice("a", "Ada", "Low Tide") for path in sources} | {b"of another album": LOW}
        grouping_choices.say(connection, root.root_uuid, before, actor="ada", now=NOW)
    word = {path: LOW for path in sources}
    if is_busy:
        with hold(house.database, [root], "somebody", threading.Event()), pytest.raises(Busy):
            regroup(house.database, [item["id"]], word, actor="eva", stop=threading.Event())
    else:
        edit(house)
        report = regroup(house.database, [item["id"]], word, actor="eva", stop=threading.Event())
        assert (told(report), report.dry_run) == ([("refused", ["file_changed"])], False)
    with house.database.read() as connection:
        assert grouping_choices.read(connection, root.root_uuid) == before


def test_a_taken_back_album_is_taken_again_when_one_of_its_files_changes(house: House) -> None:
    drop(house)
    house.cycle()
    take_back(house)
    assert house.cycle() == HELD
    (house.inbound / "Low Tide").rename(house.inbound / "Low Tide (fixed)")
    assert house.cycle() == STAGED


def test_what_is_taken_back_and_staged_again_can_be_taken_back_again(house: House) -> None:
    drop(house)
    before = laid(house.inbound)
    for _ in range(2):
        assert house.cycle() == STAGED
        run = house.report.run_id
        assert told(take_back(house, run)) == [("undone", [])]
        assert laid(house.inbound) == before
        release(house.database, run or "")


def test_an_unknown_name_is_said_to_be_unknown(house: House) -> None:
    for ask in (lambda: take_back(house, "nobody"), lambda: release(house.database, "nobody")):
        with pytest.raises(Exception, match="nobody"):
            ask()


def as_listed(house: House) -> dict[str, object]:
    """What the item says but for when it was written."""
    (item,) = house.items().values()
    return {name: value for name, value in item.items() if name not in ("revision", "created_at", "updated_at")}


def test_a_disc_that_joined_goes_back_alone_and_then_the_album(any_house: House) -> None:
    house = any_house
    house.drop(songs("Low Tide/CD1", "flac", range(1, 4), disc="1/2"))
    first_drop = below(house.inbound)
    house.cycle()
    first, staged, listed = house.report.run_id, house.staged(), as_listed(house)
    house.drop(songs("Low Tide/CD2", "flac", range(1, 4), disc="2/2"))
    second_drop = below(house.inbound)
    house.cycle()
    second = house.report.run_id
    assert told(take_back(house, first)) == [("refused", ["album_replaced"])]
    assert told(take_back(house, second)) == [("undone", [])]
    assert (below(house.inbound), house.staged(), as_listed(house)) == (second_drop, staged, listed)
    house.cycle()
    assert "taken_back" in house.codes()
    shutil.rmtree(house.inbound / "Low Tide")
    assert told(take_back(house, first)) == [("undone", [])]
    assert (below(house.inbound), house.items()) == (first_drop, {})


def test_a_better_album_goes_back_and_the_old_one_takes_its_place_again(any_house: House) -> None:
    house = any_house
    house.change(replace="better")
    house.drop(songs("old", "mp3", range(1, 3)) | {"old/cover.jpg": JPEG, "old/rip.log": b"log"})
    house.cycle()
    staged, listed = laid(house.staging / "AD", folder_times=False), as_listed(house)
    house.drop(songs("new", "flac", range(1, 4)))
    dropped = below(house.inbound)
    house.report = house.run()
    assert "replaced" in house.codes()
    assert told(take_back(house, dry_run=True)) == [("undone", [])]
    assert told(take_back(house)) == [("undone", [])]
    assert (below(house.inbound), laid(house.staging / "AD", folder_times=False), as_listed(house)) == (
        dropped,
        staged,
        listed,
    )
    assert set(os.listdir(os.fsencode(house.staging / ".greenroom-trash"))) == set(PLAYER_IGNORES)
    house.report = house.run()
    assert "taken_back" in house.codes()


def test_folders_made_anew_in_inbound_belong_to_whom_inbound_belongs(house: House) -> None:
    """Greenroom's own mask may be a narrow one; who shares the inbound folder gets the album back as it was shared."""
    house.inbound.chmod(0o2775)
    house.drop(songs("a/CD1", "mp3", range(1, 3)))
    for folder in ("a", "a/CD1"):
        (house.inbound / folder).chmod(0o2775)
    before = os.umask(0o077)
    try:
        house.report = house.run()
        assert not (house.inbound / "a").exists()
        assert told(take_back(house)) == [("undone", [])]
    finally:
        os.umask(before)
    assert [stat.S_IMODE((house.inbound / folder).stat().st_mode) for folder in ("a", "a/CD1")] == [0o2775, 0o2775]


def aged(path: Path, ns: int) -> None:
    """Give a folder a time and rights nobody would guess."""
    path.chmod(0o2751)
    os.utime(path, ns=(1, ns))


def test_folders_have_their_times_and_rights_again_also_those_that_several_albums_share(house: House) -> None:
    house.drop(songs("Ada/One", "mp3", range(1, 3)) | songs("Ada/Two", "flac", range(1, 3), album="Two"))
    for n, folder in enumerate((".", "Ada", "Ada/One", "Ada/Two")):
        aged(house.inbound / folder, 1_400_000_000_000_000_001 + n)
    before = laid(house.inbound)
    house.report = house.run()
    assert not (house.inbound / "Ada").exists()
    assert told(take_back(house)) == [("undone", []), ("undone", [])]
    assert laid(house.inbound) == before


def test_a_folder_that_stayed_has_its_time_again_when_what_joined_an_album_is_taken_back(house: House) -> None:
    house.drop(songs("Low CD1", "mp3", range(1, 3), disc="1/2"))
    house.run()
    house.drop(songs("Low CD2", "mp3", range(1, 3), disc="2/2") | {"Low CD2/best.mp3": link("01 - Song 1.mp3")})
    aged(house.inbound / "Low CD2", 1_400_000_000_000_000_001)
    before = laid(house.inbound)
    house.report = house.run()
    assert house.codes() >= {"merged"}
    assert told(take_back(house)) == [("undone", [])]
    assert laid(house.inbound) == before


def test_a_folder_somebody_changed_meanwhile_keeps_the_time_of_that(house: House) -> None:
    house.drop(songs("Ada/One", "mp3", range(1, 3)))
    for folder in ("Ada", "Ada/One"):
        aged(house.inbound / folder, 1_400_000_000_000_000_001)
    house.report = house.run()
    house.drop({"Ada/new.txt": b"from somebody"})
    (house.inbound / "Ada").chmod(0o700)
    assert told(take_back(house)) == [("undone", [])]
    ada, one = ((house.inbound / folder).stat() for folder in ("Ada", "Ada/One"))
    assert (stat.S_IMODE(ada.st_mode), ada.st_mtime_ns > 1_700_000_000_000_000_000) == (0o700, True)
    assert (stat.S_IMODE(one.st_mode), one.st_mtime_ns) == (0o2751, 1_400_000_000_000_000_001)


def test_an_album_that_was_moved_before_folders_were_noted_is_taken_back_all_the_same(house: House) -> None:
    drop(house)
    files = {path: what for path, what in laid(house.inbound).items() if what[-1]}
    house.cycle()
    with house.database.begin() as connection:
        connection.execute(update(TransferRow).values(source_folders=null()))
    assert told(take_back(house)) == [("undone", [])]
    assert {path: what for path, what in laid(house.inbound).items() if what[-1]} == files
