"""The folders that steps have as their ``/``: made once, and used again when nothing of a step is left in them.

Making such a folder with the mounts of the host's entries in it takes longer than most steps. A step leaves its own
folders (``/tmp`` and the like) to be emptied here; a root in which it left anything else is thrown away.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from ..executors.base import Job
from .aside import FEW, Aside, remove
from .paths import FOR_MOUNTS, OWN

#: After so many seconds the kernel has let go of what was mounted in a root; before, removing that takes it long.
_LET_GO = 0.5
#: Seconds that a root waits to be swept, if no step begins meanwhile: what follows from a step's end comes first.
_FIRST_OTHERS = 0.004
#: The folders around every step's own, and those in which the host's entries are shown one by one.
_AROUND = sorted({os.path.dirname(folder) for folder in OWN})
_SHOWN = ["/", *FOR_MOUNTS]


class Roots:
    """The roots in one folder.

    Parameters
    ----------
    folder
        Where they are made.
    forget
        Told of each root that is thrown away.
    threads
        Where they are emptied.
    """

    def __init__(self, folder: Path, forget: Callable[[str], None], threads: ThreadPoolExecutor) -> None:
        self._folder = Path(os.path.realpath(str(folder)))
        self._forget = forget
        self._threads = threads
        self._free: List[Path] = []
        self._known: Dict[Path, Tuple[int, List[str]]] = {}
        self._thrown: List[Path] = []
        self._unswept: List[Path] = []
        self._timer: Optional[asyncio.TimerHandle] = None
        self._aside = Aside(self._folder / "aside", threads)
        self._closed = False

    def take(self) -> Path:
        """Return a root with nothing in it that a step has made, for one step alone."""
        if self._free:
            return self._free.pop()
        root = self._folder / secrets.token_hex(4)
        for folder in OWN:
            (root / folder[1:]).mkdir(parents=True)
        os.chmod(root, 0o755)  # noqa: S103 - as the root of any file system
        return root

    def give_back(self, root: Path, again: bool) -> None:
        """Take a root back from a step that has ended; ``again`` says that it had only what every step has in it."""
        if not again:
            self._throw(root)
        elif self._untouched(root):
            self._free.append(root)
        else:
            self._unswept.append(root)
            if self._timer is None:
                self._timer = asyncio.get_event_loop().call_later(_FIRST_OTHERS, self.sweep)

    def sweep(self) -> None:
        """Empty the roots that were given back: to be called when there is a moment, as when a step is on its way."""
        unswept, self._unswept = self._unswept, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for root in unswept:
            clean = self._sweep(root, self._put_aside)
            if clean is None:  # other threads would hold up this one, but for much there is no other way
                self._sweep_in_thread(root)
            else:
                self._take_swept(root, clean)

    def close(self) -> None:
        """Remove those that are left; one that is thrown away later is removed at once."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for root in [*self._free, *self._thrown, *self._unswept]:
            shutil.rmtree(str(root), ignore_errors=True)
        self._thrown.clear()
        self._unswept.clear()
        self._aside.close()

    def _throw(self, root: Path) -> None:
        self._forget(str(root))
        self._known.pop(root, None)
        if self._closed:
            shutil.rmtree(str(root), ignore_errors=True)
            return
        self._thrown.append(root)
        asyncio.get_event_loop().call_later(_LET_GO, self._remove, root)

    def _sweep_in_thread(self, root: Path) -> None:
        loop = asyncio.get_event_loop()
        self._threads.submit(self._sweep, root, _remove_all).add_done_callback(
            lambda swept: _call_in(loop, functools.partial(self._take_swept, root, bool(swept.result())))
        )

    def _put_aside(self, folder: str) -> bool:
        with os.scandir(folder) as entries:
            few = [entry.path for entry in itertools.islice(entries, FEW + 1)]
        return len(few) <= FEW and all(map(self._aside.put, few))

    def _take_swept(self, root: Path, clean: bool) -> None:
        if not clean:
            self._throw(root)
            return
        self._free.append(root)
        if not self._closed:
            self._aside.tidy_later()

    def _remove(self, root: Path) -> None:
        if root in self._thrown:
            self._thrown.remove(root)
            self._threads.submit(shutil.rmtree, str(root), ignore_errors=True)

    def _untouched(self, root: Path) -> bool:
        """Tell whether a root is as it was when it was last looked through; cheap, as it is asked after each step."""
        try:
            return all(_is_empty(f"{root}{folder}") for folder in OWN) and self._known.get(root) == _seen(root)
        except OSError:
            return False

    def _sweep(self, root: Path, empty: Callable[[str], bool]) -> Optional[bool]:
        """Empty the folders that are every step's own; tell whether the root is as good as new.

        ``empty`` does that with one of them, and tells whether it has; None when it has not.
        """
        try:
            if any(os.path.islink(f"{root}{folder}") for folder in [*_AROUND, *OWN]):
                return False  # a step can make a link of it that leads anywhere
            if not all(empty(f"{root}{folder}") for folder in OWN):
                return None
            os.chmod(root, 0o755)  # noqa: S103 - as the root of any file system
            seen = _seen(root)
            if self._known.get(root) == seen:
                return True
            self._known[root] = seen
            return _only_expected(root)
        except (OSError, RecursionError):
            return False


def lasts(job: Job) -> bool:
    """Tell whether a job has only what every step has in its root, so that the root can be used again.

    What is mounted at its own place, as a layer of packages is, leaves no trace there.
    """
    in_place = all(mount.path == mount.source for mount in job.mounts)
    return set(job.opened) <= set(FOR_MOUNTS) and in_place and set(job.private) == set(OWN)


def _is_empty(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _remove_all(folder: str) -> bool:
    for name in os.listdir(folder):
        remove(f"{folder}/{name}")
    return True


def _seen(root: Path) -> Tuple[int, List[str]]:
    """Return when a root's entries were last made or removed, and their names; times alone may be too coarse."""
    return os.stat(root).st_mtime_ns, [name for folder in _around(root) for name in os.listdir(f"{root}{folder}")]


def _only_expected(root: Path) -> bool:
    """Tell whether a root holds the places of the host's entries and of every step's own folders, and no more."""
    own = {*OWN, *_AROUND}
    for folder in _around(root):
        for entry in list(os.scandir(f"{root}{folder}")):
            seen = os.path.join(folder, entry.name)
            if seen in own:
                continue
            if folder not in _SHOWN or not os.path.lexists(seen) or _link(entry.path) != _link(seen):
                return False
    return True


def _around(root: Path) -> List[str]:
    return [*_AROUND, *(folder for folder in FOR_MOUNTS if os.path.isdir(f"{root}{folder}"))]


def _link(path: str) -> str:
    return os.readlink(path) if os.path.islink(path) else ""


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        pass  # the loop has ended, and who closes the roots removes them all
