"""What another program tells us happened → which of its paths lie in inbound. Pure: no path of a stranger is looked at.

Lidarr and Radarr send JSON whose paths are as their machine sees them; `hooks.path_map` says how ours does.
"""

from __future__ import annotations

import hashlib
import os.path
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

MAX_BODY: Final = 256 << 10  # bytes; Lidarr's longest, of an album with hundreds of tracks, have a fifth of that
MAX_PATHS: Final = 1000
DEPTH: Final = 4  # how deep in the JSON Lidarr's and Radarr's paths stand
REMEMBERED: Final = 1000  # messages, so that the same one sent twice is one
REMEMBERED_SECONDS: Final = 600.0
_PATHS: Final = frozenset({"path", "folderPath", "sourcePath", "sourceFolder"})


def paths_of(payload: Any, depth: int = DEPTH) -> Iterator[str]:
    """Yield every path a message names."""
    if depth and isinstance(payload, dict):
        for name, value in payload.items():
            if name in _PATHS and isinstance(value, str):
                yield value
            else:
                yield from paths_of(value, depth - 1)
    elif depth and isinstance(payload, list):
        for value in payload[:MAX_PATHS]:
            yield from paths_of(value, depth - 1)


def lies_in(path: str, root: bytes, path_map: Mapping[str, str]) -> bool:
    """Tell whether a path, put as this machine sees it, is the root or below it; `..` leads nowhere."""
    for theirs, ours in path_map.items():
        if path == theirs or path.startswith(theirs.rstrip("/") + "/"):
            path = ours.rstrip("/") + path[len(theirs.rstrip("/")) :]
            break
    if not path.startswith("/") or "\0" in path:
        return False
    clean = os.path.normpath(path.encode("utf-8", "surrogatepass"))
    return clean == root or clean.startswith(root + b"/")


class Messages:
    """Remembers messages for some minutes; may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def is_new(self, name: str, body: bytes, now: float) -> bool:
        """Tell whether this message was not there before, and remember it."""
        digest = hashlib.sha256(name.encode() + b"\0" + body).digest()
        with self._lock:
            known = self._seen.get(digest)
            self._seen[digest] = now
            self._seen.move_to_end(digest)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return known is None or now - known > REMEMBERED_SECONDS
