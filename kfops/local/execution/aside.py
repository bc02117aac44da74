"""What steps leave behind: out of the way at once, removed when nothing is waiting for the machine.

Removing a step's few files one by one takes about as long as a small step does, and not on its disk alone: a file
system without a journal makes new files slowly for minutes when many were removed. So what is little is moved here
with one rename, and what is much is removed on the spot.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional

#: So many entries, with so many bytes in all, are little.
FEW, _SMALL = 64, 1 << 16
#: So much waits here at most, before it is removed however busy the machine is.
_MOST = 1000
#: Seconds without anything new after which what waits is removed.
_QUIET = 60.0


class Aside:
    """Files and folders that nobody uses any more; to be used in the event loop's thread.

    Parameters
    ----------
    folder
        Where they wait, in the file system in which they are.
    threads
        Where they are removed.
    """

    def __init__(self, folder: Path, threads: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._threads = threads
        self._waiting = ""
        self._names = itertools.count()
        self._number = 0
        self._timer: Optional[asyncio.TimerHandle] = None

    def put(self, path: str) -> bool:
        """Take a file or folder away, unless it is so much that it should be removed; tell whether it was done."""
        return _is_little(path) and self._keep(path)

    def tidy_later(self) -> None:
        """Have what was put here removed in a while."""
        if self._timer is not None:
            self._timer.cancel()
        if self._number > _MOST:
            self._tidy()
        elif self._number:
            self._timer = asyncio.get_event_loop().call_later(_QUIET, self._tidy)

    def close(self) -> None:
        """Remove all that waits."""
        if self._timer is not None:
            self._timer.cancel()
        shutil.rmtree(str(self._folder), ignore_errors=True)

    def _keep(self, path: str) -> bool:
        try:
            if not self._waiting:
                waiting = self._folder / str(next(self._names))
                waiting.mkdir(parents=True)
                self._waiting = str(waiting)
            os.rename(path, f"{self._waiting}/{next(self._names)}")
        except OSError:  # it is a folder that this user must not write
            return False
        self._number += 1
        return True

    def _tidy(self) -> None:
        """Remove what waits; what is put here meanwhile waits elsewhere."""
        waiting, self._waiting, self._number, self._timer = self._waiting, "", 0, None
        self._threads.submit(shutil.rmtree, waiting, ignore_errors=True)


def _is_little(path: str) -> bool:
    """Tell whether a file, or a folder with all that is in it, is so little that it does no harm to keep it a while."""
    entries, size, folders = 1, 0, [path]
    while folders:
        below = folders.pop()
        if os.path.islink(below) or not os.path.isdir(below):
            size += os.lstat(below).st_size
            continue
        with os.scandir(below) as inside:
            for entry in inside:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
                if entries > FEW or size > _SMALL:
                    return False
    return size <= _SMALL


def remove(path: str) -> None:
    """Remove a file, or a folder with all that is in it; raises OSError."""
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    for entry in list(os.scandir(path)):
        remove(entry.path)
    os.rmdir(path)
