"""The guard of kfp v2 components: the next one is forked while the backend is still busy with the last.

A fork of the process that has imported kfp takes longer than all else that is done for a component. So as soon as a
component has ended, the guard makes an init for whatever comes next, and that init has the warm server fork a process
into its pid namespace, where it waits to be told what it is.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

if TYPE_CHECKING:
    from . import forkserver, namespaces, warm_joining
else:  # this file is imported by a program that is run by path, outside of its package
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import forkserver
    import namespaces
    import warm_joining

#: Signals of whose end a shell says nothing.
_UNSAID = {signal.SIGINT, signal.SIGPIPE}


class WarmGuard(forkserver.Guard):
    """Runs components of one root folder.

    Parameters
    ----------
    requests
        Where inits ask the warm server for a process.
    """

    def __init__(self, requests: socket.socket, backend: socket.socket, isolated: bool) -> None:
        super().__init__(backend, isolated)
        self._warm_server = requests
        self._ready: Optional[Tuple[int, int, socket.socket]] = None

    def _fork(self, job: Dict[str, Any], log: int) -> Tuple[int, int]:
        before = self._view and self._view.seen
        view = self._refreshed(job)
        if self._ready is None or view.seen != before:
            self._make_ready(view)
        assert self._ready is not None
        parent, reader, init = self._ready
        self._ready = None
        with init:
            warm_joining.send(init, [log], json.dumps(job).encode() + b"\n")
        return parent, reader

    def _tell(self, job_id: str, event: Dict[str, Any]) -> None:
        super()._tell(job_id, event)
        if self._view is not None:
            self._make_ready(self._view)

    def _make_ready(self, view: namespaces.View) -> None:
        """Make an init that has a process and waits for a job, in place of one that saw the host as it was before."""
        if self._ready is not None:
            parent, reader, init = self._ready
            os.kill(parent, signal.SIGKILL)
            self._ending.append(parent)
            os.close(reader)
            init.close()
        ours, theirs = socket.socketpair()
        component = Component(self._warm_server, theirs)
        self._ready = (*self._fork_init(view, component.take_job, component.run), ours)
        theirs.close()


class Component:
    """What pid 1 of a component's namespace knows of it.

    Parameters
    ----------
    requests
        Where to ask the warm server for a process.
    guard
        Where the job comes from, with its log.
    """

    def __init__(self, requests: socket.socket, guard: socket.socket) -> None:
        self._requests = requests
        self._guard = guard
        self._process: Optional[socket.socket] = None

    def take_job(self) -> Tuple[Dict[str, Any], int]:
        """Have a process forked into this namespace, then wait for the job."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whom the step leaves behind is nobody's to wait for
        self._process, theirs = socket.socketpair()
        spaces = warm_joining.own_namespaces()
        warm_joining.send(self._requests, [theirs.fileno(), *spaces])
        for descriptor in (*spaces, theirs.detach()):
            os.close(descriptor)
        text, descriptors = warm_joining.receive_line(self._guard)
        if not text:
            os._exit(0)  # the guard has no more jobs
        self._guard.close()
        return json.loads(text), descriptors[0]

    def run(self, job: Dict[str, Any], log: int) -> int:
        """Tell the process what it is; return its wait status at its end."""
        assert self._process is not None
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGUSR1})
        warm_joining.send(self._process, [log], json.dumps(job).encode() + b"\n")
        told = self._process.recv(64)
        if not told:
            raise OSError("the process that starts kfp v2 components has ended")
        return _as_shell(int(told.split()[0]), log)  # a second is that of the process in between, see warm_server.py


def _as_shell(status: int, log: int) -> int:
    """Return the wait status of the shell around a command that has ended with ``status``, and log what it says."""
    if not os.WIFSIGNALED(status):
        return status
    number = os.WTERMSIG(status)
    if number not in _UNSAID:
        os.write(log, f"{signal.strsignal(number)}\n".encode())
    return (128 + number) << 8
