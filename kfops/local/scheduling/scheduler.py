"""Starts the runs of recurring runs when they are due.

It looks at the clock every few seconds even when nothing is due for long: the clock may be set, and a machine that
slept wakes up late. What has been missed meanwhile, or while no backend ran, is made up for by the rule of each
recurring run. A clock that is set back fires nothing a second time: what is due next follows what was due last.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Callable, Optional

import sqlalchemy as sa

from ..problems import Missing
from ..store import Store
from .firing import next_run
from .trigger import Trigger
from .zones import Zone

if TYPE_CHECKING:
    from ..engine import Engine

log = logging.getLogger("kfops.local")

#: Seconds between looks at the clock.
_LOOK = 5.0
#: Seconds until a recurring run that has as many runs as it may have is looked at again.
_BUSY = 1.0


class Scheduler:
    """Fires the recurring runs of a store, whose runs the engine then executes; ``clock`` is the time of day."""

    def __init__(self, store: Store, engine: Engine, zone: Zone, clock: Callable[[], float] = time.time) -> None:
        self.zone = zone
        self._store = store
        self._engine = engine
        self._clock = clock
        self._changed: Optional[asyncio.Event] = None
        self._task: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        """Begin with what is due already."""
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(self._changed))

    async def close(self) -> None:
        """Fire no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def look(self) -> None:
        """Look at all recurring runs again, because one has been made or changed."""
        if self._changed is not None:
            self._changed.set()

    async def _run(self, changed: asyncio.Event) -> None:
        while True:
            changed.clear()
            try:
                due = await self.fire()
            except Exception:  # without it, a database that fails once would end all schedules silently
                log.exception("The recurring runs could not be read; they are looked at again")
                due = self._clock() + _LOOK
            await self._sleep(due, changed)

    async def _sleep(self, due: Optional[float], changed: asyncio.Event) -> None:
        began = self._clock()
        # A clock that has been set back says nothing about when a run will end that others wait for.
        while not changed.is_set() and (due is None or began <= self._clock() < due):
            pause = None if due is None else min(_LOOK, max(0.0, due - self._clock()))
            try:
                await asyncio.wait_for(changed.wait(), pause)
            except asyncio.TimeoutError:
                pass

    async def fire(self) -> Optional[float]:
        """Start every run that is due now and may start; return when to look again, None for only after a change."""
        again: Optional[float] = None
        for job in self._store.jobs.all():
            await asyncio.sleep(0)  # requests are answered in between
            try:
                due = await self._fire_one(job)
            except Missing:  # it has been deleted meanwhile
                continue
            except Exception:
                log.exception("Recurring run %s could not be started; it is tried again", job.id)
                due = self._clock() + _LOOK
            if due is not None:
                again = due if again is None else min(again, due)
        return again

    async def _fire_one(self, job: sa.Row[Any]) -> Optional[float]:
        """Start what is due of one recurring run, one after the other; return when to look at it again."""
        while True:
            due, at = self.due(job), self._clock()
            once = trigger_of(job).once
            active = self._store.jobs.active(job.id) if once or (due is not None and due <= at) else 0
            self._show_status(job, active)
            if not job.enabled or due is None:
                return at + _BUSY if active and once else None
            if due > at:
                return due
            if active >= job.max_concurrency:
                return at + _BUSY
            run = next_run(self._store.jobs.get(job.id), due)
            if not self._store.jobs.fire(job.id, job.last_index + 1, due, run):
                return at  # it has been changed since it was read
            self._engine.submit(run.id)
            log.info("Recurring run %s: run %s, due at %d, is started", job.id, run.id, due)
            await asyncio.sleep(0)
            job = self._store.jobs.get(job.id)

    def due(self, job: sa.Row[Any]) -> Optional[int]:
        """Return when the next run is due, in seconds since 1970; None when none ever is."""
        return trigger_of(job).due(
            last=job.last_due,
            created=job.created_at // 1_000_000,
            now=int(self._clock()),
            catchup=not job.no_catchup,
            zone=self.zone,
        )

    def _show_status(self, job: sa.Row[Any], active: int) -> None:
        if trigger_of(job).once:
            status = "Succeeded" if job.last_due is not None and not active else "Running"
        else:
            status = "Enabled" if job.enabled else "Disabled"
        if status != job.status:
            self._store.jobs.set_status(job.id, status)


def trigger_of(job: sa.Row[Any]) -> Trigger:
    """Return what a stored recurring run is triggered by."""
    return Trigger(job.cron, job.interval, job.start_time, job.end_time)
