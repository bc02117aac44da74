"""What placeholders mean at a place of the workflow: global values, and the outputs of a DAG's other tasks."""

from __future__ import annotations

import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional

from .nodes import FULFILLED, Node, Nodes, seconds_of, to_the_second
from .spec import Workflow
from .substitution import Lookup, as_text, sole_placeholder, substitute

Artifact = Dict[str, Any]
#: The letters of strftime that ``workflow.creationTimestamp.<letter>`` may have.
_OF_TIME = "AaBbdHIjMmpSwYyZz"


def global_values(workflow: Workflow, started: float, extra: Optional[Mapping[str, str]] = None) -> Lookup:
    """Return the lookup of ``workflow.*``; ``extra`` holds what only an exit handler sees (status, failures)."""
    values: Dict[str, str] = {
        "workflow.name": workflow.name,
        "workflow.namespace": workflow.namespace,
        "workflow.uid": workflow.uid,
        "workflow.serviceAccountName": workflow.service_account,
        "workflow.creationTimestamp": workflow.created_at,
        "workflow.parameters": as_text([{"name": k, "value": v} for k, v in workflow.parameters.items()]),
    }
    values.update({f"workflow.parameters.{name}": value for name, value in workflow.parameters.items()})
    values.update({f"workflow.labels.{name}": value for name, value in workflow.labels.items()})
    values.update({f"workflow.annotations.{name}": value for name, value in workflow.annotations.items()})
    moment = datetime.datetime.fromtimestamp(seconds_of(workflow.created_at) or started, datetime.timezone.utc)
    values.update({f"workflow.creationTimestamp.{letter}": moment.strftime(f"%{letter}") for letter in _OF_TIME})
    values["workflow.creationTimestamp.s"] = str(int(moment.timestamp()))
    values.update(extra or {})
    values.update({key: substitute(value, values.get) for key, value in values.items() if "{{" in value})
    return values.get


def own_values(node_id: str, name: str, attempt: Optional[int]) -> Dict[str, str]:
    """Return what only the container step with that node knows: its pod and its attempt."""
    values = {"pod.name": node_id, "node.name": name}
    if attempt is not None:
        values["retries"] = str(attempt)
    return values


def paths(template: Mapping[str, Any]) -> Lookup:
    """Return the lookup of the paths of a container step's files."""
    values: Dict[str, str] = {}
    for side in ("inputs", "outputs"):
        declared = template.get(side) or {}
        for artifact in declared.get("artifacts") or []:
            if artifact.get("path"):
                values[f"{side}.artifacts.{artifact['name']}.path"] = artifact["path"]
        for parameter in declared.get("parameters") or []:
            path = (parameter.get("valueFrom") or {}).get("path")
            if path:
                values[f"{side}.parameters.{parameter['name']}.path"] = path
    return values.get


class TaskScope:
    """The outputs of the tasks of one running DAG, as placeholders and as artifact references.

    Parameters
    ----------
    nodes
        The run's nodes.
    task_node
        Answers the node of one of the DAG's tasks by the task's name, or None.
    artifacts
        The DAG's own input artifacts by name.
    """

    def __init__(
        self, nodes: Nodes, task_node: Callable[[str], Optional[Node]], artifacts: Mapping[str, Artifact]
    ) -> None:
        self._nodes = nodes
        self._task_node = task_node
        self._artifacts = artifacts

    def lookup(self, name: str) -> Optional[str]:
        """Return the value of ``tasks.<task>.…``, or None where it has none (yet)."""
        if not name.startswith("tasks."):
            return None
        task, _, rest = name[len("tasks.") :].partition(".")
        node = self._task_node(task)
        if node is None or node["phase"] not in FULFILLED:
            return None
        if rest in _OF_NODE:
            return _OF_NODE[rest](self._last(node) if node["type"] == "Retry" else node)
        if rest == "outputs.parameters" and node["type"] == "TaskGroup":
            return as_text([{p["name"]: p["value"] for p in outputs} for outputs in self._of_iterations(node)])
        if rest.startswith("outputs.parameters."):
            return self._output(node, rest[len("outputs.parameters.") :])
        return None

    def _last(self, retried: Node) -> Node:
        return next(reversed(self._parts(retried)), retried)

    def _parts(self, node: Node) -> List[Node]:
        """Return a loop's iterations or a step's attempts: what follows an empty loop is among its children too."""
        children = (self._nodes[child] for child in node.get("children", []) if child in self._nodes)
        return [child for child in children if child["name"].startswith(f"{node['name']}(")]

    def _output(self, node: Node, name: str) -> Optional[str]:
        if node["type"] != "TaskGroup":
            return next((p["value"] for p in _parameters(node) if p["name"] == name), None)
        values = [p["value"] for outputs in self._of_iterations(node) for p in outputs if p["name"] == name]
        return as_text(values) if values else None

    def _of_iterations(self, group: Node) -> List[List[Dict[str, str]]]:
        return [outputs for outputs in map(_parameters, self._parts(group)) if outputs]

    def artifact(self, reference: str) -> Optional[Artifact]:
        """Return the artifact that a ``from:`` names, or None when there is none."""
        name = sole_placeholder(reference)
        if name.startswith("inputs.artifacts."):
            return self._artifacts.get(name[len("inputs.artifacts.") :])
        if name.startswith("tasks."):
            task, _, rest = name[len("tasks.") :].partition(".")
            node = self._task_node(task)
            if node is not None and rest.startswith("outputs.artifacts."):
                wanted = rest[len("outputs.artifacts.") :]
                kept = (node.get("outputs") or {}).get("artifacts", [])
                return next((artifact for artifact in kept if artifact["name"] == wanted), None)
        return None


#: What can be asked of a node that has ended, beside its outputs.
_OF_NODE: Dict[str, Callable[[Node], Optional[str]]] = {
    "id": lambda node: str(node["id"]),
    "status": lambda node: str(node["phase"]),
    "startedAt": lambda node: to_the_second(node.get("startedAt")),
    "finishedAt": lambda node: to_the_second(node.get("finishedAt")),
    "exitCode": lambda node: (node.get("outputs") or {}).get("exitCode"),
}


def _parameters(node: Node) -> List[Dict[str, str]]:
    return list((node.get("outputs") or {}).get("parameters", []))
