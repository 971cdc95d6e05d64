"""Roots that are worked with → a sentence for each whose disk does not answer; logged once, and when it does again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

from loguru import logger

from config.answering import ANSWERS, Answers, unanswered
from config.database import Database
from config.libraries import list_libraries
from config.reasons import show_path

GIVEN_UP_AFTER: Final = 30.0  # seconds after which who is to stop waits for a disk no more: a kill loses nothing


def roots(database: Database) -> list[bytes]:
    """Return where all libraries are. Raises Retryable when the database is away."""
    with database.read() as connection:
        return [library.path for library in list_libraries(connection)]


class Hanging:
    """Knows which disks it has told of. Not for several threads at once."""

    def __init__(self, answers: Answers = ANSWERS) -> None:
        self._answers = answers
        self._told: dict[bytes, dt.datetime] = {}

    def look(self, roots: Collection[bytes], *, busy: bool) -> list[str]:
        """Return what is to be said of those that do not answer.

        Only while something is busy is a disk asked for this alone: one that may sleep is not woken.
        """
        if busy:
            self._answers.begin(roots)
        late = self._answers.silent(roots)
        for root in late.keys() - self._told.keys():
            logger.bind(why=unanswered(root, late[root])).warning("a disk does not answer")
        for root in self._told.keys() - late.keys():
            logger.bind(path=show_path(root), since=self._told[root]).info("a disk answers again")
        self._told = late
        return [unanswered(root, since) for root, since in late.items()]
