"""The small process that forks the steps: run as a program of its own, with nothing but the standard library.

Forking from here costs a fraction of forking from the backend, and gives steps one parent whose end is their end.
It reads one JSON job a line from the socket given by its file descriptor and writes one JSON event a line.

    backend ── forkserver ── guard (own session, own mounts) ── init (pid 1 of the step's pid namespace) ── step

The kernel kills whatever a step has left behind when its init ends. Where namespaces are not allowed, guard and step
remain; the guard adopts and kills what the step leaves behind.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NoReturn

if TYPE_CHECKING:
    from . import namespaces
else:  # this file is run by path, outside of its package
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import namespaces

_REAP_AGAIN = 0.2

#: What pid 1 of a step's namespace does with the job and the descriptor of its log: run it, return its wait status.
RunStep = Callable[[Dict[str, Any], int], int]


class Server:
    """One loop over the backend's socket and the status pipes of the running jobs."""

    def __init__(self, backend: socket.socket, isolated: bool, run_step: RunStep) -> None:
        self._backend = backend
        self._isolated = isolated
        self._run_step = run_step
        self._guards: Dict[str, int] = {}
        self._pipes: Dict[int, str] = {}
        self._status: Dict[int, bytes] = {}
        self._ending: List[int] = []

    def serve(self) -> None:
        """Serve until the backend is gone, then leave no process behind."""
        pending = b""
        while True:
            ours = self._backend.fileno()
            ready = select.select([ours, *self._pipes], [], [], _REAP_AGAIN if self._ending else None)[0]
            self._ending = [pid for pid in self._ending if os.waitpid(pid, os.WNOHANG)[0] == 0]
            for source in ready:
                if source != ours:
                    self._read_status(source)
                    continue
                chunk = self._backend.recv(1 << 20)
                if not chunk:
                    for guard in self._guards.values():
                        _kill(guard, signal.SIGUSR1)
                    return
                pending += chunk
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    self._handle(json.loads(line))

    def _handle(self, request: Dict[str, Any]) -> None:
        if request["op"] == "run":
            self._run(request["job"])
        elif request["id"] in self._guards:
            number = signal.SIGUSR1 if request["op"] == "kill" else signal.SIGTERM
            _kill(self._guards[request["id"]], number)

    def _run(self, job: Dict[str, Any]) -> None:
        reader, writer = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            Guard(job, writer, self._isolated, server, self._run_step).run()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGUSR1})
        os.close(writer)
        self._guards[job["id"]] = pid
        self._pipes[reader] = job["id"]
        self._status[reader] = b""

    def _read_status(self, pipe: int) -> None:
        chunk = os.read(pipe, 65536)
        self._status[pipe] += chunk
        text = self._status[pipe]
        if chunk and not text.endswith(b"\n"):
            return
        # The guard has told all there is, or was killed. Its own end takes the kernel a while, for its mounts.
        os.close(pipe)
        del self._status[pipe]
        job_id = self._pipes.pop(pipe)
        self._ending.append(self._guards.pop(job_id))
        event = json.loads(text) if text else {"signal": int(signal.SIGKILL)}
        self._backend.sendall(json.dumps({"id": job_id, **event}).encode() + b"\n")


