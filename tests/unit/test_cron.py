"""Cron expressions are read as Kubeflow Pipelines reads them, and their times come in the zone that is asked for."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from kfops.errors import LocalBackendError
from kfops.local.problems import Invalid
from kfops.local.scheduling import cron
from kfops.local.scheduling.zones import Zone


def moment(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp())


def following(expression: str, after: str, zone: str = "UTC", count: int = 3) -> list[str]:
    """Return the next times in UTC."""
    at, found = moment(after), []
    for _ in range(count):
        at = cron.parse(expression).following(at, Zone(zone))
        found.append(datetime.fromtimestamp(at, timezone.utc).strftime("%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", ["03-10 12:00:01", "03-10 12:00:02", "03-10 12:00:03"]),
        ("30 5 * * * ?", ["03-10 12:05:30", "03-10 13:05:30", "03-10 14:05:30"]),
        ("0 */20 * * * *", ["03-10 12:20:00", "03-10 12:40:00", "03-10 13:00:00"]),
        ("0 50/5 12 * * *", ["03-10 12:50:00", "03-10 12:55:00", "03-11 12:50:00"]),
        ("0 0 9-11/2,18 * * *", ["03-10 18:00:00", "03-11 09:00:00", "03-11 11:00:00"]),
        ("0 0 0 1 JAN,jul *", ["07-01 00:00:00", "01-01 00:00:00", "07-01 00:00:00"]),
        ("0 30 9 ? * MON-FRI", ["03-11 09:30:00", "03-12 09:30:00", "03-13 09:30:00"]),
        ("0 0 0 29 2 *", ["02-29 00:00:00", "02-29 00:00:00", "02-29 00:00:00"]),
        ("0 0 0 31 * *", ["03-31 00:00:00", "05-31 00:00:00", "07-31 00:00:00"]),
        # With five fields the first is still the second: it is the weekday that may be missing.
        ("0 0 12 * *", ["03-11 12:00:00", "03-12 12:00:00", "03-13 12:00:00"]),
        # The day of the month or of the week, when both are said; both, when one has a star.
        ("0 0 0 15 * FRI", ["03-13 00:00:00", "03-15 00:00:00", "03-20 00:00:00"]),
        ("0 0 0 */2 * FRI", ["03-13 00:00:00", "03-27 00:00:00", "04-03 00:00:00"]),
        ("@hourly", ["03-10 13:00:00", "03-10 14:00:00", "03-10 15:00:00"]),
        ("@daily", ["03-11 00:00:00", "03-12 00:00:00", "03-13 00:00:00"]),
        ("@weekly", ["03-15 00:00:00", "03-22 00:00:00", "03-29 00:00:00"]),
        ("@monthly", ["04-01 00:00:00", "05-01 00:00:00", "06-01 00:00:00"]),
        ("@yearly", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
        ("@every 1h30m", ["03-10 13:30:00", "03-10 15:00:00", "03-10 16:30:00"]),
        ("@every 2.5s", ["03-10 12:00:02", "03-10 12:00:04", "03-10 12:00:06"]),
        ("@every 10ms", ["03-10 12:00:01", "03-10 12:00:02", "03-10 12:00:03"]),
    ],
)
def test_an_expression_comes_when_it_says(expression, expected):
    assert following(expression, "2026-03-10 12:00:00") == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "6 fields"),
        ("* * * *", "6 fields"),
        ("* * * * * * *", "6 fields"),
        ("60 * * * * *", "within 0 to 59"),
        ("0 0 0 0 * *", "within 1 to 31"),
        ("0 0 22-3 * * *", "smaller one first"),
        ("0 0 0 * * 7", "within 0 to 6"),
        ("0 0 0 L * *", "'L' is not a number"),
        ("0 0 0 * * MON#1", "not a number"),
        ("*/0 * * * * *", "must not be 0"),
        ("1-2-3 * * * * *", "hyphens"),
        ("1/2/3 * * * * *", "slashes"),
        ("-1 * * * * *", "not a number"),
        ("0 0 0 31 2 *", "no such day"),
        (", * * * * *", "no such day"),
        ("@fortnightly", "@hourly"),
        ("@every day", "1h30m"),
        ("@every 9999999999h", "too long"),
        ("TZ=Europe/Berlin 0 0 9 * * *", "CRON_SCHEDULE_TIMEZONE"),
        ("CRON_TZ=Europe/Berlin 0 0 9 * * *", "CRON_SCHEDULE_TIMEZONE"),
    ],
)
def test_what_kubeflow_does_not_read_is_refused_with_the_reason(expression, words):
    with pytest.raises(Invalid, match="robfig/cron") as refused:
        cron.parse(expression)
    assert words in refused.value.message


def test_times_are_those_of_the_zone():
    assert following("0 0 9 * * *", "2026-01-10 12:00:00", "Europe/Berlin", 1) == ["01-11 08:00:00"]
    assert following("0 0 9 * * *", "2026-07-10 12:00:00", "Europe/Berlin", 1) == ["07-11 07:00:00"]
    assert following("0 0 9 * * *", "2026-07-10 12:00:00", "Asia/Kolkata", 1) == ["07-11 03:30:00"]


def test_a_time_that_the_clocks_skip_does_not_come_that_day():
    # In Berlin, 02:00 to 03:00 is missing on 29 March 2026.
    found = following("0 30 2 * * *", "2026-03-28 00:00:00", "Europe/Berlin")
    assert found == ["03-28 01:30:00", "03-30 00:30:00", "03-31 00:30:00"]


def test_a_time_that_the_clocks_show_twice_comes_twice():
    # In Berlin, 02:00 to 03:00 is there twice on 25 October 2026.
    found = following("0 30 2 * * *", "2026-10-24 12:00:00", "Europe/Berlin")
    assert found == ["10-25 00:30:00", "10-25 01:30:00", "10-26 01:30:00"]


def test_intervals_take_no_notice_of_the_clocks():
    found = following("@every 1h", "2026-03-29 00:30:00", "Europe/Berlin", 2)
    assert found == ["03-29 01:30:00", "03-29 02:30:00"]


@pytest.mark.parametrize("moment", [-(10**12), 10**12])
def test_there_is_nothing_beyond_the_calendars_ends(moment):
    found = cron.parse("@yearly").following(moment, Zone("America/New_York"))
    assert found is None or -62_135_596_800 < found < 253_402_300_800


@pytest.mark.parametrize("name", ["Europe/Nowhere", "..", "/etc/passwd", "x" * 300])
def test_an_unknown_zone_is_named(name):
    with pytest.raises(LocalBackendError, match="is not known") as refused:
        Zone(name)
    assert "CRON_SCHEDULE_TIMEZONE" in str(refused.value)


def test_the_zone_is_that_of_the_environment(monkeypatch):
    monkeypatch.delenv("CRON_SCHEDULE_TIMEZONE", raising=False)
    assert Zone.from_environment().name == "UTC"
    monkeypatch.setenv("CRON_SCHEDULE_TIMEZONE", "Asia/Tokyo")
    assert Zone.from_environment().name == "Asia/Tokyo"
