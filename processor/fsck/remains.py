"""What is left of one transfer that is not settled, file by file, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple

from processor.transfers.transfer import Transfer, TransferFile

Shape = Literal["whole", "different", "absent"]


class Candidates(NamedTuple):
    """What is left of one file of a transfer, in the three places it can be."""

    file: TransferFile
    source: Shape
    hidden: Shape
    final: Shape

    @property
    def is_safe(self) -> bool:
        """Whether recovery can go on with what is there."""
        return self.source == "whole" or self.hidden == "whole"


class Standing(NamedTuple):
    """What is left of one transfer."""

    transfer: Transfer
    has_row: bool
    is_final: bool  # the folder at its target is the one it made
    is_hidden: bool  # its hidden folder is there
    files: tuple[Candidates, ...]
    trouble: str | None = None  # why that could not be seen
    is_listed: bool = False  # of an undo: the item still says what it takes back
