"""Steps in containers of their own image, by podman: as in a cluster, with the outcomes told apart."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from kfops.config import load
from kfops.connection import connect
from kfops.errors import BackendError
from kfops.local import daemon
from kfops.local.execution.caching import ENABLED
from kfops.local.execution.container_job import pull_policy
from kfops.local.executors import engines
from kfops.local.settings import Settings, stamp
from tests.fakes import containers
from tests.fakes.containers import IMAGE
from tests.fakes.engine import Ended, MemoryRecords, dag, engine_in, executed, task, workflow

CONTAINERS = pytest.mark.needs("containers")
WORD = {"parameters": [{"name": "word", "valueFrom": {"path": "/tmp/word"}}]}
SPEAKING = IMAGE.replace(":", "-speaking:")


@pytest.fixture(scope="module")
def images() -> Iterator[None]:
    """The images of the tests; asked for by tests that are marked, and so only where there is a podman."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", containers.path() or "")
        containers.make_image()
        containers.make_image(SPEAKING, 'ENTRYPOINT ["echo", "the entrypoint says"]', 'CMD ["nothing"]')
        yield
        containers.podman("rmi", "--force", IMAGE, SPEAKING)


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch, images: None, tmp_path: Path) -> Iterator[None]:
    """A podman that works here."""
    monkeypatch.setenv("PATH", containers.path() or "")
    monkeypatch.setattr(engines, "_found", {})
    yield
    assert containers_of(tmp_path, "--all") == []


def containers_of(folder: Path, *options: str) -> list[str]:
    """Return the containers of backends whose data is in a folder; others on the machine have theirs."""
    listed = containers.podman("ps", *options, "--format", '{{.ID}} {{index .Labels "kfops.data-dir"}}')
    found = [line.partition(" ") for line in listed.splitlines()]
    return [name for name, _, data in found if f"{data}/".startswith(f"{folder}/")]


_OF_TEMPLATE = ("inputs", "outputs", "volumes", "initContainers", "metadata")


def sh(name: str, script: str, **container: Any) -> dict[str, Any]:
    """Return a template whose container runs a shell text in the image of the tests."""
    fields = {key: container.pop(key) for key in _OF_TEMPLATE if key in container}
    made = {"image": IMAGE, "command": ["sh", "-c", script], **container}
    return {"name": name, "container": made, **fields}


def in_containers(*templates: dict[str, Any], **spec: Any) -> dict[str, Any]:
    made = workflow(*templates, **spec)
    stamp(made, Settings(executor="container"))
    return made


def logged(folder: Path) -> str:
    """Return what the steps of the run have written so far."""
    return "".join(log.read_text() for log in (folder / "runs" / "run-1").glob("*/main.log"))


