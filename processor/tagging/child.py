"""Open files and the tags they shall have → whether they have them, or retagged files; in a process with limits.

Run as a script: an order, the pid of its parent, then JSON on standard input, [[fd, extension, tags], …]. The orders
are `look`, `write`, and `words`, which asks if there are any of the song. Answers a line a file: null if it says all
that already, or has no words; [code, message] if its tags cannot be written; else an object, empty but after writing,
of what it says now, as processor.tagging.write.Said has it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import suppress
from typing import Any, BinaryIO, Final

from mutagen.apev2 import APEv2
from mutagen.apev2 import error as no_apev2
from mutagen.id3 import ID3

from processor.tagging import unknown_frames
from processor.tagging.essence import essence
from processor.tagging.flaws import flaw, pad
from processor.tagging.formats import CONTAINERS, has_words, put, put_beside
from processor.tagging.info_lists import InfoLists
from processor.tagging.text_chunks import TextChunks
from scanner.tags.mutagen_reader import open_as
from scanner.tags.read import read_tags
from scanner.tags.signature import candidates
from scanner.tags.worker import limit_yourself

CPU_LIMIT = 120  # seconds
MORE = 64 << 20  # bytes a file may grow by
ID3V1 = 128  # bytes at the end of a file


# What some files say beside their ID3 tag.
_TEXTS: Final[dict[str, type[InfoLists | TextChunks]]] = {"wav": InfoLists, "aiff": TextChunks}

Answer = dict[str, Any] | list[str] | None


def main(order: str, parent: int) -> None:
    """Do what standard input asks for."""
    wanted = json.load(sys.stdin)
    largest = max((os.fstat(fd).st_size for fd, *_ in wanted), default=0) + MORE
    limit_yourself(parent, largest)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT + 2))  # SIGXCPU comes first
    for fd, extension, tags in wanted:
        sys.stdout.write(json.dumps(answer(fd, extension, tags, order)) + "\n")
        sys.stdout.flush()


def answer(fd: int, extension: str, tags: dict[str, list[str]], order: str) -> Answer:
    """Tell whether a file has the tags, and if not, write them, and look whether they and the sound are there."""
    with os.fdopen(os.dup(fd), "r+b" if order == "write" else "rb") as file:
        file.seek(0)  # the place is shared with whoever opened it
        container = next((c for c in candidates(file.read(128), extension) if c in CONTAINERS), None)
        if container is None:
            return ["not_taggable", "tags of this format are not written"]
        try:
            opened = Opened(container, file)
            if order == "words":
                return {} if has_words(opened.main) else None
            if opened.put_changes_nothing(tags):
                return None
            if wrong := flaw(file, container):
                return ["not_taggable", wrong]
            return _written(container, file, opened, extension, tags) if order == "write" else {}
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - a hostile file may raise anything in a parser that is not ours
            return ["not_taggable", f"its tags cannot be written: {' '.join(str(error).split())[:200]}"]


class Opened:
    """A file's tags, with the APEv2 tags that some MP3 files have besides, and the texts of some WAV and AIFF files."""

    def __init__(self, container: str, file: BinaryIO) -> None:
        self.container = container
        self.main: Any = open_as(container, file)
        self.ape: Any = None
        self.info = _TEXTS[container](file) if container in _TEXTS else None
        if container == "mp3":
            if isinstance(self.main.tags, ID3):
                unknown_frames.bring_back(self.main.tags, file)
            apev2: Any = APEv2
            file.seek(0)
            with suppress(no_apev2):  # broken ones stay as they are
                self.ape = apev2(file)

    def put_changes_nothing(self, tags: dict[str, list[str]]) -> bool:
        """Put the tags, which are not saved yet, and tell whether the file said the same before."""
        before = self._said()
        put(self.container, self.main, tags)
        if self.ape is not None:
            put_beside(self.ape, tags)
        if self.info is not None:
            self.info.put(tags)
        return self._said() == before

    def save(self, file: BinaryIO) -> None:
        """Save all of them; mutagen takes an ID3v1 tag away with APEv2 tags in front of it, so it is made anew."""
        file.seek(0)
        if isinstance(self.main.tags, ID3):
            unknown_frames.keep(self.main.tags)
        if self.info is not None:
            self.info.save(file)
            file.seek(0)
        if self.ape is None:
            self.main.save(file)
            return
        file.seek(max(0, file.seek(0, os.SEEK_END) - ID3V1))
        had = file.read(3) == b"TAG"
        self.ape.save(file)
        file.seek(0)
        self.main.save(file, v1=2 if had else 1)

    def _said(self) -> list[str]:
        said = (tags.pprint() for tags in (self.main.tags, self.ape, self.info) if tags)
        return sorted(line for text in said for line in text.splitlines())


def _written(container: str, file: BinaryIO, opened: Opened, extension: str, tags: dict[str, list[str]]) -> Answer:
    sound = essence(file, container)
    pad(file, container)
    opened.save(file)
    file.flush()
    if essence(file, container) != sound:
        return ["sound_changed", "writing its tags would have changed the sound"]
    if not Opened(container, file).put_changes_nothing(tags):
        return ["tags_lost", "its tags do not read back as they were written"]
    file.seek(0, os.SEEK_END)  # forgets what was read ahead: closing would go back by that from where the reader stops
    facts = read_tags(file.fileno(), extension, os.fstat(file.fileno()).st_size).facts
    return ["tags_lost", "it cannot be read any more with its new tags"] if facts is None else facts._asdict()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
