"""The running kernel → the names and clocks that survive neither a reboot nor a copy."""

from __future__ import annotations

import functools
import os
import time
import uuid
from pathlib import Path

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot_id() -> str:
    """Return the kernel's boot id: the same for every process until the next boot, containers included.

    Where /proc hides it (ProcSubset=pid of systemd), GREENROOM_BOOT_ID can pass it in; else one is made up for this
    process, which makes every recovery assume a reboot: slower, never wrong.
    """
    given = os.environ.get("GREENROOM_BOOT_ID")
    if given:
        return given
    try:
        return BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())


def boottime() -> float:
    """Return seconds since boot, counting suspend; never jumps with the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
