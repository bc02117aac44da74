"""The program from which the usual steps come: its guards' namespaces serve one step after another.

That is for steps that need nothing of their own in their root. Making a pid and a mount namespace with a small Python
as pid 1 in it costs several times what a trivial step does.
When a step has ended, whatever it left running is killed and reaped before its end is told, and when its mounts are
not what they were, the namespaces are given up: the next step finds them as a new one would.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Dict, List, NoReturn, Tuple

if TYPE_CHECKING:
    from . import forkserver, namespaces
    from .parents import end_if_abandoned, open_log, reap_all, send_to_all, spawn_step
else:  # this file is run by path, outside of its package
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import forkserver
    import namespaces
    from parents import end_if_abandoned, open_log, reap_all, send_to_all, spawn_step

#: Seconds after which a step has been started, and none has ended that needs memory.
_STARTED = 0.0005


class LastingGuard(forkserver.Guard):
    """Runs steps in namespaces that last, where it can; the others as any guard does."""

    def __init__(self, backend: socket.socket, isolated: bool) -> None:
        super().__init__(backend, isolated)
        self._init = 0
        self._channel = backend
        self._form: Tuple[List[str], List[str]] = ([], [])
        self._kills = namespaces.out_of_memory_kills()

    def _run(self, request: Dict[str, Any]) -> Dict[str, Any]:
        job = request["job"]
        form = (job["private"], job["opened"])
        if not self._isolated or not _is_plain(job) or (self._init and form != self._form):
            return super()._run(request)
        try:
            before = self._view and self._view.seen
            if self._refreshed(job).seen != before and self._init:
                self._end_init()
            if not self._init:
                self._form = form
                self._fork_lasting_init(job)
            self._channel.sendall(request["line"])
            return self._await_event()
        except OSError as error:
            return {"error": f"The step could not be started: {error}", "last": True}

    def _fork_lasting_init(self, job: Dict[str, Any]) -> None:
        assert self._view is not None
        self._channel, theirs = socket.socketpair()
        self._init = namespaces.fork()
        if self._init == 0:
            self._backend.close()
            self._channel.close()
            _be_init(theirs, job, self._view, self._steps())
        theirs.close()

    def _steps(self) -> Steps:
        """Return what runs the steps in a process that has just been forked."""
        return Steps()

    def _end_init(self) -> None:
        os.kill(self._init, signal.SIGKILL)
        os.waitpid(self._init, 0)
        self._channel.close()
        self._init = 0

    def _await_event(self) -> Dict[str, Any]:
        """Wait for init to tell how the step ended, passing on what the backend wants of it."""
        looked, killed, told = False, False, b""
        self._parent = self._init
        while not told.endswith(b"\n"):
            ready = select.select([self._channel, self._backend], [], [], None if looked else _STARTED)[0]
            if not ready:  # only now: the step is not to wait for this
                looked, self._kills = True, namespaces.out_of_memory_kills()
                continue
            if self._channel in ready:
                chunk = self._channel.recv(1 << 16)
                if not chunk:
                    break
                told += chunk
                continue
            for request in self._requests():
                killed = killed or request["op"] == "kill"
                os.kill(self._init, signal.SIGTERM if request["op"] == "terminate" else signal.SIGKILL)
        self._parent = 0
        event: Dict[str, Any] = json.loads(told) if told else {"signal": int(signal.SIGKILL), "last": True}
        if event.get("signal") == signal.SIGKILL and not killed:
            event["out_of_memory"] = namespaces.out_of_memory_kills() > self._kills
        return event


class Steps:
    """Runs steps one after another, as pid 1 of their namespace."""

    def make_ready(self, channel: socket.socket) -> None:
        """Do what can be done for the next step before it comes over the channel."""

    def run(self, job: Dict[str, Any], log: int, line: bytes) -> int:
        """Run a step, whose job came with this line, and return its wait status."""
        return spawn_step(job, log)


def _is_plain(job: Dict[str, Any]) -> bool:
    """Tell whether a job needs nothing in its root but what every job has."""
    outside = [*job["visible"], *job["shared"], job["folder"]]
    hidden = any(path.startswith(folder + "/") for path in outside for folder in job["private"])
    return bool(job["lasting"]) and not job["mounts"] and not hidden


def _be_init(channel: socket.socket, job: Dict[str, Any], view: namespaces.View, steps: Steps) -> NoReturn:
    """As pid 1 of a new namespace: run the steps that are sent, one after another."""
    try:
        namespaces.die_with_parent()
        end_if_abandoned(channel.fileno())
        view.enter(job)
        namespaces.own_proc()
        namespaces.prefer_for_out_of_memory()
        signal.signal(signal.SIGTERM, lambda number, frame: send_to_all(signal.SIGTERM))
        mounts, lines = _Mounts(), channel.makefile("rb")
        while True:
            steps.make_ready(channel)
            line = lines.readline()
            if not line:
                break
            event = _run_step(json.loads(line)["job"], line, steps)
            if mounts.have_changed():
                event["last"] = True
            channel.sendall(json.dumps(event).encode() + b"\n")
    finally:
        os._exit(1)


def _run_step(job: Dict[str, Any], line: bytes, steps: Steps) -> Dict[str, Any]:
    try:
        for folder in job["private"]:
            namespaces.empty_folder(folder)
        log = open_log(job)
        try:
            status = steps.run(job, log, line)
        finally:
            os.close(log)
        send_to_all(signal.SIGKILL)
        reap_all()
        os.chdir("/")
        return forkserver.describe(status)
    except OSError as error:
        return {"error": f"The step could not be started: {error}"}


class _Mounts:
    """What is mounted in this process's namespace, watched for changes."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(os.open("/proc/self/mounts", os.O_RDONLY | os.O_CLOEXEC), select.POLLPRI)
        self._poll.poll(0)

    def have_changed(self) -> bool:
        """Tell whether anything was mounted or unmounted since the last time."""
        return bool(self._poll.poll(0))


if __name__ == "__main__":
    forkserver.main(int(sys.argv[1]), int(sys.argv[2]), "--no-namespaces" not in sys.argv, LastingGuard)