def one(template: dict[str, Any], folder: Path, **fields: Any) -> Ended:
    """Run one step in a container."""
    return executed(in_containers(dag("main", task("a")), {**template, "name": "a", **fields}), folder)


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_step_sees_its_image_its_variables_and_its_folder_and_nothing_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "of-the-host").touch()
    script = 'echo "$FROM_IMAGE $TWO_LINES [$HOME]"; pwd; echo "$0"; ls /tmp "$1" 2>&1'
    env = [{"name": "TWO_LINES", "value": "one\ntwo"}, {"name": "HOME", "value": " x "}]
    template = sh("a", script, env=env, workingDir="/bin", args=["given", str(tmp_path / "of-the-host")])
    ended = one(template, tmp_path)
    log = ended.log("a")
    assert log.startswith("yes one\ntwo [ x ]\n/bin\ngiven\n")
    assert "of-the-host: No such file or directory" in log
    assert ended.status["conditions"][0]["message"].startswith("Steps run in containers of their images")


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_without_a_command_the_image_has_its_own(tmp_path: Path) -> None:
    own: dict[str, Any] = {"image": SPEAKING}
    ended = executed(
        in_containers(
            dag("main", task("a"), task("b"), task("c")),
            {"name": "a", "container": own},
            {"name": "b", "container": {**own, "args": ["hello"]}},
            {"name": "c", "container": {**own, "command": ["echo"], "args": ["alone"]}},
        ),
        tmp_path,
    )
    logs = [ended.log(name) for name in "abc"]
    assert logs == ["the entrypoint says nothing\n", "the entrypoint says hello\n", "alone\n"]


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_inputs_and_outputs_at_any_path_go_from_step_to_step(tmp_path: Path) -> None:
    far = {"name": "far", "path": "/far/away/data"}
    made = in_containers(
        dag(
            "main",
            task("give"),
            task(
                "take",
                after=("give",),
                arguments={"artifacts": [{**far, "from": "{{tasks.give.outputs.artifacts.far}}"}]},
            ),
        ),
        sh(
            "give",
            "mkdir -p /far/away /tmp/outputs && echo content > /far/away/data && echo value > /tmp/outputs/word",
            outputs={
                "artifacts": [far, {"name": "maybe", "path": "/no/such", "optional": True}],
                "parameters": [{"name": "word", "valueFrom": {"path": "/tmp/outputs/word"}}],
            },
        ),
        sh(
            "take",
            "cat /far/away/data; ls /tmp/inputs; ls /far/away",
            inputs={"artifacts": [far, {"name": "raw", "path": "/tmp/inputs/raw", "raw": {"data": "as it is"}}]},
        ),
    )
    ended = executed(made, tmp_path)
    assert ended.phase == "Succeeded", ended.log("take")
    assert ended.output("give", "word") == "value"
    assert ended.log("take") == "content\nraw\ndata\n"


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_user_of_the_image_s_own_can_read_and_leave_files(tmp_path: Path) -> None:
    raw = {"name": "raw", "path": "/tmp/inputs/raw", "raw": {"data": "readable"}}
    template = sh(
        "a",
        "id -u; cat /tmp/inputs/raw && echo mine > /tmp/word",
        securityContext={"runAsUser": 1234},
        inputs={"artifacts": [raw]},
        outputs=WORD,
    )
    ended = one(template, tmp_path)
    assert (ended.log("a"), ended.output("a", "word")) == ("1234\nreadable", "mine")


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_init_containers_and_volumes_are_shared_and_read_only_is_read_only(tmp_path: Path) -> None:
    mount = {"name": "work", "mountPath": "/shared"}
    template = sh(
        "a",
        "cat /shared/word; echo x > /shared/word || echo refused",
        volumeMounts=[{**mount, "readOnly": True}],
        volumes=[{"name": "work", "emptyDir": {}}],
        initContainers=[
            {
                "name": "first",
                "image": IMAGE,
                "command": ["sh", "-c", "echo from the first > /shared/word"],
                "volumeMounts": [mount],
            }
        ],
    )
    ended = one(template, tmp_path)
    assert "from the first\n" in ended.log("a")
    assert "refused" in ended.log("a")


