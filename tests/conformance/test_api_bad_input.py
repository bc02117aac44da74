"""Requests that no client would make: each is refused in the API's form, none is an error of the backend's own."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

V1 = "/apis/v1beta1"
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    0.5,
    "",
    "x",
    "\0",
    "é😀",
    [],
    {},
    [None],
    [{}],
    {"a": 1},
    "{{",
    "{{workflow.uid}}",
]
PATHS = [
    "/experiments",
    "/experiments/{}",
    "/experiments/{}:archive",
    "/pipelines",
    "/pipelines/{}",
    "/pipelines/{}/templates",
    "/pipelines/{}/default_version/{}",
    "/pipelines/upload",
    "/pipelines/upload_version",
    "/pipeline_versions",
    "/pipeline_versions/{}",
    "/runs",
    "/runs/{}",
    "/runs/{}:archive",
    "/runs/{}/terminate",
    "/runs/{}/retry",
    "/runs/{}:reportMetrics",
    "/runs/{}/nodes/{}/artifacts/{}:read",
    "/jobs",
    "/jobs/{}",
    "/jobs/{}/enable",
]
IDS = ["x", "a%20b", "%00", "%ff", "..%2f..", "'", "1" * 300, "%F0%9F%98%80", "a:b", "{}"]


def mutated(value: Any, chance: random.Random) -> Any:
    """Return ``value`` with some of what is in it replaced by something odd."""
    if chance.random() < 0.06:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: mutated(item, chance) for key, item in value.items() if chance.random() > 0.02}
    if isinstance(value, list):
        return [mutated(item, chance) for item in value]
    return value


def total(caller, what):
    return caller.get(f"{V1}/{what}").get("total_size", 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_mangled_workflow_is_run_or_refused_and_a_refused_one_is_not_stored(caller, workflow, seed):
    chance = random.Random(seed)
    before, accepted, refused = total(caller, "runs"), 0, 0
    for _ in range(60):
        text = json.dumps(mutated(workflow, chance) if chance.random() < 0.7 else workflow)
        spec = mutated({"workflow_manifest": text, "parameters": [{"name": "word", "value": "a"}]}, chance)
        answer = caller.ask("POST", f"{V1}/runs", {"name": "mangled", "pipeline_spec": spec})
        assert answer.status in (200, 400, 404), (text, answer.content)
        accepted += answer.status == 200
        refused += answer.status != 200
    assert total(caller, "runs") == before + accepted
    assert accepted
    assert refused


@pytest.mark.parametrize("seed", range(3))
def test_a_mangled_recurring_run_is_made_or_refused_and_a_refused_one_is_not_stored(caller, workflow, seed):
    chance = random.Random(seed)
    before, accepted, refused = total(caller, "jobs"), 0, 0
    times = {"start_time": "2040-01-02T03:04:05Z", "end_time": "2041-01-02T03:04:05+01:00"}
    triggers = [
        {"cron_schedule": {"cron": "0 0 1 * * *", **times}},
        {"cron_schedule": {"cron": "@every 5m"}},
        {"periodic_schedule": {"interval_second": "60", **times}},
    ]
    for _ in range(60):
        body = {
            "name": "mangled",
            "description": "d",
            "enabled": False,
            "no_catchup": True,
            "max_concurrency": "3",
            "service_account": "s",
            "trigger": chance.choice(triggers),
            "pipeline_spec": {"workflow_manifest": json.dumps(workflow)},
            "resource_references": [],
        }
        answer = caller.ask("POST", f"{V1}/jobs", mutated(body, chance))
        assert answer.status in (200, 400, 404), answer.content
        accepted += answer.status == 200
        refused += answer.status != 200
    assert total(caller, "jobs") == before + accepted
    assert accepted
    assert refused


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_path_and_no_body_makes_the_backend_fail(caller, method):
    chance = random.Random(method)
    keys = ["name", "pipeline_spec", "resource_references", "metrics", "key", "type", "id", "parameters", "nodeId"]
    keys += ["trigger", "cron_schedule", "cron", "max_concurrency", "enabled", "url", "pipeline_url", "start_time"]
    for _ in range(150):
        path = V1 + chance.choice(PATHS)
        while "{}" in path:
            path = path.replace("{}", chance.choice(IDS[:-1]), 1)
        body = {
            key: chance.choice([*ODD, [{chance.choice(keys): chance.choice(ODD)}]]) for key in chance.sample(keys, 4)
        }
        answer = caller.ask(method, path, body if method == "POST" else None)
        assert answer.status < 500 or answer.status == 501, (method, path, body, answer.content)
        assert b"Traceback" not in answer.content
        assert isinstance(answer.body, dict)
