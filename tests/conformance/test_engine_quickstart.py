"""The quickstart on a machine whose kernel gives steps no namespaces of their own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import kfops
from kfops.local.executors.process import ProcessExecutor
from tests.fakes.engine import executed

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"


def test_without_namespaces_the_quickstart_comes_to_the_same_end(tmp_path: Path) -> None:
    package = kfops.compile(QUICKSTART)
    # as the API does it before it hands a run to the engine
    workflow = json.loads(json.dumps(package.workflow).replace("{{workflow.uid}}", "run-77"))
    for parameter in workflow["spec"]["arguments"]["parameters"]:
        if parameter["name"] == "version_id":
            parameter["value"] = "version-1"
    ended = executed(workflow, tmp_path, executor=ProcessExecutor(namespaces=False))
    assert ended.phase == "Succeeded", ended.log("train")
    assert "accuracy" in ended.log("evaluate")
    manifest = json.loads((tmp_path / "models" / "run-77" / "kfops-model.json").read_text("utf-8"))
    assert manifest["version_id"] == "version-1"
    assert [file["path"] for file in manifest["files"]] == ["model.joblib"]
    assert not os.path.exists("/tmp/models"), "the next run would find it"
