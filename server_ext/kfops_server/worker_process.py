"""One life of the worker process: started, asked, ended.

The two sides speak over a socket pair, one JSON object a line. The worker first says ``{"ready": {versions}}``. A
request is ``{"id": n, "method": ..., "params": {...}}``, its answer ``{"id": n, "result": ...}`` or
``{"id": n, "error": {...}}``, preceded by any number of ``{"id": n, "log": text}``; ``{"cancel": n}`` gives it up.
The worker ends when the socket closes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, Optional, Tuple

from kfops.errors import ConnectionFailed, KfopsError, WorkerError

from .interpreter import environment_variables
from .redaction import redact

LogSink = Callable[[str], None]

#: Bytes of one message; a notebook with large outputs is the largest thing that is sent.
MESSAGE_LIMIT = 256 * 1024 * 1024

#: Seconds in which a worker that has been told to end must have ended.
END_TIME = 3.0


class WorkerProcess:
    """A worker that runs; `ended` is done once it does not, with its `WorkerError`."""

    def __init__(self, process: subprocess.Popen[bytes], log: logging.Logger) -> None:
        self._process = process
        self._log = log
        self._ids = itertools.count(1)
        self._pending: Dict[int, Tuple[asyncio.Future[Any], Optional[LogSink]]] = {}
        self._last_lines: Deque[str] = deque(maxlen=20)
        self._loop = asyncio.get_event_loop()
        self._ready: asyncio.Future[Dict[str, str]] = self._loop.create_future()
        self.ended: asyncio.Future[WorkerError] = self._loop.create_future()

    @classmethod
    async def start(cls, python: str, log: logging.Logger) -> WorkerProcess:
        """Start a worker with the interpreter ``python``; `ready` tells when it can be asked."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    [python, "-m", "kfops.worker", "--fd", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(theirs.fileno(),),
                    # Its own session: an interrupt typed at the Jupyter Server's terminal is not for the worker.
                    start_new_session=True,
                    # "-m" puts the working folder first on the path: not the user's, with a json.py in it perhaps.
                    cwd="/",
                    env=environment_variables(),
                )
            except OSError as error:
                ours.close()
                raise WorkerError(
                    "The worker process cannot be started.",
                    why=f"{python}: {error.strerror or error}.",
                    remedy="Set KfopsServer.python to the interpreter that has kfp 1.7.0.",
                ) from None
        worker = cls(process, log)
        threading.Thread(target=worker._wait, name="kfops-worker-wait", daemon=True).start()
        await worker._connect(ours)
        return worker

    async def ready(self, time_limit: float) -> Dict[str, str]:
        """Return the worker's versions once it can be asked, or raise WorkerError."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), time_limit)
        except asyncio.TimeoutError:
            raise WorkerError(
                "The worker process does not get ready.",
                why=f"It has been starting for {time_limit:g} s.",
                remedy="See the Jupyter Server's log, started with --debug, for what it says.",
                stderr=self.last_lines,
            ) from None

    async def call(
        self, method: str, params: Dict[str, Any], *, on_log: Optional[LogSink] = None, time_limit: Optional[float]
    ) -> Any:
        """Return the result of a method, or raise the error that it raised there.

        A call that is cancelled, or that takes longer than ``time_limit`` seconds, is cancelled in the worker too.
        """
        if self.ended.done():
            raise self.ended.result()
        number = next(self._ids)
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending[number] = (future, on_log)
        try:
            await self._send({"id": number, "method": method, "params": params})
            return await asyncio.wait_for(future, time_limit)
        except asyncio.TimeoutError:
            await self._send({"cancel": number})
            raise ConnectionFailed(
                f"No answer within {time_limit:g} s.",
                why=f"{method} waits for a backend that is slow or hangs.",
                remedy="Try again; if it stays so, look at the backend.",
                kind="timeout",
            ) from None
        except asyncio.CancelledError:
            self._writer.write(_line({"cancel": number}))
            raise
        finally:
            del self._pending[number]

    async def close(self) -> None:
        """End the process: ask it to, then make it."""
        self._writer.close()
        await asyncio.wait([self.ended], timeout=END_TIME)
        self.kill()
        await asyncio.wait([self.ended], timeout=END_TIME)
        self._output.close()

    def kill(self) -> None:
        """End the process, and what it has started in its process group, at once."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    @property
    def last_lines(self) -> str:
        """The last lines that the process wrote to its standard error."""
        return "\n".join(self._last_lines)

    async def _connect(self, ours: socket.socket) -> None:
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=MESSAGE_LIMIT)
        output = asyncio.StreamReader(limit=MESSAGE_LIMIT)
        assert self._process.stdout is not None
        self._output, _ = await self._loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), self._process.stdout
        )
        self._tasks = [asyncio.ensure_future(self._read(reader)), asyncio.ensure_future(self._drain(output))]

    async def _send(self, message: Dict[str, Any]) -> None:
        try:
            self._writer.write(_line(message))
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            # Its end is reported once, by _wait, to everything that is pending.
            pass

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                line = await reader.readline()
                if not line:
                    break
                self._take(json.loads(line))
        except (ConnectionError, ValueError) as error:
            self._log.error("kfops worker: unreadable message: %s", error)
        self.kill()

    def _take(self, message: Dict[str, Any]) -> None:
        if "ready" in message:
            if not self._ready.done():
                self._ready.set_result(message["ready"])
            return
        future, on_log = self._pending.get(message["id"], (None, None))
        if future is None or future.done():
            return
        if "log" in message:
            if on_log is not None:
                on_log(message["log"])
        elif "error" in message:
            future.set_exception(KfopsError.from_dict(message["error"]))
        else:
            future.set_result(message.get("result"))

    async def _drain(self, output: asyncio.StreamReader) -> None:
        try:
            async for line in output:
                text = redact(line.decode("utf-8", "replace").rstrip())
                self._last_lines.append(text)
                self._log.debug("kfops worker: %s", text)
        except ValueError:
            self._log.debug("kfops worker: a line too long to log")

    def _wait(self) -> None:
        code = self._process.wait()
        try:
            self._loop.call_soon_threadsafe(self._end, code)
        except RuntimeError:
            pass  # The loop is closed: the server has ended, nobody waits.

    def _end(self, code: int) -> None:
        # One turn later, so that the last lines of its output have been read.
        self._loop.call_later(0.1, self._report_end, code)

    def _report_end(self, code: int) -> None:
        how = f"of signal {-code}" if code < 0 else f"with exit code {code}"
        error = WorkerError(
            "The worker process has ended.",
            why=f"It ended {how}" + (f": {self._last_lines[-1]}" if self._last_lines else "."),
            remedy="Try again: the next request starts a new one.",
            exit_code=code,
            stderr=self.last_lines,
        )
        if not self.ended.done():
            self.ended.set_result(error)
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # Marks it as seen: a start that nobody waits for any more is no defect.
        for future, _ in list(self._pending.values()):
            if not future.done():
                future.set_exception(error)
        self._writer.close()
        self._output.close()


def _line(message: Dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
