"""The guard of kfp v2 components: the next one is forked while the backend is still busy with the last.

A fork of the process that has imported kfp takes longer than all else that is done for a component. So soon after a
component has ended, pid 1 of the namespace in which the next one will be has the warm server fork a process into it,
where that waits to be told what it is.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

if TYPE_CHECKING:
    from . import lasting, warm_joining
else:  # this file is imported by a program that is run by path, outside of its package
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import lasting
    import warm_joining

#: Seconds after a component's end until the next one is forked: what follows from the end has the machine first.
_REST = 0.0025
#: Signals of whose end a shell says nothing.
_UNSAID = {signal.SIGINT, signal.SIGPIPE}


class WarmGuard(lasting.LastingGuard):
    """Runs components of one root folder.

    Parameters
    ----------
    requests
        Where to ask the warm server for a process.
    """

    def __init__(self, requests: socket.socket, backend: socket.socket, isolated: bool) -> None:
        super().__init__(backend, isolated)
        self._warm_server = requests

    def _steps(self) -> lasting.Steps:
        return Components(self._warm_server)

    def _fork(self, job: Dict[str, Any], log: int) -> Tuple[int, int]:
        """Fork the parent of a component that cannot be where others were."""
        components = Components(self._warm_server)

        def take_job() -> Tuple[Dict[str, Any], int]:
            components.fork()
            return job, log

        line = json.dumps({"job": job}).encode() + b"\n"
        return self._fork_init(self._refreshed(job), take_job, functools.partial(components.run, line=line))


class Components(lasting.Steps):
    """Runs components one after another, as pid 1 of their namespace.

    Parameters
    ----------
    requests
        Where to ask the warm server for a process.
    """

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._process: Optional[socket.socket] = None

    def make_ready(self, channel: socket.socket) -> None:
        """Have a process forked into this namespace, in a moment or when its job comes."""
        select.select([channel], [], [], _REST)
        self.fork()

    def fork(self) -> None:
        """Have a process forked into this namespace, where it waits for its job."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whom a component leaves behind is nobody's to wait for
        self._process, theirs = socket.socketpair()
        spaces = warm_joining.own_namespaces()
        warm_joining.send(self._requests, [theirs.fileno(), *spaces])
        for descriptor in (*spaces, theirs.detach()):
            os.close(descriptor)

    def run(self, job: Dict[str, Any], log: int, line: bytes) -> int:
        """Tell the process what it is; return its wait status at its end."""
        assert self._process is not None
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGUSR1})
        with self._process:
            warm_joining.send(self._process, [log], line)
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
