"""The v1beta1 API over plain HTTP: who may ask, the wire form, listing, and what is refused."""

from __future__ import annotations

import base64
import http.client
import json
import time
import uuid
from urllib.parse import quote, urlsplit

import pytest

from kfops.local.settings import HEADER
from tests.fakes.caller import V1, make_pipeline, make_run, refused, wait

# Who may ask


@pytest.mark.parametrize("path", ["/apis/v1beta1/healthz", "/apis/v1beta1/runs", "/apis/kfops/status", "/nowhere"])
def test_every_path_needs_the_token(caller, path):
    refused(caller.ask("GET", path, token=""), 401, "no bearer token")
    refused(caller.ask("GET", path, token="wrong"), 401, "no valid bearer token")


def test_the_page_that_links_of_kfp_lead_to_needs_no_token_and_tells_nothing(caller, workflow):
    pipeline = make_pipeline(caller, workflow)
    answer = caller.ask("GET", "/", token="")
    assert answer.status == 200
    page = answer.content.decode()
    assert "%kfops watch" in page
    assert pipeline["name"] not in page and str(caller.endpoint.data_dir) not in page
    assert caller.endpoint.token_path.read_text() not in page
    refused(caller.ask("POST", "/", b"{}", token=""), 405, "cannot be asked")
    refused(caller.ask("GET", "/", token="", headers={"Host": "evil.example"}), 403, "loopback")


def test_a_foreign_host_name_is_refused_even_with_the_token(caller):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        refused(caller.ask("GET", f"{V1}/healthz", headers={"Host": host}), 403, "loopback")
    port = urlsplit(caller.endpoint.url).port
    for host in (f"localhost:{port}", "localhost", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert caller.ask("GET", f"{V1}/healthz", headers={"Host": host}).status == 200


def test_the_token_is_in_no_answer_and_no_log(caller):
    token = caller.endpoint.token_path.read_text()
    answers = [
        caller.ask("GET", "/nowhere"),
        caller.ask("GET", f"{V1}/healthz"),
        caller.ask("POST", f"{V1}/runs", b"{"),
        caller.ask("GET", f"{V1}/healthz", token=token + "x"),
    ]
    assert all(token.encode() not in answer.content for answer in answers)
    assert token not in (caller.endpoint.data_dir / "backend.log").read_text()


def test_it_listens_on_the_loopback_address_only(caller):
    assert urlsplit(caller.endpoint.url).hostname == "127.0.0.1"


# Wire form


def test_healthz_has_the_fields_that_clients_read(caller):
    found = caller.get(f"{V1}/healthz")
    assert found["multi_user"] is False
    assert found["tag_name"].startswith("kfops-local ")
    assert isinstance(found["commit_sha"], str)


def test_fields_with_their_default_are_left_out(caller, workflow):
    assert caller.get(f"{V1}/jobs") == {}
    pipeline = make_pipeline(caller, workflow)
    assert "description" not in pipeline
    assert pipeline["parameters"] == [{"name": "word", "value": "hello"}, {"name": "unset"}]
    run = make_run(caller, workflow)
    assert "storage_state" not in run
    assert run["finished_at"] == run["scheduled_at"] == "1970-01-01T00:00:00Z"
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    assert experiment["storage_state"] == "STORAGESTATE_AVAILABLE"


def test_bodies_may_be_in_camel_case(caller, workflow):
    body = {"name": "camel", "pipelineSpec": {"workflowManifest": json.dumps(workflow)}, "serviceAccount": "me"}
    run = caller.post(f"{V1}/runs", body)["run"]
    assert run["service_account"] == "me"


def test_unknown_fields_of_a_body_are_ignored(caller):
    name = uuid.uuid4().hex
    assert caller.post(f"{V1}/experiments", {"name": name, "colour": "red"})["name"] == name


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"1", b"\xff", b'"x"', b'{"name": 1}', b'{"name": "\\ud800"}', b"[" * 99999]
)
def test_a_body_that_cannot_be_read_is_refused(caller, body):
    answer = caller.ask("POST", f"{V1}/experiments", body)
    assert answer.status == 400
    assert "Traceback" not in answer.content.decode()


def test_unknown_paths_and_verbs_are_refused_by_name(caller):
    refused(caller.ask("GET", f"{V1}/nothing"), 404, "nothing")
    refused(caller.ask("PUT", f"{V1}/runs"), 405, "PUT")


# Pipelines


