"""Steps as processes of this machine, forked by ``lasting.py``."""

from __future__ import annotations

import array
import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Optional

from .base import Ended, Executor, Job

_PROGRAM = Path(__file__).with_name("lasting.py")
_START_LIMIT = 20.0
_KILL_LIMIT = 5.0
_GONE = "The process that starts the steps was killed."


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
        self._control: Optional[socket.socket] = None
        self._guards: Dict[str, _Guard] = {}
        self._running: Dict[str, _Guard] = {}
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
            if self._process is None or self._process.poll() is not None:
                await self._launch()

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = self._begin(theirs.fileno())
        if self._control is not None:
            self._control.close()
        self._control = ours
        reader, writer = await asyncio.open_connection(sock=ours.dup())
        hello = json.loads(await asyncio.wait_for(reader.readline(), _START_LIMIT) or b"{}")
        writer.transport.abort()
        self._greeted(hello)

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

    async def run(self, job: Job) -> Ended:
        """Run a job to its end. When cancelled, kill all its processes before returning."""
        await self.start()
        try:
            guard = await self._guard(job.root)
        except OSError:
            return Ended(error=_GONE)
        done = guard.run(self._described(job))
        self._running[job.id] = guard
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            guard.send({"op": "kill"})
            await asyncio.wait([done], timeout=_KILL_LIMIT)
            raise
        finally:
            del self._running[job.id]
            if not job.lasting:
                self.forget(job.root)

    async def _guard(self, root: str) -> _Guard:
        """Return the guard of a root folder, a new one if need be."""
        guard = self._guards.get(root)
        if guard is None or guard.gone:
            ours, theirs = socket.socketpair()
            with theirs:
                rights = array.array("i", [theirs.fileno()])
                assert self._control is not None, "the executor is not started"
                self._control.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            ours.setblocking(False)
            guard = self._guards[root] = _Guard()
            await asyncio.get_event_loop().create_connection(lambda: guard, sock=ours)
        return guard

    def forget(self, root: str) -> None:
        """Let go of a root folder that no job will have any more."""
        guard = self._guards.pop(root, None)
        if guard is not None:
            guard.close()

    async def stop(self, job_id: str, grace: float) -> None:
        """Ask a job's processes to end, and kill them after ``grace`` seconds."""
        guard = self._running.get(job_id)
        if guard is None:
            return
        guard.send({"op": "terminate"})
        await asyncio.wait([guard.done], timeout=grace)
        if not guard.done.done():
            guard.send({"op": "kill"})
            await asyncio.wait([guard.done], timeout=_KILL_LIMIT)

    async def close(self) -> None:
        """Kill every process that is left; the fork server ends when its socket closes."""
        running = list(self._running.values())
        for guard in running:
            guard.send({"op": "kill"})
        if running:
            await asyncio.wait([guard.done for guard in running], timeout=_KILL_LIMIT)
        for root in list(self._guards):
            self.forget(root)
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            await asyncio.get_event_loop().run_in_executor(None, self._reap, self._process)
        self._control = self._process = None

    @staticmethod
    def _reap(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Guard(asyncio.Protocol):
    """The backend's end of the socket of one guard, which runs one job at a time."""

    def __init__(self) -> None:
        self.gone = False
        self.done: asyncio.Future[Ended] = asyncio.get_event_loop().create_future()
        self._transport: Optional[asyncio.Transport] = None
        self._received = b""

    def run(self, job: Dict[str, Any]) -> asyncio.Future[Ended]:
        """Have a job run; return how it will have ended."""
        self.done = asyncio.get_event_loop().create_future()
        self.send({"op": "run", "job": job})
        if self.gone:
            self.done.set_result(Ended(error=_GONE))
        return self.done

    def send(self, request: Dict[str, Any]) -> None:
        """Ask for something, unless the guard has ended."""
        if self._transport is not None and not self.gone:
            self._transport.write(json.dumps(request).encode() + b"\n")

    def close(self) -> None:
        """Let the guard end."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the guard."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the guard's account of a job's end."""
        self._received += data
        if not self._received.endswith(b"\n"):
            return
        event, self._received = json.loads(self._received), b""
        self.gone = bool(event.get("last"))  # it has no more than this to tell
        self._end(
            Ended(
                code=event.get("code"),
                signal=event.get("signal"),
                out_of_memory=bool(event.get("out_of_memory")),
                error=event.get("error", ""),
            )
        )

    def connection_lost(self, exc: Optional[Exception]) -> None:
        """Tell whoever waits that the guard is no more, and with it the step."""
        self.gone = True
        self._end(Ended(error=_GONE))

    def _end(self, ended: Ended) -> None:
        if not self.done.done():
            self.done.set_result(ended)
