"""The step runners of a backend: one for each way in which the projects want their steps executed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Tuple

from ...errors import InvalidInput
from ..executors import engines
from ..executors.base import Executor
from ..executors.container import ContainerExecutor
from ..executors.process import ProcessExecutor
from ..executors.warm import WarmExecutor
from ..settings import Settings
from ..workflow.spec import Workflow
from .environment import StepError, inherited
from .packages import Layers
from .step import StepRunner

#: By the name that config.yaml has for them.
_MAKERS: Mapping[str, Callable[[Settings, str, Path], Executor]] = {
    "process": lambda settings, python, data_dir: ProcessExecutor(),
    "warm": lambda settings, python, data_dir: WarmExecutor(python, environment=inherited(os.environ)),
    "container": lambda settings, python, data_dir: ContainerExecutor(settings.engine, data_dir),
}
_SECRETS = "secrets.yaml"
_SHOWN = 3


class Runners:
    """Makes a runner when a run first asks for its settings; an executor is started when it is first needed.

    Parameters
    ----------
    data_dir
        The backend's data folder.
    python
        The interpreter of the pipeline environment.
    executor
        Executes all steps, whatever the settings say; for tests of what surrounds it.
    """

    def __init__(self, data_dir: Path, python: str, executor: Optional[Executor] = None) -> None:
        self._data_dir = data_dir
        self._python = python
        self._given = executor
        self._executors: Dict[Tuple[str, str], Executor] = {}
        self._runners: Dict[Tuple[str, str, str], StepRunner] = {}
        self._slots: Dict[int, asyncio.Semaphore] = {}
        #: For what has nothing to do with how steps are executed.
        self.default = self._runner(Settings())

    async def start(self) -> None:
        """Make ready to run steps the usual way, and remove what a backend that was killed has left half made."""
        Layers(self._data_dir).tidy()
        await self.of(Settings())

    async def of(self, settings: Settings) -> StepRunner:
        """Return the runner for a run's settings, ready to run steps."""
        await self._executor(settings).start()
        return self._runner(settings)

    def slots(self, width: int) -> asyncio.Semaphore:
        """Return what bounds the steps that are executed at a time, of all runs that are given the same bound."""
        if width not in self._slots:
            self._slots[width] = asyncio.Semaphore(width)
        return self._slots[width]

    async def check(self, settings: Settings) -> None:
        """Refuse settings that cannot be followed on this machine; raises InvalidInput."""
        if self._given is None and settings.executor == "container":
            await asyncio.get_event_loop().run_in_executor(None, engines.find, settings.engine)

    def check_needs(self, workflow: Workflow, settings: Settings) -> None:
        """Refuse a Workflow whose steps would wait for what is not there; raises InvalidInput."""
        try:
            found = self._runner(settings).lacking(workflow)
        except StepError as error:
            raise InvalidInput("The run cannot start.", why=f"{error}.") from None
        if found:
            shown = "; ".join(found[:_SHOWN]) + ("; and so on" if len(found) > _SHOWN else "")
            raise InvalidInput("The run cannot start: its steps need what is not here.", why=f"{shown}.")

    async def close(self) -> None:
        """Kill every process of a step that is left."""
        for executor in self._executors.values():
            await executor.close()
        for runner in self._runners.values():
            runner.close()

    def _runner(self, settings: Settings) -> StepRunner:
        key = (settings.executor, settings.engine, settings.secrets)
        if key not in self._runners:
            secrets = Path(settings.secrets) if settings.secrets else self._data_dir / _SECRETS
            executor = self._executor(settings)
            python = "" if executor.images else self._python
            self._runners[key] = StepRunner(self._data_dir, executor, python, secrets)
        return self._runners[key]

    def _executor(self, settings: Settings) -> Executor:
        key = (settings.executor, settings.engine)
        if key not in self._executors:
            self._executors[key] = self._given or _MAKERS[settings.executor](settings, self._python, self._data_dir)
        return self._executors[key]