def test_the_first_version_has_the_pipelines_id_and_the_newest_is_the_default(caller, workflow):
    pipeline = make_pipeline(caller, workflow)
    assert pipeline["default_version"]["id"] == pipeline["id"]
    newer = caller.upload(
        f"{V1}/pipelines/upload_version?name=two&pipelineid={pipeline['id']}", json.dumps(workflow).encode()
    ).body
    assert newer["resource_references"] == [
        {"key": {"type": "PIPELINE", "id": pipeline["id"]}, "relationship": "OWNER"}
    ]
    assert caller.get(f"{V1}/pipelines/{pipeline['id']}")["default_version"]["id"] == newer["id"]
    caller.post(f"{V1}/pipelines/{pipeline['id']}/default_version/{pipeline['id']}")
    assert caller.get(f"{V1}/pipelines/{pipeline['id']}")["default_version"]["id"] == pipeline["id"]
    caller.ask("DELETE", f"{V1}/pipeline_versions/{pipeline['id']}")
    assert caller.get(f"{V1}/pipelines/{pipeline['id']}")["default_version"]["id"] == newer["id"]


def test_names_of_pipelines_versions_and_experiments_are_unique(caller, workflow):
    content = json.dumps(workflow).encode()
    pipeline = make_pipeline(caller, workflow)
    again = caller.upload(f"{V1}/pipelines/upload?name={pipeline['name']}", content)
    assert (again.status, "already exist" in again.body["error_message"]) == (500, True)
    again = caller.upload(f"{V1}/pipelines/upload_version?name={pipeline['name']}&pipelineid={pipeline['id']}", content)
    assert (again.status, "already exist" in again.body["error_message"]) == (500, True)
    name = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})["name"]
    refused(caller.ask("POST", f"{V1}/experiments", {"name": name}), 409, "already exists")


def test_names_are_the_same_in_any_case(caller, workflow):
    content = json.dumps(workflow).encode()
    prefix = uuid.uuid4().hex
    pipeline = caller.upload(f"{V1}/pipelines/upload?name={prefix}-Train", content).body
    again = caller.upload(f"{V1}/pipelines/upload?name={prefix}-train", content)
    assert (again.status, "already exist" in again.body["error_message"]) == (500, True)
    again = caller.upload(f"{V1}/pipelines/upload_version?name={prefix}-TRAIN&pipelineid={pipeline['id']}", content)
    assert (again.status, "already exist" in again.body["error_message"]) == (500, True)
    for name in ("Untitled", "beta", "Alpha"):
        caller.post(f"{V1}/experiments", {"name": f"{prefix}-{name}"})
    refused(caller.ask("POST", f"{V1}/experiments", {"name": f"{prefix}-untitled"}), 409, "already exists")
    refused(caller.ask("POST", f"{V1}/experiments", {"name": "default"}), 409, "already exists")

    def found(operation, value, kind="string_value"):
        wanted = json.dumps({"predicates": [{"op": operation, "key": "name", kind: value}]})
        listed = caller.get(f"{V1}/experiments?sort_by=name&filter={quote(wanted)}").get("experiments", [])
        return [experiment["name"].partition("-")[2] for experiment in listed]

    assert found("EQUALS", f"{prefix}-UNTITLED") == ["Untitled"]
    assert found("IN", {"values": [f"{prefix}-ALPHA"]}, "string_values") == ["Alpha"]
    assert found("IS_SUBSTRING", prefix.upper()) == ["Alpha", "beta", "Untitled"]


def test_runs_are_found_and_sorted_by_name_in_any_case(caller, workflow):
    made = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})["id"]
    owner = [{"key": {"type": "EXPERIMENT", "id": made}, "relationship": "OWNER"}]
    for name in ("b", "C", "a"):
        make_run(caller, workflow, name=name, resource_references=owner)
    runs = f"{V1}/runs?resource_reference_key.type=EXPERIMENT&resource_reference_key.id={made}&page_size=2"
    page = caller.get(f"{runs}&sort_by=name")
    following = caller.get(f"{runs}&sort_by=name&page_token={quote(page['next_page_token'])}")
    assert [run["name"] for run in (*page["runs"], *following["runs"])] == ["a", "b", "C"]
    wanted = json.dumps({"predicates": [{"op": 1, "key": "name", "string_value": "c"}]})
    assert [run["name"] for run in caller.get(f"{runs}&filter={quote(wanted)}")["runs"]] == ["C"]


def test_a_template_comes_back_as_it_was_uploaded(caller, workflow):
    content = json.dumps(workflow, indent=3)
    pipeline = caller.upload(f"{V1}/pipelines/upload?name={uuid.uuid4().hex}", content.encode()).body
    assert caller.get(f"{V1}/pipelines/{pipeline['id']}/templates") == {"template": content}
    assert caller.get(f"{V1}/pipeline_versions/{pipeline['id']}/templates") == {"template": content}


def test_a_v2_compatible_pipeline_runs_under_the_name_it_was_uploaded_as(caller, workflow):
    workflow["metadata"]["annotations"] = {"pipelines.kubeflow.org/v2_pipeline": "true"}
    workflow["spec"]["arguments"]["parameters"].append({"name": "pipeline-name", "value": "pipeline/other"})
    pipeline = make_pipeline(caller, workflow)
    assert {"name": "pipeline-name", "value": f"pipeline/{pipeline['name']}"} in pipeline["parameters"]


