"""What a forked child does around a user's code: cut its ties to the parent, accept its limits, answer, end."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Callable, NoReturn

#: What an answer ends with once it is whole.
END = b"\0"


def run_child(
    work: Callable[[bytes], bytes],
    rehearse: Callable[[Callable[[], bool]], None],
    request: int,
    result: int,
    output: int,
) -> NoReturn:
    """Be the child: rehearse until there is a request, write ``work``'s answer to it, and end.

    Parameters
    ----------
    work
        Makes the answer.
    rehearse
        May do what a request will need; it is given what tells whether one is waiting.
    request, result
        Descriptors: the first gives a line with the bytes of memory that may be asked for, then the request; the
        second takes the answer.
    output
        Descriptor that takes whatever is printed.
    """
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        quiet = os.open(os.devnull, os.O_RDONLY)
        os.dup2(quiet, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        request, result = _move_up(request), _move_up(result)
        os.closerange(3, request)
        os.closerange(request + 1, result)
        os.closerange(result + 1, 4096)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.stdin, sys.stdout, sys.stderr = (
            open(0, closefd=False),  # noqa: SIM115
            open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False),  # noqa: SIM115
            open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False),  # noqa: SIM115
        )
        rehearse(lambda: bool(select.select([request], [], [], 0)[0]))
        with open(request, "rb") as stream:
            memory_limit, given = stream.readline(), stream.read()
        if not memory_limit:
            os._exit(0)  # nobody will ask any more
        _limit_memory(int(memory_limit))
        answer = work(given)
        sys.stdout.flush()
        sys.stderr.flush()
        view = memoryview(answer + END)
        while view:
            view = view[os.write(result, view) :]
        os._exit(0)
    except BaseException:  # whatever it was, the parent's code must not go on in here
        import traceback

        traceback.print_exc()
        os._exit(70)


def _move_up(fd: int) -> int:
    """Give ``fd`` a number that programs do not use by chance."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)


def _limit_memory(extra: int) -> None:
    limit = _address_space() + extra
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (ValueError, OSError):
        pass  # macOS has no such limit


def _address_space() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 30
