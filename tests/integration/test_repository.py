"""Staging items on both databases: recorded in bulk, merged on their key, never doubled, never reset in silence."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from config.database import Database
from config.errors import Misconfigured
from config.reasons import Reason
from processor.items import repository, storing
from processor.items.item import NewItem
from processor.tables import StagingFile, StagingItem
from processor.verification import rows as checks
from processor.verification.rows import Checked
from tests.items import ROOT, album, recorded

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)


def record(database: Database, *items: NewItem, now: dt.datetime = MONDAY) -> dict[str, storing.Upserted]:
    with database.begin() as connection:
        return storing.upsert(connection, items, now)


def listed(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return recorded(connection)


def test_an_album_is_recorded_with_everything_known_about_it(database: Database) -> None:
    item = album()
    done = record(database, item)["k"]
    assert (done.revision, done.changed) == (1, True)
    (row,) = listed(database)
    kept = {name: row[name] for name in ("album_artist", "year", "duration_ms", "size", "compilation", "path")}
    assert kept == {
        "album_artist": "Artist",
        "year": None,
        "duration_ms": 180_000,
        "size": (1 << 40) + 7,
        "compilation": False,
        "path": b"AR/Artist/Album \xff",
    }
    assert (row["status"], row["revision"], row["created_at"], row["updated_at"]) == (
        "pending_review",
        1,
        MONDAY,
        MONDAY,
    )
    assert (row["evidence"], row["warnings"], row["sources"]) == tuple(
        map(json.loads, (item.evidence, item.warnings, item.sources))
    )
    with database.read() as connection:
        files = connection.execute(select(StagingFile.__table__).order_by(StagingFile.path)).mappings().all()
    assert [file["path"] for file in files] == [b"01 - Song.mp3", b"c\xff.jpg"]
    assert files[0]["source"] == b"in \xfe/a\xff.mp3"
    assert files[0]["facts"] == {
        "title": "Song",
        "duration_ms": 180_000,
        "rg_track_gain": -7.25,
        "pictures": [{"size": 9, "type": 3, "mime": "image/jpeg"}],
        "sources": {"title": "tag"},
    }
    assert (files[1]["title"], files[1]["facts"], files[1]["mtime_ns"]) == (None, {}, 3)


def test_the_same_album_again_leaves_the_row_and_its_decision_alone(database: Database) -> None:
    first = record(database, album())["k"]
    with database.begin() as connection:
        connection.execute(update(StagingItem).values(status="approved"))
    # Dropped elsewhere, explained otherwise, moved by another transfer: still the same album.
    again = replace(album(), transfer_id="t2", run_id="r2", evidence="[]", warnings="[]", confidence=0.1)
    assert record(database, again, now=TUESDAY)["k"] == (first.id, 1, False)
    (row,) = listed(database)
    assert (row["status"], row["updated_at"], row["transfer_id"]) == ("approved", MONDAY, "t1")


def test_a_changed_album_keeps_its_id_and_goes_back_to_review(database: Database) -> None:
    first = record(database, album())["k"]
    with database.begin() as connection:
        connection.execute(update(StagingItem).values(status="approved"))
    changed = album(title="Other")
    assert record(database, replace(changed, files=changed.files[:1]), now=TUESDAY)["k"] == (first.id, 2, True)
    (row,) = listed(database)
    assert (row["status"], row["revision"]) == ("pending_review", 2)
    assert (row["created_at"], row["updated_at"]) == (MONDAY, TUESDAY)
    with database.read() as connection:
        assert connection.execute(select(StagingFile.item_id, StagingFile.title)).all() == [(first.id, "Other")]


def test_new_changed_and_unchanged_albums_go_in_one_batch(database: Database) -> None:
    before = record(database, album("a"), album("b"), album("c"))
    shorter = [replace(other := album(key, title="Other"), files=other.files[:1]) for key in ("b", "c")]
    done = record(database, album("a"), *shorter, album("d"))
    assert {key: (item.revision, item.changed) for key, item in done.items()} == {
        "a": (1, False),
        "b": (2, True),
        "c": (2, True),
        "d": (1, True),
    }
    assert all(done[key].id == item.id for key, item in before.items())
    with database.read() as connection:
        files = repository.files(connection, [item.id for item in done.values()])
    whole = len(album().files)
    assert {key: len(files[item.id]) for key, item in done.items()} == {"a": whole, "b": 1, "c": 1, "d": whole}


def test_of_two_albums_with_one_key_the_last_counts_and_nothing_is_doubled(database: Database) -> None:
    record(database, album(title="First"), album(title="Last"))
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(StagingItem)) == 1
        assert connection.scalars(select(StagingFile.title).where(StagingFile.role == "audio")).all() == ["Last"]


@pytest.mark.parametrize("path", [b"01 - Song.mp3", b"01 - Another.mp3"])
@pytest.mark.parametrize("known", [False, True])
def test_of_two_who_record_one_album_at_once_the_second_counts(database: Database, path: bytes, known: bool) -> None:
    """The second begins while the first has not ended, on PostgreSQL too, which lets it read what was before."""
    if known:
        record(database, album(title="Before"))
    last = album(title="Last")
    last = replace(last, files=(last.files[0]._replace(path=path),)).summed()
    with ThreadPoolExecutor(1) as threads:
        with database.begin() as connection:
            storing.upsert(connection, [album(title="First")], MONDAY)
            second = threads.submit(record, database, last)
            wait([second], timeout=0.5)  # it cannot end before we do; this is for it to come so far
        assert second.result()["k"].revision == 2 + known
    (item,) = listed(database)
    assert [(file["path"], file["title"]) for file in item["files"]] == [(path, "Last")]


def test_several_batches_fit_one_transaction_and_a_rollback_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.begin() as connection:
            storing.upsert(connection, [album("a")], MONDAY)
            storing.upsert(connection, [album("b")], MONDAY)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert listed(database) == []
    with database.begin() as connection:
        assert storing.upsert(connection, [], MONDAY) == {}
        storing.upsert(connection, [album("a")], MONDAY)
        storing.upsert(connection, [album("b"), album("a")], MONDAY)
    assert [row["key"] for row in listed(database)] == ["a", "b"]


def test_items_and_their_files_are_listed(database: Database) -> None:
    items = [album(f"k{n:04d}", path=b"AR/Artist/%04d" % n) for n in range(1500)]
    done = record(database, *items)
    with database.read() as connection:
        folders = repository.staged_folders(connection, ROOT)
        assert len(folders) == 1500
        assert folders["k0007"] == b"AR/Artist/0007"
        files = repository.files(connection, [done["k0007"].id, -1])
    (music, picture) = files[done["k0007"].id]
    assert (music.path, music.role, music.track, music.title, music.size) == (
        b"01 - Song.mp3",
        "audio",
        1,
        "Song",
        1 << 40,
    )
    assert picture == repository.StagedFile(b"c\xff.jpg", "picture", b"in \xfe/c.jpg", None, None, None, 7, 3, None, {})
    whole = listed(database)
    assert [row["key"] for row in whole] == [f"k{n:04}" for n in range(1500)]
    assert all(row["files"][1]["path"] == b"c\xff.jpg" for row in whole)
    with database.read() as connection:
        backwards = [whole[3]["id"], whole[1]["id"]]
        assert [row["key"] for row in repository.these(connection, backwards, with_files=False)] == ["k0003", "k0001"]
        assert repository.ids(connection, "approved") == []
        assert repository.ids(connection, "pending_review") == [row["id"] for row in whole]
        assert repository.count_by_status(connection) == {"pending_review": 1500}


def test_what_no_database_can_hold_is_left_out(database: Database) -> None:
    item = album(title="a\0b\ud800c", warnings=(Reason("odd", "\ud800"),))
    record(database, item)
    with database.read() as connection:
        assert connection.scalar(select(StagingFile.title).where(StagingFile.role == "audio")) == "ab?c"


def test_what_is_done_to_one_item_is_done_to_no_other(database: Database) -> None:
    record(database, album("a", path=b"1"), album("b", path=b"2"), album("c", path=b"2", title="Before"))
    before = {row["key"]: row for row in listed(database)}
    ids = {key: row["id"] for key, row in before.items()}
    with database.begin() as connection:
        for key in ("a", "c"):
            looked_at = Checked(ids[key], 1, 1, {}, [Reason("verify_rotten", "bits")])
            checks.write(connection, looked_at, MONDAY)
        storing.retell(connection, album("a", path=b"1", title="Other"), TUESDAY)
        storing.relocate(connection, ids["a"], album("a", path=b"elsewhere", title="Other"), TUESDAY)
        repository.set_warnings(connection, ids["a"], "no_year", [Reason("no_year_at_all", "…")])
        repository.unlist(connection, "a", b"1")  # it lists another folder by now
        repository.unlist(connection, "c", b"2")
        assert repository.of_id(connection, ids["c"]) is None
        assert (checks.look(connection, ids["c"]), checks.look(connection, ids["a"]) is None) == (None, False)
        assert repository.files(connection, [ids["c"]]) == {}
        assert not repository.is_anothers(connection, album("b", path=b"2"))
        assert repository.is_anothers(connection, album("new", path=b"2"))
        assert not repository.is_anothers(connection, replace(album("new", path=b"2"), root_uuid="another"))
        found = repository.recorded(connection, ["b", "a", "none"])
        assert {key: one.item.path for key, one in found.items()} == {"a": b"elsewhere", "b": b"2"}
        assert (repository.id_of(connection, "b"), found["b"].item) == (ids["b"], album("b", path=b"2"))
        assert repository.count_outside(connection, [ROOT]) == 0
        assert repository.count_outside(connection, ["another"]) == 2
        repository.mark_missing(connection, [ids["a"]], TUESDAY)
        assert repository.count_outside(connection, ["another"]) == 1
        assert repository.staged_folders(connection, "another") == {}
        assert [one.path for one in repository.folders(connection, ROOT)] == [b"2"]
        with pytest.raises(Misconfigured, match=f"no item {ids['c']}"):
            repository.item(connection, ids["c"])
    changed, same = listed(database)
    assert same == before["b"]
    assert (changed["files"][0]["title"], changed["status"], changed["revision"]) == ("Other", "missing", 2)
    assert [one["code"] for one in changed["warnings"]] == ["no_year_at_all"]


def test_a_name_too_long_for_an_index_is_cut(database: Database) -> None:
    endless = "".join(chr(0x4E00 + n % 20_000) for n in range(0, 700_000, 7))
    record(database, album(album_artist=endless, album=endless, title=endless))
    (row,) = listed(database)
    assert row["album_artist"] == endless[:333]


def test_what_files_say_anew_brings_no_warning_back_that_was_settled_meanwhile(database: Database) -> None:
    """Tags are written for minutes, and taken back after weeks; somebody may have chosen the release by then."""
    item = album()
    item_id = record(database, item)["k"].id
    with database.begin() as connection:
        repository.set_warnings(connection, item_id, "no_year", [])
        storing.retell(connection, item, TUESDAY)
        row, _ = repository.item(connection, item_id)
    assert (row["warnings"], row["warned"]) == ([], False)


@pytest.mark.postgres
def test_a_right_that_is_lacking_is_told_of_many_rows_as_of_one(database: Database) -> None:
    def record_with_few_rights() -> None:
        with database.begin() as connection:
            connection.exec_driver_sql("CREATE ROLE few_rights")  # gone with this transaction
            connection.exec_driver_sql("GRANT ALL ON staging_items TO few_rights")
            connection.exec_driver_sql("GRANT SELECT, DELETE ON staging_files TO few_rights")
            connection.exec_driver_sql("SET LOCAL ROLE few_rights")
            storing.upsert(connection, [album()], MONDAY)

    with pytest.raises(Misconfigured, match="run `GRANT ALL ON staging_files TO "):
        record_with_few_rights()


def with_sizes(key: str, *sizes: int) -> NewItem:
    item = album(key)
    first, *others = item.files
    tracks = [first._replace(path=b"%d" % n, size=size) for n, size in enumerate(sizes)]
    return replace(item, path=key.encode(), files=(*tracks, *others), track_count=len(tracks))


def test_items_are_found_by_the_sizes_of_their_music_and_by_an_index(database: Database) -> None:
    done = record(database, with_sizes("a", 10, 10, 20), with_sizes("b", 10, 30), with_sizes("c", 40))
    a, b, _ = (done[key].id for key in "abc")
    asked: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    with database.read() as connection:
        event.listen(database.engine, "before_cursor_execute", hear)
        found = repository.of_sizes(connection, {7, 10, 20, 99})  # the side file of each has 7 bytes
        event.remove(database.engine, "before_cursor_execute", hear)
        assert sorted(found) == [(10, a, 2), (10, b, 1), (20, a, 1)]
        assert [(head.item_id, head.key, head.tracks) for head in repository.heads(connection, {a, b})] == [
            (a, "a", 3),
            (b, "b", 2),
        ]
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"{how} {statement}", parameters).all()
            assert "ix_staging_files_music" in str(plan)


def test_a_size_that_many_tracks_have_tells_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MOST_ALIKE", 2)
    (item,) = record(database, with_sizes("a", 10, 10, 10, 20, 20)).values()
    with database.read() as connection:
        assert repository.of_sizes(connection, {10, 20}) == [(20, item.id, 2)]
