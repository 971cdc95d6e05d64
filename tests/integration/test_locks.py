"""Two real processes and one root → one holder, whatever happens to it."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select, text, update

from config import lease as leases
from config.answering import Answers, Sight
from config.database import Database
from config.errors import Busy, GreenroomError, LeaseLost, Misconfigured, Retryable, RootSilent, Stopped
from config.lease import Guard, Lease, holder
from config.libraries import Library, add_library
from config.locks import hold
from config.sentinel import SENTINEL, read_sentinel
from config.tables import LeaseRow
from tests.waiting import PATIENCE, until

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
SHORT = Lease(seconds=4, renew=0.1, deadline=3.5)

CHILD = """
import sys, threading
from sqlalchemy import update
from config.database import Database
from config.errors import GreenroomError
from config.libraries import Library
from config.lease import Lease
from config.locks import hold
from config.tables import LeaseRow

url, path, root_uuid, short = sys.argv[1:]
database = Database(url)
library = Library(1, "inbound", "music", path.encode(), root_uuid)
lease = Lease(2, 0.1, 1.5) if short == "short" else Lease()
try:
    with hold(database, [library], "cycle", threading.Event(), lease) as guard:
        print("held", guard.fence, flush=True)
        for line in sys.stdin:
            try:
                guard.check("rename")
                print("going on", flush=True)
            except GreenroomError as error:
                print(error.code, flush=True)
except GreenroomError as error:
    print(error.code, error, flush=True)
"""


class Process:
    """A process that holds a root until its input ends."""

    def __init__(self, url: str, library: Library, *, short: bool = False, boot: str | None = None) -> None:
        environment = {**os.environ, **({"GREENROOM_BOOT_ID": boot} if boot else {})}
        arguments = [url, library.path.decode(), library.root_uuid, "short" if short else "standard"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def check(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.says()

    def end(self) -> None:
        self.process.communicate()


@contextlib.contextmanager
def holding(url: str, library: Library, *, short: bool = False, boot: str | None = None) -> Iterator[Process]:
    """Start a process and wait until it holds the root."""
    child = Process(url, library, short=short, boot=boot)
    try:
        assert child.says().startswith("held")
        yield child
    finally:
        child.process.kill()
        child.process.communicate()


def added(database: Database, role: str, folder: Path) -> Library:
    folder.mkdir()
    with database.begin() as connection:
        return add_library(connection, role, os.fsencode(folder), now=NOW)


@pytest.fixture
def inbound(database: Database, tmp_path: Path) -> Library:
    return added(database, "inbound", tmp_path / "inbound")


@pytest.fixture
def staging(database: Database, tmp_path: Path) -> Library:
    return added(database, "staging", tmp_path / "staging")


def taken(
    database: Database, *libraries: Library, lease: Lease = leases.STANDARD_LEASE
) -> contextlib.AbstractContextManager[Guard]:
    return hold(database, libraries, "test", threading.Event(), lease)


def fence(database: Database, library: Library) -> int:
    with database.read() as connection:
        return int(
            connection.execute(select(LeaseRow.fence).where(LeaseRow.root_uuid == library.root_uuid)).scalar_one()
        )


def expires(database: Database, library: Library) -> int:
    with database.read() as connection:
        ours = select(LeaseRow.expires_at).where(LeaseRow.root_uuid == library.root_uuid)
        return int(connection.execute(ours).scalar_one())


def copied_as_on_another_host(library: Library, tmp_path: Path) -> Library:
    """The same root through another inode, so that the kernel's flock does not connect the two holders."""
    elsewhere = tmp_path / "mounted-elsewhere"
    shutil.copytree(os.fsdecode(library.path), elsewhere)
    return replace(library, path=os.fsencode(elsewhere))


def cut_advisory_sessions(database: Database) -> None:
    with database.begin() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        assert connection.execute(text(cut)).all()


def test_the_second_process_is_told_who_holds_the_root(database: Database, database_url: str, inbound: Library) -> None:
    with holding(database_url, inbound) as first:
        second = Process(database_url, inbound)
        answer = second.says()
        second.end()
        assert answer.startswith("busy")
        assert f"{os.uname().nodename} pid {first.process.pid} (cycle)" in answer


