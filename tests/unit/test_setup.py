"""`scripts/setup`: when it builds the environment, and with which Python."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TOOLS = ("sh", "cat", "cksum", "cp", "dirname", "head", "id", "mkdir", "tr")
# Says which Python it is, builds an environment with itself in it, and leaves everything else undone.
PYTHON = """#!/bin/sh
echo "$0 $*" >> "{log}"
case "$*" in
    *version_info*) echo python{version} ;;
    *base_prefix*) exit {unfit} ;;
    "-m venv"*) mkdir -p .venv/bin .venv/lib/python{version}; cp "$0" .venv/bin/python ;;
esac
"""


class Machine:
    """A checkout, and a PATH with one Python."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.programs, self._log = folder / "checkout", folder / "bin", folder / "log"
        for path in (self.checkout / "scripts", self.programs):
            path.mkdir(parents=True)
        for name in ("scripts/setup", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
            shutil.copy(CHECKOUT / name, self.checkout / name)

    def python(self, version: str, path: str = "python3", *, unfit: bool = False) -> Path:
        """Install one; an unfit one lies in a home, or can make no environment."""
        program = self.programs / path
        program.write_text(PYTHON.format(log=self._log, version=version, unfit=int(unfit)))
        program.chmod(0o755)
        return program

    def setup(self, python: Path | None = None) -> str:
        """Run it; return the version the environment was built with, "" if it was there already."""
        self._log.write_text("")
        chosen = {} if python is None else {"PYTHON": str(python)}
        tools = self.programs.parent / "tools"  # no Python of this machine among them
        tools.mkdir(exist_ok=True)
        for tool in TOOLS:
            if not (tools / tool).is_symlink():
                (tools / tool).symlink_to(shutil.which(tool) or tool)
        env = {"PATH": f"{self.programs}:{tools}", **chosen}
        done = subprocess.run([self.checkout / "scripts/setup"], env=env, check=True, stderr=subprocess.PIPE, text=True)
        if not done.stderr:
            return ""
        built, told = done.stderr.splitlines()
        assert told == f"setup: the command is {self.checkout}/.venv/bin/greenroom"
        return built.removeprefix("setup: building .venv from requirements.lock with python").partition(", ")[0]

    @property
    def made_anew(self) -> bool:
        return "-m venv --clear .venv" in self._log.read_text()

    @property
    def installed(self) -> list[str]:
        return [line for line in self._log.read_text().splitlines() if " -m pip install " in line]

    @property
    def compiled(self) -> bool:
        return "-m compileall" in self._log.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.python("3.11")
    assert (made.setup(), made.made_anew) == ("3.11", True)
    return made


@pytest.mark.parametrize("words", [["--dev"], ["dev", "extra"], ["test"]])
def test_what_it_does_not_know_is_refused_and_nothing_built(machine: Machine, words: list[str]) -> None:
    shutil.rmtree(machine.checkout / ".venv")
    done = subprocess.run([machine.checkout / "scripts/setup", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"setup: {' '.join(words)} is unknown; scripts/setup [dev]\n")
    assert not (machine.checkout / ".venv").exists()


def test_nothing_is_installed_but_what_a_hash_names_and_the_checkout_itself(machine: Machine) -> None:
    *others, itself = machine.installed
    assert "--no-deps --no-build-isolation" in itself
    assert itself.endswith(" -e .")
    assert others
    assert all("--require-hashes --only-binary :all:" in one for one in others)


def test_an_environment_that_is_there_is_left_alone(machine: Machine) -> None:
    assert (machine.setup(), machine.compiled) == ("", True)  # what a pull may have brought
    (machine.checkout / "requirements.lock").write_text("")
    assert (machine.setup(), machine.made_anew) == ("3.11", False)


def test_an_upgrade_of_the_system_that_replaced_its_python_makes_it_anew(machine: Machine) -> None:
    shutil.copy(machine.python("3.13"), machine.checkout / ".venv/bin/python")  # which is a link to the system's
    assert (machine.setup(), machine.made_anew) == ("3.13", True)
    assert machine.setup() == ""


def test_it_keeps_the_python_it_was_made_with_until_another_is_asked_for(machine: Machine) -> None:
    another = machine.python("3.14", "other")
    assert (machine.setup(another), machine.made_anew) == ("3.14", True)
    assert machine.setup() == ""
    (machine.checkout / "requirements.lock").write_text("")
    assert (machine.setup(), machine.made_anew) == ("3.14", False)


def test_a_python_in_a_home_gives_way_to_one_a_service_can_run(machine: Machine) -> None:
    shutil.rmtree(machine.checkout / ".venv")
    machine.python("3.11", unfit=True)
    assert machine.setup() == "3.11"
    shutil.rmtree(machine.checkout / ".venv")
    machine.python("3.12", "python3.12", unfit=True)
    machine.python("3.13", "python3.13")
    assert machine.setup() == "3.13"
    assert machine.setup(machine.programs / "python3") == "3.11"