class Guard:
    """The parent of one step: makes its surroundings, passes signals on, tells how it ended."""

    def __init__(self, job: Dict[str, Any], status: int, isolated: bool, server: int, run_step: RunStep) -> None:
        self._server = server
        self._run_step = run_step
        self._job = job
        self._status = status
        self._isolated = isolated
        self._child = 0
        self._killed = False

    def run(self) -> NoReturn:
        """Run the job and end the process."""
        try:
            self._run()
        except BaseException as error:  # nothing may escape into the loop of the parent that was forked
            self._tell({"error": f"The step could not be started: {error}"})
        os._exit(0)

    def _run(self) -> None:
        namespaces.die_with_parent()
        if os.getppid() != self._server:  # it died before we could ask to die with it
            return
        os.setsid()
        folder = self._job["folder"]
        log = os.open(os.path.join(folder, "main.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(os.path.join(folder, "guard.json"), "w", encoding="utf-8") as record:
            json.dump({"pid": os.getpid(), "started": namespaces.started_at(os.getpid())}, record)
        signal.signal(signal.SIGTERM, self._pass_on)
        signal.signal(signal.SIGUSR1, self._pass_on)
        kills = namespaces.out_of_memory_kills()
        if self._isolated:
            namespaces.enter(self._job)
            reader, writer = os.pipe()
            self._child = os.fork()
            if self._child == 0:
                Init(self._job, log, writer, self._run_step).run()
            os.close(writer)
        else:
            namespaces.adopt_orphans()
            os.makedirs(self._job["cwd"], exist_ok=True)
            self._child = os.fork()
            if self._child == 0:
                start_step(self._job, log)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGUSR1})
        _, wait_status = os.waitpid(self._child, 0)
        if self._isolated:
            told = os.read(reader, 64)
            wait_status = int(told) if told else wait_status
        else:
            namespaces.kill_children()
        event = describe(wait_status)
        if event.get("signal") == signal.SIGKILL and not self._killed:
            event["out_of_memory"] = namespaces.out_of_memory_kills() > kills
        self._tell(event)

    def _pass_on(self, number: int, _frame: Any) -> None:
        if not self._child:
            os._exit(0)
        if number == signal.SIGUSR1:
            self._killed = True
            if not self._isolated:
                namespaces.kill_children()
            _kill(self._child, signal.SIGKILL)
        elif self._isolated:
            _kill(self._child, signal.SIGTERM)
        else:
            _kill(-self._child, signal.SIGTERM)

    def _tell(self, event: Dict[str, Any]) -> None:
        os.write(self._status, json.dumps(event).encode() + b"\n")


class Init:
    """Pid 1 of a step's namespace: reaps, and ends when the step ends, with which the kernel ends all the rest."""

    def __init__(self, job: Dict[str, Any], log: int, status: int, run_step: RunStep) -> None:
        self._run_step = run_step
        self._job = job
        self._log = log
        self._status = status

    def run(self) -> NoReturn:
        """Start the step, wait for it and end the process."""
        try:
            namespaces.die_with_parent()
            namespaces.own_proc()
            signal.signal(signal.SIGTERM, lambda number, frame: _kill(-1, signal.SIGTERM))
            os.write(self._status, str(self._run_step(self._job, self._log)).encode())
        except OSError as error:
            os.write(self._log, f"kfops: the step could not be started: {error}\n".encode())
        finally:
            os._exit(1)  # counts only when the status has not been told


def fork_step(job: Dict[str, Any], log: int) -> int:
    """Fork the step and reap whatever ends until the step does; return its wait status."""
    step = os.fork()
    if step == 0:
        start_step(job, log)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGUSR1})
    pid = status = 0
    while pid != step:
        pid, status = os.wait()
    return status


def start_step(job: Dict[str, Any], log: int) -> NoReturn:
    """Become the step."""
    try:
        settle(log)
    except OSError as error:
        os.write(log, f"kfops: {error}\n".encode())
        os._exit(126)
    execute(job)


def settle(log: int) -> None:
    """Give this process what every step has: a session, its output in its log, signals as they are by default."""
    namespaces.die_with_parent()
    try:
        os.setsid()
    except PermissionError:
        os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGUSR1})
    namespaces.prefer_for_out_of_memory()
    os.umask(0o022)  # as in a container, whatever the backend's own is


def execute(job: Dict[str, Any]) -> NoReturn:
    """Execute the job's command in its folder, with its environment and nothing else."""
    argv: List[str] = job["argv"]
    code = 127
    try:
        os.chdir(job["cwd"])
        os.execvpe(argv[0], argv, job["env"])  # noqa: S606
    except FileNotFoundError:
        os.write(2, f"kfops: {argv[0]}: command not found\n".encode())
    except OSError as error:
        code = 126
        os.write(2, f"kfops: {argv[0]}: {error}\n".encode())
    finally:
        os._exit(code)


def describe(wait_status: int) -> Dict[str, Any]:
    """Return a wait status as an event."""
    if os.WIFSIGNALED(wait_status):
        return {"signal": os.WTERMSIG(wait_status)}
    return {"code": os.WEXITSTATUS(wait_status)}


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def main(descriptor: int, backend: int, use_namespaces: bool) -> None:
    """Serve the backend (its process id given, to notice that it has died before we could ask to die with it)."""
    namespaces.die_with_parent()
    if os.getppid() != backend:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=descriptor)
    isolated, reason = namespaces.allowed() if use_namespaces else (False, "it is not wanted")
    connection.sendall(json.dumps({"isolated": isolated, "reason": reason}).encode() + b"\n")
    Server(connection, isolated, fork_step).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), "--no-namespaces" not in sys.argv)
