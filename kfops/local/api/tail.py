"""A log that grows, read once for all who follow it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Callable

_CHUNK = 64 * 1024

#: Seconds between two looks at a file: for one follower, and what each further one adds, up to the longest.
_PAUSE, _PAUSE_EACH, _LONGEST_PAUSE = 0.1, 0.001, 0.4


class Tail:
    """A file as its followers see it: how long it is now, whether it has ended, and its last piece, kept for all.

    Parameters
    ----------
    path
        The file, which need not be there yet.
    is_over
        Tells whether nothing more is written to it.
    """

    def __init__(self, path: Path, is_over: Callable[[], bool]) -> None:
        self._path = path
        self._is_over = is_over
        self._file: int | None = None
        self._piece: tuple[int, bytes] = (0, b"")
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._size = 0
        self.ended = False
        self.followers = 0
        self._look()
        self._looking = asyncio.ensure_future(self._go_on_looking())

    def read(self, offset: int) -> bytes:
        """Return the piece that begins at ``offset``, b"" where there is nothing yet."""
        start, piece = self._piece
        if not start <= offset < start + len(piece):
            if self._file is None or offset >= self._size:
                return b""
            start, piece = self._piece = offset, os.pread(self._file, _CHUNK, offset)
        return piece[offset - start :]

    async def grown(self) -> None:
        """Wait until the file has grown or ended."""
        await asyncio.shield(self._news)

    def close(self) -> None:
        """Look no more."""
        self._looking.cancel()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def _go_on_looking(self) -> None:
        while not self.ended:
            await asyncio.sleep(min(_PAUSE + _PAUSE_EACH * self.followers, _LONGEST_PAUSE))
            if self._look():
                self._news.set_result(None)
                self._news = asyncio.get_running_loop().create_future()

    def _look(self) -> bool:
        """Look at the file, and return whether there is more of it, or the news that there will be no more."""
        # Asked first: what was written before the end is then in the size.
        over, before = self._is_over(), self._size
        if self._file is None and self._path.is_file():
            self._file = os.open(self._path, os.O_RDONLY)
        if self._file is not None:
            self._size = os.fstat(self._file).st_size
        self.ended = over
        return over or self._size > before


class Tails:
    """The files that are being followed."""

    def __init__(self) -> None:
        self._open: dict[Path, Tail] = {}

    def follow(self, path: Path, is_over: Callable[[], bool]) -> Tail:
        """Return the tail of a file, which ``leave`` is called for in the end."""
        tail = self._open.get(path)
        if tail is None:
            tail = self._open[path] = Tail(path, is_over)
        tail.followers += 1
        return tail

    def leave(self, path: Path) -> None:
        """Follow no more; the last one who leaves closes the file."""
        tail = self._open[path]
        tail.followers -= 1
        if not tail.followers:
            del self._open[path]
            tail.close()
