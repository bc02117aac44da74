"""What a workflow comes to, by Argo's rules alone: a recursive evaluation in which nothing has an order in time.

It shares no code with the planner, and does what Argo Workflows 3.1 does in the plainest way: placeholders are replaced
in JSON text, a task asks its dependencies first, an attempt follows the other. What a step does is decided by
``behaviour`` from its resolved arguments, which the tests' executor asks as well.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional

BROKEN = ("Failed", "Error")
UNRESOLVED = re.compile(r"\{\{[^{}]*\}\}")


class AmbiguousPhase(Exception):
    """Argo itself lets the order of events decide between Failed and Error."""


class NotSupplied(Exception):
    """A template is called without an input that it needs."""


@dataclass
class Fate:
    """What becomes of one node; ``needs`` are the names of the nodes that end before it starts."""

    kind: str
    phase: str
    needs: FrozenSet[str]
    inputs: Dict[str, str] = field(default_factory=dict)
    input_artifacts: List[str] = field(default_factory=list)
    outputs: Dict[str, str] = field(default_factory=dict)
    artifacts: List[str] = field(default_factory=list)
    iterations: List[str] = field(default_factory=list)


@dataclass
class Behaviour:
    """How one attempt of a container step ends."""

    phase: str
    outputs: Dict[str, str] = field(default_factory=dict)
    artifacts: List[str] = field(default_factory=list)


def behaviour(args: List[str]) -> Behaviour:
    """Return how a step ends: ``args`` are its program (JSON), its attempt and the values that it was given."""
    program, attempt, values = json.loads(args[0]), args[1], args[2:]
    number = int(attempt) if attempt.isdigit() else 0
    phases = program["phases"]
    phase = phases[min(number, len(phases) - 1)]
    if program["fails on"] in values:
        phase = "Failed"
    if phase != "Succeeded":
        return Behaviour(phase)
    says = program["says"]
    if says == "echo":
        says = "/".join(values)
    elif says == "one less":
        says = str(int(values[0]) - 1)
    elif says == "attempt":
        says = str(number)
    return Behaviour(phase, {} if says is None else {"out": says}, ["art"] if program["writes"] else [])


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Return ``value`` with the placeholders of ``values`` replaced in its JSON text; others stay."""

    def one(match: re.Match[str]) -> str:
        name = match.group()[2:-2].strip()
        return json.dumps(values[name])[1:-1] if name in values else match.group()

    return json.loads(UNRESOLVED.sub(one, json.dumps(value)))


def text(value: Any) -> str:
    """Return a value as it is written into a text; in JSON, three letters are always escaped."""
    if isinstance(value, str):
        return value
    written = json.dumps(value, separators=(",", ":"))
    for letter in "<>&":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written


def bare(item: Any) -> str:
    """Return an item as it is written into its iteration: its JSON, of a string without the quotes."""
    written = json.dumps(item, separators=(",", ":"))
    return written[1:-1] if isinstance(item, str) else written


def label(item: Any) -> str:
    """Return an item as it stands in the name of its iteration."""
    if isinstance(item, dict):
        written = ",".join(sorted(f"{key}:{bare(value)}" for key, value in item.items()))
    elif isinstance(item, list):
        written = "[" + " ".join(map(bare, item)) + "]"
    else:
        written = bare(item)
    return written.replace("(", "").replace(")", "")


