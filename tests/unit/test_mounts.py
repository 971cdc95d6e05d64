"""Lines of mountinfo → the mount a path is on, and what is weak about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.mounts import Mount, Remounts, find_mount, mount_of, parse_mountinfo, type_of_device

TEXT = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:50 / /srv/music rw,noatime shared:7 - nfs4 nas:/music rw,vers=4.2
41 27 8:1 / /srv/music rw,noatime shared:8 master:1 - ext4 /dev/sda1 rw,nobarrier
42 27 8:2 / /srv/my\040music rw - exfat /dev/sdb1 rw
not a mount at all
"""


def at(path: bytes) -> Mount:
    found = find_mount(path, parse_mountinfo(TEXT))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (b"/home", "/dev/vda"),
        (b"/", "/dev/vda"),
        (b"/srv/music2", "/dev/vda"),
        (b"/srv/music", "/dev/sda1"),
        (b"/srv/music/in", "/dev/sda1"),
        (b"/srv/my music/in", "/dev/sdb1"),
    ],
)
def test_a_path_is_on_the_mount_with_the_longest_point_and_of_two_there_on_the_last(path: bytes, source: str) -> None:
    assert at(path).source == source


def test_what_a_filesystem_cannot_promise_is_said() -> None:
    assert at(b"/home").weaknesses == []
    assert "barriers are off" in at(b"/srv/music").weaknesses[0]
    assert "no journal" in at(b"/srv/my music").weaknesses[0]
    nfs = next(mount for mount in parse_mountinfo(TEXT) if mount.type == "nfs4")
    assert "quiet_seconds" in nfs.weaknesses[0]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("fuse.mergerfs", "a part of an album"),
        ("fuse.rclone", "still on their way"),
        ("fuse.sshfs", "quiet_seconds"),
        ("tmpfs", "reboot"),
        ("overlay", "container"),
    ],
)
def test_what_a_program_that_serves_a_mount_cannot_promise_is_said(kind: str, said: str) -> None:
    (mount,) = parse_mountinfo(b"44 27 0:51 / /srv/pool rw - %b served rw,user_id=0" % kind.encode())
    (weakness,) = mount.weaknesses
    assert said in weakness


@pytest.mark.parametrize(
    "line", [b"43 27 8:3 / - xfs /dev/sdc rw", b"43 27 8:3 / / rw - xfs /dev/sdc", b"43 27 8:3 / / rw"]
)
def test_a_line_of_another_shape_is_passed_by(line: bytes) -> None:
    assert [*parse_mountinfo(TEXT + line)] == [*parse_mountinfo(TEXT)]


def test_a_device_is_of_the_type_that_is_mounted_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mountinfo = tmp_path / "mountinfo"
    monkeypatch.setattr("config.mounts.MOUNTINFO", mountinfo)
    assert type_of_device(os.makedev(0, 50)) is None
    mountinfo.write_bytes(TEXT)
    found = {type_of_device(os.makedev(*numbers)) for numbers in ((0, 21), (0, 50), (8, 2), (8, 9))}
    assert found == {"proc", "nfs4", "exfat", None}


def test_this_machine_says_where_proc_is() -> None:
    found = mount_of(b"/proc/self")
    assert found is not None
    assert found.type == "proc"
    assert type_of_device(os.stat("/proc/self").st_dev) == "proc"


def test_a_path_that_lies_on_another_mount_is_told_of_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("config.mounts.MOUNTINFO", table := tmp_path / "mountinfo")
    remounts = Remounts()
    asked: list[int] = []

    def roots() -> list[bytes]:
        asked.append(1)
        return [b"/music/library"]

    def seen(*points: str) -> bool:
        mounted = enumerate(("/", *points))
        table.write_text("".join(f"1 0 8:{number} / {point} rw - ext4 /dev/a rw\n" for number, point in mounted))
        return remounts.seen(roots)

    assert not remounts.seen(list), "nothing says what is mounted"
    assert seen()
    assert not seen("/media/camera")
    assert len(asked) == 2
    assert not seen("/media/camera")
    assert len(asked) == 2, "nothing was mounted, so nobody is asked for their roots"
    assert seen("/media/camera", "/music")
    assert not seen("/media/camera", "/music")
    assert seen("/media/camera"), "it is gone again"
