"""The unmodified kfp.Client 1.7.0 and the unmodified `kfp` command against the embedded backend."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import kfp
import kfp_server_api
import pytest
from kfp import dsl
from kfp.components import create_component_from_func
from kfp.v2 import dsl as dsl_v2

from tests.fakes.client import client_of, ended


def add(a: float, b: float = 2) -> float:
    return a + b


def fail(text: str):
    raise ValueError(text)


def nap(seconds: float):
    import time

    print("asleep", flush=True)
    time.sleep(seconds)


@dsl.pipeline(name="sums", description="Adds.")
def sums(a: float = 1, b: float = 7):
    first = create_component_from_func(add)(a, b)
    create_component_from_func(add)(first.output, b)


@dsl.pipeline(name="fails")
def fails(text: str = "no"):
    create_component_from_func(fail)(text)


@dsl.pipeline(name="naps")
def naps(seconds: float = 600):
    create_component_from_func(nap)(seconds)


@dsl_v2.component
def shout(text: str) -> str:
    return text.upper()


@dsl.pipeline(name="shouts")
def shouts(text: str = "hello"):
    shout(text=text)


@pytest.fixture(scope="module")
def client(endpoint):
    return client_of(endpoint)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("packages") / "sums.yaml")
    kfp.compiler.Compiler().compile(sums, path)
    return path


@pytest.fixture
def name():
    return f"test {uuid.uuid4().hex}"


def status_of(client, run_id):
    manifest = client.get_run(run_id).pipeline_runtime.workflow_manifest
    return json.loads(manifest).get("status", {})


def test_it_is_healthy(client):
    health = client.get_kfp_healthz()
    assert health.multi_user is False
    assert client.get_user_namespace() == ""


@pytest.mark.parametrize("suffix", ["yaml", "zip", "tar.gz"])
def test_a_package_of_every_form_becomes_a_pipeline(client, tmp_path, name, suffix):
    path = str(tmp_path / f"sums.{suffix}")
    kfp.compiler.Compiler().compile(sums, path)
    pipeline = client.upload_pipeline(path, name, "Adds. 100 % + more")
    assert client.get_pipeline_id(name) == pipeline.id
    found = client.get_pipeline(pipeline.id)
    assert (found.name, found.description) == (name, "Adds. 100 % + more")
    assert [(parameter.name, parameter.value) for parameter in found.parameters] == [("a", "1"), ("b", "7")]


def test_versions_are_added_listed_and_the_newest_is_the_default(client, package, name):
    pipeline = client.upload_pipeline(package, name)
    version = client.upload_pipeline_version(package, "version 2", pipeline_name=name)
    assert client.get_pipeline(pipeline.id).default_version.id == version.id
    listed = client.list_pipeline_versions(pipeline.id, sort_by="created_at desc")
    assert [(found.id, found.name) for found in listed.versions] == [(version.id, "version 2"), (pipeline.id, name)]
    client.pipelines.update_pipeline_default_version(pipeline.id, pipeline.id)
    assert client.get_pipeline(pipeline.id).default_version.id == pipeline.id
    assert client.pipelines.get_template(pipeline.id).template == Path(package).read_text()


def test_a_taken_name_is_refused(client, package, name):
    client.upload_pipeline(package, name)
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client.upload_pipeline(package, name)
    assert refused.value.status == 500
    assert "already exist" in refused.value.body


def test_a_deleted_pipeline_is_gone(client, package, name):
    pipeline = client.upload_pipeline(package, name)
    client.delete_pipeline(pipeline.id)
    assert client.get_pipeline_id(name) is None
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client.get_pipeline(pipeline.id)
    assert refused.value.status == 404


def test_experiments_are_made_once_and_found_by_name(client, name):
    experiment = client.create_experiment(name, "About it.")
    assert client.create_experiment(name).id == experiment.id
    assert client.create_experiment(name.upper()).id == experiment.id
    assert client.get_experiment(experiment_name=name).id == experiment.id
    assert client.get_experiment(experiment_id=experiment.id).description == "About it."
    client.delete_experiment(experiment.id)
    with pytest.raises(ValueError, match="No experiment is found"):
        client.get_experiment(experiment_name=name)


def test_a_version_runs_and_ends_with_its_result(client, package, name):
    pipeline = client.upload_pipeline(package, name)
    version = client.upload_pipeline_version(package, "two", pipeline_id=pipeline.id)
    experiment = client.create_experiment("sums")
    run = client.run_pipeline(experiment.id, name, version_id=version.id, params={"a": "3"})
    done = client.wait_for_run_completion(run.id, timeout=120).run
    assert done.status == "Succeeded"
    assert done.finished_at >= done.created_at
    owners = {reference.key.type: (reference.key.id, reference.name) for reference in done.resource_references}
    assert owners == {"EXPERIMENT": (experiment.id, "sums"), "PIPELINE_VERSION": (version.id, "two")}
    outputs = [
        parameter["value"]
        for node in status_of(client, run.id)["nodes"].values()
        if node["type"] == "Pod"
        for parameter in node.get("outputs", {}).get("parameters", [])
    ]
    assert "10.0" in outputs


@pytest.mark.parametrize(
    ("function", "arguments", "mode"),
    [
        (sums, {"a": "3"}, dsl.PipelineExecutionMode.V1_LEGACY),
        (shouts, {"text": "hi"}, dsl.PipelineExecutionMode.V2_COMPATIBLE),
    ],
)
def test_a_function_runs_in_either_mode(client, function, arguments, mode):
    result = client.create_run_from_pipeline_func(function, arguments, experiment_name="modes", mode=mode)
    assert ended(client, result.run_id).status == "Succeeded"


def test_the_artifact_of_a_step_can_be_read(client):
    import base64
    import io
    import tarfile

    result = client.create_run_from_pipeline_func(sums, {"a": 3})
    ended(client, result.run_id)
    for node in status_of(client, result.run_id)["nodes"].values():
        for artifact in node.get("outputs", {}).get("artifacts", []):
            if artifact["name"].endswith("Output") and node["displayName"] == "add":
                data = client.runs.read_artifact(result.run_id, node["id"], artifact["name"]).data
                packed = io.BytesIO(base64.b64decode(data))
                with tarfile.open(fileobj=packed) as archive:
                    assert archive.extractfile(archive.getmembers()[0]).read() == b"10.0"
                return
    raise AssertionError("no step has written an artifact")


def test_a_failing_step_fails_its_run_with_the_reason(client):
    result = client.create_run_from_pipeline_func(fails, {})
    assert result.wait_for_run_completion(timeout=120).run.status == "Failed"
    nodes = status_of(client, result.run_id)["nodes"].values()
    assert any("exit code 1" in node.get("message", "") for node in nodes)


def test_an_unknown_parameter_is_refused_by_name(client):
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client.create_run_from_pipeline_func(sums, {"c": 3})
    assert refused.value.status == 400
    assert "Unrecognized input parameter: c" in refused.value.body


def test_a_run_is_terminated(client):
    result = client.create_run_from_pipeline_func(naps, {})
    client.runs.terminate_run(result.run_id)
    assert ended(client, result.run_id).status == "Failed"


def test_runs_are_archived_retrieved_and_deleted(client):
    run_id = client.create_run_from_pipeline_func(sums, {}).run_id
    client.runs.archive_run(run_id)
    assert client.get_run(run_id).run.storage_state == "STORAGESTATE_ARCHIVED"
    client.runs.unarchive_run(run_id)
    client.runs.delete_run(run_id)
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client.get_run(run_id)
    assert refused.value.status == 404


def test_runs_are_listed_by_experiment_filtered_and_in_pages(client, package, name):
    experiment = client.create_experiment(name)
    names = [f"{name} {number}" for number in (2, 0, 1)]
    for run_name in names:
        client.run_pipeline(experiment.id, run_name, pipeline_package_path=package)
    listed = client.list_runs(experiment_id=experiment.id, sort_by="name desc", page_size=2)
    assert [run.name for run in listed.runs] == [f"{name} 2", f"{name} 1"]
    assert listed.total_size == 3
    rest = client.list_runs(
        experiment_id=experiment.id, sort_by="name desc", page_size=2, page_token=listed.next_page_token
    )
    assert [run.name for run in rest.runs] == [f"{name} 0"]
    assert rest.next_page_token is None
    one = json.dumps({"predicates": [{"op": 1, "key": "name", "stringValue": names[1]}]})
    assert [run.name for run in client.runs.list_runs(filter=one).runs] == [names[1]]


def test_metrics_of_a_run_can_be_reported(client):
    run_id = client.create_run_from_pipeline_func(sums, {}).run_id
    metric = kfp_server_api.ApiRunMetric(name="accuracy", node_id="node", number_value=0.5, format="RAW")
    body = kfp_server_api.ApiReportRunMetricsRequest(run_id=run_id, metrics=[metric])
    assert client.runs.report_run_metrics(run_id, body).results[0].status == "OK"
    assert client.get_run(run_id).run.metrics[0].number_value == 0.5


def test_recurring_runs_are_made_listed_paused_and_deleted(client, package, name):
    experiment = client.create_experiment(name)
    made = client.create_recurring_run(
        experiment.id,
        name,
        "each hour",
        start_time="2030-01-01T00:00:00Z",
        interval_second=3600,
        max_concurrency=2,
        no_catchup=True,
        params={"a": 3},
        pipeline_package_path=package,
    )
    found = client.get_recurring_run(made.id)
    assert (found.name, found.description, found.enabled, found.no_catchup) == (name, "each hour", True, True)
    assert (found.max_concurrency, found.trigger.periodic_schedule.interval_second) == ("2", "3600")
    assert found.trigger.periodic_schedule.start_time.year == 2030
    assert [(given.name, given.value) for given in found.pipeline_spec.parameters] == [("a", "3")]
    assert [job.id for job in client.list_recurring_runs(experiment_id=experiment.id).jobs] == [made.id]
    client.jobs.disable_job(made.id)
    assert client.get_recurring_run(made.id).enabled is None
    client.jobs.enable_job(made.id)
    client.jobs.delete_job(made.id)
    assert client.list_recurring_runs(experiment_id=experiment.id).jobs is None


def test_a_recurring_run_of_a_version_starts_runs(client, package, name):
    pipeline = client.upload_pipeline(package, name)
    experiment = client.create_experiment(name)
    job = client.create_recurring_run(experiment.id, name, cron_expression="* * * * * *", version_id=pipeline.id)
    runs = None
    while not runs:
        runs = client.list_runs(experiment_id=experiment.id).runs
    client.jobs.disable_job(job.id)
    done = ended(client, runs[0].id)
    assert done.status == "Succeeded"
    owners = {reference.key.type: reference.key.id for reference in done.resource_references}
    assert owners == {"EXPERIMENT": experiment.id, "JOB": job.id}


# The command


@pytest.fixture(scope="module")
def kfp_command(endpoint, tmp_path_factory):
    """The `kfp` command; it takes a token from no variable, but an extra header from its own context file."""
    home = tmp_path_factory.mktemp("home")
    header = {
        "namespace": "",
        "client_authentication_header_name": "authorization",
        "client_authentication_header_value": f"Bearer {endpoint.token_path.read_text()}",
    }
    (home / ".config" / "kfp").mkdir(parents=True)
    (home / ".config" / "kfp" / "context.json").write_text(json.dumps(header))
    script = Path(sys.executable).parent / "kfp"

    def run(*words):
        token = endpoint.token_path.read_text()
        answer = subprocess.run(
            [str(script), "--endpoint", endpoint.url, *words],
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert token not in answer.stdout + answer.stderr
        return answer

    return run


def test_the_command_uploads_versions_lists_and_runs(kfp_command, package, name):
    uploaded = kfp_command("pipeline", "upload", "-p", name, package)
    assert uploaded.returncode == 0, uploaded.stderr
    pipeline_id = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uploaded.stdout).group()
    versioned = kfp_command("pipeline", "upload-version", "-p", pipeline_id, "-v", "two", package)
    assert versioned.returncode == 0, versioned.stderr
    assert "two" in kfp_command("pipeline", "list-versions", pipeline_id).stdout
    assert name in kfp_command("pipeline", "list", "-m", "100").stdout
    submitted = kfp_command("run", "submit", "-e", "by command", "-r", name, "-p", pipeline_id, "a=3")
    assert submitted.returncode == 0, submitted.stderr
    assert name in kfp_command("run", "list", "-m", "100").stdout
    assert "by command" in kfp_command("experiment", "list").stdout
