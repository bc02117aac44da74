"""A workflow that somebody has broken is refused in words, or runs to an end; it never breaks the engine.

Workflows that use everything are changed at random places, as a careless edit or a hostile client would. What the
check lets through is planned to its end, with steps that succeed and fail.
"""

from __future__ import annotations

import copy
import random
from typing import Any, Iterator

import pytest

from kfops.errors import InvalidInput, UnsupportedWorkflow
from kfops.local.engine import check
from kfops.local.workflow import shape
from kfops.local.workflow.nodes import Nodes, finish
from kfops.local.workflow.plan import Planner
from kfops.local.workflow.spec import parse
from tests.fakes.engine import dag, shell, task, workflow

MUTATIONS = 120
MOST_NODES = 200
VALUES: list[Any] = [
    *(None, 0, -1, 10**20, 1.5, True, "", "x", "{{x}}", "{{item}}", "{{inputs.parameters.p}}", "a == b", "[1,2]", "\0"),
    *([], {}, [None], [[]], [{}], ["x"], {"a": 1}, {"name": "x"}, [{"name": "x"}], {"name": None}),
]
KEYS = ["container", "dag", "name", "resource", "template", "when", "withItems", "withParam"]
CLAIM = "kind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {resources: {requests: {storage: 1Gi}}}"


def everything() -> dict[str, Any]:
    """Return a workflow that uses about all that is emulated."""
    step = shell(
        "step",
        "echo {{inputs.parameters.p}}",
        inputs={
            "parameters": [{"name": "p", "default": "1"}],
            "artifacts": [{"name": "a", "path": "/a", "optional": True}],
        },
        outputs={
            "parameters": [{"name": "o", "valueFrom": {"path": "/o", "default": "2"}}],
            "artifacts": [{"name": "b", "path": "/b"}],
        },
        retryStrategy={
            "limit": 1,
            "retryPolicy": "Always",
            "backoff": {"duration": "1s", "factor": 2, "maxDuration": "9s"},
        },
        activeDeadlineSeconds=5,
        podSpecPatch='{"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}]}]}',
        volumes=[
            {"name": "v", "persistentVolumeClaim": {"claimName": "c"}},
            {"name": "s", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}},
            {"name": "d", "downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ],
        initContainers=[{"name": "init", "image": "i", "command": ["true"], "mirrorVolumeMounts": True}],
        metadata={"labels": {"a": "b"}, "annotations": {"c": "d"}},
    )
    step["container"].update(
        env=[{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        envFrom=[{"configMapRef": {"name": "c", "optional": True}}],
        resources={"limits": {"memory": "1Gi"}},
        volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "x", "readOnly": True}],
    )
    claim = {
        "name": "claim",
        "resource": {"action": "create", "manifest": CLAIM, "successCondition": "status.phase == Bound"},
        "outputs": {"parameters": [{"name": "n", "valueFrom": {"jsonPath": "{.metadata.name}"}}]},
    }
    inner = dag(
        "inner",
        task("one", "step", p="{{inputs.parameters.q}}"),
        task(
            "two",
            "step",
            after=("one",),
            when="{{tasks.one.outputs.parameters.o}} > 1",
            p="{{item}}",
            withItems=[1, {"a": 2}],
        ),
        inputs={"parameters": [{"name": "q"}]},
        outputs={"parameters": [{"name": "o", "valueFrom": {"parameter": "{{tasks.one.outputs.parameters.o}}"}}]},
        parallelism=2,
    )
    main = dag(
        "main",
        task("claim"),
        task("list", "step", after=("claim",), p="{{tasks.claim.outputs.parameters.n}}"),
        task("loop", "inner", after=("list",), withParam="{{tasks.list.outputs.parameters.o}}", q="{{item}}"),
        task("last", "step", after=("loop",), p="{{tasks.loop.outputs.parameters.o}}"),
    )
    made = workflow(main, inner, step, claim, shell("bye", "true"), parameters={"w": "1"}, onExit="bye", parallelism=3)
    made["spec"].update(
        activeDeadlineSeconds=1000, podMetadata={"labels": {"x": "y"}}, volumes=[{"name": "z", "emptyDir": {}}]
    )
    return made


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def mutated(made: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a workflow with something taken out, put in, doubled or replaced at one place or two."""
    made = copy.deepcopy(made)
    for _ in range(chance.choice([1, 1, 2])):
        *outer, key = chance.choice([path for path in places(made) if path])
        holder: Any = made
        for step in outer:
            holder = holder[step]
        kind = chance.random()
        if kind < 0.2:
            del holder[key]
        elif kind < 0.3 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif kind < 0.4 and isinstance(holder, dict):
            holder[chance.choice([*holder, *KEYS])] = copy.deepcopy(holder[key])
        else:
            holder[key] = copy.deepcopy(chance.choice(VALUES))
    return made


def run_to_the_end(made: dict[str, Any], chance: random.Random) -> None:
    nodes: Nodes = {}
    now = 1000.0
    planner = Planner(parse(made), nodes)
    while len(nodes) < MOST_NODES:
        plan = planner.plan(now)
        if plan.phase != "Running":
            return
        for start in plan.start:
            declared = (start.template.get("outputs") or {}).get("parameters") or []
            values = [{"name": one["name"], "value": chance.choice(["1", "x", "[1,2]"])} for one in declared]
            nodes[start.node_id]["outputs"] = {"parameters": values}
            finish(nodes[start.node_id], chance.choice(["Succeeded"] * 4 + ["Failed"]), now)
        now += 1000.0
        assert now < 200_000, "it comes to no end"


def test_the_workflow_that_is_changed_is_whole() -> None:
    check(everything())
    run_to_the_end(everything(), random.Random(1))


@pytest.mark.parametrize("seed", range(20))
def test_a_broken_workflow_is_refused_in_words_or_comes_to_an_end(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(MUTATIONS):
        made = mutated(everything(), chance)
        if not refused(made):
            run_to_the_end(made, chance)


def refused(made: dict[str, Any]) -> bool:
    try:
        check(made)
    except (InvalidInput, UnsupportedWorkflow):
        return True
    return False


@pytest.mark.parametrize("made", [None, [], "x", 1, {}, {"spec": None}, {"spec": []}, {"metadata": [], "spec": {}}])
def test_what_is_no_workflow_at_all_is_refused(made: Any) -> None:
    with pytest.raises(InvalidInput):
        check(made)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_looked_at_quickly_is_as_wrong_as_when_it_is_looked_at_closely(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(MUTATIONS):
        made = mutated(everything(), chance)
        assert shape.misshapen(made) == list(shape.problems(made, shape.WORKFLOW, ""))
