"""The v2 launcher's work: what it tells a step, and what it makes of what the step leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfops.local import launcher
from kfops.local.artifacts import ArtifactStore

RUNTIME: dict[str, Any] = {
    "inputParameters": {"n": {"type": "INT"}, "rate": {"type": "DOUBLE"}, "text": {"type": "STRING"}},
    "inputArtifacts": {
        "data": {"metadataPath": "/tmp/inputs/data/data", "schemaTitle": "system.Dataset", "instanceSchema": ""}
    },
    "outputParameters": {"out": {"type": "INT", "path": "/tmp/outputs/out/data"}},
    "outputArtifacts": {
        "model": {"schemaTitle": "system.Model", "instanceSchema": "", "metadataPath": "/tmp/outputs/model/data"},
        "metrics": {"schemaTitle": "system.Metrics", "instanceSchema": "", "metadataPath": "/tmp/outputs/metrics/data"},
    },
}


class Step:
    """A step's file system, and the artifacts of the backend."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.store = ArtifactStore(folder / "artifacts")
        self.write(
            "/tmp/inputs/data/data",
            json.dumps({"uri": "minio://mlpipeline/in/data", "customProperties": {"rows": {"doubleValue": 3.0}}}),
        )
        source = folder / "source"
        source.write_text("1,2,3")
        self.store.save_uri("minio://mlpipeline/in/data", source)

    def host(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        self.host(path).parent.mkdir(parents=True, exist_ok=True)
        self.host(path).write_text(text)

    def launch(
        self, *command: str, root: str = "", runtime: dict[str, Any] | None = None, **given: str
    ) -> launcher.Launch:
        values = {"n": "3", "rate": "0.5", "text": "a=b -- c", **given}
        argv = ["/kfp-launcher/launch", "--runtime_info_json", json.dumps(RUNTIME if runtime is None else runtime)]
        argv += ["--task_name", "train", "--pipeline_name", "pipeline/p", "--run_id", "r1", "--pipeline_root", root]
        argv += ["--", *(f"{key}={value}" for key, value in values.items()), "--", *command]
        found = launcher.parse(argv)
        assert found is not None
        return found

    def prepare(self, launch: launcher.Launch) -> tuple[list[str], dict[str, Any]]:
        return launcher.prepare(launch, self.host, self.store)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(tmp_path)


def test_another_command_is_no_launcher() -> None:
    assert launcher.parse(["sh", "-c", "true"]) is None


def test_the_command_line_is_taken_apart(step: Step) -> None:
    launch = step.launch("sh", "-c", "x", "--", "y")
    assert launch.parameters == {"n": "3", "rate": "0.5", "text": "a=b -- c"}
    assert launch.command == ["sh", "-c", "x", "--", "y"]
    assert launch.options["task_name"] == "train"


def test_the_executor_input_tells_inputs_and_outputs(step: Step) -> None:
    argv, told = step.prepare(step.launch("python3", "{{$}}"))
    assert json.loads(argv[1]) == told
    assert told["inputs"]["parameters"] == {
        "n": {"intValue": "3"},
        "rate": {"doubleValue": 0.5},
        "text": {"stringValue": "a=b -- c"},
    }
    [data] = told["inputs"]["artifacts"]["data"]["artifacts"]
    assert (data["uri"], data["type"], data["metadata"]) == (
        "minio://mlpipeline/in/data",
        {"schemaTitle": "system.Dataset"},
        {"rows": 3.0},
    )
    [model] = told["outputs"]["artifacts"]["model"]["artifacts"]
    assert model["uri"] == "minio://mlpipeline/v2/artifacts/pipeline/p/r1/train/model"
    assert model["type"] == {"schemaTitle": "system.Model"}
    assert told["outputs"]["parameters"] == {"out": {"outputFile": "/tmp/outputs/out/data"}}
    assert told["outputs"]["outputFile"] == "/tmp/kfp_outputs/output_metadata.json"


def test_placeholders_of_the_launcher_are_replaced(step: Step) -> None:
    argv, _ = step.prepare(
        step.launch(
            "{{$.inputs.parameters['text']}}",
            "{{$.inputs.artifacts['data'].path}}",
            "{{$.inputs.artifacts['data'].uri}}",
            "{{$.outputs.artifacts['model'].path}}",
            "{{$.outputs.parameters['out'].output_file}}",
            "{{$.unknown}}",
            root="gs://bucket/root/",
        )
    )
    assert argv == [
        "a=b -- c",
        "/minio/mlpipeline/in/data",
        "minio://mlpipeline/in/data",
        "/gcs/bucket/root/pipeline/p/r1/train/model",
        "/tmp/outputs/out/data",
        "{{$.unknown}}",
    ]


def test_input_artifacts_are_a_copy_of_the_steps_own(step: Step) -> None:
    step.prepare(step.launch("true"))
    step.host("/minio/mlpipeline/in/data").write_text("changed by the step")
    assert step.store.path_of("minio://mlpipeline/in/data").read_text() == "1,2,3"


def test_what_the_step_leaves_is_stored_and_handed_on(step: Step) -> None:
    launch = step.launch("true")
    _, told = step.prepare(launch)
    uri = told["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    local = "/minio/" + uri.partition("://")[2]
    step.write(local + "/weights.bin", "w")
    account = {
        "parameters": {"out": {"intValue": 7}},
        "artifacts": {
            "model": {"artifacts": [{"name": "model", "uri": uri, "metadata": {"framework": "sklearn"}}]},
            "metrics": {"artifacts": [{"name": "metrics", "uri": "", "metadata": {"accuracy": 0.9, "note": "good"}}]},
        },
    }
    step.write(launcher.OUTPUT_FILE, json.dumps(account))
    made = launcher.finish(launch, told, step.host, step.store)
    assert step.host("/tmp/outputs/out/data").read_text() == "7"
    assert (step.store.path_of(uri) / "weights.bin").read_text() == "w"
    handed = json.loads(step.host("/tmp/outputs/model/data").read_text())
    assert handed["uri"] == uri
    assert handed["type"] == "system.Model"
    assert handed["customProperties"]["framework"] == {"stringValue": "sklearn"}
    assert launcher.metrics(made) == [{"name": "accuracy", "numberValue": 0.9, "format": "RAW"}]


def test_an_artifact_that_the_step_did_not_write_is_handed_on_all_the_same(step: Step) -> None:
    launch = step.launch("true")
    _, told = step.prepare(launch)
    launcher.finish(launch, told, step.host, step.store)
    assert json.loads(step.host("/tmp/outputs/model/data").read_text())["uri"].endswith("/train/model")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"stringValue": "x"}, "x"),
        ({"intValue": "12"}, "12"),
        ({"doubleValue": 0.1}, "0.1"),
        ({"doubleValue": 2.0}, "2"),
        ({"stringValue": "[1, 2]"}, "[1, 2]"),
    ],
)
def test_output_parameters_are_written_as_text(step: Step, value: dict[str, Any], text: str) -> None:
    launch = step.launch("true")
    _, told = step.prepare(launch)
    step.write(launcher.OUTPUT_FILE, json.dumps({"parameters": {"out": value}}))
    launcher.finish(launch, told, step.host, step.store)
    assert step.host("/tmp/outputs/out/data").read_text() == text


