"""The small process from which the steps come: part of programs of their own, with nothing but the standard library.

Forking from here costs a fraction of forking from the backend, and gives steps one parent whose end is their end.

    backend ── forkserver ── guard (for one root folder) ── init (pid 1 of the step's pid namespace) ── step
       └────────────────────────┘ one JSON request or event a line

A guard has its root's mounts ready and runs one job after another there, each in a copy of them. The backend asks the
fork server for a guard with a message that carries the guard's end of a socket.
"""

from __future__ import annotations

import array
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NoReturn, Optional, Tuple

if TYPE_CHECKING:
    from . import namespaces
    from .parents import (
        KILL,
        RunStep,
        TakeJob,
        be_init,
        be_keeper,
        block,
        execute,
        open_log,
        reap_all,
        settle_early,
        spawn_step,
        take_log,
    )
else:  # this file is run by path, outside of its package
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import namespaces
    from parents import (
        KILL,
        RunStep,
        TakeJob,
        be_init,
        be_keeper,
        block,
        execute,
        open_log,
        reap_all,
        settle_early,
        spawn_step,
        take_log,
    )

__all__ = ["Guard", "Server", "execute", "settle_early", "take_log"]


class Server:
    """Forks a guard for every socket that the backend sends, and ends with the backend."""

    def __init__(self, backend: socket.socket, isolated: bool, guard: Callable[..., Guard]) -> None:
        self._backend = backend
        self._isolated = isolated
        self._guard = guard

    def serve(self) -> None:
        """Serve until the backend is gone; the guards then end by themselves."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes circles of objects, and looking for them would copy what the guards share
        here = os.getpid()
        while True:
            connection = self._receive()
            if connection is None:
                break
            if os.fork() == 0:
                self._backend.close()
                self._guard(connection, self._isolated).run(here)
            connection.close()
        reap_all()

    def _receive(self) -> Optional[socket.socket]:
        found = array.array("i")
        _, ancillary, _, _ = self._backend.recvmsg(1, socket.CMSG_SPACE(found.itemsize), socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found.frombytes(data)
        return socket.socket(fileno=found[0]) if found else None


class Guard:
    """Runs the jobs of one root folder, one after another, and tells how each has ended."""

    def __init__(self, backend: socket.socket, isolated: bool) -> None:
        self._backend = backend
        self._isolated = isolated
        self._view: Optional[namespaces.View] = None
        self._pending = b""
        self._parent = 0
        self._ending: List[int] = []

    def run(self, server: int) -> NoReturn:
        """Serve the backend's end of the socket until it is closed, then leave no process behind."""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            block()
            if self._isolated:
                namespaces.own_mounts()
            namespaces.die_with_parent()
            if os.getppid() == server:  # it may have died before we could ask to die with it
                self._serve()
        finally:
            os._exit(0)

    def _serve(self) -> None:
        while True:
            for request in self._requests():
                if request["op"] == "run":
                    event = self._run(request)
                    self._tell(request["job"]["id"], event)
                    if event.get("last"):
                        return

    def _requests(self) -> List[Dict[str, Any]]:
        """Return what the backend has sent, each with its ``line``; when it is gone, end, and the step with it."""
        chunk = self._backend.recv(1 << 20)
        if not chunk:
            if self._parent:
                self._ask(KILL)
                os.waitpid(self._parent, 0)
            os._exit(0)
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        return [{**json.loads(line), "line": line + b"\n"} for line in lines]

    def _run(self, request: Dict[str, Any]) -> Dict[str, Any]:
        job = request["job"]
        try:
            log = open_log(job)
            try:
                return self._watch(*self._fork(job, log))
            finally:
                os.close(log)
        except OSError as error:
            return {"error": f"The step could not be started: {error}"}

    def _fork(self, job: Dict[str, Any], log: int) -> Tuple[int, int]:
        """Fork the parent of a step; return its process id and where it tells how the step has ended."""
        if self._isolated:
            return self._fork_init(self._refreshed(job), lambda: (job, log), spawn_step)
        os.makedirs(job["root"], exist_ok=True)
        self._reap()
        reader, writer = os.pipe()
        parent = os.fork()
        if parent == 0:
            self._backend.close()
            os.close(reader)
            be_keeper(job, log, writer)
        os.close(writer)
        return parent, reader

    def _refreshed(self, job: Dict[str, Any]) -> namespaces.View:
        if self._view is None:
            self._view = namespaces.View(job["root"], job)
        self._view.refresh()
        return self._view

    def _fork_init(self, view: namespaces.View, take_job: TakeJob, run_step: RunStep) -> Tuple[int, int]:
        self._reap()
        reader, writer = os.pipe()
        parent = namespaces.fork()
        if parent == 0:
            self._backend.close()
            os.close(reader)
            be_init(take_job, writer, view, run_step)
        os.close(writer)
        return parent, reader

    def _reap(self) -> None:
        self._ending = [pid for pid in self._ending if os.waitpid(pid, os.WNOHANG)[0] == 0]

    def _watch(self, parent: int, reader: int) -> Dict[str, Any]:
        """Wait for the step's parent to tell how the step ended, passing on what the backend wants of it."""
        kills, killed = namespaces.out_of_memory_kills(), False
        self._parent = parent
        while True:
            ready = select.select([reader, self._backend.fileno()], [], [])[0]
            if reader in ready:
                break
            for request in self._requests():
                killed = killed or request["op"] == "kill"
                self._ask(signal.SIGTERM if request["op"] == "terminate" else KILL)
        self._parent = 0
        told = os.read(reader, 4096).decode(errors="replace")
        os.close(reader)
        if told:
            self._ending.append(parent)  # the kernel takes a while to take its mounts down
        if told and not told.isdigit():
            return {"error": f"The step could not be started: {told}"}
        event = describe(int(told) if told else os.waitpid(parent, 0)[1])
        if event.get("signal") == signal.SIGKILL and not killed:
            event["out_of_memory"] = namespaces.out_of_memory_kills() > kills
        return event

    def _ask(self, number: int) -> None:
        os.kill(self._parent, signal.SIGKILL if number == KILL and self._isolated else number)

    def _tell(self, job_id: str, event: Dict[str, Any]) -> None:
        self._backend.sendall(json.dumps({"id": job_id, **event}).encode() + b"\n")


def describe(wait_status: int) -> Dict[str, Any]:
    """Return a wait status as an event."""
    if os.WIFSIGNALED(wait_status):
        return {"signal": os.WTERMSIG(wait_status)}
    return {"code": os.WEXITSTATUS(wait_status)}


def main(descriptor: int, backend: int, use_namespaces: bool, guard: Callable[..., Guard]) -> None:
    """Serve the backend (its process id given, to notice that it has died before we could ask to die with it)."""
    namespaces.die_with_parent()
    if os.getppid() != backend:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=descriptor)
    isolated, reason = namespaces.allowed() if use_namespaces else (False, "it is not wanted")
    connection.sendall(json.dumps({"isolated": isolated, "reason": reason}).encode() + b"\n")
    Server(connection, isolated, guard).serve()
