"""A run of the planner with an executor that ends steps in any order, and a backend that may be killed at any time."""

from __future__ import annotations

import copy
import random
from typing import Any, Dict, List

from kfops.local.workflow.nodes import finish
from kfops.local.workflow.plan import Planner, Start
from kfops.local.workflow.spec import check, parse

from .reference import behaviour

ENDED = ("Succeeded", "Failed", "Error", "Skipped", "Omitted")
ROUNDS = 2000


class Played:
    """One run to its end: its ``nodes``, its ``phase``, what was ``started``, in order, and what was wrong with it."""

    def __init__(self, workflow: Dict[str, Any], chance: random.Random, *, kills: bool = False) -> None:
        check(workflow)
        self._workflow = parse(workflow)
        self._limit = workflow["spec"].get("parallelism", 10**9)
        self._chance = chance
        self._kills = kills
        self._now = 1_600_000_000.0
        self.nodes: Dict[str, Any] = {}
        self.phase = ""
        self.started: List[str] = []
        self.wrong: List[str] = []
        self._saved: Dict[str, Any] = {}
        self._journal: List[Dict[str, Any]] = []
        self._active: Dict[str, Start] = {}
        self._planner = Planner(self._workflow, self.nodes)
        self._play()

    def _play(self) -> None:
        for _ in range(ROUNDS):
            room = self._chance.choice([1, 2, 10**6])
            plan = self._planner.plan(self._now, set(self._active), room)
            for start in plan.start:
                self._start(start)
            if plan.phase != "Running":
                self.phase = plan.phase
                if self._active:
                    self.wrong.append(f"ended while {sorted(self._active)} were executed")
                return
            if self._chance.random() < 0.3:
                self._saved, self._journal = copy.deepcopy(self.nodes), []
            if self._kills and self._chance.random() < 0.2:
                self._kill()
            elif self._active:
                for node_id in self._chance.sample(sorted(self._active), self._chance.randint(1, len(self._active))):
                    self._end(self._active.pop(node_id))
            elif plan.wake_at is not None:
                self._now = max(self._now, plan.wake_at)
            elif not plan.start:
                break
        self.phase = "stuck"

    def _start(self, start: Start) -> None:
        name = self.nodes[start.node_id]["name"]
        if start.node_id in self._active:
            self.wrong.append(f"{name} was started while it was executed")
        if self.nodes[start.node_id]["phase"] in ENDED:
            self.wrong.append(f"{name} was started after its end")
        self._active[start.node_id] = start
        self.started.append(name)
        if len(self._active) > self._limit:
            self.wrong.append(f"{len(self._active)} steps at a time, where {self._limit} may be")

    def ended(self, name: str) -> bool:
        """Tell whether the node of that name is there and has come to its end."""
        return any(node["name"] == name and node["phase"] in ENDED for node in self.nodes.values())

    def _end(self, start: Start) -> None:
        node = self.nodes[start.node_id]
        done = behaviour(start.template["container"]["args"])
        self._now += self._chance.choice([0, 0.001, 1])
        node["outputs"] = {
            "parameters": [{"name": key, "value": value} for key, value in done.outputs.items()],
            "artifacts": [
                {"name": name, "path": f"/{name}", "s3": {"key": f"{node['id']}/{name}"}} for name in done.artifacts
            ],
        }
        finish(node, done.phase, self._now, "" if done.phase == "Succeeded" else "as its program says")
        self._journal.append(copy.deepcopy(node))

    def _kill(self) -> None:
        """Forget everything but the status saved last and the steps that have ended since, as kill -9 does."""
        self.nodes = copy.deepcopy(self._saved)
        for node in self._journal:
            children = self.nodes.get(node["id"], node).get("children", [])
            self.nodes[node["id"]] = {**copy.deepcopy(node), "children": list(children)}
        for node in self.nodes.values():
            if node["type"] == "Pod" and node["phase"] not in ENDED:
                node["phase"] = "Pending"
        self._active = {}
        self._planner = Planner(self._workflow, self.nodes)
