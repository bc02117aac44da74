"""What a recurring run is triggered by, and when it is due next.

The rules are those of Kubeflow Pipelines' ScheduledWorkflow controller. Points in time are whole seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from . import cron
from .zones import Zone


@dataclass(frozen=True)
class Trigger:
    """A cron expression, or an interval in seconds, between two points in time; with neither it fires once."""

    cron: str = ""
    interval: int = 0
    start: Optional[int] = None
    end: Optional[int] = None

    @property
    def once(self) -> bool:
        """Whether there is no schedule."""
        return not self.cron and not self.interval

    def due(self, *, last: Optional[int], created: int, now: int, catchup: bool, zone: Zone) -> Optional[int]:
        """Return when the next run is due, which may be in the past; None when none ever is.

        Parameters
        ----------
        last
            When the last one was due, None before the first.
        created
            When the recurring run was made.
        now
            The time of day.
        catchup
            Whether every point in time that has been missed is due, one after the other, or only the latest.
        zone
            The time zone of the cron expression.
        """
        if self.once:
            return created if last is None else None
        since = last if last is not None else self.start if self.start is not None else created
        schedule = cron.parse(self.cron) if self.cron else cron.Every(self.interval)
        found = schedule.following(since, zone)
        if found is None or (self.end is not None and found > self.end):
            return None
        if catchup or found > now:
            return found
        if self.cron:
            return schedule.latest(found, now if self.end is None else min(now, self.end), zone)
        return now if now >= found + self.interval else found
