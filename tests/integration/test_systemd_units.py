"""The unit files, judged by systemd itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
WORST_EXPOSURE = 1.5  # of 10, by systemd-analyze security


def systemd_tool(name: str) -> str:
    """Return the path of one of systemd's programs; without it the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not installed; install the package systemd"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """A copy of the unit with its drop-in, whose program exists on this machine."""
    unit = (UNITS / "greenroom.service").read_text()
    assert unit.count("\nExecStart=/opt/greenroom/.venv/bin/greenroom run\n") == 1
    program = shutil.which("true")
    assert program
    (tmp_path / "greenroom.service").write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", unit))
    drop_ins = tmp_path / "greenroom.service.d"
    drop_ins.mkdir()
    shutil.copy(UNITS / "greenroom.service.d/roots.conf.example", drop_ins / "roots.conf")
    return tmp_path


def test_the_unit_and_its_drop_in_are_clean(units: Path) -> None:
    checked = subprocess.run(
        [systemd_tool("systemd-analyze"), "verify", "--man=no", "./greenroom.service"],
        check=False, cwd=units, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_unit_is_exposed_little(units: Path) -> None:
    checked = subprocess.run(
        [systemd_tool("systemd-analyze"), "security", "--offline=yes", f"--threshold={WORST_EXPOSURE * 10:.0f}",
         "--no-pager", "./greenroom.service"],
        check=False, cwd=units, capture_output=True, text=True,
    )  # fmt: skip
    score = re.search(r"exposure level for greenroom.service: ([\d.]+)", checked.stdout)
    assert score, checked.stderr
    assert float(score[1]) <= WORST_EXPOSURE, checked.stdout


def test_recovery_can_read_the_boot_id() -> None:
    settings = (UNITS / "greenroom.service").read_text().splitlines()
    assert not [line for line in settings if line.startswith(("ProcSubset=", "PrivateUsers="))]


def test_the_user_can_be_made(tmp_path: Path) -> None:
    for folder in ("etc", "usr/lib/sysusers.d"):
        (tmp_path / folder).mkdir(parents=True)
    users = shutil.copy(UNITS / "greenroom.sysusers", tmp_path / "usr/lib/sysusers.d/greenroom.conf")
    command = [systemd_tool("systemd-sysusers"), f"--root={tmp_path}", "--dry-run", users]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert "greenroom" in made.stdout + made.stderr


def test_the_folders_can_be_made(tmp_path: Path) -> None:
    lines = [line for line in (UNITS / "greenroom.tmpfiles").read_text().splitlines() if not line.startswith("#")]
    # Only root can give a folder away, so the test makes them for whoever runs it.
    mine = [f"{' '.join(line.split()[:3])} {os.getuid()} {os.getgid()} -" for line in lines]
    rules = tmp_path / "greenroom.conf"
    rules.write_text("\n".join(mine) + "\n")
    command = [systemd_tool("systemd-tmpfiles"), f"--root={tmp_path}", "--create", str(rules)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "etc/greenroom").is_dir()
    assert (tmp_path / "var/lib/greenroom").stat().st_mode & 0o7777 == 0o750


def test_every_variable_of_the_example_is_one_that_is_read() -> None:
    from config.boot import BootSettings

    named = re.findall(r"(?m)^#?GREENROOM_(\w+)=", (UNITS / "greenroom.env").read_text())
    assert named
    assert {name.lower() for name in named} <= set(BootSettings.model_fields)
