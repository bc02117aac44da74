"""Whatever a workflow looks like and in whatever order its steps end, it comes to what Argo's rules say."""

from __future__ import annotations

import random
import re
from typing import Any, Dict

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from tests.effort import examples

from .playing import Played
from .reference import AmbiguousPhase, Reference
from .workflows import workflows

pytestmark = pytest.mark.soak
SEEDS = st.integers(0, 2**32 - 1)


def expected(workflow: Dict[str, Any]) -> Reference:
    try:
        return Reference(workflow)
    except AmbiguousPhase:
        assume(False)
        raise


def told(node: Dict[str, Any]) -> Dict[str, Any]:
    """Return of a status node what does not depend on time."""
    inputs, outputs = node.get("inputs", {}), node.get("outputs", {})
    return {
        "type": node["type"],
        "phase": node["phase"],
        "inputs": {p["name"]: p["value"] for p in inputs.get("parameters", [])},
        "input artifacts": [a["name"] for a in inputs.get("artifacts", [])],
        "outputs": {p["name"]: p["value"] for p in outputs.get("parameters", [])},
        "artifacts": [a["name"] for a in outputs.get("artifacts", [])],
    }


def compare(run: Played, reference: Reference) -> None:
    assert run.wrong == []
    fates = {
        name: {
            "type": fate.kind,
            "phase": fate.phase,
            "inputs": fate.inputs,
            "input artifacts": fate.input_artifacts,
            "outputs": fate.outputs,
            "artifacts": fate.artifacts,
        }
        for name, fate in reference.nodes.items()
    }
    assert {node["name"]: told(node) for node in run.nodes.values()} == fates
    assert run.phase == reference.phase


def fnv32a(text: str) -> int:
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


@examples(150, 4000)
@given(workflow=workflows(), seed=SEEDS)
def test_a_run_comes_to_what_argos_rules_say_in_whatever_order_its_steps_end(
    workflow: Dict[str, Any], seed: int
) -> None:
    reference = expected(workflow)
    run = Played(workflow, random.Random(seed))
    note(f"steps in the order of their start: {run.started}")
    compare(run, reference)
    pods = {name for name, fate in reference.nodes.items() if fate.kind == "Pod"}
    assert sorted(run.started) == sorted(pods), "every step is started exactly once"


@examples(150, 4000)
@given(workflow=workflows(), seed=SEEDS)
def test_a_run_that_is_killed_at_any_moment_comes_to_the_same_end(workflow: Dict[str, Any], seed: int) -> None:
    reference = expected(workflow)
    run = Played(workflow, random.Random(seed), kills=True)
    note(f"steps in the order of their start: {run.started}")
    compare(run, reference)


@examples(150, 4000)
@given(workflow=workflows(), seed=SEEDS)
def test_the_nodes_of_a_run_hang_together_as_argos_do(workflow: Dict[str, Any], seed: int) -> None:
    nodes = Played(workflow, random.Random(seed), kills=seed % 2 == 0).nodes
    children = [child for node in nodes.values() for child in node.get("children", [])]
    assert set(children) <= set(nodes)
    for node_id, node in nodes.items():
        name = node["name"]
        assert node_id == node["id"] == ("wf" if name == "wf" else f"wf-{fnv32a(name)}")
        if name not in ("wf", "wf.onExit"):
            assert node_id in children, f"nothing leads to {name}"
        if re.fullmatch(r"wf(\.onExit)?(\(\d+\))?", name):
            assert "boundaryID" not in node
            continue
        boundary = nodes[node["boundaryID"]]
        assert boundary["type"] == "DAG"
        assert name.startswith(boundary["name"] + ".")
        assert node["displayName"] == name[len(boundary["name"]) + 1 :]
        parents = [other for other in nodes.values() if node_id in other.get("children", [])]
        assert not any(name == other["name"] for other in parents)
        assert len({id(other) for other in parents}) == children.count(node_id), f"{name} hangs twice from one node"
