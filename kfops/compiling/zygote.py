"""A process that has imported kfp and forks once per compile request; and its client.

    client (any thread) ──one JSON line a request──> zygote (one thread) ──fork──> child, one a request
                        <──one JSON line and a body──

The body is what the child answered, passed on unread.
"""

from __future__ import annotations

import gc
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO, Mapping

from kfops.compiling.rehearsal import rehearse
from kfops.compiling.request import MEMORY_LIMIT, TIME_LIMIT, answer, read_outcome
from kfops.compiling.sandbox import Outcome, Sandbox
from kfops.errors import KfopsError, WorkerError
from kfops.types import Package

_START = (
    "import sys; sys.path[:1] = []; "
    "sys.path.insert(0, sys.argv[2]) if sys.argv[2] not in sys.path else None; "
    "from kfops.compiling.zygote import main; main(int(sys.argv[1]))"
)


#: Seconds after an answer until the next child is forked: whoever takes the answer has the machine first.
_REST = 0.03
_LONG = 60.0


class Zygote:
    """The client of a zygote process; all methods may be called from any thread.

    Examples
    --------
    >>> zygote = Zygote.start()  # doctest: +SKIP
    >>> zygote.compile({"path": "/home/jane/churn.ipynb", "function": None, "mode": None})  # doctest: +SKIP
    Package(name='churn', ...)
    >>> zygote.close()  # doctest: +SKIP
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self._process = process
        self._socket = connection
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, tuple[Future[Package], Mapping[str, Any]]] = {}
        self._dead: str = ""
        self._reader = threading.Thread(target=self._read, name="kfops-zygote", daemon=True)
        self._reader.start()

    @classmethod
    def start(cls, *, python: str = sys.executable) -> Zygote:
        """Start a zygote process; it imports kfp while the caller goes on."""
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).absolute().parent.parent.parent)
        with theirs:
            process = subprocess.Popen(
                [python, "-c", _START, str(theirs.fileno()), root],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt of the notebook's cell is not meant for it
            )
        return cls(process, ours)

    @property
    def alive(self) -> bool:
        """Whether it takes requests."""
        return not self._dead

    def compile(self, request: Mapping[str, Any]) -> Package:
        """Compile in a process of its own and return the package.

        Parameters
        ----------
        request
            ``path`` (of a .py or .ipynb file) and, all optional: ``id`` (text, for ``cancel``), ``content`` (the
            text, when it has not been saved), ``function``, ``mode``, ``name``, ``config`` (path of a config.yaml),
            ``environment`` (in place of the one that the zygote was started with), ``time_limit`` in seconds,
            ``memory_limit`` in bytes, ``summary`` (true for a package without its workflow and text, which are large).

        Raises
        ------
        CompileError
            Or one of its kinds; also InvalidInput and ConfigError.
        WorkerError
            The zygote process has died.
        """
        return self.submit(request).result()

    def submit(self, request: Mapping[str, Any]) -> Future[Package]:
        """Begin a compile and return the future of its package."""
        future: Future[Package] = Future()
        key = str(request.get("id") or f"#{next(self._numbers)}")
        with self._lock:
            if self._dead:
                raise self._death()
            if key in self._waiting:
                raise WorkerError(f"There is a compile request {key} already.")
            self._waiting[key] = (future, request)
        self._send({"id": key, "request": dict(request)})
        return future

    def cancel(self, identity: str) -> None:
        """Kill the compile that was given ``identity`` as ``id``; it ends with a CompileError."""
        self._send({"cancel": str(identity)})

    def close(self) -> None:
        """End the process and every compile that goes on in it."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join(timeout=5)
        self._socket.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        line = json.dumps(message).encode("utf-8") + b"\n"
        try:
            with self._lock:
                self._socket.sendall(line)
        except OSError:
            return  # the reader notices the end too, and fails what waits

    def _read(self) -> None:
        reason = ""
        try:
            with self._socket.makefile("rb") as stream:
                for line in stream:
                    message = json.loads(line)
                    if "fatal" in message:
                        reason = message["fatal"]
                        break
                    body = stream.read(message["size"])
                    self._settle(message["id"], Outcome(body or None, **message["outcome"]))
        except (OSError, ValueError):
            pass
        with self._lock:
            self._dead = reason or "It ended unexpectedly."
            waiting, self._waiting = self._waiting, {}
        for future, _ in waiting.values():
            future.set_exception(self._death())

    def _settle(self, key: str, outcome: Outcome) -> None:
        with self._lock:
            future, request = self._waiting.pop(key)
        try:
            future.set_result(read_outcome(request, outcome))
        except KfopsError as error:
            future.set_exception(error)
        except Exception as error:  # a malformed answer must not end the reader
            future.set_exception(WorkerError("The compile process gave an unreadable answer.", why=repr(error)))

    def _death(self) -> WorkerError:
        return WorkerError(
            "The compile process is gone.",
            why=self._dead,
            remedy="Compile again: a new one is started." if "import" not in self._dead else "",
        )


def main(fd: int) -> None:
    """Serve compile requests that come in over the socket ``fd`` until it is closed."""
    connection = socket.socket(fileno=fd)
    try:
        _warm_up()
    except Exception as error:
        fatal = f"kfp cannot be imported: {type(error).__name__}: {error}"
        connection.sendall(json.dumps({"fatal": fatal}).encode("utf-8") + b"\n")
        return
    _serve(connection, Sandbox(lambda request: answer(json.loads(request)), rehearse))


def _warm_up() -> None:
    """Compile something, so that no request pays for an import, and keep the collector off what is there."""
    import kfp.compiler
    import kfp.v2.dsl

    from kfops import model
    from kfops.compiling import problems

    assert all((kfp, model, problems))  # imported for the requests to come
    rehearse(lambda: False)
    gc.collect()
    gc.freeze()


def _serve(connection: socket.socket, sandbox: Sandbox) -> None:
    unread = bytearray()
    stream: BinaryIO = connection.makefile("wb")
    quiet_from = 0.0
    while True:
        pause = max(0.0, quiet_from - time.monotonic())
        if not (sandbox.busy or sandbox.prepared or pause):
            sandbox.prepare()
        if sandbox.wait([connection.fileno()], pause or _LONG):
            data = connection.recv(1 << 20)
            if not data:
                sandbox.close()
                return
            unread += data
            *lines, rest = unread.split(b"\n")
            unread = bytearray(rest)
            for line in lines:
                _take(json.loads(line), sandbox)
        ended = sandbox.poll()
        _give(ended, stream)
        if ended:
            quiet_from = time.monotonic() + _REST


def _take(message: dict[str, Any], sandbox: Sandbox) -> None:
    if "cancel" in message:
        sandbox.kill(message["cancel"])
        return
    request = message["request"]
    sandbox.start(
        message["id"],
        json.dumps(request).encode("utf-8"),
        time_limit=float(request.get("time_limit") or TIME_LIMIT),
        memory_limit=int(request.get("memory_limit") or MEMORY_LIMIT),
    )


def _give(ended: list[tuple[Any, Outcome]], stream: BinaryIO) -> None:
    for key, outcome in ended:
        body = outcome.result or b""
        facts = {k: v for k, v in vars(outcome).items() if k != "result"}
        stream.write(json.dumps({"id": key, "size": len(body), "outcome": facts}).encode("utf-8") + b"\n")
        stream.write(body)
        stream.flush()
