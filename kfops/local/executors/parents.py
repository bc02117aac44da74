"""The parent of a step, which ends when the step has ended and nothing of it is left. Standard library only.

With namespaces it is pid 1 of the step's own, so that its end is the end of whatever the step has started. Without, it
adopts and kills what the step leaves behind.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NoReturn, Tuple

if TYPE_CHECKING:
    from . import namespaces
else:  # this file is imported by a program that is run by path, outside of its package
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import namespaces

#: What pid 1 of a step's namespace does with the job and the descriptor of its log: run it, return its wait status.
RunStep = Callable[[Dict[str, Any], int], int]
#: Answers the job and the descriptor of its log, at once or when there is one.
TakeJob = Callable[[], Tuple[Dict[str, Any], int]]
#: Kill what there is of the step: SIGUSR1 without namespaces, where SIGKILL would leave the step behind.
KILL = signal.SIGUSR1
_LONGEST = 1000


def be_init(take_job: TakeJob, told: int, view: namespaces.View, run_step: RunStep) -> NoReturn:
    """As pid 1 of a new namespace: run the step, kill and reap what it leaves behind, tell its wait status."""
    try:
        namespaces.die_with_parent()
        end_if_abandoned(told)
        job, log = take_job()
        view.enter(job)
        namespaces.own_proc()
        signal.signal(signal.SIGTERM, lambda number, frame: send_to_all(signal.SIGTERM))
        status = run_step(job, log)
        send_to_all(signal.SIGKILL)
        reap_all()
        os.write(told, str(status).encode())
    except OSError as error:
        os.write(told, str(error).encode()[:_LONGEST])
    finally:
        os._exit(1)  # counts only when nothing has been told


def be_keeper(job: Dict[str, Any], log: int, told: int) -> NoReturn:
    """Without namespaces: run the step, kill and reap what it leaves behind, tell its wait status."""
    step = 0

    def kill(number: int, _frame: Any) -> None:
        if number == KILL:
            _kill_children()
        elif step:
            _kill(-step, signal.SIGTERM)

    try:
        namespaces.die_with_parent()
        end_if_abandoned(told)
        namespaces.adopt_orphans()
        os.makedirs(job["cwd"], exist_ok=True)
        step = os.fork()
        if step == 0:
            start_step(job, log)
        for number in (KILL, signal.SIGTERM):
            signal.signal(number, kill)
        unblock()
        status = _wait(step)
        _kill_children()
        os.write(told, str(status).encode())
    except OSError as error:
        os.write(told, str(error).encode()[:_LONGEST])
    finally:
        os._exit(1)


def spawn_step(job: Dict[str, Any], log: int) -> int:
    """Start the step as a child of pid 1 and reap whatever ends until it does; return its wait status."""
    argv: List[str] = job["argv"]
    namespaces.prefer_for_out_of_memory()
    os.umask(0o022)  # as in a container, whatever the backend's own is
    try:
        os.chdir(job["cwd"])
        null = os.open(os.devnull, os.O_RDONLY)
        step = os.posix_spawn(
            _program(argv[0], job["env"].get("PATH", os.defpath)),
            argv,
            job["env"],
            file_actions=[(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate((null, log, log))],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT],
        )
    except FileNotFoundError:
        return _refused(log, 127, f"{argv[0]}: command not found")
    except OSError as error:
        return _refused(log, 126, f"{argv[0]}: {error}")
    unblock()
    return _wait(step)


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
    settle_early()
    take_log(log)


def settle_early() -> None:
    """Do of ``settle`` what can be done before the step is known."""
    namespaces.die_with_parent()
    try:
        os.setsid()
    except PermissionError:
        os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    namespaces.prefer_for_out_of_memory()
    os.umask(0o022)  # as in a container, whatever the backend's own is


def take_log(log: int) -> None:
    """Do the rest of ``settle``."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    unblock()


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


def block() -> None:
    """Keep signals that are for a step's parent until it can take them; its children must :func:`unblock`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, KILL})


def unblock() -> None:
    """Take signals again, those that have come meanwhile too."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, KILL})


def end_if_abandoned(told: int) -> None:
    """End when the guard died before this process could ask to die with it; its end of ``told`` is closed then."""
    poll = select.poll()
    poll.register(told, 0)
    if poll.poll(0):
        os._exit(1)


def _program(name: str, path: str) -> str:
    """Return the file that ``execvp`` would execute; one that is there but must not be executed is refused later."""
    if "/" in name:
        return name
    places = (os.path.join(folder, name) for folder in path.split(os.pathsep))
    found = [place for place in places if os.path.isfile(place)]
    if not found:
        raise FileNotFoundError(name)
    return next((place for place in found if os.access(place, os.X_OK)), found[0])


def _refused(log: int, code: int, why: str) -> int:
    os.write(log, f"kfops: {why}\n".encode())
    return code << 8


def _wait(step: int) -> int:
    pid = status = 0
    while pid != step:
        pid, status = os.wait()
    return status


def send_to_all(number: int) -> None:
    """As pid 1 of a namespace: send a signal to every other process in it."""
    _kill(-1, number)


def open_log(job: Dict[str, Any]) -> int:
    """Return the descriptor of a job's log."""
    return os.open(os.path.join(job["folder"], "main.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def reap_all() -> None:
    """Wait for every child."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _kill_children() -> None:
    """Kill every descendant of this process, again and again until there is none."""
    while True:
        children = _children(os.getpid())
        if not children:
            return
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for child in _direct_children(os.getpid()):
            try:
                os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                pass


def _direct_children(pid: int) -> List[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def _children(pid: int) -> List[int]:
    found = _direct_children(pid)
    for child in list(found):
        found += _children(child)
    return found
