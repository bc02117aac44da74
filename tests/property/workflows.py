"""Workflows of every shape that the planner has to decide about, small enough that a failure can be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

from hypothesis import strategies as st

WORDS = ["heads", "tails", "7", "10", "0.5"]
ITEMS = [
    ["x"],
    ["x", "y"],
    [1, 2, 3],
    [{"k": "p", "n": 1}, {"k": "q", "n": 2}],
    [["a", "b"], []],
    ["a(b)"],
    [7, "seven"],
]
LISTS = ["[]", '["u"]', "[1,2]", '[{"k":"v"}]', "no list", '{"k":1}']
PHASES = [
    ["Succeeded"],
    ["Succeeded"],
    ["Succeeded"],
    ["Failed"],
    ["Error"],
    ["Failed", "Succeeded"],
    ["Error", "Succeeded"],
    ["Failed", "Error", "Succeeded"],
    ["Failed", "Failed", "Failed", "Succeeded"],
]
DEPTH = 3


@dataclass
class Shape:
    """What a caller has to know of a template."""

    name: str
    inputs: List[str] = field(default_factory=list)
    says: bool = False
    writes: bool = False
    reads: Optional[str] = None
    outer: List[str] = field(default_factory=list)


class Maker:
    """Draws the templates of one workflow. ``gentle`` ones have limits on parallelism, and nothing fails at once."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], gentle: bool) -> None:
        self._draw = draw
        self.gentle = gentle
        self.templates: List[Dict[str, Any]] = []

    def pick(self, values: List[Any]) -> Any:
        return self._draw(st.sampled_from(values))

    def chance(self, percent: int) -> bool:
        return bool(self._draw(st.integers(0, 99)) < percent)

    def template(self, depth: int) -> Shape:
        if depth > 0 and self.chance(35):
            return self.recursion() if self.chance(15) else self.dag(depth - 1)
        return self.container()

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self.templates)}"

    def container(self) -> Shape:
        shape = Shape(self._name("step"), ["p", "q"][: self.pick([0, 1, 1, 2])])
        retried, shape.writes, optional = self.chance(30), self.chance(25), self.chance(40)
        says = self.pick(["echo", "attempt", *WORDS, *LISTS, None] if shape.inputs else ["attempt", *WORDS, *LISTS])
        shape.says = says is not None
        program = {
            "phases": ["Succeeded"] if self.gentle and not retried else self.pick(PHASES),
            "fails on": None if self.gentle or self.chance(80) else self.pick(["tails", "x", "7"]),
            "says": says,
            "writes": shape.writes and not (optional and self.chance(50)),
        }
        if self.gentle:
            program["phases"] = ["Failed", "Succeeded"] if retried else ["Succeeded"]
        declared: Dict[str, Any] = {"parameters": self._parameters(shape.inputs)}
        if self.chance(25):
            shape.reads = "optional" if self.chance(50) else "required"
            declared["artifacts"] = [{"name": "in", "path": "/in", **self._optional(shape.reads == "optional")}]
        made = {
            "name": shape.name,
            "inputs": declared,
            "outputs": {
                "parameters": [{"name": "out", "valueFrom": {"path": "/out"}}] if shape.says else [],
                "artifacts": [{"name": "art", "path": "/art", **self._optional(optional)}] if shape.writes else [],
            },
            "container": {
                "image": "any",
                "command": ["step"],
                "args": [json.dumps(program), "{{retries}}", *(f"{{{{inputs.parameters.{p}}}}}" for p in shape.inputs)],
            },
        }
        if retried:
            made["retryStrategy"] = self._retries(program)
        self.templates.append(made)
        return shape

    def _retries(self, program: Dict[str, Any]) -> Dict[str, Any]:
        strategy: Dict[str, Any] = {}
        ends = program["phases"][-1] == "Succeeded" and program["fails on"] is None
        if self.gentle or not ends or self.chance(70):
            strategy["limit"] = 1 if self.gentle else self.pick([0, 1, "2", 3])
        if self.chance(60) and not self.gentle:
            strategy["retryPolicy"] = self.pick(["Always", "OnError", "OnFailure"])
        if self.chance(40):
            strategy["backoff"] = self.pick([{"duration": "5s"}, {"duration": "2", "factor": 2}])
        return strategy

    @staticmethod
    def _optional(optional: bool) -> Dict[str, bool]:
        return {"optional": True} if optional else {}

    def _parameters(self, names: List[str]) -> List[Dict[str, Any]]:
        return [{"name": name, **({"default": "preset"} if self.chance(10) else {})} for name in names]

    def recursion(self) -> Shape:
        """A template that calls itself until its number has come down to nothing."""
        less, again = self._name("less"), f"again{len(self.templates)}"
        program = {"phases": ["Succeeded"], "fails on": None, "says": "one less", "writes": False}
        args = [json.dumps(program), "{{retries}}", "{{inputs.parameters.p}}"]
        self.templates.append(
            {
                "name": less,
                "inputs": {"parameters": [{"name": "p"}]},
                "outputs": {"parameters": [{"name": "out", "valueFrom": {"path": "/out"}}]},
                "container": {"image": "any", "command": ["step"], "args": args},
            }
        )
        told = "{{tasks.less.outputs.parameters.out}}"
        tasks = [
            {
                "name": "less",
                "template": less,
                "arguments": {"parameters": [{"name": "p", "value": "{{inputs.parameters.n}}"}]},
            },
            {
                "name": "again",
                "template": again,
                "dependencies": ["less"],
                "when": f"{told} > 0",
                "arguments": {"parameters": [{"name": "n", "value": told}]},
            },
        ]
        self.templates.append(
            {"name": again, "inputs": {"parameters": [{"name": "n", "default": "2"}]}, "dag": self._dag(tasks)}
        )
        return Shape(again)

    def _dag(self, tasks: List[Dict[str, Any]]) -> Dict[str, Any]:
        return {"tasks": tasks, **({"failFast": False} if self.gentle else {})}

    def dag(self, depth: int, outer: Tuple[str, ...] = ()) -> Shape:
        shape = Shape(self._name("dag"), list(outer) or ["p", "q"][: self.pick([0, 1, 2])])
        position = len(self.templates)
        self.templates.append({})
        if not outer and self.chance(20):
            shape.reads = "optional" if self.chance(50) else "required"
        tasks: List[Dict[str, Any]] = []
        shapes: Dict[str, Shape] = {}
        ancestors: Dict[str, List[str]] = {}
        for number in range(self.pick([1, 2, 2, 3, 3, 4])):
            name = f"{self.pick(['b', 'm', 'z'])}-{position}-{number}"
            dependencies = [task["name"] for task in tasks if self.chance(45)]
            ancestors[name] = sorted({*dependencies, *(one for other in dependencies for one in ancestors[other])})
            shapes[name] = self.template(depth)
            before = {one: shapes[one] for one in ancestors[name]}
            looped = {task["name"] for task in tasks if "withItems" in task or "withParam" in task}
            tasks.append(self._task(name, shapes[name], dependencies, before, looped, shape))
        made: Dict[str, Any] = {
            "name": shape.name,
            "inputs": {"parameters": self._parameters(shape.inputs)},
            "dag": self._dag(list(self._draw(st.permutations(tasks)))),
        }
        if shape.reads:
            made["inputs"]["artifacts"] = [{"name": "in", **self._optional(shape.reads == "optional")}]
        self._dag_outputs(
            made, shape, {t["name"]: shapes[t["name"]] for t in tasks if not {"withItems", "withParam"} & set(t)}
        )
        if self.gentle and self.chance(40):
            made["parallelism"] = self.pick([1, 2])
        if not self.gentle and not outer and self.chance(8):
            made["retryStrategy"] = {"limit": 1, "retryPolicy": "Always"}
        self.templates[position] = made
        return shape

    def _dag_outputs(self, made: Dict[str, Any], shape: Shape, tasks: Dict[str, Shape]) -> None:
        outputs: Dict[str, Any] = {}
        speaking = [name for name, one in tasks.items() if one.says]
        if speaking and self.chance(50):
            shape.says = True
            source = {"parameter": f"{{{{tasks.{self.pick(speaking)}.outputs.parameters.out}}}}"}
            if self.chance(30):
                source["default"] = "otherwise"
            outputs["parameters"] = [{"name": "out", "valueFrom": source}]
        writing = [name for name, one in tasks.items() if one.writes]
        if writing and self.chance(50):
            shape.writes = True
            source = {"from": f"{{{{tasks.{self.pick(writing)}.outputs.artifacts.art}}}}"}
            outputs["artifacts"] = [{"name": "art", **source, **self._optional(self.chance(50))}]
        if outputs:
            made["outputs"] = outputs

    def _task(
        self,
        name: str,
        called: Shape,
        dependencies: List[str],
        before: Dict[str, Shape],
        looped: set[str],
        around: Shape,
    ) -> Dict[str, Any]:
        task: Dict[str, Any] = {"name": name, "template": called.name}
        if dependencies:
            task["dependencies"] = dependencies
        sources = [f"{{{{inputs.parameters.{p}}}}}" for p in around.inputs] + ["{{workflow.parameters.w}}"]
        sources += [f"{{{{tasks.{one}.outputs.parameters.out}}}}" for one, shape in before.items() if shape.says]
        if called.reads:
            origin = [f"{{{{tasks.{one}.outputs.artifacts.art}}}}" for one, shape in before.items() if shape.writes]
            origin = [one for one in origin if one.split(".")[1] not in looped]
            origin += ["{{inputs.artifacts.in}}"] if around.reads else []
            if not origin and called.reads == "required":  # else it would be refused before it starts
                self._make_optional(called)
            if origin:
                optional = self._optional(called.reads == "optional")
                task["arguments"] = {"artifacts": [{"name": "in", "from": self.pick(origin), **optional}]}
        reading = "arguments" in task
        if self.chance(25) and not reading:
            self._loop(task, sources)
            fields = ["{{item.k}}", "{{item.n}}"] if isinstance(task.get("withItems", [0])[0], dict) else []
            sources = [*sources, "{{item}}", "{{item}}", *fields]
        if self.chance(25):
            task["when"] = self._condition(sources)
        given = [{"name": p, "value": self._value(sources)} for p in called.inputs]
        if given:
            task.setdefault("arguments", {})["parameters"] = given
        return task

    def _make_optional(self, called: Shape) -> None:
        called.reads = "optional"
        template = next(one for one in self.templates if one.get("name") == called.name)
        template["inputs"]["artifacts"][0]["optional"] = True

    def _loop(self, task: Dict[str, Any], sources: List[str]) -> None:
        if self.chance(55):
            task["withItems"] = self.pick(ITEMS)
            if self.chance(20):
                task["withItems"] = [self.pick(sources), "plain"]
        else:
            task["withParam"] = self.pick([*sources, *LISTS[:4], *LISTS[:4]])

    def _value(self, sources: List[str]) -> str:
        value = self.pick([*sources, *sources, *WORDS])
        return f"<{value}>" if self.chance(10) else value

    def _condition(self, sources: List[str]) -> str:
        left, right = self.pick(sources), self.pick([*WORDS, *sources])
        if self.chance(80):
            return f'"{left}" {self.pick(["==", "!="])} "{right}"'
        left = left if self.chance(40) else self.pick(["7", "10"])
        return f"{left} {self.pick(['>', '>=', '<', '<='])} {right if self.chance(40) else self.pick(['7', '0.5'])}"


