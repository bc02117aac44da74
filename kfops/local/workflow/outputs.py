"""Outputs of a DAG, taken from its tasks."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from .json_text import escaped
from .nodes import BROKEN, Nodes, to_the_second
from .scope import TaskScope
from .substitution import Lookup, as_text, sole_placeholder


class OutputError(ValueError):
    """A declared output does not exist."""


def dag_outputs(template: Mapping[str, Any], lookup: Lookup, scope: TaskScope) -> Dict[str, Any]:
    """Return the ``outputs`` of a DAG node whose tasks have all succeeded or been skipped.

    Raises
    ------
    OutputError
        An output without a default comes from a task that has none.
    """
    declared = template.get("outputs") or {}
    parameters: List[Dict[str, Any]] = []
    for parameter in declared.get("parameters") or []:
        source = parameter.get("valueFrom") or {}
        given = source.get("parameter")
        value = lookup(sole_placeholder(as_text(given))) if given is not None else parameter.get("value")
        if value is None:
            value = source.get("default")
        if value is None:
            raise OutputError(f"Unable to resolve: {given or parameter['name']}")
        parameters.append({"name": parameter["name"], "value": as_text(value)})
    artifacts: List[Dict[str, Any]] = []
    for artifact in declared.get("artifacts") or []:
        found = scope.artifact(artifact.get("from") or "")
        if found is not None:
            artifacts.append({**found, "name": artifact["name"]})
        elif not artifact.get("optional"):
            raise OutputError(f"unable to resolve outputs from scope: Unable to resolve: {artifact.get('from')}")
    outputs: Dict[str, Any] = {}
    if parameters:
        outputs["parameters"] = parameters
    if artifacts:
        outputs["artifacts"] = artifacts
    return outputs


def failures(nodes: Nodes) -> str:
    """Return ``workflow.failures``: all failed nodes, as a JSON list that is quoted once more, as in Argo."""
    failed = [
        {
            "displayName": node["displayName"],
            "message": node.get("message", ""),
            "templateName": node["templateName"],
            "phase": node["phase"],
            "podName": node["id"],
            "finishedAt": to_the_second(node.get("finishedAt")) or None,
        }
        for node in nodes.values()
        if node["phase"] in BROKEN
    ]
    listed = escaped(json.dumps(failed or None, ensure_ascii=False, separators=(",", ":")))
    return json.dumps(listed, ensure_ascii=False)
