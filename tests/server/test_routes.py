"""Each route asks the worker for the right thing, and answers in the form that openapi.yaml promises."""

from __future__ import annotations

import base64
import json

import pytest

NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": "x"}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}

STEP = {"run_id": "r1", "step_id": "a-1"}


@pytest.mark.parametrize(
    ("path", "key", "method", "params"),
    [
        ("pipelines", "pipelines", "pipelines.list", {}),
        ("pipelines/p1/versions", "versions", "versions.list", {"pipeline_id": "p1"}),
        ("versions/v1", None, "versions.get", {"version_id": "v1"}),
        ("versions/v1/package", None, "versions.package", {"version_id": "v1"}),
        ("images", "versions", "images.list", {}),
        ("runs", None, "runs.list", {"page_token": "", "page_size": 50, "archived": False}),
        ("runs/r1/steps/a-1/artifacts", "previews", "steps.artifacts", {"run_id": "r1", "step_id": "a-1"}),
        ("runs/r1", None, "runs.get", {"run_id": "r1"}),
        ("runs/r1/steps/a-1", None, "steps.get", {"run_id": "r1", "step_id": "a-1"}),
        ("runs/r1/steps/a-1/log", None, "steps.log", {**STEP, "offset": None, "limit": 262144}),
        ("versions/v1/steps/c.a", None, "versions.step", {"version_id": "v1", "step_id": "c.a"}),
        ("models", "models", "models.list", {}),
        ("models/r1", None, "models.get", {"key": "r1"}),
        ("experiments", "experiments", "experiments.list", {}),
        ("recurring-runs", "recurring_runs", "recurring.list", {}),
    ],
)
async def test_a_get_asks_the_worker(api, services, path, key, method, params):
    status, answer = await api("GET", path)
    assert status == 200
    asked = answer[key] if key else answer
    assert asked == {"method": method, "params": {"root": services.root, **params}}


@pytest.mark.parametrize("path", ["status", "runs", "runs/r1", "models", "pipelines/p1/versions", "experiments"])
async def test_the_configuration_is_that_of_the_document_in_the_query(api, services, jp_root_dir, monkeypatch, path):
    asked = []
    worker_call = services.worker.call

    async def call(method, params, **more):
        asked.append(params["root"])
        return await worker_call(method, params, **more)

    monkeypatch.setattr(services.worker, "call", call)
    (jp_root_dir / "project").mkdir()
    (jp_root_dir / ".secret").mkdir()
    await api("GET", "status", wait="1")
    asked.clear()
    for document in ("project/churn.ipynb", "churn.ipynb", ".secret/churn.ipynb", "nowhere/x.py", "../x.py", ""):
        await api("GET", path, path=document)
    assert asked == [str(jp_root_dir / "project"), *[services.root] * 5]


async def test_a_page_of_runs_is_asked_for_by_its_token(api):
    _, asked = await api("GET", "runs", page_token="next one", page_size="7")
    assert asked["params"]["page_token"] == "next one"
    assert asked["params"]["page_size"] == 7


async def test_runs_are_narrowed_down_and_sorted(api, services):
    query = {"state": "failed", "pipeline_id": "p1", "experiment_id": "e1", "text": "ch", "sort_by": "name desc"}
    _, asked = await api("GET", "runs", archived="true", **query)
    wanted = {"root": services.root, "page_token": "", "page_size": 50, "archived": True, **query}
    assert asked == {"method": "runs.list", "params": wanted}


async def test_runs_are_compared_and_so_are_versions(api):
    _, asked = await api("GET", "comparison", run_ids="r1,r2")
    assert asked["params"]["run_ids"] == ["r1", "r2"]
    _, asked = await api("GET", "versions/v2/changes", since="v1")
    assert asked == {"method": "versions.changes", "params": {**asked["params"], "version_id": "v2", "since": "v1"}}


