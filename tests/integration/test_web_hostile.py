"""What strangers write into tags, names, reasons and forms: shown on every page as text, and never as anything else."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from tests.everything import HOSTILE, everything_says
from tests.web import Browser

pytestmark = pytest.mark.sqlite


class Looks(HTMLParser):
    """Collects what a browser would run: scripts, handlers, styles, and addresses that are no pages."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "script" and not (known.get("src") or "").startswith("/static/"):
            self.active.append(tag)
        if tag in ("img", "svg", "iframe", "object", "style", "embed"):
            self.active.append(tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            if (
                name.startswith("on")
                or name == "style"
                or (text.startswith(("javascript:", "data:")) and name != "value")
            ):
                self.active.append(f"{tag} {name}={value}")


def inert(page: str) -> list[str]:
    looks = Looks()
    looks.feed(page)
    return looks.active


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_of_strangers_is_shown_as_text(browser: Browser, text: str) -> None:
    for path in everything_says(browser.app, text):
        answer = browser.client.get(path)
        assert answer.status_code == 200, path
        assert inert(answer.text) == [], path
        assert "\x1b" not in answer.text
        assert "\u202e" not in answer.text


class Controls(HTMLParser):
    """Collects what somebody who does not see the page goes by: ids, labels, headings, names of controls."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.labels: set[str] = set()
        self.referred: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.scopeless = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.headings += [tag] if tag in ("h1", "h2", "h3") else []
        self.labels |= {known.get("for") or ""} if tag == "label" else set()
        self.referred |= {
            id for name in ("aria-labelledby", "aria-describedby") for id in (known.get(name) or "").split()
        }
        hidden = known.get("type") == "hidden" or "hidden" in known
        if tag in ("input", "select", "textarea") and not hidden:
            self.controls.append(known)
        self.scopeless += tag == "th" and "scope" not in known


def test_every_page_can_be_used_without_seeing_it(browser: Browser) -> None:
    for path in everything_says(browser.app, "Ada"):
        page = Controls()
        page.feed(browser.client.get(path).text)
        assert page.headings.count("h1") == 1, path
        assert page.headings[0] == "h1", path
        assert len(page.ids) == len(set(page.ids)), path
        assert page.referred <= set(page.ids), path
        assert page.scopeless == 0, path
        named = [c for c in page.controls if c.get("id") in page.labels or c.get("aria-label")]
        assert named == page.controls, path


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_typed_into_forms_and_addresses_comes_back_as_text(browser: Browser, text: str) -> None:
    form = {"csrf": browser.csrf()}
    answers = [
        browser.client.get("/review", params={"q": text, "below": text, "status": text}),
        browser.client.get("/libraries/check", params={"path": text}),
        browser.client.get("/jobs", params={"status": text[:50], "phase": text[:50]}),
        browser.client.get("/admin/settings/schedule", params={"staging_scan.schedule": text}),
        browser.client.get(f"/{quote(text[:100])}", headers={"accept": "text/html"}),
        browser.client.post("/libraries", data=form | {"role": "inbound", "path": text}),
        browser.client.post("/account/keys", data=form | {"name": text}),
        browser.client.post("/admin/settings/staging_scan", data=form | {"staging_scan.schedule": text}),
        browser.client.post("/sign-in", data={"name": text, "password": text}),
    ]
    for answer in answers:
        assert answer.status_code < 500
        assert inert(answer.text) == [], answer.url
