"""Albums taken in and pages looked at, again and again → no more objects, threads and open files than before."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.music import write_album
from tests.waiting import until
from tests.web import Browser

ROUNDS = 4  # after the first of them statements, templates and modules are known
OURS = ("config", "daemon", "processor", "scanner", "workflow")
PAGES = (
    "/",
    "/review",
    "/runs",
    "/runs/now",
    "/jobs",
    "/activity",
    "/trash",
    "/libraries",
    "/metrics",
    "/api/v1/items",
)


class Held(NamedTuple):
    """What a process holds."""

    objects: Counter[str]  # by class, of our own classes
    threads: int
    files: int

    def is_within(self, other: Held) -> bool:
        """Whether nothing of it is more than in the other."""
        return self.objects <= other.objects and self.threads <= other.threads and self.files <= other.files


def held() -> Held:
    gc.collect()
    classes = (type(one) for one in gc.get_objects())
    ours = Counter(f"{found.__module__}.{found.__name__}" for found in classes if found.__module__.startswith(OURS))
    return Held(ours, threading.active_count(), len(os.listdir("/proc/self/fd")))


def live(browser: Browser, inbound: Path, album: str) -> None:
    """Let one album be taken in, and look at what there is."""
    write_album(inbound / album, artist="Ada", album=album, tracks=3, ext="mp3")
    report = browser.app.run_cycle(trigger="schedule", stop=threading.Event())
    assert report.counts["staged"] == 1
    newest = browser.client.get("/api/v1/items?limit=1").json()["items"][0]["id"]
    for page in (*PAGES, f"/review/{newest}", f"/review/{newest}/pictures", f"/runs/{report.run_id}"):
        assert browser.client.get(page).is_success, page


def test_what_was_done_leaves_nothing_in_memory(browser: Browser, tmp_path: Path) -> None:
    for n in range(ROUNDS):
        live(browser, tmp_path / "inbound", f"Album {n}")
    before = held()
    for n in range(ROUNDS):
        live(browser, tmp_path / "inbound", f"Later {n}")
    until(lambda: held().is_within(before))  # threads may be about to end
