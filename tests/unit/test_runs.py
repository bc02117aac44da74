"""A run is started with checked arguments, watched to its end, and told as what it is."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from kfops.connection import connect
from kfops.errors import BackendError, ConnectionFailed, ImagesMissing, InvalidInput, NotFound, RunFailed, RunTimeout
from kfops.experiments import get_or_create, list_experiments
from kfops.pipelines import upload
from kfops.runs import RunQuery, get_run, list_runs, retry_run, run, step_log, stop_run, wait
from kfops.types import ImageVersion, PipelineVersion, Run
from tests.fakes.backend import ScriptedBackend, scripted_backend
from tests.fakes.faulty_server import HEALTHY, answering_json, by_path, serving
from tests.fakes.packages import package

DONE = {"prepare": ("Succeeded", ""), "train": ("Succeeded", "")}


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[ScriptedBackend]:
    with scripted_backend(tmp_path / "backend") as found:
        yield found


@pytest.fixture
def version(backend: ScriptedBackend) -> PipelineVersion:
    return upload(package(), connection=backend.connection)


@pytest.fixture
def started(backend: ScriptedBackend, version: PipelineVersion) -> Run:
    return run(version, parameters={"data": "d"}, connection=backend.connection)


def sent(started: Run, backend: ScriptedBackend) -> Dict[str, str]:
    """Return the arguments that the backend runs with."""
    detail = backend.connection.get_json(f"/apis/v1beta1/runs/{started.id}")
    workflow = json.loads(detail["pipeline_runtime"]["workflow_manifest"])
    return {p["name"]: p["value"] for p in workflow["spec"]["arguments"]["parameters"]}


def test_a_run_says_of_what_it_is(started: Run, version: PipelineVersion, backend: ScriptedBackend) -> None:
    assert started.state == "pending"
    assert (started.pipeline_name, started.version_id, started.experiment_name) == ("churn", version.id, "Default")
    assert started.name.startswith("churn v1 ")
    (listed,), _ = list_runs(backend.connection)
    assert (listed.id, listed.pipeline_name, listed.version_id) == (started.id, "churn", version.id)


def test_arguments_arrive_as_the_components_of_kfp_read_them(
    version: PipelineVersion, backend: ScriptedBackend
) -> None:
    given: Dict[str, Any] = {"data": "s3://b/{x}", "rate": 1, "deep": False, "layers": [1, {"a": True}]}
    found = run(version, parameters=given, connection=backend.connection)
    assert sent(found, backend) == {
        "data": "s3://b/{x}",
        "rate": "1",
        "deep": "False",
        "layers": '[1, {"a": true}]',
        "version_id": version.id,
    }
    assert found.parameters == {k: v for k, v in sent(found, backend).items() if k != "version_id"}


def test_text_is_read_as_the_type_that_is_wanted(version: PipelineVersion, backend: ScriptedBackend) -> None:
    given = {"data": "0.1", "rate": " 0.25 ", "deep": "no", "layers": "[3]"}
    found = sent(run(version.id, parameters=given, connection=backend.connection), backend)
    assert found == {"data": "0.1", "rate": "0.25", "deep": "False", "layers": "[3]", "version_id": version.id}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"data": "x", "rat": 1}, "Did you mean rate?"),
        ({}, "data=…"),
        ({"data": "x", "rate": "fast"}, "must be a number"),
        ({"data": "x", "rate": True}, "must be a number"),
        ({"data": "x", "deep": 2}, "true or false"),
        ({"data": "x", "layers": {"a": 1}}, "must be a list"),
        ({"data": "x", "layers": "[1"}, "must be a list"),
        ({"data": "x", "layers": [object()]}, "must be a list"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_anything_is_sent(
    given: Dict[str, Any], words: str, version: PipelineVersion, backend: ScriptedBackend
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(version, parameters=given, connection=backend.connection)
    assert words in str(caught.value)
    assert list_runs(backend.connection)[0] == []


def test_a_version_id_that_is_given_points_at_the_images_of_another_version(
    version: PipelineVersion, backend: ScriptedBackend
) -> None:
    found = run(version, parameters={"data": "x", "version_id": "older"}, connection=backend.connection)
    assert sent(found, backend)["version_id"] == "older"


def test_the_arguments_of_config_yaml_stand_in_for_its_own_pipeline(
    version: PipelineVersion, backend: ScriptedBackend, nowhere: Path
) -> None:
    config = nowhere / "config.yaml"
    config.write_text(
        "pipeline:\n  name: churn\n  experiment_name: tries\n  pipeline_args: {data: theirs, rate: 0.5}\n"
    )
    found = run(version, parameters={"rate": 0.75}, connection=backend.connection)
    assert found.experiment_name == "tries"
    assert (sent(found, backend)["data"], sent(found, backend)["rate"]) == ("theirs", "0.75")
    config.write_text("pipeline:\n  name: other\n  pipeline_args: {nothing: 1}\n")
    assert run(version, parameters={"data": "x"}, connection=backend.connection).state == "pending"


def test_a_run_whose_images_are_missing_is_not_started(
    backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = upload(package(images=["trainer"]), connection=backend.connection)
    missing = ImageVersion("trainer", f"registry/trainer:{version.id}", "missing")
    monkeypatch.setattr("kfops.images.states", lambda *_: [missing])
    with pytest.raises(ImagesMissing, match="trainer"):
        run(version, parameters={"data": "x"}, connection=backend.connection)
    assert list_runs(backend.connection)[0] == []


def test_experiments_are_made_once(backend: ScriptedBackend, version: PipelineVersion) -> None:
    first = run(version, parameters={"data": "x"}, experiment="tries", connection=backend.connection)
    second = run(version, parameters={"data": "x"}, experiment="tries", connection=backend.connection)
    assert first.experiment_id == second.experiment_id == get_or_create("tries", backend.connection).id
    assert sorted(e.name for e in list_experiments(backend.connection)) == ["Default", "tries"]


def test_states_and_steps_follow_the_workflow(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Running", {"prepare": ("Succeeded", ""), "train": ("Running", "")})
    found = get_run(started.id, backend.connection)
    assert (found.state, found.current_step, found.done, found.total) == ("running", "train", 1, 2)
    backend.move(started.id, "Succeeded", DONE)
    found = get_run(started.id, backend.connection)
    assert (found.state, found.current_step, found.done) == ("succeeded", "", 2)
    assert (found.started_at, found.finished_at) == ("2026-01-02T03:04:05Z", "2026-01-02T03:04:25Z")


def test_the_model_is_there_when_its_step_has_succeeded_and_not_before(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Running", {"prepare": ("Succeeded", ""), "train": ("Running", "")})
    assert get_run(started.id, backend.connection).model == ""
    backend.move(started.id, "Succeeded", DONE)
    assert get_run(started.id, backend.connection).model.endswith(f"/local/models/{started.id}")


def test_a_failure_is_told_by_its_step_and_reason(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Failed", {"prepare": ("Succeeded", ""), "train": ("Failed", "Error (exit code 3)")})
    found = get_run(started.id, backend.connection)
    assert (found.state, found.error) == ("failed", "train: exit code 3")


def test_a_run_that_is_stopped_is_stopped_and_not_failed(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Running", {"prepare": ("Running", "")})
    stop_run(started.id, backend.connection)
    found = get_run(started.id, backend.connection)
    assert (found.state, found.error) == ("stopped", "")
    assert stop_run(started.id, backend.connection).state == "stopped"


def test_a_list_says_of_a_run_seen_ended_what_its_detail_says(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Failed", {"prepare": ("Failed", "Error (exit code 3)")})
    assert list_runs(backend.connection)[0][0].error == ""
    seen = get_run(started.id, backend.connection)
    (listed,), _ = list_runs(backend.connection)
    assert (listed.error, listed.done, listed.graph) == (seen.error, seen.done, None)
    retry_run(started.id, backend.connection)
    assert list_runs(backend.connection)[0][0].state == "running"


def test_only_a_failed_run_is_retried(started: Run, backend: ScriptedBackend) -> None:
    with pytest.raises(BackendError):
        retry_run(started.id, backend.connection)
    backend.move(started.id, "Failed", {"prepare": ("Failed", "Error (exit code 3)")})
    assert retry_run(started.id, backend.connection).state in ("pending", "running")


def test_runs_are_listed_page_by_page_with_one_request_each(
    version: PipelineVersion, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [run(version, parameters={"data": str(n)}, connection=backend.connection).id for n in range(5)]
    asked: List[str] = []
    original = backend.connection.get_json

    def counting(path: str, *args: Any, **options: Any) -> Dict[str, Any]:
        asked.append(path)
        return original(path, *args, **options)

    monkeypatch.setattr(backend.connection, "get_json", counting)
    first, token = list_runs(backend.connection, page_size=3)
    second, last = list_runs(backend.connection, page_size=3, page_token=token)
    assert [r.id for r in [*first, *second]] == ids[::-1]
    assert last == ""
    assert len(asked) == 2


def test_a_log_is_read_as_it_was_written(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Running", {"prepare": ("Running", "")})
    graph = get_run(started.id, backend.connection).graph
    assert graph is not None
    (step,) = [s for s in graph.steps if s.name == "prepare"]
    backend.write_log(started.id, "prepare", "größer\n<html>\n\udcff")
    assert step_log(started.id, step.id, backend.connection) == "größer\n<html>\n�"


def test_a_step_without_a_log_has_not_begun_or_has_lost_it(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Running", {"prepare": ("Succeeded", "")})
    graph = get_run(started.id, backend.connection).graph
    assert graph is not None
    prepare, train = graph.steps
    with pytest.raises(NotFound, match="not there any more"):
        step_log(started.id, prepare.id, backend.connection)
    assert step_log(started.id, train.id, backend.connection) == ""


def test_what_does_not_exist_is_not_found(backend: ScriptedBackend, started: Run) -> None:
    for ask in (
        lambda: get_run("none", backend.connection),
        lambda: run("none", connection=backend.connection),
        lambda: step_log(started.id, "none", backend.connection),
        lambda: stop_run("none", backend.connection),
    ):
        with pytest.raises(NotFound):
            ask()


def test_waiting_tells_each_change_once_and_ends_with_the_run(started: Run, backend: ScriptedBackend) -> None:
    seen: List[Run] = []

    def move() -> None:
        time.sleep(0.3)
        backend.move(started.id, "Running", {"prepare": ("Running", "")})
        time.sleep(0.3)
        backend.move(started.id, "Succeeded", DONE)

    threading.Thread(target=move, daemon=True).start()
    ended = wait(started, interval=0.1, timeout=20, on_update=seen.append, connection=backend.connection)
    assert ended.state == "succeeded"
    assert [r.state for r in seen] == ["pending", "running", "succeeded"]


def test_waiting_for_a_failure_raises_with_the_step(started: Run, backend: ScriptedBackend) -> None:
    backend.move(started.id, "Failed", {"prepare": ("Failed", "Error (exit code 1)")})
    with pytest.raises(RunFailed) as caught:
        wait(started.id, connection=backend.connection)
    assert caught.value.details == {"run_id": started.id, "step": "prepare"}
    assert "prepare: exit code 1" in caught.value.why
    assert f"kfops logs {started.id} prepare" in caught.value.remedy


def test_waiting_has_an_end_where_one_is_given(started: Run, backend: ScriptedBackend) -> None:
    begin = time.monotonic()
    with pytest.raises(RunTimeout):
        wait(started, timeout=0.5, connection=backend.connection)
    assert 0.4 < time.monotonic() - begin < 20


def test_waiting_survives_an_outage() -> None:
    answers = [answering_json({"error": "restarting", "code": 14}, 503)] * 3
    finished = {"run": {"id": "r", "name": "n", "status": "Succeeded"}}

    def flaky(connection, asked, closing) -> None:
        if answers:
            return answers.pop()(connection, asked, closing)
        return answering_json(finished)(connection, asked, closing)

    with serving(by_path({"/apis/v1beta1/healthz": answering_json(HEALTHY)}, flaky)) as server:
        assert wait("r", interval=0.05, connection=connect(host=server.url)).state == "succeeded"
    assert not answers


def test_waiting_does_not_survive_being_refused() -> None:
    refused = answering_json({"error": "RBAC: access denied"}, 403)
    with serving(by_path({"/apis/v1beta1/healthz": answering_json(HEALTHY)}, refused)) as server:
        with pytest.raises(ConnectionFailed):
            wait("r", interval=0.05, connection=connect(host=server.url))


def test_a_backend_that_tells_of_changes_is_not_asked_for_them(
    started: Run, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: List[Run] = []

    def look(run_now: Run) -> None:
        seen.append(run_now)
        if run_now.state == "pending":
            backend.move(started.id, "Running", {"prepare": ("Running", ""), "train": ("Running", "")})
        elif run_now.state == "running":
            backend.move(started.id, "Succeeded", {"prepare": ("Succeeded", "")})

    asked: List[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(type(backend.connection), "get_json", lambda self, path, *_, **__: asked.append(path))
        with pytest.raises(RunTimeout):
            wait(started.id, timeout=0.3, connection=backend.connection)
        wait(started.id, timeout=20, interval=0.2, on_update=look, connection=backend.connection)
    assert not asked
    assert seen[-1] == get_run(started.id, backend.connection)
    assert [run_now.state for run_now in seen] == ["pending", "running", "succeeded"]


def test_an_answer_that_is_no_run_is_not_shown_as_one() -> None:
    with serving(by_path({"/apis/v1beta1/healthz": answering_json(HEALTHY)}, answering_json({}))) as server:
        with pytest.raises(BackendError, match="something else than a run"):
            get_run("r", connect(host=server.url))


def test_where_users_are_kept_apart_runs_of_a_version_are_looked_for_in_the_namespace() -> None:
    def wire(name: str, version: str) -> Dict[str, Any]:
        reference = {"key": {"type": "PIPELINE_VERSION", "id": version}, "relationship": "CREATOR"}
        return {"id": name, "name": name, "resource_references": [reference]}

    answers = {
        "/apis/v1beta1/healthz": answering_json({**HEALTHY, "multi_user": True}),
        "/apis/v1beta1/runs": answering_json({"runs": [wire("mine", "v1"), wire("other", "v2")]}),
    }
    with serving(by_path(answers, answering_json({}))) as server:
        found, _ = list_runs(connect(host=server.url, namespace="ann"), query=RunQuery(version_id="v1"))
        asked = server.asked[-1].target
    assert [run.id for run in found] == ["mine"]
    assert "resource_reference_key.type=NAMESPACE" in asked
    assert "resource_reference_key.id=ann" in asked
