"""A step's log, part by part, and whether there is more to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from kfops import runs
from kfops.errors import NotFound
from kfops.types import FINAL_STATES

if TYPE_CHECKING:
    from kfops.connection import Connection


def log_part(run_id: str, step_id: str, offset: int, connection: Connection) -> Dict[str, Any]:
    """Return ``text`` from character ``offset`` on, ``next_offset``, and ``complete`` when the log has ended.

    A step that has not started, or that never runs, has an empty log.

    Raises
    ------
    NotFound
        The run, or a step of it, is not known.
    """
    # The state before the log: a step that ends in between has its last lines asked for once more.
    run = runs.get_run(run_id, connection)
    step = next((step for step in run.graph.steps if step.id == step_id), None) if run.graph else None
    if step is None:
        raise NotFound(f"The run {run.name} has no step {step_id}.", remedy="Show the run again.", run_id=run_id)
    try:
        text = runs.step_log(run_id, step_id, connection)
    except NotFound:
        text = ""
    return {
        "text": text[offset:],
        "next_offset": max(offset, len(text)),
        "complete": step.state in FINAL_STATES or run.finished,
    }
