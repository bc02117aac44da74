"""Watching the embedded backend: changes come as they are made, whole again after any gap, and cost no one else."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from kfops.local.api import topics
from tests.fakes.backend import TOKEN, scripted_backend

WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "watched-"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": []},
        "templates": [
            {"name": "main", "dag": {"tasks": [{"name": name, "template": "step"} for name in ("a", "b")]}},
            {"name": "step", "container": {"image": "none", "command": ["true"]}},
        ],
    },
}


@pytest.fixture
def backend(tmp_path):
    with scripted_backend(tmp_path / "data") as running:
        yield running


def start(backend, name="run", experiment=None):
    body = {"name": name, "pipeline_spec": {"workflow_manifest": json.dumps(WORKFLOW)}}
    if experiment:
        body["resource_references"] = [{"key": {"type": "EXPERIMENT", "id": experiment}, "relationship": "OWNER"}]
    return backend.connection.post_json("/apis/v1beta1/runs", body)["run"]["id"]


class Watcher:
    """An open watch; iterating over it waits for messages, leaving out the signs of life."""

    def __init__(self, answer):
        self._answer = answer

    def __next__(self):
        return json.loads(self._answer.readline())

    def until(self, wanted):
        """Return the messages up to the first that meets a condition."""
        found = [next(self)]
        while not wanted(found[-1]):
            found.append(next(self))
        return found


@contextmanager
def watch(backend, path="runs", since=None, token=TOKEN):
    address = urlsplit(backend.connection.host)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    query = "" if since is None else f"?since={since}"
    connection.request(
        "GET", f"/apis/v1alpha1/{path}:watch{query}", headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    answer = connection.getresponse()
    try:
        if answer.status == 200:
            yield Watcher(answer)
        else:
            yield answer.status, json.loads(answer.read())["message"]
    finally:
        answer.close()
        connection.close()


def applied(workflow, message):
    """Return the workflow with a message's news in it."""
    status = {**message.get("status", {}), "nodes": dict(workflow.get("status", {}).get("nodes", {}))}
    status["nodes"].update(message.get("nodes", {}))
    for node_id in message.get("gone", []):
        del status["nodes"][node_id]
    return {**workflow, "status": status}


def stored(backend, run_id):
    detail = backend.connection.get_json(f"/apis/v1beta1/runs/{run_id}")
    return detail["run"], json.loads(detail["pipeline_runtime"]["workflow_manifest"])


def test_a_watcher_is_told_everything_and_then_what_changes(backend):
    run_id = start(backend)
    backend.move(run_id, "Running", {"a": ("Running", "")})
    with watch(backend, f"runs/{run_id}") as watcher:
        first = next(watcher)
        assert (first["run"], first["workflow"]) == stored(backend, run_id)
        backend.move(run_id, "Running", {"a": ("Running", ""), "b": ("Pending", "")})
        second = next(watcher)
        assert [node["displayName"] for node in second["nodes"].values()] == ["b"]
        assert "workflow_manifest" not in second["run"].get("pipeline_spec", {})
        backend.move(run_id, "Succeeded", {"a": ("Succeeded", "")})
        third = next(watcher)
        assert third["gone"] == list(second["nodes"])
        assert third["run"]["status"] == "Succeeded"
        assert third["seq"] > second["seq"] > first["seq"]
        assert applied(applied(first["workflow"], second), third) == stored(backend, run_id)[1]


def test_whoever_comes_back_is_told_what_they_missed(backend):
    run_id = start(backend)
    with watch(backend, f"runs/{run_id}") as watcher:
        seen = next(watcher)["seq"]
    for phase in ("Running", "Succeeded"):
        backend.move(run_id, "Running", {"a": (phase, "")})
        with watch(backend, f"runs/{run_id}", since=seen) as watcher:
            message = watcher.until(lambda message: "nodes" in message)[-1]
        assert "workflow" not in message
        assert [node["phase"] for node in message["nodes"].values() if node["type"] == "Pod"] == [phase]
        seen = message["seq"]
    with watch(backend, f"runs/{run_id}", since=seen) as watcher:
        assert next(watcher) == {"seq": seen}


@pytest.mark.parametrize("since", [1, 10**17])
def test_a_number_that_is_not_known_begins_anew(backend, since):
    run_id = start(backend)
    with watch(backend, f"runs/{run_id}", since=since) as watcher:
        assert "workflow" in next(watcher)


def test_past_changes_are_not_kept_without_end(backend, monkeypatch):
    monkeypatch.setattr(topics, "_KEPT", 2000)
    run_id = start(backend)
    with watch(backend, f"runs/{run_id}") as watcher:
        seen = next(watcher)["seq"]
        for number in range(5):
            backend.move(run_id, "Running", {"a": (("Pending", "Running")[number % 2], f"{number}" + "x" * 500)})
            last = next(watcher)["seq"]
        with watch(backend, f"runs/{run_id}", since=seen) as another:
            assert "workflow" in next(another)
        with watch(backend, f"runs/{run_id}", since=last - 1) as another:
            assert next(another)["seq"] == last


def test_a_slow_reader_misses_what_is_between_and_ends_with_the_whole_state(backend):
    run_id = start(backend)
    rounds, size = 60, 500_000
    with watch(backend, f"runs/{run_id}") as slow, watch(backend, f"runs/{run_id}") as quick:
        next(slow)
        next(quick)
        for number in range(rounds):
            phase = ("Pending", "Running")[number % 2]
            backend.move(run_id, "Running", {"a": (phase, f"{number} " + "x" * size)})
            next(quick)
        backend.move(run_id, "Succeeded", {"a": ("Succeeded", "end")})
        messages = slow.until(lambda message: message["run"]["status"] == "Succeeded")
        assert len(messages) < rounds / 2
        workflow = {}
        for message in messages:
            workflow = message["workflow"] if "workflow" in message else applied(workflow, message)
        assert workflow == stored(backend, run_id)[1]