def test_deleting_a_pipeline_keeps_its_runs(caller, workflow):
    pipeline = make_pipeline(caller, workflow)
    run = caller.post(f"{V1}/runs", {"name": "r", "pipeline_spec": {"pipeline_id": pipeline["id"]}})["run"]
    assert caller.ask("DELETE", f"{V1}/pipelines/{pipeline['id']}").body == {}
    refused(caller.ask("GET", f"{V1}/pipelines/{pipeline['id']}"), 404, pipeline["id"])
    found = caller.get(f"{V1}/runs/{run['id']}")["run"]
    assert found["pipeline_spec"]["pipeline_name"] == pipeline["name"]


# Runs


def test_a_run_belongs_to_the_default_experiment_and_the_default_version_when_it_names_none(caller, workflow):
    pipeline = make_pipeline(caller, workflow)
    run = caller.post(f"{V1}/runs", {"name": "r", "pipeline_spec": {"pipeline_id": pipeline["id"]}})["run"]
    references = {reference["key"]["type"]: reference for reference in run["resource_references"]}
    assert references["EXPERIMENT"]["name"] == "Default"
    assert references["PIPELINE_VERSION"] == {
        "key": {"type": "PIPELINE_VERSION", "id": pipeline["id"]},
        "name": pipeline["name"],
        "relationship": "CREATOR",
    }


def test_the_workflow_is_prepared_as_kubeflow_prepares_it(caller, workflow):
    workflow["metadata"]["annotations"] = {"note": "run {{workflow.uid}}"}
    workflow["spec"]["podMetadata"] = {"labels": {"team": "a"}}
    workflow["spec"]["templates"][1]["metadata"] = {"annotations": {"sidecar.istio.io/inject": "true"}}
    body = {
        "name": "prepared",
        "pipeline_spec": {
            "workflow_manifest": json.dumps(workflow),
            "parameters": [{"name": "word", "value": "id [[RunUUID]] at [[CurrentTime.2006-01]]"}],
        },
    }
    detail = caller.post(f"{V1}/runs", body)
    run_id = detail["run"]["id"]
    executed = json.loads(detail["pipeline_runtime"]["workflow_manifest"])
    assert executed["metadata"]["name"].startswith("echo-")
    assert len(executed["metadata"]["name"]) == len("echo-") + 5
    assert executed["metadata"]["labels"]["pipeline/runid"] == run_id
    assert executed["metadata"]["annotations"] == {
        "note": f"run {run_id}",
        "pipelines.kubeflow.org/run_name": "prepared",
    }
    assert executed["spec"]["podMetadata"] == {"labels": {"team": "a", "pipeline/runid": run_id}}
    assert executed["spec"]["serviceAccountName"] == "pipeline-runner"
    main, echo = executed["spec"]["templates"]
    assert main["metadata"]["annotations"] == {"sidecar.istio.io/inject": "false"}
    assert main["metadata"]["labels"] == {"pipelines.kubeflow.org/cache_enabled": "true"}
    assert echo["metadata"]["annotations"] == {"sidecar.istio.io/inject": "true"}, "what is said there stays"
    month = time.strftime("%Y-%m", time.gmtime())
    assert executed["spec"]["arguments"]["parameters"][0]["value"] == f"id {run_id} at {month}"
    assert detail["run"]["pipeline_spec"]["parameters"] == body["pipeline_spec"]["parameters"]


def test_a_run_is_refused_for_what_is_wrong_with_it_and_nothing_is_stored(caller, workflow):
    manifest = json.dumps(workflow)
    pipeline, other = make_pipeline(caller, workflow), make_pipeline(caller, workflow)
    before = caller.get(f"{V1}/runs").get("total_size", 0)

    def start(spec, references=(), name="r"):
        return caller.ask(
            "POST", f"{V1}/runs", {"name": name, "pipeline_spec": spec, "resource_references": list(references)}
        )

    def version(version_id):
        return {"key": {"type": "PIPELINE_VERSION", "id": version_id}, "relationship": "CREATOR"}

    refused(start({"workflow_manifest": manifest}, name=""), 400, "run name is empty")
    refused(start({}), 400, "Please specify a pipeline")
    refused(start({"workflow_manifest": manifest, "pipeline_id": pipeline["id"]}), 400, "Please don't specify")
    refused(start({"pipeline_id": pipeline["id"]}, [version(other["id"])]), 400, "does not belong")
    refused(start({"pipeline_id": "nobody"}), 404, "nobody")
    refused(start({}, [version("nobody")]), 404, "nobody")
    refused(start({"workflow_manifest": "hello"}), 400, "not a workflow")
    unknown = {"workflow_manifest": manifest, "parameters": [{"name": "wort", "value": "x"}]}
    refused(start(unknown), 400, "Unrecognized input parameter: wort")
    long = {"workflow_manifest": manifest, "parameters": [{"name": "word", "value": "x" * 10_001}]}
    refused(start(long), 400, "maximum size")
    refused(start({"workflow_manifest": manifest}, [{"key": {"type": "EXPERIMENT", "id": "nobody"}}]), 404, "nobody")
    assert caller.get(f"{V1}/runs").get("total_size", 0) == before


