"""The registry of settings and what it makes of text, good and bad."""

from __future__ import annotations

import json
from typing import Any

import annotated_types
import pytest

from config.errors import Misconfigured
from config.sections import StagingScan
from config.settings import FAIL_SAFE, REGISTRY, SECTIONS, Setting, find_setting, load_section

UNITS = {
    "s": "sec seconds",
    "min": "minutes",
    "days": "day",
    "mib": "mb bytes",
    "%": "percent",
    "px": "pixels",
    "requests/s": "second",
}
NUMBERS = [setting for setting in REGISTRY.values() if setting.field.annotation in (int, float)]


@pytest.mark.parametrize("setting", REGISTRY.values(), ids=REGISTRY)
def test_every_setting_explains_itself(setting: Setting) -> None:
    sentence = setting.field.description
    assert sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert setting.key == f"{setting.key.rpartition('.')[0]}.{setting.name}"


@pytest.mark.parametrize("setting", REGISTRY.values(), ids=REGISTRY)
def test_a_label_reads_as_a_person_writes_it_and_has_its_unit_once(setting: Setting) -> None:
    words = setting.label.split()
    assert words[0][0].isupper()
    assert "_" not in setting.label
    assert not {"db", "dbs", "mib", "nfo", "url", "urls", "timezone"} & set(words), "acronyms are written as such"
    if setting.unit is not None:
        unit = setting.unit.lower()
        assert not {unit, *UNITS.get(unit, "").split()} & {word.lower() for word in words}


def test_no_two_settings_of_a_section_look_the_same() -> None:
    seen = [(setting.section, setting.label, setting.unit) for setting in REGISTRY.values()]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.key)
def test_every_number_has_a_least_and_a_greatest_value(setting: Setting) -> None:
    kinds = {type(limit) for limit in setting.field.metadata}
    assert {annotated_types.Ge, annotated_types.Le} <= kinds


@pytest.mark.parametrize("setting", REGISTRY.values(), ids=REGISTRY)
def test_every_default_survives_storing(setting: Setting) -> None:
    assert setting.load(json.dumps(setting.default)) == setting.default


def test_the_defaults_are_those_of_the_design() -> None:
    scan = StagingScan()
    assert (scan.enabled, scan.dry_run, scan.schedule, scan.workers) == (False, False, "0 */1 * * *", 4)
    assert (scan.rate_limit, scan.quiet_seconds, scan.keep_scan_dbs, scan.timeout_minutes) == (0, 60, 5, 0)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("enabled", "true", True),
        ("enabled", "off", False),
        ("quiet_seconds", "0", 0),
        ("rate_limit", "2.5", 2.5),
        ("schedule", " */5 * * * * ", "*/5 * * * *"),
        ("schedule", "every 15m", "every 15m"),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("scan_db_data_path", "/var/tmp/scans", "/var/tmp/scans"),
        ("scan_db_data_path", "", ""),
    ],
)
def test_text_becomes_the_setting_s_type(key: str, text: str, value: object) -> None:
    parsed = find_setting(key).parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enabled", "maybe"),
        ("enabled", 2),
        ("quiet_seconds", "-1"),
        ("quiet_seconds", "1.5"),
        ("quiet_seconds", None),
        ("workers", "0"),
        ("workers", "65"),
        ("rate_limit", "nan"),
        ("rate_limit", "inf"),
        ("schedule", "61 * * * *"),
        ("schedule", "* * * * * *"),
        ("schedule", "0 0 30 2 *"),
        ("schedule", "every 5s"),
        ("schedule", ""),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("scan_db_data_path", "scans"),
        ("scan_db_data_path", "/scans\0"),
        ("scan_db_data_path", "/scans\nforged"),
        ("ignore", "x" * 5000),
    ],
)
def test_a_bad_value_is_named_with_its_key(key: str, value: Any) -> None:
    with pytest.raises(Misconfigured) as caught:
        find_setting(key).parse(value)
    assert caught.value.message.startswith(f"staging_scan.{key} cannot be {value!r}: ")
    assert "Value error" not in caught.value.message
    assert caught.value.reason_code == "bad_setting"


@pytest.mark.parametrize("contact", ["eva@example.org", "https://example.org/eva", ""])
def test_a_contact_is_how_somebody_can_be_reached(contact: str) -> None:
    assert find_setting("network.contact").parse(contact) == contact


@pytest.mark.parametrize("contact", ["eva", "me @ home", "ftp://example.org", "(eva@example.org)"])
def test_what_reaches_nobody_is_no_contact_but_stays_where_it_was_set_before(contact: str) -> None:
    with pytest.raises(Misconfigured, match=r"network\.contact cannot be .* must be"):
        find_setting("network.contact").parse(contact)
    if contact[0] != "(":
        section, problems = load_section("network", {"contact": json.dumps(contact)})
        assert (section.model_dump(), problems) == ({"contact": contact}, [])


def test_a_short_name_finds_its_setting() -> None:
    assert find_setting("quiet_seconds") is find_setting("staging_scan.quiet_seconds")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(Misconfigured, match=r"did you mean staging_scan\.quiet_seconds"):
        find_setting("staging_scan.quite_seconds")
    with pytest.raises(Misconfigured, match=r"there is no setting 'zzz'$"):
        find_setting("zzz")


def test_stored_values_take_the_place_of_defaults() -> None:
    section, problems = load_section("staging_scan", {"enabled": "true", "workers": "2"})
    assert section == StagingScan(enabled=True, workers=2)
    assert problems == []


@pytest.mark.parametrize("stored", ["null", "{", '"many"', "-3", "", "[1]"])
def test_an_unreadable_value_makes_the_section_fail_safe(stored: str) -> None:
    section, problems = load_section("staging_scan", {"enabled": "true", "quiet_seconds": stored, "workers": "2"})
    assert section == StagingScan(enabled=False, dry_run=True, workers=2)
    assert len(problems) == 1
    assert "staging_scan.quiet_seconds" in problems[0]
    assert repr(stored) in problems[0] or repr(json.loads(stored)) in problems[0]


def test_an_unreadable_safety_switch_fails_safe_too() -> None:
    section, problems = load_section("staging_scan", {"enabled": "true", "dry_run": '"perhaps"'})
    assert section == StagingScan(enabled=False, dry_run=True)
    assert len(problems) == 1


def test_settings_of_a_newer_version_are_ignored() -> None:
    section, problems = load_section("staging_scan", {"levitate": "true", "enabled": "true"})
    assert section == StagingScan(enabled=True)
    assert problems == []


def test_every_section_knows_what_to_fall_back_to() -> None:
    assert FAIL_SAFE.keys() == SECTIONS.keys()
    for prefix, values in FAIL_SAFE.items():
        SECTIONS[prefix](**values)


def test_a_unit_is_told_where_there_is_one() -> None:
    assert find_setting("quiet_seconds").unit == "s"
    assert find_setting("enabled").unit is None
