"""Whether five numbers are those of one untouched file, under whatever number its file system shows it today."""

from __future__ import annotations

import pytest

from scanner.identity import Identity, is_untouched, tells_changes

S = 10**9
FILE = Identity(45, 7, 300, 1000 * S + 5, 1200 * S + 7)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, True),
        ({"dev": 46}, True),  # mounted again
        ({"ino": 8}, True),  # numbered anew (mergerfs without use_ino)
        ({"dev": 46, "ino": 8}, True),
        ({"ctime_ns": 1300 * S + 7}, False),  # linked, or changed and given its time back
        ({"ino": 8, "ctime_ns": 1300 * S + 7}, False),  # another file, put in its place
        ({"ino": 8, "size": 301}, False),
        ({"ino": 8, "mtime_ns": 1001 * S}, False),
        ({"ino": 8, "ctime_ns": 1000 * S + 5}, None),  # FAT forgot the time of its change
    ],
)
def test_the_change_time_tells_whose_number_it_is(change: dict[str, int], says: bool | None) -> None:
    assert is_untouched(FILE._replace(**change), FILE) is says


@pytest.mark.parametrize("ctime_ns", [FILE.mtime_ns, 1200 * S])
def test_where_it_tells_nothing_another_number_may_be_another_file(ctime_ns: int) -> None:
    """As with exFAT, SFTP, SMB, WebDAV, which repeat the time of the content or count whole seconds."""
    kept = FILE._replace(ctime_ns=ctime_ns)
    assert not tells_changes(kept)
    assert is_untouched(kept, kept) is True
    assert is_untouched(kept._replace(ino=8), kept) is None
    assert is_untouched(kept._replace(dev=46), kept) is None
    assert is_untouched(kept._replace(ino=8, mtime_ns=1001 * S), kept) is False
