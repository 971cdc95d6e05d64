"""Work whose disk hangs: nobody waits for it, it holds nothing elsewhere, and it changes nothing when it wakes up."""

from __future__ import annotations

import math
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import TypeVar

import pytest

from config.answering import Answers, Sight
from config.database import Database
from config.errors import LeaseLost, RootSilent, Stopped
from config.leave import LEAVE, ROWS, Leave, changing, check, check_signal, is_kept, is_over
from config.machine import boottime
from processor.filesystem.files import Tree
from processor.publication.access import Access, give
from processor.staging.crew import Crew
from processor.transfers.building import build
from processor.transfers.source_folders import put_back
from processor.transfers.transfer import SourceFolder, Transfer, TransferFile
from scanner.identity import Identity
from scanner.scan import scan_folder
from tests.faults.cycles import another_filesystem
from tests.faults.world import At, Steps
from tests.waiting import until
from workflow import stopping
from workflow.stopping import StopOrTimeout

T = TypeVar("T")
WAIT = 60.0  # seconds until a test that would hang fails instead
HANGS, ANSWERS = b"/srv/music", b"/srv/staging"


class Disks:
    """One that answers, and one that does so when the test says so; and work that meets both."""

    def __init__(self, at_work: float = 0.0) -> None:
        self.hangs, self.both_hang, self.may_answer, self.ended = (threading.Event() for _ in range(4))
        self.looks: list[bytes] = []
        self.at_work = at_work
        self.answers = Answers(0.5, 0.0, self._look, math.inf)  # a quarter of a second for those that answer
        self.let_go: list[bytes] = []
        self.met: list[object] = []

    def _look(self, root: bytes) -> Sight:
        self.looks.append(root)
        if (root == HANGS and self.hangs.is_set()) or self.both_hang.is_set():
            assert self.may_answer.wait(WAIT)
        return Sight("uuid", None)

    def begin_to_hang(self) -> None:
        """From now on one does not answer."""
        self.answers.at_work = self.at_work  # before, no look that is slow for once is taken for silence
        self.hangs.set()

    def hang(self) -> None:
        """Be in a system call that hangs."""
        self.begin_to_hang()
        assert self.may_answer.wait(WAIT)

    def given_up(self, work: Callable[[], object]) -> RootSilent:
        """Do work, which hangs; return why nobody waits for it."""

        def do() -> None:
            leave = LEAVE.get()
            assert leave is not None
            leave.holding([HANGS, ANSWERS], self.let_go.extend)
            try:
                self.met.append(work())
            except LeaseLost as error:
                self.met.append(error)
            finally:
                self.ended.set()

        with pytest.raises(RootSilent) as silent:
            self.answers.changing([HANGS, ANSWERS], do)
        return silent.value

    def wake_up(self) -> object:
        """Let the disk answer; return what the work came to."""
        self.may_answer.set()
        assert self.ended.wait(WAIT)
        return self.met[0]


def test_who_waits_goes_on_with_the_disk_named_and_the_others_let_go() -> None:
    disks = Disks()
    silent = disks.given_up(disks.hang)
    assert silent.path == HANGS
    assert silent.seconds > 0
    assert "umount -f" in silent.message
    assert disks.let_go == [ANSWERS]
    assert disks.met == []
    assert disks.wake_up() is None


def test_work_that_only_looks_at_the_disk_that_hangs_is_given_up_too_and_asks_it_before_the_next_look() -> None:
    disks = Disks()

    def work() -> None:
        with disks.answers.beside(HANGS):
            pass
        with disks.answers.beside(HANGS):
            disks.hang()
        with pytest.raises(LeaseLost):
            check()

    def waited_for() -> None:
        leave = LEAVE.get()
        assert leave is not None
        leave.holding([ANSWERS], disks.let_go.extend)
        work()
        disks.ended.set()

    with pytest.raises(RootSilent) as silent:
        disks.answers.changing([ANSWERS], waited_for)
    assert (silent.value.path, disks.let_go) == (HANGS, [ANSWERS])
    with pytest.raises(RootSilent), disks.answers.beside(HANGS):
        pytest.fail("it does not answer")
    disks.may_answer.set()
    assert disks.ended.wait(WAIT)


