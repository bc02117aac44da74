"""Every method that kfp.Client has from the generated client: each is called once, and none is left out."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import kfp
import kfp_server_api as api
import pytest
from kfp.components import create_component_from_func

from tests.fakes.client import client_of, ended

SERVICES = ("experiments", "healthzs", "jobs", "pipelines", "pipeline_uploads", "runs")


def say(word: str) -> str:
    return word * 2


@kfp.dsl.pipeline(name="says")
def says(word: str = "ha"):
    create_component_from_func(say)(word)


@kfp.dsl.pipeline(name="naps")
def naps():
    kfp.dsl.ContainerOp(name="nap", image="python:3.9", command=["sleep", "600"])


@kfp.dsl.pipeline(name="fails")
def fails():
    kfp.dsl.ContainerOp(name="fail", image="python:3.9", command=["false"])


@pytest.fixture(scope="module")
def client(endpoint):
    return client_of(endpoint)


def reference(kind, resource_id, relationship):
    return api.ApiResourceReference(key=api.ApiResourceKey(type=kind, id=resource_id), relationship=relationship)


@pytest.fixture(scope="module")
def world(client, tmp_path_factory):
    """One of each thing, made with the methods of ``kfp.Client`` itself."""
    folder = tmp_path_factory.mktemp("world")
    package = str(folder / "says.yaml")
    kfp.compiler.Compiler().compile(says, package)

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            with open(package, "rb") as file:
                content = file.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True).start()

    def run_of(function):
        run_id = client.create_run_from_pipeline_func(function, {}).run_id
        return ended(client, run_id).id

    experiment = client.create_experiment("walk")
    pipeline = client.upload_pipeline(package, "walk")
    run_id = run_of(says)
    nodes = json.loads(client.get_run(run_id).pipeline_runtime.workflow_manifest)["status"]["nodes"]
    yield SimpleNamespace(
        package=package,
        url=f"http://127.0.0.1:{site.server_port}/says.yaml",
        experiment=experiment,
        pipeline=pipeline,
        version=client.upload_pipeline_version(package, "walk 2", pipeline_id=pipeline.id),
        run=run_id,
        node=next(node["id"] for node in nodes.values() if node["type"] == "Pod"),
        failed=run_of(fails),
        napping=client.create_run_from_pipeline_func(naps, {}).run_id,
        job=client.create_recurring_run(experiment.id, "walk", cron_expression="@yearly", version_id=pipeline.id),
    )
    site.shutdown()
    site.server_close()


def name():
    return uuid.uuid4().hex


def archived(get, archive, thing):
    archive(thing)
    return get(thing).storage_state == "STORAGESTATE_ARCHIVED"


def deleted(get, delete, thing):
    """Whether a thing is there before it is deleted, and then is not."""
    get(thing)
    delete(thing)
    with pytest.raises(api.ApiException) as refused:
        get(thing)
    return refused.value.status == 404


def job_body(world):
    return api.ApiJob(
        name="walk",
        enabled=True,
        max_concurrency=1,
        trigger=api.ApiTrigger(cron_schedule=api.ApiCronSchedule(cron="@yearly")),
        resource_references=[
            reference("EXPERIMENT", world.experiment.id, "OWNER"),
            reference("PIPELINE_VERSION", world.version.id, "CREATOR"),
        ],
    )


def run_body(world):
    return api.ApiRun(
        name="walk",
        pipeline_spec=api.ApiPipelineSpec(
            pipeline_id=world.pipeline.id, parameters=[api.ApiParameter(name="word", value="ho")]
        ),
        resource_references=[reference("EXPERIMENT", world.experiment.id, "OWNER")],
    )


def job_is(client, world, enabled):
    return (client.jobs.get_job(world.job.id).enabled or False) is enabled


def artifact_of(client, world):
    data = client.runs.read_artifact(world.run, world.node, "say-Output").data
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(data))) as archive:
        return archive.extractfile(archive.getmembers()[0]).read()


def reported(client, world):
    metric = api.ApiRunMetric(name="loss", node_id=world.node, number_value=0.25, format="RAW")
    body = api.ApiReportRunMetricsRequest(run_id=world.run, metrics=[metric])
    return client.runs.report_run_metrics(world.run, body).results[0].status


def body_of_version(world):
    return api.ApiPipelineVersion(
        name=name(),
        package_url=api.ApiUrl(pipeline_url=world.url),
        resource_references=[reference("PIPELINE", world.pipeline.id, "OWNER")],
    )


def made_default(client, world):
    client.pipelines.update_pipeline_default_version(world.pipeline.id, world.version.id)
    return client.pipelines.get_pipeline(world.pipeline.id).default_version.id == world.version.id


#: By service and method, what calls it and is true when it did what it is for.
CALLS = {
    "experiments.archive_experiment": lambda c, w: archived(
        c.experiments.get_experiment, c.experiments.archive_experiment, w.experiment.id
    ),
    "experiments.unarchive_experiment": lambda c, w: c.experiments.unarchive_experiment(w.experiment.id) == {},
    "experiments.create_experiment": lambda c, w: c.experiments.create_experiment(api.ApiExperiment(name=name())).id,
    "experiments.delete_experiment": lambda c, w: deleted(
        c.experiments.get_experiment, c.experiments.delete_experiment, c.create_experiment(name()).id
    ),
    "experiments.get_experiment": lambda c, w: c.experiments.get_experiment(w.experiment.id).name == "walk",
    "experiments.list_experiment": lambda c, w: c.experiments.list_experiment(page_size=1).total_size > 1,
    "healthzs.get_healthz": lambda c, w: c.healthzs.get_healthz().multi_user is False,
    "jobs.create_job": lambda c, w: c.jobs.create_job(job_body(w)).status == "NO_STATUS",
    "jobs.disable_job": lambda c, w: c.jobs.disable_job(w.job.id) == {} and job_is(c, w, False),
    "jobs.enable_job": lambda c, w: c.jobs.enable_job(w.job.id) == {} and job_is(c, w, True),
    "jobs.get_job": lambda c, w: c.jobs.get_job(w.job.id).trigger.cron_schedule.cron == "@yearly",
    "jobs.list_jobs": lambda c, w: w.job.id in [job.id for job in c.jobs.list_jobs().jobs],
    "jobs.delete_job": lambda c, w: deleted(c.jobs.get_job, c.jobs.delete_job, c.jobs.create_job(job_body(w)).id),
    "pipelines.create_pipeline": lambda c, w: (
        c.pipelines.create_pipeline(api.ApiPipeline(name=name(), url=api.ApiUrl(pipeline_url=w.url))).parameters[0].name
        == "word"
    ),
    "pipelines.create_pipeline_version": lambda c, w: c.pipelines.create_pipeline_version(body_of_version(w)).id,
    "pipelines.delete_pipeline": lambda c, w: deleted(
        c.pipelines.get_pipeline, c.pipelines.delete_pipeline, c.upload_pipeline(w.package, name()).id
    ),
    "pipelines.delete_pipeline_version": lambda c, w: deleted(
        c.pipelines.get_pipeline_version,
        c.pipelines.delete_pipeline_version,
        c.upload_pipeline_version(w.package, name(), pipeline_id=w.pipeline.id).id,
    ),
    "pipelines.get_pipeline": lambda c, w: c.pipelines.get_pipeline(w.pipeline.id).name == "walk",
    "pipelines.get_pipeline_version": lambda c, w: (
        c.pipelines.get_pipeline_version(w.version.id).resource_references[0].key.id == w.pipeline.id
    ),
    "pipelines.get_pipeline_version_template": lambda c, w: (
        "generateName: says-" in c.pipelines.get_pipeline_version_template(w.version.id).template
    ),
    "pipelines.get_template": lambda c, w: "generateName: says-" in c.pipelines.get_template(w.pipeline.id).template,
    "pipelines.list_pipeline_versions": lambda c, w: (
        c.pipelines.list_pipeline_versions(resource_key_type="PIPELINE", resource_key_id=w.pipeline.id).total_size > 1
    ),
    "pipelines.list_pipelines": lambda c, w: c.pipelines.list_pipelines(sort_by="name desc").pipelines,
    "pipelines.update_pipeline_default_version": made_default,
    "pipeline_uploads.upload_pipeline": lambda c, w: (
        c.pipeline_uploads.upload_pipeline(w.package, name="walk & 100 %", description="a + b").description == "a + b"
    ),
    "pipeline_uploads.upload_pipeline_version": lambda c, w: (
        c.pipeline_uploads.upload_pipeline_version(
            w.package, name=name(), pipelineid=w.pipeline.id, description="newer"
        ).name
    ),
    "runs.archive_run": lambda c, w: archived(lambda run: c.runs.get_run(run).run, c.runs.archive_run, w.run),
    "runs.unarchive_run": lambda c, w: (
        c.runs.unarchive_run(w.run) == {} and c.runs.get_run(w.run).run.storage_state is None
    ),
    "runs.create_run": lambda c, w: c.runs.create_run(run_body(w)).run.pipeline_spec.pipeline_name == "walk",
    "runs.delete_run": lambda c, w: deleted(
        c.runs.get_run, c.runs.delete_run, c.create_run_from_pipeline_func(says, {}).run_id
    ),
    "runs.get_run": lambda c, w: c.runs.get_run(w.run).run.status == "Succeeded",
    "runs.list_runs": lambda c, w: c.runs.list_runs(page_size=1).next_page_token,
    "runs.read_artifact": lambda c, w: artifact_of(c, w) == b"haha",
    "runs.report_run_metrics": lambda c, w: reported(c, w) == "OK",
    "runs.retry_run": lambda c, w: c.runs.retry_run(w.failed) == {},
    "runs.terminate_run": lambda c, w: c.runs.terminate_run(w.napping) == {},
}


def test_none_is_left_out(client):
    found = {
        f"{service}.{method}"
        for service in SERVICES
        for method in dir(getattr(client, service))
        if not method.startswith("_")
        and not method.endswith("_with_http_info")
        and callable(getattr(getattr(client, service), method))
        and method != "api_client"
    }
    assert found == set(CALLS)
    assert len(found) == 36


@pytest.mark.parametrize("method", sorted(CALLS))
def test_it_does_what_it_is_for(client, world, method):
    assert CALLS[method](client, world)
