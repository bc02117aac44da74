"""Keeps one worker process at hand: started at first need, started again after a crash, ended with the server."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Dict, Optional

from kfops.errors import KfopsError, WorkerError

from .environment import EnvironmentFinder
from .interpreter import Interpreter
from .redaction import redact, redact_all
from .worker_process import LogSink, WorkerProcess

__all__ = ["LogSink", "WorkerClient"]

#: A worker that ends sooner than this many seconds after its start counts as one that cannot start.
SHORT_LIFE = 5.0

#: Seconds until the next start after a worker that could not start, or a second short life; doubled each time.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class WorkerClient:
    """The pipeline environment as the server sees it: a state, and methods to call."""

    def __init__(self, finder: EnvironmentFinder, log: logging.Logger, *, start_time_limit: float = 60.0) -> None:
        self._finder = finder
        self._log = log
        self._start_time_limit = start_time_limit
        self._process: Optional[WorkerProcess] = None
        self._starting: Optional[asyncio.Task[WorkerProcess]] = None
        self._interpreter: Optional[Interpreter] = None
        self._versions: Dict[str, str] = {}
        self._failure: Optional[KfopsError] = None
        self._short_lives = 0
        self._pause = 0.0
        self._not_before = 0.0
        self._closed = False

    async def call(
        self,
        method: str,
        params: Dict[str, Any],
        *,
        on_log: Optional[LogSink] = None,
        time_limit: Optional[float] = None,
    ) -> Any:
        """Return the result of a worker's method; raise the KfopsError it raised, or WorkerError without a worker."""
        process = await self._running()
        return await process.call(method, params, on_log=on_log, time_limit=time_limit)

    async def environment(self, *, wait: float = 0.0) -> Dict[str, Any]:
        """Return the state of the pipeline environment, starting it when it is not; wait for it ``wait`` seconds."""
        if not self.alive:
            self._begin()
        # A finder with warm caches answers at once, so a first turn tells "missing" from "starting".
        if self._starting is not None:
            await asyncio.wait([self._starting], timeout=max(wait, 0.05))
        error = self._failure
        details = error.details if error is not None else {}
        if self.alive:
            state, message = "ready", f"kfp {self._versions.get('kfp', '?')} in {self._python}"
        elif self._starting is not None:
            state, message = "starting", "The pipeline environment is starting."
        else:
            state = details.get("state", "failed")
            told = f"{error.message} {error.why}" if error is not None else "The pipeline environment does not run."
            message = redact(told.strip())
        return {
            "state": state,
            "python": self._python,
            "versions": dict(self._versions) if self.alive else {},
            "message": message,
            "install_command": "" if self.alive else details.get("install_command", ""),
            "error": redact_all(error.to_dict()) if error is not None and state in ("missing", "failed") else None,
        }

    @property
    def alive(self) -> bool:
        """Whether there is a worker that can be asked."""
        return self._process is not None and not self._process.ended.done()

    async def close(self) -> None:
        """End the worker; none is started any more."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._process is not None:
            await self._process.close()

    def kill(self) -> None:
        """End the worker at once, without an event loop."""
        if self._process is not None:
            self._process.kill()

    @property
    def _python(self) -> str:
        return self._interpreter.path if self._interpreter is not None else ""

    async def _running(self) -> WorkerProcess:
        if self.alive:
            assert self._process is not None
            return self._process
        self._begin()
        if self._starting is None:
            assert self._failure is not None
            raise self._failure
        # Shielded: the request that began the start may be given up while others wait for it.
        return await asyncio.shield(self._starting)

    def _begin(self) -> None:
        """Begin to start a worker, unless one is starting or the last ones could not start a moment ago."""
        if self._starting is not None or self._closed or time.monotonic() < self._not_before:
            if self._closed:
                self._failure = WorkerError("The Jupyter Server is ending.", remedy="Start it again.")
            return
        self._starting = asyncio.ensure_future(self._start())
        self._starting.add_done_callback(self._started)

    async def _start(self) -> WorkerProcess:
        self._interpreter = await self._finder.find()
        begun = time.monotonic()
        self._process = None
        process = await WorkerProcess.start(self._interpreter.path, self._log)
        try:
            self._versions = await process.ready(self._start_time_limit)
        except BaseException:
            process.kill()
            raise
        process.ended.add_done_callback(lambda ended: self._ended(ended.result(), time.monotonic() - begun))
        self._process = process
        return process

    def _started(self, start: asyncio.Task[WorkerProcess]) -> None:
        self._starting = None
        if start.cancelled():
            return
        error = start.exception()
        if error is None:
            self._failure = None
            return
        if not isinstance(error, KfopsError):
            self._log.error("kfops: the worker's start failed unexpectedly", exc_info=error)
            error = WorkerError("The worker process cannot be started.", why=f"{type(error).__name__}: {error}")
        self._failure = error
        # An environment that is missing may be installed any moment, and looking for it is cheap.
        if error.details.get("state") != "missing":
            self._hold_off()

    def _ended(self, error: WorkerError, age: float) -> None:
        if self._closed:
            return
        self._log.warning("kfops: %s", str(error).replace("\n", " "))
        self._failure = error
        self._short_lives = self._short_lives + 1 if age < SHORT_LIFE else 0
        if self._short_lives > 1:
            self._hold_off()
        else:
            self._pause = 0.0

    def _hold_off(self) -> None:
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        self._not_before = time.monotonic() + self._pause
