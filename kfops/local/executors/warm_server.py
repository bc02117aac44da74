"""The process that has imported kfp, from which v2 components are forked: run as a program of its own.

    backend ── warm server (kfp imported) ── component (in the namespaces of its init)
                 └ fork server ── guard ── init ── whatever the component starts

The fork server is the one of ``forkserver.py``, forked off before kfp is imported, and its guards and inits are as
small as any. Only where it would fork a step from init, init asks the warm server to fork it into its namespaces.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Dict, NoReturn, Optional, Tuple

_HERE = os.path.dirname(os.path.abspath(__file__))
if TYPE_CHECKING:
    from . import forkserver, namespaces, warm_component, warm_guard, warm_joining, warm_memory
else:  # this file is run by path, outside of its package
    sys.path.insert(0, _HERE)
    import forkserver
    import namespaces
    import warm_component
    import warm_guard
    import warm_joining
    import warm_memory

_OWN_MODULES = {"forkserver", "lasting", "namespaces", "parents"}
_OWN_MODULES |= {"warm_component", "warm_guard", "warm_joining", "warm_memory"}

#: What a forked component is to be: its job, the descriptor of its log, and where to tell its end.
Forked = Tuple[Dict[str, Any], int, "warm_component.Answer"]


class Server:
    """Forks a component for each request of an init, and tells that init how the component has ended."""

    def __init__(self, requests: socket.socket, forkserver: int, written: warm_memory.Pieces) -> None:
        self._requests = requests
        self._forkserver = forkserver
        self._written = written
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._waiting: Dict[int, int] = {}

    def serve(self) -> Optional[Forked]:
        """Serve until the fork server has ended; in a forked component, return what it is to be."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is meant for a component must not end one that waits
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while not self._reap():
            ready = select.select([self._requests.fileno(), reader], [], [])[0]
            if reader in ready:
                os.read(reader, 4096)
            if self._requests.fileno() in ready:
                _, descriptors = warm_joining.receive(self._requests)
                if descriptors and self._fork(*descriptors):
                    self._requests.close()
                    return _become_ready(self._written, *descriptors)
        return None

    def _fork(self, answer: int, pids: int, mounts: int, *users: int) -> bool:
        """Fork a component into its pid namespace; tell whether this is the component."""
        try:
            if not users:
                warm_joining.join_pids(pids)
            pid = os.fork()
        except OSError:  # its init has been killed meanwhile
            pid = -1
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return True
        if not users:
            warm_joining.join_pids(self._own_pids)
        for descriptor in (pids, mounts, *users):
            os.close(descriptor)
        if pid > 0:
            self._waiting[pid] = answer
        else:
            os.close(answer)
        return False

    def _reap(self) -> bool:
        """Tell about the components that have ended; return whether the fork server has."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid in (0, self._forkserver):
                return pid != 0
            answer = self._waiting.pop(pid)
            _tell(answer, status)
            os.close(answer)


def _become_ready(written: warm_memory.Pieces, answer: int, pids: int, mounts: int, *users: int) -> Forked:
    """As a forked component: get to its init's pid namespace, wait for the job, and get to its mounts."""
    if users:
        warm_joining.join_users(users[0])
        warm_joining.join_pids(pids)
        pid = os.fork()  # only a child is in the pid namespace; this process waits for it
        if pid != 0:
            _tell(answer, os.waitpid(pid, 0)[1])
            os._exit(0)
    written.make_own()
    forkserver.settle_early()
    init = socket.socket(fileno=answer)
    text, descriptors = warm_joining.receive_line(init)
    told = warm_component.Answer(init.detach())
    if not text:
        os._exit(0)  # there is no job for it
    warm_joining.join_mounts(mounts)
    if users:
        warm_joining.drop_capabilities()
    return json.loads(text)["job"], descriptors[0], told


def _tell(answer: int, status: int) -> None:
    try:
        os.write(answer, f"{status}\n".encode())
    except BrokenPipeError:
        pass  # its init has been killed


def _import_kfp() -> Tuple[bytes, int]:
    """Import what every component imports; return what that prints, and how many modules there are then.

    This program's own are no longer among them. No modules mean that kfp cannot be imported here.
    """
    kept = os.dup(1), os.dup(2)
    said = os.memfd_create("imports")
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        from kfp.components import executor  # noqa: F401
    except Exception:
        return b"", 0
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
    warm_component.rehearse()
    for name in _OWN_MODULES:
        del sys.modules[name]
    sys.path_importer_cache.pop(_HERE, None)
    return os.pread(said, 1 << 20, 0), len(sys.modules)


def _serve_jobs(connection: socket.socket, asking: socket.socket, parent: int) -> NoReturn:
    """Be the fork server."""
    try:
        namespaces.die_with_parent()
        if os.getppid() == parent:
            hello = {"isolated": True, "reason": "", "folders": [path for path in sys.path if os.path.isdir(path)]}
            connection.sendall(json.dumps(hello).encode() + b"\n")
            forkserver.Server(connection, True, functools.partial(warm_guard.WarmGuard, asking)).serve()
    finally:
        os._exit(0)


def _close_descriptors(kept: int) -> None:
    """Close what the warm server has open: a step could leave its namespaces with it."""
    for begin, end in ((3, kept), (kept + 1, 1 + max(map(int, os.listdir("/proc/self/fd"))))):
        os.closerange(begin, end)


def _forget_later_modules(count: int) -> None:
    """Have the first modules and no others; looking at the names of all would copy the memory in which they are."""
    while len(sys.modules) > count:
        sys.modules.popitem()


def main(descriptor: int, backend: int) -> Optional[Tuple[Forked, bytes, int]]:
    """Serve the backend; in a forked component, return what it is to be and what ``_import_kfp`` has returned.

    A component begins from as low a place on the stack as can be: what it may recurse is what it may in a new Python.
    """
    namespaces.die_with_parent()
    if os.getppid() != backend:
        return None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir("/")
    sys.path[:] = [path for path in sys.path if path != _HERE]
    requests, asking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with socket.socket(fileno=descriptor) as connection:
        here = os.getpid()
        forkserver_id = os.fork()
        if forkserver_id == 0:
            requests.close()
            _serve_jobs(connection, asking, here)
    asking.close()
    said, modules = _import_kfp()
    gc.collect()
    gc.freeze()
    warm_memory.gather()
    written = warm_memory.written_by(warm_component.rehearse_all) if modules else warm_memory.Pieces()
    forked = Server(requests, forkserver_id, written).serve()
    return None if forked is None else (forked, said, modules)


if __name__ == "__main__":
    component = main(int(sys.argv[1]), int(sys.argv[2]))
    if component is not None:
        (given, output, told), printed, imported = component
        forkserver.take_log(output)
        _close_descriptors(told.descriptor)
        os.chdir(given["cwd"])
        if not imported or not warm_component.can_become(given):
            forkserver.execute(given)
        _forget_later_modules(imported)
        warm_component.become(given, printed, told)
