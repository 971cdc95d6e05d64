"""What was looked at → a small JPEG of it for a page, made anew by a limited process, so that nothing of it is left."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from loguru import logger

SIDE: Final = 400  # pixels
_CONTENT: Final = re.compile("[0-9a-f]{64}")


def keep(data_dir: Path, content: str, data: bytes) -> None:
    """Keep the preview of a content; it can be made anew, so nothing waits for the disk, or fails where it refuses."""
    path = _path(data_dir, content)
    fresh = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        fresh.write_bytes(data)
        fresh.rename(path)
    except OSError as error:
        logger.bind(error=error.strerror).warning("a preview could not be kept")
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def read(data_dir: Path, content: str) -> bytes | None:
    """Return the JPEG, None if there is none; `content` may come from a browser."""
    if not _CONTENT.fullmatch(content):
        return None
    with suppress(OSError):
        return _path(data_dir, content).read_bytes()
    return None


def remove(data_dir: Path, contents: Iterable[str]) -> None:
    """Remove previews; those that are not there are fine."""
    for content in contents:
        _path(data_dir, content).unlink(missing_ok=True)


def _path(data_dir: Path, content: str) -> Path:
    return data_dir / "previews" / content[:2] / f"{content}.jpg"
