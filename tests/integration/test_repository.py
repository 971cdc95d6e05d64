"""Staging items on both databases: recorded in bulk, merged on their key, never doubled, never reset in silence."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from config.database import Database
from config.reasons import Reason
from processor import repository
from processor.item import NewItem, facts_to_json, new_item
from processor.plan import AlbumPlan, PlannedFile
from processor.tables import StagingFile, StagingItem
from scanner.facts import Facts, Picture
from scanner.grouping import Group, GroupTrack
from scanner.identity import Identity

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)
ROOT = "root-uuid"


def album(key: str = "k", *, title: str = "Song", path: bytes = b"AR/Artist/Album \xff", **values) -> NewItem:
    group = Group(
        **{
            "key": key,
            "kind": "music_album",
            "album_artist": "Artist",
            "album": "Album",
            "year": None,
            "discs": 1,
            "compilation": False,
            "release_id": None,
            "tracks": (GroupTrack(1, None, 1, title, {"title": "tag"}),),
            "sides": (2,),
            "folders": (b"in \xfe",),
            "home": b"in \xfe",
            "verdict": "take",
            "confidence": 0.5,
            "evidence": (Reason("same_folder", "…", b"in \xfe"),),
            "warnings": (Reason("no_year", "…"),),
            "sources": {"album": "tag"},
        }
        | values
    )
    files = (
        PlannedFile(1, b"in \xfe/a\xff.mp3", b"01 - Song.mp3", "audio", Identity(1, 2, 1 << 40, -5, 4)),
        PlannedFile(2, b"in \xfe/c.jpg", b"c\xff.jpg", "picture", Identity(1, 3, 7, 3, 4)),
    )
    facts = {1: Facts(title=title, duration_ms=180_000, rg_track_gain=-7.25, pictures=(Picture(9, 3, "image/jpeg"),))}
    plan = AlbumPlan(group, "staged", path, files, ())
    return new_item(plan, facts, root_uuid=ROOT, transfer_id="t1", run_id="r1")


def record(database: Database, *items: NewItem, now: dt.datetime = MONDAY) -> dict[str, repository.Upserted]:
    with database.begin() as connection:
        return repository.upsert(connection, items, now)


def listed(database: Database, **filters) -> list[dict[str, object]]:
    with database.read() as connection:
        return list(repository.items(connection, **filters))


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
    assert (row["evidence"], row["warnings"], row["sources"]) == (item.evidence, item.warnings, item.sources)
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
    again = replace(album(), transfer_id="t2", run_id="r2", evidence=[], warnings=[], confidence=0.1)
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
    before = record(database, album("a"), album("b"))
    done = record(database, album("a"), album("b", title="Other"), album("c"))
    assert {key: (item.revision, item.changed) for key, item in done.items()} == {
        "a": (1, False),
        "b": (2, True),
        "c": (1, True),
    }
    assert (done["a"].id, done["b"].id) == (before["a"].id, before["b"].id)


def test_of_two_albums_with_one_key_the_last_counts_and_nothing_is_doubled(database: Database) -> None:
    record(database, album(title="First"), album(title="Last"))
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(StagingItem)) == 1
        assert connection.scalars(select(StagingFile.title).where(StagingFile.role == "audio")).all() == ["Last"]


def test_several_batches_fit_one_transaction_and_a_rollback_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.begin() as connection:
            repository.upsert(connection, [album("a")], MONDAY)
            repository.upsert(connection, [album("b")], MONDAY)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert listed(database) == []
    with database.begin() as connection:
        assert repository.upsert(connection, [], MONDAY) == {}
        repository.upsert(connection, [album("a")], MONDAY)
        repository.upsert(connection, [album("b"), album("a")], MONDAY)
    assert [row["key"] for row in listed(database)] == ["a", "b"]


def test_items_are_found_by_key_by_folder_and_listed_in_pages(database: Database) -> None:
    items = [album(f"k{n:04d}", path=b"AR/Artist/%04d" % n) for n in range(1500)]
    done = record(database, *items)
    with database.read() as connection:
        found = repository.by_keys(connection, [*(item.key for item in items), "unknown"])
        assert {key: item.id for key, item in found.items()} == {key: item.id for key, item in done.items()}
        at = repository.by_paths(connection, ROOT, [b"AR/Artist/0007", b"AR/Artist/none"])
        assert {path: item.key for path, item in at.items()} == {b"AR/Artist/0007": "k0007"}
        assert repository.by_paths(connection, "another root", [b"AR/Artist/0007"]) == {}
        folders = repository.staged_folders(connection, ROOT)
        assert len(folders) == 1500
        assert folders["k0007"] == b"AR/Artist/0007"
        files = repository.files(connection, [done["k0007"].id, -1])
    assert files == {
        done["k0007"].id: (
            repository.StagedFile(b"01 - Song.mp3", "audio", 1 << 40, -5, None),
            repository.StagedFile(b"c\xff.jpg", "picture", 7, 3, None),
        )
    }
    first = listed(database, limit=2)
    second = listed(database, limit=2, after=first[-1]["id"])
    assert [row["key"] for row in (*first, *second)] == ["k0000", "k0001", "k0002", "k0003"]
    assert listed(database, status="approved") == []
    assert len(listed(database, status="pending_review")) == 1500


def test_what_no_database_can_hold_is_left_out(database: Database) -> None:
    item = album(title="a\0b\ud800c", warnings=(Reason("odd", "\ud800"),))
    record(database, item)
    with database.read() as connection:
        assert connection.scalar(select(StagingFile.title).where(StagingFile.role == "audio")) == "ab?c"
    assert facts_to_json(Facts(rg_track_gain=float("nan"), rg_track_peak=float("inf"), bits=16)) == {"bits": 16}


def test_an_item_waits_in_a_transfer_as_json_and_comes_back_the_same() -> None:
    item = album().with_digests({b"01 - Song.mp3": "blake3:00"})
    assert item.files[0].digest == "blake3:00"
    assert item.files[1].digest is None
    assert NewItem.from_json(json.loads(json.dumps(item.to_json()))) == item


@given(st.binary(min_size=1), st.text(), st.one_of(st.none(), st.text()))
def test_any_item_comes_back_from_json_the_same(path: bytes, key: str, artist: str | None) -> None:
    item = replace(album(key, path=path), album_artist=artist)
    assert NewItem.from_json(json.loads(json.dumps(item.to_json()))) == item


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"title": "Other"}, False),
        ({"path": b"elsewhere"}, False),
        ({"year": 1999}, False),
        ({"confidence": 0.9}, True),
        ({"evidence": ()}, True),
    ],
)
def test_the_checksum_follows_the_album_and_not_our_reasons(change, same: bool) -> None:
    assert (album(**change).checksum == album().checksum) is same


def test_an_unknown_length_makes_the_whole_unknown() -> None:
    tracks = (GroupTrack(1, None, 1, "a"), GroupTrack(2, None, 2, "b"))
    assert album(tracks=tracks).duration_ms is None
