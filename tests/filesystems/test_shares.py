"""A share that another machine writes to as well."""

from __future__ import annotations

import os

import pytest

from scanner.writers import has_writer
from tests.filesystems.kinds import ALL, LENDS_NOTHING, SHARES, Kind, mounted

pytestmark = pytest.mark.skipif(not ALL, reason="by scripts/filesystems only")


@pytest.mark.parametrize("kind", [*SHARES, LENDS_NOTHING], ids=lambda kind: kind.name)
def test_what_another_machine_left_there_is_not_taken_for_being_written(kind: Kind) -> None:
    with mounted(kind) as share:
        (behind,) = share.parent.glob("server/**/share")
        (behind / "song.flac").write_bytes(bytes(1000))
        descriptor = os.open(share / "song.flac", os.O_RDONLY)
        try:
            assert not has_writer(descriptor)
        finally:
            os.close(descriptor)
