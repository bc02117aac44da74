"""What a run has to start next, decided from its workflow and its status nodes alone.

``Planner.plan`` walks the workflow from its entrypoint the way Argo's controller does: it creates the nodes that have
become possible, brings groups to their end when what is in them has ended, and returns the container steps that
nobody is executing yet. It touches no file, starts no process and reads no clock; a planner may be thrown away at any
time and a new one go on from the same nodes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Container, Dict, List, Mapping, Optional, Tuple

from . import retries
from .bookkeeping import Bookkeeping
from .expressions import ExpressionError, evaluate
from .inputs import InputError, Inputs, bind
from .loops import LoopError, expand, is_loop
from .nodes import BROKEN, FULFILLED, Node, Nodes, finish, fulfilled, seconds_of
from .outputs import OutputError, dag_outputs, failures
from .scope import TaskScope, global_values, step_values
from .spec import Workflow
from .substitution import Lookup, chain, input_values, substitute

OMITTED = "omitted: depends condition not met"


@dataclass(frozen=True)
class Start:
    """A container step to execute: its node and its template with every placeholder replaced."""

    node_id: str
    template: Dict[str, Any]
    inputs: Inputs


@dataclass
class Plan:
    """What to do now: ``start`` these, look again at ``wake_at``; ``phase`` is the run's."""

    start: List[Start] = field(default_factory=list)
    wake_at: Optional[float] = None
    phase: str = "Running"
    message: str = ""

    def wake(self, at: float) -> None:
        """Ask to be planned again at a time, at the latest."""
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)


@dataclass(frozen=True)
class _Call:
    """A template called at one place of the workflow; ``shared`` looks up ``workflow.*``."""

    name: str
    template: str
    arguments: Mapping[str, Any]
    boundary: str
    find: Callable[[str], Optional[Dict[str, Any]]]
    shared: Lookup
    attempt: Optional[int] = None


@dataclass(frozen=True)
class _Dag:
    """A DAG being walked: its node's name and id, its tasks' outputs, and all that its placeholders can mean."""

    name: str
    id: str
    scope: TaskScope
    values: Lookup
    shared: Lookup

    def path(self, task: str) -> str:
        return f"{self.name}.{task}"


