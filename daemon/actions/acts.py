"""What people ask for that moves files → done in a thread of this process; what came of it, for whoever asks later."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from config.errors import GreenroomError
from daemon.actions.act_kinds import TOLD, Kind, Told
from daemon.actions.ongoing import Ongoing, Stage
from processor.filesystem.system_errors import unexpected

if TYPE_CHECKING:
    from scanner.grouping.chosen import Choice
    from workflow.operations.deciding import Seen

UNFORESEEN: Final = "a mistake of ours ended it; the log says which"
KEPT: Final = 100  # acts that are remembered; a restart forgets them, the journal keeps what was done


class Report(Protocol):
    """What came of an act, or would: workflow.operations.undo.UndoReport, or workflow.operations.emptying.Emptied."""

    @property
    def exit_code(self) -> int:
        """0 if everything was done, or would be."""

    def to_json(self) -> dict[str, Any]:
        """Return what scripts are told."""


Work = Callable[["Act", str, threading.Event], Report]
"""Does what an act is about, or, unless it is sure, looks: (act, who asked, stop)."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `items` are the names of the albums it is about, by id."""

    id: str
    kind: Kind
    work: Work
    items: tuple[tuple[int, str], ...]
    seen: Mapping[int, Seen]  # what the items were when it began
    sure: bool  # else it only says what would happen
    choices: Mapping[bytes, Choice] = field(default_factory=dict)  # what is said of their files
    report: Report | None = None  # None while it runs, and if it failed
    failure: GreenroomError | None = None
    run_id: str | None = None  # of the cycle that followed

    @property
    def told(self) -> Told:
        """What people are told of it, and whether a cycle follows."""
        return TOLD[self.kind]

    @property
    def error(self) -> str | None:
        """Why it failed, if it did."""
        return None if self.failure is None else self.failure.message

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.report is not None or self.failure is not None


class Acts:
    """The acts of this process. Every method may be called from any thread."""

    def __init__(self, ongoing: Ongoing) -> None:
        self._ongoing = ongoing
        self._lock = threading.Lock()
        self._acts: OrderedDict[str, Act] = OrderedDict()

    def begin(self, act: Act, actor: str, then: Callable[[], object]) -> None:
        """Begin its work in a thread, for an actor, and if all of it was done what follows. Raises Busy and Stopped."""

        def all_of_it(stop: threading.Event) -> None:
            ended, done = replace(act, failure=GreenroomError(UNFORESEEN)), False
            try:
                report = act.work(act, actor, stop)
                done = act.sure and report.exit_code == 0
                ended = replace(act, report=report, run_id=act.id if done and act.told.follows else None)
            except (GreenroomError, OSError) as error:
                ended = replace(act, failure=unexpected(error) if isinstance(error, OSError) else error)
            finally:  # also after what nobody foresaw: it would be going on until the next start
                self._keep(ended)
            if done:
                then()

        self._keep(act)
        try:
            self._ongoing.ask(Stage(act.id, "move" if act.sure else "look"), all_of_it)
        except GreenroomError:
            with self._lock:
                self._acts.pop(act.id, None)
            raise

    def find(self, act_id: str) -> Act | None:
        """Return an act, None for one that this process does not know."""
        with self._lock:
            return self._acts.get(act_id)

    def _keep(self, act: Act) -> None:
        with self._lock:
            self._acts[act.id] = act
            while len(self._acts) > KEPT:
                self._acts.popitem(last=False)