def test_a_workflow_with_something_that_is_not_emulated_is_refused_by_name(caller, workflow):
    workflow["spec"]["templates"][1] = {
        "name": "echo",
        "inputs": {"parameters": [{"name": "word"}]},
        "suspend": {},
    }
    body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    refused(caller.ask("POST", f"{V1}/runs", body), 400, "suspend")


def test_a_run_whose_steps_would_wait_for_a_secret_or_a_claim_is_refused_by_its_name(caller, workflow, endpoint):
    def start():
        body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
        return caller.ask("POST", f"{V1}/runs", body)

    container = workflow["spec"]["templates"][1]["container"]
    container["env"] = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "login-1", "key": "word"}}}]
    before = caller.get(f"{V1}/runs").get("total_size", 0)
    refused(start(), 400, 'key "word" of secret "login-1" not found: write it to ')
    job = {"name": "j", "max_concurrency": "1", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    job["trigger"] = {"periodic_schedule": {"interval_second": "60"}}
    refused(caller.ask("POST", f"{V1}/jobs", job), 400, 'secret "login-1" not found')
    assert caller.get(f"{V1}/runs").get("total_size", 0) == before

    container["env"] = []
    container["volumeMounts"] = [{"name": "v", "mountPath": "/data"}]
    workflow["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "data-1"}}]
    refused(start(), 400, '"data-1" not found: on a cluster this step would stay Pending. Create it in the pipeline')
    (endpoint.data_dir / "volumes" / "data-1").mkdir(parents=True)
    assert wait(caller, start().body["run"]["id"])["status"] == "Succeeded"


@pytest.mark.parametrize(
    "where",
    [
        ("spec", "templates", 0, "dag", "tasks"),
        ("metadata", "labels"),
        ("metadata", "annotations"),
        ("spec", "podMetadata"),
        ("spec", "podMetadata", "labels"),
        ("spec", "templates", 1, "metadata"),
        ("spec", "templates", 1, "metadata", "labels"),
        ("spec", "templates", 1, "metadata", "annotations"),
    ],
    ids=lambda where: ".".join(map(str, where)),
)
def test_a_malformed_workflow_is_refused(caller, workflow, where):
    inner = workflow
    for name in where[:-1]:
        inner = inner[name] if isinstance(name, int) else inner.setdefault(name, {})
    inner[where[-1]] = "none"
    body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    assert caller.ask("POST", f"{V1}/runs", body).status == 400


def test_archiving_shows_in_the_run_and_in_filters(caller, workflow):
    run = make_run(caller, workflow, name=uuid.uuid4().hex)
    mine = {"op": 1, "key": "name", "stringValue": run["name"]}
    archived = {"op": "EQUALS", "key": "storage_state", "string_value": "STORAGESTATE_ARCHIVED"}
    url = f"{V1}/runs?filter={quote(json.dumps({'predicates': [mine, archived]}))}"
    assert caller.get(url) == {}
    caller.post(f"{V1}/runs/{run['id']}:archive")
    assert caller.get(url)["runs"][0]["storage_state"] == "STORAGESTATE_ARCHIVED"
    caller.post(f"{V1}/runs/{run['id']}:unarchive")
    assert "storage_state" not in caller.get(f"{V1}/runs/{run['id']}")["run"]


def test_archiving_an_experiment_archives_its_runs_and_bringing_it_back_does_not(caller, workflow):
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    owner = [{"key": {"type": "EXPERIMENT", "id": experiment["id"]}, "relationship": "OWNER"}]
    run = make_run(caller, workflow, resource_references=owner)
    caller.post(f"{V1}/experiments/{experiment['id']}:archive")
    caller.post(f"{V1}/experiments/{experiment['id']}:unarchive")
    assert caller.get(f"{V1}/experiments/{experiment['id']}")["storage_state"] == "STORAGESTATE_AVAILABLE"
    assert caller.get(f"{V1}/runs/{run['id']}")["run"]["storage_state"] == "STORAGESTATE_ARCHIVED"
    assert caller.ask("DELETE", f"{V1}/experiments/{experiment['id']}").body == {}
    assert caller.get(f"{V1}/runs/{run['id']}")["run"]["resource_references"][0]["name"] == experiment["name"]


def test_metrics_are_reported_one_by_one(caller, workflow):
    run = make_run(caller, workflow)
    metrics = [
        {"name": "accuracy", "node_id": "n", "number_value": 0.5, "format": "PERCENTAGE"},
        {"name": "accuracy", "nodeId": "n", "numberValue": 0.6},
        {"name": "9", "node_id": "n", "number_value": 1},
        {"name": "loss", "node_id": "", "number_value": 1},
        {"name": "loss", "node_id": "n", "number_value": "many"},
    ]
    results = caller.post(f"{V1}/runs/{run['id']}:reportMetrics", {"metrics": metrics})["results"]
    assert [result["status"] for result in results] == [
        "OK",
        "DUPLICATE_REPORTING",
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
    ]
    assert caller.get(f"{V1}/runs/{run['id']}")["run"]["metrics"] == [
        {"name": "accuracy", "node_id": "n", "number_value": 0.5, "format": "PERCENTAGE"}
    ]


def test_a_finished_run_has_its_status_its_log_and_cannot_be_stopped(caller, workflow):
    run = wait(caller, make_run(caller, workflow)["id"])
    assert run["status"] == "Succeeded"
    assert run["finished_at"] > run["created_at"][:4]
    detail = caller.get(f"{V1}/runs/{run['id']}")
    status = json.loads(detail["pipeline_runtime"]["workflow_manifest"])["status"]
    assert status["phase"] == "Succeeded"
    step = next(node for node in status["nodes"].values() if node["type"] == "Pod")
    log = f"/apis/v1alpha1/runs/{run['id']}/nodes/{step['id']}/log"
    assert caller.ask("GET", log).content == b"hello\n"
    assert caller.ask("GET", log + "?follow=true").content == b"hello\n"
    stored = f"{V1}/runs/{run['id']}/nodes/{step['id']}/artifacts/main-logs:read"
    assert base64.b64decode(caller.get(stored)["data"]) == b"hello\n"
    refused(caller.ask("GET", stored.replace(step["id"], "none")), 404, "not found")
    refused(caller.ask("GET", f"/apis/v1alpha1/runs/{run['id']}/nodes/..%2f..%2ftoken/log"), 404, "not found")
    refused(caller.ask("POST", f"{V1}/runs/{run['id']}/terminate"), 400, "Row not found")
    refused(caller.ask("POST", f"{V1}/runs/{run['id']}/retry"), 409, "BadRequest")


def test_times_are_in_whole_seconds_as_argo_writes_them_for_all_but_kfops_itself(caller, workflow):
    text = 'told: {"startedAt":"2026-01-02T03:04:05.678Z"}'
    workflow["spec"]["arguments"]["parameters"][0]["value"] = text
    path = f"{V1}/runs/{wait(caller, make_run(caller, workflow)['id'])['id']}"

    def times(**options):
        answer = caller.ask("GET", path, **options).body
        workflow = json.loads(answer["pipeline_runtime"]["workflow_manifest"])
        assert workflow["spec"]["arguments"]["parameters"][0]["value"] == text
        status = workflow["status"]
        return [place[name] for place in (status, *status["nodes"].values()) for name in ("startedAt", "finishedAt")]

    assert {len(moment) for moment in times()} == {len("2026-01-02T03:04:05Z")}
    assert {len(moment) for moment in times(headers={HEADER: "{}"})} == {len("2026-01-02T03:04:05.678Z")}


def test_a_followed_log_arrives_while_the_step_runs(caller, workflow):
    workflow["spec"]["templates"][1]["container"]["command"] = ["sh", "-c", "echo first; sleep 3; echo last"]
    run = make_run(caller, workflow)
    step = None
    while step is None:
        manifest = caller.get(f"{V1}/runs/{run['id']}")["pipeline_runtime"]["workflow_manifest"]
        nodes = json.loads(manifest).get("status", {}).get("nodes", {})
        step = next((node for node in nodes.values() if node["type"] == "Pod"), None)
    token = caller.endpoint.token_path.read_text()
    connection = http.client.HTTPConnection(urlsplit(caller.endpoint.url).netloc, timeout=20)
    connection.request(
        "GET",
        f"/apis/v1alpha1/runs/{run['id']}/nodes/{step['id']}/log?follow=true",
        headers={"Authorization": f"Bearer {token}"},
    )
    answer = connection.getresponse()
    assert answer.read(6) == b"first\n"
    assert caller.get(f"{V1}/runs/{run['id']}")["run"]["status"] == "Running"
    assert answer.read() == b"last\n"
    connection.close()


def test_terminating_ends_the_run_and_its_step(caller, workflow):
    workflow["spec"]["templates"][1]["container"]["command"] = ["sleep", "600"]
    workflow["spec"]["templates"][1]["container"]["args"] = []
    run = make_run(caller, workflow)
    assert caller.post(f"{V1}/runs/{run['id']}/terminate") == {}
    assert wait(caller, run["id"])["status"] == "Failed"


def test_a_deleted_run_is_gone_even_when_it_was_running(caller, workflow):
    workflow["spec"]["templates"][1]["container"]["command"] = ["sleep", "600"]
    workflow["spec"]["templates"][1]["container"]["args"] = []
    run = make_run(caller, workflow)
    assert caller.ask("DELETE", f"{V1}/runs/{run['id']}").body == {}
    refused(caller.ask("GET", f"{V1}/runs/{run['id']}"), 404, run["id"])
    assert not (caller.endpoint.data_dir / "runs" / run["id"]).exists()


def test_a_failed_run_can_be_retried(caller, workflow):
    flag = caller.endpoint.data_dir / "models" / "flag"  # a step sees its own /tmp, but the model store's folder
    workflow["spec"]["templates"][1]["container"]["command"] = ["sh", "-c", 'test -e "$KFOPS_MODEL_STORE/flag"']
    run = wait(caller, make_run(caller, workflow)["id"])
    assert run["status"] == "Failed"
    flag.parent.mkdir(exist_ok=True)
    flag.touch()
    assert caller.post(f"{V1}/runs/{run['id']}/retry") == {}
    assert wait(caller, run["id"])["status"] == "Succeeded"


# Listing


@pytest.fixture(scope="module")
def names(caller):
    """Experiments whose names are in no order of time."""
    prefix = uuid.uuid4().hex
    made = [f"{prefix}-{name}" for name in ("delta", "alpha", "echo", "bravo", "charlie")]
    for name in made:
        caller.post(f"{V1}/experiments", {"name": name, "description": "100%"})
    return made


def listing(names, **query):
    prefix = names[0].split("-")[0]
    query.setdefault(
        "filter", json.dumps({"predicates": [{"op": "IS_SUBSTRING", "key": "name", "string_value": prefix}]})
    )
    return f"{V1}/experiments?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())


@pytest.mark.parametrize("sort_by", ["", "name", "name DESC", "created_at desc", "id"])
def test_pages_hold_everything_once_in_order(caller, names, sort_by):
    everything = caller.get(listing(names, sort_by=sort_by))["experiments"]
    assert {experiment["name"] for experiment in everything} == set(names)
    pages, token = [], ""
    while True:
        page = caller.get(listing(names, sort_by=sort_by, page_size="2", page_token=token))
        assert page["total_size"] == len(names)
        pages.append(page["experiments"])
        token = page.get("next_page_token", "")
        if not token:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [experiment for page in pages for experiment in page] == everything


def test_the_default_order_is_that_of_creation(caller, names):
    assert [experiment["name"] for experiment in caller.get(listing(names))["experiments"]] == names
    by_name = caller.get(listing(names, sort_by="name"))["experiments"]
    assert [experiment["name"] for experiment in by_name] == sorted(names)


def test_a_page_token_alone_goes_on_with_its_sorting_and_filter(caller, names):
    first = caller.get(listing(names, sort_by="name desc", page_size="3"))
    rest = caller.get(f"{V1}/experiments?page_token={quote(first['next_page_token'])}")
    found = [experiment["name"] for experiment in first["experiments"] + rest["experiments"]]
    assert found == sorted(names, reverse=True)


def test_a_page_token_of_another_sorting_is_refused(caller, names):
    token = caller.get(listing(names, sort_by="name desc", page_size="3"))["next_page_token"]
    refused(caller.ask("GET", listing(names, sort_by="name", page_token=token)), 400, "page token")


@pytest.mark.parametrize(
    "predicate",
    [
        {"op": 1, "key": "name", "stringValue": "{1}"},
        {"op": "EQUALS", "key": "name", "string_value": "{1}"},
        {"op": 8, "key": "name", "stringValues": {"values": ["{1}", "x"]}},
    ],
)
def test_filters_take_numbers_and_names_in_either_case(caller, names, predicate):
    text = json.dumps({"predicates": [predicate]}).replace("{1}", names[1])
    for sent in (text, quote(text)):  # some clients escape it twice
        assert [found["name"] for found in caller.get(listing(names, filter=sent))["experiments"]] == [names[1]]


def forged(**changes):
    """Return a page token whose filter is none that a request can have."""
    predicate = {"key": "name", "op": "EQUALS", "kind": "string_value", "value": "x", **changes}
    state = {"ModelName": "Experiment", "SortByFieldName": "name", "SortByFieldValue": "x", "KeyFieldValue": "x"}
    return base64.b64encode(json.dumps({**state, "IsDesc": False, "Filter": [predicate]}).encode()).decode()


def test_times_are_filtered_by_whole_seconds(caller, names):
    made = caller.get(listing(names))["experiments"][0]
    mine = {"op": 1, "key": "name", "stringValue": made["name"]}

    def count(operation, seconds):
        predicate = {"op": operation, "key": "created_at", "timestampValue": seconds}
        return caller.get(listing(names, filter=json.dumps({"predicates": [mine, predicate]}))).get("total_size", 0)

    counts = [count(operation, made["created_at"]) for operation in (1, 2, 3, 5, 6, 7)]
    assert counts == [1, 0, 0, 1, 0, 1]
    assert count(3, "2001-01-01T00:00:00+01:00") == 1

    def before(**value):
        predicates = [mine, {"op": "LESS_THAN", "key": "created_at", **value}]
        return caller.get(listing(names, filter=json.dumps({"predicates": predicates}))).get("total_size", 0)

    assert before(string_value="1000000000") == before(long_value="1000000000") == 0
    assert before(string_value="9000000000") == before(long_value="9000000000") == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"page_size": "-1"}, "page size"),
        ({"page_size": "many"}, "page size"),
        ({"page_size": "9" * 30}, "page size"),
        ({"page_token": "x"}, "page token"),
        ({"page_token": base64.b64encode(b'{"a": 1}').decode()}, "page token"),
        ({"sort_by": "colour"}, "colour"),
        ({"sort_by": "name up"}, "sort"),
        ({"sort_by": "name asc desc"}, "sort"),
        ({"filter": "{"}, "not JSON"),
        ({"filter": "[]"}, "predicates"),
        ({"filter": '{"predicates": [1]}'}, "predicate"),
        ({"filter": '{"predicates": [{"op": 4, "key": "name", "string_value": "x"}]}'}, "operation"),
        ({"filter": '{"predicates": [{"op": [null], "key": "name", "string_value": "x"}]}'}, "operation"),
        ({"filter": '{"predicates": [{"op": {}, "key": "name", "string_value": "x"}]}'}, "operation"),
        ({"filter": "", "page_token": forged(op=[])}, "Invalid page token"),
        ({"filter": "", "page_token": forged(op="DIVIDES")}, "Invalid page token"),
        ({"filter": "", "page_token": forged(key=[])}, "Invalid page token"),
        ({"filter": "", "page_token": forged(value={})}, "Invalid page token"),
        ({"filter": "", "page_token": forged(value=[2**70])}, "Invalid page token"),
        ({"filter": "", "page_token": forged(key="created_at", value=1.5)}, "Invalid page token"),
        ({"filter": '{"predicates": [{"op": 1, "key": "colour", "string_value": "x"}]}'}, "colour"),
        ({"filter": '{"predicates": [{"op": 1, "key": "name"}]}'}, "exactly one value"),
        ({"filter": '{"predicates": [{"op": 1, "key": "created_at", "timestamp_value": "noon"}]}'}, "noon"),
        ({"filter": '{"predicates": [{"op": 9, "key": "name", "long_value": 3}]}'}, "string_value"),
        ({"filter": '{"predicates": [{"op": 1, "key": "created_at", "long_value": 9223372036854775807}]}'}, "time"),
    ],
)
def test_a_listing_that_cannot_be_read_is_refused(caller, names, query, words):
    refused(caller.ask("GET", listing(names, **query)), 400, words)


