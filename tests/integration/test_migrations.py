"""Databases: the schema the migrations make, and how connections begin, wait and fail."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, delete, insert, inspect, select, text
from sqlalchemy.exc import StatementError

import daemon.tables  # noqa: F401  their rows belong to the schema that is compared
from config import database as database_module
from config import schema, sqlite_file
from config.database import Database
from config.errors import Misconfigured, Retryable, SchemaChanged
from config.machine import NETWORK_FILESYSTEMS, filesystem_type
from config.schema import migrate
from config.tables import SettingRow, whole_schema
from processor.artwork import rows as artwork
from processor.artwork.offer import Offer, Subject
from processor.artwork.rows import Known
from processor.items import repository, storing
from processor.items.item import ITEM_COLUMNS, NewItem
from processor.tables import StagingFile, StagingItem
from tests.commands import greenroom
from tests.databases import PostgresServer
from tests.items import album, recorded

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
VERSIONS = Path(database_module.__file__).parent / "migrations" / "versions"
MIGRATE = """
import sys
from config.database import Database
from config.schema import migrate
print(*migrate(Database(sys.argv[1])))
"""
NEWEST = max(path.name.split("_")[0] for path in VERSIONS.glob("[0-9]*.py"))
OLDER = "0028"


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def store(connection: Connection, key: str) -> None:
    connection.execute(insert(SettingRow).values(key=key, value="1", changed_at=NOW, changed_by="eva"))


def stored(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.scalars(select(SettingRow.key)))


def test_the_migrations_make_exactly_the_schema_of_the_models(empty_database: Database) -> None:
    migrate(empty_database)
    with empty_database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, whole_schema()) == []


def test_migrating_again_changes_nothing(empty_database: Database) -> None:
    assert migrate(empty_database) == (None, NEWEST)
    assert migrate(empty_database) == (NEWEST, NEWEST)


def test_scripts_are_told_what_a_migration_did(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DATABASE_URL", empty_database.url.render_as_string(hide_password=False))
    told = [json.loads(greenroom("migrate", "--json").stdout) for _ in range(2)]
    assert told == [{"before": None, "after": NEWEST}, {"before": NEWEST, "after": NEWEST}]


def test_a_migration_says_which_step_it_is_at_and_asks_systemd_for_the_time(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate(empty_database, OLDER)
    steps = [f"{n:04}" for n in range(int(OLDER) + 1, int(NEWEST) + 1)]
    monkeypatch.setenv("GREENROOM_DATABASE_URL", empty_database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "systemd"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "systemd"))
        shown = greenroom("migrate", "--json")
        systemd.setblocking(False)
        heard = [systemd.recv(1000).decode().splitlines() for _ in steps]
    assert json.loads(shown.stdout) == {"before": OLDER, "after": NEWEST}
    logged = [json.loads(line) for line in shown.stderr.splitlines()]
    assert [(one["step"], one["of"], one["revision"]) for one in logged] == [
        (n, len(steps), revision) for n, revision in enumerate(steps, 1)
    ]
    assert [status for _, status in heard] == [
        f"STATUS=the database is being migrated: step {n} of {len(steps)}" for n, _ in enumerate(steps, 1)
    ]
    assert {more for more, _ in heard} == {"EXTEND_TIMEOUT_USEC=900000000"}


def test_who_knows_an_older_schema_writes_nothing_more(empty_database: Database) -> None:
    migrate(empty_database)
    with empty_database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    told = f"revision 9999 now, and this process knows {NEWEST}"
    with pytest.raises(SchemaChanged, match=told), empty_database.begin():
        pytest.fail("this would be written with a model that is not the database's")
    with pytest.raises(SchemaChanged):
        empty_database.check()


def test_the_first_start_says_nothing_of_steps(empty_database: Database) -> None:
    told: list[int] = []
    migrate(empty_database, told=lambda step, _of, _revision: told.append(step))
    assert not told


@pytest.mark.postgres
def test_of_a_database_that_is_not_there_it_is_said_how_to_make_it(database: Database) -> None:
    nowhere = Database(database.url.set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(Retryable, match=r"is not there; make it, .*createdb -E UTF8 .* nowhere`"), nowhere.read():
        pass


@pytest.mark.postgres
def test_of_a_database_of_another_user_it_is_said_whom_it_has_to_belong_to(
    empty_database: Database, postgres_server: PostgresServer
) -> None:
    if empty_database.is_sqlite:
        pytest.skip("SQLite knows no users")
    postgres_server.execute("CREATE ROLE stranger LOGIN")
    try:
        strangers = Database(empty_database.url.set(username="stranger").render_as_string())
        with pytest.raises(Misconfigured, match=r'ALTER DATABASE "test_.*" OWNER TO "stranger"'):
            migrate(strangers)
        strangers.close()
    finally:
        postgres_server.execute("DROP ROLE stranger")


@pytest.mark.sqlite
def test_of_a_log_that_somebody_removed_it_is_said_what_becomes_of_what_was_in_it(database: Database) -> None:
    """As programs for backups do, and people who were told it helps against a locked database."""
    with database.begin() as connection:
        connection.execute(insert(SettingRow).values(key="a", value="1", changed_at=NOW, changed_by="test"))
    Path(f"{database.url.database}-wal").unlink()
    another = Database(database.url.render_as_string())
    with pytest.raises(Retryable, match="stop every Greenroom"), another.read() as connection:
        connection.execute(select(SettingRow.value))
    another.close()
    database.close()
    with database.read() as connection:
        assert connection.execute(select(SettingRow.value)).scalars().all() == ["1"]


@pytest.mark.sqlite
@pytest.mark.parametrize("when", ["before a transaction", "before its commit"])
@pytest.mark.parametrize("names", [("-wal",), ("-shm",), ("-wal", "-shm")], ids="".join)
def test_no_commit_is_lost_with_a_log_or_an_index_that_somebody_removed(
    database: Database, database_url: str, names: tuple[str, ...], when: str
) -> None:
    """Another process makes an index of its own, in which we are not, and we would write over what it commits."""
    with database.begin() as connection:
        store(connection, "ours")

    def remove() -> None:
        for name in names:
            Path(f"{database.url.database}{name}").unlink()
        if "-wal" not in names:  # else it could not read what we committed
            _in_another_process(database_url)

    with pytest.raises(Retryable, match="removed or replaced") as caught:  # noqa: PT012  the block is what is tested
        if when == "before a transaction":
            remove()
        with database.begin() as connection:
            store(connection, "in vain")
            if when == "before its commit":
                remove()
    assert caught.value.reason_code == "database_unavailable"
    with suppress(Retryable), database.read():
        pass
    theirs = [] if "-wal" in names else ["committed"]
    assert stored(database) == [*theirs, "ours"]
    with database.begin() as connection:
        store(connection, "later")
    database.close()
    assert stored(database) == [*theirs, "later", "ours"]


@pytest.mark.sqlite
def test_who_ends_with_an_index_that_somebody_removed_takes_no_commit_of_others_along(
    database: Database, database_url: str, logged: list[str]
) -> None:
    """What is closed last writes the log back as its own index tells it, and removes it."""
    with database.begin() as connection:
        store(connection, "ours")
    Path(f"{database.url.database}-shm").unlink()
    _in_another_process(database_url)
    database.close()
    assert logged == ["ERROR the database cannot be closed as it was opened"]
    assert stored(database) == ["committed", "ours"]


@pytest.mark.sqlite
def test_a_log_and_an_index_that_were_made_anew_are_no_others(database: Database) -> None:
    for key in ("a", "b"):
        with database.begin() as connection:
            store(connection, key)
        database.close()  # the last to close them removes them
        assert not Path(f"{database.url.database}-wal").exists()
    assert stored(database) == ["a", "b"]


@pytest.mark.postgres
def test_of_a_search_path_without_its_schema_it_is_said_that_there_is_none(
    postgres_server: PostgresServer,
) -> None:
    with postgres_server.database() as url:
        nowhere = Database(f"{url}&options=-c%20search_path%3Dnowhere")
        with pytest.raises(Misconfigured, match="no schema its search_path names"):
            migrate(nowhere)
        nowhere.close()


@pytest.mark.postgres
def test_what_a_url_asks_that_the_driver_does_not_know_is_named(database: Database) -> None:
    odd = Database(database.url.update_query_dict({"ssl": "true"}).render_as_string(hide_password=False))
    with pytest.raises(Misconfigured, match='invalid connection option "ssl"'), odd.read():
        pass


@pytest.mark.parametrize("url", ["postgresql://me:hunt@er22@db/name", "postgresql://me:hunt@er/22?@db:5432/name"])
def test_an_at_sign_in_a_password_is_told_and_no_part_of_it_shown(url: str) -> None:
    with pytest.raises(Misconfigured, match="as %40") as caught:
        Database(url)
    assert not re.search("er.?22", caught.value.message)


@pytest.mark.parametrize(
    "url", ["postgresql://me@server:hunt@db/name", "postgresql://db/name?password=h@nt", "sqlite:////tmp/@home.db"]
)
def test_an_at_sign_elsewhere_is_one(url: str) -> None:
    Database(url).close()


def test_processes_that_start_at_once_migrate_one_after_the_other(empty_database: Database) -> None:
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, url_of(empty_database)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    said = sorted(start.communicate()[0].split() for start in starts)
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert said == sorted([["None", NEWEST], [NEWEST, NEWEST], [NEWEST, NEWEST]])


def test_a_database_of_a_newer_version_is_refused_untouched(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match="revision 9999, made by a newer Greenroom"):
        migrate(database)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["9999"]


@pytest.mark.sqlite
@pytest.mark.parametrize("there", [None, b"a file", "a folder"])
def test_an_installation_whose_migrations_cannot_be_read_says_so(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: object
) -> None:
    if there == "a folder":
        (tmp_path / "versions").mkdir()
    elif there:
        (tmp_path / "versions").write_bytes(b"a file")
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)
    with pytest.raises(Misconfigured, match=f"{tmp_path}/versions .*install Greenroom again") as refused:
        migrate(database)
    assert refused.value.reason_code == "migrations_unreadable"


def test_a_checkout_in_a_folder_with_a_percent_sign_migrates(tmp_path: Path) -> None:
    (tmp_path / "100%(x)s").mkdir()
    (tmp_path / "100%(x)s" / "config").symlink_to(Path(database_module.__file__).parent)
    fresh = f"sqlite:///{tmp_path}/fresh.db"
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE, fresh], cwd=tmp_path / "100%(x)s", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:  # noqa: PT012  the block is what is tested
        store(connection, "a")
        raise ZeroDivisionError
    assert stored(database) == []


def test_times_come_back_in_utc_and_naive_ones_are_refused(database: Database) -> None:
    with database.begin() as connection:
        store(connection, "a")
    with database.read() as connection:
        found = connection.scalars(select(SettingRow.changed_at)).one()
    assert found == NOW
    assert found.utcoffset() == dt.timedelta(0)
    naive = insert(SettingRow).values(key="b", value="1", changed_at=NOW.replace(tzinfo=None), changed_by="eva")
    with pytest.raises(StatementError, match="without a zone"), database.begin() as connection:
        connection.execute(naive)


@pytest.mark.sqlite
def test_sqlite_keeps_its_promises_on_every_connection(database: Database) -> None:
    with database.read() as one, database.read() as two, database.begin() as three:
        for connection in (one, two, three):
            pragmas = {
                name: connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
            assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
            before, now = time.time(), connection.execute(text("SELECT unixepoch('subsec')")).scalar_one()
            assert before - 0.002 < now < time.time() + 0.002  # also of a SQLite that knows nothing below a second


def test_a_file_of_an_item_that_does_not_exist_is_refused(database: Database) -> None:
    foreign = {key.column.table.name for key in StagingFile.__table__.foreign_keys}
    assert foreign == {"staging_items"}
    with database.read() as connection:
        (key,) = inspect(connection).get_foreign_keys("staging_files")
    assert key["options"]["ondelete"] == "CASCADE"


def test_writers_follow_one_another_instead_of_failing(database: Database) -> None:
    """Each reads before it writes: as deferred transactions of SQLite all but one would fail at once."""
    barrier = threading.Barrier(4)
    failed: list[BaseException] = []

    def write(number: int) -> None:
        barrier.wait()
        try:
            for round_ in range(5):
                with database.begin() as connection:
                    connection.execute(select(SettingRow.key)).all()
                    store(connection, f"{number}.{round_}")
        except Retryable as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(stored(database)) == 20


def test_a_reader_neither_waits_for_a_writer_nor_sees_its_half(database: Database) -> None:
    with database.begin() as writer:
        store(writer, "a")
        assert stored(database) == []
    assert stored(database) == ["a"]


@pytest.mark.sqlite
def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalars(select(SettingRow.key)).all() == []
        with database.begin() as writer:
            store(writer, "a")
        assert reader.scalars(select(SettingRow.key)).all() == []
    assert stored(database) == ["a"]


@pytest.mark.sqlite
def test_a_writer_that_waits_in_vain_is_told_to_try_again(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 1)
    impatient = Database(database_url)
    with database.begin() as writer:
        store(writer, "a")
        with pytest.raises(Retryable, match="locked") as caught, impatient.begin():
            pass
    assert caught.value.reason_code == "database_unavailable"
    with impatient.begin() as connection:
        connection.execute(delete(SettingRow))
    impatient.close()


@pytest.mark.sqlite
def test_the_transaction_is_durable_in_another_process(database: Database, database_url: str) -> None:
    _in_another_process(database_url)
    assert stored(database) == ["committed"]


def _in_another_process(url: str) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(url,))
    writer.start()
    writer.join()
    assert writer.exitcode == 9


def _write_and_die(url: str) -> None:
    database = Database(url)
    with database.begin() as connection:
        store(connection, "committed")
    with database.begin() as connection:
        store(connection, "open")
        os._exit(9)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://greenroom:hunter22@127.0.0.1:1/db",
        "postgresql://greenroom:hunter22@/db?host=/nonexistent",
        "postgresql:///db?host=/nonexistent&user=greenroom&password=hunter22",
    ],
)
def test_a_server_that_does_not_answer_is_retryable_and_the_password_is_not_shown(url: str) -> None:
    database = Database(url)
    with pytest.raises(Retryable) as caught, database.read():
        pass
    assert caught.value.reason_code == "database_unavailable"
    assert "hunter22" not in caught.value.message
    database.close()


@pytest.mark.postgres
def test_a_session_that_the_server_ended_is_retryable(database: Database) -> None:
    with pytest.raises(Retryable), database.begin() as connection:  # noqa: PT012  the block is what is tested
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with database.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        store(connection, "a")
    assert stored(database) == []  # and the next one is a new session


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root:hunter22@db/x",
        "postgresql+psycopg2://u:hunter22@db/x",
        "postgresql://u:hunter22@db:port/x",
        "sqlite+aiosqlite:////tmp/x.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///relative.db",
        "sqlite:////nonexistent/folder/x.db",
        "sqlite:////dev/null",
        "sqlite:////tmp",
    ],
)
def test_a_url_that_cannot_serve_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Database(url)
    assert "hunter22" not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.sqlite
def test_of_a_damaged_file_it_is_said_that_its_disk_may_be_what_fails(tmp_path: Path) -> None:
    """SQLite calls a page that cannot be read a malformed one; nobody should give up a database for its disk."""
    file = tmp_path / "greenroom.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.close()
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))
    database = Database(f"sqlite:///{file}")
    with pytest.raises(Misconfigured, match=r"malformed; a disk .*: look at the kernel's log first; put it aside"):
        migrate(database)
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "greenroom.db").write_text("this is a shopping list, not a database\n" * 100)
    database = Database(f"sqlite:///{tmp_path}/greenroom.db")
    with pytest.raises(Misconfigured, match=r"greenroom\.db is damaged or no database: .*; put it aside"):
        migrate(database)
    database.close()
    assert (tmp_path / "greenroom.db").read_text().startswith("this is a shopping list")


def test_the_database_file_is_nobodys_to_read_who_is_not_of_its_group(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/greenroom.db")
        migrate(database)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(umask)
    assert modes == dict.fromkeys(("greenroom.db", "greenroom.db-wal", "greenroom.db-shm"), 0o660)


def test_sqlite_refuses_a_network_filesystem_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/greenroom.db"
    Database(url).close()
    here = filesystem_type(os.fsencode(tmp_path))
    monkeypatch.setitem(NETWORK_FILESYSTEMS, here, "NFS")  # as if this folder were mounted from afar
    with pytest.raises(Misconfigured, match=r"\(NFS\).*GREENROOM_SQLITE_ON_NETWORK") as caught:
        Database(url)
    assert caught.value.reason_code == "network_filesystem"
    Database(url, on_network=True).close()


def test_the_kernel_tells_filesystems_apart() -> None:
    assert filesystem_type(b"/proc") == 0x9FA0  # PROC_SUPER_MAGIC of statfs(2)
    with pytest.raises(FileNotFoundError):
        filesystem_type(b"/nonexistent")


def store_items(connection: Connection, *items: NewItem) -> None:
    """Insert items as versions did that knew fewer columns."""
    for item in items:
        decided = {"status": "pending_review", "revision": 1, "created_at": NOW, "updated_at": NOW}
        said = {name: getattr(item, name) for name in ITEM_COLUMNS}
        nested = {name: json.loads(said[name]) for name in ("evidence", "warnings", "sources")}
        query = insert(StagingItem).values(**said | nested | decided).returning(StagingItem.id)
        item_id = connection.execute(query).scalar_one()
        for file in item.files:
            connection.execute(insert(StagingFile).values(item_id=item_id, **file._asdict()))


def test_items_and_files_survive_being_made_anew_so_that_no_id_is_given_twice(empty_database: Database) -> None:
    migrate(empty_database, "0008")
    with empty_database.begin() as connection:
        store_items(
            connection, album("k1", year=1999), album("k2", album_artist="Ærø Ólafs", album="Élan", warnings=())
        )
    migrate(empty_database)
    with empty_database.read() as connection:
        kept = recorded(connection)
    assert [(item["search"], item["warned"]) for item in kept] == [("artist album", True), ("ærø olafs elan", False)]
    assert [(item["sort_album"], item["sort_year"]) for item in kept] == [("album", 1999), ("elan", 0)]
    assert [(item["key"], len(item["files"]) > 0) for item in kept] == [("k1", True), ("k2", True)]
    with empty_database.begin() as connection:
        repository.unlist(connection, "k2", kept[1]["path"])
        again = storing.upsert(connection, [album("k3")], NOW)
    assert again["k3"].id > kept[1]["id"]
    with empty_database.begin() as connection:
        connection.execute(delete(StagingItem))
        assert not list(connection.execute(select(StagingFile))), "files go with their item"


def test_only_what_was_refused_as_moving_is_looked_at_again(empty_database: Database) -> None:
    migrate(empty_database, "0033")
    album_of, refused = Subject("album", "k"), {"animated": "It has two frames.", "cmyk": "It is for printers."}
    with empty_database.begin() as connection:
        artwork.offer(connection, album_of, [Offer("tags", code, "front", url="x") for code in refused], (), NOW)
        for one in artwork.candidates(connection, album_of):
            said = one.offer.id, refused[one.offer.id]
            artwork.failed(connection, one.id, said, NOW, is_owed=False)
            artwork.remember(connection, one.offer.id, Known(None, *said, 0, NOW))
    migrate(empty_database)
    with empty_database.read() as connection:
        assert [(one.offer.id, one.code) for one in artwork.candidates(connection, album_of)] == [
            ("animated", None),
            ("cmyk", "cmyk"),
        ]
        assert set(artwork.known(connection, refused)) == {"cmyk"}


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_is_refused_with_the_way_out(
    postgres_server: PostgresServer, encoding: str
) -> None:
    with postgres_server.database(f"template0 ENCODING {encoding}") as url:
        opened = Database(url)
        with pytest.raises(Misconfigured, match=f"is in {encoding}.*createdb -E UTF8 -T template0"):
            migrate(opened)
        opened.close()
