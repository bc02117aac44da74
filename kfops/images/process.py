"""Running a program whose output is watched and that can be stopped, with everything it started."""

from __future__ import annotations

import collections
import os
import queue
import signal
import subprocess
import threading
import time
from typing import Callable, Mapping, NamedTuple, Sequence

#: How many of the last lines are kept for an error message.
LAST_LINES = 40

#: Seconds between two looks at whether the caller wants to stop.
_TICK = 0.2


class Result(NamedTuple):
    """How a program ended, and the last lines of its output."""

    code: int
    lines: list[str]


class CancelledError(Exception):
    """The caller's event was set; the program has been stopped."""


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
    timeout: float | None = None,
) -> Result:
    """Run ``command`` and return how it ended; its output, both streams, goes to ``on_line`` as it comes.

    The program gets its own process group, and that group is killed when ``cancelled`` is set, when ``timeout``
    seconds have passed, when ``on_line`` raises and on Ctrl-C, so that no build goes on unseen.

    Raises
    ------
    CancelledError
        ``cancelled`` was set.
    subprocess.TimeoutExpired
        It took longer than ``timeout``.
    """
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        start_new_session=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    last: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        while True:
            if cancelled is not None and cancelled.is_set():
                raise CancelledError(command[0])
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(list(command), timeout or 0.0)
            try:
                line = lines.get(timeout=_TICK)
            except queue.Empty:
                continue
            if line is None:
                break
            last.append(line)
            if on_line is not None:
                on_line(line)
        return Result(process.wait(), list(last))
    except BaseException:
        _kill(process)
        raise


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for raw in output:
            # A progress bar redraws its line with carriage returns; what it showed last is what counts.
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            lines.put(text.rsplit("\r", 1)[-1])
    lines.put(None)


def _kill(process: subprocess.Popen[bytes]) -> None:
    for how, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            pass
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        # The leader is gone; what it started and left behind goes too.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return
