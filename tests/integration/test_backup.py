"""Backups: written at one moment, proven by a restore, and taken back by either kind of database."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Connection, delete, insert, inspect, select, text, update

import daemon.tables  # noqa: F401
from config import accounts, activity, backup, schema, tokens
from config.admin import put
from config.backup import check_backup, export_database, import_database
from config.database import Database
from config.errors import Misconfigured, Rejected, Stopped
from config.lease import STANDARD_LEASE, holder, take
from config.libraries import Library, add_library
from config.tables import Base, LeaseRow, SettingRow, TokenRow
from processor.client import circuits, memory, turns
from processor.client.circuit import Circuit
from processor.client.service import Answer
from processor.items import storing
from processor.tables import StagingItem
from processor.transfers import journal
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity
from tests.commands import greenroom
from tests.items import album
from tests.waiting import until
from workflow import history, plans, progress
from workflow.engine import hosts, wanting
from workflow.engine.job import NewJob, Payload
from workflow.runs import RunRow

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=dt.timezone(dt.timedelta(hours=2)))
# Where it is the file that counts, and not what it is restored into.
TO_A_FILE = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> Database:
    """A database with a row in every table, and with what is hard to carry over: bytes, zones, NULL, half numbers."""
    (tmp_path / "staging").mkdir()
    with database.begin() as connection:
        add_library(connection, "staging", os.fsencode(tmp_path / "staging"), now=NOW)
        put(connection, "quiet_seconds", "300", actor="eva", now=NOW)
        storing.upsert(connection, [album("k1"), album("k2", title="Ærø ☃ \u2028", year=1999)], NOW)
        file = TransferFile(b"in \xfe/a", b"a\xff", "audio", Identity(1, 1 << 63, 3, -5, 6), "blake3:00")
        transfer = Transfer("t", "album", "planned", b"/in", b"/out", b"A\xff", (file,), {"a": [1, 0.1]}, 7, "boot")
        journal.plan(connection, [transfer], NOW)
        row: dict[str, Any] = {"id": "r", "status": "done", "trigger": "command", "dry_run": True, "started_at": NOW}
        row |= {"host": "h", "pid": 1, "settings": {}, "counts": {"x": None}, "reasons": [], "fire_time": None}
        connection.execute(insert(RunRow).values(row))
        plans.keep(connection, "r", b"/in", b"/out", ())
        accounts.add_account(connection, "eva", "correct horse battery", NOW)
        tokens.grant(connection, "api_key", NOW, account="eva", name="script")
        activity.note(connection, "key_made", "eva", NOW, "script")
        wanting.submit_one(connection, NewJob("alpha", "item 1", 1, Payload(), 30, "eva", delay=60), NOW)
        worker = {"executor": "e", "host": "h", "pid": 1, "phases": ["alpha"], "concurrency": 4, "started_at": NOW}
        hosts.enlist(connection, worker)
        turns.take(connection, "provider", "e", 1)
        circuits.locked(connection, "provider")
        circuits.write(connection, "provider", Circuit("open", 5, 0, NOW))
        memory.remember(connection, "key", "provider", Answer(200, {"etag": "é"}, b"{}"), NOW, 60)
        progress.staged(connection, [storing.Upserted(1, 1, True)], "r", NOW)
    take(database, Library(1, "staging", "music", b"/x", "root"), "test", STANDARD_LEASE)
    with database.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if connection.execute(select(table).limit(1)).first() is None:
                connection.execute(insert(table).values({c.name: _some(connection, c) for c in table.columns}))
    return database


def _some(connection: Connection, column: Column[Any]) -> Any:
    """A value for a column of a table that nothing above fills."""
    for foreign in column.foreign_keys:
        return connection.execute(select(foreign.column)).scalars().first()
    if isinstance(column.type, JSON):
        return {"a": [1, 0.5, None, "é"]}
    kind = getattr(column.type, "impl", column.type).python_type
    return {str: "é", int: 7, bytes: b"a\xff", bool: True, float: 0.1, dt.datetime: NOW}[kind]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.jsonl.gz"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another database without any table, of each kind."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'target.db'}")
        yield opened
        opened.close()
        return
    with request.getfixturevalue("postgres_server").database() as url:
        opened = Database(url)
        yield opened
        opened.close()


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, leases as those of nobody."""
    with database.begin() as connection:
        connection.execute(update(LeaseRow).values(expires_at=0))
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name not in backup.NOT_KEPT
        }


