"""Lists narrowed down, things put away and thrown away, runs and versions compared, artifacts looked at."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest

from kfops import (
    artifacts,
    comparison,
    compiler,
    connection,
    differences,
    experiments,
    housekeeping,
    pipelines,
    recurring,
    runs,
)
from kfops.errors import InvalidInput, NotFound
from tests.conformance.conftest import echo_workflow
from tests.fakes.caller import V1, make_run

VIEWERS = {"outputs": [{"type": "markdown", "storage": "inline", "source": "# Fine"}]}


@pytest.fixture(scope="module")
def backend(endpoint):
    return connection.connect(host=endpoint.url, token_path=str(endpoint.token_path))


def ended(backend, run_id):
    for _ in range(300):
        found = runs.get_run(run_id, backend)
        if found.finished:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the run is still {found.state}")


def start(caller, backend, name, command="echo $0", **more):
    return ended(backend, make_run(caller, echo_workflow(command), name=name, **more)["id"])


@pytest.fixture(scope="module")
def two(caller, backend):
    """A run that succeeds and one that fails."""
    return start(caller, backend, "keep good"), start(caller, backend, "keep bad", "exit 3")


def names(backend, **query):
    found, _ = runs.list_runs(backend, query=runs.RunQuery(**query))
    return [run.name for run in found]


def test_runs_are_narrowed_down_by_state_and_text_and_sorted(backend, two):
    assert names(backend, text="keep", sort_by="name asc") == ["keep bad", "keep good"]
    assert names(backend, text="keep", state="failed") == ["keep bad"]
    assert names(backend, text="keep", state="succeeded") == ["keep good"]
    assert names(backend, text="keep", state="running") == []


def test_runs_are_narrowed_down_to_a_version_and_to_what_started_them(caller, backend):
    pipeline = upload(caller, "narrowed", echo_workflow("echo $0"))
    version = pipelines.get_version(pipeline["default_version"]["id"], backend)
    by_hand = ended(backend, runs.run(version, name="by hand", connection=backend).id)
    nightly = recurring.create_recurring_run(version, "* * * * * *", name="nightly", connection=backend)
    try:
        for _ in range(300):
            found, _ = runs.list_runs(backend, query=runs.RunQuery(recurring_run_id=nightly.id))
            if found:
                break
            time.sleep(0.1)
        assert {run.recurring_run_id for run in found} == {nightly.id}
    finally:
        recurring.delete_recurring_run(nightly.id, backend)
    assert by_hand.recurring_run_id == ""
    assert "by hand" in names(backend, version_id=version.id)
    assert "by hand" in names(backend, version_id=version.id, experiment_id=by_hand.experiment_id)
    assert names(backend, version_id=version.id, experiment_id="another") == []
    assert "keep good" not in names(backend, version_id=version.id)


@pytest.mark.parametrize("query", [{"state": "lost"}, {"sort_by": "colour"}, {"sort_by": "name sideways"}])
def test_a_list_that_cannot_be_is_refused_by_name(backend, query):
    with pytest.raises(InvalidInput):
        runs.list_runs(backend, query=runs.RunQuery(**query))


def test_an_archived_run_is_out_of_the_list_until_it_is_restored(backend, two):
    good, _ = two
    housekeeping.archive_run(good.id, backend)
    assert names(backend, text="keep") == ["keep bad"]
    assert names(backend, text="keep", archived=True) == ["keep good"]
    housekeeping.restore_run(good.id, backend)
    assert len(names(backend, text="keep")) == 2


def test_a_run_is_deleted_when_it_has_ended(caller, backend):
    going = make_run(caller, echo_workflow("sleep 30"), name="goes on")["id"]
    with pytest.raises(InvalidInput, match="cannot be deleted yet"):
        housekeeping.delete_run(going, backend)
    runs.stop_run(going, backend)
    ended(backend, going)
    housekeeping.delete_run(going, backend)
    with pytest.raises(NotFound):
        runs.get_run(going, backend)


def test_an_experiment_is_archived_with_its_runs(caller, backend):
    made = experiments.get_or_create("keep aside", backend)
    reference = {"key": {"type": "EXPERIMENT", "id": made.id}, "relationship": "OWNER"}
    start(caller, backend, "inside", resource_references=[reference])
    assert names(backend, experiment_id=made.id) == ["inside"]
    housekeeping.archive_experiment(made.id, backend)
    assert made.id not in [experiment.id for experiment in experiments.list_experiments(backend)]
    assert names(backend, text="inside") == []
    housekeeping.restore_experiment(made.id, backend)
    housekeeping.delete_experiment(made.id, backend)
    assert names(backend, text="inside", archived=True) == ["inside"]


def test_runs_side_by_side(backend, two):
    found = comparison.compare_runs([run.id for run in two], backend)
    assert found.states == ["succeeded", "failed"]
    word = next(row for row in found.parameters if row.name == "word")
    assert (word.values, word.same) == (["hello", "hello"], True)
    assert [row.name for row in found.durations] == ["", "echo"]


def upload(caller, name, workflow, pipeline_id=""):
    place = f"upload_version?pipelineid={pipeline_id}&name" if pipeline_id else "upload?name"
    answer = caller.upload(f"{V1}/pipelines/{place}={quote(name)}", json.dumps(workflow).encode())
    assert answer.status == 200, answer.content
    return answer.body


def test_what_is_different_between_two_versions(caller, backend):
    old = echo_workflow()
    new = json.loads(json.dumps(old))
    tasks = new["spec"]["templates"][0]["dag"]["tasks"]
    tasks.append({"name": "again", "template": "echo", "dependencies": ["echo"], "arguments": tasks[0]["arguments"]})
    new["spec"]["templates"][1]["container"]["image"] = "python:3.10"
    new["spec"]["arguments"]["parameters"][0]["value"] = "bye"
    first = upload(caller, "compared", old)
    second = upload(caller, "version 2", new, first["id"])
    found = differences.compare_versions(first["id"], second["id"], backend)
    assert found.steps == {"echo": "changed", "again": "added"}
    assert found.parameters == [{"name": "word", "change": "changed", "old": "hello", "new": "bye"}]
    assert "image: python:3.10" in found.text
    back = differences.compare_versions(second["id"], first["id"], backend)
    assert back.steps == {"echo": "changed", "again": "removed"}
    same = differences.compare_versions(first["id"], first["id"], backend)
    assert (same.steps, same.parameters, same.text) == ({}, [], "")

    housekeeping.set_default_version(first["id"], first["id"], backend)
    assert {p.id: p for p in pipelines.list_pipelines(backend)}[first["id"]].default_version_id == first["id"]
    housekeeping.delete_version(second["id"], backend)
    assert [version.id for version in pipelines.list_versions(first["id"], backend)] == [first["id"]]
    housekeeping.delete_pipeline(first["id"], backend)
    assert first["id"] not in [pipeline.id for pipeline in pipelines.list_pipelines(backend)]


def test_what_a_step_has_left_behind_can_be_looked_at(caller, backend):
    workflow = echo_workflow(f"echo a,b > /tmp/t; echo 1,2 >> /tmp/t; echo '{json.dumps(VIEWERS)}' > /tmp/v")
    workflow["spec"]["templates"][1]["outputs"] = {
        "artifacts": [
            {"name": "echo-table", "path": "/tmp/t"},
            {"name": "mlpipeline-ui-metadata", "path": "/tmp/v"},
            {"name": "never", "path": "/tmp/never", "optional": True},
        ]
    }
    run = ended(backend, make_run(caller, workflow, name="leaves")["id"])
    (step,) = [step for step in run.graph.steps if step.kind == "step"]
    found = {preview.artifact: preview for preview in artifacts.previews(run.id, step.id, backend)}
    assert (found["echo-table"].columns, found["echo-table"].rows) == (["a", "b"], [["1", "2"]])
    assert found["mlpipeline-ui-metadata"].data == {"text/markdown": "# Fine"}
    with pytest.raises(NotFound):
        artifacts.read_artifact(run.id, step.id, "never", backend)
    with pytest.raises(NotFound):
        artifacts.previews(run.id, "no-such-step", backend)


V2 = """
from kfp import dsl
from kfp.v2.dsl import Artifact, Dataset, Metrics, Output, component


