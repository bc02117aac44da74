"""What a run must not forget, whatever happens to the backend: a line for each step that has ended.

The run's whole status is saved to the store as well, but not after each of a thousand steps; a line here is on the
disk before anything follows from it. A journal that ends in half a line was cut off by a crash; that step had not
ended yet.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import json
import os
import time
from pathlib import Path
from typing import Iterable, List

from ..room import with_room
from ..workflow.nodes import Node

#: Seconds in which a disk answers so soon that handing the question to a thread takes longer than the answer.
_QUICK = 0.002


class Journal:
    """The journal of one run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._sync_time = 0.0

    def read(self) -> List[Node]:
        """Return the nodes written so far, oldest first."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        nodes: List[Node] = []
        for line in lines:
            try:
                nodes.append(json.loads(line))
            except ValueError:
                continue
        return nodes

    async def write(self, nodes: Iterable[Node]) -> None:
        """Add nodes; they are durable when this returns. While a slow disk takes its time, the event loop goes on.

        A full disk is waited for: what has ended is not to be executed again for want of room.
        """
        lines = b"".join(json.dumps(node).encode() + b"\n" for node in nodes)
        await with_room(functools.partial(self._append, lines), str(self._path))
        if self._sync_time > _QUICK:
            self._sync_time = await asyncio.get_event_loop().run_in_executor(None, _sync, self._file)
        else:
            self._sync_time = _sync(self._file)

    def _append(self, lines: bytes) -> None:
        if self._file < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(str(self._path), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")  # what a crash cut off must not swallow the next line
        if os.write(self._file, lines) < len(lines):
            self.close()  # so that what there was no room for is found to be cut off, as after a crash
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def remove(self) -> None:
        """Forget everything: the status that has it all is saved."""
        self.close()
        try:
            self._path.unlink()
        except FileNotFoundError:
            pass


def _sync(file: int) -> float:
    """Have the disk keep what was written; return the seconds that took."""
    began = time.monotonic()
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(file)
    return time.monotonic() - began
