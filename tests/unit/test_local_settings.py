"""The embedded backend executes each project's steps as its config.yaml says, whoever starts the run."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from click.testing import CliRunner

from kfops.cli.command import commands
from kfops.config import load
from kfops.connection import connect
from kfops.errors import BackendError, InvalidInput
from kfops.local import daemon
from kfops.local.settings import ANNOTATION, HEADER, Settings, connected, last_connected, of_workflow, stamp
from tests.fakes.engine import dag, engine_in, shell, task, workflow


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The folder that KFOPS_LOCAL_DIR names, its backend stopped when the test is over."""
    yield tmp_path / "local"
    daemon.stop(tmp_path / "local")


def project(folder: Path, text: str) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(text)
    return load(start=folder)


def manifest() -> str:
    return json.dumps(workflow(dag("main", task("say")), shell("say", "echo ${WORD:-none}")))


def secret_step() -> Dict[str, Any]:
    word = {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "words", "key": "first"}}}
    step = shell("say", "echo $WORD > /tmp/word")
    step["container"]["env"] = [word]
    step["outputs"] = {"parameters": [{"name": "word", "valueFrom": {"path": "/tmp/word"}}]}
    return workflow(dag("main", task("say")), step)


def accepted(connection: Any, name: str = "r", text: str = "") -> Dict[str, Any]:
    """Start a run over the wire and return the annotations of its Workflow."""
    body = {"name": name, "pipeline_spec": {"workflow_manifest": text or manifest()}}
    answer = connection.post_json("/apis/v1beta1/runs", body)
    found: Dict[str, Any] = json.loads(answer["pipeline_runtime"]["workflow_manifest"])
    return found


def test_settings_are_one_line_of_ascii_and_come_back_as_they_were() -> None:
    settings = Settings("container", "podman", "/home/änn/secrets.yaml", 3)
    assert settings.to_text().isascii()
    assert "\n" not in settings.to_text()
    assert Settings.from_text(settings.to_text()) == settings


@pytest.mark.parametrize(
    "text", ["", "[]", '{"executor": "ssh"}', '{"engine": []}', '{"parallelism": -1}', '{"secrets": 1}', '{"nice": 1}']
)
def test_what_is_no_settings_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Settings.from_text(text)


def test_a_broken_file_of_settings_is_as_none(tmp_path: Path) -> None:
    connected(Settings(parallelism=2), tmp_path)
    assert last_connected(tmp_path) == Settings(parallelism=2)
    (tmp_path / "settings.json").write_text('{"executor": "ssh"}')
    assert last_connected(tmp_path) == Settings()


def test_a_copied_run_does_not_keep_the_settings_of_the_first() -> None:
    copied: Dict[str, Any] = {"metadata": {"annotations": {"note": "x"}}}
    stamp(copied, Settings(parallelism=2))
    assert of_workflow(copied).parallelism == 2
    stamp(copied, Settings())
    assert copied == {"metadata": {"annotations": {"note": "x"}}}


def test_two_projects_are_executed_each_as_it_says_and_others_as_the_last(data_dir: Path, tmp_path: Path) -> None:
    one = connect(project(tmp_path / "one", "local: {parallelism: 1}"), kind="embedded")
    two = connect(project(tmp_path / "two", "local: {parallelism: 2, secrets: hidden.yaml}"), kind="embedded")
    assert of_workflow(accepted(one)) == Settings(parallelism=1)
    told = of_workflow(accepted(two))
    assert (told.parallelism, told.secrets) == (2, str(tmp_path / "two" / "hidden.yaml"))

    import kfp_server_api

    made = one.client.runs.create_run({"name": "by kfp.Client", "pipeline_spec": {"workflow_manifest": manifest()}})
    assert of_workflow(json.loads(made.pipeline_runtime.workflow_manifest)).parallelism == 1
    plain = kfp_server_api.Configuration(host=one.host, api_key={"authorization": f"Bearer {token(data_dir)}"})
    stranger = kfp_server_api.RunServiceApi(kfp_server_api.ApiClient(plain))
    made = stranger.create_run({"name": "by another", "pipeline_spec": {"workflow_manifest": manifest()}})
    assert of_workflow(json.loads(made.pipeline_runtime.workflow_manifest)).parallelism == 2


@pytest.mark.parametrize("command", ["start", "login"])
def test_who_starts_it_by_hand_has_any_client_s_runs_executed_as_the_project_says(
    command: str, data_dir: Path, nowhere: Path
) -> None:
    project(nowhere, "local: {parallelism: 2}")
    assert CliRunner().invoke(commands, ["local", command]).exit_code == 0
    assert last_connected(data_dir).parallelism == 2


