"""Kills, failing calls, hanging disks, power cuts → what must hold all the same."""

import os
from typing import Final

# Else a sample of them is tried.
ALL: Final = os.environ.get("GREENROOM_FAULTS") == "all"
