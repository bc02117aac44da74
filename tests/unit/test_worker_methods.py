"""What the worker's methods do in which order, and what they leave behind when something fails on the way."""

from __future__ import annotations

import threading

import pytest

from kfops.compiling.finish import package_of
from kfops.errors import BuildFailed, ConnectionFailed, LocalBackendError, NoBuilder
from kfops.serving.connections import Connections
from kfops.serving.methods import pipelines, runs, table, versions
from kfops.types import ConnectionStatus, ImageVersion, PipelineVersion, Run, Source

SOURCE = {"path": "churn.py", "kind": "file", "content": "", "encoding": "text", "os_path": ""}


def package(image):
    container = {"image": image, "command": ["true"]}
    templates = [
        {"name": "churn", "dag": {"tasks": [{"name": "train", "template": "train"}]}},
        {"name": "train", "container": container},
    ]
    workflow = {"kind": "Workflow", "metadata": {"generateName": "churn-"}, "spec": {"entrypoint": "churn"}}
    workflow["spec"]["templates"] = templates
    return package_of(workflow, "V1_LEGACY", Source("file", "churn.py"))


class Compiler:
    def __init__(self, compiled):
        self.compiled = compiled

    def compile(self, call, root, source, *, function, time_limit, summary=False):
        return self.compiled


class Call:
    def __init__(self):
        self.cancelled = threading.Event()
        self.lines = []

    def log_line(self, line):
        self.lines.append(line)

    def check(self):
        pass


class Connection:
    def status(self):
        raise AssertionError("a new connection needs no trying out")


@pytest.fixture
def done(monkeypatch):
    """What was done, in order; nothing of it reaches a backend or a registry."""
    steps = []
    version = PipelineVersion("v1", "p1", "churn", "version 1", number=1)

    def prepare(names, *, package, config):
        steps.append(f"prepare {names}")

    def upload(package, **_):
        steps.append("upload")
        return version

    def build(version, *, on_log, **_):
        steps.append(f"build {version.id}")
        on_log("STEP 1")
        return [ImageVersion("trainer", "r/trainer:v1", "ready")]

    monkeypatch.setattr(versions, "prepare", prepare)
    monkeypatch.setattr(versions.pipelines, "upload", upload)
    monkeypatch.setattr(versions.images, "build", build)
    return steps


def create(root, compiled, call=None, build=True):
    worker = table(Compiler(compiled), Connections(lambda config: Connection()))
    given = {"pipeline_name": None, "version_name": None, "description": None, "function": None, "time_limit": 60.0}
    return worker["versions.create"](call or Call(), str(root), SOURCE, build=build, **given)


OWN_IMAGE = "r/trainer:{{workflow.parameters.version_id}}"


def test_images_are_prepared_before_the_upload_and_built_after_it(tmp_path, done):
    call = Call()
    version = create(tmp_path, package(OWN_IMAGE), call)
    assert done == ["prepare ['trainer']", "upload", "build v1"]
    assert [image["state"] for image in version["images"]] == ["ready"]
    assert call.lines[-1] == "STEP 1"


def test_images_are_built_only_when_asked_for(tmp_path, done):
    create(tmp_path, package(OWN_IMAGE), build=False)
    assert done == ["upload"]


def test_a_pipeline_without_own_images_never_needs_a_builder(tmp_path, done):
    create(tmp_path, package("python:3.9"))
    assert done == ["upload"]


def test_without_a_builder_no_version_is_left_behind(tmp_path, done, monkeypatch):
    def prepare(*_, **__):
        raise NoBuilder("There is no builder.")

    monkeypatch.setattr(versions, "prepare", prepare)
    with pytest.raises(NoBuilder):
        create(tmp_path, package(OWN_IMAGE))
    assert done == []


def test_a_build_that_fails_names_the_version_that_stays(tmp_path, done, monkeypatch):
    def build(version, **_):
        raise BuildFailed("It failed.", image="trainer")

    monkeypatch.setattr(versions.images, "build", build)
    with pytest.raises(BuildFailed) as caught:
        create(tmp_path, package(OWN_IMAGE))
    assert caught.value.details == {"image": "trainer", "version_id": "v1"}


def test_a_status_says_embedded_when_the_embedded_backend_does_not_start(tmp_path):
    def connect(config):
        raise LocalBackendError("It does not start.", host="http://127.0.0.1:1")

    status = table(Compiler(None), Connections(connect))["status"](Call(), str(tmp_path))
    assert status["kind"] == "embedded"
    assert status["error"]["code"] == "local_backend_error"


