"""The settings table on both databases: read fresh, written only when valid, every change remembered."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import insert, text, update

from config import admin
from config.database import Database
from config.errors import Misconfigured
from config.sections import StagingScan
from config.tables import SettingRow

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def put(database: Database, key: str, value: object, actor: str = "eva", now: dt.datetime = NOW) -> object:
    with database.begin() as connection:
        return admin.put(connection, key, value, actor=actor, now=now)


def get(database: Database, key: str) -> object:
    with database.read() as connection:
        return admin.get(connection, key)


def scan(database: Database) -> tuple[StagingScan, list[str]]:
    with database.read() as connection:
        return admin.staging_scan(connection)


def spoil(database: Database, key: str, value: str) -> None:
    with database.begin() as connection:
        connection.execute(update(SettingRow).where(SettingRow.key == key).values(value=value))


def test_an_untouched_installation_has_the_defaults(database: Database) -> None:
    assert scan(database) == (StagingScan(), [])
    assert get(database, "quiet_seconds") == 60


def test_a_change_is_there_for_the_next_reader(database: Database) -> None:
    assert put(database, "quiet_seconds", "0") == 0
    assert put(database, "staging_scan.schedule", "*/5 * * * *") == "*/5 * * * *"
    assert get(database, "staging_scan.quiet_seconds") == 0
    assert scan(database) == (StagingScan(quiet_seconds=0, schedule="*/5 * * * *"), [])


@pytest.mark.parametrize(("key", "value"), [("schedule", "61 * * * *"), ("workers", "0"), ("nonsense", "1")])
def test_a_bad_value_never_reaches_the_table(database: Database, key: str, value: str) -> None:
    put(database, "workers", 2)
    with pytest.raises(Misconfigured, match=key):
        put(database, key, value)
    with database.read() as connection:
        assert admin.read_values(connection) == {"staging_scan.workers": "2"}
        assert len(admin.history(connection)) == 1


def test_the_history_keeps_who_changed_what_from_what_to_what(database: Database) -> None:
    put(database, "workers", "2")
    put(database, "enabled", "yes")
    put(database, "workers", "3", actor="command:kim", now=LATER)
    put(database, "workers", None, now=LATER)
    with database.read() as connection:
        changes = admin.history(connection, "workers")
        assert [(c["changed_by"], c["changed_at"], c["old"], c["new"]) for c in changes] == [
            ("eva", LATER, "3", None),
            ("command:kim", LATER, "2", "3"),
            ("eva", NOW, None, "2"),
        ]
        assert {c["key"] for c in changes} == {"staging_scan.workers"}
        assert len(admin.history(connection)) == 4
        assert len(admin.history(connection, limit=1)) == 1


def test_going_back_to_the_default_forgets_the_row(database: Database) -> None:
    put(database, "workers", "2")
    assert put(database, "workers", None) == 4
    with database.read() as connection:
        assert admin.read_values(connection) == {}


def test_writing_the_same_value_again_is_no_change(database: Database) -> None:
    put(database, "workers", "2")
    put(database, "workers", "2", actor="kim")
    put(database, "quiet_seconds", None)
    with database.read() as connection:
        assert [c["changed_by"] for c in admin.history(connection)] == ["eva"]


@pytest.mark.parametrize("value", ["two", "", "9" * 5000, "[" * 100_000, '{"a": NaN}'])
def test_whatever_a_hand_wrote_is_a_value_that_cannot_be_read(database: Database, value: str) -> None:
    put(database, "workers", 2)
    spoil(database, "staging_scan.workers", value)
    settings, problems = scan(database)
    assert (settings, len(problems)) == (StagingScan(enabled=False, dry_run=True), 1)


@pytest.mark.sqlite
@pytest.mark.parametrize("value", ["x'80ff'", "CAST(x'80ff' AS TEXT)", "7"])
def test_what_a_hand_wrote_into_sqlite_is_unset_whatever_it_is(database: Database, value: str) -> None:
    put(database, "workers", 2)
    with database.begin() as connection:
        connection.execute(text(f"UPDATE settings SET value = {value}"))
    assert len(scan(database)[1]) == (value != "7")
    put(database, "workers", None)
    assert scan(database) == (StagingScan(), [])
    with database.read() as connection:
        assert admin.history(connection)[0]["new"] is None


def test_an_unreadable_value_stops_the_cycles_and_is_reported(database: Database) -> None:
    put(database, "enabled", True)
    put(database, "workers", 2)
    spoil(database, "staging_scan.workers", "two")
    settings, problems = scan(database)
    assert settings == StagingScan(enabled=False, dry_run=True)
    assert len(problems) == 1
    assert "staging_scan.workers" in problems[0]
    assert "'two'" in problems[0]
    with pytest.raises(Misconfigured, match=r"staging_scan\.workers holds 'two'"):
        get(database, "workers")


def test_an_unreadable_value_can_be_put_right(database: Database) -> None:
    put(database, "workers", 2)
    spoil(database, "staging_scan.workers", "-5")
    put(database, "workers", 3)
    assert scan(database) == (StagingScan(workers=3), [])


def test_settings_of_a_newer_version_and_of_other_sections_are_ignored(database: Database) -> None:
    with database.begin() as connection:
        for key in ("staging_scan.levitate", "staging_scanner.enabled", "phase.enrich.enabled"):
            row = insert(SettingRow).values(key=key, value="true", changed_at=NOW, changed_by="future")
            connection.execute(row)
    assert scan(database) == (StagingScan(), [])


def test_two_who_change_one_setting_at_once_follow_one_another(database: Database) -> None:
    barrier = threading.Barrier(4)

    def change(value: int) -> None:
        barrier.wait()
        put(database, "workers", value, actor=f"writer {value}")

    threads = [threading.Thread(target=change, args=(value,)) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    barrier.wait()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        changes = list(reversed(admin.history(connection)))
        assert [c["old"] for c in changes] == [None, *(c["new"] for c in changes[:-1])]  # one unbroken chain
        assert admin.read_values(connection) == {"staging_scan.workers": changes[-1]["new"]}
    assert len(changes) == 3
