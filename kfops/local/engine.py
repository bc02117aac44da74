"""The engine: executes the runs that the store has accepted, many at a time, each to its end.

It lives in the backend's event loop. A run is planned by ``workflow.plan``, executed and recorded by
``execution.run``; the engine starts runs, finds unfinished ones after a crash, and bounds how many steps of all runs
are executed at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, Optional

from ..errors import InvalidInput
from .artifacts import ArtifactStore
from .execution.leftovers import kill_leftovers
from .execution.records import RunRecords
from .execution.resuming import for_retry
from .execution.run import Run
from .execution.runners import Runners
from .execution.step import ROOTS
from .executors.base import Executor
from .settings import Settings, of_workflow
from .workflow.spec import Workflow, check

__all__ = ["Engine", "RunRecords", "check"]

_log = logging.getLogger(__name__)


class Engine:
    """Executes runs.

    Parameters
    ----------
    records
        The store.
    data_dir
        The backend's data folder; steps live in ``runs/``, artifacts in ``artifacts/``, models in ``models/``.
    python
        The interpreter of the pipeline environment.
    executor
        How the steps of all runs become processes; unless given, each run's settings decide.
    """

    def __init__(
        self,
        records: RunRecords,
        data_dir: Path,
        *,
        python: str = sys.executable,
        executor: Optional[Executor] = None,
    ) -> None:
        self._records = records
        self._data_dir = Path(data_dir).absolute()
        self._runners = Runners(self._data_dir, python, executor)
        self._width = max(4, os.cpu_count() or 1)
        self._runs: Dict[str, Run] = {}
        self._tasks: Dict[str, asyncio.Task[None]] = {}

    @property
    def artifacts(self) -> ArtifactStore:
        """The artifacts of all runs."""
        return self._runners.default.artifacts

    async def start(self) -> None:
        """Go on with every unfinished run; what is left of their steps' processes is killed first."""
        unfinished = self._records.unfinished()
        killed = kill_leftovers(self._data_dir / "runs", unfinished)
        if killed:
            _log.warning("killed %d processes left over from a backend that was killed", killed)
        shutil.rmtree(str(self._data_dir / ROOTS), ignore_errors=True)
        await self._runners.start()
        for run_id in unfinished:
            self.submit(run_id)

    async def close(self) -> None:
        """Stop executing: kill the steps' processes, leave the runs resumable."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._runners.close()

    async def check(self, settings: Settings) -> None:
        """Refuse settings of a run that cannot be followed here, before it is accepted; raises InvalidInput."""
        await self._runners.check(settings)

    def check_needs(self, workflow: Workflow, settings: Settings) -> None:
        """Refuse a Workflow whose steps would wait for what is not here before it is accepted; raises InvalidInput."""
        self._runners.check_needs(workflow, settings)

    def submit(self, run_id: str, workflow: Optional[Dict[str, Any]] = None) -> None:
        """Execute a run that the store has; its ``workflow`` is read there unless it is given."""
        if run_id in self._tasks:
            return
        task = asyncio.ensure_future(self._execute(run_id, workflow))
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._forget(run_id))

    async def let_begin(self) -> None:
        """Return when the first steps of what has just been submitted are on their way, if nothing keeps them."""
        for _ in ("the run plans its first steps", "they are started"):
            await asyncio.sleep(0)

    def terminate(self, run_id: str) -> None:
        """Stop a run: its steps are killed, its exit handler runs, it ends Failed with the message "terminated"."""
        if run_id in self._runs:
            self._runs[run_id].terminate()
        else:
            self.submit(run_id)  # the store says that it is to be terminated

    def retry(self, run_id: str) -> None:
        """Execute a failed run again, keeping what has succeeded.

        Raises
        ------
        InvalidInput
            The run has not failed.
        """
        status = self._records.workflow(run_id).get("status") or {}
        if status.get("phase") not in ("Failed", "Error"):
            raise InvalidInput("Only a run that has failed can be retried.", why=f"It is {status.get('phase')}.")
        self._records.save_status(run_id, for_retry(status))
        ending = self._tasks.get(run_id)
        if ending is None:
            self.submit(run_id)
        else:  # its end has been told, but it still puts its things away
            ending.add_done_callback(lambda done: self.submit(run_id))

    async def _execute(self, run_id: str, workflow: Optional[Dict[str, Any]]) -> None:
        try:
            folder = self._data_dir / "runs" / run_id
            submitted = self._records.workflow(run_id) if workflow is None else workflow
            settings = of_workflow(submitted)
            width = settings.parallelism or self._width
            runner = await self._runners.of(settings)
            run = Run(run_id, submitted, self._records, runner, folder, self._runners.slots(width), width)
        except Exception as error:
            _log.exception("run %s cannot be executed", run_id)
            self._records.save_status(run_id, {"phase": "Error", "message": f"The run cannot be executed: {error}"})
            return
        self._runs[run_id] = run
        try:
            await run.execute()
        except asyncio.CancelledError:
            raise
        except RecursionError as error:
            await run.fail(f"The workflow is nested too deeply: {error}.")
        except Exception as error:
            _log.exception("run %s", run_id)
            await run.fail(f"The engine failed: {error}")

    def _forget(self, run_id: str) -> None:
        self._tasks.pop(run_id, None)
        self._runs.pop(run_id, None)