def _needs_nothing(template: Dict[str, Any]) -> None:
    """Let a template do without inputs that the workflow's arguments do not have."""
    for parameter in template["inputs"].get("parameters") or []:
        if parameter["name"] != "w":
            parameter.setdefault("default", "preset")
    for artifact in template["inputs"].get("artifacts") or []:
        artifact["optional"] = True


@st.composite
def workflows(draw: Callable[[st.SearchStrategy[Any]], Any], depth: int = DEPTH) -> Dict[str, Any]:
    """Return a Workflow named ``wf`` with one parameter ``w``, whose steps the tests' executor knows."""
    maker = Maker(draw, gentle=draw(st.integers(0, 3)) == 0)
    main = maker.dag(depth - 1, outer=("w",))
    spec: Dict[str, Any] = {
        "entrypoint": main.name,
        "arguments": {"parameters": [{"name": "w", "value": draw(st.sampled_from([*WORDS, *LISTS]))}]},
    }
    if maker.chance(35):
        spec["onExit"] = maker.dag(0, outer=("w",)).name if maker.chance(30) else maker.container().name
        _needs_nothing(next(one for one in maker.templates if one["name"] == spec["onExit"]))
    if maker.chance(30):
        spec["parallelism"] = maker.pick([1, 2, 3]) if maker.gentle else None
    spec["templates"] = maker.templates
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }
