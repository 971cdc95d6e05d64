"""Shares whose clients send bytes late, or lose what they have: nothing is lost on the one, the other is refused."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cycles import House, lost, wrong_items
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import CYCLE
from tests.faults.trials import Trial
from tests.filesystems.kinds import ALL, LATE, UNFIT, Kind, mounted
from tests.filesystems.test_any import NAMES, ready, report_of
from tests.memory import memory

pytestmark = pytest.mark.skipif(not ALL, reason="by scripts/filesystems only")
ALBUMS = {"Live", "Low Tide", "夜の庭"}  # of cycles.albums()
IN_A_LIBRARY = [name for name, subject in NAMES.items() if subject.then is not None and "trash" not in name]
CHANGES = {"publish anew", "late tracks, published", "publish late tracks"}  # what was published a moment ago
PATIENCE = 60.0  # seconds for bytes to get where they are sent


@pytest.fixture
def here() -> Iterator[Path]:
    """A folder on a disk, in memory."""
    with tempfile.TemporaryDirectory(prefix="greenroom-", dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture(params=LATE, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """A kind of mount that sends its bytes later."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def late(kind: Kind) -> Iterator[Path]:
    """One of it."""
    with mounted(kind) as path:
        yield path


@pytest.fixture(params=UNFIT, ids=lambda kind: kind.name)
def unfit(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A mount that keeps no album safe."""
    with mounted(request.param) as path:
        yield path


def house_on(late: Path, here: Path, role: str, name: str = "house") -> House:
    """A house with the mount in a role, and with albums in it."""
    (here / name).mkdir()
    inbound, staging = ((late if role in (kind, "both") else here) / f"{name} {kind}" for kind in ("in", "out"))
    return House(here / name, staging, inbound=inbound)


def settled(house: House) -> None:
    """Run cycles until all that was dropped is staged, whole, and can be read."""
    end = time.monotonic() + PATIENCE
    while (wrong := unsettled(house)) and time.monotonic() < end:
        time.sleep(0.5)
    assert wrong == []


def unsettled(house: House) -> list[str]:
    """Run a cycle; return what was left to do, and what cannot be read yet or is not as it is listed.

    A source that was taken away before all of it was sent may come back; then it is a duplicate, which stays.
    """
    report = report_of(house)
    left = [f"{album['outcome']}: {album['reasons']}" for album in report["albums"] if album["outcome"] != "duplicate"]
    left += [f"{report['error']}"] if report["error"] else []
    missing = [f"not staged: {album}" for album in ALBUMS - {item["album"] for item in house.items()}]
    try:
        return [*left, *lost(house), *wrong_items(house), *missing]
    except OSError as error:
        return [*left, str(error)]


@pytest.mark.parametrize("role", ["in", "out", "both"])
def test_what_is_sent_late_is_staged_whole_in_the_end_also_when_it_is_killed(late: Path, here: Path, role: str) -> None:
    house = house_on(late, here, role)
    count = len(labels(house, *CYCLE))
    settled(house)
    for n in range(count // 4, count, count // 4):
        house = house_on(late, here, role, f"{n}")
        run_until(house, n, die, *CYCLE)
        settled(house)


@pytest.mark.parametrize("name", IN_A_LIBRARY)
def test_a_library_there_gets_albums_and_gives_them_back_whole_also_when_it_is_killed(
    kind: Kind, late: Path, here: Path, name: str
) -> None:
    if "rclone" in kind.name and name in CHANGES:
        pytest.skip(f"{kind.name} may still be sending what was there before, and then that wins")

    def begun(folder: str) -> tuple[House, Trial]:
        (here / folder).mkdir()
        house = House(here / folder, library=late / folder, filled=False)
        return house, ready(house, NAMES[name])

    house, trial = begun("whole")
    count = len(labels(house, *trial.command))
    in_the_end(house, trial)
    for n in range(count // 5, count, count // 5):
        house, trial = begun(f"{n}")
        run_until(house, n, die, *trial.command)
        in_the_end(house, trial)


def in_the_end(house: House, trial: Trial) -> None:
    """Recover and do it again until all that is wrong is that bytes are late; nothing may be lost meanwhile."""
    end = time.monotonic() + PATIENCE
    while (wrong := trial.converges(house)) and time.monotonic() < end:
        assert not [said for said in wrong if said.startswith("lost: ")], wrong
        time.sleep(0.5)
    assert wrong == []


def test_where_no_album_would_be_safe_no_library_is_added(unfit: Path, here: Path) -> None:
    house = House(here, filled=False)
    ended = house.run("libraries", "add", "library", str(unfit))
    assert ended.status
    assert "can be no library: " in ended.err
    assert str(unfit) not in house.run("libraries", "--json").out
