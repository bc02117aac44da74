"""When a recurring run is due, by the rules of Kubeflow Pipelines' controller."""

from __future__ import annotations

import pytest

from kfops.local.scheduling import cron
from kfops.local.scheduling.trigger import Trigger
from kfops.local.scheduling.zones import Zone

MINUTE = 60
CREATED = 1_000_000 * MINUTE
EACH_MINUTE = Trigger(cron="0 * * * * *")


def due(trigger, *, last=None, now=CREATED, catchup=True):
    return trigger.due(last=last, created=CREATED, now=now, catchup=catchup, zone=Zone())


def test_the_first_comes_after_its_making_and_the_next_after_the_last():
    assert due(EACH_MINUTE) == CREATED + MINUTE
    assert due(EACH_MINUTE, last=CREATED + MINUTE) == CREATED + 2 * MINUTE
    assert due(Trigger(interval=10)) == CREATED + 10
    assert due(Trigger(interval=10), last=CREATED + 17) == CREATED + 27


@pytest.mark.parametrize("start", [CREATED - 3600, CREATED + 3600])
def test_with_a_start_the_first_comes_after_it_even_when_it_is_past(start):
    assert due(Trigger(cron="0 * * * * *", start=start)) == start + MINUTE
    assert due(Trigger(interval=10, start=start)) == start + 10


def test_the_end_itself_still_counts():
    until = CREATED + 2 * MINUTE
    for trigger in (Trigger(cron="0 * * * * *", end=until), Trigger(interval=MINUTE, end=until)):
        assert due(trigger, last=CREATED + MINUTE) == until
        assert due(trigger, last=until) is None
        assert due(trigger, last=until, catchup=False, now=until + 3600) is None


def test_catching_up_goes_through_all_that_has_been_missed():
    now = CREATED + 5 * MINUTE + 30
    assert due(EACH_MINUTE, last=CREATED + MINUTE, now=now) == CREATED + 2 * MINUTE
    assert due(Trigger(interval=MINUTE), last=CREATED, now=now) == CREATED + MINUTE


def test_without_catching_up_cron_comes_at_the_last_that_has_been_missed():
    now = CREATED + 5 * MINUTE + 30
    assert due(EACH_MINUTE, last=CREATED + MINUTE, now=now, catchup=False) == CREATED + 5 * MINUTE
    assert due(EACH_MINUTE, last=CREATED + 5 * MINUTE, now=now, catchup=False) == CREATED + 6 * MINUTE
    ended = Trigger(cron="0 * * * * *", end=CREATED + 3 * MINUTE)
    assert due(ended, last=CREATED, now=now, catchup=False) == CREATED + 3 * MINUTE
    every = Trigger(cron="@every 40s")
    assert due(every, last=CREATED, now=now, catchup=False) == CREATED + 8 * 40


def test_without_catching_up_an_interval_begins_anew_from_now_when_more_than_one_has_been_missed():
    each = Trigger(interval=MINUTE)
    assert due(each, last=CREATED, now=CREATED + 5 * MINUTE + 30, catchup=False) == CREATED + 5 * MINUTE + 30
    assert due(each, last=CREATED, now=CREATED + MINUTE + 30, catchup=False) == CREATED + MINUTE


def test_a_trigger_without_a_schedule_comes_once():
    assert due(Trigger()) == CREATED
    assert due(Trigger(), last=CREATED) is None


def test_the_latest_of_a_month_of_seconds_is_found_without_going_through_them(monkeypatch):
    calls = []
    following = cron.Calendar.following
    monkeypatch.setattr(
        cron.Calendar, "following", lambda self, at, zone: calls.append(at) or following(self, at, zone)
    )
    now = CREATED + 30 * 86_400
    assert due(Trigger(cron="* * * * * *"), last=CREATED, now=now, catchup=False) == now
    assert len(calls) < 100
