"""Doctor knows whether this machine's decoders make the hashes of pictures that others make."""

from __future__ import annotations

import pytest
from PIL import Image

from daemon import pictures


def test_the_locked_decoders_make_the_hashes_of_imagehash() -> None:
    assert (pictures.examine().level, pictures.examine().code) == ("ok", "hashes")


def test_decoders_that_reduce_otherwise_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    resize = Image.Image.resize
    monkeypatch.setattr(
        Image.Image,
        "resize",
        lambda image, size, *rest, **more: resize(image.rotate(90 if more else 0), size, *rest, **more),
    )
    assert pictures.examine().level == "problem"
