"""Tasks from a pipe → their answers into another, in processes with hard limits.

Run as a script by a pool, which passes the folders of this package and of installed ones, its own process id, the
module whose `serve` does the work, and the pipes: isolated, without `site`, so that a start costs little. It forks a
worker when it reads START and a number, and ends one and writes its status (4 bytes) when it reads END, or WAIT, and
the number.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from importlib import import_module

START, END, WAIT = b"s", b"e", b"w"
MEMORY_LIMIT = 512 << 20  # bytes of address space
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Import what does the work, then fork a worker for each pair of pipes as the pool asks for it."""
    package, installed, parent, module, *pairs = arguments
    sys.path += [package, installed]
    limit_yourself(int(parent))
    gc.disable()  # until what is imported, all of which stays, is out of its sight
    serve = import_module(module).serve  # with all that it needs: once, not once a worker
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 100)
    pipes = {index: tuple(map(int, pair.split(","))) for index, pair in enumerate(pairs)}
    workers: dict[int, int] = {}
    while order := os.read(0, 2):
        command, index = order[:1], order[1]
        if command == START:
            workers[index] = os.fork()
            if not workers[index]:
                tasks, answers = become_worker(pipes, index, os.getppid())
                serve(tasks, answers)
                os._exit(0)
            for fd in pipes.pop(index):
                os.close(fd)
        else:
            os.write(1, _reap(workers.pop(index), wait=command == WAIT).to_bytes(4, "big", signed=True))
    for pid in workers.values():
        _reap(pid, wait=False)


def become_worker(pipes: dict[int, tuple[int, ...]], index: int, parent: int) -> tuple[int, ...]:
    """Keep nothing but the own pipes, and return them."""
    own = pipes.pop(index)
    for fd in (fd for pair in pipes.values() for fd in pair):
        os.close(fd)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(null, 1)  # a stray print must not end up among the statuses
    die_with(parent)
    return own


def _reap(pid: int, *, wait: bool) -> int:
    """Kill a worker, unless it dies by itself within a second, and return its status."""
    end = time.monotonic() + (1.0 if wait else 0.0)
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            break
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def limit_yourself(parent: int, file_size: int = 0) -> None:
    """Give up privileges, memory, core dumps and files above a size for good, also for all workers.

    And die with the parent.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    die_with(parent)
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_LIMIT), (resource.RLIMIT_FSIZE, file_size), (resource.RLIMIT_CORE, 0)
    ):  # fmt: skip
        given = resource.getrlimit(kind)[0]  # who started us may allow less: more is refused, or not what was meant
        least = limit if given == resource.RLIM_INFINITY else min(limit, given)
        resource.setrlimit(kind, (least, least))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pool's process, which closes our input


def die_with(parent: int) -> None:
    """Be killed when the parent dies; a fork has to say so again."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # the parent died before the call


def _prctl(option: int, value: int) -> None:
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # there is nothing to put away, and Python takes longer for that than for all else of an end
