"""What Kubeflow Pipelines says about a run, in the words that people read."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from kfops.graph import steps_called
from kfops.run_state import run_of, run_with_graph
from kfops.types import Run


def wire(version_name: str, version_id: str) -> Dict[str, Any]:
    key = {"type": "PIPELINE_VERSION", "id": version_id}
    return {
        "id": "r-1",
        "name": "churn v1",
        "status": "Failed",
        "pipeline_spec": {"pipeline_id": "p-1", "pipeline_name": "churn"},
        "resource_references": [{"key": key, "name": version_name, "relationship": "CREATOR"}],
    }


def node(name: str, kind: str, phase: str, message: str = "", second: int = 0) -> Dict[str, Any]:
    finished = f"2026-01-02T03:04:{second:02d}Z"
    return {"id": name, "name": name, "type": kind, "phase": phase, "message": message, "finishedAt": finished}


def run_of_nodes(*nodes: Dict[str, Any]) -> Run:
    tasks = [{"name": name, "template": name} for name in ("fails", "other")]
    templates: List[Dict[str, Any]] = [{"name": "churn", "dag": {"tasks": tasks}}]
    templates += [{"name": name, "container": {"image": "python:3.9"}} for name in ("fails", "other")]
    workflow = {
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "churn", "templates": templates},
        "status": {"phase": "Failed", "nodes": {each["id"]: each for each in nodes}},
    }
    detail = {"run": wire("churn", "p-1"), "pipeline_runtime": {"workflow_manifest": json.dumps(workflow)}}
    return run_with_graph(detail)


@pytest.mark.parametrize(
    ("name", "version_id", "shown"),
    [
        ("churn", "v-1", "version 1"),
        ("renamed since", "p-1", "version 1"),
        ("version 2", "v-2", "version 2"),
        ("with more trees", "v-3", "with more trees"),
        ("", "", ""),
    ],
)
def test_the_first_version_is_version_1_although_it_has_the_name_of_its_pipeline(
    name: str, version_id: str, shown: str
) -> None:
    assert run_of(wire(name, version_id)).version_name == shown


RETRIED = (
    node("wf", "DAG", "Failed"),
    node("wf.fails", "Retry", "Failed", "No more retries left", 9),
    node("wf.fails(0)", "Pod", "Failed", "Error (exit code 3)", 4),
    node("wf.fails(1)", "Pod", "Failed", "Error (exit code 4)", 8),
)


def test_a_run_whose_step_was_retried_fails_for_the_reason_of_the_last_attempt() -> None:
    assert run_of_nodes(*RETRIED).error == "fails: exit code 4"


def test_an_attempt_that_another_made_good_is_no_reason() -> None:
    good = [{**each, "phase": "Succeeded", "message": ""} for each in (RETRIED[1], RETRIED[3])]
    found = run_of_nodes(RETRIED[0], good[0], RETRIED[2], good[1], node("wf.other", "Pod", "Failed", "exit code 5", 20))
    assert found.error == "other: exit code 5"


def test_a_step_that_was_retried_stands_for_its_attempts() -> None:
    graph = run_of_nodes(*RETRIED).graph
    assert graph is not None
    attempts = ["fails (attempt 1)", "fails (attempt 2)"]
    assert [step.name for step in steps_called("fails", graph)] == attempts
    assert [step.name for step in steps_called("fails (attempt 2)", graph)] == attempts[1:]
    assert [step.name for step in steps_called("nobody", graph)] == []