@CONTAINERS
@pytest.mark.usefixtures("podman")
@pytest.mark.parametrize(
    ("script", "fields", "message"),
    [
        ("exit 3", {}, "Error (exit code 3)"),
        ("exit 125", {}, "Error (exit code 125)"),
        ("sleep 60", {"activeDeadlineSeconds": 2}, "Pod was active on the node longer than the specified deadline"),
        ("exec tail /dev/zero", {"limits": {"memory": "32Mi", "cpu": "500m"}}, "OOMKilled (exit code 137)"),
    ],
)
def test_how_a_container_ended_is_told(script: str, fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    limits = fields.pop("limits", None)
    template = sh("a", script)
    if limits:
        template["container"]["resources"] = {"limits": limits}
    node = one(template, tmp_path, **fields).nodes["a"]
    assert (node["phase"], node["message"]) == ("Failed", message)


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_what_a_process_gave_is_not_taken_from_the_cache_for_a_container(tmp_path: Path) -> None:
    step = sh("a", "echo ${FROM_IMAGE:-no} > /tmp/word", metadata={"labels": {ENABLED: "true"}}, outputs=WORD)
    records = MemoryRecords()
    as_process = executed(workflow(dag("main", task("a")), step), tmp_path, records=records)
    for _, remembered in records.cache.values():
        remembered["run_id"] = "another"
    again = MemoryRecords(cache=records.cache)
    in_container = executed(in_containers(dag("main", task("a")), step), tmp_path, records=again)
    assert (as_process.output("a", "word"), in_container.output("a", "word")) == ("no", "yes")


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_container_that_somebody_kills_is_told_so(tmp_path: Path) -> None:
    made = in_containers(dag("main", task("a")), sh("a", "echo up; sleep 60"))

    async def run() -> Any:
        async with engine_in(tmp_path) as runs:
            runs.submit(made)
            await runs.until(lambda: "up" in logged(tmp_path))
            containers.podman("kill", *containers_of(tmp_path))
            return (await runs.ended("run-1")).nodes["a"]

    node = asyncio.run(run())
    assert (node["phase"], node["message"]) == ("Failed", "Error (exit code 137): killed by signal SIGKILL")


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_command_that_the_image_does_not_have_fails_the_step(tmp_path: Path) -> None:
    ended = one({"name": "a", "container": {"image": IMAGE, "command": ["python3", "-V"]}}, tmp_path)
    assert (ended.nodes["a"]["phase"], ended.nodes["a"]["message"]) == ("Failed", "Error (exit code 127)")
    assert "python3" in ended.log("a")


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_an_image_that_cannot_be_had_is_an_error_as_kubernetes_calls_it(tmp_path: Path) -> None:
    missing = sh("a", "true", image="localhost:9/no/such:1")
    node = one(missing, tmp_path / "pulled").nodes["a"]
    assert node["phase"] == "Error"
    assert node["message"].startswith('ImagePullBackOff: Back-off pulling image "localhost:9/no/such:1": ')
    missing["container"]["imagePullPolicy"] = "Never"
    node = one(missing, tmp_path / "never").nodes["a"]
    assert (node["phase"], node["message"].split(":")[0]) == ("Error", "ErrImageNeverPull")
    missing["container"]["image"] = "--privileged"
    node = one(missing, tmp_path / "option").nodes["a"]
    assert (node["phase"], node["message"].split(":")[0]) == ("Error", "InvalidImageName")


def test_images_are_fetched_by_the_rules_of_kubernetes() -> None:
    policies = [pull_policy({"image": image}) for image in ("a", "a:latest", "a:1", "r:5000/a", "r:5000/a@sha256:0")]
    assert policies == ["Always", "Always", "IfNotPresent", "Always", "IfNotPresent"]
    assert pull_policy({"image": "localhost/a"}) == "IfNotPresent"
    assert pull_policy({"image": "a", "imagePullPolicy": "Never"}) == "Never"


@CONTAINERS
@pytest.mark.usefixtures("podman")
@pytest.mark.parametrize(
    ("script", "last"),
    [
        ("trap 'echo going; exit 1' TERM; echo up; while :; do sleep 0.1; done", "going\n"),
        ("echo up; sleep 60", "up\n"),
    ],
)
def test_a_stopped_run_asks_its_container_to_end_and_then_removes_it(script: str, last: str, tmp_path: Path) -> None:
    made = in_containers(dag("main", task("a")), sh("a", script))

    async def run() -> tuple[str, str]:
        async with engine_in(tmp_path) as runs:
            runs.submit(made)
            await runs.until(lambda: "up" in logged(tmp_path))
            runs.records.stopping.add("run-1")
            runs.engine.terminate("run-1")
            ended = await runs.ended("run-1")
            return ended.nodes["a"]["message"], ended.log("a")

    message, log = asyncio.run(run())
    assert message == "terminated"
    assert log.endswith(last)


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_backend_that_stops_leaves_no_container(tmp_path: Path) -> None:
    made = in_containers(dag("main", task("a")), sh("a", "echo up; sleep 60"))

    async def run() -> None:
        async with engine_in(tmp_path) as runs:
            runs.submit(made)
            await runs.until(lambda: "up" in logged(tmp_path))

    asyncio.run(run())  # the fixture looks for what is left


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_variables_stand_in_no_command_line_and_in_no_file(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("keys: {first: hush-hush-hush}\n")
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "first"}}}]
    made = in_containers(dag("main", task("a")), sh("a", "echo ${#KEY}; sleep 1", env=env))

    async def run() -> list[str]:
        async with engine_in(tmp_path) as runs:
            ended, found = asyncio.ensure_future(runs.run(made)), []
            while not ended.done():
                found += [words for words in command_lines() if "hush-hush" in words]
                found += [str(path) for path in (tmp_path / "runs").rglob("*") if "hush-hush" in content(path)]
                await asyncio.sleep(0.05)
            assert ended.result().log("a") == "14\n"
            return found

    assert asyncio.run(run()) == []


