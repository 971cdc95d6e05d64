"""One limited process that has imported what reads files → the workers it forks, and how each of them ended."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

from scanner.tags.worker import END, START, WAIT

_PIPE_SIZE = 1 << 20  # bytes
_F_SETPIPE_SZ = 1031  # fcntl(2)
_ENVIRONMENT = ("LD_LIBRARY_PATH", "LANG", "LC_ALL")  # no password may reach a process that reads hostile files
_PACKAGE = Path(__file__).parents[2]
_SCRIPT = Path(__file__).with_name("worker.py")


class ForkServer:
    """A running worker.py with pipes for so many workers. It forks at a fraction of what a start of Python costs.

    `module` is the one whose `serve(tasks, answers)` a worker is, given its ends of the two pipes.
    """

    def __init__(self, workers: int, module: str = "scanner.tags.serve") -> None:
        found = find_spec("mutagen")
        installed = Path(found.origin).parents[1] if found and found.origin else _PACKAGE
        with ExitStack() as ours, ExitStack() as theirs:
            pipes = [(*_pipe(theirs, ours), *_pipe(ours, theirs)) for _ in range(workers)]  # for tasks, for answers
            ends = [(tasks, answers) for tasks, _, _, answers in pipes]
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-B",
                    *map(os.fspath, (_SCRIPT, _PACKAGE, installed)),
                    str(os.getpid()),
                    module,
                ]
                + [f"{tasks},{answers}" for tasks, answers in ends],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                pass_fds=[fd for pair in ends for fd in pair],
            )
            ours.pop_all()
        self._running = 0
        self._free = [(index, tasks, answers) for index, (_, tasks, answers, _) in enumerate(pipes)]
        for _, tasks, answers in self._free:
            for fd in (tasks, answers):
                os.set_blocking(fd, False)
                _enlarge(fd)

    @property
    def is_spent(self) -> bool:
        """Whether every worker it could fork was forked."""
        return not self._free

    @property
    def is_over(self) -> bool:
        """Whether all of them were ended, too."""
        return self.is_spent and not self._running

    def fork(self) -> tuple[int, int, int]:
        """Start a worker; return its number, and our ends of its pipes, for tasks and for answers."""
        worker = self._free.pop(0)
        self._running += 1
        self._tell(START, worker[0])
        return worker

    def end(self, number: int, *, wait: bool) -> int:
        """End a worker and return its status: at once, or after it had a second to die by itself."""
        self._running -= 1
        self._tell(WAIT if wait else END, number)
        assert self._process.stdout
        status = self._process.stdout.read(4)
        return int.from_bytes(status, "big", signed=True) if status else self._process.wait()

    def close(self) -> None:
        """End the process and all workers it has left."""
        for _, tasks, answers in self._free:
            os.close(tasks)
            os.close(answers)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _tell(self, command: bytes, number: int) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it is dead, and so are its workers: that shows when we read
            self._process.stdin.write(command + bytes([number]))


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Open a pipe whose ends are closed with what their sides have."""
    ends = os.pipe()
    reader.callback(os.close, ends[0])
    writer.callback(os.close, ends[1])
    return ends


def _enlarge(fd: int) -> None:
    with suppress(OSError):  # an ordinary user may be over his share; it is only faster
        fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_SIZE)
