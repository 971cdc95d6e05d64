"""Debian's chromium → a browser that tests and screenshots drive by Playwright; no browser is ever downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

MISSING = "chromium is not there, so no page was tried in a real browser; install it: apt-get install chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # root has none, and only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WAIT = 60_000  # milliseconds until a story that would hang fails instead
expect.set_options(timeout=WAIT)


def program() -> str:
    """Return the path of chromium; skip where it is missing, but fail where it could have been installed."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true" or (os.geteuid() == 0 and shutil.which("apt-get")):
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)
    return found


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start a chromium of our own, with a profile folder that goes with it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