def holds(condition: str) -> bool:
    """Return the truth of a comparison; raises ValueError for one that cannot be decided."""
    quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)" (==|!=) "((?:[^"\\]|\\.)*)"', condition)
    if quoted:
        one, other = (re.sub(r"\\(.)", r"\1", quoted.group(side)) for side in (1, 3))
        return (one == other) == (quoted.group(2) == "==")
    bare = re.fullmatch(r"([A-Za-z0-9.]+) (>|>=|<|<=|==|!=) ([A-Za-z0-9.]+)", condition)
    if not bare:
        raise ValueError(condition)
    left, right = (float(side) if side[0].isdigit() else side for side in (bare.group(1), bare.group(3)))
    operator = bare.group(2)
    if operator in ("==", "!="):
        return (left == right) == (operator == "==")
    if isinstance(left, float) != isinstance(right, float):
        raise ValueError(condition)
    truth = {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}  # type: ignore[operator]
    return truth[operator]


class Reference:
    """The end of a workflow: ``nodes`` by name, and the run's ``phase``."""

    def __init__(self, workflow: Dict[str, Any]) -> None:
        spec = workflow["spec"]
        self.name = workflow["metadata"]["name"]
        self.nodes: Dict[str, Fate] = {}
        self._templates = {template["name"]: template for template in spec["templates"]}
        self._globals = {f"workflow.parameters.{p['name']}": p["value"] for p in spec["arguments"]["parameters"]}
        root = self._call(self.name, spec["entrypoint"], spec["arguments"], frozenset())
        self.phase = root.phase
        if spec.get("onExit"):
            self._globals["workflow.status"] = root.phase
            handler = self._call(f"{self.name}.onExit", spec["onExit"], spec["arguments"], frozenset({self.name}))
            if root.phase == "Succeeded":
                self.phase = handler.phase

    def _call(self, name: str, template_name: str, arguments: Mapping[str, Any], needs: FrozenSet[str]) -> Fate:
        """Evaluate a template at one place, with its retries."""
        template = self._templates[template_name]
        try:
            inputs, artifacts = self._bound(template, arguments)
        except NotSupplied:
            return self._note(name, Fate("Skipped", "Error", needs))
        strategy = template.get("retryStrategy")
        if strategy is None:
            fate = self._attempt(name, template, inputs, artifacts, needs, {})
        else:
            fate = self._attempts(name, template, strategy, inputs, artifacts, needs)
        fate.inputs, fate.input_artifacts = inputs, artifacts
        return self._note(name, fate)

    def _note(self, name: str, fate: Fate) -> Fate:
        assert name not in self.nodes, name
        self.nodes[name] = fate
        return fate

    @staticmethod
    def _bound(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[Dict[str, str], List[str]]:
        declared = template.get("inputs", {})
        given = {p["name"]: p["value"] for p in arguments.get("parameters", [])}
        inputs = {}
        for parameter in declared.get("parameters", []):
            value = given.get(parameter["name"], parameter.get("default"))
            if value is None:
                raise NotSupplied
            inputs[parameter["name"]] = text(value)
        found = {artifact["name"] for artifact in arguments.get("artifacts", []) if "from" not in artifact}
        artifacts = []
        for artifact in declared.get("artifacts", []):
            if artifact["name"] in found:
                artifacts.append(artifact["name"])
            elif not artifact.get("optional"):
                raise NotSupplied
        return inputs, artifacts

    def _attempts(
        self,
        name: str,
        template: Dict[str, Any],
        strategy: Mapping[str, Any],
        inputs: Dict[str, str],
        artifacts: List[str],
        needs: FrozenSet[str],
    ) -> Fate:
        policy = strategy.get("retryPolicy", "OnFailure")
        again = {"Always": BROKEN, "OnFailure": ("Failed",), "OnError": ("Error",)}[policy]
        number = 0
        while True:
            path = f"{name}({number})"
            last = self._attempt(path, template, inputs, artifacts, needs, {"retries": str(number)})
            last.inputs, last.input_artifacts = inputs, artifacts
            self._note(path, last)
            number += 1
            if last.phase not in again or number > int(strategy.get("limit", 10**9)):
                return Fate("Retry", last.phase, needs, outputs=last.outputs, artifacts=last.artifacts)

    def _attempt(
        self,
        name: str,
        template: Dict[str, Any],
        inputs: Dict[str, str],
        artifacts: List[str],
        needs: FrozenSet[str],
        extra: Mapping[str, str],
    ) -> Fate:
        values = {f"inputs.parameters.{key}": value for key, value in inputs.items()}
        filled = fill(fill(template, {**self._globals, **extra}), values)
        if "dag" in template:
            return self._dag(name, filled, artifacts, needs)
        done = behaviour(filled["container"]["args"])
        return Fate("Pod", done.phase, needs, outputs=done.outputs, artifacts=done.artifacts)

    def _dag(self, name: str, template: Dict[str, Any], artifacts: List[str], needs: FrozenSet[str]) -> Fate:
        tasks = {task["name"]: task for task in template["dag"]["tasks"]}
        fates: Dict[str, Fate] = {}
        scopes: Dict[str, Dict[str, str]] = {}
        ancestors: Dict[str, FrozenSet[str]] = {}

        def fate(task: str) -> Fate:
            if task not in fates:
                dependencies = tasks[task].get("dependencies", [])
                for dependency in dependencies:
                    fate(dependency)
                ancestors[task] = frozenset(dependencies).union(*(ancestors[one] for one in dependencies))
                waits = needs | {f"{name}.{dependency}" for dependency in dependencies}
                path = f"{name}.{task}"
                if any(fates[one].phase not in ("Succeeded", "Skipped") for one in dependencies):
                    fates[task] = self._note(path, Fate("Skipped", "Omitted", waits))
                else:
                    known = [scopes[one] for one in ancestors[task]]
                    values = {key: value for scope in known for key, value in scope.items()}
                    stored = self._stored({one: fates[one] for one in ancestors[task]}, artifacts)
                    fates[task] = self._task(path, fill(tasks[task], values), stored, waits)
                scopes[task] = self._scope(task, fates[task])
            return fates[task]

        for task in tasks:
            fate(task)
        phase = self._phase_of(tasks, fates)
        if phase != "Succeeded":
            return Fate("DAG", phase, needs)
        return self._with_outputs(template, fates, scopes, self._stored(fates, artifacts), needs)

    @staticmethod
    def _stored(fates: Mapping[str, Fate], own: List[str]) -> FrozenSet[str]:
        """Return the references to artifacts that can be followed."""
        found = {f"{{{{inputs.artifacts.{name}}}}}" for name in own}
        for task, fate in fates.items():
            found.update(f"{{{{tasks.{task}.outputs.artifacts.{name}}}}}" for name in fate.artifacts)
        return frozenset(found)

    def _scope(self, task: str, fate: Fate) -> Dict[str, str]:
        """Return what a task's outputs are called in the tasks after it; a loop's are lists, if there are any."""
        if fate.kind != "TaskGroup":
            return {f"tasks.{task}.outputs.parameters.{key}": value for key, value in fate.outputs.items()}
        lists: Dict[str, List[str]] = {}
        for iteration in fate.iterations:
            for key, value in self.nodes[iteration].outputs.items():
                lists.setdefault(key, []).append(value)
        return {f"tasks.{task}.outputs.parameters.{key}": text(values) for key, values in lists.items()}

    def _task(self, path: str, task: Dict[str, Any], stored: FrozenSet[str], needs: FrozenSet[str]) -> Fate:
        if "withItems" not in task and "withParam" not in task:
            return self._guarded(path, task, stored, needs)
        items = task.get("withItems")
        if items is None:
            try:
                items = json.loads(text(task["withParam"]))
            except ValueError:
                items = None
        once = {key: value for key, value in task.items() if key not in ("withItems", "withParam")}
        iterations: Optional[List[Dict[str, Any]]] = None
        if isinstance(items, list):
            iterations = [self._iteration(once, item) for item in items]
            if UNRESOLVED.search(json.dumps([task.get("withItems"), list(map(self._without_artifacts, iterations))])):
                iterations = None  # in a loop, unlike elsewhere, every placeholder must mean something
        if iterations is None:
            return self._note(path, Fate("Skipped", "Error", needs))
        group = Fate("TaskGroup", "Succeeded", needs)
        for index, (item, iteration) in enumerate(zip(items, iterations)):
            group.iterations.append(f"{path}({index}:{label(item)})")
            fate = self._guarded(group.iterations[-1], iteration, stored, needs)
            group.phase = fate.phase if fate.phase in BROKEN else group.phase
        return self._note(path, group)

    @staticmethod
    def _iteration(task: Dict[str, Any], item: Any) -> Dict[str, Any]:
        values = {"item": bare(item) if isinstance(item, str) else text(item)}
        if isinstance(item, dict):
            values.update({f"item.{key}": bare(value) for key, value in item.items()})
        return fill(task, values)  # type: ignore[no-any-return]

    @staticmethod
    def _without_artifacts(task: Mapping[str, Any]) -> Dict[str, Any]:
        arguments = {"parameters": task.get("arguments", {}).get("parameters")}
        return {"when": task.get("when"), "arguments": arguments}

    def _guarded(self, path: str, task: Dict[str, Any], stored: FrozenSet[str], needs: FrozenSet[str]) -> Fate:
        """Evaluate a task that is no loop, or one iteration of one that is: its condition, then its template."""
        if task.get("when"):
            try:
                if not holds(task["when"]):
                    return self._note(path, Fate("Skipped", "Skipped", needs))
            except ValueError:
                return self._note(path, Fate("Skipped", "Error", needs))
        arguments = dict(task.get("arguments", {}))
        given = []
        for artifact in arguments.get("artifacts", []):
            if artifact["from"] in stored:
                given.append({"name": artifact["name"]})
            elif not artifact.get("optional"):
                return self._note(path, Fate("Skipped", "Error", needs))
        arguments["artifacts"] = given
        return self._call(path, task["template"], arguments, needs)

    @staticmethod
    def _phase_of(tasks: Mapping[str, Any], fates: Mapping[str, Fate]) -> str:
        """Return a DAG's phase: that of its first broken target by name; omitted ones have that of their ancestors."""
        awaited = {dependency for task in tasks.values() for dependency in task.get("dependencies", [])}

        def broken(task: str) -> FrozenSet[str]:
            if fates[task].phase == "Omitted":
                return frozenset().union(*(broken(one) for one in tasks[task]["dependencies"]))
            return frozenset({fates[task].phase} & set(BROKEN))

        for target in sorted(set(tasks) - awaited):
            found = broken(target)
            if len(found) > 1:
                raise AmbiguousPhase
            if found:
                return next(iter(found))
        return "Succeeded"

    @staticmethod
    def _with_outputs(
        template: Mapping[str, Any],
        fates: Mapping[str, Fate],
        scopes: Mapping[str, Mapping[str, str]],
        stored: FrozenSet[str],
        needs: FrozenSet[str],
    ) -> Fate:
        values = {key: value for scope in scopes.values() for key, value in scope.items()}
        declared = template.get("outputs", {})
        done = Fate("DAG", "Succeeded", needs)
        for parameter in declared.get("parameters", []):
            source = parameter["valueFrom"]
            value = values.get(source["parameter"][2:-2], source.get("default"))
            if value is None:
                return Fate("DAG", "Error", needs)
            done.outputs[parameter["name"]] = value
        for artifact in declared.get("artifacts", []):
            if artifact["from"] in stored:
                done.artifacts.append(artifact["name"])
            elif not artifact.get("optional"):
                return Fate("DAG", "Error", needs)
        return done
