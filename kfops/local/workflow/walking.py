"""Walking a workflow the way Argo's controller does: from what has ended to what has become possible.

Frames that something has ended in are looked at one after another, never one inside of another: a workflow may be
nested as deeply as it likes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any, Deque, List, Mapping, Optional, Tuple

from . import retries
from .bookkeeping import Bookkeeping
from .expressions import ExpressionError, evaluate
from .frames import Attempts, Call, Dag, Frame, Loop, Place, Step
from .inputs import InputError, Inputs, LostArtifact, bind
from .loops import LoopError, expand, is_loop
from .nodes import BROKEN, Node, Nodes, finish, fulfilled
from .outputs import OutputError, dag_outputs
from .scope import TaskScope, own_values
from .spec import Workflow
from .substitution import Lookup, chain, input_values, substitute

OMITTED = "omitted: depends condition not met"
#: A workflow without end, whose recursion no step ever stops, is told from a deep one by this.
DEEPEST = 1000


class Walker:
    """Creates the nodes of one run and brings its groups to their end, at the time ``now``.

    Steps that are to be executed are left in ``steps``. What has ended is told by ``settle``.
    """

    def __init__(self, workflow: Workflow, nodes: Nodes) -> None:
        self.books = Bookkeeping(workflow, nodes)
        self.steps: Deque[Step] = deque()
        #: Frames that wait for a time.
        self.sleeping: List[Tuple[float, Frame]] = []
        self.now = 0.0
        self._workflow = workflow
        self._nodes = nodes
        self._loose = self.books.without_parents()
        self._agenda: Deque[Frame] = deque()
        #: Frames made by the one that is looked at: they come next, so that a branch begins before the one after it.
        self._made: List[Frame] = []
        #: Frames that a limit on parallelism keeps from going on, and whether that may have changed.
        self._refused: List[Frame] = []
        self._freed = False

    def begin(self, now: float) -> None:
        """Go to a time, at which what sleeps may wake."""
        self.now = self.books.now = now
        self._agenda.extend(frame for at, frame in self.sleeping if at <= now)
        self.sleeping = [(at, frame) for at, frame in self.sleeping if at > now]

    def settle(self, node: Node, place: Place) -> None:
        """Take note that a node has come to its end."""
        self.books.settled(node)
        self._freed = True
        if place.frame is not None:
            place.frame.ended.append(place.part)
            self._agenda.append(place.frame)

    def walk(self) -> None:
        """Go on wherever something has changed, until nothing does.

        Raises
        ------
        RecursionError
            The workflow is nested too deeply.
        """
        while self._made or self._agenda or (self._freed and self._refused):
            self._agenda.extendleft(reversed(self._made))
            self._made = []
            if not self._agenda:
                self._freed = False
                self._agenda.extend(self._refused)
                self._refused = []
            frame = self._agenda.popleft()
            if fulfilled(frame.node):
                continue
            if isinstance(frame, Dag):
                self._go_on_with_dag(frame)
            elif isinstance(frame, Loop):
                self._go_on_with_loop(frame)
            elif isinstance(frame, Attempts):
                self._go_on_with_attempts(frame)

    def template(self, call: Call, place: Place) -> Optional[Node]:
        """Return the node of a template's call, begun now if it was not; None when a limit does not allow it yet."""
        node = self.books.node(call.name)
        if fulfilled(node):
            return node
        template = self._workflow.templates[call.template]
        retried = template.get("retryStrategy") is not None and call.attempt is None
        kind = "Retry" if retried else "DAG" if "dag" in template else "Pod"
        try:
            own = own_values(self.books.id_of(call.name), call.name, call.attempt) if kind == "Pod" else {}
            inputs, values = _inputs(call, template, own)
        except InputError as error:
            told = str(error) if isinstance(error, LostArtifact) else _errored(call, error)
            return self.books.create(call.name, call.template, "Skipped", call.boundary, Inputs(), "Error", told)
        if place.depth > DEEPEST:
            raise RecursionError(f"more than {DEEPEST} levels")
        if node is None:
            if self.books.full(kind, call.boundary):
                return None
            node = self.books.create(call.name, call.template, kind, call.boundary, inputs)
        if retried:
            self._made.append(Attempts(node, place, call, substitute(template["retryStrategy"], values)))
        elif kind == "DAG":
            scope = TaskScope(self._nodes, lambda task: self.books.node(f"{call.name}.{task}"), inputs.artifacts)
            self._made.append(Dag(node, place, call, scope, values, self._workflow.tasks(call.template)))
        else:
            self.steps.append(Step(node, place, call, inputs, values))
        return node

    def _finish(self, frame: Frame, phase: str, message: str = "") -> None:
        finish(frame.node, phase, self.now, message)
        self.settle(frame.node, frame.place)

    def _refuse(self, frame: Frame) -> None:
        if frame not in self._refused:
            self._refused.append(frame)

    def _go_on_with_attempts(self, frame: Attempts) -> None:
        node = frame.node
        attempts = self.books.parts(node)
        number = len(attempts)
        if attempts and not fulfilled(attempts[-1]):
            number -= 1
        elif attempts:
            last = attempts[-1]
            if last["phase"] not in BROKEN:
                if "outputs" in last:
                    node["outputs"] = last["outputs"]
                self._finish(frame, "Succeeded")
                return
            decision = retries.decide(frame.strategy, attempts, self.now)
            if not decision.again:
                self._finish(frame, last["phase"], decision.message)
                return
            if decision.at > self.now:
                node["message"] = decision.message
                self.sleeping.append((decision.at, frame))
                return
            node.pop("message", None)
        ends = retries.until(frame.strategy, attempts[:number])
        call = replace(frame.call, name=f"{frame.call.name}({number})", attempt=number, until=ends)
        child = self.template(call, Place(frame))
        if child is None:
            self._refuse(frame)
            return
        self.books.connect([node["id"]], child["id"])
        if fulfilled(child):
            self._agenda.append(frame)

    def _go_on_with_dag(self, dag: Dag) -> None:
        for part in dag.ended:
            dag.open -= 1
            self._settle_task(dag, part)
        dag.ended = []
        ready, dag.ready = deque(dag.ready), []
        refused = []
        while ready:
            task = ready.popleft()
            node = self.books.node(dag.path(task["name"]))
            if node is None or not fulfilled(node) or node["id"] in self._loose:
                node = self._task(task, dag)
            if node is None:
                refused.append(task)
            elif fulfilled(node):
                self._settle_task(dag, task["name"])
                ready.extend(dag.ready)
                dag.ready = []
            else:
                dag.open += 1
        dag.ready = refused
        if refused:
            self._refuse(dag)
        self._end_dag(dag)

    def _settle_task(self, dag: Dag, task: str) -> None:
        node = self.books.node(dag.path(task))
        dag.settle(task, node is not None and node["phase"] in BROKEN)

    def _end_dag(self, dag: Dag) -> None:
        if dag.open:
            return
        template = self._workflow.templates[dag.call.template]
        phase = self.books.phase_of_targets(dag.call.name, dag.tasks) if dag.broken else ""
        if dag.left and (template["dag"].get("failFast") is False or not phase):
            return
        dag.node["outboundNodes"] = self.books.outbound_of_dag(dag.call.name, dag.tasks)
        if phase:
            self._finish(dag, phase)
            return
        try:
            outputs = dag_outputs(template, chain(dag.scope.lookup, dag.values), dag.scope)
        except OutputError as error:
            self._finish(dag, "Error", _errored(dag.call, error))
            return
        if outputs:
            dag.node["outputs"] = outputs
        self._finish(dag, "Succeeded")

    def _task(self, task: Mapping[str, Any], dag: Dag) -> Optional[Node]:
        """Begin a task whose dependencies have all come to their end."""
        parents: List[str] = []
        for dependency in task.get("dependencies") or []:
            needed = self.books.node(dag.path(dependency))
            assert needed is not None, "it has come to its end"
            parents += self.books.outbound(needed)
            if needed["phase"] not in ("Succeeded", "Skipped"):
                parents = self.books.outbound_of_all(dag.call.name, task["dependencies"])
                return self._closed(task, dag, parents, "Omitted", OMITTED)
        parents = parents or [dag.node["id"]]
        resolved = substitute(dict(task), chain(dag.scope.lookup, dag.values))
        if not is_loop(resolved):
            return self._called(resolved, dag, parents, Place(dag, task["name"]))
        try:
            iterations = expand(resolved)
        except LoopError as error:
            return self._closed(task, dag, parents, "Error", str(error))
        name = dag.path(task["name"])
        group = self.books.node(name)
        if group is None:
            group = self.books.create(name, task["template"], "TaskGroup", dag.node["id"], Inputs())
            self.books.connect(parents, group["id"])
        self._made.append(Loop(group, Place(dag, task["name"]), dag, iterations))
        return group

    def _go_on_with_loop(self, loop: Loop) -> None:
        loop.open -= len(loop.ended)
        loop.ended = []
        while loop.next < len(loop.tasks):
            node = self._called(loop.tasks[loop.next], loop.dag, [loop.node["id"]], Place(loop))
            if node is None:  # a limit that keeps this one waiting keeps all
                self._refuse(loop)
                return
            loop.open += not fulfilled(node)
            loop.next += 1
            if self._made and self._workflow.parallelism is not None:
                self._made.append(loop)  # the next one begins when this one has begun, if there is room left
                return
        if not loop.open:
            ends = [part["phase"] for part in self.books.parts(loop.node)]
            self._finish(loop, next((phase for phase in reversed(ends) if phase in BROKEN), "Succeeded"))

    def _called(self, task: Mapping[str, Any], dag: Dag, parents: List[str], place: Place) -> Optional[Node]:
        name = dag.path(task["name"])
        existing = self.books.node(name)
        if existing is None and task.get("when"):
            try:
                if not evaluate(str(task["when"])):
                    return self._closed(task, dag, parents, "Skipped", f"when '{task['when']}' evaluated false")
            except ExpressionError as error:
                return self._closed(task, dag, parents, "Error", str(error))
        arguments = task.get("arguments") or {}
        call = Call(name, task["template"], arguments, dag.node["id"], dag.scope.artifact, dag.call.shared)
        node = self.template(call, place)
        if node is not None and (existing is None or node["id"] in self._loose):
            self.books.connect(parents, node["id"])
            self._loose.discard(node["id"])
        return node

    def _closed(self, task: Mapping[str, Any], dag: Dag, parents: List[str], phase: str, message: str) -> Node:
        name = dag.path(task["name"])
        node = self.books.create(name, task["template"], "Skipped", dag.node["id"], Inputs(), phase, message)
        self.books.connect(parents, node["id"])
        return node


def _inputs(call: Call, template: Mapping[str, Any], own: Mapping[str, str]) -> Tuple[Inputs, Lookup]:
    """Return a template's inputs, and the lookup of what it can ask for; ``own`` is what only a step knows."""
    inputs = bind(template, call.arguments, call.find)
    known = chain(call.shared, own.get)
    parameters = substitute(inputs.parameters, known)  # a value may be a text such as gs://bucket/{{pod.name}}
    values = chain(known, input_values(parameters))
    return Inputs(parameters, substitute(inputs.artifacts, values)), values


def _errored(call: Call, error: Exception) -> str:
    return f"task '{call.name}' errored: {error}" if call.boundary else str(error)
