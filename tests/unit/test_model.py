"""materialize_model() in a pipeline, its step really run; and materialize() from a notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

import kfops
from kfops import compiler, model
from kfops.errors import CompileError, InvalidInput, KfopsError, ModelError
from kfops.models import FolderStore, deposit

RUN = "0b3c2f1e-run"


@pytest.fixture(autouse=True)
def _in_a_folder_without_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pipeline_with(body: Callable[[Any], Any], kind: str = "Model") -> Callable[[], None]:
    """Return a pipeline whose `train` writes an output `model` of a type, which `body` is given."""
    from kfp import components, dsl

    train = components.load_component_from_text(
        f"name: train\noutputs: [{{name: model, type: {kind}}}]\n"
        "implementation: {container: {image: i, command: [train], args: [{outputPath: model}]}}"
    )

    @dsl.pipeline(name="churn")
    def churn() -> None:
        body(train())

    return churn


def step_of(package: Any) -> dict[str, Any]:
    return next(t for t in package.workflow["spec"]["templates"] if t["name"] == "materialize-model")


def run_step(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the compiled step as a pod would, with an interpreter that has none of our code."""
    package = compiler.compile(
        pipeline_with(lambda train: model.materialize_model(model=train.outputs["model"])), mode="V1_LEGACY"
    )
    container = step_of(package)["container"]
    given = {v["name"]: v["value"] for v in container["env"] if "value" in v}
    given = {
        k: v.replace("{{workflow.uid}}", RUN).replace("{{workflow.parameters.version_id}}", "v-7")
        for k, v in given.items()
    }
    _, *command = container["command"]
    return subprocess.run(
        [sys.executable, *command, str(path)],
        env={"PATH": os.environ["PATH"], **given, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.joblib").write_bytes(b"weights")
    return folder


def test_the_step_puts_the_model_under_the_runs_id_with_its_lineage(folder: Path, tmp_path: Path) -> None:
    found = run_step(folder, KFOPS_MODEL_STORE=str(tmp_path / "store"))

    assert found.returncode == 0, found.stdout
    assert f"1 file, 7 bytes, to {tmp_path}/store/{RUN}" in found.stdout
    version = FolderStore(tmp_path / "store").get(RUN)
    assert (version.run_id, version.version_id, version.pipeline_name, version.name) == (RUN, "v-7", "churn", "churn")
    assert (version.notebook, version.size) == ("", 7)
    assert (FolderStore(tmp_path / "store").fetch(RUN) / "model.joblib").read_bytes() == b"weights"


def test_the_step_run_again_leaves_one_whole_model(folder: Path, tmp_path: Path) -> None:
    assert run_step(folder, KFOPS_MODEL_STORE=str(tmp_path / "store")).returncode == 0
    (folder / "model.joblib").write_bytes(b"other")
    assert run_step(folder, KFOPS_MODEL_STORE=str(tmp_path / "store")).returncode == 0

    assert [m.size for m in FolderStore(tmp_path / "store").list()] == [5]
    assert os.listdir(tmp_path / "store") == [RUN]


def test_a_step_that_cannot_says_why_in_one_line(tmp_path: Path, folder: Path) -> None:
    missing = run_step(tmp_path / "gone", KFOPS_MODEL_STORE=str(tmp_path / "store"))
    no_keys = run_step(folder)

    assert (missing.returncode, missing.stdout) == (1, f"error: There is no {tmp_path}/gone.\n")
    assert no_keys.returncode == 1
    assert no_keys.stdout.startswith("error: The step has no keys for the model store; the Secret mlpipeline-minio")


def test_argo_finds_nothing_to_replace_in_the_program() -> None:
    text = Path(deposit.__file__).read_text()

    assert "{{" not in text
    assert "}}" not in text


@pytest.mark.parametrize("mode", ["V1_LEGACY", "V2_COMPATIBLE"])
@pytest.mark.parametrize("kind", ["Model", "TrainedModelBinary", "Artifact"])
def test_any_model_is_taken_as_it_is_with_types_checked(mode: str, kind: str) -> None:
    package = compiler.compile(
        pipeline_with(lambda train: model.materialize_model(model=train.outputs["model"]), kind), mode=mode
    )

    step = next(s for s in package.graph.steps if s.name == "materialize model")
    assert step.image == "python:3.9"
    assert [artifact.name for artifact in step.input_artifacts] == ["model"]
    assert kfops.materialize_model is model.materialize_model


MISUSES = {
    "a dataset": (lambda train: model.materialize_model(model=train.outputs["model"]), "Dataset", "is not a model"),
    "a number": (lambda train: model.materialize_model(model=train.outputs["model"]), "Float", "is not a model"),
    "text": (lambda train: model.materialize_model(model="./model"), "Model", "takes the output of a step"),
}


@pytest.mark.parametrize("case", MISUSES.values(), ids=MISUSES.keys())
def test_what_is_not_a_model_is_refused_at_the_users_line(case: Any) -> None:
    body, kind, message = case
    with pytest.raises(KfopsError, match=message) as caught:
        compiler.compile(pipeline_with(body, kind), mode="V1_LEGACY")

    assert "materialize_model" in caught.value.details["source"]


def test_a_step_with_one_output_stands_for_it() -> None:
    package = compiler.compile(pipeline_with(lambda train: model.materialize_model(model=train)), mode="V1_LEGACY")

    assert step_of(package)["inputs"]["artifacts"][0]["name"] == "train-model"


def test_outside_a_pipeline_it_says_what_to_use() -> None:
    with pytest.raises(InvalidInput, match="outside a pipeline") as caught:
        model.materialize_model(model="./model")
    assert "kfops.materialize" in caught.value.remedy


def test_a_store_of_config_yaml_is_written_into_the_step_and_its_keys_are_not(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "models:\n  store: s3://our-models/team\n  endpoint: https://s3.example.com\n"
        "  secure: true\n  secret: our-keys\n"
    )
    package = compiler.compile(
        pipeline_with(lambda train: model.materialize_model(model=train.outputs["model"])), mode="V2_COMPATIBLE"
    )
    env = {v["name"]: v.get("value", v.get("valueFrom")) for v in step_of(package)["container"]["env"]}

    assert env["KFOPS_MODEL_STORE"] == "s3://our-models/team"
    assert (env["KFOPS_S3_ENDPOINT"], env["KFOPS_S3_SECURE"]) == ("https://s3.example.com", "true")
    assert env["MINIO_ACCESS_KEY"]["secretKeyRef"] == {"name": "our-keys", "key": "accesskey", "optional": True}


def test_a_folder_store_of_config_yaml_is_named_from_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("models:\n  store: my-models\n")
    package = compiler.compile(
        pipeline_with(lambda train: model.materialize_model(model=train.outputs["model"])), mode="V1_LEGACY"
    )
    env = {v["name"]: v.get("value") for v in step_of(package)["container"]["env"]}

    assert env["KFOPS_MODEL_STORE"] == str(tmp_path / "my-models")


def test_a_folder_is_materialized_from_a_notebook(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/jane/models/churn.ipynb")
    version = kfops.materialize(folder, name="churn", store=str(tmp_path / "store"))
    again = kfops.materialize(folder, name="churn", store=FolderStore(tmp_path / "store"), notebook="other.ipynb")

    assert version.key.startswith("churn-")
    assert (version.name, version.notebook, version.run_id) == ("churn", "churn.ipynb", "")
    assert again.notebook == "other.ipynb"
    assert {m.key for m in FolderStore(tmp_path / "store").list()} == {version.key, again.key}
    manifest = json.loads((tmp_path / "store" / version.key / deposit.MANIFEST).read_text())
    assert manifest["sha256"] == version.sha256


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 64, "-x"])
def test_a_name_that_cannot_be_one_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a model"):
        kfops.materialize(folder, name=name, store=str(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be materialized") as caught:
        kfops.materialize(tmp_path / "empty", name="churn", store=str(tmp_path / "store"))
    assert not isinstance(caught.value, CompileError)
