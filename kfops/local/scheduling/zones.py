"""The time zone of cron expressions: what the clock on the wall says at a point in time.

Points in time are whole seconds since 1970. So are times on the wall, as if the zone were UTC: the two differ by the
zone's offset, and the calendar can be reckoned with integers.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime, timezone, tzinfo
from typing import Optional

from kfops.errors import LocalBackendError

if sys.version_info >= (3, 9):
    from zoneinfo import ZoneInfo

    def _named(name: str) -> Optional[tzinfo]:
        return ZoneInfo(name)

else:
    from dateutil.tz import gettz as _named

VARIABLE = "CRON_SCHEDULE_TIMEZONE"
DAY = 86_400
_NAME = re.compile("[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


class Zone:
    """A time zone by its name, such as ``Europe/Berlin``; raises LocalBackendError for one that is not known."""

    def __init__(self, name: str = "UTC") -> None:
        found = _zone(name)
        if found is None:
            raise LocalBackendError(
                f"The time zone {name!r} is not known.",
                remedy=f"Put a name such as Europe/Berlin into {VARIABLE}, or take it out for UTC.",
            )
        self.name = name
        self._zone = found

    @classmethod
    def from_environment(cls) -> Zone:
        """Return the zone that ``CRON_SCHEDULE_TIMEZONE`` names, as for Kubeflow Pipelines; UTC when it is not set."""
        return cls(os.environ.get(VARIABLE) or "UTC")

    def offset(self, moment: int) -> int:
        """Return by how many seconds the wall is ahead of UTC."""
        ahead = datetime.fromtimestamp(moment, self._zone).utcoffset()
        return int(ahead.total_seconds()) if ahead is not None else 0

    def same_offset_until(self, moment: int) -> int:
        """Return a later point in time, at most a day, up to which the offset is that of ``moment``."""
        end = moment + DAY
        if self.offset(end) == self.offset(moment):
            return end
        same = moment
        while end - same > 1:  # the clocks are changed between the two
            middle = (same + end) // 2
            if self.offset(middle) == self.offset(moment):
                same = middle
            else:
                end = middle
        return end


def _zone(name: str) -> Optional[tzinfo]:
    if name == "UTC":
        return timezone.utc
    if not _NAME.fullmatch(name):  # nor a path
        return None
    try:
        return _named(name)
    except (KeyError, ValueError, OSError):  # not there, or not a zone; ZoneInfoNotFoundError is a KeyError
        return None
