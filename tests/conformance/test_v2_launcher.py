"""What the v2 launcher does around components, as it is seen by those that follow and by a second run."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

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