@pytest.fixture
def projects(tmp_path, monkeypatch):
    """A server's folder with two projects in it, and what is asked of the backends, with the project that asks."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"pipeline: {{name: {name}}}\n")
    asked = []

    def run(version_id, *, config, connection, **_):
        asked.append(("run", version_id, connection.name, config.pipeline.name))
        return Run(id=f"run-of-{version_id}", name="r", state="running")

    def get_run(run_id, connection):
        asked.append(("get", run_id, connection.name))
        return Run(id=run_id, name="r", state="running")

    version = PipelineVersion("v-a", "p1", "churn", "version 1", number=1)
    monkeypatch.setattr(versions.pipelines, "upload", lambda package, **_: version)
    monkeypatch.setattr(
        pipelines.pipelines, "list_versions", lambda *_: [version, PipelineVersion("v-b", "p1", "x", "2")]
    )
    monkeypatch.setattr(runs.runs, "run", run)
    monkeypatch.setattr(runs.runs, "get_run", get_run)
    return tmp_path, asked


class Named(Connection):
    def __init__(self, config):
        self.name = config.pipeline.name

    def status(self):
        return ConnectionStatus(kind="embedded", host="")


def test_a_version_is_run_and_its_run_followed_by_the_configuration_it_was_uploaded_with(projects):
    root, asked = projects
    worker = table(Compiler(package("python:3.9")), Connections(Named))
    given = {"pipeline_name": None, "version_name": None, "description": None, "function": None, "time_limit": 60.0}
    source = {**SOURCE, "path": "a/churn.py"}
    version = worker["versions.create"](Call(), str(root), source, build=False, **given)
    # In the meantime the person has gone on to the other project.
    elsewhere = str(root / "b")
    worker["versions.list"](Call(), elsewhere, "p1")
    started = worker["runs.create"](Call(), elsewhere, version["id"])
    worker["runs.get"](Call(), elsewhere, started["id"])
    assert asked == [("run", "v-a", "a", "a"), ("get", "run-of-v-a", "a")]


def test_what_has_only_been_listed_belongs_to_the_project_that_listed_it(projects):
    root, asked = projects
    worker = table(Compiler(None), Connections(Named))
    worker["versions.list"](Call(), str(root / "b"), "p1")
    worker["runs.create"](Call(), str(root / "a"), "v-b")
    worker["runs.get"](Call(), str(root / "a"), "never-seen")
    assert asked == [("run", "v-b", "b", "b"), ("get", "never-seen", "a")]


def test_what_was_seen_in_one_backend_is_still_found_there_when_another_is_used(projects):
    root, asked = projects
    project = str(root / "a")

    class Reached(Connection):
        def __init__(self, config):
            self.host = config.connection.host if config.backend != "embedded" else "http://127.0.0.1:1"
            self.name = self.host or "embedded"

        def status(self):
            return ConnectionStatus(kind="embedded", host="")

    worker = table(Compiler(None), Connections(Reached))
    worker["versions.list"](Call(), project, "p1")
    (root / "a" / "config.yaml").write_text("connection: {host: http://cluster}\n")
    started = worker["runs.create"](Call(), project, "v-a")
    worker["runs.get"](Call(), project, started["id"])
    worker["runs.get"](Call(), project, "of the cluster")
    worker["versions.list"](Call(), project, "p1")
    worker["connection.use"](Call(), project, "cluster")
    worker["runs.get"](Call(), project, started["id"])
    embedded = "http://127.0.0.1:1"
    assert [name for _, _, name, *_ in asked] == [embedded, embedded, "http://cluster", embedded]


def test_a_run_that_was_started_is_told_also_when_its_backend_is_gone_right_after(projects, monkeypatch):
    root, _ = projects
    connected = []

    class Once(Named):
        def __init__(self, config):
            super().__init__(config)
            if connected:
                raise ConnectionFailed("The backend is gone.")
            connected.append(config)

    def run(version_id, **_):
        (root / "a" / "config.yaml").write_text("pipeline: {name: renamed}\n")  # makes the next one connect anew
        return Run(id="r1", name="r", state="running")

    monkeypatch.setattr(runs.runs, "run", run)
    worker = table(Compiler(None), Connections(Once))
    assert worker["runs.create"](Call(), str(root / "a"), "v-a")["id"] == "r1"
