"""What the v2 launcher does around components, as it is seen by those that follow and by a second run."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import V1EnvVar

from kfops.local.execution.environment import inherited
from kfops.local.executors.warm import WarmExecutor
from tests.fakes import v2_components
from tests.fakes.engine import Ended, engine_in


def produced_and_consumed() -> None:
    made = v2_components.produce()
    v2_components.consume(made.outputs["data"], made.outputs["model"], made.outputs["folder"])


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Ended]:
    """Two runs of the same pipeline."""
    folder = tmp_path_factory.mktemp("twice")
    workflow = v2_components.compiled(produced_and_consumed, folder)

    async def run() -> list[Ended]:
        executor = WarmExecutor(environment=inherited(os.environ))
        async with engine_in(folder / "data", executor=executor) as runs:
            return [await runs.run(workflow, f"run-{number}", f"wf{number}") for number in range(2)]

    return asyncio.run(run())


def told(ended: Ended, name: str) -> Any:
    """Return the outputs of a node, without where its files are."""
    outputs = ended.nodes[name]["outputs"]
    return [[a["name"] for a in outputs["artifacts"]], outputs.get("parameters"), outputs["exitCode"]]


def test_a_component_reads_what_another_has_written(twice: list[Ended]) -> None:
    first = twice[0]
    assert first.phase == "Succeeded", first.log("consume")
    seen = first.log("consume")
    assert "Dataset /minio/mlpipeline/v2/artifacts/pipeline/components/run-0/produce/data" in seen
    assert "('ready', 1), ('rows', 3), ('source', 'made up'), ('tags', {'list': ['a', 'b']})" in seen
    assert "Model sklearn 256" in seen
    assert "['below']" in seen


def test_a_second_run_takes_it_all_from_the_cache(twice: list[Ended]) -> None:
    first, second = twice
    assert second.phase == "Succeeded"
    for name in ("produce", "consume"):
        assert second.nodes[name]["reusedFromCache"] is True
        assert told(second, name) == told(first, name)


def measured() -> None:
    v2_components.measure()


def measured_otherwise() -> None:
    """The same component once more, under other names and with others that want what it gives."""
    first = v2_components.measure()
    first.container.add_env_variable(V1EnvVar(name="OTHER", value="1"))
    first.execution_options.caching_strategy.max_cache_staleness = "P0D"
    second = v2_components.measure().after(v2_components.counts_on(first.outputs["size"]))
    v2_components.counts_on(second.outputs["size"])


def runs_of(folder: Path, *workflows: dict[str, Any]) -> list[Ended]:
    """Return the runs of workflows, one after the other and with the same memory."""

    async def run() -> list[Ended]:
        executor = WarmExecutor(environment=inherited(os.environ))
        async with engine_in(folder / "data", executor=executor) as runs:
            return [await runs.run(each, f"run-{n}", f"wf{n}") for n, each in enumerate(workflows)]

    return asyncio.run(run())


def test_a_component_is_known_again_in_whatever_task_it_stands(tmp_path: Path) -> None:
    parameters = [{"name": "pipeline-output-directory", "value": "gs://team/elsewhere"}]
    again = v2_components.compiled(measured_otherwise, tmp_path)
    again["spec"]["arguments"]["parameters"][0] = parameters[0]
    first, second = runs_of(tmp_path, v2_components.compiled(measured, tmp_path), again)
    assert (first.phase, second.phase) == ("Succeeded", "Succeeded")
    for name in ("measure", "measure-2"):
        assert second.nodes[name]["reusedFromCache"] is True
        assert second.output(name, f"{name}-size") == "5"
        names = [artifact["name"] for artifact in second.nodes[name]["outputs"]["artifacts"]]
        assert names == [f"{name}-metrics", f"{name}-size"]
    assert second.log("counts-on").splitlines()[-1] == "5"
    assert "reusedFromCache" not in second.nodes["counts-on"]
    assert second.nodes["counts-on-2"]["phase"] == "Succeeded"


def changed(workflow: dict[str, Any], name: str, old: str, new: str) -> dict[str, Any]:
    """Return a workflow of which one template has another text somewhere."""
    found: dict[str, Any] = json.loads(json.dumps(workflow))
    templates = found["spec"]["templates"]
    for number, template in enumerate(templates):
        if template["name"] == name:
            assert old in json.dumps(template)
            templates[number] = json.loads(json.dumps(template).replace(old, new))
    return found


def test_another_pipeline_image_or_command_and_a_switch_make_it_another_step(tmp_path: Path) -> None:
    made = v2_components.compiled(measured, tmp_path)
    elsewhere = json.loads(json.dumps(made).replace("pipeline/components", "pipeline/others"))
    switched = changed(made, "measure", 'caching": "true"', 'caching": "false"')
    packages = changed(made, "measure", "'kfp==1.7.0'", "'kfp==1.7.0' 'urllib3'")
    ends = runs_of(tmp_path, made, elsewhere, changed(made, "measure", "python:3.7", "python:3.8"), switched, packages)
    assert [end.phase for end in ends] == ["Succeeded"] * 5
    assert not any("reusedFromCache" in end.nodes["measure"] for end in ends)


def test_a_root_that_holds_no_artifacts_fails_a_step_that_is_remembered(tmp_path: Path) -> None:
    made = v2_components.compiled(measured, tmp_path)
    elsewhere = json.loads(json.dumps(made))
    elsewhere["spec"]["arguments"]["parameters"][0]["value"] = "file:///tmp/here"
    assert [end.phase for end in runs_of(tmp_path, made, elsewhere)] == ["Succeeded", "Failed"]


def test_the_newest_of_some_that_are_the_same_is_taken(tmp_path: Path) -> None:
    def asks_twice() -> None:
        v2_components.says_the_time()
        v2_components.says_the_time()

    first, second = runs_of(tmp_path, *[v2_components.compiled(asks_twice, tmp_path)] * 2)
    given = {first.log("says-the-time"), first.log("says-the-time-2")}
    assert len(given) == 2
    for name in ("says-the-time", "says-the-time-2"):
        assert second.nodes[name]["reusedFromCache"] is True
    keys = {second.nodes[name]["outputs"]["artifacts"][0]["s3"]["key"] for name in second.nodes if "time" in name}
    assert len(keys) == 1


def test_a_step_from_the_cache_has_its_metrics_too(tmp_path: Path) -> None:
    async def run() -> list[tuple[str, str, Any]]:
        executor = WarmExecutor(environment=inherited(os.environ))
        async with engine_in(tmp_path / "data", executor=executor) as runs:
            for number in range(2):
                await runs.run(v2_components.compiled(measured, tmp_path), f"run-{number}", f"wf{number}")
            return runs.records.metrics

    found = asyncio.run(run())
    assert [run_id for run_id, _, _ in found] == ["run-0", "run-1"]
    assert found[0][2] == found[1][2] == [{"name": "size", "numberValue": 5, "format": "RAW"}]


def test_the_root_of_a_pipeline_that_has_none_may_be_configured(tmp_path: Path) -> None:
    workflow = v2_components.compiled(v2_components.produce, tmp_path)
    config = {"kfp-launcher": {"defaultPipelineRoot": "gs://team/root?x=y"}}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secrets.yaml").write_text(json.dumps(config))

    async def run() -> Ended:
        executor = WarmExecutor(environment=inherited(os.environ))
        async with engine_in(tmp_path / "data", executor=executor) as runs:
            return await runs.run(workflow)

    assert asyncio.run(run()).phase == "Succeeded"
    stored = tmp_path / "data" / "artifacts" / "gs" / "team" / "root" / "pipeline" / "components" / "run-1" / "produce"
    assert (stored / "data").read_text() == "1,2,3\n"


def ended_by_itself() -> None:
    v2_components.exits()


def test_a_component_ends_with_the_launchers_exit_code_and_its_own_is_told_beside_it(tmp_path: Path) -> None:
    ended = runs_of(tmp_path, v2_components.compiled(ended_by_itself, tmp_path))[0]
    node = ended.nodes["exits"]
    assert (node["phase"], node["outputs"]["exitCode"]) == ("Failed", "1")
    assert node["message"] == "Error (exit code 1): the component's command: Error (exit code 3)"
