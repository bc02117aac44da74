"""Through the REST API alone, with the real worker and the real embedded backend: source to model."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

from .conftest import KERNEL_PYTHON, ROOT
from .test_openapi import check

PIPELINE = textwrap.dedent(
    """\
    from kfp import dsl
    from kfp.v2.dsl import Input, Metrics, Model, Output, component

    from kfops.model import materialize_model


    @component
    def train(rate: float, model: Output[Model]):
        import os
        os.mkdir("/tmp/models")
        with open("/tmp/models/model.json", "w") as file:
            file.write('{"rate": %s}' % rate)
        import shutil
        shutil.copytree("/tmp/models", model.path)
        print("trained at", rate)


    @component
    def evaluate(model: Input[Model], metrics: Output[Metrics]):
        metrics.log_metric("accuracy", 0.94)


    @dsl.pipeline(name="churn", description="Says who leaves")
    def churn(rate: float = 0.05):
        print("compiling churn")
        trained = train(rate=rate)
        evaluate(model=trained.outputs["model"])
        materialize_model(model=trained.outputs["model"])
    """
)

SLOW = textwrap.dedent(
    """\
    from kfp import components, dsl


    @components.create_component_from_func
    def sleep():
        import time
        print("asleep", flush=True)
        time.sleep(120)


    @components.create_component_from_func
    def fail():
        raise SystemExit("no luck")


    @dsl.pipeline(name="sleeper")
    def sleeper():
        sleep()


    @dsl.pipeline(name="failing")
    def failing():
        fail()
    """
)


@pytest.fixture
def worker_python():
    assert os.access(KERNEL_PYTHON, os.X_OK), f"no pipeline environment at {KERNEL_PYTHON}: make setup"
    return KERNEL_PYTHON


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("backend") / "local"


@pytest.fixture(autouse=True)
def backend(data_folder, monkeypatch):
    """The embedded backend's folder; the worker starts the backend in it when it is first needed."""
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(data_folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("KF_PIPELINES_SA_TOKEN_PATH", "KF_PIPELINES_ENDPOINT", "KF_PIPELINES_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_backend_stays(data_folder):
    yield
    stop = "from kfops.local import daemon; daemon.stop()"
    subprocess.run([KERNEL_PYTHON, "-c", stop], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=30)


async def ended(api, run_id, limit=120.0):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        status, run = await api("GET", f"runs/{run_id}")
        assert status == 200, run
        if run["state"] in ("succeeded", "failed", "stopped"):
            return run
        await asyncio.sleep(0.2)
    raise AssertionError(run)


def secrets_of(folder):
    return [(Path(folder) / "token").read_text().strip()]


async def test_from_a_file_to_a_model(api, finished, jp_root_dir, data_folder):
    (jp_root_dir / "churn.py").write_text(PIPELINE)
    seen = []

    async def get(path, schema=None, **query):
        status, answer = await api("GET", path, **query)
        assert status == 200, answer
        seen.append(json.dumps(answer))
        if schema:
            check(answer, schema)
        return answer

    status = await get("status", "Status", wait="1")
    assert status["environment"]["versions"]["kfp"] == "1.7.0"
    assert status["connection"]["kind"] == "embedded"
    assert status["connection"]["error"] is None

    _, operation = await api("POST", "packages", {"path": "churn.py"})
    compiled = await finished(operation)
    assert compiled["error"] is None, compiled["error"]
    package = compiled["result"]
    check(package, "Package")
    assert package["name"] == "churn"
    assert package["output"] == "compiling churn\n"
    assert {step["name"] for step in package["graph"]["steps"]} == {"train", "evaluate", "materialize model"}
    assert {"name": "rate", "type": "float", "default": 0.05, "required": False, "description": ""} in package[
        "parameters"
    ]

    for number in (1, 2):
        _, operation = await api("POST", "versions", {"path": "churn.py"})
        uploaded = await finished(operation)
        assert uploaded["error"] is None, uploaded["error"]
        version = uploaded["result"]
        check(version, "PipelineVersion")
        assert (version["pipeline_name"], version["number"]) == ("churn", number)
        assert version["id"] in uploaded["log"]

    pipelines = (await get("pipelines"))["pipelines"]
    assert [pipeline["name"] for pipeline in pipelines] == ["churn"]
    versions = (await get(f"pipelines/{version['pipeline_id']}/versions"))["versions"]
    assert [found["number"] for found in versions] == [2, 1]
    detail = await get(f"versions/{version['id']}", "PipelineVersion")
    assert detail["sha256"] == version["sha256"]
    assert detail["source"]["path"] == "churn.py"

    code, run = await api("POST", "runs", {"version_id": version["id"], "parameters": {"rate": 0.1}, "name": "churn 1"})
    assert code == 201, run
    check(run, "Run")
    done = await ended(api, run["id"])
    check(done, "Run")
    assert done["state"] == "succeeded", done
    assert (done["name"], done["version_id"], done["parameters"]["rate"]) == ("churn 1", version["id"], "0.1")
    assert [metric["value"] for metric in done["metrics"]] == [0.94]
    steps = {step["name"]: step for step in done["graph"]["steps"] if step["kind"] == "step"}
    assert {step["state"] for step in steps.values()} == {"succeeded"}

    log = await get(f"runs/{run['id']}/steps/{steps['train']['id']}/log", "LogPart")
    assert "trained at 0.1" in log["text"]
    assert log["complete"] is True
    rest = await get(f"runs/{run['id']}/steps/{steps['train']['id']}/log", "LogPart", offset=str(log["next_offset"]))
    assert (rest["text"], rest["offset"], rest["complete"]) == ("", log["next_offset"], True)
    spec = await get(f"runs/{run['id']}/steps/{steps['train']['id']}", "StepSpec")
    assert "trained at" in spec["source"]
    assert spec["image"] == steps["train"]["image"]
    assert await get(f"versions/{version['id']}/steps/train", "StepSpec") == {**spec, "id": "train"}

    [model] = (await get("models"))["models"]
    assert (model["key"], model["version_id"]) == (run["id"], version["id"])
    detail = await get(f"models/{model['key']}", "ModelVersion")
    assert [file["path"] for file in detail["files"]] == ["model.json"]
    assert json.loads((Path(detail["location"]) / "model.json").read_text()) == {"rate": 0.1}

    listed = await get("runs")
    assert [found["id"] for found in listed["runs"]] == [run["id"]]
    assert listed["next_page_token"] == ""
    assert (await get("experiments"))["experiments"]

    body = {"version_id": version["id"], "schedule": "0 0 9 * * *", "parameters": {"rate": 0.2}, "catch_up": True}
    code, made = await api("POST", "recurring-runs", body)
    assert code == 201, made
    check(made, "RecurringRun")
    assert (made["version_id"], made["parameters"]["rate"], made["catch_up"]) == (version["id"], "0.2", True)
    assert (await get("recurring-runs"))["recurring_runs"] == [made]
    code, paused = await api("PATCH", f"recurring-runs/{made['id']}", {"enabled": False})
    assert (code, paused["enabled"], paused["upcoming"]) == (200, False, [])
    code, refused = await api("POST", "recurring-runs", {**body, "schedule": "0 9 * * *"})
    assert (code, refused["code"]) == (400, "invalid_input")
    assert (await api("DELETE", f"recurring-runs/{made['id']}"))[0] == 204
    assert (await get("recurring-runs"))["recurring_runs"] == []
    for secret in secrets_of(data_folder):
        assert len(secret) > 16
        assert not [answer for answer in seen if secret in answer]


async def test_the_configuration_of_a_project_in_a_folder_counts_all_the_way(api, finished, jp_root_dir):
    (jp_root_dir / "project").mkdir()
    (jp_root_dir / "project" / "churn.py").write_text(PIPELINE.replace('name="churn"', 'name="configured"'))
    (jp_root_dir / "project" / "config.yaml").write_text(
        "pipeline: {name: configured, experiment_name: of the project, pipeline_args: {rate: 0.7}}\n"
    )
    (jp_root_dir / "elsewhere").mkdir()
    (jp_root_dir / "elsewhere" / "config.yaml").write_text("connection: {host: 'http://127.0.0.1:9'}\n")

    _, operation = await api("POST", "versions", {"path": "project/churn.py"})
    version = (await finished(operation))["result"]
    _, run = await api("POST", "runs", {"version_id": version["id"]}, path="elsewhere/other.ipynb")
    assert run["experiment_name"] == "of the project"
    assert run["parameters"]["rate"] == "0.7"
    code, _ = await api("PATCH", f"runs/{run['id']}", {"state": "stopped"}, path="elsewhere/other.ipynb")
    assert code == 200

    _, status = await api("GET", "status", path="elsewhere/other.ipynb")
    assert status["connection"]["host"] == "http://127.0.0.1:9"
    assert status["connection"]["error"]["code"] == "connection_failed"
    _, status = await api("GET", "status", path="project/churn.py")
    assert status["connection"]["error"] is None


async def test_a_run_is_stopped_while_its_log_is_read(api, finished, jp_root_dir):
    (jp_root_dir / "slow.py").write_text(SLOW)
    _, operation = await api("POST", "versions", {"path": "slow.py", "function": "sleeper"})
    version = (await finished(operation))["result"]
    _, run = await api("POST", "runs", {"version_id": version["id"]})
    deadline = time.monotonic() + 60
    text = ""
    while "asleep" not in text and time.monotonic() < deadline:
        _, found = await api("GET", f"runs/{run['id']}")
        steps = [step for step in found["graph"]["steps"] if step["kind"] == "step" and step["state"] == "running"]
        if steps:
            _, log = await api("GET", f"runs/{run['id']}/steps/{steps[0]['id']}/log")
            text = log["text"]
            assert log["complete"] is False
        await asyncio.sleep(0.2)
    assert "asleep" in text
    code, stopped = await api("PATCH", f"runs/{run['id']}", {"state": "stopped"})
    assert code == 200, stopped
    assert stopped["state"] in ("stopping", "stopped")
    assert (await ended(api, run["id"]))["state"] == "stopped"


async def test_a_page_is_told_of_what_is_done_to_a_run_elsewhere(api, finished, jp_root_dir, data_folder):
    (jp_root_dir / "slow.py").write_text(SLOW)
    _, operation = await api("POST", "versions", {"path": "slow.py", "function": "sleeper"})
    version = (await finished(operation))["result"]
    _, first = await api("GET", "changes", runs="0")
    _, run = await api("POST", "runs", {"version_id": version["id"]})
    _, second = await api("GET", "changes", runs=str(first["runs"]))
    assert second["runs"] > first["runs"]
    assert run["id"] in [found["id"] for found in (await api("GET", "runs"))[1]["runs"]]
    seen, states = 0, [""]
    for _ in range(50):
        _, answer = await api("GET", "changes", run=f"{run['id']}:{seen}")
        assert answer["lost"] == []
        seen = answer["run"].get(run["id"], seen)
        states.append((await api("GET", f"runs/{run['id']}"))[1]["state"])
        if states[-1] == "running" and "stopping" not in states:
            states.append("stopping")
            stop_in_the_backend(data_folder, run["id"])
        if states[-1] == "stopped":
            break
    assert states[-1] == "stopped"


def stop_in_the_backend(folder, run_id):
    """Stop a run as somebody else would, of whom the server knows nothing."""
    url = json.loads((folder / "connection.json").read_text())["url"]
    token = (folder / "token").read_text().strip()
    request = urllib.request.Request(
        f"{url}/apis/v1beta1/runs/{run_id}/terminate", b"", {"Authorization": f"Bearer {token}"}
    )
    urllib.request.urlopen(request, timeout=20).close()


async def test_a_failed_run_names_its_step_and_is_retried(api, finished, jp_root_dir):
    (jp_root_dir / "slow.py").write_text(SLOW)
    _, operation = await api("POST", "versions", {"path": "slow.py", "function": "failing"})
    version = (await finished(operation))["result"]
    _, run = await api("POST", "runs", {"version_id": version["id"]})
    failed = await ended(api, run["id"])
    assert failed["state"] == "failed"
    assert failed["error"].startswith("fail: ")
    code, again = await api("PATCH", f"runs/{run['id']}", {"state": "running"})
    assert code == 200, again
    assert (await ended(api, run["id"]))["state"] == "failed"


async def test_a_mistake_in_an_open_notebook_is_named_by_cell_and_line(api, finished, jp_root_dir):
    cells = [
        "x = 1",
        "%%kfops pipeline\nfrom kfp import dsl\n\n@dsl.pipeline(name='p')\ndef p():\n    undefined_step()\n",
    ]
    notebook = {
        "cells": [
            {"cell_type": "code", "id": str(n), "metadata": {}, "outputs": [], "execution_count": None, "source": text}
            for n, text in enumerate(cells)
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    _, operation = await api("POST", "packages", {"path": "open.ipynb", "content": notebook})
    failed = await finished(operation)
    assert failed["state"] == "failed"
    error = failed["error"]
    assert error["code"] == "compile_error"
    assert "undefined_step" in error["why"]
    assert (error["details"]["cell"], error["details"]["line"]) == (2, 6)


@pytest.mark.parametrize("path", ["runs/none", "versions/none", "pipelines/none/versions", "models/none"])
async def test_what_the_backend_does_not_know_is_not_found(api, path):
    status, error = await api("GET", path)
    assert (status, error["code"]) == (404, "not_found"), error


async def test_a_parameter_that_cannot_be_is_refused_before_the_run(api, finished, jp_root_dir):
    (jp_root_dir / "churn.py").write_text(PIPELINE)
    _, operation = await api("POST", "versions", {"path": "churn.py"})
    version = (await finished(operation))["result"]
    for parameters in ({"rate": "much"}, {"speed": 1}):
        status, error = await api("POST", "runs", {"version_id": version["id"], "parameters": parameters})
        assert (status, error["code"]) == (400, "invalid_input"), error


@pytest.mark.usefixtures("no_backend_stays")
async def test_a_backend_that_was_killed_is_started_again_by_the_next_question(api, data_folder):
    assert (await api("GET", "runs"))[0] == 200
    connection = json.loads((data_folder / "connection.json").read_text())
    os.kill(connection["pid"], 9)
    status, listed = await api("GET", "runs")
    assert status == 200, listed
    assert json.loads((data_folder / "connection.json").read_text())["pid"] != connection["pid"]
