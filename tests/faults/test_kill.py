"""kill -9 of the backend at any moment: every run that it accepted comes to its right end, and nothing is left over."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from kfops.local import daemon

KILLS = 6
RUNS = 5
STEPS = 6


def ask(endpoint, method, path, body=None):
    request = urllib.request.Request(
        endpoint.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {endpoint.token_path.read_text()}"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def chain(marker):
    """A workflow of steps one after the other, each of which says in a file that it has come to its end."""
    command = f'sleep 0.2; : {marker}; echo "$0" >> "$KFOPS_MODEL_STORE/{marker}"; echo "$0"'
    tasks = [
        {
            "name": f"step-{number}",
            "template": "step",
            "dependencies": [f"step-{number - 1}"] if number else [],
            "arguments": {"parameters": [{"name": "number", "value": str(number)}]},
        }
        for number in range(STEPS)
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "chain-"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": []},
            "templates": [
                {"name": "main", "dag": {"tasks": tasks}},
                {
                    "name": "step",
                    "inputs": {"parameters": [{"name": "number"}]},
                    "container": {
                        "image": "python:3.9",
                        "command": ["sh", "-c", command],
                        "args": ["{{inputs.parameters.number}}"],
                    },
                },
            ],
        },
    }


def processes(marker):
    """The command lines of processes that name ``marker``, this test's own excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if marker in command:
                    found.append(command)
    return found


def integrity(folder):
    with contextlib.closing(sqlite3.connect(folder / "kfops.db")) as connection:
        return [row[0] for row in connection.execute("PRAGMA integrity_check")]


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    daemon.stop(tmp_path / "data")


def test_accepted_runs_end_well_though_the_backend_is_killed_again_and_again(folder):
    moments = random.Random(7)
    marker = f"kill-{uuid.uuid4().hex}"
    endpoint = daemon.ensure_running(folder)
    accepted = []
    for kill in range(KILLS):
        for number in range(RUNS if kill == 0 else 1):
            body = {
                "name": f"run {kill}.{number}",
                "pipeline_spec": {"workflow_manifest": json.dumps(chain(f"{marker}-{len(accepted)}"))},
            }
            accepted.append(ask(endpoint, "POST", "/apis/v1beta1/runs", body)["run"]["id"])
        time.sleep(moments.uniform(0, 0.8))
        os.kill(endpoint.pid, signal.SIGKILL)
        while daemon.status(folder)["running"]:
            time.sleep(0.01)
        assert integrity(folder) == ["ok"]
        endpoint = daemon.ensure_running(folder)
    deadline = time.monotonic() + 120
    pending = list(accepted)
    while pending and time.monotonic() < deadline:
        run = ask(endpoint, "GET", f"/apis/v1beta1/runs/{pending[0]}")
        if run["run"].get("status") not in ("Succeeded", "Failed", "Error"):
            time.sleep(0.1)
            continue
        status = json.loads(run["pipeline_runtime"]["workflow_manifest"])["status"]
        steps = sorted(
            (node["displayName"], node["phase"]) for node in status["nodes"].values() if node["type"] == "Pod"
        )
        assert steps == [(f"step-{number}", "Succeeded") for number in range(STEPS)], status.get("message")
        assert run["run"]["status"] == "Succeeded"
        pending.pop(0)
    assert pending == []
    for index in range(len(accepted)):
        # A step may be run again when the backend dies while it runs, but the order of a chain always holds.
        ended = (folder / "models" / f"{marker}-{index}").read_text().split()
        assert sorted(set(ended)) == [str(number) for number in range(STEPS)]
        assert ended == sorted(ended)
    daemon.stop(folder)
    assert processes(marker) == []
    assert integrity(folder) == ["ok"]


def test_a_run_is_either_accepted_or_refused_never_half_there(folder):
    """Kill the backend while it accepts: what it answered is there, whole, and what it did not is whole or absent."""
    answered = []
    workflow = chain("none")
    workflow["spec"]["templates"][1]["container"]["command"] = ["true"]
    body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    for kill in range(3):
        endpoint = daemon.ensure_running(folder)
        child = os.fork()
        if child == 0:
            time.sleep(0.15 + kill * 0.1)
            os.kill(endpoint.pid, signal.SIGKILL)
            os._exit(0)
        with contextlib.suppress(urllib.error.URLError, OSError):
            while True:
                answered.append(ask(endpoint, "POST", "/apis/v1beta1/runs", body)["run"]["id"])
        os.waitpid(child, 0)
        while daemon.status(folder)["running"]:
            time.sleep(0.01)
        assert integrity(folder) == ["ok"]
    endpoint = daemon.ensure_running(folder)
    assert answered
    for run_id in answered:
        run = ask(endpoint, "GET", f"/apis/v1beta1/runs/{run_id}")
        assert json.loads(run["pipeline_runtime"]["workflow_manifest"])["metadata"]["uid"] == run_id
    with contextlib.closing(sqlite3.connect(folder / "kfops.db")) as connection:
        query = "SELECT count(*) FROM runs LEFT JOIN run_workflows ON run_id = id WHERE run_id IS NULL"
        assert connection.execute(query).fetchone() == (0,)


def test_a_terminated_run_stays_terminated_over_a_kill(folder):
    marker = f"kill-{uuid.uuid4().hex}"
    workflow = chain(marker)
    workflow["spec"]["templates"][1]["container"]["command"] = ["sh", "-c", f": {marker}; sleep 600"]
    endpoint = daemon.ensure_running(folder)
    body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    run_id = ask(endpoint, "POST", "/apis/v1beta1/runs", body)["run"]["id"]
    while not processes(marker):
        time.sleep(0.05)
    ask(endpoint, "POST", f"/apis/v1beta1/runs/{run_id}/terminate", {})
    os.kill(endpoint.pid, signal.SIGKILL)
    while daemon.status(folder)["running"]:
        time.sleep(0.01)
    endpoint = daemon.ensure_running(folder)
    deadline = time.monotonic() + 30
    status = ""
    while status != "Failed" and time.monotonic() < deadline:
        status = ask(endpoint, "GET", f"/apis/v1beta1/runs/{run_id}")["run"]["status"]
        time.sleep(0.05)
    assert status == "Failed"
    assert processes(marker) == []
