"""config.yaml is found, read, and every mistake in it is named by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfops.config import load
from kfops.errors import ConfigError

ORIGINAL = """\
repository:
  owner: ann
  name: churn
pipeline:
  name: churn
  description: Who leaves
  namespace: team-a
  experiment_name: churn
  pipeline_path: pipeline/pipeline_function.py
  pipeline_function_name: churn
  pipeline_execution_mode: V1_LEGACY
  pipeline_args:
    rate: 0.1
    anything: [1, {two: 3}]
deployment:
  inference_service_name: churn
  inference_service_function_path: config_files/deployment.py
  production:
    namespace: prod
  staging:
    namespace: staging
  pre_deployment_test_sample_input_path: sample.json
image_builder:
  container_registry_uri: registry.example.org/churn
  insecure: true
  images:
    - name: trainer
      dockerfile_folder_path: images/trainer
      other_folders_path: [src/]
  minio:
    context_files_bucket_name: contexts
"""


def written(folder: Path, text: str, name: str = "config.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mistake(folder: Path, text: str) -> ConfigError:
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load()
    assert caught.value.details["path"] == str(path)
    assert caught.value.why
    assert caught.value.remedy
    return caught.value


def test_without_a_file_everything_has_its_default(nowhere: Path) -> None:
    config = load()
    assert config.path is None
    assert config.root == nowhere
    assert config.pipeline.name == ""
    assert config.pipeline.pipeline_execution_mode == "V2_COMPATIBLE"
    assert config.connection.kind == "auto"
    assert config.image_builder.builder == "auto"
    assert config.image_builder.images == []
    assert config.models.store == ""


def test_all_keys_of_the_original_are_read(nowhere: Path) -> None:
    written(nowhere, ORIGINAL)
    config = load()
    assert config.repository is not None
    assert config.repository.owner == "ann"
    assert config.pipeline.pipeline_execution_mode == "V1_LEGACY"
    assert config.pipeline.pipeline_args == {"rate": 0.1, "anything": [1, {"two": 3}]}
    assert config.deployment is not None
    assert config.deployment.production.namespace == "prod"
    assert config.image_builder.insecure is True
    assert config.image_builder.images[0].other_folders_path == ["src/"]
    assert config.image_builder.minio.context_files_bucket_name == "contexts"


@pytest.mark.parametrize("name", ["config.yaml", "config_files/config.yaml"])
def test_the_file_is_found_from_a_folder_below_and_paths_start_at_the_project(
    name: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(nowhere, ORIGINAL, name)
    (nowhere / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(nowhere / "notebooks" / "deep")
    config = load()
    assert config.path == path
    assert config.root == nowhere


def test_the_nearest_file_counts(nowhere: Path) -> None:
    written(nowhere, "pipeline: {name: far}")
    written(nowhere / "near", "pipeline: {name: near}")
    assert load(start=nowhere / "near").pipeline.name == "near"
    assert load(nowhere / "config.yaml").pipeline.name == "far"


def test_the_config_of_another_tool_is_passed_over(nowhere: Path) -> None:
    written(nowhere, "pipeline: {name: ours}")
    written(nowhere / "other", "theme: dark\nplugins: [a]\n")
    assert load(start=nowhere / "other").pipeline.name == "ours"


@pytest.mark.parametrize("text", ["", "# nothing\n", "pipeline:\n", "connection:\n  # host: x\n"])
def test_what_is_commented_out_is_absent(text: str, nowhere: Path) -> None:
    written(nowhere, text)
    assert load().pipeline.name == ""


def test_a_file_that_is_named_must_exist(nowhere: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml"):
        load("nothing.yaml")


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_one(nowhere: Path) -> None:
    error = mistake(nowhere, "pipeline:\n  name: a\n\n  experiment_nam: x\n")
    assert (error.details["key"], error.details["line"]) == ("pipeline.experiment_nam", 4)
    assert error.remedy == "Did you mean experiment_name?"


def test_an_unknown_section_and_a_key_in_the_wrong_one_are_named(nowhere: Path) -> None:
    assert mistake(nowhere, "pipelin:\n  name: a\n").remedy == "Did you mean pipeline?"
    assert "connection:" in mistake(nowhere, "pipeline: {name: a}\nhost: http://x\n").remedy


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("pipeline:\n  description: x\n", "pipeline.name", 1),
        ("repository:\n  owner: x\n", "repository.name", 1),
        (
            "image_builder: {container_registry_uri: r, images: [{name: a, dockerfile_folder_path: b}, {name: c}]}",
            "image_builder.images[1].dockerfile_folder_path",
            1,
        ),
        ("deployment: {inference_service_name: a, inference_service_function_path: b}", "deployment.production", 1),
    ],
)
def test_a_missing_key_is_named(text: str, key: str, line: int, nowhere: Path) -> None:
    error = mistake(nowhere, text)
    assert (error.details["key"], error.details["line"]) == (key, line)
    assert "is missing" in error.message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pipeline:\n  name: 12\n", "text, and is a number"),
        ("pipeline: [a]\n", "a group of keys, and is a list"),
        ("pipeline:\n  name: a\n  pipeline_args: x\n", "a group of keys, and is text"),
        ("image_builder:\n  container_registry_uri: r\n  insecure: 'yes'\n", "true or false, and is text"),
        ("image_builder:\n  container_registry_uri: r\n  images: {}\n", "a list, and is a group of keys"),
    ],
)
def test_a_wrong_type_is_named_by_what_is_wanted_and_what_is_there(text: str, wanted: str, nowhere: Path) -> None:
    assert wanted in mistake(nowhere, text).why


def test_a_choice_names_its_possibilities(nowhere: Path) -> None:
    error = mistake(nowhere, "connection:\n  kind: clutser\n")
    assert "clutser" in error.message
    assert "'cluster'" in error.why


def test_v2_engine_is_refused_with_the_reason(nowhere: Path) -> None:
    error = mistake(nowhere, "pipeline:\n  name: a\n  pipeline_execution_mode: V2_ENGINE\n")
    assert "kfp 1.7.0 refuses" in error.why
    assert "V2_COMPATIBLE" in error.remedy
    assert error.details["line"] == 3


def test_a_mode_that_does_not_exist_is_refused(nowhere: Path) -> None:
    error = mistake(nowhere, "pipeline:\n  name: a\n  pipeline_execution_mode: V3\n")
    assert "'V3'" in error.why


@pytest.mark.parametrize("text", ["pipeline:\n\tname: a\n", "pipeline:\n  name: [a\n", "pipeline: {name: a\n"])
def test_what_is_not_yaml_is_named_by_its_line(text: str, nowhere: Path) -> None:
    error = mistake(nowhere, text)
    assert "not valid YAML" in error.message
    assert error.details["line"] >= 2


def test_a_key_that_stands_twice_is_a_mistake(nowhere: Path) -> None:
    error = mistake(nowhere, "pipeline:\n  name: a\n  name: b\n")
    assert error.details["line"] == 3
    assert "line 2" in error.why


def test_a_file_of_another_shape_or_encoding_is_named(nowhere: Path) -> None:
    path = written(nowhere, "- pipeline\n")
    with pytest.raises(ConfigError, match="a list"):
        load(path)
    path.write_bytes(b"pipeline: \xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(path)


def test_keys_in_plain_text_are_taken_warned_about_and_never_shown(nowhere: Path) -> None:
    path = written(
        nowhere,
        "image_builder:\n  container_registry_uri: r\n  minio:\n    credentials:\n      endpoint: minio\n"
        "      access_key: AKIA-secret-one\n      secret_key: secret-two\n",
    )
    with pytest.warns(UserWarning, match="line 4: image_builder.minio.credentials") as caught:
        config = load(path)
    credentials = config.image_builder.minio.credentials
    assert credentials is not None
    assert credentials.secret_key.get_secret_value() == "secret-two"
    shown = repr(config) + config.model_dump_json() + str(caught[0].message)
    assert "secret-two" not in shown
    assert "AKIA-secret-one" not in shown


def test_a_mistake_beside_a_secret_does_not_show_it(nowhere: Path) -> None:
    error = mistake(
        nowhere,
        "image_builder:\n  container_registry_uri: r\n  minio:\n    credentials:\n      endpoint: minio\n"
        "      access_key: AKIA-secret-one\n      secret_key: [secret-two]\n      secret: x\n",
    )
    assert "secret-two" not in str(error.to_dict())
    assert "AKIA-secret-one" not in str(error.to_dict())


def test_the_embedded_backend_is_told_how_to_execute(nowhere: Path) -> None:
    local = load(written(nowhere, "local:\n  executor: container\n  engine: podman\n  parallelism: 2\n")).local
    assert (local.executor, local.engine, local.parallelism, local.secrets) == ("container", "podman", 2, "")
    assert load(written(nowhere, "pipeline:\n  name: a\n")).local.executor == "process"


def test_an_executor_that_does_not_exist_and_no_steps_at_all_are_refused(nowhere: Path) -> None:
    assert "'process', 'warm' or 'container'" in mistake(nowhere, "local:\n  executor: kubernetes\n").why
    error = mistake(nowhere, "local:\n  executor: warm\n  parallelism: 0\n")
    assert (error.details["key"], error.details["line"]) == ("local.parallelism", 3)
    assert "would execute none" in error.why
