"""Ends what a child of ours started: its process group, and what it left behind in sessions of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Inherit the orphans of children, so that they can be found and killed (Linux)."""
    if sys.platform.startswith("linux"):
        try:
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (OSError, AttributeError):
            return


def kill_group(pid: int) -> None:
    """Kill a child and all that is in its process group."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def kill_orphans(own: set[int]) -> None:
    """Kill the children of this process that are not its ``own``: what an ended one left behind, a daemon say."""
    for pid in _children_of(os.getpid()) - own:
        try:
            if os.getsid(pid) in own:
                continue
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            continue


def _children_of(pid: int) -> set[int]:
    try:
        return {int(child) for child in Path(f"/proc/self/task/{pid}/children").read_text().split()}
    except OSError:
        pass  # a kernel without that list
    found: set[int] = set()
    try:
        entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return found
    for entry in entries:
        try:
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.add(int(entry.name))
        except (OSError, IndexError, ValueError):
            continue
    return found
