"""Schedules → fire times: the standard meaning of cron, time zones with their odd days, and missed times."""

from __future__ import annotations

import datetime as dt
import warnings
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import cron
from config.cron import Schedule, is_due, timezone

BERLIN = "Europe/Berlin"  # 2026: 02:00 → 03:00 on 29 March, 03:00 → 02:00 on 25 October


def at(text: str, zone: str = "UTC") -> dt.datetime:
    """A wall clock time in a zone."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=timezone(zone))


def fires(schedule: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    """The next fire times, in UTC to the minute."""
    plan, when, found = Schedule(schedule, timezone(zone)), at(after, zone), []
    for _ in range(count):
        upcoming = plan.next_after(when)
        assert upcoming is not None
        assert upcoming.tzinfo is dt.UTC
        when = upcoming
        found.append(f"{when:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize("sunday", ["0", "7", "SUN", "sun"])
def test_sunday_has_two_numbers_and_a_name(sunday: str) -> None:
    assert fires(f"0 3 * * {sunday}", "2026-11-20 00:00", 2) == ["2026-11-22 03:00", "2026-11-29 03:00"]


def test_monday_is_one() -> None:
    assert fires("0 3 * * 1", "2026-11-20 00:00", 1) == ["2026-11-23 03:00"]


def test_friday_to_sunday_may_end_in_seven() -> None:
    assert fires("0 0 * * 5-7", "2026-11-19 12:00", 4) == [
        "2026-11-20 00:00", "2026-11-21 00:00", "2026-11-22 00:00", "2026-11-27 00:00",
    ]  # fmt: skip


def test_months_have_names() -> None:
    assert fires("0 0 1 jan,JUL *", "2026-02-01 00:00", 2) == ["2026-07-01 00:00", "2027-01-01 00:00"]


def test_either_day_field_may_match_when_both_are_restricted() -> None:
    assert fires("0 0 13 * 5", "2026-11-10 00:00", 3) == ["2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00"]
    assert "2026-12-13 00:00" in fires("0 0 13 * 5", "2026-12-01 00:00", 4)  # a Sunday


def test_steps_and_lists() -> None:
    assert fires("*/20,5 10 * * *", "2026-01-01 00:00", 4) == [
        "2026-01-01 10:00", "2026-01-01 10:05", "2026-01-01 10:20", "2026-01-01 10:40",
    ]  # fmt: skip


def test_leap_day_comes_every_four_years() -> None:
    assert fires("0 0 29 2 *", "2026-01-01 00:00", 2) == ["2028-02-29 00:00", "2032-02-29 00:00"]


@pytest.mark.parametrize("text", [
    "0 0 30 2 *", "0 0 31 4 *",  # days that no calendar has
    "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *", "0 0 * * 8", "*/0 * * * *", "5-1 * * * *", "* * * * x",
    "", "* * * *", "* * * * * *", "@hourly", "hourly", "every", "every 15", "every -5m", "every 0m", "every 9s",
    "every 15 parsecs",
])  # fmt: skip
def test_what_is_no_schedule_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"no schedule|shorter than") as refused:
        Schedule(text, timezone("UTC"))
    assert repr(text) in str(refused.value)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="Europe/Nowhere"):
        timezone("Europe/Nowhere")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "/etc/localtime"])
def test_a_zone_is_a_name_not_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        timezone(name)


def test_an_hour_keeps_its_wall_clock_time_across_the_change() -> None:
    assert fires("0 9 * * *", "2026-03-27 12:00", 3, BERLIN) == [
        "2026-03-28 08:00", "2026-03-29 07:00", "2026-03-30 07:00",
    ]  # fmt: skip


def test_a_time_that_spring_leaves_out_fires_once_after_the_gap() -> None:
    assert fires("30 2 * * *", "2026-03-28 12:00", 2, BERLIN) == ["2026-03-29 01:00", "2026-03-30 00:30"]


def test_a_time_that_autumn_repeats_fires_once() -> None:
    assert fires("30 2 * * *", "2026-10-24 12:00", 2, BERLIN) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_an_hourly_schedule_fires_in_both_hours_that_autumn_repeats() -> None:
    assert fires("0 * * * *", "2026-10-25 01:30", 3, BERLIN) == [
        "2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00",
    ]  # fmt: skip


def test_a_zone_may_be_off_by_half_an_hour() -> None:
    assert fires("0 6 * * *", "2026-01-01 12:00", 1, "Asia/Kolkata") == ["2026-01-02 00:30"]


def test_a_zone_may_change_by_half_an_hour() -> None:  # Lord Howe: 02:00 → 02:30 on 4 October 2026
    assert fires("15 2 * * *", "2026-10-03 12:00", 2, "Australia/Lord_Howe") == ["2026-10-03 15:30", "2026-10-04 15:15"]


def test_an_interval_counts_from_midnight() -> None:
    assert fires("every 15m", "2026-01-01 10:07", 2) == ["2026-01-01 10:15", "2026-01-01 10:30"]
    assert fires("every 12h", "2026-01-01 10:07", 2, BERLIN) == ["2026-01-01 11:00", "2026-01-01 23:00"]
    assert fires("Every 1 d", "2026-01-01 00:00", 1) == ["2026-01-02 00:00"]


def test_an_interval_goes_on_through_both_changes_of_the_clock() -> None:
    assert len(set(fires("every 30m", "2026-03-29 00:00", 46, BERLIN))) == 46
    assert fires("every 30m", "2026-03-29 00:00", 46, BERLIN)[-1] == "2026-03-29 22:00"  # the day has 23 hours
    assert fires("every 30m", "2026-10-25 00:00", 50, BERLIN)[-1] == "2026-10-25 23:00"  # and this one 25


def test_nothing_is_due_before_its_time() -> None:
    hourly = Schedule("0 * * * *", timezone("UTC"))
    assert is_due(hourly, at("2026-01-01 10:00"), at("2026-01-01 10:59:59")) is None
    assert is_due(hourly, at("2026-01-01 10:00"), at("2026-01-01 11:00")) == at("2026-01-01 11:00")


def test_a_year_of_missed_minutes_is_one_run_and_quickly_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    original = Schedule.next_after

    def counted(self: Schedule, when: dt.datetime) -> dt.datetime | None:
        nonlocal asked
        asked += 1
        return original(self, when)

    monkeypatch.setattr(Schedule, "next_after", counted)
    every_minute = Schedule("* * * * *", timezone("UTC"))
    assert is_due(every_minute, at("2025-01-01"), at("2026-01-01 12:34:56")) == at("2026-01-01 12:34")
    assert asked < 10


moments = st.integers(0, 15 * 366 * 86400).map(lambda seconds: at("2020-01-01") + dt.timedelta(seconds=seconds))
zones = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"])
texts = st.sampled_from([
    "* * * * *", "*/7 * * * *", "0 */5 * * *", "30 2 * * *", "15 2 * * 0", "0 0 13 * 5", "0 12 1 1 *",
    "every 10s", "every 15m", "every 7h", "every 1d", "every 3d",
])  # fmt: skip


@given(texts, zones, moments)
def test_the_next_time_is_always_later(text: str, zone: str, when: dt.datetime) -> None:
    upcoming = Schedule(text, timezone(zone)).next_after(when)
    assert upcoming is not None
    assert upcoming > when


@given(texts, zones, moments, st.timedeltas(dt.timedelta(0), dt.timedelta(days=400)))
def test_what_is_due_is_the_newest_fire_time_that_passed(
    text: str, zone: str, now: dt.datetime, gap: dt.timedelta
) -> None:
    schedule, considered = Schedule(text, timezone(zone)), now - gap
    fire = is_due(schedule, considered, now)
    if fire is None:
        upcoming = schedule.next_after(considered)
        assert upcoming is not None
        assert upcoming > now
        return
    assert considered < fire <= now
    following = schedule.next_after(fire)
    assert following is not None
    assert following > now


def test_a_machine_that_says_no_zone_is_in_utc_and_nothing_is_written_into_the_log(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """As small containers are, which have no /etc/localtime."""

    def unsaid() -> ZoneInfo:
        warnings.warn("Can not find any timezone configuration, defaulting to UTC.", stacklevel=1)
        return ZoneInfo("UTC")

    monkeypatch.setattr(cron, "get_localzone", unsaid)
    cron._machines_zone.cache_clear()
    assert cron.timezone("local") == ZoneInfo("UTC")
    assert list(recwarn) == []
    cron._machines_zone.cache_clear()
