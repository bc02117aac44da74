"""The v2 launcher's work: what it tells a step, and what it makes of what the step leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfops.local import launcher
from kfops.local.artifacts import ArtifactStore
from kfops.local.mlmd import artifact_record, parameter_text, parameter_value, runtime_artifact

RUNTIME: dict[str, Any] = {
    "inputParameters": {"n": {"type": "INT"}, "rate": {"type": "DOUBLE"}, "text": {"type": "STRING"}},
    "inputArtifacts": {
        "data": {"metadataPath": "/tmp/inputs/data/data", "schemaTitle": "system.Dataset", "instanceSchema": ""}
    },
    "outputParameters": {"out": {"type": "STRING", "path": "/tmp/outputs/out/data"}},
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
            json.dumps(artifact_record("data", "system.Dataset", "minio://mlpipeline/in/data", {"rows": 3.0})),
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

    def prepare(self, launch: launcher.Launch, **options: str) -> launcher.Launched:
        return launcher.prepare(launch, self.host, self.store, **options)

    def finish(self, launched: launcher.Launched, told: Any = None, out: str | None = "text") -> list[dict[str, Any]]:
        """Leave what a command leaves, and finish."""
        if out is not None:
            self.write("/tmp/outputs/out/data", out)
        if told is not None:
            self.write(launcher.OUTPUT_FILE, told if isinstance(told, str) else json.dumps(told))
        return launcher.finish(launched, self.host, self.store)

    def handed_on(self, output: str) -> dict[str, Any]:
        """Return what the next step is told about an output artifact."""
        return runtime_artifact(json.loads(self.host(f"/tmp/outputs/{output}/data").read_text()))


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


def told_of(launched: launcher.Launched) -> dict[str, Any]:
    """Return what a command is told that asks for it with ``{{$}}`` alone."""
    return dict(json.loads(launched.argv[-1]))


def reported(uri: str, **metadata: Any) -> dict[str, Any]:
    """Return what kfp's executor says about an artifact."""
    return {"artifacts": [{"name": "", "uri": uri, "metadata": metadata}]}


def test_the_executor_input_tells_inputs_and_outputs(step: Step) -> None:
    told = told_of(step.prepare(step.launch("python3", "{{$}}")))
    assert told["inputs"]["parameters"] == {
        "n": {"intValue": "3"},
        "rate": {"doubleValue": 0.5},
        "text": {"stringValue": "a=b -- c"},
    }
    [data] = told["inputs"]["artifacts"]["data"]["artifacts"]
    assert data.pop("name").isdigit()
    assert data == {
        "uri": "minio://mlpipeline/in/data",
        "type": {"schemaTitle": "system.Dataset"},
        "metadata": {"rows": 3, "display_name": "data"},
    }
    [model] = told["outputs"]["artifacts"]["model"]["artifacts"]
    assert model == {
        "name": "model",
        "uri": "minio://mlpipeline/v2/artifacts/pipeline/p/r1/train/model",
        "type": {"schemaTitle": "system.Model"},
        "metadata": {},
    }
    assert told["outputs"]["parameters"] == {"out": {"outputFile": "/tmp/outputs/out/data"}}
    assert told["outputs"]["outputFile"] == "/tmp/kfp_outputs/output_metadata.json"


def test_what_there_is_none_of_is_not_in_the_executor_input(step: Step) -> None:
    launched = step.prepare(step.launch("{{$}}", runtime={"inputParameters": {"text": {"type": "STRING"}}}, text=""))
    assert told_of(launched) == {
        "inputs": {"parameters": {"text": {"stringValue": ""}}},
        "outputs": {"outputFile": "/tmp/kfp_outputs/output_metadata.json"},
    }


def test_the_executor_input_is_written_as_it_is_read(step: Step) -> None:
    assert "äöü €" in step.prepare(step.launch("{{$}}", text="äöü €")).argv[0]
    assert "?" in step.prepare(step.launch("{{$}}", text="half a pair: \ud83d")).argv[0]


def test_an_instance_schema_is_told_in_place_of_a_title(step: Step) -> None:
    runtime = {"outputArtifacts": {"a": {"instanceSchema": "title: kfp.X\n", "metadataPath": "/tmp/outputs/a/data"}}}
    told = told_of(step.prepare(step.launch("{{$}}", runtime=runtime)))
    assert told["outputs"]["artifacts"]["a"]["artifacts"][0]["type"] == {"instanceSchema": "title: kfp.X\n"}


def test_artifacts_in_s3_know_their_region(step: Step) -> None:
    launched = step.prepare(step.launch("{{$}}", root="s3://bucket/root"), region="eu-central-1")
    [model] = told_of(launched)["outputs"]["artifacts"]["model"]["artifacts"]
    assert model["metadata"] == {"s3_region": "eu-central-1"}
    step.finish(launched, {"artifacts": {"model": reported("", framework="x")}})
    assert step.handed_on("model")["metadata"] == {
        "display_name": "model",
        "s3_region": "eu-central-1",
        "framework": "x",
    }


