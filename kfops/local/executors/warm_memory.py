"""Memory that is cheap to fork: what a process has allocated is gathered into large pages. Standard library only.

A fork copies the table of a process's pages, and kfp's import allocates some ten thousand. In pages of two megabytes
the table is short; a child that writes gets its own copy of four kilobytes all the same.
"""

from __future__ import annotations

import ctypes
from typing import Iterator, Tuple

_COLLAPSE = 25  # MADV_COLLAPSE, of Linux 6.1 and later
_LARGE = 2 << 20


def gather() -> None:
    """Gather this process's memory into large pages; where the kernel does not do that, leave it as it is."""
    libc = ctypes.CDLL(None)
    for begin, end in _allocated():
        first, last = -(-begin // _LARGE) * _LARGE, end // _LARGE * _LARGE
        if last > first:
            libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _COLLAPSE)


def _allocated() -> Iterator[Tuple[int, int]]:
    """Yield where this process has memory that is of no file."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words[1] == "rw-p" and (len(words) == 5 or words[5] == "[heap]"):
                begin, end = (int(word, 16) for word in words[0].split("-"))
                yield begin, end
