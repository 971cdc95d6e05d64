"""An album's folder and its tracks → those whose tags hold the words of the song.

A file beside a track would hide these from people. Reads only, in a limited process; what it cannot look into has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Final

from config.batches import batched
from config.errors import Rejected
from processor.filesystem.files import Tree
from processor.filesystem.paths import extension
from processor.tagging.write import File, sung

AT_ONCE: Final = 64  # files that are open at once


def with_words(folder: bytes, tracks: Sequence[bytes]) -> set[bytes]:
    """Return the tracks, of paths relative to the folder, that bring their words."""
    found: set[bytes] = set()
    with suppress(OSError), Tree(folder) as tree:
        for some in batched(tracks, AT_ONCE):
            found |= _sung(tree, some)
    return found


def _sung(tree: Tree, tracks: Iterable[bytes]) -> set[bytes]:
    with ExitStack() as stack:
        files: dict[bytes, File] = {}
        for path in tracks:
            with suppress(OSError, Rejected):
                files[path] = File(stack.enter_context(tree.opened(path)), extension(path), {})
        return {path for path, has in zip(files, sung([*files.values()]), strict=True) if has}