def test_placeholders_of_the_launcher_are_replaced(step: Step) -> None:
    launched = step.prepare(
        step.launch(
            "{{$.inputs.parameters['text']}}",
            "{{$.inputs.parameters['n']}} {{$.inputs.parameters['rate']}}",
            "{{$.inputs.artifacts['data'].path}}",
            "{{$.inputs.artifacts['data'].uri}}",
            "{{$.outputs.artifacts['model'].path}}",
            "--uri={{$.outputs.artifacts['model'].uri}}",
            "{{$.outputs.parameters['out'].output_file}}",
            "{{$.unknown}}",
            root="gs://bucket/root/",
            n="+007",
            rate="1e-3",
        )
    )
    assert launched.argv == [
        "a=b -- c",
        "7 0.001",
        "/minio/mlpipeline/in/data",
        "minio://mlpipeline/in/data",
        "/gcs/bucket/root/pipeline/p/r1/train/model",
        "--uri=gs://bucket/root/pipeline/p/r1/train/model",
        "/tmp/outputs/out/data",
        "{{$.unknown}}",
    ]


def test_input_artifacts_are_a_copy_of_the_steps_own(step: Step) -> None:
    step.prepare(step.launch("true"))
    step.host("/minio/mlpipeline/in/data").write_text("changed by the step")
    assert step.store.path_of("minio://mlpipeline/in/data").read_text() == "1,2,3"


def test_an_input_that_its_step_keeps_elsewhere_has_a_uri_and_no_path(step: Step) -> None:
    step.write("/tmp/inputs/data/data", json.dumps(artifact_record("data", "system.Dataset", "https://host/x", {})))
    launched = step.prepare(step.launch("{{$.inputs.artifacts['data'].uri}} {{$.inputs.artifacts['data'].path}}"))
    assert launched.argv == ["https://host/x {{$.inputs.artifacts['data'].path}}"]


def test_what_the_step_leaves_is_stored_and_handed_on(step: Step) -> None:
    launched = step.prepare(step.launch("{{$}}"))
    uri = told_of(launched)["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    step.write(f"/minio/{uri.partition('://')[2]}/weights.bin", "w")
    step.host(f"/minio/{uri.partition('://')[2]}/empty").mkdir()
    made = step.finish(
        launched,
        {
            "parameters": {"out": {"intValue": 7}},
            "artifacts": {
                "model": reported(uri, framework="sklearn"),
                "metrics": reported("", accuracy=0.9, note="good"),
            },
        },
    )
    assert step.host("/tmp/outputs/out/data").read_text() == "7"
    assert [path.name for path in step.store.path_of(uri).iterdir()] == ["weights.bin"]
    assert step.handed_on("model")["uri"] == uri
    assert {record["type"] for record in made} == {"system.Model", "system.Metrics"}
    assert launcher.metrics(made) == [{"name": "accuracy", "numberValue": 0.9, "format": "RAW"}]


def test_an_artifact_that_the_step_did_not_write_is_handed_on_all_the_same(step: Step) -> None:
    step.finish(step.prepare(step.launch("true")))
    assert step.handed_on("model")["uri"].endswith("/train/model")


def test_an_artifact_that_is_an_empty_folder_is_one_that_was_not_written(step: Step) -> None:
    launched = step.prepare(step.launch("{{$}}"))
    uri = told_of(launched)["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    step.host(f"/minio/{uri.partition('://')[2]}").mkdir()
    step.finish(launched)
    assert not step.store.path_of(uri).exists()


def test_metadata_come_back_as_a_metadata_store_gives_them(step: Step) -> None:
    metadata = {"text": "x", "whole": 3, "half": 0.5, "yes": True, "several": [1, "two"], "named": {"a": None}}
    step.finish(step.prepare(step.launch("true")), {"artifacts": {"model": reported("", **metadata)}})
    assert step.handed_on("model")["metadata"] == {
        "display_name": "model",
        "text": "x",
        "whole": 3,
        "half": 0.5,
        "yes": 1,
        "several": {"list": [1, "two"]},
        "named": {"struct": {"a": None}},
    }


def test_metadata_that_are_null_are_an_error(step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="'model': the metadata 'x' are null"):
        step.finish(step.prepare(step.launch("true")), {"artifacts": {"model": reported("", x=None)}})


@pytest.mark.parametrize("uri", ["https://host/model", "bq://project.table"])
def test_an_artifact_may_be_kept_by_the_step_itself(uri: str, step: Step) -> None:
    step.finish(step.prepare(step.launch("true")), {"artifacts": {"model": reported(uri)}})
    assert step.handed_on("model")["uri"] == uri


@pytest.mark.parametrize("uri", ["gs://elsewhere/model", "minio://mlpipeline/v2/artifacts-of-others/x"])
def test_an_artifact_outside_of_the_pipelines_root_cannot_be_stored(uri: str, step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="is not below minio://mlpipeline/v2/artifacts"):
        step.finish(step.prepare(step.launch("true")), {"artifacts": {"model": reported(uri)}})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"stringValue": "x"}, "x"),
        ({"intValue": "12"}, "12"),
        ({"doubleValue": 0.1}, "0.1"),
        ({"doubleValue": 2.0}, "2"),
        ({"doubleValue": 1e22}, "10000000000000000000000"),
        ({"doubleValue": 1e-7}, "0.0000001"),
        ({"stringValue": "[1, 2]"}, "[1, 2]"),
    ],
)
def test_output_parameters_are_written_as_text(step: Step, value: dict[str, Any], text: str) -> None:
    step.finish(step.prepare(step.launch("true")), {"parameters": {"out": value}})
    assert step.host("/tmp/outputs/out/data").read_text() == text


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [("INT", "seven", "'seven' is not of type INT"), ("DOUBLE", "", "'' is not of type DOUBLE"), ("JSON", "1", "JSON")],
)
def test_an_output_parameter_must_have_its_type(kind: str, text: str, message: str, step: Step) -> None:
    runtime = {"outputParameters": {"out": {"type": kind, "path": "/tmp/outputs/out/data"}}}
    with pytest.raises(launcher.LauncherError, match=message):
        step.finish(step.prepare(step.launch("true", runtime=runtime)), out=text)


