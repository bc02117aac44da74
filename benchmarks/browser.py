"""Ten thousand runs and a graph of a thousand steps in JupyterLab, in a real browser."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List

from benchmarks import _chromium, listing
from benchmarks._backend import backend, workflow
from benchmarks._server import Program, labextensions
from benchmarks.measure import Row, Samples

TITLE = "Much to look at, in JupyterLab"

RUNS, STEPS, ACROSS = 10_000, 1_000, 25
#: As many as it takes for that many to be listed: the others are archived.
_FILLED = 12_600
_FIRST, _TASK = 500.0, 100.0


def rows(rounds: int) -> Iterator[Row]:
    """Measure first contents, and the longest tasks of the main thread while all of it is scrolled and panned."""
    with backend(functools.partial(listing.fill, count=_FILLED)) as running, tempfile.TemporaryDirectory() as name:
        run_id = running.start(_layers())
        running.ended(run_id)
        folder = Path(name)
        extensions = labextensions(folder / "labextensions", panel=True)
        with Program(folder, "lab", local=running.folder, labextensions=extensions).running() as server:
            found = _chromium.ask("_scrolling", url=server.page(), run=run_id, rounds=max(3, rounds // 2))
    if min(found["listed"]) < RUNS or min(found["near"]) == 0:
        raise RuntimeError(f"too little was there to be looked at: {found}")
    yield _first("First of the runs in the side panel", found["panel"], found["panel floor"])
    yield _first(f"First of {RUNS:,} runs in the main area", found["table"], found["table floor"])
    yield _first(f"First steps of a graph of {STEPS:,}", found["graph"], found["graph floor"])
    yield _longest("runs are scrolled in the side panel", found["panel tasks"])
    yield _longest(f"{min(found['listed']):,} runs are scrolled, and fetched on the way", found["table tasks"])
    yield _longest(f"a graph of {STEPS:,} steps is panned and zoomed", found["graph tasks"])


def _layers() -> Dict[str, Any]:
    """Return a workflow of as many steps, in layers in which each step waits for two of the layer above."""
    step = {"name": "step", "container": {"image": "none", "command": ["true"]}}
    tasks: List[Dict[str, Any]] = []
    for number in range(STEPS):
        above, place = number - number % ACROSS - ACROSS, number % ACROSS
        needs = sorted({above + place, above + (place + 7) % ACROSS}) if above >= 0 else []
        tasks.append(
            {"name": f"step-{number}", "template": "step", "dependencies": [f"step-{before}" for before in needs]}
        )
    return workflow([{"name": "main", "dag": {"tasks": tasks}}, step])


def _first(what: str, values: List[float], floor: List[float]) -> Row:
    """Return the row of a first content, measured from the end of the answer that holds it."""
    taken, limit = Samples(values), Samples(floor)
    return Row(
        f"{what}, after the data has arrived",
        taken.text(scale=1),
        f"{limit.text(scale=1)}, the same answer parsed and its names painted",
        taken.median / limit.median,
        f"under {_FIRST:.0f} ms",
        taken.median < _FIRST,
    )


def _longest(what: str, values: List[float]) -> Row:
    """Return the row of the longest task of each round; Chromium tells only of those of 50 ms and more."""
    tasks = Samples(values)
    return Row(
        f"Longest task while {what}",
        tasks.text(scale=1) if tasks.most else "under 50 ms",
        f"{_TASK:.0f} ms",
        None,
        f"none over {_TASK:.0f} ms",
        tasks.most <= _TASK,
    )
