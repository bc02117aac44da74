"""Macros in parameters: those of Kubeflow Pipelines, with Go's and strftime's formats."""

from __future__ import annotations

import pytest

from kfops.local.api.macros import Macros, go_format

AT = 1_600_000_003  # 2020-09-13 12:26:43 UTC, a Sunday


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("2006-01-02T15:04:05Z07:00", "2020-09-13T12:26:43Z"),
        ("Monday, 2 January 06", "Sunday, 13 September 20"),
        ("Mon Jan _2 3:4:5 PM MST", "Sun Sep 13 12:26:43 PM UTC"),
        ("03pm -0700 -07:00 -07", "12pm +0000 +00:00 +00"),
        ("05.000 05.999", "43.000 43"),
        ("Janus Month 100%", "Janus Month 900%"),  # letters that go on are no month, and 1 is one
        ("1/2", "9/13"),
    ],
)
def test_gos_formats(layout, expected):
    assert go_format(layout, AT) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[[RunUUID]] [[Index]]", "id 7"),
        ("[[CurrentTime]]", "20200913122643"),
        ("[[ScheduledTime]]", "19700101000100"),
        ("[[ScheduledTime.2006]]-[[CurrentTime.2006]]", "1970-2020"),
        ("{{$.currentTime.strftime('%Y%%')}}", "2020%"),
        ("{{$.scheduledTime.strftime('%M %s')}}", "01 60"),
        ("[[Unknown]] {{$.other}} [[Index.x]] [[", "[[Unknown]] {{$.other}} [[Index.x]] [["),
        ("{{inputs.parameters.x}}", "{{inputs.parameters.x}}"),
    ],
)
def test_macros_of_a_recurring_runs_run(value, expected):
    assert Macros("id", AT, 60, 7).expand(value) == expected


def test_what_only_a_recurring_run_knows_stays_as_it_is_in_a_run():
    for value in ("[[ScheduledTime]]", "[[ScheduledTime.2006]]", "[[Index]]", "{{$.scheduledTime.strftime('%Y')}}"):
        assert Macros("id", AT).expand(value) == value
    assert Macros("id", AT).expand("[[RunUUID]] [[CurrentTime.2006]]") == "id 2020"
