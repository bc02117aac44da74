"""A run as data beside its picture: JupyterLab's renderer of kfops draws it, and follows the run where it can."""

from __future__ import annotations

import datetime
from typing import Any, Dict

from kfops.drawing import shorten
from kfops.types import Graph, Run, Step

#: What the renderer in the panel's extension is registered for.
MIME = "application/vnd.kfops.run+json"
#: The form of the data; a renderer that does not know it shows the HTML beside it.
FORM = 1
#: Steps that are saved, and letters of a text: a notebook stays small whatever it ran.
MOST_STEPS = 400
LONGEST = 300

_TEXTS = ("name", "pipeline_name", "version_name", "experiment_name", "error", "model")
_EXACT = ("id", "state", "version_id", "created_at", "started_at", "finished_at", "done", "total")


def saved(run: Run) -> Dict[str, Any]:
    """Return a run as its output keeps it: states and times, without parameters, inputs and outputs.

    Examples
    --------
    >>> saved(Run("4f2a", "churn", "running"))["run"]["state"]
    'running'
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    data: Dict[str, Any] = {name: getattr(run, name) for name in _EXACT}
    data.update({name: shorten(getattr(run, name), LONGEST) for name in _TEXTS})
    data["graph"] = _graph(run.graph) if run.graph else None
    return {"form": FORM, "saved_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "run": data}


def _graph(graph: Graph) -> Dict[str, Any]:
    steps = graph.steps[:MOST_STEPS]  # groups come before what stands in them
    kept = {step.id for step in steps}
    return {
        "steps": [_step(step) for step in steps],
        "edges": [edge.to_dict() for edge in graph.edges if edge.source in kept and edge.target in kept],
    }


def _step(step: Step) -> Dict[str, Any]:
    return {
        "id": step.id,
        "name": shorten(step.name, LONGEST),
        "kind": step.kind,
        "state": step.state,
        "parent": step.parent,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
        "message": shorten(step.message, LONGEST),
        "when": shorten(step.when, LONGEST),
    }