def test_a_killed_holder_frees_the_root_at_once(database: Database, database_url: str, inbound: Library) -> None:
    with holding(database_url, inbound) as first:
        before = fence(database, inbound)
        first.process.kill()
        first.process.wait()
        # PostgreSQL notices the closed socket a moment later.
        with until_free(database, inbound):
            assert fence(database, inbound) == before + 1


@contextlib.contextmanager
def until_free(database: Database, library: Library) -> Iterator[None]:
    with contextlib.ExitStack() as stack:

        def is_taken() -> bool:
            with contextlib.suppress(Busy):
                return bool(stack.enter_context(taken(database, library)))
            return False

        until(is_taken)
        yield


def test_the_fence_grows_with_each_holder_and_the_lease_is_given_back(database: Database, inbound: Library) -> None:
    for number in (1, 2, 3):
        with taken(database, inbound) as guard:
            assert guard.fence == number
            with database.read() as connection:
                assert "(test)" in (holder(connection, inbound.root_uuid) or "")
        with database.read() as connection:
            assert holder(connection, inbound.root_uuid) is None


def test_holding_twice_in_one_process_is_refused(database: Database, inbound: Library) -> None:
    with taken(database, inbound):
        with pytest.raises(Busy, match=f"pid {os.getpid()} "), taken(database, inbound):
            pass
        with pytest.raises(Busy), taken(database, inbound):  # the refused one did not let go of the first one's lock
            pass


def test_when_the_second_root_is_taken_the_first_is_let_go(
    database: Database, database_url: str, inbound: Library, staging: Library
) -> None:
    with holding(database_url, staging):
        with pytest.raises(Busy, match="staging"), taken(database, inbound, staging):
            pass
        with database.read() as connection:
            assert holder(connection, inbound.root_uuid) is None
        with taken(database, inbound):
            pass


def test_the_fence_of_the_guard_belongs_to_the_first_root(
    database: Database, inbound: Library, staging: Library
) -> None:
    with taken(database, staging), taken(database, inbound):
        pass
    with taken(database, inbound, staging) as guard:
        assert guard.fence == fence(database, inbound)
        assert fence(database, staging) == guard.fence - 1


def test_a_disk_that_stands_in_for_another_comes_after_all_who_held_that_one(
    database: Database, staging: Library, inbound: Library
) -> None:
    for _ in range(3):
        with taken(database, staging):
            before = fence(database, staging)
    with taken(database, inbound) as guard:
        assert guard.fence > before  # else it could not go on with what was begun on the other


def test_the_renewing_thread_ends_with_the_guard(database: Database, inbound: Library) -> None:
    def renewing() -> int:
        return sum(thread.name == "lease" for thread in threading.enumerate())

    with taken(database, inbound):
        assert renewing() == 1
    assert renewing() == 0


def test_a_lease_is_renewed_for_as_long_as_it_is_held(database: Database, inbound: Library) -> None:
    with taken(database, inbound, lease=SHORT) as guard:
        first = expires(database, inbound)

        def is_renewed() -> bool:
            guard.check("rename")
            return expires(database, inbound) >= first + SHORT.seconds

        until(is_renewed)  # past the end of the lease as it was taken


def test_a_lease_of_before_the_clock_was_set_back_is_nobodys(database: Database, inbound: Library) -> None:
    with taken(database, inbound), database.begin() as connection:
        assert holder(connection, inbound.root_uuid) is not None
        connection.execute(update(LeaseRow).values(expires_at=LeaseRow.expires_at + 3600))
        assert holder(connection, inbound.root_uuid) is None


@pytest.mark.sqlite
def test_a_holder_that_cannot_renew_stops_before_its_lease_ends(database: Database, inbound: Library) -> None:
    never_renewed = Lease(seconds=60, renew=3600, deadline=0)
    with (
        taken(database, inbound, lease=never_renewed) as guard,
        pytest.raises(LeaseLost, match="before “rename”"),
    ):
        guard.check("rename")