@component
def make(table: Output[Dataset], page: Output[Artifact], scores: Output[Metrics]):
    with open(table.path, "w") as file:
        file.write("a,b\\n1,2\\n")
    with open(page.path, "w") as file:
        file.write("<html><p>x</p></html>")
    scores.log_metric("accuracy", 0.5)


@dsl.pipeline(name="shows-v2")
def pipeline():
    make()
"""


def test_the_artifacts_of_a_v2_step_are_shown_as_the_files_they_stand_for(backend, tmp_path):
    source = tmp_path / "v2.py"
    source.write_text(V2)
    version = pipelines.upload(compiler.compile(str(source)), connection=backend)
    run = ended(backend, runs.run(version, connection=backend).id)
    assert run.state == "succeeded", run.error
    (step,) = [step for step in run.graph.steps if step.kind == "step"]
    found = {preview.artifact: preview for preview in artifacts.previews(run.id, step.id, backend)}
    assert found["table"].rows == [["1", "2"]]
    assert found["page"].kind == "html"
    assert found["scores"].rows == [["accuracy", "0.5"]]


@pytest.mark.parametrize("uri", ["", "http://a/b", "minio://", "minio://mlpipeline/../../token", "minio:///etc/passwd"])
def test_only_artifacts_are_handed_out_by_their_uri(caller, uri):
    answer = caller.ask("GET", f"/apis/v1alpha1/artifacts?uri={quote(uri, safe='')}")
    assert answer.status in (400, 404)
