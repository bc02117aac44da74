"""A run from its submission to its end: data between steps, stopping, retrying, caching, going on after a crash."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from kfops.errors import InvalidInput
from kfops.local.executors.process import ProcessExecutor
from tests.fakes.engine import Ended, MemoryRecords, dag, engine_in, executed, shell, task, workflow

ROOT = Path(__file__).resolve().parents[2]
CACHED = {"metadata": {"labels": {"pipelines.kubeflow.org/enable_caching": "true"}}}


def taking(name: str) -> dict[str, Any]:
    return {"parameters": [{"name": name}]}


def giving(name: str, path: str = "/tmp/o") -> dict[str, Any]:
    return {"parameters": [{"name": name, "valueFrom": {"path": path}}], "artifacts": [{"name": name, "path": path}]}


def test_a_parameter_goes_from_step_to_step(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", after=("a",), x="{{tasks.a.outputs.parameters.x}}")),
        shell("a", "echo 42 > /tmp/o", outputs=giving("x")),
        shell("b", "echo got {{inputs.parameters.x}}", inputs=taking("x")),
    )
    assert executed(made, tmp_path).log("b") == "got 42\n"


def test_a_text_with_quotes_newlines_and_unicode_arrives_unchanged(tmp_path: Path) -> None:
    text = 'it\'s "quoted" $HOME `x` \\n\n Grüße 🎈 {{not ours}}'
    made = workflow(
        dag("main", task("a", x="{{workflow.parameters.p}}")),
        shell("a", 'printf %s "$0"', inputs=taking("x")),
        parameters={"p": text},
    )
    made["spec"]["templates"][1]["container"]["args"] = ["{{inputs.parameters.x}}"]
    assert executed(made, tmp_path).log("a") == text


def test_artifacts_files_folders_and_raw_go_from_step_to_step(tmp_path: Path) -> None:
    reading = {
        "artifacts": [
            {"name": "f", "path": "/tmp/in/f"},
            {"name": "d", "path": "/tmp/in/d"},
            {"name": "r", "path": "/r/x", "raw": {"data": "raw"}},
        ]
    }
    outputs = {"artifacts": [{"name": "f", "path": "/tmp/f"}, {"name": "d", "path": "/tmp/d"}]}
    arguments = {
        "artifacts": [
            {"name": "f", "from": "{{tasks.a.outputs.artifacts.f}}"},
            {"name": "d", "from": "{{tasks.a.outputs.artifacts.d}}"},
        ]
    }
    made = workflow(
        dag("main", task("a"), task("b", after=("a",), arguments=arguments)),
        shell("a", "echo file > /tmp/f; mkdir -p /tmp/d/sub; echo deep > /tmp/d/sub/x", outputs=outputs),
        shell("b", "cat /tmp/in/f /tmp/in/d/sub/x /r/x; echo spoiled > /tmp/in/f", inputs=reading),
    )
    assert executed(made, tmp_path).log("b") == "file\ndeep\nraw"


def test_an_output_artifact_is_read_as_argo_stores_it(tmp_path: Path) -> None:
    async def read() -> tuple[Ended, bytes]:
        async with engine_in(tmp_path) as runs:
            ended = await runs.run(workflow(dag("main", task("a")), shell("a", "echo 1 > /tmp/o", outputs=giving("x"))))
            [artifact] = ended.nodes["a"]["outputs"]["artifacts"]
            return ended, runs.engine.artifacts.read(artifact["s3"]["key"])

    ended, packed = asyncio.run(read())
    key = ended.nodes["a"]["outputs"]["artifacts"][0]["s3"]["key"]
    assert key.startswith("artifacts/wf/20")
    assert key.endswith(f"/{ended.nodes['a']['id']}/x.tgz")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        [member] = archive.getmembers()
        assert archive.extractfile(member).read() == b"1\n"  # type: ignore[union-attr]


def test_metrics_are_reported(tmp_path: Path) -> None:
    metrics = {
        "metrics": [
            {"name": "accuracy", "numberValue": 0.9, "format": "PERCENTAGE"},
            {"name": "not a name!", "numberValue": 1},
        ]
    }
    outputs = {
        "artifacts": [
            {"name": "mlpipeline-metrics", "path": "/tmp/m"},
            {"name": "mlpipeline-ui-metadata", "path": "/tmp/u"},
        ]
    }
    records = MemoryRecords()

    async def run() -> Ended:
        async with engine_in(tmp_path, records) as runs:
            return await runs.run(
                workflow(dag("main", task("a")), shell("a", f"echo '{json.dumps(metrics)}' > /tmp/m", outputs=outputs))
            )

    ended = asyncio.run(run())
    assert ended.phase == "Succeeded"
    assert records.metrics == [
        ("run-1", ended.nodes["a"]["id"], [{"name": "accuracy", "numberValue": 0.9, "format": "PERCENTAGE"}])
    ]


def test_the_exit_handler_runs_after_a_failure_and_knows_it(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a")),
        shell("a", "exit 3"),
        shell("bye", "echo {{workflow.status}} '{{workflow.failures}}'"),
        onExit="bye",
    )
    ended = executed(made, tmp_path)
    assert ended.phase == "Failed"
    assert ended.log("onExit").startswith('Failed "[{')
    assert "exit code 3" in ended.log("onExit")


def test_a_flaky_step_is_tried_again(tmp_path: Path) -> None:
    script = "echo x >> $KFOPS_MODEL_STORE/tries; [ $(wc -l < $KFOPS_MODEL_STORE/tries) -ge 3 ]"
    ended = executed(workflow(dag("main", task("a")), shell("a", script, retryStrategy={"limit": 5})), tmp_path)
    assert (ended.phase, ended.nodes["a"]["type"]) == ("Succeeded", "Retry")
    assert [ended.nodes[f"a({n})"]["phase"] for n in range(3)] == ["Failed", "Failed", "Succeeded"]


def test_a_run_that_takes_too_long_fails_and_its_exit_handler_runs(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a")), shell("a", "sleep 100"), shell("bye", "echo bye"), onExit="bye", activeDeadlineSeconds=1
    )
    ended = executed(made, tmp_path)
    assert (ended.phase, ended.status["message"]) == ("Failed", "Step exceeded its deadline")
    assert ended.log("onExit") == "bye\n"


def test_a_stopped_run_fails_its_steps_are_killed_and_its_exit_handler_runs(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", after=("a",))),
        shell("a", "echo on; sleep 100"),
        shell("b", "true"),
        shell("bye", "echo bye"),
        onExit="bye",
    )

    async def stop() -> Ended:
        async with engine_in(tmp_path) as runs:
            run = runs.submit(made)
            await runs.until(lambda: any("on" in p.read_text() for p in tmp_path.glob("runs/*/*/main.log")))
            runs.engine.terminate(run)
            return await runs.ended(run)

    ended = asyncio.run(stop())
    assert (ended.phase, ended.status["message"]) == ("Failed", "terminated")
    assert (ended.nodes["a"]["phase"], ended.nodes["a"]["message"]) == ("Failed", "terminated")
    assert "b" not in ended.nodes
    assert (ended.nodes["onExit"]["phase"], ended.log("onExit")) == ("Succeeded", "bye\n")


def test_a_retried_run_keeps_what_has_succeeded(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", after=("a",)), task("c", after=("b",))),
        shell("a", "echo a >> $KFOPS_MODEL_STORE/ran"),
        shell("b", "echo b >> $KFOPS_MODEL_STORE/ran; test -e $KFOPS_MODEL_STORE/mended"),
        shell("c", "echo c >> $KFOPS_MODEL_STORE/ran"),
    )

    async def retry() -> tuple[Ended, Ended]:
        async with engine_in(tmp_path) as runs:
            failed = await runs.run(made)
            (tmp_path / "models" / "mended").touch()
            runs.engine.retry("run-1")
            await asyncio.sleep(0)
            return failed, await runs.ended("run-1")

    failed, ended = asyncio.run(retry())
    assert (failed.phase, failed.nodes["c"]["phase"]) == ("Failed", "Omitted")
    assert ended.phase == "Succeeded"
    assert (tmp_path / "models" / "ran").read_text().split() == ["a", "b", "b", "c"]


def test_a_run_is_retried_as_soon_as_it_says_that_it_has_failed(tmp_path: Path) -> None:
    class Impatient(MemoryRecords):
        def save_status(self, run_id: str, status: dict[str, Any]) -> None:
            super().save_status(run_id, status)
            if status["phase"] == "Failed" and not retried:
                retried.append(run_id)
                runs.engine.retry(run_id)

    retried: list[str] = []
    made = workflow(
        dag("main", task("a")), shell("a", "echo x >>$KFOPS_MODEL_STORE/x; grep -c x $KFOPS_MODEL_STORE/x | grep 2")
    )

    async def retry() -> Ended:
        nonlocal runs
        async with engine_in(tmp_path, Impatient()) as runs:
            return await runs.run(made)

    runs: Any = None
    assert asyncio.run(retry()).phase == "Succeeded"


def test_only_a_failed_run_is_retried(tmp_path: Path) -> None:
    async def retry() -> None:
        async with engine_in(tmp_path) as runs:
            await runs.run(workflow(dag("main", task("a")), shell("a", "true")))
            runs.engine.retry("run-1")

    with pytest.raises(InvalidInput, match="failed"):
        asyncio.run(retry())


def test_the_same_step_in_another_run_is_taken_from_the_cache(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", after=("a",), x="{{tasks.a.outputs.parameters.x}}")),
        shell("a", "echo ran >> $KFOPS_MODEL_STORE/ran; echo 5 > /tmp/o", outputs=giving("x"), **CACHED),
        shell("b", "echo {{inputs.parameters.x}}", inputs=taking("x")),
    )

    async def twice() -> tuple[Ended, Ended]:
        async with engine_in(tmp_path) as runs:
            return await runs.run(made, "first"), await runs.run(made, "second", "wf2")

    first, second = asyncio.run(twice())
    assert (tmp_path / "models" / "ran").read_text() == "ran\n"
    assert "reusedFromCache" not in first.nodes["a"]
    assert second.nodes["a"]["reusedFromCache"] is True
    assert second.nodes["a"]["message"] == "Cached from run first"
    assert second.nodes["a"]["outputs"] == first.nodes["a"]["outputs"]
    assert second.log("b") == "5\n"
    assert "taken from cache" in second.log("a")


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"pipelines.kubeflow.org/enable_caching": "false"}},
        {**CACHED["metadata"], "annotations": {"pipelines.kubeflow.org/max_cache_staleness": "P0D"}},
    ],
)
def test_a_step_that_must_not_be_cached_runs_again(tmp_path: Path, metadata: dict[str, Any]) -> None:
    made = workflow(dag("main", task("a")), shell("a", "echo ran >> $KFOPS_MODEL_STORE/ran", metadata=metadata))

    async def twice() -> None:
        async with engine_in(tmp_path) as runs:
            await runs.run(made, "first")
            await runs.run(made, "second")

    asyncio.run(twice())
    assert (tmp_path / "models" / "ran").read_text() == "ran\nran\n"


def test_a_failed_step_is_not_remembered(tmp_path: Path) -> None:
    made = workflow(dag("main", task("a")), shell("a", "echo ran >> $KFOPS_MODEL_STORE/ran; exit 1", **CACHED))

    async def twice() -> None:
        async with engine_in(tmp_path) as runs:
            await runs.run(made, "first")
            await runs.run(made, "second")

    asyncio.run(twice())
    assert (tmp_path / "models" / "ran").read_text() == "ran\nran\n"


def test_a_v2_component_gets_and_gives_artifacts(tmp_path: Path) -> None:
    """The launcher's part around plain commands; the corpus has the Python components."""
    store = {"schemaTitle": "system.Model", "instanceSchema": "", "metadataPath": "/tmp/outputs/m/data"}
    load = {**store, "metadataPath": "/tmp/inputs/m/data"}
    made = workflow(
        dag(
            "main",
            task("a"),
            task(
                "b", after=("a",), arguments={"artifacts": [{"name": "m", "from": "{{tasks.a.outputs.artifacts.m}}"}]}
            ),
        ),
        launched(
            "a",
            ["sh", "-c", 'mkdir -p "$0" && echo weights > "$0/w"', "{{$.outputs.artifacts['m'].path}}"],
            {"outputArtifacts": {"m": store}},
            outputs={"artifacts": [{"name": "m", "path": "/tmp/outputs/m/data"}]},
        ),
        launched(
            "b",
            [
                "sh",
                "-c",
                'cat "$0/w"; echo "$1"',
                "{{$.inputs.artifacts['m'].path}}",
                "{{$.inputs.artifacts['m'].uri}}",
            ],
            {"inputArtifacts": {"m": load}},
            inputs={"artifacts": [{"name": "m", "path": "/tmp/inputs/m/data"}]},
        ),
    )
    ended = executed(made, tmp_path)
    uri = "minio://mlpipeline/v2/artifacts/pipeline/p/run-1/a/m"
    assert ended.log("b") == f"weights\n{uri}\n"
    assert (tmp_path / "artifacts" / "mlpipeline/v2/artifacts/pipeline/p/run-1/a/m/w").read_text() == "weights\n"


