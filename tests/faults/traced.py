"""A piece of work → the system calls it made in a forked child, with kills, errors or lies put into them by strace."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from config.errors import GreenroomError
from tests.faults import ALL

ADDS = ("link", "linkat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "openat", "ioctl")
TAKES = ("unlink", "unlinkat", "rmdir")
WRITES = (
    *("write", "writev", "pwrite64", "sendfile", "copy_file_range", "ftruncate", "fallocate", "fsync", "fdatasync"),
    *("fchmod", "fchown", "utimensat", "fsetxattr", "flock"),
)
MUTATING = (*ADDS, *TAKES, *WRITES)
MARKS = ("access", "faccessat", "faccessat2")
MARK = "/greenroom-mark/"
ERRORS = (
    "EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EBUSY", "EXDEV", "EPERM", "EMLINK", "EINVAL", "ENOSYS", "EMFILE",
    "ESTALE", "EINTR",
)  # fmt: skip
REFUSED = 3  # the exit status of work that ended in a GreenroomError
_LINE = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)")
_RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")


class Call(NamedTuple):
    """One system call. `n` counts the calls of this name by this thread from 1, as strace's `when` does."""

    name: str
    n: int
    text: str  # what strace wrote after the name: arguments, descriptors with their paths, result

    @property
    def mark(self) -> str | None:
        """The mark that is left by it, if it is one."""
        return self.text.partition(MARK)[2].partition('"')[0] or None

    @property
    def was_done(self) -> bool:
        """Whether the system did it: it neither refused it nor was it answered in the system's stead."""
        return " = -1 " not in self.text and "(INJECTED)" not in self.text


class Outcome(NamedTuple):
    """How the child ended: a signal's number negated, or an exit status."""

    status: int
    calls: list[Call]

    @property
    def marks(self) -> list[str]:
        """The marks that were left."""
        return [call.mark for call in self.calls if call.mark]

    def until(self, mark: str) -> list[Call]:
        """The calls before a mark, which must be there."""
        return self.calls[: next(n for n, call in enumerate(self.calls) if call.mark == mark)]


def mark(name: str) -> None:
    """Leave a mark in the list of calls."""
    os.access(f"{MARK}{name}", os.F_OK)


def changing(calls: list[Call], *roots: bytes) -> list[Call]:
    """Return every call that changes something below a root, or the database, each once."""
    places = (*map(os.fsdecode, roots), "greenroom.db")
    found = (call for call in calls if call.name in MUTATING and any(place in call.text for place in places))
    made = (call for call in found if call.name != "openat" or "O_CREAT" in call.text)
    return list({(call.name, call.n): call for call in made}.values())


def sample(calls: list[Call], every: int) -> Iterator[Call]:
    """Yield some of the calls, though of each kind the first."""
    assert calls, "nothing would be tried"
    seen = set()
    for n, call in enumerate(calls):
        if ALL or call.name not in seen or n % every == 0:
            yield call
        seen.add(call.name)


def with_errors(calls: list[Call], every: int, each: int = 1) -> Iterator[tuple[Call, str]]:
    """Yield some of the calls, none of which is of the database, with so many errors of each."""
    for n, call in enumerate(sample([call for call in calls if "greenroom.db" not in call.text], every)):
        some = [ERRORS[n % len(ERRORS)], ERRORS[(n * 5 + 3) % len(ERRORS)]][:each]
        yield from ((call, error) for error in (ERRORS if ALL else some))


def run_traced(work: Callable[[], object], log: Path, *inject: str) -> Outcome:
    """Run the work in a child that strace holds; `inject` as in strace(1). Skips where tracing is not possible."""
    if shutil.which("strace") is None:
        missing("strace is not installed; apt-get install strace")
    go, hold = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # the test runner's other threads are not needed in the child
        child = os.fork()
    if child == 0:
        _be_child(work, go, hold)
    injected = (name for rule in inject for name in rule.partition(":")[0].split(","))  # only what is traced can be
    names = ",".join(f"?{name}" for name in dict.fromkeys((*MUTATING, *MARKS, *injected)))
    options = [f"--inject={rule}" for rule in inject]
    command = ["strace", "-f", "-y", "-s", "200", "-o", str(log), f"--trace={names}", *options, "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        answer = strace.stderr.readline()
        attached = "attached" in answer
        os.close(go)
        os.write(hold, b"go" if attached else b"no")
        os.close(hold)
        _, status = os.waitpid(child, 0)
        strace.stderr.read()
    if not attached:
        missing(f"strace cannot trace here: {answer.strip()}")
    return Outcome(os.waitstatus_to_exitcode(status), _read(log))


def _be_child(work: Callable[[], object], go: int, hold: int) -> None:
    status = 99
    try:
        os.close(hold)
        ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))  # PR_SET_PTRACER, any: prctl(2), for Yama
        if os.read(go, 2) == b"go":
            work()
        status = 0
    except GreenroomError:
        status = REFUSED
    except BaseException:  # noqa: BLE001  nothing of the child may reach the test runner
        traceback.print_exc()
    finally:
        os._exit(status)


def missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def _read(log: Path) -> list[Call]:
    counts: dict[tuple[str, str], int] = {}
    latest: dict[str, int] = {}  # thread → its latest call, which another thread's line may cut in two
    calls: list[Call] = []
    for line in log.read_text(errors="replace").splitlines():
        if found := _LINE.match(line):
            key = found["thread"], found["name"]
            counts[key] = counts.get(key, 0) + 1
            latest[found["thread"]] = len(calls)
            calls.append(Call(found["name"], counts[key], found["rest"]))
        elif found := _RESUMED.match(line):
            begun = calls[latest[found["thread"]]]
            calls[latest[found["thread"]]] = begun._replace(text=begun.text + found["rest"])
    return calls