def test_large_pages_are_cut_and_zero_means_twenty(caller, workflow):
    pipeline = make_pipeline(caller, workflow)
    content = json.dumps(workflow).encode()
    for number in range(25):
        caller.upload(f"{V1}/pipelines/upload_version?name={number}&pipelineid={pipeline['id']}", content)
    of_pipeline = f"{V1}/pipeline_versions?resource_key.type=PIPELINE&resource_key.id={pipeline['id']}"
    assert len(caller.get(of_pipeline)["versions"]) == 20
    assert len(caller.get(of_pipeline + "&page_size=1000")["versions"]) == 26


def test_runs_are_listed_by_experiment_and_sorted_by_metric(caller, workflow):
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    owner = [{"key": {"type": 1, "id": experiment["id"]}, "relationship": "OWNER"}]
    runs = [make_run(caller, workflow, resource_references=owner) for _ in range(3)]
    for run, value in zip(runs, (2, 3)):
        caller.post(
            f"{V1}/runs/{run['id']}:reportMetrics",
            {"metrics": [{"name": "Loss", "node_id": "n", "number_value": value}]},
        )
    url = f"{V1}/runs?resource_reference_key.type=EXPERIMENT&resource_reference_key.id={experiment['id']}"
    found = caller.get(url + "&sort_by=metric:Loss%20desc")["runs"]
    assert [run["id"] for run in found] == [runs[1]["id"], runs[0]["id"], runs[2]["id"]]
    assert len(caller.get(url + "&page_size=2")["runs"]) == 2


def test_names_in_a_query_may_be_in_camel_case_and_types_may_be_numbers(caller, workflow):
    experiment = caller.post(f"{V1}/experiments", {"name": uuid.uuid4().hex})
    owner = [{"key": {"type": "EXPERIMENT", "id": experiment["id"]}, "relationship": "OWNER"}]
    runs = [make_run(caller, workflow, resource_references=owner, name=f"{number}") for number in range(3)]
    url = f"{V1}/runs?resourceReferenceKey.type=1&resourceReferenceKey.id={experiment['id']}"
    page = caller.get(url + "&pageSize=2&sortBy=name%20desc")
    assert [run["name"] for run in page["runs"]] == ["2", "1"]
    rest = caller.get(url + f"&pageSize=2&sortBy=name%20desc&pageToken={quote(page['next_page_token'])}")
    assert [run["id"] for run in rest["runs"]] == [runs[0]["id"]]


@pytest.mark.parametrize("kind", ["EXPERIMENT", "JOB", "PIPELINE_VERSION"])
def test_nothing_belongs_to_an_empty_id(caller, workflow, kind):
    make_run(caller, workflow)
    assert caller.get(f"{V1}/runs?resource_reference_key.type={kind}&resource_reference_key.id=") == {}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("runs?resource_reference_key.id=x", "resource_reference_key.type"),
        ("runs?resource_reference_key.type=COLOUR&resource_reference_key.id=x", "COLOUR"),
        ("runs?resource_reference_key.type=9&resource_reference_key.id=x", "9"),
        ("runs?resource_reference_key.type=PIPELINE&resource_reference_key.id=x", "PIPELINE"),
        ("runs?resource_reference_key.type=NAMESPACE&resource_reference_key.id=team", "single-user"),
        ("jobs?resource_reference_key.type=NAMESPACE&resource_reference_key.id=team", "single-user"),
        ("jobs?resource_reference_key.type=PIPELINE&resource_reference_key.id=x", "PIPELINE"),
        ("pipelines?resource_reference_key.type=NAMESPACE&resource_reference_key.id=team", "single-user"),
        ("experiments?resource_reference_key.type=NAMESPACE&resource_reference_key.id=team", "single-user"),
        ("experiments?resource_reference_key.type=JOB&resource_reference_key.id=x", "namespace"),
        ("pipeline_versions", "resource_key.type PIPELINE"),
        ("pipeline_versions?resource_key.type=EXPERIMENT&resource_key.id=x", "resource_key.type PIPELINE"),
    ],
)
def test_a_list_by_something_it_is_not_listed_by_is_refused(caller, path, words):
    refused(caller.ask("GET", f"{V1}/{path}"), 400, words)