def test_a_watcher_of_a_deleted_run_is_told(backend):
    run_id = start(backend)
    backend.move(run_id, "Succeeded", {})
    with watch(backend, f"runs/{run_id}") as watcher:
        next(watcher)
        backend.connection.call("delete the run", lambda client: client.runs.delete_run(run_id))
        assert next(watcher)["deleted"] is True


def test_what_nobody_watches_any_more_is_forgotten(backend, monkeypatch):
    monkeypatch.setattr(topics, "_LINGER", 0.0)
    run_id = start(backend)
    with watch(backend, f"runs/{run_id}") as watcher:
        seen = next(watcher)["seq"]
    with watch(backend, "runs") as others:
        next(others)
        backend.move(run_id, "Running", {})
        next(others)
        with watch(backend, f"runs/{run_id}", since=seen) as watcher:
            assert "workflow" in next(watcher)


def test_who_left_twice_does_not_end_what_others_watch_later(backend, monkeypatch):
    monkeypatch.setattr(topics, "_LINGER", 2.0)
    for _ in range(2):  # leaves at 0 s and at 1.2 s; what is watched ends 2 s after either
        with watch(backend) as watcher:
            next(watcher)
        time.sleep(1.2)
    with watch(backend) as watcher:
        assert next(watcher)["reset"] is True
        time.sleep(1.5)
        run_id = start(backend)
        assert next(watcher)["runs"][0]["id"] == run_id


def test_the_list_tells_of_runs_and_of_no_steps(backend):
    with watch(backend) as watcher:
        assert next(watcher)["reset"] is True
        run_id = start(backend, "first")
        (run,) = next(watcher)["runs"]
        assert (run["id"], run["name"], "status" in run) == (run_id, "first", False)
        backend.move(run_id, "Running", {"a": ("Pending", "")})
        message = next(watcher)
        assert [run["status"] for run in message["runs"]] == ["Running"]
        backend.move(run_id, "Running", {"a": ("Running", "")})
        time.sleep(0.2)  # long enough for a message of its own
        backend.move(run_id, "Succeeded", {})
        assert [run["status"] for run in next(watcher)["runs"]] == ["Succeeded"]
        backend.connection.post_json(f"/apis/v1beta1/runs/{run_id}:archive", {})
        assert next(watcher)["runs"][0]["storage_state"] == "STORAGESTATE_ARCHIVED"
        backend.connection.call("delete the run", lambda client: client.runs.delete_run(run_id))
        assert next(watcher)["runs"] == [{"id": run_id, "deleted": True}]
    with watch(backend, since=message["seq"]) as again:
        assert [run["status"] for run in next(again)["runs"]] == ["Succeeded"]


def test_an_experiment_that_is_put_away_begins_the_list_anew(backend):
    experiment = backend.connection.post_json("/apis/v1beta1/experiments", {"name": "e"})["id"]
    start(backend, experiment=experiment)
    with watch(backend) as watcher:
        next(watcher)
        backend.connection.post_json(f"/apis/v1beta1/experiments/{experiment}:archive", {})
        assert next(watcher)["reset"] is True


def test_an_idle_watcher_hears_that_the_backend_is_there(backend, monkeypatch):
    monkeypatch.setattr(topics, "HEARTBEAT", 0.05)
    run_id = start(backend)
    with watch(backend, f"runs/{run_id}") as watcher:
        first = next(watcher)
        assert [next(watcher), next(watcher)] == [{"seq": first["seq"]}] * 2


def test_a_watch_is_refused_like_everything_else(backend):
    run_id = start(backend)
    with watch(backend, f"runs/{run_id}", token="") as refusal:
        assert refusal[0] == 401
    with watch(backend, token="wrong") as refusal:
        assert refusal[0] == 401
    with watch(backend, "runs/unknown") as refusal:
        assert refusal[0] == 404
    for since in ("-1", "x", "9" * 30):
        with watch(backend, since=since) as refusal:
            assert refusal[0] == 400


def test_a_log_is_told_to_all_who_follow_it(backend):
    run_id = start(backend)
    backend.move(run_id, "Running", {"a": ("Running", "")})
    node_id = next(iter(node for node in stored(backend, run_id)[1]["status"]["nodes"] if node.endswith("-a")))
    backend.write_log(run_id, "a", "one\n")
    address = urlsplit(backend.connection.host)
    request = (
        f"GET /apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log?follow=true HTTP/1.0\r\n"
        f"Host: {address.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    )
    followers = []
    for _ in range(3):
        stream = socket.create_connection((address.hostname, address.port), timeout=20)
        stream.sendall(request.encode())
        followers.append(stream.makefile("rb"))
        stream.close()
    for follower in followers[:2]:
        while follower.readline() != b"one\n":
            pass
    backend.write_log(run_id, "a", "one\ntwo\n" + "x" * 300_000 + "\n")
    backend.move(run_id, "Running", {"a": ("Succeeded", "")})
    for follower in followers:
        text = follower.read()
        assert text.endswith(b"two\n" + b"x" * 300_000 + b"\n")
        follower.close()
