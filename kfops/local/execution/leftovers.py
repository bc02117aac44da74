"""Killing what is left of steps whose backend was killed.

Steps die with their backend wherever the kernel can be asked for that. Where it cannot, or has not done so yet, they
are found by the record of their guard (process id and start time, so that no stranger with the same id is hit) and by
the folder of the step, which every one of their processes carries in its environment.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Iterable, List, Set

from ..executors.namespaces import started_at


def kill_leftovers(runs: Path, run_ids: Iterable[str]) -> int:
    """Kill every process of the given runs' steps; return how many there were."""
    folders = [runs / run_id for run_id in run_ids]
    found = {pid for folder in folders for pid in _guards(folder)} | _marked(folders)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    return len(found)


def _guards(run: Path) -> Set[int]:
    found = set()
    for record in run.glob("*/guard.json"):
        try:
            guard = json.loads(record.read_text(encoding="utf-8"))
            if guard["started"] is not None and started_at(int(guard["pid"])) == guard["started"]:
                found.add(int(guard["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


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