def test_what_config_yaml_says_when_the_run_starts_counts(data_dir: Path, tmp_path: Path) -> None:
    connection = connect(project(tmp_path / "one", "local: {parallelism: 1}"), kind="embedded")
    changed = project(tmp_path / "one", "local: {parallelism: 3}")
    assert of_workflow(accepted(connection.follow(changed))).parallelism == 3


def test_a_header_that_is_not_ours_is_refused_and_no_run_is_made(data_dir: Path) -> None:
    connection = connect(kind="embedded")
    connection._headers = {HEADER: '{"executor": "ssh"}'}
    with pytest.raises(BackendError, match="settings"):
        accepted(connection)
    assert not connection.get_json("/apis/v1beta1/runs").get("runs")


def test_secrets_come_from_the_file_that_the_project_names(data_dir: Path, tmp_path: Path) -> None:
    connection = connect(project(tmp_path / "one", "local: {secrets: ../words.yaml}"), kind="embedded")
    (tmp_path / "words.yaml").write_text("words: {first: hush-hush}\n")
    run_id = accepted(connection, text=json.dumps(secret_step()))["metadata"]["labels"]["pipeline/runid"]
    ended = finished(connection, run_id)
    step = next(node for node in ended["status"]["nodes"].values() if node["type"] == "Pod")
    assert step["outputs"]["parameters"][0]["value"] == "hush-hush"
    kept = [path for path in data_dir.rglob("*") if path.is_file() and path.suffix in (".log", ".json")]
    assert kept
    assert not [path for path in kept if b"hush-hush" in path.read_bytes()]


def test_no_more_steps_at_a_time_than_the_project_allows(tmp_path: Path) -> None:
    wide = workflow(dag("main", task("s", withItems=list(range(4)))), shell("s", "sleep 0.2"))
    stamp(wide, Settings(parallelism=1))

    async def most() -> int:
        async with engine_in(tmp_path) as runs:
            ended = asyncio.ensure_future(runs.run(wide))
            found = 0
            while not ended.done():
                nodes = runs.records.statuses.get("run-1", {}).get("nodes", {}).values()
                found = max(found, sum(n["type"] == "Pod" and n["phase"] == "Running" for n in nodes))
                await asyncio.sleep(0.02)
            assert ended.result().phase == "Succeeded"
            return found

    assert asyncio.run(most()) == 1


def test_a_run_goes_on_with_its_settings_after_a_crash(data_dir: Path, tmp_path: Path) -> None:
    connection = connect(project(tmp_path / "one", "local: {secrets: words.yaml}"), kind="embedded")
    (tmp_path / "one" / "words.yaml").write_text("words: {first: again}\n")
    slow = secret_step()
    slow["spec"]["templates"][0] = dag("main", task("wait"), task("say", after=("wait",)))
    slow["spec"]["templates"].append(shell("wait", "sleep 1"))
    run_id = accepted(connection, text=json.dumps(slow))["metadata"]["labels"]["pipeline/runid"]
    daemon.stop(data_dir)
    connected(Settings(), data_dir)
    daemon.ensure_running(data_dir)
    ended = finished(connect(project(tmp_path / "two", ""), kind="embedded"), run_id)
    assert ended["status"]["phase"] == "Succeeded"
    assert "words.yaml" in ended["metadata"]["annotations"][ANNOTATION]


def token(data_dir: Path) -> str:
    return (data_dir / "token").read_text().strip()


def finished(connection: Any, run_id: str) -> Dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        detail = connection.get_json(f"/apis/v1beta1/runs/{run_id}")
        found: Dict[str, Any] = json.loads(detail["pipeline_runtime"]["workflow_manifest"])
        if found.get("status", {}).get("phase") in ("Succeeded", "Failed", "Error"):
            return found
        time.sleep(0.05)
    raise AssertionError("the run does not end")


def test_the_status_says_how_the_project_that_was_connected_last_is_executed(data_dir: Path, tmp_path: Path) -> None:
    connect(project(tmp_path / "one", "local: {executor: warm, parallelism: 2, secrets: s.yaml}"), kind="embedded")
    shown = CliRunner().invoke(commands, ["local", "status"]).output
    assert "warm, 2 steps at a time" in shown
    assert "s.yaml" in shown
    assert daemon.status(data_dir)["settings"]["parallelism"] == 2
