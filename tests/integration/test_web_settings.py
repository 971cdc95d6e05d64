"""The settings page and its API: what they show, change and refuse, with and without JavaScript."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import insert

from config.reasons import MASK
from config.settings import REGISTRY
from config.tables import SettingRow
from daemon.bootstrap import Application
from processor.client import circuits
from processor.client.circuit import Circuit
from processor.tables import TransferRow
from tests.web import NAME, Browser

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)

pytestmark = pytest.mark.sqlite
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CONFIG = "/api/v1/settings/phase-config"


@pytest.fixture
def app(bare_app: Application) -> Application:
    """An installation with nothing in it."""
    return bare_app


def filled(page: str) -> dict[str, str]:
    """Return what the form of the first section would send."""
    form = page[page.index('<form method="post" action="/admin/settings/staging_scan"') :]
    form = form[: form.index("</form>")]
    sent: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") != "checkbox" or " checked" in tag:
            sent[attributes["name"]] = attributes.get("value", "")
    return sent


def test_every_setting_of_the_registry_has_a_field_that_says_what_it_means(browser: Browser) -> None:
    page = unescape(browser.client.get("/admin/settings").text)
    for key, setting in REGISTRY.items():
        assert f'name="{key}"' in page, key
        assert (setting.field.description or "?")[:20].partition("`")[0] in page
    assert "or <code>every 15m</code>." in page


def test_saving_the_form_as_it_is_changes_nothing(browser: Browser) -> None:
    form = filled(browser.client.get("/admin/settings").text)
    answer = browser.client.post("/admin/settings/staging_scan", data=form)
    assert answer.status_code == 200
    assert "Nobody changed anything yet." in answer.text


def test_a_change_is_stored_with_who_made_it_and_can_be_undone(browser: Browser) -> None:
    form = filled(browser.client.get("/admin/settings").text)
    changed = {
        **form,
        "staging_scan.schedule": "every 20m",
        "staging_scan.enabled": "true",
        "staging_scan.workers": "8",
    }
    page = browser.client.post("/admin/settings/staging_scan", data=changed).text
    assert (browser.setting("schedule"), browser.setting("enabled"), browser.setting("workers")) == (
        "every 20m",
        "True",
        "8",
    )
    assert f"<td>{NAME}</td>" in page
    assert "Saved." in page
    assert "Nothing was changed." in browser.client.post("/admin/settings/staging_scan", data=filled(page)).text
    assert 'class="said"' not in browser.client.get("/admin/settings?said=<b>Anything").text
    newest = re.findall(r'name="change" value="(\d+)"[^>]*change of ([\w.]+)"', page)
    number = next(number for number, key in newest if key.endswith("schedule"))
    browser.client.post("/admin/settings/history/undo", data={"csrf": form["csrf"], "change": number})
    assert browser.setting("schedule") == "0 */1 * * *"
    assert browser.setting("workers") == "8"
    browser.client.post("/admin/settings/staging_scan/reset", data={"csrf": form["csrf"]})
    assert (browser.setting("enabled"), browser.setting("workers")) == ("False", "4")


def test_what_somebody_else_changed_meanwhile_stays_so(browser: Browser) -> None:
    form = filled(browser.client.get("/admin/settings").text)
    browser.client.patch("/api/v1/settings/phase-config", json={"staging_scan.schedule": "every 20m"})
    wrong = browser.client.post("/admin/settings/staging_scan", data={**form, "staging_scan.workers": "0"})
    assert filled(wrong.text)["staging_scan.schedule"] == "every 20m"
    browser.client.post("/admin/settings/staging_scan", data={**form, "staging_scan.workers": "8"})
    assert (browser.setting("workers"), browser.setting("schedule")) == ("8", "every 20m")


def test_a_form_that_did_not_have_a_box_does_not_untick_it(browser: Browser) -> None:
    """As one that a page of an older version showed."""
    form = {"csrf": browser.csrf(), "was staging_scan.workers": "4", "staging_scan.workers": "5"}
    browser.client.post("/admin/settings/staging_scan", data=form)
    assert (browser.setting("workers"), browser.setting("watch")) == ("5", "True")
    browser.client.post("/admin/settings/staging_scan", data=form | {"was staging_scan.watch": "true"})
    assert browser.setting("watch") == "False"


def test_a_text_of_several_lines_gets_a_field_of_several_lines(browser: Browser) -> None:
    """A browser takes line breaks out of any other one, and saving would put two patterns together to one."""
    browser.client.patch("/api/v1/settings/phase-config", json={"staging_scan.ignore": "*.tmp\n*.log"})
    page = browser.client.get("/admin/settings").text
    assert re.search(r'<textarea[^>]* name="staging_scan.ignore"[^>]*>\*\.tmp\n\*\.log</textarea>', page)
    sent = {**filled(page), "staging_scan.ignore": "*.tmp\r\n*.log", "staging_scan.workers": "8"}
    browser.client.post("/admin/settings/staging_scan", data=sent)
    assert (browser.setting("ignore"), browser.setting("workers")) == ("*.tmp\n*.log", "8")


def test_if_one_value_is_not_valid_none_is_stored_and_the_reason_stands_beside_the_field(browser: Browser) -> None:
    form = filled(browser.client.get("/admin/settings").text)
    wrong = {**form, "staging_scan.schedule": "now and <b>then</b>", "staging_scan.workers": "8"}
    answer = browser.client.post("/admin/settings/staging_scan", data=wrong)
    assert answer.status_code == 422
    assert browser.setting("workers") == "4"
    assert 'value="now and &lt;b&gt;then&lt;/b&gt;"' in answer.text
    assert "<b>then" not in answer.text
    assert answer.text.count('aria-invalid="true"') == 1


def test_the_next_fire_times_are_shown_while_a_schedule_is_typed(browser: Browser) -> None:
    asked = {"staging_scan.schedule": "0 4 * * 1", "staging_scan.timezone": "Europe/Berlin"}
    shown = browser.client.get("/admin/settings/schedule", params=asked).text
    assert shown.count("<time ") == 5
    asked["staging_scan.schedule"] = "0 4 * *"
    assert "problem" in browser.client.get("/admin/settings/schedule", params=asked).text


def test_the_api_changes_all_or_nothing_and_says_what_each_setting_means(browser: Browser) -> None:
    told = browser.client.get(CONFIG).json()["staging_scan"]
    assert told["workers"] == {
        "type": "integer",
        "value": 4,
        "default": 4,
        "description": told["workers"]["description"],
        "unit": None,
        "minimum": 1,
        "maximum": 64,
        "choices": [],
    }
    mixed = {"staging_scan.workers": 6, "staging_scan.schedule": "bad"}
    refused = browser.client.patch(CONFIG, json=mixed)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_setting")
    assert browser.setting("workers") == "4"
    assert (
        browser.client.patch(CONFIG, json={"staging_scan.workers": 6}).json()["staging_scan"]["workers"]["value"] == 6
    )
    assert browser.client.patch(CONFIG, json={"staging_scan.workers": None}).status_code == 200
    assert browser.setting("workers") == "4"
    assert browser.client.post(f"{CONFIG}/reset", json={"section": "nothing"}).status_code == 422
    assert browser.client.post(f"{CONFIG}/reset", json={}).status_code == 200


def test_figures_for_prometheus_name_items_and_runs(browser: Browser) -> None:
    shown = browser.client.get("/metrics").text
    assert "greenroom_transfers_unfinished 0.0" in shown
    assert "greenroom_items_bytes 0.0" in shown
    for name in ("published", "published_bytes", "blobs", "verified_files", "verify_never"):
        assert f"greenroom_{name} 0.0" in shown


def test_a_move_held_for_a_person_is_on_the_dashboard_and_in_the_figures(browser: Browser) -> None:
    assert "held for a person" not in browser.client.get("/").text
    moved = {"id": "t", "kind": "album", "state": "attention", "src_root": b"/in", "dst_root": b"/out", "target": b"a"}
    known = {"files": [], "item": {}, "fence": 1, "boot_id": "b", "attempt": 4, "created_at": NOW, "updated_at": NOW}
    with browser.app.database.begin() as connection:
        connection.execute(insert(TransferRow).values(**moved, **known))
    page = browser.client.get("/").text
    assert "1 transfer is held for a person: <code>greenroom fsck</code> says" in page
    assert "greenroom_transfers_held 1.0" in browser.client.get("/metrics").text


def test_the_dashboard_sends_who_has_a_setting_that_cannot_be_read_to_put_it_right(browser: Browser) -> None:
    assert "switch the schedule on" in browser.client.get("/").text
    with browser.app.database.begin() as connection:
        stamp = {"changed_at": dt.datetime.now(dt.UTC), "changed_by": "a hand"}
        connection.execute(insert(SettingRow).values(key="staging_scan.workers", value="two", **stamp))
    page = browser.client.get("/").text
    assert "put right</a> what cannot be read" in page
    assert "switch the schedule on" not in page


def test_a_providers_key_is_shown_to_nobody_and_stays_when_the_form_is_saved_as_it_is(browser: Browser) -> None:
    key = "sesame-5f1a"
    browser.client.patch(CONFIG, json={"provider.fanart.key": key})
    page = browser.client.get("/admin/settings").text
    assert 'name="provider.fanart.key"' in page
    form = {"provider.fanart.key": MASK, "provider.fanart.order": "5", "provider.fanart.enabled": "true"}
    form["csrf"] = browser.csrf()
    saved = browser.client.post("/admin/settings/provider.fanart", data=form).text
    assert (browser.setting("provider.fanart.key"), browser.setting("provider.fanart.order")) == (key, "5")
    shown = [page, saved, browser.client.get(CONFIG).text, browser.client.get("/api/v1/providers").text]
    assert [key in text for text in shown] == [False] * 4
    assert browser.client.patch(CONFIG, json={"provider.fanart.key": MASK}).status_code == 422
    bad = browser.client.patch(CONFIG, json={"provider.fanart.key": f"{key} {key}"})
    assert (bad.status_code, key in bad.text) == (422, False)


def test_providers_are_told_with_how_they_stand(browser: Browser) -> None:
    with browser.app.database.begin() as connection:
        circuits.locked(connection, "coverart")
        circuits.write(connection, "coverart", Circuit("open", 5, until=LONG_AGO))
        circuits.count(connection, "coverart", 7, LONG_AGO, "it answered 503")
    found = {row["name"]: row for row in browser.client.get("/api/v1/providers").json()}
    stands = found["coverart"]
    assert (stands["state"], stands["requests"], stands["error"]) == ("open", 7, "it answered 503")
    assert (stands["on"], stands["why"]) == (False, "GREENROOM_OFFLINE is on"), "as in all tests"
    figures = browser.client.get("/metrics").text
    assert 'greenroom_service_requests_total{service="coverart"} 7.0' in figures
    assert 'greenroom_service_failures_total{service="coverart"} 1.0' in figures
    assert 'greenroom_service_paused{service="coverart"} 1.0' in figures


def test_it_is_ready_as_long_as_its_roots_can_be_used(browser: Browser, tmp_path: Path) -> None:
    from config import libraries
    from tests.scenarios.house import NOW

    (tmp_path / "inbound").mkdir()
    with browser.app.database.begin() as connection:
        libraries.add_library(connection, "inbound", bytes(tmp_path / "inbound"), now=NOW)
    assert browser.client.get("/readyz").status_code == 200
    (tmp_path / "inbound" / ".greenroom-root").unlink()
    assert browser.client.get("/readyz").status_code == 503
    assert "is its disk mounted" in browser.client.get("/").text
