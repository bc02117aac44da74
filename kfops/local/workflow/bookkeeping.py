"""Creating nodes and the edges between them, and counting what is active, as Argo does."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Set

from .inputs import Inputs
from .nodes import BROKEN, FULFILLED, Node, Nodes, finish, node_id, timestamp
from .spec import Workflow


class Bookkeeping:
    """The nodes of one run by name, and how they hang together."""

    def __init__(self, workflow: Workflow, nodes: Nodes) -> None:
        self._workflow = workflow
        self._nodes = nodes
        self._ids: Dict[str, str] = {}
        self.now = 0.0
        #: The ids of the steps, and of the steps and DAGs of each DAG, that are not at their end.
        self._steps: Set[str] = set()
        self._parts: Dict[str, Set[str]] = {}
        for node in nodes.values():
            self._count(node)

    def node(self, name: str) -> Optional[Node]:
        """Return the node of that name, or None."""
        return self._nodes.get(self.id_of(name))

    def id_of(self, name: str) -> str:
        """Return the id of the node of that name, whether there is one or not."""
        found = self._ids.get(name)
        if found is None:
            found = self._ids[name] = node_id(self._workflow.name, name)
        return found

    def create(
        self,
        name: str,
        template: str,
        kind: str,
        boundary: str,
        inputs: Inputs,
        phase: str = "",
        message: str = "",
    ) -> Node:
        """Return a new node: running (a Pod: pending), or at once at its end when a final ``phase`` is given."""
        node: Node = {
            "id": self.id_of(name),
            "name": name,
            "displayName": self._display_name(name, boundary),
            "type": kind,
            "templateName": template,
            "templateScope": f"local/{self._workflow.name}",
            "phase": "Pending" if kind == "Pod" else "Running",
            "startedAt": timestamp(self.now),
            "finishedAt": None,
        }
        if boundary:
            node["boundaryID"] = boundary
        status = inputs.as_status()
        if status:
            node["inputs"] = status
        if phase:
            finish(node, phase, self.now, message)
        self._nodes[node["id"]] = node
        self._count(node)
        return node

    def _count(self, node: Node) -> None:
        if node["phase"] in FULFILLED or node["type"] not in ("Pod", "DAG"):
            return
        self._parts.setdefault(node.get("boundaryID", ""), set()).add(node["id"])
        if node["type"] == "Pod":
            self._steps.add(node["id"])

    def settled(self, node: Node) -> None:
        """Take note that a node has come to its end: it does not count for limits on parallelism any more."""
        self._steps.discard(node["id"])
        self._parts.get(node.get("boundaryID", ""), set()).discard(node["id"])

    def _display_name(self, name: str, boundary: str) -> str:
        prefix = self._nodes[boundary]["name"] if boundary in self._nodes else ""
        return name[len(prefix) :].lstrip(".") if prefix and name.startswith(prefix) else name

    def connect(self, parents: Iterable[str], child: str) -> None:
        """Make a node a child of others."""
        for parent in parents:
            children = self._nodes[parent].setdefault("children", [])
            if child not in children[-1:] and child not in children:
                children.append(child)

    def without_parents(self) -> Set[str]:
        """Return the ids of the nodes that nothing leads to: steps that ended just before a backend was killed."""
        return set(self._nodes) - {child for node in self._nodes.values() for child in node.get("children") or []}

    def outbound(self, node: Node) -> List[str]:
        """Return the ids of the nodes that what follows ``node`` hangs from."""
        parts = self.parts(node) if node["type"] in ("TaskGroup", "Retry") else []
        if node["type"] == "TaskGroup" and parts:
            return [found for part in parts for found in self.outbound(part)]
        if node["type"] == "Retry" and parts:
            return self.outbound(parts[-1])
        if node["type"] == "DAG":
            return [found for item in node.get("outboundNodes", []) for found in self._resolved(item)] or [node["id"]]
        return [node["id"]]

    def parts(self, node: Node) -> List[Node]:
        """Return a loop's iterations or a step's attempts: what follows an empty loop is among its children too."""
        children = [self._nodes[child] for child in node.get("children", []) if child in self._nodes]
        return [child for child in children if child["name"].startswith(f"{node['name']}(")]

    def _resolved(self, item: str) -> List[str]:
        node = self._nodes.get(item)
        return self.outbound(node) if node is not None else []

    def outbound_of_all(self, dag: str, tasks: Iterable[str]) -> List[str]:
        """Return the outbound nodes of those of a DAG's tasks that have a node."""
        nodes = [self.node(f"{dag}.{task}") for task in tasks]
        return [found for node in nodes if node is not None for found in self.outbound(node)]

    def outbound_of_dag(self, dag: str, tasks: List[Dict[str, Any]]) -> List[str]:
        """Return the outbound nodes of the tasks that no other task of the DAG waits for."""
        awaited = {dependency for task in tasks for dependency in task.get("dependencies") or []}
        return self.outbound_of_all(dag, (task["name"] for task in tasks if task["name"] not in awaited))

    def phase_of_targets(self, dag: str, tasks: List[Dict[str, Any]]) -> str:
        """Return the phase of the first task by name that no other waits for and that is broken, "" when none is.

        ``tasks`` come after those that they depend on. An omitted one has the phase for which it was omitted.
        """
        phases: Dict[str, str] = {}
        awaited: Set[str] = set()
        for task in tasks:
            awaited.update(task.get("dependencies") or [])
            node = self.node(f"{dag}.{task['name']}")
            if node is not None and node["phase"] in BROKEN:
                phases[task["name"]] = node["phase"]
            elif node is not None and node["phase"] == "Omitted":
                phases[task["name"]] = next(phases[one] for one in task["dependencies"] if one in phases)
        return next((phases[name] for name in sorted(phases) if name not in awaited), "")

    def full(self, kind: str, boundary: str) -> bool:
        """Tell whether a limit on parallelism keeps a step, with its attempts, or a sub-DAG from being begun now."""
        limit = self._workflow.parallelism
        if limit is not None and len(self._steps) >= limit:
            return True
        if kind == "Retry":
            return False
        parent = self._nodes.get(boundary)
        if parent is None:
            return False
        limit = self._workflow.templates[parent["templateName"]].get("parallelism")
        return bool(limit) and len(self._parts.get(boundary, ())) >= int(limit or 0)
