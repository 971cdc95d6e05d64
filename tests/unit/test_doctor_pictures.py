"""Doctor knows whether this machine's decoders make the hashes of pictures that others make."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from daemon.doctor import pictures

LOOK = "from daemon.doctor.pictures import examine; told = examine(); print(told.level, told.message)"


def test_the_locked_decoders_make_the_hashes_of_imagehash() -> None:
    assert (pictures.examine().level, pictures.examine().code) == ("ok", "hashes")


def test_decoders_that_reduce_otherwise_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    resize = Image.Image.resize
    monkeypatch.setattr(
        Image.Image,
        "resize",
        lambda image, size, *rest, **more: resize(image.rotate(90 if more else 0), size, *rest, **more),
    )
    assert pictures.judge(pictures.differing()).level == "problem"


def test_where_memory_is_too_short_to_look_that_is_told() -> None:
    limited = ["bash", "-c", 'ulimit -v 150000; exec "$0" -c "$1"', sys.executable, LOOK]
    told = subprocess.run(limited, check=True, capture_output=True, text=True)
    assert told.stdout.startswith("problem it cannot be seen whether pictures get the right hashes here (")
    assert "ulimit -v" in told.stdout