@pytest.mark.parametrize("ids", ["r1", "", "r1,../r2", ",".join(f"r{n}" for n in range(11))])
async def test_runs_that_cannot_be_compared_are_refused_before_the_worker_is_asked(api, ids):
    status, error = await api("GET", "comparison", run_ids=ids)
    assert (status, error["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(
    ("verb", "path", "body", "method", "params"),
    [
        ("PATCH", "runs/r1", {"archived": True}, "runs.archive", {"run_id": "r1", "archived": True}),
        ("PATCH", "connection", {"use": "cluster"}, "connection.use", {"use": "cluster"}),
        ("DELETE", "runs/r1", None, "runs.delete", {"run_id": "r1"}),
        ("DELETE", "versions/v1", None, "versions.delete", {"version_id": "v1"}),
        ("DELETE", "pipelines/p1", None, "pipelines.delete", {"pipeline_id": "p1"}),
        (
            "PATCH",
            "pipelines/p1",
            {"default_version_id": "v2"},
            "pipelines.default",
            {"pipeline_id": "p1", "version_id": "v2"},
        ),
        ("POST", "experiments", {"name": "e"}, "experiments.create", {"name": "e"}),
        (
            "PATCH",
            "experiments/e1",
            {"archived": False},
            "experiments.archive",
            {"experiment_id": "e1", "archived": False},
        ),
        (
            "POST",
            "recurring-runs",
            {"version_id": "v1", "schedule": "@daily", "max_concurrency": 2, "catch_up": True},
            "recurring.create",
            {"version_id": "v1", "schedule": "@daily", "max_concurrency": 2, "catch_up": True},
        ),
        (
            "PATCH",
            "recurring-runs/j1",
            {"enabled": False},
            "recurring.enable",
            {"recurring_run_id": "j1", "enabled": False},
        ),
        ("DELETE", "recurring-runs/j1", None, "recurring.delete", {"recurring_run_id": "j1"}),
        ("DELETE", "experiments/e1", None, "experiments.delete", {"experiment_id": "e1"}),
    ],
)
async def test_what_changes_something_asks_the_worker(api, services, monkeypatch, verb, path, body, method, params):
    asked = []
    worker_call = services.worker.call

    async def call(name, given, **more):
        asked.append((name, given))
        return await worker_call(name, given, **more)

    monkeypatch.setattr(services.worker, "call", call)
    status, _ = await api(verb, path, body)
    assert status in (200, 201, 204)
    assert asked[-1] == (method, {"root": services.root, **params})


@pytest.mark.parametrize("body", [{}, {"state": "stopped", "archived": True}, {"archived": "yes"}])
async def test_a_run_is_changed_in_one_way_at_a_time(api, body):
    status, error = await api("PATCH", "runs/r1", body)
    assert (status, error["code"]) == (400, "invalid_input")


async def test_a_log_is_asked_for_from_an_offset(api):
    _, asked = await api("GET", "runs/r1/steps/a:b/log", offset="12")
    assert asked["params"]["step_id"] == "a:b"
    assert asked["params"]["offset"] == 12


async def test_a_whole_log_is_passed_on_part_by_part(jp_fetch):
    answer = await jp_fetch("kfops", "runs", "long", "steps", "a-1", "log-file")
    assert answer.body.decode() == "".join(f"line {number}\n" for number in range(5))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a-1.log"'


async def test_a_log_that_cannot_be_read_is_no_file(api):
    status, error = await api("GET", "runs/unwatchable/steps/a-1/log-file")
    assert (status, error["code"]) == (404, "not_found")


async def test_a_run_is_created(api, services):
    body = {"version_id": "v1", "parameters": {"rate": 0.1}, "name": "churn", "experiment": "e"}
    status, asked = await api("POST", "runs", body)
    assert status == 201
    assert asked == {"method": "runs.create", "params": {"root": services.root, **body}}


@pytest.mark.parametrize(("state", "method"), [("stopped", "runs.stop"), ("running", "runs.retry")])
async def test_a_run_is_stopped_and_retried_by_its_state(api, state, method):
    status, asked = await api("PATCH", "runs/r1", {"state": state})
    assert status == 200
    assert asked["method"] == method
    assert asked["params"]["run_id"] == "r1"


async def test_a_saved_notebook_is_compiled_as_its_text(api, finished, jp_root_dir):
    text = json.dumps(NOTEBOOK, indent=2)
    (jp_root_dir / "folder").mkdir()
    (jp_root_dir / "folder" / "churn.ipynb").write_text(text)
    status, operation = await api("POST", "packages", {"path": "folder/churn.ipynb", "function": "churn"})
    assert status == 202
    assert operation["kind"] == "compile"
    assert operation["subject"] == "folder/churn.ipynb"
    done = await finished(operation)
    assert done["state"] == "succeeded"
    assert done["started_at"] <= done["finished_at"]
    params = done["result"]["params"]
    assert done["result"]["method"] == "packages.compile"
    assert params["function"] == "churn"
    assert params["time_limit"] == 60.0
    assert params["source"] == {
        "path": "folder/churn.ipynb",
        "kind": "notebook",
        "content": text,
        "encoding": "text",
        "os_path": str(jp_root_dir / "folder" / "churn.ipynb"),
    }


async def test_work_that_is_done_in_a_moment_is_answered_with_its_end(api, jp_root_dir, monkeypatch):
    (jp_root_dir / "churn.py").write_text("x")
    monkeypatch.setattr("kfops_server.routes.compile.MOMENT", 60)
    _, operation = await api("POST", "packages", {"path": "churn.py"})
    assert (operation["state"], operation["result"]["method"]) == ("succeeded", "packages.compile")

    monkeypatch.setattr("kfops_server.routes.compile.MOMENT", 0.01)
    _, operation = await api("POST", "versions/silent/images", {})
    assert operation["state"] == "running"
    await api("DELETE", f"operations/{operation['id']}")


async def test_what_an_editor_has_unsaved_goes_before_the_file(api, finished, jp_root_dir):
    (jp_root_dir / "churn.py").write_text("saved")
    _, operation = await api("POST", "packages", {"path": "churn.py", "content": "unsaved"})
    assert (await finished(operation))["result"]["params"]["source"]["content"] == "unsaved"
    _, operation = await api("POST", "packages", {"path": "churn.py", "content": ""})
    assert (await finished(operation))["result"]["params"]["source"]["content"] == ""


async def test_an_unsaved_notebook_is_sent_as_it_would_be_saved(api, finished, jp_fetch, jp_root_dir):
    model = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    await jp_fetch("api", "contents", "churn.ipynb", method="PUT", body=json.dumps(model))
    _, saved = await api("POST", "packages", {"path": "churn.ipynb"})
    _, unsaved = await api("POST", "packages", {"path": "churn.ipynb", "content": NOTEBOOK})
    texts = [(await finished(operation))["result"]["params"]["source"]["content"] for operation in (saved, unsaved)]
    # Trusting the saved notebook, the server adds nothing but this to its cells' metadata.
    assert json.loads(texts[0])["cells"][0]["source"] == json.loads(texts[1])["cells"][0]["source"]
    assert texts[0].splitlines()[:3] == texts[1].splitlines()[:3]


async def test_a_packed_package_is_sent_as_base64(api, finished, jp_root_dir):
    (jp_root_dir / "churn.zip").write_bytes(b"PK\x03\x04\xff\x00")
    _, operation = await api("POST", "packages", {"path": "churn.zip"})
    source = (await finished(operation))["result"]["params"]["source"]
    assert source["kind"] == "package"
    assert base64.b64decode(source["content"]) == b"PK\x03\x04\xff\x00"


async def test_an_upload_passes_on_what_was_asked(api, finished, jp_root_dir):
    (jp_root_dir / "churn.py").write_text("x")
    body = {"path": "churn.py", "pipeline_name": "churn", "version_name": "new", "description": "d", "build": True}
    status, operation = await api("POST", "versions", body)
    assert (status, operation["kind"]) == (202, "upload")
    done = await finished(operation)
    assert done["result"]["method"] == "versions.create"
    for key in ("pipeline_name", "version_name", "description", "build"):
        assert done["result"]["params"][key] == body[key]


async def test_images_are_built_with_their_log_passed_on_and_without_tokens(api, finished):
    status, operation = await api("POST", "versions/log/images")
    assert (status, operation["kind"], operation["subject"]) == (202, "build", "log")
    done = await finished(operation)
    assert done["log"] == "one\ntwo Bearer [redacted]\n"
    assert done["result"]["params"]["source"] is None


async def test_an_operation_says_where_to_ask_for_it(jp_fetch, jp_root_dir, jp_base_url):
    (jp_root_dir / "churn.py").write_text("x")
    response = await jp_fetch("kfops", "packages", method="POST", body='{"path": "churn.py"}')
    operation = json.loads(response.body)
    assert response.headers["Location"] == f"{jp_base_url}kfops/operations/{operation['id']}"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"].startswith("application/json")


async def test_operations_are_listed_newest_first_without_logs(api, finished):
    for version in ("log", "v2"):
        _, operation = await api("POST", f"versions/{version}/images")
        await finished(operation)
    _, listed = await api("GET", "operations")
    assert [operation["subject"] for operation in listed["operations"]] == ["v2", "log"]
    assert listed["operations"][1]["log"] == ""


async def test_a_running_operation_is_cancelled_in_the_worker_too(api):
    _, operation = await api("POST", "versions/silent/images")
    # A second request on the same line, so that the first has been taken.
    await api("GET", "versions/v1")
    status, nothing = await api("DELETE", f"operations/{operation['id']}")
    assert (status, nothing) == (204, None)
    _, found = await api("GET", f"operations/{operation['id']}")
    assert found["state"] == "cancelled"
    assert found["finished_at"]
    _, given_up = await api("GET", "versions/cancelled")
    assert len(given_up) == 1


async def test_an_ended_operation_is_dropped(api, finished):
    _, operation = await api("POST", "versions/v1/images")
    await finished(operation)
    assert (await api("DELETE", f"operations/{operation['id']}"))[0] == 204
    status, error = await api("GET", f"operations/{operation['id']}")
    assert (status, error["code"]) == (404, "not_found")


async def test_the_history_is_bounded_and_keeps_what_runs(api, services, finished):
    services.operations._history = 3
    await api("POST", "versions/silent/images")
    for number in range(4):
        _, operation = await api("POST", f"versions/v{number}/images")
        await finished(operation)
    _, listed = await api("GET", "operations")
    subjects = [operation["subject"] for operation in listed["operations"]]
    assert subjects == ["v3", "v2", "silent"]
