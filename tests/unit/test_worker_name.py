"""A worker's name: its own while it lives, the next one's afterwards, drawn anew where a power cut spoilt it."""

from __future__ import annotations

from pathlib import Path

from workflow.engine.naming import worker_name


def test_living_workers_have_names_of_their_own_and_the_next_has_that_of_one_that_ended(tmp_path: Path) -> None:
    with worker_name(tmp_path) as first, worker_name(tmp_path) as second:
        assert first != second
    with worker_name(tmp_path) as again:
        assert again == first


def test_what_a_power_cut_left_of_a_name_is_none(tmp_path: Path) -> None:
    with worker_name(tmp_path) as name:
        (file,) = (tmp_path / "workers").iterdir()
    file.write_bytes(bytes(len(name) + 9))
    with worker_name(tmp_path) as drawn:
        assert drawn.isprintable()
        assert drawn != name
    with worker_name(tmp_path) as again:
        assert again == drawn
