"""Retagged copies of an album's files → in the place of those they were made of, as a replacement takes its steps.

The sources are the copies, in a folder of ours at the root of staging; what was not retagged goes on as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from processor.moves.replace import MOVE as REPLACE

MOVE: Final = replace(REPLACE, kind="retag")