def launched(name: str, command: list[str], runtime: dict[str, Any], **template: Any) -> dict[str, Any]:
    made = shell(name, "", **template)
    made["container"]["command"] = [
        "/kfp-launcher/launch",
        "--runtime_info_json",
        "$(KFP_V2_RUNTIME_INFO)",
        "--task_name",
        name,
    ]
    made["container"]["command"] += [
        "--pipeline_name",
        "pipeline/p",
        "--run_id",
        "$(KFP_RUN_ID)",
        "--pipeline_root",
        "",
        "--",
        "--",
    ]
    made["container"]["args"] = command
    made["container"]["env"] = [
        {"name": "KFP_RUN_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['pipeline/runid']"}}},
        {"name": "KFP_V2_RUNTIME_INFO", "value": json.dumps(runtime)},
    ]
    return made


def test_a_closed_engine_leaves_runs_that_another_goes_on_with(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", after=("a",))),
        shell("a", "echo a >> $KFOPS_MODEL_STORE/ran"),
        shell("b", "echo b >> $KFOPS_MODEL_STORE/ran; test -e $KFOPS_MODEL_STORE/go || sleep 100"),
    )
    records = MemoryRecords()

    async def begin() -> None:
        async with engine_in(tmp_path, records) as runs:
            runs.submit(made)
            await runs.until(lambda: "b" in ran(tmp_path))

    async def go_on() -> Ended:
        (tmp_path / "models" / "go").touch()
        async with engine_in(tmp_path, records) as runs:
            return await runs.ended("run-1")

    asyncio.run(begin())
    assert records.unfinished() == ["run-1"]
    assert asyncio.run(go_on()).phase == "Succeeded"
    assert ran(tmp_path) == ["a", "b", "b"]