@pytest.mark.sqlite
def test_a_holder_whose_database_went_away_stops_though_it_renewed_before(
    database: Database, inbound: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise Retryable("away", code="database_unavailable")

    lease = Lease(seconds=3600, renew=0.05, deadline=1)
    with taken(database, inbound, lease=lease) as guard:
        first = expires(database, inbound)
        until(lambda: expires(database, inbound) > first)
        with monkeypatch.context() as away:
            away.setattr(database, "begin", refuse)
            with pytest.raises(LeaseLost, match="was not renewed"):
                until(lambda: guard.check("rename"))


@pytest.mark.sqlite
def test_a_replaced_mark_lets_a_second_holder_in_but_only_its_fence_counts(
    database: Database, database_url: str, inbound: Library, tmp_path: Path
) -> None:
    with holding(database_url, inbound, short=True) as first:
        mark = tmp_path / "inbound" / os.fsdecode(SENTINEL)
        shutil.copy(mark, tmp_path / "copy")
        (tmp_path / "copy").replace(mark)
        with taken(database, inbound) as second:
            assert second.fence == fence(database, inbound) == 2
            wait_until_lost(first)
            second.check("rename")


def test_a_mark_that_is_replaced_before_it_is_locked_locks_nothing(
    database: Database, inbound: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def too_late(fd: int, how: int) -> None:
        monkeypatch.undo()
        mark = Path(os.fsdecode(inbound.sentinel))
        shutil.copy(mark, mark.with_name("copy"))
        mark.with_name("copy").replace(mark)
        lock(fd, how)

    monkeypatch.setattr("config.alone.fcntl.flock", too_late)
    with pytest.raises(Busy, match="replaced just now"), taken(database, inbound):
        pass
    with taken(database, inbound) as guard:
        guard.check("rename")


class Hanging:
    """Work under the locks of two roots, given up because the disk of the first hangs in the middle of it."""

    def __init__(self, database: Database, silent: Library, other: Library) -> None:
        self._hung, self._may_answer, self._ended = (threading.Event() for _ in range(3))
        self.guard: Guard
        self.met: Exception | None = None

        def look(root: bytes) -> Sight:
            assert root != silent.path or not self._hung.is_set() or self._may_answer.wait(PATIENCE)
            return Sight("uuid", None)

        def work() -> None:
            try:
                with hold(database, [silent, other], "hangs", threading.Event(), SHORT) as self.guard:
                    answers.at_work = 0.0
                    self._hung.set()
                    assert self._may_answer.wait(PATIENCE)
                    self.guard.check("rename")
            except LeaseLost as error:
                self.met = error
            self._ended.set()

        answers = Answers(0.5, 0.0, look, at_work=math.inf)
        with pytest.raises(RootSilent):
            answers.changing([silent.path, other.path], work)

    def wake_up(self) -> None:
        """Let the disk answer, and the work end."""
        self._may_answer.set()
        assert self._ended.wait(PATIENCE)


@pytest.fixture
def hanging(database: Database, inbound: Library, staging: Library) -> Iterator[Hanging]:
    """Work whose inbound disk hangs, and not that of staging."""
    made = Hanging(database, inbound, staging)
    yield made
    made.wake_up()


def test_of_work_that_is_given_up_only_the_silent_root_stays_locked(
    database: Database, database_url: str, inbound: Library, staging: Library, hanging: Hanging
) -> None:
    with pytest.raises(Busy, match=r"\(hangs\)"), taken(database, inbound):
        pass
    with holding(database_url, staging) as other:
        hanging.wake_up()
        assert "nobody waits for this any more" in str(hanging.met)
        assert other.check() == "going on"
        with pytest.raises(Busy, match=r"\(cycle\)"), taken(database, staging):
            pass
    with database.read() as connection:
        assert holder(connection, inbound.root_uuid) is None
    with taken(database, inbound):
        assert fence(database, inbound) == 2
        assert fence(database, staging) == 3


def test_other_hosts_too_have_the_root_that_was_let_go_and_not_the_silent_one(
    database: Database,
    inbound: Library,
    staging: Library,
    hanging: Hanging,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite is never shared between hosts")
    monkeypatch.setenv("GREENROOM_BOOT_ID", "another host")
    with taken(database, copied_as_on_another_host(staging, tmp_path / "other" / "a")):
        hanging.guard.check("the thread that renews is not the one that was given up")
    with pytest.raises(Busy), taken(database, copied_as_on_another_host(inbound, tmp_path / "other" / "b")):
        pass


def test_the_silent_root_is_kept_for_as_long_as_it_is_silent_whoever_has_the_other_one(
    database: Database, inbound: Library, staging: Library, hanging: Hanging
) -> None:
    with taken(database, staging):
        first = expires(database, inbound)
        until(lambda: expires(database, inbound) >= first + SHORT.seconds)


@pytest.mark.parametrize("is_first", [True, False])
def test_who_is_given_up_while_a_root_is_being_locked_locks_nothing_more(
    database: Database,
    database_url: str,
    inbound: Library,
    staging: Library,
    monkeypatch: pytest.MonkeyPatch,
    is_first: bool,
) -> None:
    hung, may_answer, met = threading.Event(), threading.Event(), list[Exception]()
    lock, silent = fcntl.flock, os.stat(inbound.sentinel)

    def hang(fd: int, how: int) -> None:
        if os.path.samestat(os.fstat(fd), silent) and not hung.is_set():
            answers.at_work = 0.0
            hung.set()
            assert may_answer.wait(PATIENCE)
        lock(fd, how)

    def look(root: bytes) -> Sight:
        assert root != inbound.path or not hung.is_set() or may_answer.wait(PATIENCE)
        return Sight("uuid", None)

    def work() -> None:
        try:
            with taken(database, *((inbound, staging) if is_first else (staging, inbound))):
                pytest.fail("it is not locked any more")
        except (Busy, LeaseLost) as error:
            met.append(error)
        ended.set()

    ended, answers = threading.Event(), Answers(0.5, 0.0, look, at_work=math.inf)
    monkeypatch.setattr("config.alone.fcntl.flock", hang)
    with pytest.raises(RootSilent):
        answers.changing([inbound.path, staging.path], work)
    with holding(database_url, staging) as other:
        may_answer.set()
        assert ended.wait(PATIENCE)
        assert [type(error) for error in met] == [LeaseLost]
        assert other.check() == "going on"
    with until_free(database, inbound):
        pass


def only_what_is_open_for_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock as NFS 4 does."""
    lock = fcntl.flock

    def flock(fd: int, how: int) -> None:
        if how != fcntl.LOCK_UN and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        lock(fd, how)

    monkeypatch.setattr("config.alone.fcntl.flock", flock)


def against_readers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock as SMB does: to the end of all files, and what somebody else has locked is not permitted."""
    read, lock, control = os.read, fcntl.flock, fcntl.fcntl

    @contextlib.contextmanager
    def not_permitted() -> Iterator[None]:
        try:
            yield
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error

    def flock(fd: int, how: int) -> None:
        with not_permitted():
            for kind in (fcntl.F_RDLCK, fcntl.F_UNLCK) if how != fcntl.LOCK_UN else ():
                control(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi", kind, os.SEEK_SET, 0, 0, 0))
            lock(fd, how)

    def locked(fd: int, command: int, argument: bytes) -> bytes:
        with not_permitted():
            return control(fd, command, argument)

    def refused(fd: int, count: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{fd}").endswith(os.fsdecode(SENTINEL)):
            with not_permitted():
                lock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            lock(fd, fcntl.LOCK_UN)
        return read(fd, count)

    monkeypatch.setattr(os, "read", refused)
    monkeypatch.setattr("config.alone.fcntl.flock", flock)
    monkeypatch.setattr("config.alone.fcntl.fcntl", locked)


@pytest.mark.parametrize("share", [only_what_is_open_for_writing, against_readers_too])
def test_on_shares_too_one_holds_a_root_while_others_read_its_mark(
    database: Database, inbound: Library, monkeypatch: pytest.MonkeyPatch, share: Callable[[pytest.MonkeyPatch], None]
) -> None:
    share(monkeypatch)
    left_open = set()
    for _ in range(2):
        with taken(database, inbound):
            assert read_sentinel(inbound.path) == inbound.root_uuid
            with pytest.raises(Busy), taken(database, inbound):
                pass
        left_open.add(len(os.listdir("/proc/self/fd")))
    assert len(left_open) == 1


@pytest.mark.parametrize("share", [None, only_what_is_open_for_writing, against_readers_too])
def test_a_program_that_began_meanwhile_holds_nothing_afterwards(
    database: Database,
    inbound: Library,
    monkeypatch: pytest.MonkeyPatch,
    share: Callable[[pytest.MonkeyPatch], None] | None,
) -> None:
    """One that was forked has every file open that we have."""
    if share is not None:
        share(monkeypatch)
    with taken(database, inbound):
        links = [*Path("/proc/self/fd").iterdir()]
        ours = [int(link.name) for link in links if os.fsencode(link.resolve()) == inbound.sentinel]
        assert ours
        assert not any(map(os.get_inheritable, ours))
        child = subprocess.Popen(["sleep", "60"], pass_fds=ours)
    try:
        with taken(database, inbound):
            pass
    finally:
        child.kill()
        child.wait()


def test_what_cannot_be_unlocked_is_let_go_all_the_same(
    database: Database, inbound: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was pulled out: it refuses whatever it is asked."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with taken(database, inbound):
        monkeypatch.setattr("config.alone.fcntl.flock", refuse)
        monkeypatch.setattr("config.alone.fcntl.fcntl", refuse)
    monkeypatch.undo()
    with taken(database, inbound):
        pass


def test_who_was_taken_over_writes_nothing_that_no_journal_row_stands_for(database: Database, inbound: Library) -> None:
    with hold(database, [inbound], "fsck", threading.Event()) as guard:
        with database.begin() as connection:
            guard.confirm(connection)
        with database.begin() as connection:
            connection.execute(update(LeaseRow).values(fence=LeaseRow.fence + 1))
        with pytest.raises(LeaseLost, match="took the lease over"), database.begin() as connection:
            guard.confirm(connection)


def wait_until_lost(child: Process) -> None:
    assert until(lambda: (answer := child.check()) != "going on" and answer) == "lease_lost"


def test_who_was_taken_over_does_not_end_the_lease_of_who_has_it_now(database: Database, inbound: Library) -> None:
    with taken(database, inbound), database.begin() as connection:
        connection.execute(update(LeaseRow).values(fence=LeaseRow.fence + 1))
    with database.read() as connection:
        assert holder(connection, inbound.root_uuid) is not None


def test_who_locks_a_root_without_a_lease_has_no_name(database: Database, inbound: Library) -> None:
    for _ in ("before the first lease", "after it was given back"):
        with Path(os.fsdecode(inbound.sentinel)).open() as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            with pytest.raises(Busy, match="by another process"), taken(database, inbound):
                pass
        with taken(database, inbound):
            pass


@pytest.mark.sqlite
def test_a_root_is_let_go_also_if_the_database_went_away_meanwhile(
    database: Database, database_url: str, inbound: Library
) -> None:
    file = Path(database_url.removeprefix("sqlite:///"))
    with taken(database, inbound):
        file.rename(file.with_name("elsewhere"))
    file.with_name("elsewhere").rename(file)
    with taken(database, inbound) as guard:
        assert isinstance(guard, Guard)
        assert guard.fence == 2


def test_who_is_asked_to_stop_stops_where_nothing_is_half_done_and_nowhere_else(
    database: Database, inbound: Library
) -> None:
    stop = threading.Event()
    with hold(database, [inbound], "test", stop) as guard:
        guard.check_stop()
        stop.set()
        guard.check("rename")
        with pytest.raises(Stopped):
            guard.check_stop()


@pytest.fixture
def other(database_url: str) -> Iterator[Database]:
    """Another host at the same database."""
    with contextlib.closing(Database(database_url)) as opened:
        yield opened


@pytest.mark.postgres
@pytest.mark.parametrize("first", [True, False])
def test_of_two_hosts_that_take_a_root_at_the_same_moment_one_is_told_so(
    database: Database, other: Database, tmp_path: Path, first: bool
) -> None:
    library = Library(1, "inbound", "music", os.fsencode(tmp_path), "root")
    if not first:
        leases.give_back(database, {"root": leases.take(database, library, "test", SHORT)})

    def overtake(_: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith(("INSERT", "UPDATE")):
            leases.take(other, library, "other", SHORT)

    event.listen(database.engine, "before_cursor_execute", overtake)
    with pytest.raises(Busy, match="taken by another process just now"):
        leases.take(database, library, "test", SHORT)
    assert fence(other, library) == (1 if first else 2)


@pytest.mark.postgres
def test_nobody_takes_a_root_over_while_what_rests_on_its_lease_is_written(
    database: Database, other: Database, inbound: Library
) -> None:
    with taken(database, inbound) as guard, database.begin() as connection:
        assert isinstance(guard, Guard)
        guard.confirm(connection)
        with pytest.raises(GreenroomError), other.begin() as another:  # noqa: PT012  one is for the other
            another.execute(text("SET LOCAL lock_timeout = '20ms'"))
            another.execute(update(LeaseRow).values(fence=LeaseRow.fence + 1))


def test_a_frozen_holder_keeps_the_root_and_is_named(database: Database, database_url: str, inbound: Library) -> None:
    with holding(database_url, inbound, short=True) as first:
        first.process.send_signal(signal.SIGSTOP)
        until(lambda: not lease_runs(database, inbound))
        with pytest.raises(Busy, match=f"pid {first.process.pid} "), taken(database, inbound):
            pass


def lease_runs(database: Database, library: Library) -> bool:
    with database.read() as connection:
        return holder(connection, library.root_uuid) is not None


@pytest.mark.postgres
def test_another_host_takes_over_from_a_frozen_one_which_then_stops(
    database: Database, database_url: str, inbound: Library, tmp_path: Path
) -> None:
    elsewhere = copied_as_on_another_host(inbound, tmp_path)
    with holding(database_url, inbound, short=True, boot="another machine") as frozen:
        frozen.process.send_signal(signal.SIGSTOP)
        cut_advisory_sessions(database)  # what the server does when the network to the holder is gone
        with until_free(database, elsewhere):
            assert fence(database, elsewhere) == 2
            frozen.process.send_signal(signal.SIGCONT)
            wait_until_lost(frozen)
            frozen.end()
            assert fence(database, elsewhere) == 2  # leaving, the loser gave back nothing that was not its own
            assert lease_runs(database, elsewhere)


@pytest.mark.postgres
def test_a_live_lease_of_another_host_is_respected_without_any_lock(
    database: Database, database_url: str, inbound: Library, tmp_path: Path
) -> None:
    elsewhere = copied_as_on_another_host(inbound, tmp_path)
    with holding(database_url, inbound, boot="another machine") as first:
        with pytest.raises(Busy, match=f"pid {first.process.pid} "), taken(database, elsewhere):  # the advisory lock
            pass
        cut_advisory_sessions(database)
        with pytest.raises(Busy, match=f"pid {first.process.pid} .*lease"), taken(database, elsewhere):
            pass
        assert first.check() == "going on"
        first.end()  # a session that is already dead does not spoil the end
        assert first.process.returncode == 0
        with taken(database, elsewhere):
            pass


def test_a_root_without_its_mark_cannot_be_held(database: Database, inbound: Library) -> None:
    Path(os.fsdecode(inbound.sentinel)).unlink()
    with pytest.raises(Misconfigured, match="mounted") as caught, taken(database, inbound):
        pass
    assert caught.value.reason_code == "root_not_mounted"


def test_a_link_in_place_of_the_mark_is_no_mark(database: Database, inbound: Library) -> None:
    mark = Path(os.fsdecode(inbound.sentinel))
    mark.symlink_to(mark.rename(mark.with_name("elsewhere")))
    assert read_sentinel(inbound.path) is None
    with pytest.raises(Misconfigured), taken(database, inbound):
        pass


def test_a_pipe_in_place_of_the_mark_does_not_hang(database: Database, inbound: Library) -> None:
    mark = Path(os.fsdecode(inbound.sentinel))
    mark.unlink()
    os.mkfifo(mark)
    with taken(database, inbound):
        pass


def test_a_lost_database_is_retryable_when_the_lock_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(SENTINEL)).write_text("mark")
    library = Library(1, "inbound", "music", os.fsencode(tmp_path), "mark")
    database = Database(f"postgresql://greenroom:hunter22@/x?host={tmp_path}")
    with pytest.raises(Retryable) as caught, taken(database, library):
        pass
    assert "hunter22" not in str(caught.value)
    database.close()


def test_a_takeover_is_noticed_at_the_next_renewal_long_before_the_deadline(
    database: Database, inbound: Library
) -> None:
    lease = Lease(seconds=3600, renew=0.05, deadline=3600)
    with taken(database, inbound, lease=lease) as guard:
        guard.check("rename")
        with database.begin() as connection:
            connection.execute(update(LeaseRow).values(fence=LeaseRow.fence + 1))
        with pytest.raises(LeaseLost, match="took the lease over"):
            until(lambda: guard.check("rename"))  # it is only known after a while