def test_a_disk_that_was_looked_at_may_hang_later_without_a_word() -> None:
    disks = Disks(at_work=0.0)

    def work() -> int:
        with disks.answers.beside(HANGS):
            pass
        disks.answers.begin([HANGS])
        disks.begin_to_hang()
        disks.answers.begin([HANGS])
        while disks.looks.count(ANSWERS) < 3:
            assert not disks.ended.wait(0.001)
        return 7

    assert disks.answers.changing([ANSWERS], work) == 7
    disks.may_answer.set()


def test_what_wakes_up_changes_no_name_no_row_and_takes_no_further_step(tmp_path: Path) -> None:
    disks, database, told = Disks(), Database(f"sqlite:///{tmp_path / 'rows.db'}"), []

    def work() -> None:
        disks.hang()
        with Tree(bytes(tmp_path)) as tree:
            (tmp_path / "file").touch()
            (tmp_path / "folder").mkdir()
            for change in (
                lambda: tree.created(b"new").__enter__(),
                lambda: tree.make(b"new"),
                lambda: tree.make_alike(b"new"),
                lambda: tree.unlink(b"file"),
                lambda: tree.unlink(b"file", missing_ok=True),
                lambda: tree.rmdir(b"folder"),
                lambda: tree.link(b"file", tree, b"new"),
                lambda: tree.rename(b"file", b"new"),
                lambda: tree.rename_noreplace(b"file", b"new"),
                lambda: tree.exchange(b"file", b"folder"),
                lambda: tree.opened(b"file", write=True).__enter__(),
                lambda: give(tree, [b"file"], Access(file=0o600)),
                lambda: put_back(undo(tmp_path, b"folder"), Steps()),
                lambda: database.begin().__enter__(),
                check,
            ):
                with pytest.raises(LeaseLost, match="nobody waits for this any more"):
                    change()
                told.append(change)

    disks.given_up(work)
    assert disks.wake_up() is None
    assert len(told) == 15
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "rows.db") == ["file", "folder"]
    database.close()


