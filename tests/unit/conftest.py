"""An empty shelf: what tests of grouping begin with."""

from __future__ import annotations

import pytest

from tests.shelf import Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()
