"""Argo workflow, with or without a status -> Graph.

The specification says which steps there are, the status which of them have been reached. Both are walked together:
what has a node takes the node's id and state, what has none yet is pending, so a running pipeline is drawn whole.
Node names are paths (``wf.condition-1.train(0)``), and that is how the two meet.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from kfops import argo, nodes
from kfops.types import FINAL_STATES, Edge, Graph, Step

__all__ = ["graph_of", "leaves_of", "steps_called"]

_NUMBERED = re.compile(r"\((\d+)(?::.*)?\)$", re.S)
#: States that a group hands down to what it never started.
_HANDED_DOWN = frozenset({"skipped", "omitted"})


def graph_of(workflow: Mapping[str, Any]) -> Graph:
    """Return the graph of an Argo workflow.

    Parameters
    ----------
    workflow
        A compiled pipeline, or the ``workflow_manifest`` of a run (then with ``status``), as data.

    Returns
    -------
    Graph
        Its steps in the order of the specification, groups before what stands in them. Conditions, loops,
        iterations and exit handlers are groups; edges join siblings only.

    Examples
    --------
    >>> spec = {"entrypoint": "p", "templates": [
    ...     {"name": "p", "dag": {"tasks": [{"name": "a", "template": "a"}]}},
    ...     {"name": "a", "container": {"image": "python:3.9"}}]}
    >>> [step.name for step in graph_of({"spec": spec}).steps]
    ['a']
    """
    return _Walk(workflow).graph()


def leaves_of(steps: Sequence[Step]) -> list[Step]:
    """Return the steps without groups, one that was tried several times once."""
    tried = {step.id for step in steps if step.kind == "retry"}
    return [step for step in steps if step.kind == "retry" or (step.kind == "step" and step.parent not in tried)]


def steps_called(wanted: str, graph: Graph) -> list[Step]:
    """Return the steps of that name or id; the attempts of one that was tried several times."""
    found = {step.id for step in graph.steps if wanted in (step.id, step.name)}
    return [step for step in graph.steps if step.kind == "step" and (step.id in found or step.parent in found)]


class _Walk:
    def __init__(self, workflow: Mapping[str, Any]) -> None:
        spec = workflow.get("spec") or {}
        self.metadata = workflow.get("metadata") or {}
        self.status = workflow.get("status") or {}
        self.spec = spec
        self.templates = {t["name"]: t for t in spec.get("templates") or [] if "name" in t}
        self.by_name = {n.get("name", ""): n for n in argo.status_nodes(self.status).values()}
        stopped = nodes.is_stop(self.status.get("message") or "")
        self.terminated = stopped or spec.get("activeDeadlineSeconds") == 0
        self.phase = self.status.get("phase") or ""
        self.over = self.phase in ("Succeeded", "Failed", "Error")
        self.steps: list[Step] = []
        self.edges: list[Edge] = []

    def graph(self) -> Graph:
        entry = self.spec.get("entrypoint", "")
        root = self.metadata.get("name") or ""
        name = argo.pipeline_name(self.metadata) or root or entry
        template = self.templates.get(entry) or {}
        if "dag" in template or "steps" in template:
            self._inside(template, root, "", "", (entry,), "")
        elif template:
            self._leaf(template, entry, root, "", "", "", {})
        self._exit_handler(root)
        leaves = leaves_of(self.steps)
        state = nodes.state_of({"phase": self.phase}, terminated=self.terminated)
        if self.terminated and state == "running":
            state = "stopping"
        return Graph(
            name=name,
            state=state,
            message=self._reason(state),
            started_at=self.status.get("startedAt") or "",
            finished_at=self.status.get("finishedAt") or "",
            done=sum(step.state in FINAL_STATES for step in leaves),
            total=len(leaves),
            steps=self.steps,
            edges=self.edges,
        )

    def _image(self, template: Mapping[str, Any]) -> str:
        """Return a step's image, its tag put in once there is a run that knows it."""
        image: str = (template.get("container") or {}).get("image") or ""
        if not self.status or "{{" not in image:
            return image
        given = (self.spec.get("arguments") or {}).get("parameters") or []
        return nodes.filled_in(image, {f"workflow.parameters.{p['name']}": p.get("value") for p in given})

    def _reason(self, state: str) -> str:
        if state not in ("failed", "stopped"):
            return ""
        for step in leaves_of(self.steps):
            if step.state == "failed":
                return f"{step.name}: {step.message}" if step.message else step.name
        return (self.status.get("message") or "").split("\n")[0]

    def _inside(
        self, template: Mapping[str, Any], path: str, parent: str, prefix: str, above: tuple[str, ...], handed: str
    ) -> None:
        """Add the tasks of a DAG (or the rows of a ``steps`` template) whose node is called ``path``."""
        ids: dict[str, str] = {}
        waits: list[tuple[str, list[str]]] = []
        for task, name, before in argo.tasks(template):
            ids[task["name"]] = self._task(task, f"{path}{name}", parent, prefix, above, handed)
            waits.append((task["name"], before))
        for name, before in waits:
            self.edges.extend(Edge(ids[other], ids[name]) for other in before if other in ids and other != name)

    def _task(
        self, task: Mapping[str, Any], path: str, parent: str, prefix: str, above: tuple[str, ...], handed: str
    ) -> str:
        template = self.templates.get(task.get("template", "")) or {}
        node = self.by_name.get(path) or {}
        here = prefix + task["name"]
        identity: str = node.get("id") or here
        looped = any(key in task for key in ("withItems", "withParam", "withSequence"))
        grouped = "dag" in template or "steps" in template
        if not looped and not grouped:
            return self._leaf(template, task["name"], path, parent, here, task.get("when", ""), node, handed)
        state, message = self._state(node, nodes.condition_text(task.get("when", "")), handed)
        kind = "loop" if looped else argo.group_kind(task)
        self._add(
            identity, nodes.display_name(template, task["name"]), kind, parent, template, node, state, message, task
        )
        below = state if state in _HANDED_DOWN else ""
        if looped:
            self._iterations(task, template, node, path, identity, here, above, below)
        elif template.get("name") not in above:
            self._inside(template, path, identity, here + ".", (*above, template["name"]), below)
        elif node and node.get("phase") not in ("Skipped", "Omitted"):
            self._inside(template, path, identity, here + ".", above, below)  # recursion, as far as it has come
        return identity

    def _iterations(
        self,
        task: Mapping[str, Any],
        template: Mapping[str, Any],
        node: Mapping[str, Any],
        path: str,
        parent: str,
        here: str,
        above: tuple[str, ...],
        handed: str,
    ) -> None:
        found = self._numbered(path)
        grouped = "dag" in template or "steps" in template
        if not found and not (node and node.get("phase") == "Succeeded"):
            if not grouped:
                self._leaf(template, task["name"], path + "(", parent, here + ".item", "", {}, handed)
            elif template["name"] not in above:
                self._inside(template, path + "(", parent, here + ".", (*above, template["name"]), handed)
        for number, name, turn in found:
            label = name[len(path) + 1 : -1]
            place = f"{here}({number})"
            if not grouped:
                self._leaf(template, f"{task['name']} {label}", name, parent, place, "", turn, handed)
                continue
            state, message = self._state(turn, "", handed)
            identity = turn.get("id") or place
            self._add(identity, label, "iteration", parent, template, turn, state, message, {})
            below = state if state in _HANDED_DOWN else ""
            self._inside(template, name, identity, place + ".", (*above, template["name"]), below)

    def _leaf(
        self,
        template: Mapping[str, Any],
        task: str,
        path: str,
        parent: str,
        here: str,
        when: str,
        node: Mapping[str, Any],
        handed: str = "",
    ) -> str:
        """Add a step; one with several attempts becomes a group of them."""
        node = node or self.by_name.get(path) or {}
        attempts = self._numbered(path) if node.get("type") == "Retry" else []
        name = nodes.display_name(template, task)
        condition = {"when": when}
        if len(attempts) == 1:
            node = {**attempts[0][2], "message": attempts[0][2].get("message") or node.get("message")}
        state, message = self._state(node, nodes.condition_text(when), handed)
        identity = node.get("id") or here or task
        if len(attempts) < 2:
            self._add(identity, name, "step", parent, template, node, state, message, condition)
            return identity
        if state == "failed":
            message = nodes.reason_of(attempts[-1][2]) or message
        self._add(identity, name, "retry", parent, template, node, state, message, condition)
        for number, _, attempt in attempts:
            state, message = self._state(attempt, "", handed)
            label = f"{name} (attempt {number + 1})"
            self._add(attempt.get("id", ""), label, "step", identity, template, attempt, state, message, {})
        return identity

    def _add(
        self,
        identity: str,
        name: str,
        kind: str,
        parent: str,
        template: Mapping[str, Any],
        node: Mapping[str, Any],
        state: str,
        message: str,
        task: Mapping[str, Any],
    ) -> None:
        step = kind in ("step", "retry")
        self.steps.append(
            Step(
                id=identity,
                name=name,
                kind=kind,
                state=state,
                parent=parent,
                template=template.get("name", ""),
                started_at=node.get("startedAt") or "",
                finished_at=node.get("finishedAt") or "",
                message=message,
                image=self._image(template) if step else "",
                when=nodes.condition_text(task.get("when") or ""),
                inputs=nodes.inputs_of(template, node) if step else {},
                outputs=nodes.outputs_of(template, node) if step else {},
                input_artifacts=nodes.artifacts_of(template, node, "inputs") if step else [],
                output_artifacts=nodes.artifacts_of(template, node, "outputs") if step else [],
            )
        )

    def _state(self, node: Mapping[str, Any], when: str, handed: str) -> tuple[str, str]:
        if node:
            return nodes.state_of(node, terminated=self.terminated), nodes.reason_of(node, when)
        if handed:
            return handed, ""
        return ("omitted" if self.over else "pending"), ""

    def _numbered(self, path: str) -> list[tuple[int, str, Mapping[str, Any]]]:
        """Return the nodes called ``path(0)``, ``path(1:item)``… in order."""
        found = []
        for name, node in self.by_name.items():
            if not name.startswith(path + "("):
                continue
            hit = _NUMBERED.match(name[len(path) :])
            if hit and argo.closes_at_end(name[len(path) :]):
                found.append((int(hit.group(1)), name, node))
        return sorted(found, key=lambda entry: entry[0])

    def _exit_handler(self, root: str) -> None:
        handler = self.spec.get("onExit")
        template = self.templates.get(handler or "")
        if not handler or template is None:
            return
        sources = {edge.source for edge in self.edges}
        last = [step.id for step in self.steps if not step.parent and step.id not in sources]
        identity = self._task({"name": handler, "template": handler}, f"{root}.onExit", "", "onExit:", (), "")
        self.edges.extend(Edge(other, identity) for other in last)
