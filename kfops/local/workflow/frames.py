"""What a planner remembers of each group of nodes that is not at its end: a DAG, a loop, a step that is retried.

A frame knows the one that it is part of, and is looked at again only when something in it has ended, so that the cost
of a plan depends on what has changed and not on the size of the workflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional

from .inputs import Inputs
from .nodes import Node
from .scope import TaskScope
from .substitution import Lookup

Task = Dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A template called at one place of the workflow; ``shared`` looks up ``workflow.*``.

    ``attempt`` is the number of an attempt, and ``until`` when no attempt may be executed any more.
    """

    name: str
    template: str
    arguments: Mapping[str, Any]
    boundary: str
    find: Callable[[str], Optional[Dict[str, Any]]]
    shared: Lookup
    attempt: Optional[int] = None
    until: Optional[float] = None


@dataclass(frozen=True)
class Place:
    """Where a node belongs: to which part (a DAG's task) of which frame; None for the workflow's entrypoint."""

    frame: Optional[Frame]
    part: str = ""

    @property
    def depth(self) -> int:
        """How many groups are around it."""
        return 0 if self.frame is None else self.frame.depth + 1


@dataclass(frozen=True)
class Step:
    """A container step that is to be executed."""

    node: Node
    place: Place
    call: Call
    inputs: Inputs
    values: Lookup


class Frame:
    """A group of nodes.

    Parameters
    ----------
    node
        The group's own node.
    place
        Where that belongs.
    """

    def __init__(self, node: Node, place: Place) -> None:
        self.node = node
        self.place = place
        #: How many groups are around it.
        self.depth = place.depth
        #: Parts that have come to their end since the frame was last looked at.
        self.ended: List[str] = []
        #: How many parts have a node that is not at its end.
        self.open = 0


class Dag(Frame):
    """A DAG: what its placeholders can mean, and which of its tasks wait for which.

    Parameters
    ----------
    tasks
        Its tasks, each after those that it depends on.
    """

    def __init__(
        self, node: Node, place: Place, call: Call, scope: TaskScope, values: Lookup, tasks: List[Task]
    ) -> None:
        super().__init__(node, place)
        self.call = call
        self.scope = scope
        self.values = values
        self.tasks = tasks
        self.broken = False
        #: How many tasks have not come to their end.
        self.left = len(tasks)
        #: Tasks that wait for no other one and that nothing has been made of yet.
        self.ready: List[Task] = []
        self._waits: Dict[str, int] = {}
        self._followers: Dict[str, List[Task]] = {}
        for task in tasks:
            dependencies = set(task.get("dependencies") or [])
            self._waits[task["name"]] = len(dependencies)
            for dependency in dependencies:
                self._followers.setdefault(dependency, []).append(task)
            if not dependencies:
                self.ready.append(task)

    def path(self, task: str) -> str:
        """Return the name of a task's node."""
        return f"{self.call.name}.{task}"

    def settle(self, task: str, broken: bool) -> None:
        """Take note that a task has come to its end; what waited for it alone is ready."""
        self.left -= 1
        self.broken = self.broken or broken
        for follower in self._followers.get(task, []):
            self._waits[follower["name"]] -= 1
            if self._waits[follower["name"]] == 0:
                self.ready.append(follower)


class Loop(Frame):
    """A task with one iteration for each item; ``next`` is the first of ``tasks`` that nothing was made of yet."""

    def __init__(self, node: Node, place: Place, dag: Dag, tasks: List[Task]) -> None:
        super().__init__(node, place)
        self.dag = dag
        self.tasks = tasks
        self.next = 0


class Attempts(Frame):
    """A template that is tried again when it fails, by a strategy whose placeholders are replaced."""

    def __init__(self, node: Node, place: Place, call: Call, strategy: Mapping[str, Any]) -> None:
        super().__init__(node, place)
        self.call = call
        self.strategy = strategy
