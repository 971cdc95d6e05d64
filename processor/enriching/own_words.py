"""An album's folder and its tracks → those whose tags hold the words of the song.

A file beside a track would hide these from people. Reads only, in a limited process; what it cannot look into has none.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Final

from config.errors import Rejected
from processor.filesystem.files import Tree
from processor.tagging.write import File, sung

AT_ONCE: Final = 64  # files that are open at once


def with_words(folder: bytes, tracks: Sequence[bytes]) -> set[bytes]:
    """Return the tracks, of paths relative to the folder, that bring their words."""
    found: set[bytes] = set()
    with suppress(OSError), Tree(folder) as tree:
        for some in (tracks[n : n + AT_ONCE] for n in range(0, len(tracks), AT_ONCE)):
            with ExitStack() as stack:
                files: dict[bytes, File] = {}
                for path in some:
                    with suppress(OSError, Rejected):
                        fd = stack.enter_context(tree.opened(path))
                        files[path] = File(fd, os.path.splitext(path)[1][1:].decode("ascii", "replace").lower(), {})
                found |= {path for path, has in zip(files, sung([*files.values()]), strict=True) if has}
    return found
