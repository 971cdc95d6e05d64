"""Roots whose disk hangs: one look at each, whoever asks is told since when, and work is refused with what to do."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import users
from config.answering import Answers, Sight, Silence, unanswered
from config.errors import Busy, Misconfigured, Retryable, RootSilent
from config.libraries import Library, verify_root
from config.sentinel import mark_root
from daemon.hanging import Hanging
from daemon.listening import Listening

WAIT = 60.0  # seconds until a test that would hang fails instead
ROOT = b"/srv/inbound"
WITH_ADVICE = r"/srv/inbound.* was asked at 20.* UTC and has not answered yet: .*umount -f"
INBOUND = Library(1, "inbound", "music", ROOT, "uuid")


class Disk:
    """A disk that answers when the test says so."""

    def __init__(self, patience: float = 0.0) -> None:
        self.looks = 0
        self.may_answer = threading.Event()
        self.answers = Answers(patience, 0.0, self._look)

    def _look(self, root: bytes) -> Sight:
        self.looks += 1
        assert self.may_answer.wait(WAIT)
        if root == b"/srv/gone":
            raise OSError(107, "Transport endpoint is not connected")
        return Sight("uuid", None)


def no_thread(_thread: threading.Thread) -> None:
    """What the system says beyond `TasksMax` of a unit, or `ulimit -u`."""
    raise RuntimeError("can't start new thread")


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.may_answer.set()


def test_a_disk_that_hangs_costs_one_look_and_all_are_told_since_when(disk: Disk) -> None:
    first = disk.answers.ask(ROOT)
    assert isinstance(first, Silence)
    assert [disk.answers.ask(ROOT) for _ in range(5)] == [first] * 5
    assert disk.looks == 1
    disk.may_answer.set()
    assert disk.answers.ask(ROOT, WAIT) == Sight("uuid", None)


def test_a_look_that_no_thread_can_be_had_for_is_no_silence(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(Retryable, match="can't start new thread"):
            verify_root(INBOUND, answers=disk.answers)
    disk.may_answer.set()
    assert disk.answers.ask(ROOT, WAIT) == Sight("uuid", None)


def test_work_on_a_root_that_hangs_is_refused_with_its_path_since_when_and_what_to_do(disk: Disk) -> None:
    with pytest.raises(Misconfigured, match=WITH_ADVICE) as refused:
        verify_root(INBOUND, answers=disk.answers)
    assert (refused.value.reason_code, refused.value.path) == ("disk_late", ROOT)
    disk.may_answer.set()
    verify_root(INBOUND, WAIT, disk.answers)


def test_a_look_is_silence_once_it_lasted_for_as_long_as_is_told_and_whose_root_it_is_is_known() -> None:
    disk = Disk()
    disk.answers.told_after = WAIT
    assert isinstance(disk.answers.ask(ROOT), Silence)
    assert disk.answers.silent([ROOT]) == {}
    assert [*disk.answers.silent([ROOT, b"/srv/other"], 0.0)] == [ROOT] == disk.answers.known()
    disk.may_answer.set()


def test_a_mount_whose_program_is_gone_is_no_silence(disk: Disk) -> None:
    disk.may_answer.set()
    with pytest.raises(OSError, match="not connected"):
        disk.answers.ask(b"/srv/gone", WAIT)


def test_only_who_is_busy_looks_and_each_silence_is_logged_once_and_its_end(disk: Disk, logged: list[str]) -> None:
    hanging = Hanging(disk.answers)
    assert hanging.look([ROOT], busy=False) == []
    assert disk.looks == 0
    (said,) = hanging.look([ROOT], busy=True)
    assert "/srv/inbound" in said
    assert hanging.look([ROOT], busy=False) == [said]
    assert hanging.look([b"/srv/other"], busy=False) == []  # it is no library any more
    assert hanging.look([ROOT], busy=False) == [said]
    assert disk.looks == 1
    disk.may_answer.set()
    disk.answers.ask(ROOT, WAIT)
    assert hanging.look([ROOT], busy=False) == []
    silence = ["WARNING a disk does not answer", "INFO a disk answers again"]
    assert logged == silence * 2


def test_what_is_said_names_the_mount_and_asks_no_disk() -> None:
    said = unanswered(b"/", dt.datetime(2026, 11, 22, 3, 12, 5, tzinfo=dt.UTC))
    assert "was asked at 2026-11-22 03:12:05 UTC and has not answered yet" in said
    assert "`umount -f /`" in said


def test_work_ends_as_it_would_without_a_thread_of_its_own(disk: Disk) -> None:
    def refused() -> None:
        raise Busy("somebody else works there")

    disk.may_answer.set()
    assert disk.answers.reading([ROOT], lambda: 7) == 7
    with pytest.raises(Busy, match="somebody else works there"):
        disk.answers.reading([ROOT], refused)


def test_work_that_a_disk_keeps_is_waited_for_no_longer(disk: Disk) -> None:
    ended = threading.Event()

    def work() -> None:
        assert disk.may_answer.wait(WAIT)
        ended.set()

    with pytest.raises(RootSilent, match=r"/srv/inbound.* has not answered yet") as refused:
        disk.answers.reading([ROOT], work)
    assert refused.value.path == ROOT
    assert not ended.is_set()
    disk.may_answer.set()
    assert ended.wait(WAIT)


def test_work_that_lasts_is_waited_for_while_its_disks_answer_whatever_others_do() -> None:
    disk, wait = Disk(patience=0.01), threading.Event()
    disk.may_answer.set()

    def work() -> int:
        while disk.looks < 3:  # each was answered before the next one began
            assert not wait.wait(0.01)
        return 7

    slow = Disk()
    slow.answers.begin([b"/srv/other"])
    assert disk.answers.reading([ROOT], work) == 7
    slow.may_answer.set()


class Ear:
    """A watch on a folder that ends when its disk answers."""

    def __init__(self, root: bytes) -> None:
        self.root, self.is_waiting, self.is_started, self.is_stopped = root, True, False, False

    def start(self) -> None:
        self.is_started = True

    def stop(self) -> None:
        self.is_stopped = True


def test_however_often_a_folder_that_hangs_is_to_be_listened_to_it_keeps_one_watch() -> None:
    ears: list[Ear] = []

    def watch(root: bytes, _hear: Callable[[], None]) -> Ear:
        ears.append(Ear(root))
        return ears[-1]

    listening = Listening(watch, lambda: None)
    listening.to(ROOT)
    listening.to(None)
    for _ in range(3):
        listening.to(ROOT)
        listening.to(None)
        assert listening.is_waiting
    assert [ear.root for ear in ears] == [ROOT]
    listening.to(b"/srv/other")
    ears[1].is_waiting = False
    assert listening.is_waiting
    ears[0].is_waiting = False
    assert not listening.is_waiting
    listening.to(ROOT)
    assert [(ear.root, ear.is_stopped) for ear in ears] == [(ROOT, True), (b"/srv/other", True), (ROOT, False)]
    listening.to(ROOT)
    assert all(ear.is_started for ear in ears)


def test_a_folder_that_answers_is_listened_to_anew_as_often_as_that_is_wanted() -> None:
    ears: list[Ear] = []

    def watch(root: bytes, _hear: Callable[[], None]) -> Ear:
        ears.append(Ear(root))
        ears[-1].is_waiting = False
        return ears[-1]

    listening = Listening(watch, lambda: None)
    listening.to(None)
    assert not listening.is_waiting
    for _ in range(2):
        listening.to(ROOT)
        listening.to(None)
    assert [(ear.root, ear.is_stopped) for ear in ears] == [(ROOT, True)] * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (0o755, "the library {} cannot be written: Permission denied; it is root:root drwxr-xr-x, and this is "),
        (0o700, "the mark of the library {} cannot be opened (Permission denied): let "),
    ],
)
def test_a_root_of_others_is_told_with_whose_it_is_and_who_we_are(mode: int, why: str) -> None:
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        uuid = mark_root(folder.encode())
        Path(folder).chmod(mode)
        library = Library(1, "library", "music", folder.encode(), uuid)

        def told() -> str:
            with pytest.raises(Misconfigured) as refused:
                verify_root(library)
            return refused.value.message

        said = as_nobody(told)
    assert said.startswith(f"{why.format(folder)}{users.user(65534)} (in ")


def as_nobody(work: Callable[[], str]) -> str:
    """Return what `work` does in a process of another user."""
    context = multiprocessing.get_context("fork")
    reading, writing = context.Pipe(duplex=False)

    def run() -> None:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        writing.send(work())

    process = context.Process(target=run)
    process.start()
    writing.close()
    said: str = reading.recv()
    process.join()
    return said