@pytest.mark.parametrize("what", ["runs", "jobs", "pipelines", "experiments"])
def test_an_empty_namespace_is_none(caller, what):
    caller.get(f"{V1}/{what}?resource_reference_key.type=NAMESPACE&resource_reference_key.id=")


def test_formats_of_metrics_are_names_or_numbers_and_the_default_is_left_out(caller, workflow):
    run = make_run(caller, workflow)
    url = f"{V1}/runs/{run['id']}:reportMetrics"
    metrics = [
        {"name": "a", "node_id": "n", "number_value": 0, "format": "UNSPECIFIED"},
        {"name": "b", "node_id": "n", "number_value": "1.5", "format": 2},
        {"name": "c", "node_id": "n", "format": "RAW", "number_value": None},
        {"name": "d", "node_id": "n", "number_value": "nan"},
    ]
    results = caller.post(url, {"metrics": metrics})["results"]
    assert [result["status"] for result in results] == ["OK", "OK", "OK", "INVALID_ARGUMENT"]
    assert caller.get(f"{V1}/runs/{run['id']}")["run"]["metrics"] == [
        {"name": "a", "node_id": "n"},
        {"name": "b", "node_id": "n", "number_value": 1.5, "format": "PERCENTAGE"},
        {"name": "c", "node_id": "n", "format": "RAW"},
    ]
    odd = {"metrics": [{"name": "e", "node_id": "n"}, {"name": "f", "node_id": "n", "format": "ODD"}]}
    refused(caller.ask("POST", url, odd), 400, "ODD")
    assert len(caller.get(f"{V1}/runs/{run['id']}")["run"]["metrics"]) == 3