@pytest.mark.parametrize("root", ["dummy_root", "file:///tmp/x", "http://host/x", "/tmp/x"])
def test_a_pipeline_root_that_cannot_hold_artifacts_is_an_error_that_says_so(step: Step, root: str) -> None:
    with pytest.raises(launcher.LauncherError, match="gs://, s3:// and minio://"):
        step.prepare(step.launch("true", root=root))


def test_a_pipeline_root_is_not_looked_at_by_a_step_without_artifacts(step: Step) -> None:
    runtime = {"inputParameters": {}, "inputArtifacts": {}, "outputParameters": {}, "outputArtifacts": {}}
    assert step.prepare(step.launch("true", root="dummy_root", runtime=runtime))[0] == ["true"]


def test_a_parameter_of_another_type_is_an_error(step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="'three' is not of type INT"):
        step.prepare(step.launch("true", n="three"))


def test_an_input_that_is_no_artifact_is_an_error(step: Step) -> None:
    step.write("/tmp/inputs/data/data", "not JSON")
    with pytest.raises(launcher.LauncherError, match="'data'"):
        step.prepare(step.launch("true"))


def test_an_undeclared_output_parameter_is_an_error(step: Step) -> None:
    launch = step.launch("true")
    _, told = step.prepare(launch)
    step.write(launcher.OUTPUT_FILE, json.dumps({"parameters": {"other": {"intValue": 7}}}))
    with pytest.raises(launcher.LauncherError, match="'other'"):
        launcher.finish(launch, told, step.host, step.store)
