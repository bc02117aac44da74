"""What is different between two pipeline versions: steps, parameters, and the text of the packages."""

from __future__ import annotations

import difflib
import json
from typing import Any, Dict, List, Mapping, Optional, Set

from kfops.compiling.parameters import parameters_of
from kfops.compiling.text import dump
from kfops.connection import Connection, connect
from kfops.graph import graph_of
from kfops.pipelines import read_version
from kfops.types import Graph, PipelineVersion, VersionDiff
from kfops.version_state import version_title, workflow_in

__all__ = ["compare_versions", "version_text"]

#: Annotations that every compile writes anew; they say nothing about the pipeline.
_ALWAYS_NEW = ("pipelines.kubeflow.org/pipeline_compilation_time",)
#: Lines of the text's difference that are kept.
_MOST_LINES = 5000


def version_text(version_id: str, connection: Optional[Connection] = None) -> str:
    """Return the package of a version as it was uploaded: the YAML of an Argo workflow.

    Raises
    ------
    NotFound
        There is no such version.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    return read_version(version_id, connection or connect())[1]


def compare_versions(old_id: str, new_id: str, connection: Optional[Connection] = None) -> VersionDiff:
    """Return what is different in the version ``new_id``, seen from ``old_id``.

    Raises
    ------
    NotFound
        There is no such version.
    ConnectionFailed, BackendError
        The backend does not answer, or refuses.
    """
    connection = connection or connect()
    old_version, old_text = read_version(old_id, connection)
    new_version, new_text = read_version(new_id, connection)
    old, new = _comparable(workflow_in(old_text)), _comparable(workflow_in(new_text))
    old_graph, new_graph = graph_of(old), graph_of(new)
    lines = list(
        difflib.unified_diff(
            dump(old).splitlines(),
            dump(new).splitlines(),
            fromfile=_title(old_version),
            tofile=_title(new_version),
            lineterm="",
        )
    )
    return VersionDiff(
        old_id=old_id,
        new_id=new_id,
        steps=_steps(old_graph, new_graph, _templates(old), _templates(new)),
        parameters=_parameters(old, new),
        text="\n".join(lines[:_MOST_LINES]),
        truncated=len(lines) > _MOST_LINES,
    )


def _title(version: PipelineVersion) -> str:
    title = version_title(version.name, version.id, version.pipeline_name, version.pipeline_id)
    return f"{version.pipeline_name} {title}"


def _comparable(workflow: Dict[str, Any]) -> Dict[str, Any]:
    """Return a workflow without what is never the same, its templates in the order of their names."""
    metadata = dict(workflow.get("metadata") or {})
    annotations = {name: text for name, text in (metadata.get("annotations") or {}).items() if name not in _ALWAYS_NEW}
    spec = dict(workflow["spec"])
    templates = [template for template in spec.get("templates") or [] if isinstance(template, dict)]
    spec["templates"] = sorted(templates, key=lambda template: str(template.get("name")))
    return {**workflow, "metadata": {**metadata, "annotations": annotations}, "spec": spec}


def _templates(workflow: Mapping[str, Any]) -> Dict[str, str]:
    """Return the templates as text, by name."""
    templates = workflow["spec"]["templates"]
    return {str(template.get("name")): json.dumps(template, sort_keys=True, default=str) for template in templates}


def _steps(old: Graph, new: Graph, before: Mapping[str, str], after: Mapping[str, str]) -> Dict[str, str]:
    """Return ``added``, ``removed`` or ``changed`` for each step, by its id in the graph."""
    old_steps, new_steps = {s.id: s for s in old.steps}, {s.id: s for s in new.steps}
    old_needs, new_needs = _needs(old), _needs(new)
    found: Dict[str, str] = {}
    for step_id in {**old_steps, **new_steps}:
        if step_id not in old_steps:
            found[step_id] = "added"
        elif step_id not in new_steps:
            found[step_id] = "removed"
        else:
            was, now = old_steps[step_id], new_steps[step_id]
            same = before.get(was.template) == after.get(now.template) or now.kind != "step"
            if not same or was.when != now.when or old_needs.get(step_id) != new_needs.get(step_id):
                found[step_id] = "changed"
    return found


def _needs(graph: Graph) -> Dict[str, Set[str]]:
    """Return what each step comes after."""
    found: Dict[str, Set[str]] = {}
    for edge in graph.edges:
        found.setdefault(edge.target, set()).add(edge.source)
    return found


def _parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the parameters that are different, with their defaults in both; None where one has none."""
    before = {parameter.name: parameter for parameter in parameters_of(old)}
    after = {parameter.name: parameter for parameter in parameters_of(new)}
    found: List[Dict[str, Any]] = []
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        change = "added" if was is None else "removed" if now is None else "changed"
        found.append(
            {"name": name, "change": change, "old": was.default if was else None, "new": now.default if now else None}
        )
    return found
