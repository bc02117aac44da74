"""Stamps: what was made from which inputs; and the lock that keeps two set-ups apart.

A stamp is written last, so an interrupted stage leaves none and is done again from its beginning.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from pathlib import Path
from typing import Iterable, Iterator

from .progress import ROOT, VENVS


def digest(*parts: object) -> str:
    """Return one hash over `parts`: a Path counts with its name and content, a folder with all its files."""
    total = hashlib.sha256(str(ROOT).encode())  # a checkout that was moved is set up again
    for part in parts:
        if isinstance(part, Path):
            for path in _files(part):
                total.update(str(path.relative_to(ROOT)).encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
        else:
            total.update(f"\0{part}".encode())
    return total.hexdigest()


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return [path] if path.is_file() else []


def is_current(stamp: Path, value: str) -> bool:
    """Tell whether `stamp` was written for `value`."""
    try:
        return stamp.read_text(encoding="utf-8") == value
    except OSError:
        return False


def write(stamp: Path, value: str) -> None:
    """Record that what `stamp` stands for is whole."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value, encoding="utf-8")


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Hold the checkout's set-up lock; wait for another set-up to end, and say so."""
    VENVS.mkdir(exist_ok=True)
    with (VENVS / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("  another set-up of this checkout is running: waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
