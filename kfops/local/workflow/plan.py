"""What a run has to start next, decided from its workflow and its status nodes alone.

``Planner.plan`` does what Argo's controller does: it creates the nodes that have become possible, brings groups to
their end when what is in them has ended, and returns the container steps that nobody is executing yet. It touches no
file, starts no process and reads no clock; a planner may be thrown away at any time and a new one go on from the same
nodes.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field
from typing import Any, Container, Dict, List, Mapping, Optional

from .frames import Call, Place, Step
from .inputs import Inputs
from .nodes import BROKEN, Node, Nodes, finish, fulfilled, seconds_of
from .outputs import failures
from .retries import within
from .scope import global_values, paths
from .spec import Workflow
from .substitution import chain, substitute
from .walking import Walker


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


class Planner:
    """Decides for one run. ``nodes`` is the run's ``status.nodes`` and is brought up to date in place."""

    def __init__(self, workflow: Workflow, nodes: Nodes) -> None:
        self.workflow = workflow
        self.nodes = nodes
        self._walker = Walker(workflow, nodes)
        self._begun: Dict[str, Optional[Node]] = {}
        self._started: Dict[str, Step] = {}

    def plan(self, now: float, active: Container[str] = (), room: int = sys.maxsize) -> Plan:
        """Return what to do at ``now`` (seconds since 1970), when the steps of ``active`` are being executed.

        At most ``room`` steps are returned; those left out are returned by a later plan.
        """
        plan, walker = Plan(), self._walker
        walker.begin(now)
        self._take_ends(active)
        self._decide(plan)
        while walker.steps and len(plan.start) < room:
            step = walker.steps.popleft()
            if fulfilled(step.node):
                continue
            self._started[step.node["id"]] = step
            if step.node["id"] not in active:
                plan.start.append(self._start(step))
        for at, frame in walker.sleeping:
            if not fulfilled(frame.node):
                plan.wake(at)
        return plan

    def _decide(self, plan: Plan) -> None:
        name = self.workflow.name
        root = self._entry(name, self.workflow.entrypoint)
        started = seconds_of(root["startedAt"]) if root else self._walker.now
        if root is None or not fulfilled(root):
            if self.workflow.deadline is not None:
                plan.wake(started + self.workflow.deadline)
            return
        phase, message = root["phase"], root.get("message", "")
        if self.workflow.on_exit:
            extra = {"workflow.status": phase, "workflow.failures": failures(self.nodes)}
            exit_node = self._entry(f"{name}.onExit", self.workflow.on_exit, extra)
            if not fulfilled(exit_node):
                return
            if phase not in BROKEN and exit_node and exit_node["phase"] in BROKEN:
                phase, message = exit_node["phase"], exit_node.get("message", "")
        plan.phase = "Succeeded" if phase == "Skipped" else phase
        plan.message = message

    def overdue(self, now: float) -> bool:
        """Tell whether the run has used up its ``activeDeadlineSeconds`` before its exit handler began."""
        root = self._walker.books.node(self.workflow.name)
        if root is None or fulfilled(root) or self.workflow.deadline is None:
            return False
        return now >= seconds_of(root["startedAt"]) + self.workflow.deadline

    def stop(self, now: float, message: str) -> None:
        """Bring everything but the exit handler to a failed end; nothing of it may be executing any more."""
        self._walker.books.now = now
        if self._walker.books.node(self.workflow.name) is None:
            self._walker.books.create(self.workflow.name, self.workflow.entrypoint, "DAG", "", Inputs())
        handler = f"{self.workflow.name}.onExit"
        for node in self.nodes.values():
            if not fulfilled(node) and not node["name"].startswith(handler):
                finish(node, "Failed", now, message)
                self._walker.books.settled(node)

    def _take_ends(self, active: Container[str]) -> None:
        """Look at what holds the steps that have ended; one that nobody executes any more is to be started again."""
        for node_id, step in list(self._started.items()):
            if fulfilled(step.node):
                del self._started[node_id]
                self._walker.settle(step.node, step.place)
            elif node_id not in active:
                self._walker.steps.append(self._started.pop(node_id))

    def _entry(self, name: str, template: str, extra: Optional[Mapping[str, str]] = None) -> Optional[Node]:
        """Go on with the workflow's entrypoint, or its exit handler, as far as it goes now; return its node."""
        if self._begun.get(name) is None:
            before = self._walker.books.node(self.workflow.name)
            started = seconds_of(before["startedAt"]) if before else self._walker.now
            shared = chain(global_values(self.workflow, started, extra), functools.partial(self._duration, started))
            arguments = {
                "parameters": [{"name": key, "value": value} for key, value in self.workflow.parameters.items()],
                "artifacts": substitute(list(self.workflow.artifacts.values()), shared),
            }
            call = Call(name, template, arguments, "", lambda reference: None, shared)
            self._begun[name] = self._walker.template(call, Place(None))
        self._walker.walk()
        return self._begun[name]

    def _duration(self, started: float, name: str) -> Optional[str]:
        return f"{self._walker.now - started:.6f}" if name == "workflow.duration" else None

    def _start(self, step: Step) -> Start:
        template = self.workflow.templates[step.call.template]
        ready = substitute(template, chain(step.values, paths(template)))
        if step.call.until is not None:
            ready = within(ready, step.call.until - self._walker.now)
        return Start(step.node["id"], ready, step.inputs)
