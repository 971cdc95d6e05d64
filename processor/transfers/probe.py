"""A pair of roots → what their filesystems can do, found by doing it in a folder that is taken away again."""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress

from config.reasons import show_path
from processor.filesystem.files import Tree, is_file
from processor.filesystem.fitness import LONGEST, PROBE
from processor.filesystem.paths import within
from processor.filesystem.system_errors import explained
from processor.transfers.hidden import TX
from processor.transfers.materialise import FICLONE
from scanner.writers import has_writer

_NUMBERED = "two names of one file have two numbers there"
Probed = tuple[str, bool, str]  # code, whether it is well, sentence


def probe_pair(inbound: bytes, staging: bytes) -> Iterator[Probed]:
    """Try what a transfer relies on between two roots. Raises the typed error of a root that cannot be written."""
    name = PROBE + str(uuid.uuid4()).encode()
    with Tree(inbound) as source, Tree(staging) as destination, explained("probe", staging):
        destination.make(TX, 0o700)
        _clear(destination, TX)
        with explained("probe", inbound):
            _clear(source, b"")
            with source.created(name):
                pass
        try:
            yield _way(source, destination, name)
            yield _no_replace(destination, name)
            yield _exchange(destination, name)
            yield _join(destination, name)
            yield _sync(source, destination)
            yield _lease(inbound, name)
        finally:
            for tree, path in (
                (source, name),
                (destination, TX + b"/" + name),
                (destination, TX + b"/" + name + b".b"),
                (destination, TX + b"/" + name + b".new"),
            ):
                with suppress(OSError):
                    tree.unlink(path, missing_ok=True)


def _clear(tree: Tree, folder: bytes) -> None:
    """Take away the empty files that a probe that was killed left in a folder an hour ago."""
    for path in (within(folder, name) for name in tree.names(folder) if name.startswith(PROBE)):
        found = tree.stat(path)
        if found is not None and is_file(found) and not found.st_size and found.st_mtime < time.time() - LONGEST:
            with suppress(OSError):
                tree.unlink(path)


def _way(source: Tree, destination: Tree, name: bytes) -> Probed:
    """Find how files get into staging, the way a transfer does: link, else clone, else copy."""
    target = TX + b"/" + name
    try:
        source.link(name, destination, target)
    except OSError as error:
        refused = error.strerror
    else:
        if not destination.is_made_up or destination.tells_links(target):
            return "link", True, "albums are moved by hard links: no byte is copied"
        destination.unlink(target)
        refused = f"{_NUMBERED}; of mergerfs, mount it with use_ino"
    with source.opened(name) as original, destination.created(target) as copy, suppress(OSError):
        fcntl.ioctl(copy, FICLONE, original)
        return "clone", True, f"albums are moved by clones that share their blocks (no hard links here: {refused})"
    return (
        "copy",
        True,
        f"albums are copied and verified, because neither links nor clones are possible here ({refused})",
    )


def _sync(source: Tree, destination: Tree) -> Probed:
    try:
        source.sync(b"")
        destination.sync(TX)
    except OSError as error:
        message = f"a folder cannot be synced ({error.strerror}), so a power cut may lose names; use ext4, XFS or btrfs"
        return "folder_sync", False, message
    return "folder_sync", True, "names in folders can be made durable"


def _no_replace(destination: Tree, name: bytes) -> Probed:
    try:
        destination.rename_noreplace(TX + b"/" + name, TX + b"/" + name + b".b")
    except OSError as error:
        return (
            "no_replace",
            False,
            f"the staging filesystem cannot rename without replacing ({error.strerror}); names are taken first",
        )
    return "no_replace", True, "the staging filesystem can rename without ever replacing"


def _exchange(destination: Tree, name: bytes) -> Probed:
    one, other = TX + b"/" + name, TX + b"/" + name + b".b"
    for path in (one, other):
        with suppress(FileExistsError), destination.created(path):
            pass
    try:
        destination.exchange(one, other)
    except OSError as error:
        message = f"the staging filesystem cannot exchange two names ({error.strerror}), so no album is ever replaced"
        return "exchange", False, message
    return "exchange", True, "a better album can take the place of a staged one at once"


def _join(destination: Tree, name: bytes) -> Probed:
    path = TX + b"/" + name
    try:
        with suppress(FileExistsError), destination.created(path):
            pass
        if destination.tells_links(path):
            return "join", True, "late tracks can join a staged album"
        why: str | None = _NUMBERED
    except OSError as error:
        why = error.strerror
    return "join", False, f"the staging filesystem has no hard links ({why}), so late tracks cannot join an album"


def _lease(inbound: bytes, name: bytes) -> Probed:
    path = os.path.join(inbound, name)
    with suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            reader = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if has_writer(reader):
                    return "lease", True, f"programs still writing below {show_path(inbound)} are noticed"
            finally:
                os.close(reader)
        finally:
            os.close(fd)
    return (
        "lease",
        False,
        f"programs still writing below {show_path(inbound)} are not noticed; raise staging_scan.quiet_seconds",
    )
