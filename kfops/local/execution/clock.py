"""The time of one run: it goes on evenly, whatever is done to the machine's clock meanwhile.

A clock that is set back by a day must not make a retry wait for a day, nor one that is set forward use up a deadline.
"""

from __future__ import annotations

import time
from typing import Any, Mapping

from ..workflow.nodes import seconds_of


class RunClock:
    """Seconds since 1970, as the machine has them when the run is taken up, but never before the run's own times.

    Parameters
    ----------
    status
        The run's status as it was saved last: none of its times is in the future of the clock.
    """

    def __init__(self, status: Mapping[str, Any]) -> None:
        holders = [status, *(status.get("nodes") or {}).values()]
        stamps = [str(holder.get(name) or "") for holder in holders for name in ("startedAt", "finishedAt")]
        self._offset = max(time.time(), seconds_of(max(stamps))) - time.monotonic()

    def now(self) -> float:
        """Return the time."""
        return self._offset + time.monotonic()
