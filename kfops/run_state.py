"""What Kubeflow Pipelines says about a run -> Run. Pure: no requests here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Tuple

from kfops.compiling.finish import MATERIALIZE_ANNOTATION
from kfops.compiling.parameters import VERSION_ID, pipeline_spec
from kfops.graph import graph_of, leaves_of
from kfops.nodes import INJECTED, state_of
from kfops.types import Graph, Metric, Run, Step
from kfops.version_state import source_of, version_title

_STATES = {
    "": "pending",
    "pending": "pending",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "error": "failed",
    "skipped": "skipped",
    "omitted": "omitted",
    "terminating": "stopping",
}


def run_of(wire: Mapping[str, Any]) -> Run:
    """Return a run as it stands in lists, from an ``ApiRun``."""
    spec = wire.get("pipeline_spec") or {}
    version_id, version_name = _reference(wire, "PIPELINE_VERSION")
    experiment_id, experiment_name = _reference(wire, "EXPERIMENT")
    state = _STATES.get(str(wire.get("status") or "").lower(), "pending")
    pipeline_id = spec.get("pipeline_id", "")
    pipeline_name = spec.get("pipeline_name", "") or _pipeline_name(spec.get("workflow_manifest") or "")
    return Run(
        id=wire.get("id", ""),
        name=wire.get("name", ""),
        state=state,
        pipeline_id=pipeline_id,
        pipeline_name=pipeline_name,
        version_id=version_id,
        version_name=version_title(version_name, version_id, pipeline_name, pipeline_id),
        experiment_id=experiment_id,
        experiment_name=experiment_name,
        recurring_run_id=_reference(wire, "JOB")[0],
        created_at=_moment(wire.get("created_at")),
        # Only recurring runs are scheduled; the others start as soon as they are made.
        started_at=_moment(wire.get("scheduled_at")) or ("" if state == "pending" else _moment(wire.get("created_at"))),
        finished_at=_moment(wire.get("finished_at")),
        parameters=_shown({p["name"]: p.get("value", "") for p in spec.get("parameters") or [] if p.get("name")}),
        error=_one_line(wire.get("error")),
        metrics=[_metric(m) for m in wire.get("metrics") or []],
    )


def run_with_graph(detail: Mapping[str, Any], *, store: Callable[[], str] = str) -> Run:
    """Return a run with its graph and all that follows from it, from an ``ApiRunDetail``.

    Parameters
    ----------
    store
        Returns the location of the model store where the workflow does not name one, for ``Run.model``.
    """
    run = run_of(detail.get("run") or {})
    workflow = manifest_of(detail)
    if not workflow:
        return run
    graph = graph_of(workflow)
    steps = [step for step in graph.steps if step.kind == "step"]
    arguments = ((workflow.get("spec") or {}).get("arguments") or {}).get("parameters") or []
    parameters = {p["name"]: str(p.get("value", "")) for p in arguments if p.get("name")}
    state = _state(run, workflow, graph)
    return replace(
        run,
        state=state,
        pipeline_name=run.pipeline_name or pipeline_spec(workflow).get("name", ""),
        started_at=graph.started_at or run.started_at,
        finished_at=graph.finished_at or run.finished_at,
        parameters=_shown(parameters) or run.parameters,
        error=_error(graph) if state == "failed" else "",
        current_step=next((step.name for step in steps if step.state == "running"), ""),
        done=graph.done,
        total=graph.total,
        model=_model(run.id, workflow, steps, store),
        metrics=[replace(metric, step=_step_name(metric.step, steps)) for metric in run.metrics],
        graph=graph,
        source=source_of(workflow),
    )


def manifest_of(detail: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the Argo workflow of an ``ApiRunDetail`` with its status, {} where there is none yet."""
    text = (detail.get("pipeline_runtime") or {}).get("workflow_manifest") or ""
    if isinstance(text, dict):  # put together from changes, rather than read
        return text
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _state(run: Run, workflow: Mapping[str, Any], graph: Graph) -> str:
    if run.state != "failed":
        return run.state
    # Argo knows no "stopped": KFP stops a run by giving it no time at all, and Argo calls that a failure.
    without_time = (workflow.get("spec") or {}).get("activeDeadlineSeconds") == 0
    argo = state_of(workflow.get("status") or {}, terminated=without_time)
    return "stopped" if "stopped" in (graph.state, argo) else "failed"


def _error(graph: Graph) -> str:
    failed = sorted((s for s in leaves_of(graph.steps) if s.state == "failed"), key=lambda s: s.finished_at or "~")
    if failed:
        return f"{failed[0].name}: {_one_line(failed[0].message) or 'failed'}"
    return _one_line(graph.message) or "The workflow failed before a step did."


def _model(run_id: str, workflow: Mapping[str, Any], steps: List[Step], store: Callable[[], str]) -> str:
    """Return where the run's model is, "" unless a step has put it there."""
    ended_well = {step.template for step in steps if step.state in ("succeeded", "cached")}
    for template in (workflow.get("spec") or {}).get("templates") or []:
        annotations = (template.get("metadata") or {}).get("annotations") or {}
        if annotations.get(MATERIALIZE_ANNOTATION) == "true" and template.get("name") in ended_well:
            variables = {e.get("name"): e.get("value") for e in (template.get("container") or {}).get("env") or []}
            place = str(variables.get("KFOPS_MODEL_STORE") or "") or store()
            return f"{place.rstrip('/')}/{run_id}" if place else ""
    return ""


def _reference(wire: Mapping[str, Any], kind: str) -> Tuple[str, str]:
    for reference in wire.get("resource_references") or []:
        key = reference.get("key") or {}
        if key.get("type") == kind:
            return str(key.get("id") or ""), str(reference.get("name") or "")
    return "", ""


def _pipeline_name(manifest: str) -> str:
    try:
        return str(pipeline_spec(json.loads(manifest)).get("name") or "") if manifest else ""
    except (ValueError, AttributeError):
        return ""


def _shown(parameters: Mapping[str, str]) -> Dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in INJECTED and name != VERSION_ID}


def _metric(wire: Mapping[str, Any]) -> Metric:
    return Metric(name=wire.get("name", ""), value=float(wire.get("number_value") or 0), step=wire.get("node_id", ""))


def _step_name(node_id: str, steps: List[Step]) -> str:
    return next((step.name for step in steps if step.id == node_id), node_id)


def _moment(text: Any) -> str:
    # The server writes the epoch for "not yet".
    return "" if not text or str(text).startswith("1970-01-01") else str(text)


def _one_line(text: Any) -> str:
    return next((line.strip() for line in str(text or "").splitlines() if line.strip()), "")
