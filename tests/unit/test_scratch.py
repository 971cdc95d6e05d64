"""What is made for a while goes: with us, or with the next one, if we were killed; what others work in stays."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from config.scratch import scratch_file, scratch_folder

Scratch = Callable[[Path], AbstractContextManager[Path]]


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir())


def test_what_a_killed_process_left_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".ours-abcd1234").mkdir()
    (tmp_path / ".ours-abcd1234" / "scratch.db").write_bytes(b"rows")
    (tmp_path / ".b[1].abcd1234.new").write_bytes(b"half")
    with scratch_folder(tmp_path, ".ours-") as folder, scratch_file(tmp_path, ".b[1].", ".new") as file:
        assert left(tmp_path) == sorted([folder.name, file.name])
    assert left(tmp_path) == []


def test_what_somebody_works_in_or_nobody_of_us_made_stays(tmp_path: Path) -> None:
    strangers = [".ours-longer name", ".ours-abc", ".b1.abcd1234.new"]
    for name in strangers:
        (tmp_path / name).touch()
    os.symlink(tmp_path / ".ours-abc", tmp_path / ".ours-abcd1234")
    with scratch_folder(tmp_path, ".ours-") as first, scratch_folder(tmp_path, ".ours-") as second:
        assert first.is_dir()
        assert second.is_dir()
    assert left(tmp_path) == sorted([*strangers, ".ours-abcd1234"])


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (lambda place: scratch_folder(place, ".ours-"), "mkdtemp"),
        (lambda place: scratch_file(place, ".b.", ""), "mkstemp"),
    ],
)
def test_two_who_begin_at_once_take_nothing_from_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Scratch, make: str
) -> None:
    """Between making something and holding it there is an instant, in which another one may look for what is left."""
    made: list[object] = []
    really = getattr(tempfile, make)

    def makes(*args: Any, **named: Any) -> Any:
        mine = really(*args, **named)
        made.append(mine)
        if len(made) == 1:
            with kind(tmp_path):
                pass
        return mine

    monkeypatch.setattr(tempfile, make, makes)
    with kind(tmp_path) as ours:
        assert left(tmp_path) == [ours.name]
    assert (len(made), left(tmp_path)) == (3, [])


def test_a_file_that_got_another_name_stays_and_one_that_did_not_goes_with_its_error(tmp_path: Path) -> None:
    with scratch_file(tmp_path, ".b.", ".new") as file:
        file.rename(tmp_path / "b")
    with pytest.raises(ValueError, match="no"), scratch_file(tmp_path, ".b.", ".new"):
        raise ValueError("no")
    assert left(tmp_path) == ["b"]
