"""On a disk without hard links, rights, and a rename that refuses to replace, albums get in and out whole.

So are exFAT, FAT and some shares: there a name is taken by an empty file, over which the whole one is renamed.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from processor.filesystem.files import Tree
from processor.filesystem.renaming import rename_file, rename_folder
from tests.faults import ALL
from tests.faults.cycles import OUTPUT, House
from tests.faults.libraries import CYCLE, to_publish
from tests.faults.publishing import Scene, complaints, converges, unfinished
from tests.faults.repairing import MEND
from tests.faults.traced import run_traced
from tests.faults.trials import must
from tests.faults.undoing import Undoing
from tests.faults.world import Steps

pytestmark = pytest.mark.strace
BARE = ("link,linkat:error=EPERM", "renameat2:error=EINVAL")
WITHOUT_RIGHTS = (*BARE, "fchmod,fchown:error=ENOSYS")


def settled(ended: Callable[[], list[str]], log: Path) -> bool:
    """Tell whether it converges on such a disk, too; what is wrong with it is printed."""

    def work() -> None:
        wrong = ended()
        assert wrong == [], wrong

    return run_traced(work, log, *BARE).status == 0


@pytest.mark.parametrize("kind", ["publish", "refresh", "unpublish"])
def test_an_album_gets_into_a_library_and_out_of_it(quick_path: Path, kind: str) -> None:
    scene = Scene.make(quick_path / "scene", kind, "copy")
    outcome = run_traced(lambda: scene.perform(Steps(fence=2)), quick_path / "log", *WITHOUT_RIGHTS)
    assert outcome.status == 0
    assert [*complaints(scene), *unfinished(scene)] == []


def renames(calls: list[str]) -> int:
    """How many renames there were that replace."""
    return sum(name in ("rename", "renameat") for name in calls)


def test_killed_before_any_rename_a_publication_goes_on(quick_path: Path) -> None:
    def publish(name: str, *rules: str) -> tuple[Scene, int, list[str]]:
        scene = Scene.make(quick_path / name, "publish", "copy")
        outcome = run_traced(lambda: scene.perform(Steps(fence=2)), quick_path / "log", *BARE, *rules)
        return scene, outcome.status, [call.name for call in outcome.calls]

    _, _, calls = publish("count")
    assert renames(calls) >= 5  # the album and the four files of its artist
    for n in range(1 if ALL else 4, renames(calls) + 1, 1 if ALL else 3):
        scene, status, _ = publish(f"{n}", f"renameat,rename:signal=SIGKILL:when={n}")
        assert status == -signal.SIGKILL
        assert settled(partial(converges, scene), quick_path / "log"), f"killed before rename {n}"


def test_killed_before_any_rename_an_undo_goes_on(quick_path: Path) -> None:
    def undo(name: str, *rules: str) -> tuple[Undoing, int, list[str]]:
        undoing = Undoing(quick_path / name, "copy")
        outcome = run_traced(lambda: undoing.perform(Steps(fence=2)), quick_path / "log", *BARE, *rules)
        return undoing, outcome.status, [call.name for call in outcome.calls]

    undoing, status, calls = undo("count")
    assert (status, list(undoing.wrong())) == (0, [])
    for n in range(1 if ALL else renames(calls), renames(calls) + 1):
        undoing, status, _ = undo(f"{n}", f"renameat,rename:signal=SIGKILL:when={n}")
        assert status == -signal.SIGKILL
        assert settled(undoing.converges, quick_path / "log"), f"killed before rename {n}"


def test_what_has_the_name_already_is_never_replaced(quick_path: Path) -> None:
    (quick_path / "ours").write_bytes(b"ours")
    (quick_path / "theirs").write_bytes(b"theirs")
    (quick_path / "empty").mkdir()
    (quick_path / "folder").mkdir()

    def rename() -> None:
        with Tree(bytes(quick_path)) as tree:
            for one, taken in ((b"ours", b"theirs"), (b"ours", b"empty"), (b"folder", b"empty"), (b"folder", b"ours")):
                with pytest.raises(FileExistsError):
                    (rename_folder if one == b"folder" else rename_file)(tree, one, taken)
            rename_file(tree, b"ours", b"free")
            rename_folder(tree, b"folder", b"new")

    assert run_traced(rename, quick_path / "log", *BARE).status == 0
    assert sorted(path.name for path in quick_path.iterdir()) == ["empty", "free", "log", "new", "theirs"]
    assert (quick_path / "theirs").read_bytes() == b"theirs"


def test_an_nfo_whose_name_was_taken_when_its_mending_was_killed_is_mended_by_the_next_look(quick_path: Path) -> None:
    house = House(quick_path, workers=1)
    house.add_library()
    must(house, *CYCLE)
    must(house, *to_publish(house).command)
    assert house.library is not None
    nfo = next(house.library.rglob("album.nfo"))
    data = nfo.read_bytes()
    nfo.unlink()
    verify = partial(house.command, *MEND)
    run_traced(verify, quick_path / "log", *BARE, "renameat,rename:signal=SIGKILL:when=1")
    assert nfo.read_bytes() == b""
    assert run_traced(verify, quick_path / "log", *BARE).status == 0
    assert nfo.read_bytes() == data
    assert "verify_edited" not in (house.folder / OUTPUT[0]).read_text()  # an empty name is nobody's edit
    assert [path for path in nfo.parent.iterdir() if path.name.startswith(".greenroom-")] == []
