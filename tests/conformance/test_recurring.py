"""Recurring runs: the job service over plain HTTP, and that each is started once, also by a backend that is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest

from kfops.errors import LocalBackendError
from kfops.local import daemon
from tests.fakes.caller import V1, Caller, make_pipeline, refused

EACH_SECOND = {"cron_schedule": {"cron": "* * * * * *"}}
NEVER_YET = {"cron_schedule": {"cron": "0 0 0 1 1 *"}}


def make_job(caller, workflow, **fields):
    body = {
        "name": f"job {uuid.uuid4().hex}",
        "enabled": True,
        "max_concurrency": 1,
        "trigger": NEVER_YET,
        "pipeline_spec": {"workflow_manifest": json.dumps(workflow)},
        **fields,
    }
    return caller.post(f"{V1}/jobs", body)


def runs_of(caller, job_id):
    url = f"{V1}/runs?resource_reference_key.type=JOB&resource_reference_key.id={job_id}&page_size=200"
    return caller.get(url).get("runs", [])


def until(what, timeout=60):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it has not come about")


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# Wire form


def test_a_job_on_the_wire(caller, workflow):
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    pipeline = make_pipeline(caller, workflow)
    body = {
        "name": "Nightly",
        "description": "each night",
        "enabled": True,
        "no_catchup": True,
        "max_concurrency": 3,
        "trigger": {
            "periodic_schedule": {
                "interval_second": 3600,
                "start_time": "2030-01-02T03:04:05.678+01:00",
                "end_time": None,
            }
        },
        "pipeline_spec": {"parameters": [{"name": "word", "value": "hi"}]},
        "resource_references": [
            {"key": {"type": "EXPERIMENT", "id": experiment["id"]}, "relationship": "OWNER"},
            {"key": {"type": "PIPELINE_VERSION", "id": pipeline["id"]}, "relationship": "CREATOR"},
        ],
    }
    job = caller.post(f"{V1}/jobs", body)
    assert json.loads(job["pipeline_spec"].pop("workflow_manifest"))["kind"] == "Workflow"
    made_at = job["created_at"]
    assert job == {
        "id": job["id"],
        "name": "Nightly",
        "description": "each night",
        "enabled": True,
        "no_catchup": True,
        "max_concurrency": "3",
        "trigger": {"periodic_schedule": {"interval_second": "3600", "start_time": "2030-01-02T02:04:05Z"}},
        "pipeline_spec": {"parameters": [{"name": "word", "value": "hi"}]},
        "resource_references": [
            {
                "key": {"type": "EXPERIMENT", "id": experiment["id"]},
                "name": experiment["name"],
                "relationship": "OWNER",
            },
            {
                "key": {"type": "PIPELINE_VERSION", "id": pipeline["id"]},
                "name": pipeline["name"],
                "relationship": "CREATOR",
            },
        ],
        "service_account": "pipeline-runner",
        "created_at": made_at,
        "updated_at": made_at,
        "status": "NO_STATUS",
    }
    until(lambda: caller.get(f"{V1}/jobs/{job['id']}")["status"] == "Enabled")


def test_defaults_of_a_job_are_left_out(caller, workflow):
    job = make_job(caller, workflow, enabled=False, max_concurrency="10")
    assert job["max_concurrency"] == "10"
    assert not {"enabled", "no_catchup", "description"} & set(job)
    assert job["trigger"] == NEVER_YET
    until(lambda: caller.get(f"{V1}/jobs/{job['id']}")["status"] == "Disabled")


def test_a_job_is_paused_and_goes_on(caller, workflow):
    job = make_job(caller, workflow)
    assert caller.post(f"{V1}/jobs/{job['id']}/disable") == {}
    until(lambda: caller.get(f"{V1}/jobs/{job['id']}")["status"] == "Disabled")
    assert "enabled" not in caller.get(f"{V1}/jobs/{job['id']}")
    assert caller.post(f"{V1}/jobs/{job['id']}/enable") == {}
    until(lambda: caller.get(f"{V1}/jobs/{job['id']}")["status"] == "Enabled")
    assert caller.get(f"{V1}/jobs/{job['id']}")["enabled"] is True


def test_jobs_are_listed_by_experiment_sorted_filtered_and_in_pages(caller, workflow):
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    owner = [{"key": {"type": "EXPERIMENT", "id": experiment["id"]}, "relationship": "OWNER"}]
    names = [f"{experiment['name']} {letter}" for letter in "bca"]
    for name in names:
        make_job(caller, workflow, name=name, resource_references=owner)
    url = f"{V1}/jobs?resource_reference_key.type=EXPERIMENT&resource_reference_key.id={experiment['id']}"
    assert [job["name"] for job in caller.get(url)["jobs"]] == names
    page = caller.get(url + "&sort_by=name%20desc&page_size=2")
    assert page["total_size"] == 3
    rest = caller.get(url + f"&sort_by=name%20desc&page_size=2&page_token={quote(page['next_page_token'])}")
    assert [job["name"] for job in page["jobs"] + rest["jobs"]] == sorted(names, reverse=True)
    one = json.dumps({"predicates": [{"op": 1, "key": "name", "stringValue": names[1]}]})
    assert [job["name"] for job in caller.get(f"{url}&filter={quote(one)}")["jobs"]] == [names[1]]
    refused(caller.ask("GET", url + "&sort_by=status"), 400, "status")
    refused(caller.ask("GET", f"{V1}/jobs?resource_reference_key.type=NAMESPACE&resource_reference_key.id=x"), 400, "")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_concurrency": 0}, "out of range"),
        ({"max_concurrency": None}, "out of range"),
        ({"max_concurrency": 11}, "out of range"),
        ({"max_concurrency": "many"}, "whole number"),
        ({"max_concurrency": True}, "whole number"),
        ({"max_concurrency": 2**70}, "whole number"),
        ({"enabled": "yes"}, "true or false"),
        ({"trigger": {"cron_schedule": {"cron": "0 0 * *"}}}, "6 fields"),
        ({"trigger": {"cron_schedule": {"start_time": "2030-01-01T00:00:00Z"}}}, "6 fields"),
        ({"trigger": {"periodic_schedule": {"start_time": "2030-01-01T00:00:00Z"}}}, "at interval to least 1"),
        ({"trigger": {"periodic_schedule": {"interval_second": 0.5}}}, "whole number"),
        ({"trigger": {"periodic_schedule": {"interval_second": 1, "end_time": "tomorrow"}}}, "RFC 3339"),
        ({"trigger": {"periodic_schedule": {"interval_second": 1}, **NEVER_YET}}, "not both"),
        ({"trigger": 3}, "trigger must be an object"),
        ({"pipeline_spec": {}}, "Please specify a pipeline"),
        ({"pipeline_spec": {"workflow_manifest": "no"}}, "not a workflow"),
    ],
)
def test_a_job_is_refused_for_what_is_wrong_with_it_and_nothing_is_stored(caller, workflow, fields, words):
    before = caller.get(f"{V1}/jobs").get("total_size", 0)
    body = {
        "name": "no",
        "max_concurrency": 1,
        "trigger": NEVER_YET,
        "pipeline_spec": {"workflow_manifest": json.dumps(workflow)},
    }
    refused(caller.ask("POST", f"{V1}/jobs", {**body, **fields}), 400, words)
    assert caller.get(f"{V1}/jobs").get("total_size", 0) == before


def test_what_could_not_run_is_refused_when_the_job_is_made(caller, workflow):
    spec = {"workflow_manifest": json.dumps(workflow), "parameters": [{"name": "wort", "value": "x"}]}
    body = {"name": "no", "max_concurrency": 1, "trigger": NEVER_YET, "pipeline_spec": spec}
    refused(caller.ask("POST", f"{V1}/jobs", body), 400, "Unrecognized input parameter: wort")
    workflow["spec"]["templates"][1] = {"name": "echo", "inputs": {"parameters": [{"name": "word"}]}, "suspend": {}}
    body["pipeline_spec"] = {"workflow_manifest": json.dumps(workflow)}
    refused(caller.ask("POST", f"{V1}/jobs", body), 400, "suspend")


@pytest.mark.parametrize("path", ["", "/enable", "/disable"])
def test_a_job_that_is_not_there_is_missing(caller, path):
    refused(caller.ask("POST" if path else "GET", f"{V1}/jobs/nobody{path}"), 404, "Job nobody not found.")
    refused(caller.ask("DELETE", f"{V1}/jobs/nobody"), 404, "Job nobody not found.")


# What it starts


def test_the_runs_of_a_job_know_whose_they_are_and_when_they_were_due(caller, workflow):
    job = make_job(
        caller,
        workflow,
        name="Each Second!",
        trigger=EACH_SECOND,
        service_account="robot",
        pipeline_spec={
            "workflow_manifest": json.dumps(workflow),
            "parameters": [{"name": "word", "value": "[[Index]] at [[ScheduledTime]] in [[RunUUID]]"}],
        },
    )
    until(lambda: len(runs_of(caller, job["id"])) > 1)
    caller.post(f"{V1}/jobs/{job['id']}/disable")
    for index, run in enumerate(runs_of(caller, job["id"]), 1):
        stem, number, digest = run["name"].split("-")
        assert (stem[:-5], number, digest.isdigit()) == ("eachsecond", str(index), True)
        assert run["service_account"] == "robot"
        owners = {owner["key"]["type"]: (owner["key"]["id"], owner["name"]) for owner in run["resource_references"]}
        assert owners["JOB"] == (job["id"], "Each Second!")
        assert owners["EXPERIMENT"][1] == "Default"
        relations = {owner["key"]["type"]: owner["relationship"] for owner in run["resource_references"]}
        assert relations == {"JOB": "CREATOR", "EXPERIMENT": "OWNER"}
        executed = json.loads(caller.get(f"{V1}/runs/{run['id']}")["pipeline_runtime"]["workflow_manifest"])
        assert executed["metadata"]["name"] == run["name"]
        due = run["scheduled_at"]
        word = executed["spec"]["arguments"]["parameters"][0]["value"]
        assert word == f"{index} at {due.translate(str.maketrans('', '', '-:TZ'))} in {run['id']}"
        labels = executed["metadata"]["labels"]
        assert labels["scheduledworkflows.kubeflow.org/workflowIndex"] == str(index)
        assert labels["scheduledworkflows.kubeflow.org/isOwnedByScheduledWorkflow"] == "true"


def test_deleting_a_job_keeps_its_runs_and_starts_no_more(caller, workflow):
    job = make_job(caller, workflow, trigger=EACH_SECOND)
    until(lambda: runs_of(caller, job["id"]))
    assert caller.ask("DELETE", f"{V1}/jobs/{job['id']}").body == {}
    refused(caller.ask("GET", f"{V1}/jobs/{job['id']}"), 404, job["id"])
    kept = runs_of(caller, job["id"])
    assert kept
    time.sleep(1.5)
    assert len(runs_of(caller, job["id"])) == len(kept)


def test_archiving_an_experiment_pauses_its_jobs_and_bringing_it_back_does_not_let_them_go_on(caller, workflow):
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    owner = [{"key": {"type": "EXPERIMENT", "id": experiment["id"]}, "relationship": "OWNER"}]
    job = make_job(caller, workflow, resource_references=owner)
    other = make_job(caller, workflow)
    caller.post(f"{V1}/experiments/{experiment['id']}:archive")
    until(lambda: caller.get(f"{V1}/jobs/{job['id']}")["status"] == "Disabled")
    caller.post(f"{V1}/experiments/{experiment['id']}:unarchive")
    assert "enabled" not in caller.get(f"{V1}/jobs/{job['id']}")
    assert caller.get(f"{V1}/jobs/{other['id']}")["enabled"] is True


def test_no_more_runs_than_allowed_are_under_way(caller, workflow):
    workflow["spec"]["templates"][1]["container"]["command"] = ["sleep", "600"]
    workflow["spec"]["templates"][1]["container"]["args"] = []
    job = make_job(caller, workflow, trigger=EACH_SECOND, max_concurrency=2)
    until(lambda: len(runs_of(caller, job["id"])) == 2)
    time.sleep(2.5)
    runs = runs_of(caller, job["id"])
    assert len(runs) == 2
    caller.post(f"{V1}/runs/{runs[0]['id']}/terminate")
    until(lambda: len(runs_of(caller, job["id"])) == 3)
    caller.post(f"{V1}/jobs/{job['id']}/disable")
    for run in runs_of(caller, job["id"]):
        caller.ask("POST", f"{V1}/runs/{run['id']}/terminate")


def test_a_job_without_a_trigger_runs_once(caller, workflow):
    job = make_job(caller, workflow, trigger={})
    assert job["trigger"] == {}
    until(lambda: caller.get(f"{V1}/jobs/{job['id']}")["status"] == "Succeeded")
    assert [run["status"] for run in runs_of(caller, job["id"])] == ["Succeeded"]


# Backends that stop


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "own"
    daemon.stop(tmp_path / "own")


def test_what_was_due_while_no_backend_ran_is_caught_up_or_only_the_latest_of_it(folder, workflow):
    caller = Caller(daemon.ensure_running(folder))
    since = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(seconds=300)
    minutes = {"cron": "0 * * * * *", "start_time": rfc3339(since)}
    fields = {"trigger": {"cron_schedule": minutes}, "enabled": False, "max_concurrency": 10}
    catching_up = make_job(caller, workflow, **fields)
    not_catching_up = make_job(caller, workflow, no_catchup=True, **fields)
    for job in (catching_up, not_catching_up):
        caller.post(f"{V1}/jobs/{job['id']}/enable")
        # Stopped at once: whether it has started runs by then or not makes no difference.
    daemon.stop(folder)
    caller = Caller(daemon.ensure_running(folder))
    until(lambda: len(runs_of(caller, catching_up["id"])) >= 5)
    due = [run["scheduled_at"] for run in runs_of(caller, catching_up["id"])]
    first = since.replace(second=0) + timedelta(minutes=1)
    assert due[:5] == [rfc3339(first + timedelta(minutes=number)) for number in range(5)]
    latest = until(lambda: runs_of(caller, not_catching_up["id"]))[0]["scheduled_at"]
    assert latest >= due[4]


def test_cron_is_read_in_the_zone_that_the_environment_names(folder, workflow, monkeypatch):
    monkeypatch.setenv("CRON_SCHEDULE_TIMEZONE", "Asia/Kolkata")
    caller = Caller(daemon.ensure_running(folder))
    assert caller.get("/apis/kfops/status")["timezone"] == "Asia/Kolkata"
    half_past = {"cron_schedule": {"cron": "0 30 * * * *", "start_time": "2026-01-01T00:10:00Z"}}
    job = make_job(caller, workflow, trigger=half_past)
    # 05:40 there: half past five has been, half past six is next, which is a full hour in UTC.
    assert until(lambda: runs_of(caller, job["id"]))[0]["scheduled_at"] == "2026-01-01T01:00:00Z"
    caller.post(f"{V1}/jobs/{job['id']}/disable")


def test_a_zone_that_is_not_known_keeps_the_backend_from_starting_and_says_so(folder, monkeypatch):
    monkeypatch.setenv("CRON_SCHEDULE_TIMEZONE", "Europe/Nowhere")
    with pytest.raises(LocalBackendError) as refused:
        daemon.ensure_running(folder)
    assert "Europe/Nowhere" in f"{refused.value} {refused.value.details}"


def test_a_backend_that_is_killed_starts_each_run_once(folder, workflow):
    chance = random.Random(1)
    caller = Caller(daemon.ensure_running(folder))
    job = make_job(caller, workflow, trigger={"periodic_schedule": {"interval_second": 1}}, max_concurrency=10)
    for _ in range(5):
        time.sleep(chance.uniform(0.3, 1.5))
        os.kill(caller.get("/apis/kfops/status")["pid"], signal.SIGKILL)
        caller = Caller(daemon.ensure_running(folder))
    until(lambda: len(runs_of(caller, job["id"])) >= 5)
    caller.post(f"{V1}/jobs/{job['id']}/disable")
    until(lambda: all(run.get("status") in ("Succeeded", "Failed", "Error") for run in runs_of(caller, job["id"])))
    runs = runs_of(caller, job["id"])
    assert [int(run["name"].split("-")[1]) for run in runs] == list(range(1, len(runs) + 1))
    due = [datetime.strptime(run["scheduled_at"], "%Y-%m-%dT%H:%M:%SZ") for run in runs]
    assert [moment - due[0] for moment in due] == [timedelta(seconds=number) for number in range(len(due))]
