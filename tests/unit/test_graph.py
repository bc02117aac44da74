"""Workflow -> graph: from the specification, from the status, and from both where a run is half done."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfops.graph import graph_of
from kfops.types import Graph, Step

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "container": {"image": "python:3.9"}, **more}


def dag(name: str, *tasks: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "dag": {"tasks": list(tasks)}}


def task(name: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "template": more.pop("template", name), "dependencies": list(after), **more}


def workflow(*templates: dict[str, Any], nodes: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "metadata": {"generateName": "churn-", "name": "churn-x1"},
        "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
    }
    if nodes is not None:
        phase = nodes[0]["phase"]
        found["status"] = {"phase": phase, "nodes": {node["id"]: node for node in nodes}}
    return found


def node(name: str, phase: str = "Succeeded", kind: str = "Pod", **more: Any) -> dict[str, Any]:
    return {"id": f"id:{name}", "name": name, "phase": phase, "type": kind, **more}


def root(phase: str = "Running") -> dict[str, Any]:
    return node("churn-x1", phase, "DAG")


def by_name(graph: Graph) -> dict[str, Step]:
    return {step.name: step for step in graph.steps}


CHAIN = (dag("churn", task("a"), task("b", "a"), task("c", "b")), container("a"), container("b"), container("c"))


def test_a_specification_alone_gives_every_step_as_pending() -> None:
    graph = graph_of(workflow(*CHAIN))

    assert [(s.id, s.kind, s.state, s.image) for s in graph.steps] == [
        (name, "step", "pending", "python:3.9") for name in "abc"
    ]
    assert [(e.source, e.target) for e in graph.edges] == [("a", "b"), ("b", "c")]
    assert (graph.name, graph.state, graph.done, graph.total) == ("churn", "pending", 0, 3)


def test_steps_that_have_not_begun_stay_in_the_picture_of_a_running_pipeline() -> None:
    graph = graph_of(workflow(*CHAIN, nodes=[root(), node("churn-x1.a"), node("churn-x1.b", "Running")]))

    assert [(s.id, s.state) for s in graph.steps] == [
        ("id:churn-x1.a", "succeeded"),
        ("id:churn-x1.b", "running"),
        ("c", "pending"),
    ]
    assert [(e.source, e.target) for e in graph.edges] == [("id:churn-x1.a", "id:churn-x1.b"), ("id:churn-x1.b", "c")]
    assert (graph.state, graph.done, graph.total) == ("running", 1, 3)


def test_after_a_failure_the_reason_is_the_exit_code_and_the_rest_was_omitted() -> None:
    nodes = [root("Failed"), node("churn-x1.a", "Failed", message="Error (exit code 3)")]
    graph = graph_of(workflow(*CHAIN, nodes=nodes))
    steps = by_name(graph)

    assert (steps["a"].state, steps["a"].message) == ("failed", "exit code 3")
    assert (steps["b"].state, steps["c"].state) == ("omitted", "omitted")
    assert (graph.state, graph.message, graph.done) == ("failed", "a: exit code 3", 3)


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("Pending", "pending"),
        ("Succeeded", "succeeded"),
        ("Skipped", "skipped"),
        ("Omitted", "omitted"),
        ("Error", "failed"),
        ("", "pending"),
    ],
)
def test_argos_phases_have_one_word_each(phase: str, state: str) -> None:
    assert by_name(graph_of(workflow(*CHAIN, nodes=[root(), node("churn-x1.a", phase)])))["a"].state == state


def test_a_stopped_run_is_stopped_and_not_failed() -> None:
    nodes = [root("Failed"), node("churn-x1.a"), node("churn-x1.b", "Failed", message="Step exceeded its deadline")]
    graph = graph_of(workflow(*CHAIN, nodes=nodes, activeDeadlineSeconds=0))

    assert graph.state == "stopped"
    assert by_name(graph)["b"].state == "stopped"
    assert graph_of(workflow(*CHAIN, nodes=[root()], activeDeadlineSeconds=0)).state == "stopping"


def test_a_run_that_the_embedded_backend_was_told_to_stop_is_stopped() -> None:
    found = workflow(*CHAIN, nodes=[root("Failed"), node("churn-x1.a", "Failed", message="terminated")])
    found["status"]["message"] = "terminated"
    graph = graph_of(found)

    assert (graph.state, by_name(graph)["a"].state) == ("stopped", "stopped")


def test_a_step_that_ran_out_of_its_own_time_has_failed() -> None:
    nodes = [root("Failed"), node("churn-x1.a", "Failed", message="Step exceeded its deadline")]

    assert by_name(graph_of(workflow(*CHAIN, nodes=nodes)))["a"].state == "failed"


def test_a_cached_step_says_so_in_the_embedded_backend_and_in_kubeflow() -> None:
    def with_key(key: str) -> dict[str, Any]:
        return {"artifacts": [{"name": "a-model", "s3": {"key": key}}]}

    nodes = [
        root("Succeeded"),
        node("churn-x1.a", reusedFromCache=True, message="Cached from run 1234"),
        node("churn-x1.b", outputs=with_key("artifacts/other/2026/11/22/other-99/a-model.tgz")),
        node("churn-x1.c", outputs=with_key("artifacts/churn-x1/2026/11/22/id:churn-x1.c/a-model.tgz")),
    ]
    steps = by_name(graph_of(workflow(*CHAIN, nodes=nodes)))

    assert (steps["a"].state, steps["a"].message) == ("cached", "Cached from run 1234")
    assert [steps[name].state for name in "bc"] == ["cached", "succeeded"]


CONDITION = (
    dag(
        "churn",
        task("flip"),
        task("condition-1", "flip", when='"{{tasks.flip.outputs.parameters.flip-Output}}" == "heads"'),
    ),
    container("flip"),
    dag("condition-1", task("x"), task("y", "x")),
    container("x"),
    container("y"),
)


def test_a_condition_is_a_group_and_edges_stay_among_siblings() -> None:
    graph = graph_of(workflow(*CONDITION))
    steps = by_name(graph)

    assert (steps["condition-1"].kind, steps["condition-1"].when) == ("condition", "flip-Output == heads")
    assert (steps["x"].parent, steps["y"].parent) == ("condition-1", "condition-1")
    assert [(e.source, e.target) for e in graph.edges] == [
        ("condition-1.x", "condition-1.y"),
        ("flip", "condition-1"),
    ]


def test_a_skipped_condition_keeps_its_steps_as_skipped_with_the_reason() -> None:
    skipped = node("churn-x1.condition-1", "Skipped", "Skipped", message='when \'"tails" == "heads"\' evaluated false')
    steps = by_name(graph_of(workflow(*CONDITION, nodes=[root("Succeeded"), node("churn-x1.flip"), skipped])))

    assert (steps["condition-1"].state, steps["condition-1"].message) == ("skipped", "not flip-Output == heads")
    assert (steps["x"].state, steps["y"].state) == ("skipped", "skipped")


LOOP = (
    dag("churn", task("for-loop-1", withItems=["a", "b"])),
    dag("for-loop-1", task("x")),
    container("x"),
)


def test_a_loop_shows_its_body_once_before_it_runs() -> None:
    steps = graph_of(workflow(*LOOP)).steps

    assert [(s.name, s.kind, s.parent) for s in steps] == [("for-loop-1", "loop", ""), ("x", "step", "for-loop-1")]


def test_a_running_loop_shows_each_iteration_in_order() -> None:
    path = "churn-x1.for-loop-1"
    nodes = [
        root(),
        node(path, "Running", "TaskGroup"),
        node(f"{path}(10:k)", "Pending", "DAG"),
        node(f"{path}(2:b.c(0))", "Running", "DAG"),
        node(f"{path}(0:a)", "Succeeded", "DAG"),
        node(f"{path}(0:a).x"),
        node(f"{path}(2:b.c(0)).x", "Running"),
    ]
    graph = graph_of(workflow(*LOOP, nodes=nodes))

    assert [(s.name, s.kind, s.state) for s in graph.steps] == [
        ("for-loop-1", "loop", "running"),
        ("0:a", "iteration", "succeeded"),
        ("x", "step", "succeeded"),
        ("2:b.c(0)", "iteration", "running"),
        ("x", "step", "running"),
        ("10:k", "iteration", "pending"),
        ("x", "step", "pending"),
    ]
    assert len({s.id for s in graph.steps}) == 7
    assert (graph.done, graph.total) == (1, 3)


def test_attempts_in_an_iteration_are_not_taken_for_iterations() -> None:
    path = "churn-x1.for-loop-1"
    nodes = [
        root(),
        node(path, "Running", "TaskGroup"),
        node(f"{path}(0:a)", "Running", "DAG"),
        node(f"{path}(0:a).x", "Running", "Retry"),
        node(f"{path}(0:a).x(0)", "Failed", message="exit code 1"),
        node(f"{path}(0:a).x(1)", "Running"),
    ]

    assert [(s.name, s.kind) for s in graph_of(workflow(*LOOP, nodes=nodes)).steps] == [
        ("for-loop-1", "loop"),
        ("0:a", "iteration"),
        ("x", "retry"),
        ("x (attempt 1)", "step"),
        ("x (attempt 2)", "step"),
    ]


def test_a_loop_over_nothing_that_is_over_has_no_steps() -> None:
    nodes = [root("Succeeded"), node("churn-x1.for-loop-1", "Succeeded", "TaskGroup")]

    assert [s.name for s in graph_of(workflow(*LOOP, nodes=nodes)).steps] == ["for-loop-1"]


def test_a_step_with_one_attempt_is_a_step_and_one_with_several_a_group() -> None:
    path = "churn-x1.a"
    first = [root(), node(path, "Running", "Retry"), node(f"{path}(0)", "Running")]
    second = [
        root(),
        node(path, "Running", "Retry"),
        node(f"{path}(0)", "Failed", message="exit code 1"),
        node(f"{path}(1)", "Running"),
    ]
    one, two = (graph_of(workflow(*CHAIN, nodes=nodes)) for nodes in (first, second))

    assert (by_name(one)["a"].kind, by_name(one)["a"].id) == ("step", f"id:{path}(0)")
    assert (one.edges[0].source, two.edges[0].source) == (f"id:{path}(0)", f"id:{path}")
    assert by_name(two)["a"].kind == "retry"
    assert [(s.name, s.state, s.parent) for s in two.steps[1:3]] == [
        ("a (attempt 1)", "failed", f"id:{path}"),
        ("a (attempt 2)", "running", f"id:{path}"),
    ]
    assert (two.done, two.total) == (0, 3)


def test_a_step_that_failed_for_good_gives_its_last_reason() -> None:
    path = "churn-x1.a"
    nodes = [
        root("Failed"),
        node(path, "Failed", "Retry", message="No more retries left"),
        node(f"{path}(0)", "Failed", message="exit code 1"),
        node(f"{path}(1)", "Failed", message="Error (exit code 2)"),
    ]
    graph = graph_of(workflow(*CHAIN, nodes=nodes))

    assert graph.message == "a: exit code 2"
    assert (graph.done, graph.total) == (3, 3)


def test_a_run_is_called_after_its_pipeline() -> None:
    found = workflow(*CHAIN)
    found["metadata"] = {
        "name": "churn-model-x1f2",
        "annotations": {"pipelines.kubeflow.org/pipeline_spec": json.dumps({"name": "Churn model"})},
    }

    assert graph_of(found).name == "Churn model"


def test_an_exit_handler_comes_last() -> None:
    graph = graph_of(workflow(*CHAIN, container("tell"), onExit="tell"))
    begun = graph_of(
        workflow(*CHAIN, container("tell"), onExit="tell", nodes=[root(), node("churn-x1.onExit", "Running")])
    )

    assert graph.steps[-1].name == "tell"
    assert (graph.edges[-1].source, graph.edges[-1].target) == ("c", "onExit:tell")
    assert begun.steps[-1].state == "running"


def test_recursion_is_drawn_as_far_as_it_has_come() -> None:
    templates = (
        dag("churn", task("again")),
        dag("again", task("x"), task("condition-1", "x", when="1 == 1")),
        dag("condition-1", task("again")),
        container("x"),
    )
    deeper = "churn-x1.again.condition-1.again"
    nodes = [
        root(),
        node("churn-x1.again", "Running", "DAG"),
        node("churn-x1.again.x"),
        node("churn-x1.again.condition-1", "Running", "DAG"),
        node(deeper, "Running", "DAG"),
        node(f"{deeper}.x", "Running"),
    ]

    assert [s.name for s in graph_of(workflow(*templates)).steps] == ["again", "x", "condition-1", "again"]
    running = graph_of(workflow(*templates, nodes=nodes))
    assert [s.state for s in running.steps if s.name == "x"] == ["succeeded", "running"]


def test_names_given_with_set_display_name_are_shown() -> None:
    named = container("a", metadata={"annotations": {"pipelines.kubeflow.org/task_display_name": "Prepare data"}})

    assert graph_of(workflow(dag("churn", task("a")), named)).steps[0].name == "Prepare data"


def test_inputs_have_the_components_own_names_and_the_runs_values() -> None:
    template = container(
        "a",
        inputs={
            "parameters": [{"name": "rate"}, {"name": "pipeline-name"}],
            "artifacts": [{"name": "prepare-data", "path": "/tmp/inputs/data/data"}],
        },
        outputs={
            "parameters": [{"name": "a-loss", "valueFrom": {"path": "/tmp/outputs/loss/data"}}],
            "artifacts": [
                {"name": "a-model", "path": "/tmp/outputs/model/data"},
                {"name": "a-loss", "path": "/tmp/outputs/loss/data"},
            ],
        },
        metadata={
            "annotations": {
                "pipelines.kubeflow.org/arguments.parameters": json.dumps(
                    {"learning_rate": "{{inputs.parameters.rate}}", "depth": "3"}
                ),
                "pipelines.kubeflow.org/component_spec": json.dumps({"outputs": [{"name": "model", "type": "Model"}]}),
            }
        },
    )
    run = node(
        "churn-x1.a",
        inputs={"parameters": [{"name": "rate", "value": "0.1"}]},
        outputs={
            "parameters": [{"name": "a-loss", "value": "0.25"}],
            "artifacts": [{"name": "a-model", "s3": {"key": "artifacts/churn-x1/id:churn-x1.a/a-model.tgz"}}],
        },
    )
    step = graph_of(workflow(dag("churn", task("a")), template, nodes=[root("Succeeded"), run])).steps[0]

    assert step.inputs == {"learning_rate": "0.1", "depth": "3"}
    assert step.outputs == {"loss": "0.25"}
    assert [(a.name, a.type) for a in step.output_artifacts] == [("model", "Model")]
    assert step.output_artifacts[0].uri == "minio://mlpipeline/artifacts/churn-x1/id:churn-x1.a/a-model.tgz"
    assert [a.name for a in step.input_artifacts] == ["data"]


def test_argos_packed_status_is_read() -> None:
    found = workflow(*CHAIN, nodes=[root(), node("churn-x1.a")])
    nodes = json.dumps(found["status"].pop("nodes")).encode()
    found["status"]["compressedNodes"] = base64.b64encode(gzip.compress(nodes)).decode()

    assert by_name(graph_of(found))["a"].state == "succeeded"


def test_a_workflow_of_steps_is_drawn_row_by_row() -> None:
    rows = {"name": "churn", "steps": [[{"name": "a", "template": "a"}], [{"name": "b", "template": "b"}]]}
    graph = graph_of(workflow(rows, container("a"), container("b"), nodes=[root(), node("churn-x1[0].a")]))

    assert [(s.name, s.state) for s in graph.steps] == [("a", "succeeded"), ("b", "pending")]
    assert [(e.source, e.target) for e in graph.edges] == [("id:churn-x1[0].a", "b")]


@pytest.mark.parametrize("found", [{}, {"spec": {}}, {"spec": {"entrypoint": "gone", "templates": []}}])
def test_what_is_hardly_a_workflow_gives_an_empty_graph(found: dict[str, Any]) -> None:
    assert graph_of(found).steps == []


@pytest.mark.needs("corpus")
def test_every_pipeline_of_the_corpus_has_a_sound_graph() -> None:
    paths = sorted(CORPUS.glob("v*/*.yaml"))
    assert len(paths) > 60
    for path in paths:
        graph = graph_of(yaml.safe_load(path.read_text()))
        parents = {step.id: step.parent for step in graph.steps}
        assert len(parents) == len(graph.steps), path
        assert all(parent in parents or not parent for parent in parents.values()), path
        assert all(parents[edge.source] == parents[edge.target] for edge in graph.edges), path
        assert graph.total or path.name == "golden-tolerations.yaml", path


def test_only_the_standard_library_is_needed() -> None:
    import subprocess
    import sys

    program = "import sys; before = set(sys.modules); import kfops.graph; print(*sorted(set(sys.modules) - before))"
    found = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    ours = {name for name in found.stdout.split() if name.split(".")[0] not in sys.stdlib_module_names}

    ours = {name for name in ours if not name.startswith("kfops.types.")}
    assert ours == {"kfops", "kfops.argo", "kfops.errors", "kfops.graph", "kfops.nodes", "kfops.types"}


def test_steps_stand_in_the_order_in_which_they_run() -> None:
    tasks = [
        {"name": name, "template": "t", "dependencies": after}
        for name, after in (("evaluate", ["prepare", "train"]), ("prepare", []), ("train", ["prepare"]))
    ]
    spec = {"entrypoint": "p", "templates": [{"name": "p", "dag": {"tasks": tasks}}, {"name": "t", "container": {}}]}
    assert [step.name for step in graph_of({"spec": spec}).steps] == ["prepare", "train", "evaluate"]


def test_a_runs_step_shows_the_image_that_it_really_has() -> None:
    image = "registry/trainer:{{workflow.parameters.version_id}}"
    spec = {
        "entrypoint": "t",
        "templates": [{"name": "t", "container": {"image": image}}],
        "arguments": {"parameters": [{"name": "version_id", "value": "5f0c"}]},
    }
    assert graph_of({"spec": spec}).steps[0].image == image
    assert graph_of({"spec": spec, "status": {"phase": "Running"}}).steps[0].image == "registry/trainer:5f0c"