class Planner:
    """Decides for one run. ``nodes`` is the run's ``status.nodes`` and is brought up to date in place."""

    def __init__(self, workflow: Workflow, nodes: Nodes) -> None:
        self.workflow = workflow
        self.nodes = nodes
        self._books = Bookkeeping(workflow, nodes)
        self._loose = self._books.without_parents()
        self._bound: Dict[str, Tuple[Inputs, Lookup]] = {}
        self._loops: Dict[str, List[Dict[str, Any]]] = {}
        self._now = 0.0
        self._active: Container[str] = ()
        self._room = sys.maxsize
        self._plan = Plan()

    def plan(self, now: float, active: Container[str] = (), room: int = sys.maxsize) -> Plan:
        """Return what to do at ``now`` (seconds since 1970), when the steps of ``active`` are being executed.

        At most ``room`` steps are returned; those left out are returned by a later plan.
        """
        self._now, self._active, self._room, self._plan = now, active, room, Plan()
        self._books.now = now
        name = self.workflow.name
        root_before = self._books.node(name)
        started = seconds_of(root_before["startedAt"]) if root_before else now
        root = self._entry(name, self.workflow.entrypoint, global_values(self.workflow, started))
        if root is None or not fulfilled(root):
            if self.workflow.deadline is not None:
                self._plan.wake(started + self.workflow.deadline)
            return self._plan
        phase, message = root["phase"], root.get("message", "")
        if self.workflow.on_exit:
            extra = {
                "workflow.status": phase,
                "workflow.failures": failures(self.nodes),
                "workflow.duration": f"{now - started:.6f}",
            }
            values = global_values(self.workflow, started, extra)
            exit_node = self._entry(f"{name}.onExit", self.workflow.on_exit, values)
            if not fulfilled(exit_node):
                return self._plan
            if phase not in BROKEN and exit_node and exit_node["phase"] in BROKEN:
                phase, message = exit_node["phase"], exit_node.get("message", "")
        self._plan.phase = "Succeeded" if phase == "Skipped" else phase
        self._plan.message = message
        return self._plan

    def overdue(self, now: float) -> bool:
        """Tell whether the run has used up its ``activeDeadlineSeconds`` before its exit handler began."""
        root = self._books.node(self.workflow.name)
        if root is None or fulfilled(root) or self.workflow.deadline is None:
            return False
        return now >= seconds_of(root["startedAt"]) + self.workflow.deadline

    def stop(self, now: float, message: str) -> None:
        """Bring everything but the exit handler to a failed end; nothing of it may be executing any more."""
        self._books.now = now
        if self._books.node(self.workflow.name) is None:
            self._books.create(self.workflow.name, self.workflow.entrypoint, "DAG", "", Inputs())
        handler = f"{self.workflow.name}.onExit"
        for node in self.nodes.values():
            if not fulfilled(node) and not node["name"].startswith(handler):
                finish(node, "Failed", now, message)

    def _entry(self, name: str, template: str, shared: Lookup) -> Optional[Node]:
        arguments = {
            "parameters": [{"name": key, "value": value} for key, value in self.workflow.parameters.items()],
            "artifacts": substitute(list(self.workflow.artifacts.values()), shared),
        }
        return self._template(_Call(name, template, arguments, "", lambda reference: None, shared))

    def _template(self, call: _Call) -> Optional[Node]:
        node = self._books.node(call.name)
        if fulfilled(node):
            return node
        template = self.workflow.templates[call.template]
        retried = template.get("retryStrategy") is not None and call.attempt is None
        kind = "Retry" if retried else "DAG" if "dag" in template else "Pod"
        try:
            inputs, values = self._inputs(call, template)
        except InputError as error:
            return self._books.create(call.name, call.template, "Skipped", call.boundary, Inputs(), "Error", str(error))
        if node is None:
            if self._books.full(kind, call.boundary):
                return None
            node = self._books.create(call.name, call.template, kind, call.boundary, inputs)
        if retried:
            self._attempts(call, substitute(template["retryStrategy"], values), node)
        elif kind == "DAG":
            scope = TaskScope(self.nodes, lambda task: self._books.node(f"{call.name}.{task}"), inputs.artifacts)
            self._dag(_Dag(call.name, node["id"], scope, values, call.shared), call.template, node)
        elif node["id"] not in self._active and len(self._plan.start) < self._room:
            resolved = substitute(template, chain(values, step_values(node, template, call.attempt)))
            self._plan.start.append(Start(node["id"], resolved, inputs))
        return node

    def _inputs(self, call: _Call, template: Mapping[str, Any]) -> Tuple[Inputs, Lookup]:
        if call.name not in self._bound:
            inputs = bind(template, call.arguments, call.find)
            values = chain(call.shared, input_values(inputs.parameters))
            self._bound[call.name] = (Inputs(inputs.parameters, substitute(inputs.artifacts, values)), values)
        return self._bound[call.name]

    def _attempts(self, call: _Call, strategy: Mapping[str, Any], node: Node) -> None:
        attempts = [self.nodes[child] for child in node.get("children", []) if child in self.nodes]
        number = len(attempts)
        if attempts and not fulfilled(attempts[-1]):
            number -= 1
        elif attempts:
            last = attempts[-1]
            if last["phase"] not in BROKEN:
                if "outputs" in last:
                    node["outputs"] = last["outputs"]
                finish(node, "Succeeded", self._now)
                return
            decision = retries.decide(strategy, attempts, self._now)
            if not decision.again:
                finish(node, last["phase"], self._now, decision.message)
                return
            if decision.at > self._now:
                self._plan.wake(decision.at)
                return
        child = self._template(replace(call, name=f"{call.name}({number})", attempt=number))
        if child is not None:
            self._books.connect([node["id"]], child["id"])
            if fulfilled(child):
                self._plan.wake(self._now)

    def _dag(self, dag: _Dag, name: str, node: Node) -> None:
        template, tasks = self.workflow.templates[name], self.workflow.tasks(name)
        running = waiting = broken = False
        for task in tasks:
            child = self._books.node(dag.path(task["name"]))
            if child is None or child["phase"] not in FULFILLED or child["id"] in self._loose:
                child = self._task(task, dag)
            if child is None:
                waiting = True
            elif child["phase"] not in FULFILLED:
                running = True
            elif child["phase"] in BROKEN:
                broken = True
        patient = template["dag"].get("failFast") is False
        if running:
            return
        phase = self._books.phase_of_targets(dag.name, tasks) if broken else ""
        if waiting and (patient or not phase):
            return
        node["outboundNodes"] = self._books.outbound_of_dag(dag.name, tasks)
        if phase:
            finish(node, phase, self._now)
            return
        try:
            outputs = dag_outputs(template, chain(dag.scope.lookup, dag.values), dag.scope)
        except OutputError as error:
            finish(node, "Error", self._now, str(error))
            return
        if outputs:
            node["outputs"] = outputs
        finish(node, "Succeeded", self._now)

    def _task(self, task: Mapping[str, Any], dag: _Dag) -> Optional[Node]:
        name = dag.path(task["name"])
        parents: List[str] = []
        for dependency in task.get("dependencies") or []:
            needed = self._books.node(dag.path(dependency))
            if needed is None or not fulfilled(needed):
                return None
            parents += self._books.outbound(needed)
            if needed["phase"] not in ("Succeeded", "Skipped"):
                parents = self._books.outbound_of_all(dag.name, task["dependencies"])
                return self._closed(name, task, dag, parents, "Omitted", OMITTED)
        parents = parents or [dag.id]
        if name not in self._loops:
            resolved = substitute(dict(task), chain(dag.scope.lookup, dag.values))
            if not is_loop(resolved):
                return self._called(resolved, dag, parents)
            try:
                self._loops[name] = expand(resolved)
            except LoopError as error:
                return self._closed(name, task, dag, parents, "Error", str(error))
        group = self._books.node(name)
        if group is None:
            group = self._books.create(name, task["template"], "TaskGroup", dag.id, Inputs())
            self._books.connect(parents, group["id"])
        self._loop(group, dag)
        return group

    def _loop(self, group: Node, dag: _Dag) -> None:
        pending = []
        for task in self._loops[group["name"]]:
            if not fulfilled(self._called(task, dag, [group["id"]])):
                pending.append(task)
        self._loops[group["name"]] = pending
        if not pending:
            ends = [self.nodes[child]["phase"] for child in group.get("children", [])]
            finish(group, next((phase for phase in reversed(ends) if phase in BROKEN), "Succeeded"), self._now)

    def _called(self, task: Mapping[str, Any], dag: _Dag, parents: List[str]) -> Optional[Node]:
        name = dag.path(task["name"])
        existing = self._books.node(name)
        if existing is None and task.get("when"):
            try:
                if not evaluate(str(task["when"])):
                    return self._closed(name, task, dag, parents, "Skipped", f"when '{task['when']}' evaluated false")
            except ExpressionError as error:
                return self._closed(name, task, dag, parents, "Error", str(error))
        arguments = task.get("arguments") or {}
        node = self._template(_Call(name, task["template"], arguments, dag.id, dag.scope.artifact, dag.shared))
        if node is not None and (existing is None or node["id"] in self._loose):
            self._books.connect(parents, node["id"])
            self._loose.discard(node["id"])
        return node

    def _closed(
        self, name: str, task: Mapping[str, Any], dag: _Dag, parents: List[str], phase: str, message: str
    ) -> Node:
        node = self._books.create(name, task["template"], "Skipped", dag.id, Inputs(), phase, message)
        self._books.connect(parents, node["id"])
        return node
