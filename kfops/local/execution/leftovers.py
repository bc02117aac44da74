"""Killing what is left of steps whose backend was killed.

Steps die with their backend wherever the kernel can be asked for that. Where it cannot, or has not done so yet, they
are found by the folder of the step, which every one of their processes carries in its environment.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Iterable, List, Set


def kill_leftovers(runs: Path, run_ids: Iterable[str]) -> int:
    """Kill every process of the given runs' steps; return how many there were."""
    folders = [runs / run_id for run_id in run_ids]
    found = _marked(folders)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    return len(found)


def _marked(folders: List[Path]) -> Set[int]:
    found: Set[int] = set()
    if not folders or not os.path.isdir("/proc/self"):
        return found
    marks = tuple(b"KFOPS_STEP=" + os.fsencode(folder) + b"/" for folder in folders)
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                variables = file.read().split(b"\0")
        except OSError:
            continue
        if any(variable.startswith(marks) for variable in variables):
            found.add(int(name))
    return found