def undo(root: Path, folder: bytes) -> Transfer:
    """Return an undo that knows another time of a folder."""
    found = (root / os.fsdecode(folder)).stat()
    known = SourceFolder(folder, 0, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    return Transfer(
        "undo", "undo", "published", bytes(root), bytes(root), folder, (), {}, 1, "boot", source_folders=(known,)
    )


def test_threads_that_help_with_copies_have_no_leave_either(tmp_path: Path) -> None:
    for root in ("staging", "music"):
        (tmp_path / root).mkdir()
    files = []
    for name in (b"1.mp3", b"2.mp3", b"3.mp3"):
        path = tmp_path / "staging" / os.fsdecode(name)
        path.write_bytes(name * 1000)
        files.append(TransferFile(name, name, "audio", Identity.of(path.lstat())))
    roots = bytes(tmp_path / "staging"), bytes(tmp_path / "music")
    album = Transfer("id", "album", "planned", *roots, b"Low", tuple(files), {}, 1, "boot")

    def work() -> None:
        leave = LEAVE.get()
        assert leave is not None
        build(album, At("copy", lambda: leave.end([roots[1]])), strongest="copy", workers=2)

    with pytest.raises(LeaseLost, match="nobody waits for this any more"):
        Disks(at_work=WAIT).answers.changing(roots, work)
    assert [path.name for path in (tmp_path / "music").rglob("*.mp3")] == []


def without_leave(work: Callable[[], T]) -> T:
    """Do work that nobody waits for any more."""
    context, leave = copy_context(), Leave()
    context.run(LEAVE.set, leave)
    assert leave.end([])
    return context.run(work)


def test_threads_that_help_with_steps_have_no_leave_either() -> None:
    def step(number: int) -> bool:
        if number == 0:
            time.sleep(0.01)  # so that threads are worth it
        return is_over()

    def work() -> list[bool]:
        with Crew(2) as crew:
            return crew.each(range(3), step)

    assert without_leave(work) == [True, True, True]


def test_a_part_of_work_has_no_leave_once_the_whole_has_none_and_its_locks_go_with_those_of_the_whole() -> None:
    disks, third = Disks(), b"/srv/library"

    def part() -> None:
        leave = LEAVE.get()
        assert leave is not None
        leave.holding([third], disks.let_go.extend)
        disks.hang()
        for place in (third, ROWS):
            with pytest.raises(LeaseLost), changing(place):
                pytest.fail("there is no leave any more")
        disks.met.append("the part's end")
        check()

    assert disks.given_up(lambda: disks.answers.changing([third], part)).path == HANGS
    assert sorted(disks.let_go) == sorted([ANSWERS, third])
    assert disks.met == []
    disks.wake_up()
    first, second = disks.met
    assert first == "the part's end"
    assert isinstance(second, LeaseLost)


def test_what_a_part_changes_its_whole_changes_and_goes_on_without_it() -> None:
    whole = Leave()
    part = Leave(whole)
    with part.change(ANSWERS):
        assert not whole.end([HANGS])
    assert part.end([ANSWERS])
    with whole.change(ANSWERS), pytest.raises(LeaseLost), part.change(ANSWERS):
        pytest.fail("it has no leave any more")


def test_the_part_of_a_whole_that_was_given_up_is_waited_for() -> None:
    whole = Leave()
    part = Leave(whole)
    assert whole.end([HANGS])
    assert not part.end([ANSWERS])
    with pytest.raises(LeaseLost):
        part.check()


def test_between_two_disks_no_link_is_tried_which_one_that_hangs_would_keep(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        another_filesystem(tmp_path) as elsewhere,
        Tree(bytes(tmp_path)) as tree,
        Tree(bytes(elsewhere)) as into,
        pytest.raises(OSError, match="cross-device"),  # and not that there is no leave for it
    ):
        without_leave(lambda: tree.link(b"file", into, b"file"))


def test_who_waits_for_quiet_or_looks_whether_to_stop_hears_that_nobody_waits_for_it() -> None:
    until = StopOrTimeout(threading.Event())
    assert not until.is_set()
    assert without_leave(until.is_set)
    without_leave(lambda: until.wait(10 * WAIT))


def test_who_is_to_stop_is_told_whether_somebody_asked_or_the_time_of_a_cycle_is_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = threading.Event()
    until = StopOrTimeout(asked, 1)
    check_signal(until)
    monkeypatch.setattr(stopping, "boottime", lambda: boottime() + 61)
    with pytest.raises(Stopped, match=r"time .* used up, .* staging_scan\.timeout_minutes"):
        check_signal(until)
    asked.set()
    with pytest.raises(Stopped, match="on request"):
        check_signal(until)


def test_a_scan_that_nobody_waited_for_is_none_to_carry_on_from(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    (tmp_path / "inbound").mkdir()
    with pytest.raises(LeaseLost):
        without_leave(lambda: scan_folder(bytes(tmp_path / "inbound"), scans, workers=1, stop=threading.Event()))
    assert list(scans.iterdir()) == []


def test_a_disk_that_is_just_being_looked_at_is_let_go() -> None:
    disks = Disks()
    look = disks.answers._do

    def slowly(root: bytes) -> Sight:
        time.sleep(0.05 if root == ANSWERS else 0)
        return look(root)

    def look_always() -> None:
        while not disks.ended.wait(0.001):
            disks.answers.begin([ANSWERS])

    disks.answers._do = slowly
    threading.Thread(target=look_always, daemon=True).start()
    disks.given_up(disks.hang)
    assert disks.let_go == [ANSWERS]
    disks.wake_up()


def test_a_link_is_a_change_of_both_of_its_disks(tmp_path: Path) -> None:
    one, other = bytes(tmp_path / "one"), bytes(tmp_path / "other")
    leave, ended = Leave(), list[bool]()

    def look(_frame: object, event: str, called: object) -> None:
        if event == "c_call" and called is os.link:
            ended.extend(leave.end(silent) for silent in ([one], [other], [one, other]))

    for root in (one, other):
        os.mkdir(root)
    (tmp_path / "one" / "file").touch()
    context = copy_context()
    context.run(LEAVE.set, leave)
    with Tree(one) as tree, Tree(other) as into:
        sys.setprofile(look)
        try:
            context.run(tree.link, b"file", into, b"file")
        finally:
            sys.setprofile(None)
    assert ended == [False, False, True]


@pytest.mark.parametrize("place", [ANSWERS, ANSWERS + b"/.greenroom-tx", ROWS, b"/srv/music-of-others"])
def test_leave_is_not_taken_while_something_else_than_the_silent_disk_is_being_changed(place: bytes) -> None:
    leave = Leave()
    with leave.change(place):
        with leave.change(place):
            pass
        assert not leave.end([HANGS])
        leave.check()
    with leave.change(HANGS), leave.change(HANGS + b"/.greenroom-tx"):
        assert leave.end([HANGS])
    with pytest.raises(LeaseLost), leave.change(ANSWERS):
        pytest.fail("there is no leave any more")


def test_work_is_waited_for_while_it_changes_something_on_a_disk_that_answers() -> None:
    disks = Disks()

    def work() -> None:
        with changing(ANSWERS):
            disks.begin_to_hang()
            while disks.looks.count(ANSWERS) < 4:
                assert not disks.ended.wait(0.001)
            assert not disks.let_go
        disks.hang()

    assert disks.given_up(work).path == HANGS
    disks.wake_up()


def test_work_is_waited_for_however_long_it_lasts_while_its_disks_answer_in_time() -> None:
    disks = Disks(at_work=WAIT)

    def work() -> int:
        disks.begin_to_hang()  # for a while: that is not silence yet
        while disks.looks.count(ANSWERS) < 4:
            assert not disks.ended.wait(0.001)
        return 7

    assert disks.answers.changing([HANGS, ANSWERS], work) == 7
    assert disks.looks.count(HANGS) == 1
    disks.may_answer.set()


def test_of_two_disks_that_hang_none_is_let_go() -> None:
    disks = Disks()

    def work() -> None:
        with changing(ANSWERS), changing(HANGS):
            disks.both_hang.set()
            disks.hang()

    disks.given_up(work)
    assert disks.let_go == []
    disks.wake_up()


def test_a_disk_that_has_just_begun_to_be_silent_is_not_let_go_either() -> None:
    disks = Disks(at_work=1.0)

    def work() -> None:
        with changing(ANSWERS):
            disks.begin_to_hang()
            while not disks.answers.silent([HANGS], 1.0):
                assert not disks.ended.wait(0.001)
            disks.both_hang.set()
            while not disks.answers.silent([ANSWERS], 0.0):
                assert not disks.ended.wait(0.001)
        disks.hang()

    assert disks.given_up(work).path == HANGS
    assert disks.let_go == []
    disks.wake_up()


def test_work_is_done_in_the_name_of_whoever_waits_for_it() -> None:
    name: ContextVar[str] = ContextVar("name")
    name.set("job 7")
    assert Disks().answers.changing([HANGS], name.get) == "job 7"


def test_who_is_not_waited_for_with_patience_needs_no_leave() -> None:
    check()
    with changing(ANSWERS), changing(ROWS):
        check()


def test_what_work_raises_is_raised_where_it_is_waited_for() -> None:
    def work() -> None:
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        Disks().answers.changing([HANGS], work)


@pytest.mark.parametrize(("option", "status", "said"), [("--version", 0, "version 0"), ("--none", 2, "No such option")])
def test_a_command_ends_although_a_disk_keeps_one_of_its_threads(option: str, status: int, said: str) -> None:
    script = f"""
import threading
from concurrent.futures import ThreadPoolExecutor
from config.leave import GIVEN_UP
from daemon.cli import main

ThreadPoolExecutor(1).submit(threading.Event().wait)
GIVEN_UP.append(threading.Event())
main(["{option}"])
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert ended.returncode == status
    assert said in ended.stdout + ended.stderr


def test_a_process_is_kept_by_work_that_was_given_up_until_that_has_come_to_its_end() -> None:
    disks = Disks()
    disks.given_up(disks.hang)
    assert is_kept()
    disks.wake_up()
    until(lambda: not is_kept())