def test_an_output_parameter_may_have_space_around_its_number(step: Step) -> None:
    runtime = {"outputParameters": {"out": {"type": "INT", "path": "/tmp/outputs/out/data"}}}
    step.finish(step.prepare(step.launch("true", runtime=runtime)), out=" 7\n")


def test_an_output_parameter_must_be_written(step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="'out' was not written: No such file"):
        step.finish(step.prepare(step.launch("true")), out=None)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        "no JSON",
        '{"artifacts": {"model": [1]}}',
        '{"artifacts": {"model": {"metadata": NaN}}}',
        '{"parameters": 3}',
    ],
)
def test_an_account_that_cannot_be_read_is_an_error(told: str, step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="the executor's output cannot be read"):
        step.finish(step.prepare(step.launch("true")), told)


@pytest.mark.parametrize("root", ["dummy_root", "file:///tmp/x", "http://host/x", "/tmp/x", "minio://", "gs:///x"])
def test_a_pipeline_root_that_cannot_hold_artifacts_is_an_error_before_anything_runs(step: Step, root: str) -> None:
    with pytest.raises(launcher.LauncherError):
        step.prepare(step.launch("true", root=root))


def test_a_pipeline_root_is_not_looked_at_by_a_step_that_makes_no_artifacts(step: Step) -> None:
    assert step.prepare(step.launch("true", root="dummy_root", runtime={})).argv == ["true"]


def test_the_error_says_which_roots_there_are(step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="gs://, s3:// and minio://"):
        step.prepare(step.launch("true", root="dummy_root"))


@pytest.mark.parametrize(
    ("root", "uri"),
    [
        ("gs://bucket", "gs://bucket/pipeline/p/r1/train/model"),
        ("minio://bucket//a/./b/?region=x", "minio://bucket/a/b/pipeline/p/r1/train/model"),
        ("", "minio://of/config/pipeline/p/r1/train/model"),
    ],
)
def test_a_pipeline_root_is_tidied_and_may_come_from_the_config_map(step: Step, root: str, uri: str) -> None:
    launched = step.prepare(step.launch("{{$}}", root=root), default_root="minio://of/config")
    assert told_of(launched)["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == uri


def test_a_parameter_of_another_type_is_an_error(step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="'three' is not of type INT"):
        step.prepare(step.launch("true", n="three"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("INT", "1_000"),
        ("INT", " 1"),
        ("INT", "9223372036854775808"),
        ("DOUBLE", "1e999"),
        ("DOUBLE", "1_0.5"),
        ("X", ""),
    ],
)
def test_numbers_are_those_of_the_launcher_not_of_python(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match="type"):
        parameter_value(kind, text)


@pytest.mark.parametrize(
    ("kind", "text", "seen"),
    [("INT", "-0012", "-12"), ("DOUBLE", "1e3", "1000"), ("DOUBLE", "inf", "+Inf"), ("STRING", " x ", " x ")],
)
def test_a_parameter_is_seen_as_the_launcher_writes_it(kind: str, text: str, seen: str) -> None:
    assert parameter_text(parameter_value(kind, text)) == seen


def test_an_input_that_is_no_artifact_is_an_error(step: Step) -> None:
    step.write("/tmp/inputs/data/data", "not JSON")
    with pytest.raises(launcher.LauncherError, match="'data'"):
        step.prepare(step.launch("true"))


def test_an_undeclared_output_parameter_is_an_error(step: Step) -> None:
    with pytest.raises(launcher.LauncherError, match="'other'"):
        step.finish(step.prepare(step.launch("true")), {"parameters": {"other": {"intValue": 7}}})


def test_a_launcher_without_a_command_or_a_readable_runtime_info_is_an_error() -> None:
    for argv in (["--", "--"], ["--", "a=b"], ["--runtime_info_json"], ["--runtime_info_json", "no", "--", "--", "x"]):
        with pytest.raises(launcher.LauncherError):
            launcher.parse(["/kfp-launcher/launch", *argv])
