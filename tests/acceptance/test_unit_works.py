"""The unit as it is installed, on a machine that systemd booted: albums of others go all the way, and come back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.machine import UNITS, Machine, booted
from tests.filesystems.kinds import tell_driver
from tests.music import write_album
from tests.waiting import until

pytestmark = pytest.mark.skipif(os.environ.get("GREENROOM_UNIT") != "real", reason="booted by `scripts/unit`")
SOMEBODY, MUSIC, MEDIA = 3000, 2000, 2001
SETTINGS = {
    "staging_scan.enabled": "true",
    "staging_scan.schedule": "every 10s",
    "staging_scan.quiet_seconds": "0",
    "phase.enrich.mode": "off",
    "phase.publish.mode": "auto",
    "phase.publish.owner": ":media",
    "phase.publish.file_mode": "664",
    "phase.publish.folder_mode": "775",
}


def prepared(root: Path) -> None:
    """Make the shared folders, as the drop-in says, and let the unit be quicker to judge."""
    for name in ("", "inbound", "staging", "library"):
        (root / "srv/music" / name).mkdir()
        os.chown(root / "srv/music" / name, 0, MUSIC)
        (root / "srv/music" / name).chmod(0o2775)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (root / "etc/greenroom/greenroom.env").open("a") as environment:
        environment.write(f"GREENROOM_WEB=127.0.0.1:{port}\n")
    (root / UNITS / "greenroom.service.d/quick.conf").write_text("[Service]\nWatchdogSec=10\nRestartSec=0\n")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the service on it, its roots and settings."""
    with booted(tmp_path_factory.mktemp("machine"), prepared) as made:
        until(lambda: made.asked("ActiveState", ok=False) == "active", "the service")
        for role in ("inbound", "staging", "library"):
            made.greenroom("libraries", "add", role, f"/srv/music/{role}")
        for name, value in SETTINGS.items():
            made.greenroom("settings", "set", name, value)
        yield made


def drop(machine: Machine, name: str) -> None:
    """Drop an album as another user of the group."""
    folder = machine.root / "srv/music/inbound" / name
    write_album(folder, artist="Ada", album=name, tracks=2, ext="mp3")
    for path in (folder, *folder.iterdir()):
        os.chown(path, SOMEBODY, MUSIC)
        path.chmod(0o2775 if path.is_dir() else 0o664)


def item(machine: Machine, name: str, status: str) -> dict[str, Any]:
    """Return the item of an album, once it has come so far."""

    def found() -> dict[str, Any] | None:
        items = json.loads(machine.greenroom("items", "--json"))
        return next((one for one in items if (one["album"], one["status"]) == (name, status)), None)

    return dict(until(found, f"{name}, {status}"))


def test_it_says_when_it_is_ready_and_logs_nothing_bad(machine: Machine) -> None:
    assert "READY=1" not in machine.asked("StatusText")
    assert machine.asked("StatusText")
    assert '"level": "ERROR"' not in machine.journal()


def test_an_album_of_another_user_goes_into_the_library_with_the_rights_that_were_asked_for(machine: Machine) -> None:
    drop(machine, "Harbour")
    machine.greenroom("review", "approve", str(item(machine, "Harbour", "pending_review")["id"]))
    item(machine, "Harbour", "published")
    made = [path for path in (machine.root / "srv/music/library/Ada").rglob("*") if path.stat().st_uid != SOMEBODY]
    rights = {(path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) for path in made}
    assert rights == {(MEDIA, 0o2775), (MEDIA, 0o664)}


def test_what_the_service_undoes_is_back_with_its_rights(machine: Machine) -> None:
    drop(machine, "Kitchen")
    staged = item(machine, "Kitchen", "pending_review")
    told = json.loads(machine.within_the_unit("undo", staged["transfer_id"], "--json"))
    assert [album["outcome"] for album in told["albums"]] == ["undone"]
    back = machine.root / "srv/music/inbound/Kitchen"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (back, *sorted(back.iterdir()))] == [0o2775, 0o664, 0o664]
    assert {path.stat().st_uid for path in back.iterdir()} == {SOMEBODY}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_daemon_that_dies_or_hangs_is_started_again(machine: Machine, how: signal.Signals) -> None:
    before = machine.asked("MainPID")
    machine.run("/bin/kill", f"-{how.value}", before)
    until(lambda: machine.asked("MainPID") not in ("0", before), "another process")
    until(lambda: machine.asked("ActiveState") == "active", "the service")


@pytest.mark.skipif(shutil.which("bindfs") is None, reason="takes bindfs (Debian: apt-get install bindfs)")
def test_told_to_stop_while_a_disk_hangs_it_ends_in_its_time_and_the_next_start_goes_on(machine: Machine) -> None:
    staging = Path("/srv/music/staging")
    machine.run("/bin/mknod", "/dev/fuse", "c", "10", "229")
    machine.run("/usr/bin/bindfs", "-o", "allow_other,nonempty", str(staging), str(staging))  # the same, by a program
    machine.greenroom("settings", "set", "staging_scan.rate_limit", "0.05")
    machine.run("/bin/systemctl", "restart", "greenroom")
    drop(machine, "Boathouse")
    hidden = machine.root / "srv/music/staging/.greenroom-tx"
    until(lambda: any(path.is_dir() for path in hidden.iterdir()), "the middle of a move")
    tell_driver(staging, signal.SIGSTOP)
    try:
        machine.run("/bin/systemctl", "stop", "greenroom")
        assert machine.asked("Result") == "exit-code", "and not for a time that was over"
        machine.run("/bin/systemctl", "start", "greenroom")
        until(lambda: f"{staging} (fuse" in machine.asked("StatusText"), "the word that it does not answer")
    finally:
        tell_driver(staging, signal.SIGCONT)
    machine.greenroom("settings", "set", "staging_scan.rate_limit", "0")
    item(machine, "Boathouse", "pending_review")
    assert json.loads(machine.greenroom("fsck", "--verify", "--json"))["findings"] == []


def test_it_stops_when_it_is_told_to(machine: Machine) -> None:
    machine.run("/bin/systemctl", "stop", "greenroom")
    assert (machine.asked("ActiveState"), machine.asked("Result")) == ("inactive", "success")