def lines(file: Path) -> list[str]:
    return gzip.decompress(file.read_bytes()).decode().splitlines()


def rewrite(file: Path, changed: list[str]) -> None:
    file.write_bytes(gzip.compress("\n".join([*changed, ""]).encode()))


def test_a_backup_fills_an_empty_database_of_either_kind_with_the_very_same_rows(
    filled: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    made = export_database(filled, file, tmp_path)
    assert import_database(target, file, tmp_path) == made
    assert export_database(target, tmp_path / "again", tmp_path).tables == made.tables
    assert rows(target) == rows(filled)
    assert {name for name, content in made.tables.items() if not content.rows} == backup.NOT_KEPT, "not tried at all"


@pytest.mark.sqlite
def test_new_rows_get_new_numbers_after_an_import(
    filled: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    export_database(filled, file, tmp_path)
    import_database(target, file, tmp_path)
    with target.begin() as connection:
        (new,) = storing.upsert(connection, [album("k3")], NOW).values()
        put(connection, "quiet_seconds", "301", actor="eva", now=NOW)
        assert new.id > max(connection.scalars(select(StagingItem.id).where(StagingItem.key != "k3")))


@pytest.mark.sqlite
def test_the_number_of_an_item_that_is_gone_stays_its_own_after_an_import(
    database: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    """Its history is still there: another item of its number would have that for its own."""
    with database.begin() as connection:
        gone = storing.upsert(connection, [album("k1"), album("k2", path=b"B")], NOW)["k2"]
        progress.staged(connection, [gone], "r", NOW)
        connection.execute(delete(StagingItem).where(StagingItem.id == gone.id))
    export_database(database, file, tmp_path)
    import_database(target, file, tmp_path)
    with target.begin() as connection:
        new = storing.upsert(connection, [album("k3", path=b"C")], NOW)["k3"]
        assert new.id > gone.id
        assert history.of_item(connection, new.id) == []


@pytest.mark.parametrize("name", ["at 100%41", "what?", "a#b c"])
def test_a_backup_is_proven_in_the_folder_that_was_named(
    database: Database, file: Path, tmp_path: Path, name: str
) -> None:
    work = tmp_path / "work" / name
    work.mkdir(parents=True)
    export_database(database, file, work)
    assert [*(tmp_path / "work").iterdir(), *work.iterdir()] == [work]


def test_a_link_goes_on_leading_to_the_backup(filled: Database, file: Path, tmp_path: Path) -> None:
    older = tmp_path / "elsewhere" / "older.gz"
    older.parent.mkdir()
    older.write_bytes(b"older")
    file.symlink_to(older)
    made = export_database(filled, file, tmp_path)
    assert (file.readlink(), check_backup(older, tmp_path)) == (older, made)


def test_what_is_no_file_is_no_place_for_a_backup(filled: Database, file: Path, tmp_path: Path) -> None:
    """Root may put a file in the place of /dev/null."""
    os.mkfifo(file)
    (tmp_path / "link").symlink_to(file)
    for name in (file, tmp_path / "link"):
        with pytest.raises(Misconfigured, match="is no file"):
            export_database(filled, name, tmp_path)
    assert file.is_fifo()
    assert not list(tmp_path.glob(".*.new"))


def test_paths_of_a_backup_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    for command in (["export"], ["import", "--check"]):
        done = greenroom(*command, "--work", "work", "kept.gz")
        assert (done.exit_code, "every table was the same" in done.output) == (0, command == ["export"]), done.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_export_that_is_told_to_end_leaves_nothing_behind(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    greenroom("status")
    (tmp_path / "work").mkdir()
    program = Path(sys.executable).with_name("greenroom")
    with subprocess.Popen(
        [program, "export", tmp_path / "kept.gz", "--work", tmp_path / "work"], stderr=subprocess.DEVNULL
    ) as export:
        until(lambda: list((tmp_path / "work").iterdir()))
        export.send_signal(number)
    assert export.returncode == 1
    assert (sorted(os.listdir(tmp_path)), os.listdir(tmp_path / "work")) == (["data", "work"], [])


def test_what_a_killed_export_left_goes_with_the_next_one_whatever_that_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    greenroom("status")
    (tmp_path / "work").mkdir()
    (tmp_path / ".of-a-stranger.abcd1234.new").touch()
    program = Path(sys.executable).with_name("greenroom")
    with subprocess.Popen([program, "export", tmp_path / "monday.gz", "--work", tmp_path / "work"]) as export:
        until(lambda: list((tmp_path / "work").iterdir()))
        export.kill()
    assert len(os.listdir(tmp_path)) == 4
    assert greenroom("export", tmp_path / "tuesday.gz", "--work", tmp_path / "work").exit_code == 0
    assert sorted(os.listdir(tmp_path)) == [".of-a-stranger.abcd1234.new", "data", "tuesday.gz", "work"]
    assert os.listdir(tmp_path / "work") == []


class Looks:
    """A wish to stop that is heard after so many looks for one."""

    def __init__(self, left: int) -> None:
        self.left = left

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_an_export_that_is_asked_to_stop_leaves_nothing(filled: Database, file: Path, tmp_path: Path) -> None:
    """A KeyboardInterrupt is lost where Python is just tidying up, so the wish is looked for instead."""
    (tmp_path / "work").mkdir()
    whole = Looks(1000)
    export_database(filled, file, tmp_path / "work", whole)
    kept = file.read_bytes()
    for looks in (0, 500 - whole.left // 2, 999 - whole.left):
        with pytest.raises(Stopped):
            export_database(filled, file, tmp_path / "work", Looks(looks))
        assert file.read_bytes() == kept
    assert (os.listdir(tmp_path / "work"), list(tmp_path.glob(".*.new"))) == ([], [])


@pytest.mark.sqlite
def test_an_import_that_is_asked_to_stop_leaves_nothing(
    filled: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    export_database(filled, file, tmp_path / "work")
    whole = Looks(1000)
    check_backup(file, tmp_path / "work", whole)
    for looks in (0, 999 - whole.left, 1000 - whole.left):
        with pytest.raises(Stopped):
            import_database(target, file, tmp_path / "work", Looks(looks))
    assert os.listdir(tmp_path / "work") == []
    import_database(target, file, tmp_path / "work")


@pytest.mark.sqlite
def test_the_fence_of_a_restored_root_goes_on_and_nobody_holds_it(
    filled: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    export_database(filled, file, tmp_path)
    import_database(target, file, tmp_path)
    with target.read() as connection:
        assert holder(connection, "root") is None
    assert take(target, Library(1, "staging", "music", b"/x", "root"), "test", STANDARD_LEASE) == 2


@TO_A_FILE
def test_who_was_logged_in_is_not_in_a_backup(filled: Database, target: Database, file: Path, tmp_path: Path) -> None:
    with filled.begin() as connection:
        tokens.grant(connection, "session", NOW, account="eva")
    assert export_database(filled, file, tmp_path).tables["tokens"].rows == 1
    import_database(target, file, tmp_path)
    with target.read() as connection:
        assert connection.scalars(select(TokenRow.purpose)).all() == ["api_key"]


def test_every_table_of_the_database_is_in_a_backup(database: Database, file: Path, tmp_path: Path) -> None:
    made = export_database(database, file, tmp_path)
    with database.read() as connection:
        there = set(inspect(connection).get_table_names())
    assert there - {"alembic_version"} == set(made.tables)


def test_the_command_knows_every_table(database: Database) -> None:
    """In a process of its own, which imports nothing for us."""
    program = (
        "import importlib; importlib.import_module('daemon.cli.{}');"
        "from config.tables import Base; print(*Base.metadata.tables)"
    )
    with database.read() as connection:
        there = set(inspect(connection).get_table_names()) - {"alembic_version"}
    for command in ("export", "import"):
        known = subprocess.run(
            [sys.executable, "-c", program.format(command)], check=True, capture_output=True, text=True, cwd=ROOT
        )
        assert set(known.stdout.split()) == there


def test_a_backup_is_one_moment_whatever_is_written_meanwhile(
    filled: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection takes an item away after the items were read and before their files are."""
    real = backup._select

    def select_and_disturb(connection: Any, table: Any, stop: Any) -> Any:
        found = list(real(connection, table, stop))
        if table.name == "staging_items" and connection.engine.url == filled.engine.url and found:
            with filled.begin() as other:
                other.execute(delete(StagingItem))
        return iter(found)

    monkeypatch.setattr(backup, "_select", select_and_disturb)
    made = export_database(filled, file, tmp_path)
    assert (made.tables["staging_items"].rows, made.tables["staging_files"].rows) == (2, 4)


def test_a_database_that_holds_anything_is_refused_untouched(filled: Database, file: Path, tmp_path: Path) -> None:
    export_database(filled, file, tmp_path)
    before = rows(filled)
    with pytest.raises(Misconfigured, match=r"not empty \(rows of .*staging_items 2"):
        import_database(filled, file, tmp_path)
    assert rows(filled) == before


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[: len(data) // 2], "ended before"),
        (lambda data: data[:-4] + b"\0\0\0\0", "no whole backup|Incorrect length"),
        (lambda data: b"", "no whole backup"),
        (lambda data: b"music", "cannot be read|Not a gzipped file"),
        (lambda data: gzip.compress(b'{"an":"object"}\n'), "does not begin as one"),
        (lambda data: gzip.compress(b'{"greenroom_export":2}\n'), "format is 2"),
        (lambda data: gzip.compress(b"[" * 200_000), "no whole backup"),
        (lambda data: gzip.compress(b" " * (300 << 20), 1), "longer than 256 MiB"),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_changes(
    database: Database, file: Path, tmp_path: Path, damage: Any, says: str
) -> None:
    export_database(database, file, tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(Rejected, match=says):
        check_backup(file, tmp_path)


@pytest.mark.sqlite
def test_where_nothing_can_be_made_another_folder_is_what_helps(database: Database, file: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="Not a directory; --work names another folder"):
        export_database(database, file, Path("/dev/null"))
    assert not list(tmp_path.glob(".greenroom-*"))
    assert not file.exists()


@pytest.mark.sqlite
def test_a_backup_that_has_no_room_says_where_and_leaves_nothing(
    database: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Misconfigured, match=f"no backup can be written to {file.parent}: No space left"):
        export_database(database, file, tmp_path)
    assert not list(tmp_path.glob(".greenroom-*"))
    assert not file.exists()


@pytest.mark.sqlite
@TO_A_FILE
def test_a_line_that_was_lost_added_or_changed_is_noticed(
    filled: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    export_database(filled, file, tmp_path)
    whole = lines(file)
    at = next(n for n, line in enumerate(whole) if '"k1"' in line)
    for changed in (
        whole[:at] + whole[at + 1 :],
        [*whole[:at], whole[at].replace('"k1"', '"k9"'), *whole[at + 1 :]],
        whole[:-1],
        [*whole, whole[at]],
    ):
        rewrite(file, changed)
        with pytest.raises(Rejected, match=r"staging_items|its end is missing|something follows"):
            import_database(target, file, tmp_path)
        with target.read() as connection:
            assert not inspect(connection).has_table("staging_items")


@pytest.mark.sqlite
def test_values_that_a_restore_does_not_give_back_as_they_were_written_are_noticed(
    database: Database, file: Path, tmp_path: Path
) -> None:
    """Its sums are right; but a number that was written as text comes back as a number."""
    with database.begin() as connection:
        add_library(connection, "staging", os.fsencode(tmp_path), now=NOW)
    export_database(database, file, tmp_path)
    *whole, end = lines(file)
    at = next(n for n, line in enumerate(whole) if line.startswith("[") and '"staging"' in line)
    whole[at] = whole[at].replace(",1,", ',"1",', 1)
    content = {"rows": 1, "checksum": hashlib.sha256(f"{whole[at]}\n".encode()).hexdigest()}
    rewrite(file, [*whole, json.dumps({"end": json.loads(end)["end"] | {"libraries": content}})])
    with pytest.raises(Rejected, match="does not restore to what was written"):
        check_backup(file, tmp_path)


@pytest.mark.sqlite
def test_a_backup_is_on_the_disk_before_it_has_its_name(
    database: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fsync, []

    def fsync(fd: int) -> None:
        real(fd)
        is_file = Path(os.readlink(f"/proc/self/fd/{fd}")).is_file()
        synced.append(("bytes" if is_file else "name", file.exists()))

    monkeypatch.setattr("config.backup.os.fsync", fsync)
    export_database(database, file, tmp_path)
    assert synced == [("bytes", False), ("name", True)]


@pytest.mark.sqlite
def test_a_file_of_an_older_version_is_brought_up_to_date(
    filled: Database, target: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version after this one, with a revision more, reads what this one wrote."""
    made = export_database(filled, file, tmp_path)
    with filled.read() as connection:
        head = schema.revision(connection)
    newer = tmp_path / "migrations"
    (newer / "versions").mkdir(parents=True)
    for part in ("env.py", *(f"versions/{path.name}" for path in (schema.MIGRATIONS / "versions").glob("*.py"))):
        (newer / part).write_text((schema.MIGRATIONS / part).read_text())
    (newer / "versions" / "9000_next.py").write_text(
        f"from alembic import op\nrevision = '9000'\ndown_revision = {head!r}\nbranch_labels = depends_on = None\n"
        "def upgrade():\n    op.execute(\"UPDATE staging_items SET album = 'migrated'\")\n"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    assert import_database(target, file, tmp_path).tables == made.tables
    with target.read() as connection:
        assert schema.revision(connection) == "9000"
        assert set(connection.scalars(select(StagingItem.album))) == {"migrated"}


@pytest.mark.sqlite
@TO_A_FILE
def test_a_file_of_a_newer_version_is_refused(filled: Database, target: Database, file: Path, tmp_path: Path) -> None:
    export_database(filled, file, tmp_path)
    first, *others = lines(file)
    rewrite(file, [json.dumps({**json.loads(first), "revision": "9999"}), *others])
    with pytest.raises(Misconfigured, match="a newer Greenroom's"):
        import_database(target, file, tmp_path)


def test_a_backup_that_does_not_prove_itself_leaves_the_older_one(
    filled: Database, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(b"the older one")
    monkeypatch.setitem(backup.ENDED, "settings", {"key": None})  # as if a column came back with nothing in it
    with pytest.raises(Rejected, match="rows of settings cannot be stored"):
        export_database(filled, file, tmp_path)
    assert file.read_bytes() == b"the older one"
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".new") or path.name.startswith("restore")]


@pytest.mark.postgres
def test_rows_the_database_cannot_store_leave_it_empty(
    postgres_url: str, sqlite_url: str, file: Path, tmp_path: Path
) -> None:
    """SQLite takes a NUL in text, PostgreSQL does not."""
    source, target = Database(sqlite_url), Database(postgres_url)
    with source.begin() as connection:
        connection.execute(insert(SettingRow).values(key="a\0b", value="1", changed_at=NOW, changed_by="eva"))
    export_database(source, file, tmp_path)
    with pytest.raises(Rejected, match="rows of settings cannot be stored"):
        import_database(target, file, tmp_path)
    assert not any(rows(target).values())
    source.close()
    target.close()


def test_the_commands_export_check_and_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "one"))
    greenroom("settings", "set", "quiet_seconds", "77")
    assert "restored for a test, and every table was the same" in greenroom("export", file).output
    nowhere = greenroom("export", file.parent / "nowhere" / "file")
    assert f"no backup can be made in {file.parent / 'nowhere'}: No such file or directory" in nowhere.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "whole" in greenroom("import", "--check", file).output
    assert greenroom("import", file).exit_code == 1
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "two"))
    told = json.loads(greenroom("import", "--json", file).output)
    assert told["tables"]["settings"]["rows"] == 1
    assert greenroom("settings", "get", "quiet_seconds").output.strip() == "77"


@pytest.mark.sqlite
def test_other_databases_are_not_opened_by_a_check(database: Database, tmp_path: Path, file: Path) -> None:
    export_database(database, file, tmp_path)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert check_backup(file, tmp_path).tables["transfers"].rows == 0


def test_nothing_that_an_import_writes_is_named_as_no_json(
    filled: Database, target: Database, file: Path, tmp_path: Path
) -> None:
    """It writes NULL where no JSON is."""
    export_database(filled, file, tmp_path)
    import_database(target, file, tmp_path)
    assert schema.no_json(target) == []
