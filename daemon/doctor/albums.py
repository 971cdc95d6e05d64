"""Albums → what is wrong with them that no other list of things to do names."""

from __future__ import annotations

from collections.abc import Iterator

from config.reasons import counted
from daemon.bootstrap import Application
from daemon.finding import Finding
from processor.items import repository
from processor.verification import rows as checks
from processor.verification.judging import TROUBLE


def examine_albums(app: Application) -> Iterator[Finding]:
    """Count those that are missing, and the damage that was found last."""
    with app.database.read() as connection:
        missing = repository.count_by_status(connection).get("missing", 0)
        seen = checks.totals(connection).findings
    if missing:
        message = f"{counted(missing, 'album')} missing: `greenroom items --status missing` lists them; "
        yield Finding("problem", "missing", f"{message}`greenroom fsck` says what can be done")
    if damaged := sum(count for code, count in seen.items() if code.removeprefix("verify_") in TROUBLE):
        message = f"{counted(damaged, 'file')} of albums gone or damaged when last read: the page Verification says"
        yield Finding("problem", "damage", f"{message} which, and `greenroom verify ITEM` reads one again")
