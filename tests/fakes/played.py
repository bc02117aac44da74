"""A planner whose steps are ended by a test, without processes and files."""

from __future__ import annotations

from typing import Any, Callable

from kfops.local.workflow.nodes import finish
from kfops.local.workflow.plan import Plan, Planner, Start
from kfops.local.workflow.spec import parse


class Played:
    """A run whose steps are ended by the test."""

    def __init__(self, made: dict[str, Any]) -> None:
        made["metadata"]["name"] = "wf"
        self.workflow = parse(made)
        self.nodes: dict[str, dict[str, Any]] = {}
        self.planner = Planner(self.workflow, self.nodes)
        self.now = 1000.0
        self.started: dict[str, Start] = {}
        self.last = Plan()

    def plan(self) -> list[str]:
        """Plan once; return the names of the steps to start, without the workflow's."""
        self.last = self.planner.plan(self.now, set(self.started))
        names = []
        for start in self.last.start:
            self.started[start.node_id] = start
            names.append(self.nodes[start.node_id]["name"].partition(".")[2])
        return names

    def end(self, name: str, phase: str = "Succeeded", message: str = "", **outputs: str) -> None:
        node = self.node(name)
        if outputs:
            node["outputs"] = {"parameters": [{"name": key, "value": value} for key, value in outputs.items()]}
        finish(node, phase, self.now, message)
        self.started.pop(node["id"], None)

    def node(self, name: str) -> dict[str, Any]:
        wanted = f"wf.{name}" if name else "wf"
        return next(node for node in self.nodes.values() if node["name"] == wanted)

    def phases(self) -> dict[str, str]:
        return {node["name"].partition(".")[2]: node["phase"] for node in self.nodes.values()}

    def play(self, phase_of: Callable[[str], str] = lambda name: "Succeeded") -> list[list[str]]:
        """Plan and end everything that is started, round by round, until the run has ended."""
        rounds = []
        for _ in range(50):
            names = self.plan()
            if names:
                rounds.append(names)
            for name in names:
                self.end(name, phase_of(name))
            if self.last.phase != "Running":
                return rounds
            if self.last.wake_at is not None:
                self.now = max(self.now, self.last.wake_at)
        raise AssertionError(f"the run does not end: {self.phases()}")
