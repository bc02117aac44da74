"""Runs side by side: what they were given, what they reported, how long they took."""

from __future__ import annotations

from datetime import datetime
from typing import Callable, Dict, List, Optional, Sequence

from kfops.connection import Connection, connect
from kfops.errors import InvalidInput
from kfops.runs import get_run
from kfops.types import ComparedRow, Run, RunComparison

__all__ = ["compare_runs"]

#: More do not fit side by side on any screen.
MOST = 10


def compare_runs(run_ids: Sequence[str], connection: Optional[Connection] = None) -> RunComparison:
    """Return runs side by side.

    Parameters
    ----------
    run_ids
        Two to ten runs, of one pipeline or of several.

    Raises
    ------
    InvalidInput
        These are fewer than two different runs, or more than ten.
    NotFound
        There is no such run.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    ids = list(dict.fromkeys(run_ids))
    if not 2 <= len(ids) <= MOST:
        raise InvalidInput(
            "These runs cannot be compared.", why=f"Two to {MOST} different runs can, not {len(ids)}.", remedy=""
        )
    connection = connection or connect()
    return comparison_of([get_run(run_id, connection) for run_id in ids])


def comparison_of(runs: Sequence[Run]) -> RunComparison:
    """Return the comparison of runs that were read with their graphs."""
    return RunComparison(
        run_ids=[run.id for run in runs],
        names=[run.name for run in runs],
        states=[run.state for run in runs],
        parameters=_rows(runs, lambda run: run.parameters),
        metrics=_rows(runs, _metrics),
        durations=_rows(runs, _durations),
    )


def _rows(runs: Sequence[Run], values_of: Callable[[Run], Dict[str, str]]) -> List[ComparedRow]:
    """Return a row for each name that any run has, in the order of first sight."""
    columns = [values_of(run) for run in runs]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = []
    for name in names:
        values = [column.get(name) for column in columns]
        rows.append(ComparedRow(name=name, values=values, same=len(set(values)) == 1))
    return rows


def _metrics(run: Run) -> Dict[str, str]:
    """Return the metrics by name; one that several steps have reported is told apart by its step."""
    names = [metric.name for metric in run.metrics]
    return {
        metric.name if names.count(metric.name) == 1 else f"{metric.step}: {metric.name}": f"{metric.value:.6g}"
        for metric in run.metrics
    }


def _durations(run: Run) -> Dict[str, str]:
    """Return how many seconds the run and each of its steps took, those that have ended; "" is the run itself."""
    found = {"": _seconds(run.started_at or run.created_at, run.finished_at)}
    for step in run.graph.steps if run.graph else []:
        if step.kind == "step" and step.state not in ("skipped", "omitted"):
            found[step.name] = _seconds(step.started_at, step.finished_at)
    return {name: seconds for name, seconds in found.items() if seconds}


def _seconds(started: str, finished: str) -> str:
    try:
        begin, end = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (started, finished))
    except ValueError:
        return ""
    return f"{max(0.0, (end - begin).total_seconds()):.6g}"
