"""An ext4 in which the kernel found an error: closed to changes or not, status and doctor say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.cycles import House
from tests.faults.disks import run
from tests.filesystems.kinds import Kind, image, mounted

EXT4 = Kind("ext4", image("ext4"), {"mkfs.ext4": "e2fsprogs"})


@contextmanager
def broken(then: str) -> Iterator[tuple[House, Path]]:
    """A house whose library is on an ext4 of which the kernel was told that it has an error, with what it does then."""
    with mounted(EXT4) as disk:
        run("mount", "-o", f"remount,errors={then}", str(disk))
        house = House(disk.parent / "house", filled=False)
        assert house.run("libraries", "add", "library", str(disk)).status == 0
        device = os.stat(disk).st_dev
        name = os.path.basename(os.readlink(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
        assert "problem" not in house.run("status").out
        trigger = Path("/sys/fs/ext4", name, "trigger_fs_error")
        if not os.access(trigger, os.W_OK):  # /sys of a container is read-only
            pytest.skip("no errors on demand can be had of this kernel here")
        trigger.write_text("a test")
        yield house, disk


def test_an_ext4_that_takes_no_changes_after_an_error_is_told_by_status_and_kept_off_by_cycles() -> None:
    with broken("remount-ro") as (house, disk):
        for command in ("status", "doctor"):
            said = " ".join(house.run(command).out.split())
            assert f"the library {disk} cannot be written: its disk is mounted read-only, as the kernel does" in said


def test_errors_that_an_ext4_goes_on_with_are_told_by_status_and_doctor() -> None:
    with broken("continue") as (house, _):
        for command in ("status", "doctor"):
            said = " ".join(house.run(command).out.split())
            assert "the kernel found an error in its file system: unmount it, and run `e2fsck -f /dev/" in said
