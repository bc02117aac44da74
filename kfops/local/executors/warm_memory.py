"""Memory that is cheap to fork. Standard library only.

A fork copies the table of a process's pages, and kfp's import allocates some ten thousand. In pages of two megabytes
the table is short; a child that writes gets its own copy of four kilobytes all the same. Each such copy is a fault, and
the faults are most of what a small component takes: a child that is forked before it is needed gets its copies at once.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Callable, Iterator, List, Tuple

_COLLAPSE = 25  # MADV_COLLAPSE, of Linux 6.1 and later
_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, of Linux 5.14 and later
_PIDFD_OPEN, _PROCESS_MADVISE = 434, 440  # whatever the kind of processor
_AT_ONCE = 1024
_LARGE = 2 << 20
_PRESENT, _EXCLUSIVE = 1 << 63, 1 << 56  # bits of an entry of /proc/self/pagemap


class _Piece(ctypes.Structure):
    """The kernel's ``struct iovec``."""

    _fields_ = (("begin", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Pieces:
    """Pieces of memory, kept in the form in which the kernel takes them all at once (since Linux 6.13).

    Parameters
    ----------
    pieces
        Begin and end of each.
    """

    def __init__(self, *pieces: Tuple[int, int]) -> None:
        groups = [pieces[first : first + _AT_ONCE] for first in range(0, len(pieces), _AT_ONCE)]
        self._groups = [
            (_Piece * len(group))(*(_Piece(begin, end - begin) for begin, end in group)) for group in groups
        ]
        self._size = sum(end - begin for begin, end in pieces)

    def __len__(self) -> int:
        return sum(map(len, self._groups))

    def make_own(self) -> None:
        """As a child: get copies of the parent's memory before they are needed."""
        libc, done = ctypes.CDLL(None), 0
        here = libc.syscall(_PIDFD_OPEN, os.getpid(), 0)
        for group in self._groups if here >= 0 else []:
            length, flags = ctypes.c_size_t(len(group)), ctypes.c_uint(0)
            done += libc.syscall(_PROCESS_MADVISE, here, ctypes.byref(group), length, _POPULATE_WRITE, flags)
        if here >= 0:
            os.close(here)
        if done == self._size:
            return
        for group in self._groups:
            for piece in group:
                libc.madvise(ctypes.c_void_p(piece.begin), ctypes.c_size_t(piece.size), _POPULATE_WRITE)


def gather() -> None:
    """Gather this process's memory into large pages; where the kernel does not do that, leave it as it is."""
    libc = ctypes.CDLL(None)
    for begin, end, anonymous in list(_writable(os.getpid())):
        first, last = -(-begin // _LARGE) * _LARGE, end // _LARGE * _LARGE
        if anonymous and last > first:
            libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _COLLAPSE)


def written_by(work: Callable[[], None]) -> Pieces:
    """Return which of this process's memory a child writes that does some work; nothing where it cannot be known."""
    (waiting, end), (done, telling) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(end)
            work()
            os.close(telling)
            os.read(waiting, 1)  # to be looked at from outside: looking would write too
        finally:
            os._exit(0)
    for descriptor in (waiting, telling):
        os.close(descriptor)
    try:
        os.read(done, 1)
        return _own(child)
    except OSError:
        return Pieces()
    finally:
        for descriptor in (end, done):
            os.close(descriptor)
        os.waitpid(child, 0)


def _own(process: int) -> Pieces:
    """Return the memory that a process does not share with its parent."""
    page = os.sysconf("SC_PAGESIZE")
    pieces: List[Tuple[int, int]] = []
    with open(f"/proc/{process}/pagemap", "rb", buffering=0) as file:
        for begin, end, _ in _writable(process):
            file.seek(begin // page * 8)
            entries = file.read((end - begin) // page * 8)
            for number, (entry,) in enumerate(struct.iter_unpack("=Q", entries)):
                if not (entry & _PRESENT and entry & _EXCLUSIVE):
                    continue
                place = begin + number * page
                if pieces and pieces[-1][1] == place:
                    pieces[-1] = (pieces[-1][0], place + page)
                else:
                    pieces.append((place, place + page))
    return Pieces(*pieces)


def _writable(process: int) -> Iterator[Tuple[int, int, bool]]:
    """Yield where a process has memory that it can write, and whether that is of no file."""
    with open(f"/proc/{process}/maps", encoding="utf-8") as maps:
        for line in maps:
            words = line.split()
            if words[1] == "rw-p":
                begin, end = (int(word, 16) for word in words[0].split("-"))
                yield begin, end, len(words) == 5 or words[5] == "[heap]"
