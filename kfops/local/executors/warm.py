"""The executor ``warm``: kfp v2 components are forked from a process that has imported kfp; all else is as ever."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Set

from .base import Ended, Executor, Job
from .process import ProcessExecutor
from .warm_command import component_source

_PROGRAM = Path(__file__).with_name("warm_server.py")
_IDLE = 300.0


class WarmExecutor(Executor):
    """Runs kfp v2 components in forks of a warm process, with the same results; any other job as a ``ProcessExecutor``.

    The warm process is started by the first component, which waits for it no longer than it would have taken to import
    kfp itself. It goes when nothing has needed it for some minutes, and another takes its place when packages of the
    pipeline environment have changed.

    Parameters
    ----------
    python
        The pipeline environment's interpreter.
    environment
        The variables that steps have if their template asks for none; the warm process is started with them.
    idle
        After how many seconds the warm process goes.
    """

    def __init__(
        self, python: str = sys.executable, *, environment: Optional[Mapping[str, str]] = None, idle: float = _IDLE
    ) -> None:
        self._python = python
        self._environment = dict(os.environ if environment is None else environment)
        self._idle = idle
        self._others = ProcessExecutor()
        self._servers: List[_WarmServer] = []  # the last is for new jobs, the others end with those that they have
        self._timer: Optional[asyncio.TimerHandle] = None
        self._closing: Set[asyncio.Future[None]] = set()

    @property
    def isolated(self) -> bool:
        """Whether the kernel allows namespaces; known after ``start``."""
        return self._others.isolated

    async def start(self) -> None:
        """Make ready to run jobs; the warm process is not started yet."""
        await self._others.start()

    async def run(self, job: Job) -> Ended:
        """Run a job to its end. When cancelled, kill all its processes before returning."""
        await self.start()
        source = component_source(job, self._python) if self.isolated else None
        if source is None:
            return await self._others.run(job)
        server = self._current()
        try:
            return await server.run_component(job, source)
        finally:
            self._let_go_later()

    async def stop(self, job_id: str, grace: float) -> None:
        """Ask a job's processes to end, and kill them after ``grace`` seconds."""
        for executor in (self._others, *self._servers):
            await executor.stop(job_id, grace)

    def forget(self, root: str) -> None:
        """Let go of what is kept for a lasting root."""
        for executor in (self._others, *self._servers):
            executor.forget(root)

    async def close(self) -> None:
        """Kill every process that is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._close(self._servers)
        if self._closing:
            await asyncio.wait(self._closing)
        await self._others.close()

    def _current(self) -> _WarmServer:
        if self._timer is not None:
            self._timer.cancel()
        if not self._servers or self._servers[-1].outdated:
            self._servers.append(_WarmServer(self._python, self._environment))
        return self._servers[-1]

    def _let_go_later(self) -> None:
        self._close([server for server in self._servers[:-1] if not server.busy])
        if not any(server.busy for server in self._servers):
            loop = asyncio.get_event_loop()
            self._timer = loop.call_later(self._idle, lambda: self._close(self._servers))

    def _close(self, servers: List[_WarmServer]) -> None:
        self._servers = [server for server in self._servers if server not in servers]
        for server in servers:
            closing = asyncio.ensure_future(server.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


class _WarmServer(ProcessExecutor):
    """A warm process and its fork server."""

    def __init__(self, python: str, environment: Mapping[str, str]) -> None:
        super().__init__(python)
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._sources: Dict[str, int] = {}
        self._changed_at: Dict[str, int] = {}

    @property
    def busy(self) -> bool:
        """Whether a component is running."""
        return bool(self._sources)

    @property
    def outdated(self) -> bool:
        """Whether something was installed or removed where the warm process imports from, since it started."""
        return any(_changed_at(folder) != when for folder, when in self._changed_at.items())

    async def run_component(self, job: Job, source: int) -> Ended:
        """Run a job whose command has a component's source as word number ``source``."""
        self._sources[job.id] = source
        try:
            return await self.run(job)
        finally:
            del self._sources[job.id]

    def _begin(self, descriptor: int) -> subprocess.Popen[bytes]:
        """Start the warm process under the name that a step's command has for it, which becomes its sys.executable."""
        python3 = os.path.join(os.path.dirname(self._python), "python3")
        return subprocess.Popen(
            [python3, str(_PROGRAM), str(descriptor), str(os.getpid())],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=self._environment,
        )

    def _greeted(self, hello: Dict[str, Any]) -> None:
        super()._greeted(hello)
        self._changed_at = {folder: _changed_at(folder) for folder in hello.get("folders", [])}

    def _described(self, job: Job) -> Dict[str, Any]:
        return {**job.to_dict(), "source": self._sources[job.id]}


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
