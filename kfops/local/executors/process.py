"""Steps as processes of this machine, forked by ``forkserver.py``."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Set

from .base import Ended, Executor, Job

_PROGRAM = Path(__file__).with_name("forkserver.py")
_START_LIMIT = 20.0


class ProcessExecutor(Executor):
    """Runs each job as a process group in a file system view of its own, where the kernel allows that.

    Parameters
    ----------
    python
        Interpreter that runs the fork server; any Python of 3.8 or later.
    namespaces
        Whether to use the kernel's namespaces where it allows them.
    """

    def __init__(self, python: str = sys.executable, *, namespaces: bool = True) -> None:
        self._python = python
        self._namespaces = namespaces
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._reader: Optional[asyncio.StreamReader] = None
        self._writer: Optional[asyncio.StreamWriter] = None
        self._listener: Optional[asyncio.Task[None]] = None
        self._running: Dict[str, asyncio.Future[Ended]] = {}
        self._killers: Set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock() if sys.version_info >= (3, 10) else None
        self._isolated = False
        self.reason = ""

    @property
    def isolated(self) -> bool:
        """Whether the kernel allows namespaces; known after ``start``."""
        return self._isolated

    async def start(self) -> None:
        """Start the fork server, if it does not run."""
        if self._starting is None:
            self._starting = asyncio.Lock()  # before 3.10 a lock belongs to the loop in which it is made
        async with self._starting:
            if self._listener is None or self._listener.done():
                await self._launch()

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = self._begin(theirs.fileno())
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        hello = json.loads(await asyncio.wait_for(self._reader.readline(), _START_LIMIT) or b"{}")
        self._greeted(hello)
        self._listener = asyncio.ensure_future(self._listen(self._reader))

    def _begin(self, descriptor: int) -> subprocess.Popen[bytes]:
        """Start the program that serves the backend's end of a socket."""
        command = [self._python, "-I", "-S", str(_PROGRAM), str(descriptor), str(os.getpid())]
        command += [] if self._namespaces else ["--no-namespaces"]
        return subprocess.Popen(
            command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, cwd="/", env={"PATH": os.defpath}
        )

    def _greeted(self, hello: Dict[str, Any]) -> None:
        """Take what that program says of itself when it has started."""
        self._isolated, self.reason = bool(hello.get("isolated")), str(hello.get("reason", "the fork server ended"))

    def _described(self, job: Job) -> Dict[str, Any]:
        """Return the JSON form of a job for that program."""
        return job.to_dict()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            line = await reader.readline()
            if not line:
                break
            event = json.loads(line)
            waiting = self._running.pop(event["id"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(
                    Ended(
                        code=event.get("code"),
                        signal=event.get("signal"),
                        out_of_memory=bool(event.get("out_of_memory")),
                        error=event.get("error", ""),
                    )
                )
        for waiting in self._running.values():
            if not waiting.done():
                waiting.set_result(Ended(error="The process that starts the steps was killed."))
        self._running.clear()

    async def run(self, job: Job) -> Ended:
        """Run a job to its end. When cancelled, kill all its processes before returning."""
        await self.start()
        done: asyncio.Future[Ended] = asyncio.get_event_loop().create_future()
        self._running[job.id] = done
        self._send({"op": "run", "job": self._described(job)})
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            self._send({"op": "kill", "id": job.id})
            await asyncio.wait([done], timeout=5)
            raise

    async def stop(self, job_id: str, grace: float) -> None:
        """Ask a job's processes to end, and kill them after ``grace`` seconds."""
        done = self._running.get(job_id)
        if done is None:
            return
        self._send({"op": "terminate", "id": job_id})
        await asyncio.wait([done], timeout=grace)
        if not done.done():
            self._send({"op": "kill", "id": job_id})
            await asyncio.wait([done], timeout=5)

    async def close(self) -> None:
        """Kill every process that is left; the fork server ends when its socket closes."""
        for job_id in list(self._running):
            self._send({"op": "kill", "id": job_id})
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=5)
        if self._writer is not None:
            self._writer.close()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        if self._process is not None:
            await asyncio.get_event_loop().run_in_executor(None, self._reap, self._process)
        self._listener = self._process = None

    @staticmethod
    def _reap(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _send(self, request: Dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps(request).encode() + b"\n")