def test_a_run_is_cloned_from_what_the_api_says_of_it(caller, workflow):
    word = [{"name": "word", "value": "cloned [[RunUUID]]"}]
    first = wait(
        caller,
        make_run(caller, workflow, pipeline_spec={"workflow_manifest": json.dumps(workflow), "parameters": word})["id"],
    )
    body = {
        "name": "clone",
        "pipeline_spec": first["pipeline_spec"],
        "resource_references": first["resource_references"],
    }
    detail = caller.post(f"{V1}/runs", body)
    executed = json.loads(detail["pipeline_runtime"]["workflow_manifest"])
    assert executed["spec"]["arguments"]["parameters"][0]["value"] == f"cloned {detail['run']['id']}"
    assert executed["metadata"]["name"] != first["name"]
    assert wait(caller, detail["run"]["id"])["status"] == "Succeeded"


def test_a_pipeline_without_versions_has_no_template_and_cannot_be_run(caller, workflow):
    pipeline = make_pipeline(caller, workflow)
    caller.ask("DELETE", f"{V1}/pipeline_versions/{pipeline['id']}")
    assert "default_version" not in caller.get(f"{V1}/pipelines/{pipeline['id']}")
    refused(caller.ask("GET", f"{V1}/pipelines/{pipeline['id']}/templates"), 404, "Default version")
    body = {"name": "r", "pipeline_spec": {"pipeline_id": pipeline["id"]}}
    refused(caller.ask("POST", f"{V1}/runs", body), 400, "no version")