def content(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def command_lines() -> list[str]:
    found = (content(entry / "cmdline") for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [words for words in found if words]


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_v2_compatible_step_has_its_artifacts_where_the_launcher_puts_them(tmp_path: Path) -> None:
    ended = executed(v2_pipeline(tmp_path), tmp_path / "data")
    assert ended.phase == "Succeeded", [ended.log(name) for name in ended.nodes if name]
    assert "content of 7" in next(ended.log(name) for name in ended.nodes if name.endswith("read"))


def v2_pipeline(folder: Path) -> dict[str, Any]:
    import yaml
    from kfp import dsl
    from kfp.compiler import Compiler
    from kfp.components import load_component_from_text
    from kfp.dsl import PipelineExecutionMode

    write = load_component_from_text(f"""\
name: Write
inputs: [{{name: number, type: Integer}}]
outputs: [{{name: text, type: Dataset}}]
implementation:
  container:
    image: {IMAGE}
    command: [sh, -c, 'echo "content of $0" > "$1"', {{inputValue: number}}, {{outputPath: text}}]
""")
    read = load_component_from_text(f"""\
name: Read
inputs: [{{name: text, type: Dataset}}]
implementation:
  container:
    image: {IMAGE}
    command: [sh, -c, 'echo $0; cat $0', {{inputPath: text}}]
""")

    @dsl.pipeline(name="v2-in-containers")
    def pipeline() -> None:
        read(write(7).outputs["text"])

    target = folder / "package.yaml"
    Compiler(mode=PipelineExecutionMode.V2_COMPATIBLE).compile(pipeline, str(target))
    made: dict[str, Any] = yaml.safe_load(target.read_text())
    for parameter in made["spec"].get("arguments", {}).get("parameters", []):
        parameter.setdefault("value", "")
    stamp(made, Settings(executor="container"))
    return made


def project(folder: Path, text: str) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(text)
    return load(start=folder)


@CONTAINERS
@pytest.mark.usefixtures("podman")
def test_a_run_goes_on_after_its_backend_was_killed_and_no_container_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "local"
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(data))
    connection = connect(project(tmp_path / "project", "local: {executor: container}"), kind="embedded")
    made = workflow(dag("main", task("a")), sh("a", "echo up; sleep 3; echo done"))
    body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(made)}}
    run_id = connection.post_json("/apis/v1beta1/runs", body)["run"]["id"]
    try:
        until(lambda: any("up" in content(log) for log in (data / "runs" / run_id).glob("*/main.log")))
        os.kill(daemon.status(data)["pid"], signal.SIGKILL)
        daemon.ensure_running(data)
        until(lambda: len(containers_of(tmp_path)) == 1)
        until(lambda: phase(connect(kind="embedded"), run_id) in ("Succeeded", "Failed", "Error"))
        assert phase(connect(kind="embedded"), run_id) == "Succeeded"
    finally:
        daemon.stop(data)


def phase(connection: Any, run_id: str) -> str:
    return str(connection.get_json(f"/apis/v1beta1/runs/{run_id}")["run"].get("status", ""))


def until(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_run_is_refused_where_nothing_runs_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "local"
    monkeypatch.setenv("KFOPS_LOCAL_DIR", str(data))
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = connect(project(tmp_path / "project", "local: {executor: container}"), kind="embedded")
    body = {
        "name": "r",
        "pipeline_spec": {"workflow_manifest": json.dumps(workflow(dag("main", task("a")), sh("a", "")))},
    }
    try:
        with pytest.raises(BackendError) as caught:
            connection.post_json("/apis/v1beta1/runs", body)
        text = str(caught.value)
        assert "podman: it is not installed. docker: it is not installed." in text
        assert "set local.executor to process in config.yaml" in text
        assert not connection.get_json("/apis/v1beta1/runs").get("runs")
    finally:
        daemon.stop(data)