def ran(folder: Path) -> list[str]:
    path = folder / "models" / "ran"
    return path.read_text().split() if path.exists() else []


KILLED = """
import asyncio, json, sys
from pathlib import Path
from tests.fakes.engine import MemoryRecords, engine_in

class FileRecords(MemoryRecords):
    def save_status(self, run_id, status):
        super().save_status(run_id, status)
        path = folder / "status.json"
        path.with_suffix(".new").write_text(json.dumps(self.statuses))
        path.with_suffix(".new").replace(path)

async def main():
    async with engine_in(folder, records) as runs:
        if "run-1" not in records.workflows:
            runs.submit(json.loads((folder / "workflow.json").read_text()))
        while records.unfinished():
            await asyncio.sleep(0.02)

folder = Path(sys.argv[1])
records = FileRecords()
if (folder / "status.json").exists():
    records.statuses = json.loads((folder / "status.json").read_text())
    made = json.loads((folder / "workflow.json").read_text())
    records.workflows["run-1"] = {**made, "metadata": {"name": "wf"}}
asyncio.run(main())
"""


def test_a_killed_backend_goes_on_and_no_step_succeeds_twice(tmp_path: Path) -> None:
    step = "sleep 0.15; echo {{inputs.parameters.x}} >> $KFOPS_MODEL_STORE/ran"
    made = workflow(
        dag(
            "main",
            task("a", x="a{{item}}", withItems=list(range(6))),
            task("b", "a", after=("a",), x="b{{item}}", withItems=list(range(6))),
        ),
        shell("a", step, inputs=taking("x")),
    )
    (tmp_path / "workflow.json").write_text(json.dumps(made))
    (tmp_path / "models").mkdir()
    (tmp_path / "killed.py").write_text(KILLED)
    for enough in (2, 7, 10, None):
        backend = subprocess.Popen(
            [sys.executable, str(tmp_path / "killed.py"), str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        if enough is None:
            assert backend.wait(timeout=60) == 0
            break
        while len(ran(tmp_path)) < enough and backend.poll() is None:
            time.sleep(0.02)
        os.kill(backend.pid, signal.SIGKILL)
        backend.wait()
        deadline = time.monotonic() + 5
        while processes_of(f"{tmp_path}/runs/run-1/"):
            assert time.monotonic() < deadline, "steps outlive their backend"
            time.sleep(0.05)
    status = json.loads((tmp_path / "status.json").read_text())["run-1"]
    assert status["phase"] == "Succeeded"
    assert sorted(set(ran(tmp_path))) == sorted(f"{name}{n}" for name in "ab" for n in range(6))
    ends = [node for node in status["nodes"].values() if node["type"] == "Pod"]
    assert len(ends) == 12
    assert all(node["phase"] == "Succeeded" for node in ends)
    # Only what was running when the backend was killed, four steps at most, may have been run again.
    assert len(ran(tmp_path)) <= 12 + 3 * 4


def test_every_step_of_a_loop_runs_exactly_once(tmp_path: Path) -> None:
    step = shell("a", "echo {{inputs.parameters.x}} >> $KFOPS_MODEL_STORE/ran", inputs=taking("x"))
    ended = executed(workflow(dag("main", task("a", x="{{item}}", withItems=list(range(40)))), step), tmp_path)
    assert ended.phase == "Succeeded"
    assert sorted(map(int, ran(tmp_path))) == list(range(40))


def processes_of(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"KFOPS_STEP={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_a_recorded_step_is_not_run_again(tmp_path: Path) -> None:
    """The journal alone is enough: the saved status is older than the step's end."""
    made = workflow(
        dag("main", task("a"), task("b", after=("a",), x="{{tasks.a.outputs.parameters.x}}")),
        shell("a", "echo a >> $KFOPS_MODEL_STORE/ran; echo 9 > /tmp/o", outputs=giving("x")),
        shell(
            "b",
            "echo b{{inputs.parameters.x}} >> $KFOPS_MODEL_STORE/ran; test -e $KFOPS_MODEL_STORE/go || sleep 100",
            inputs=taking("x"),
        ),
    )
    records = MemoryRecords()

    async def begin() -> None:
        async with engine_in(tmp_path, records) as runs:
            runs.submit(made)
            await runs.until(lambda: "b9" in ran(tmp_path))

    async def go_on() -> Ended:
        async with engine_in(tmp_path, records) as runs:
            return await runs.ended("run-1")

    asyncio.run(begin())
    records.statuses.clear()
    (tmp_path / "models" / "go").touch()
    with (tmp_path / "runs" / "run-1" / "journal.jsonl").open("a") as journal:
        journal.write('{"half a li')
    assert asyncio.run(go_on()).phase == "Succeeded"
    assert ran(tmp_path) == ["a", "b9", "b9"]


def test_a_run_that_cannot_be_read_ends_as_an_error_and_harms_no_other(tmp_path: Path) -> None:
    records = MemoryRecords()
    records.workflows["broken"] = {"metadata": {"name": "x"}, "spec": None}

    async def run() -> Ended:
        async with engine_in(tmp_path, records) as runs:
            await runs.ended("broken")
            return await runs.run(workflow(dag("main", task("a")), shell("a", "true")))

    assert asyncio.run(run()).phase == "Succeeded"
    assert records.statuses["broken"]["phase"] == "Error"


COMPONENT = """
from kfp.v2.dsl import *

def train(model: Output[Model], metrics: Output[Metrics], rate: float):
    import os
    os.makedirs(model.path)
    with open(model.path + "/weights", "w") as file:
        file.write(str(rate))
    model.metadata["framework"] = "none"
    metrics.log_metric("accuracy", 0.5)
    print(model.path)
"""


@pytest.mark.parametrize("namespaces", [True, False])
def test_a_python_component_of_kfp_v2_runs_with_and_without_namespaces(tmp_path: Path, namespaces: bool) -> None:
    command = 'mkdir /tmp/c && printf "%s" "$0" > /tmp/c/component.py && '
    command += 'python3 -m kfp.components.executor_main --component_module_path /tmp/c/component.py "$@"'
    runtime = {
        "inputParameters": {"rate": {"type": "DOUBLE"}},
        "outputArtifacts": {
            "model": {"schemaTitle": "system.Model", "metadataPath": "/tmp/outputs/model/data"},
            "metrics": {"schemaTitle": "system.Metrics", "metadataPath": "/tmp/outputs/metrics/data"},
        },
    }
    arguments = ["sh", "-ec", command, COMPONENT, "--executor_input", "{{$}}", "--function_to_execute", "train"]
    outputs = {"artifacts": [{"name": "model", "path": "/tmp/outputs/model/data"}]}
    step = launched("a", arguments, runtime, outputs=outputs)
    step["container"]["command"][-1:] = ["rate=0.25", "--"]
    records = MemoryRecords()

    async def run() -> Ended:
        async with engine_in(tmp_path, records, executor=ProcessExecutor(namespaces=namespaces)) as runs:
            return await runs.run(workflow(dag("main", task("a")), step))

    ended = asyncio.run(run())
    assert ended.phase == "Succeeded", ended.log("a")
    stored = tmp_path / "artifacts" / "mlpipeline/v2/artifacts/pipeline/p/run-1/a/model"
    assert (stored / "weights").read_text() == "0.25"
    assert records.metrics[0][2] == [{"name": "accuracy", "numberValue": 0.5, "format": "RAW"}]
    assert any(line.startswith("/minio/mlpipeline") for line in ended.log("a").splitlines()) == namespaces
