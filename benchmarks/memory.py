"""What the embedded backend holds in memory, all its processes together, with what they share counted once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Iterator, List, Set

from benchmarks._backend import Backend, backend, workflow
from benchmarks.measure import Row, Samples
from benchmarks.steps import LOOP, trivial_loop

TITLE = "Memory of the embedded backend"

_IDLE_GOAL, _RUN_GOAL = 80.0, 150.0
_PAUSE = 0.05


def rows(rounds: int) -> Iterator[Row]:
    """Measure the backend when it is idle, and at its peak with a run of many steps."""
    idle: List[float] = []
    peak: List[float] = []
    for _ in range(min(rounds, 3)):
        with backend() as running:
            running.ended(running.start(_one_step()))  # what is only loaded with the first run counts as idle
            idle.append(held(running.pid))
            peak.append(_peak(running))
    for what, found, goal in (
        ("idle, after a first run", Samples(idle), _IDLE_GOAL),
        (f"peak with a run of {LOOP} steps", Samples(peak), _RUN_GOAL),
    ):
        text = found.text("MB", 1)
        yield Row(f"{what} (proportional set size)", text, "none", None, f"under {goal:.0f} MB", found.median < goal)


def held(root: int) -> float:
    """Return the proportional set size of a process and all its descendants in MB."""
    return sum(_proportional(pid) for pid in _tree(root)) / 1024


def _peak(running: Backend) -> float:
    """Return the most that is held while a run of many steps is executed and its status is asked for."""
    readings: List[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_PAUSE):
            readings.append(held(running.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        running.ended(running.start(trivial_loop(LOOP)))
    finally:
        over.set()
        watcher.join()
    return max(readings)


def _one_step() -> dict[str, object]:
    step = {"name": "one", "container": {"image": "none", "command": ["true"]}}
    return workflow([{"name": "main", "dag": {"tasks": [{"name": "one", "template": "one"}]}}, step])


def _tree(root: int) -> Set[int]:
    found, waiting = set(), [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def _proportional(pid: int) -> int:
    """Return the proportional set size of a process in kB; 0 when it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
