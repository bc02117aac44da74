"""Recurring runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List

from kfops.types.wire import Wire


@dataclass(frozen=True)
class RecurringRun(Wire):
    """What starts runs of its own accord.

    ``schedule`` is a cron expression that begins with the second, ``@hourly`` and its like, or ``@every 5m``; "" for
    one that runs once. ``upcoming`` has the next times at which it is due, none while it is paused; ``timezone`` is
    the one its cron expression is read in.
    """

    id: str
    name: str
    schedule: str
    enabled: bool = True
    description: str = ""
    start: str = ""
    end: str = ""
    max_concurrency: int = 1
    catch_up: bool = False
    parameters: Dict[str, str] = field(default_factory=dict)
    pipeline_id: str = ""
    pipeline_name: str = ""
    version_id: str = ""
    version_name: str = ""
    experiment_id: str = ""
    experiment_name: str = ""
    created_at: str = ""
    timezone: str = "UTC"
    upcoming: List[str] = field(default_factory=list)
