"""Answers each request in a forked child that can harm nothing but its own request.

The child is the leader of its own session, has a limit on memory and on time, no file of its parent's open, and its
output in a pipe. When it has answered or ended, or its time is over, its whole process group is killed, and whatever it
left behind elsewhere too. To be used from a process with a single thread.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable

from kfops.compiling.child import END, run_child
from kfops.compiling.orphans import become_subreaper, kill_group, kill_orphans

_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ
#: What a child may print before the rest is dropped.
OUTPUT_LIMIT = 200_000
#: What a child may answer: the package of a very large pipeline.
RESULT_LIMIT = 512 * 1024 * 1024


@dataclass
class Outcome:
    """How a child ended: its answer (None when it gave none), its output, and its end.

    ``exit_code`` is None when ``signal`` ended it; ``timed_out`` and ``cancelled`` say that it was killed for that.
    """

    result: bytes | None
    output: str
    exit_code: int | None = None
    signal: int = 0
    timed_out: bool = False
    cancelled: bool = False


@dataclass
class _Child:
    pid: int
    request_fd: int
    result_fd: int
    output_fd: int
    deadline: float = 0.0
    result: bytearray = field(default_factory=bytearray)
    output: bytearray = field(default_factory=bytearray)
    dropped: int = 0
    timed_out: bool = False
    cancelled: bool = False
    status: int = 0

    @property
    def answered(self) -> bool:
        return self.result.endswith(END)


class Sandbox:
    """Children that run at the same time, by a key of the caller's.

    Parameters
    ----------
    work
        Runs in the child and returns its answer to a request; an exception it lets through is a crash, so it should
        answer errors too.
    rehearse
        What a child that waits for its request may do meanwhile: a fork is slow when it first comes to a thing.
    """

    def __init__(
        self,
        work: Callable[[bytes], bytes],
        rehearse: Callable[[Callable[[], bool]], None] = lambda waiting: None,
    ) -> None:
        self._work = work
        self._rehearse = rehearse
        self._children: dict[Any, _Child] = {}
        self._spare: _Child | None = None
        self._dying: set[int] = set()  # killed children that have answered, until the system is done with them
        self._bell = _child_bell()
        become_subreaper()

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return bool(self._children)

    @property
    def prepared(self) -> bool:
        """Whether a child waits for the next request."""
        return self._spare is not None

    def prepare(self) -> None:
        """Fork the child for the next request now, so that it need not wait for that."""
        if self._spare is None:
            self._spare = self._fork()

    def start(self, key: Any, request: bytes, *, time_limit: float, memory_limit: int) -> None:
        """Have a child answer a request.

        Parameters
        ----------
        key
            Names the child in ``poll`` and ``kill``.
        request
            What ``work`` is given.
        time_limit
            Seconds after which the child is killed.
        memory_limit
            Bytes of address space that the child may add to what the parent has.
        """
        self._check_spare()
        child, self._spare = self._spare or self._fork(), None
        child.deadline = time.monotonic() + time_limit
        self._children[key] = child
        try:
            with open(child.request_fd, "wb") as stream:
                stream.write(b"%d\n" % memory_limit + request)
        except OSError:
            pass  # it has died, which poll will find

    def _fork(self) -> _Child:
        request_read, request_write = os.pipe()
        result_read, result_write = os.pipe()
        _enlarge(result_write)
        output_read, output_write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            run_child(self._work, self._rehearse, request_read, result_write, output_write)
        for fd in (request_read, result_write, output_write):
            os.close(fd)
        for fd in (result_read, output_read):
            os.set_blocking(fd, False)
        return _Child(pid, request_write, result_read, output_read)

    def fds(self) -> list[int]:
        """Return the file descriptors that become readable when ``poll`` has something to do."""
        return [fd for child in self._children.values() for fd in (child.result_fd, child.output_fd) if fd >= 0]

    def wait(self, extra: list[int], at_most: float = 60.0) -> list[int]:
        """Wait until a child, or one of ``extra``, needs attention; return the readable ones of ``extra``."""
        now = time.monotonic()
        timeout = min([at_most] + [_patience(child, now) for child in self._children.values()])
        readable, _, _ = select.select([*self.fds(), self._bell, *extra], [], [], timeout)
        if self._bell in readable:
            _drain(self._bell, bytearray(), 0)
        return [fd for fd in extra if fd in readable]

    def poll(self) -> list[tuple[Any, Outcome]]:
        """Read what the children wrote; return those that have answered or ended, which are forgotten."""
        found = []
        ended = {pid for pid in self._dying if os.waitpid(pid, os.WNOHANG)[0]}
        self._dying -= ended
        self._check_spare()
        for key, child in list(self._children.items()):
            self._read(child)
            if not child.answered:
                if time.monotonic() > child.deadline:
                    child.timed_out = not child.cancelled
                    kill_group(child.pid)
                pid, child.status = os.waitpid(child.pid, os.WNOHANG)
                if not pid:
                    continue
                ended.add(pid)
                self._read(child)
            kill_group(child.pid)
            if child.pid not in ended:
                self._dying.add(child.pid)  # it does nothing more: nobody waits until its memory is taken down
            del self._children[key]
            found.append((key, self._outcome(child)))
        if ended:
            spare = [self._spare] if self._spare is not None else []
            kill_orphans({child.pid for child in [*self._children.values(), *spare]} | self._dying)
        return found

    def kill(self, key: Any) -> None:
        """Kill a child; ``poll`` still reports its end."""
        child = self._children.get(key)
        if child is not None:
            child.cancelled = True
            kill_group(child.pid)

    def close(self) -> None:
        """Kill all children."""
        if self._spare is not None:
            kill_group(self._spare.pid)
            self._dying.add(self._spare.pid)
            self._drop_spare()
        for key in list(self._children):
            self.kill(key)
        until = time.monotonic() + 5
        while (self._children or self._dying) and time.monotonic() < until:
            if not self.poll():
                time.sleep(0.005)

    def _check_spare(self) -> None:
        if self._spare is not None and os.waitpid(self._spare.pid, os.WNOHANG)[0]:
            self._drop_spare()

    def _drop_spare(self) -> None:
        if self._spare is not None:
            for fd in (self._spare.request_fd, self._spare.result_fd, self._spare.output_fd):
                os.close(fd)
        self._spare = None

    @staticmethod
    def _read(child: _Child) -> None:
        child.result_fd = _drain(child.result_fd, child.result, RESULT_LIMIT)[0]
        child.output_fd, dropped = _drain(child.output_fd, child.output, OUTPUT_LIMIT)
        child.dropped += dropped

    @staticmethod
    def _outcome(child: _Child) -> Outcome:
        for fd in (child.result_fd, child.output_fd):
            if fd >= 0:
                os.close(fd)
        text = child.output.decode("utf-8", "replace")
        if child.dropped:
            text += f"\n… {child.dropped} bytes more"
        died = os.WTERMSIG(child.status) if os.WIFSIGNALED(child.status) else 0
        code = None if died else os.WEXITSTATUS(child.status)
        result = bytes(child.result[: -len(END)] if child.answered else child.result)
        return Outcome(result or None, text, code, died, child.timed_out, child.cancelled)


def _patience(child: _Child, now: float) -> float:
    return 0.05 if child.timed_out else max(0.0, child.deadline - now) + 0.005


def _drain(fd: int, into: bytearray, limit: int) -> tuple[int, int]:
    """Read all there is; return the descriptor (-1 at its end) and the number of bytes that did not fit."""
    dropped = 0
    for _ in range(64):  # a child that prints for ever must not hold up the others
        if fd < 0:
            break
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            break
        if not data:
            os.close(fd)
            return -1, dropped
        room = max(0, limit - len(into))
        into += data[:room]
        dropped += len(data) - min(room, len(data))
    return fd, dropped


def _enlarge(pipe: int) -> None:
    """Let a pipe hold the answer of a common size, so that a child need not wait for its reader (Linux)."""
    try:
        fcntl.fcntl(pipe, _SET_PIPE_SIZE, 1 << 20)
    except OSError:
        return


def _child_bell() -> int:
    """Return a descriptor that becomes readable when a child ends.

    A child's pipes do not tell its end while a process it started still holds them.
    """
    read, write = os.pipe()
    for fd in (read, write):
        os.set_blocking(fd, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read
