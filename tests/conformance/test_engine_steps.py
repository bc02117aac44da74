"""A step is a real process of its own: what it sees, how it ends, what is left of it."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from kfops.local.executors.base import Job
from kfops.local.executors.process import ProcessExecutor
from tests.fakes.engine import Ended, MemoryRecords, dag, engine_in, executed, shell, task, workflow


def one(script: str, **template: Any) -> dict[str, Any]:
    return workflow(dag("main", task("a")), shell("a", script, **template))


def output(path: str, **value_from: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "o", "valueFrom": {"path": path, **value_from}}]}


def long_sleep() -> str:
    """Return a command that no other process on the machine has."""
    return f"sleep 3071.{uuid.uuid4().int % 10**9}"


def alive(mark: str) -> list[str]:
    """Return the command lines of the processes that carry a mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if mark in line and int(entry.name) != os.getpid():
                found.append(line)
    return found


def test_every_step_finds_its_own_empty_tmp(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", "a", after=("a",))),
        shell("a", "ls /tmp && mkdir /tmp/models && echo made > /tmp/models/file"),
    )
    ended = executed(made, tmp_path)
    assert ended.phase == "Succeeded", ended.log("a") + ended.log("b")
    assert "models" not in ended.log("b")
    assert not os.path.exists("/tmp/models/file")


def test_a_second_run_finds_an_empty_tmp_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert executed(one("mkdir /tmp/models"), tmp_path).phase == "Succeeded"


def test_steps_at_the_same_time_do_not_see_each_other(tmp_path: Path) -> None:
    script = "echo {{inputs.parameters.x}} > /tmp/mine; sleep 0.3; cat /tmp/mine > /tmp/out"
    inputs = {"parameters": [{"name": "x"}]}
    made = workflow(
        dag("main", task("a", x="{{item}}", withItems=["p", "q", "r"])),
        shell("a", script, inputs=inputs, outputs=output("/tmp/out")),
    )
    ended = executed(made, tmp_path)
    assert [ended.output(f"a({n}:{x})", "o") for n, x in enumerate("pqr")] == ["p", "q", "r"]


def test_a_step_works_in_an_empty_folder_of_its_own(tmp_path: Path) -> None:
    ended = executed(one("ls -A; touch here; pwd"), tmp_path)
    assert ended.log("a").startswith("/")
    assert not list(tmp_path.rglob("here"))


def test_outputs_at_unusual_places_are_found_and_do_not_touch_the_machine(tmp_path: Path) -> None:
    place = "/opt/kfops-test-out/data" if os.geteuid() == 0 else "/kfops-test-out/data"
    ended = executed(one(f"mkdir -p $(dirname {place}); echo 7 > {place}", outputs=output(place)), tmp_path)
    assert ended.output("a", "o") == "7"
    assert not os.path.exists(place)


def test_the_interpreter_of_the_pipeline_environment_comes_first(tmp_path: Path) -> None:
    ended = executed(one("python3 -c 'import sys; print(sys.prefix)'; command -v python"), tmp_path)
    assert ended.log("a").splitlines()[0] == sys.prefix


def test_no_token_reaches_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/secret/token")
    monkeypatch.setenv("JUPYTER_TOKEN", "secret")
    log = executed(one("env"), tmp_path).log("a")
    assert "KFOPS_LOCAL=1" in log
    assert f"KFOPS_MODEL_STORE={tmp_path / 'models'}" in log
    assert "ecret" not in log


def test_the_model_store_outlives_the_step(tmp_path: Path) -> None:
    assert executed(one("echo m > $KFOPS_MODEL_STORE/model"), tmp_path).phase == "Succeeded"
    assert (tmp_path / "models" / "model").read_text() == "m\n"


def test_the_environment_of_the_template_wins(tmp_path: Path) -> None:
    made = one("echo $KFOPS_MODEL_STORE $(A)")
    made["spec"]["templates"][1]["container"]["env"] = [
        {"name": "KFOPS_MODEL_STORE", "value": "s3://bucket"},
        {"name": "A", "value": "1"},
    ]
    assert executed(made, tmp_path).log("a") == "s3://bucket 1\n"


@pytest.mark.parametrize(
    ("script", "phase", "message"),
    [
        ("exit 1", "Failed", "Error (exit code 1)"),
        ("exit 42", "Failed", "Error (exit code 42)"),
        ("kill -9 $$$$", "Failed", "Error (exit code 137): killed by signal SIGKILL"),
        ("kill -SEGV $$$$", "Failed", "Error (exit code 139): killed by signal SIGSEGV"),
        ("exec /no/such/program", "Failed", "Error (exit code 127)"),
    ],
)
def test_the_message_says_how_a_step_ended(tmp_path: Path, script: str, phase: str, message: str) -> None:
    ended = executed(one(script), tmp_path)
    assert (ended.phase, ended.nodes["a"]["phase"], ended.nodes["a"]["message"]) == ("Failed", phase, message)


def test_the_exit_code_is_an_output(tmp_path: Path) -> None:
    assert executed(one("exit 3"), tmp_path).nodes["a"]["outputs"]["exitCode"] == "3"


def test_what_a_failed_step_had_written_is_kept_when_all_of_it_is_there(tmp_path: Path) -> None:
    outputs = {
        "parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o"}}],
        "artifacts": [{"name": "report", "path": "/tmp/report"}],
    }
    whole = shell("whole", "echo 1 > /tmp/o; echo bad > /tmp/report; exit 3", outputs=outputs)
    part = shell("part", "echo 1 > /tmp/o; exit 3", outputs=outputs)
    done = executed(workflow(dag("main", task("whole"), task("part")), whole, part), tmp_path)
    assert {name: node["phase"] for name, node in done.nodes.items()} == dict.fromkeys(["", "whole", "part"], "Failed")
    assert done.output("whole", "o") == "1"
    assert [artifact["name"] for artifact in done.nodes["whole"]["outputs"]["artifacts"]] == ["report"]
    assert done.nodes["part"]["outputs"] == {"exitCode": "3"}


def test_the_metrics_of_a_failed_step_are_reported(tmp_path: Path) -> None:
    script = """echo '{"metrics": [{"name": "loss", "numberValue": 9}]}' > /tmp/m; exit 1"""
    outputs = {"artifacts": [{"name": "mlpipeline-metrics", "path": "/tmp/m"}]}
    records = MemoryRecords()
    executed(workflow(dag("main", task("s")), shell("s", script, outputs=outputs)), tmp_path, records=records)
    assert [[metric["name"] for metric in found] for _, _, found in records.metrics] == [["loss"]]


def test_a_command_that_does_not_exist_is_named_in_the_log(tmp_path: Path) -> None:
    made = one("")
    made["spec"]["templates"][1]["container"]["command"] = ["no-such-program"]
    ended = executed(made, tmp_path)
    assert ended.nodes["a"]["message"] == "Error (exit code 127)"
    assert "no-such-program: command not found" in ended.log("a")


def test_a_step_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    sleep = long_sleep()
    ended = executed(one(sleep, activeDeadlineSeconds=1), tmp_path)
    assert ended.nodes["a"]["phase"] == "Failed"
    assert ended.nodes["a"]["message"] == "Pod was active on the node longer than the specified deadline"
    assert alive(sleep) == []


def test_a_missing_output_is_an_error_unless_it_has_a_default(tmp_path: Path) -> None:
    missing = executed(one("true", outputs=output("/tmp/none")), tmp_path / "1")
    assert missing.nodes["a"]["phase"] == "Error"
    assert "/tmp/none" in missing.nodes["a"]["message"]
    assert executed(one("true", outputs=output("/tmp/none", default="d")), tmp_path / "2").output("a", "o") == "d"


def test_one_newline_at_the_end_of_an_output_is_dropped(tmp_path: Path) -> None:
    assert executed(one("printf 'a\\n\\n' > /tmp/o", outputs=output("/tmp/o")), tmp_path).output("a", "o") == "a\n"


def test_the_log_is_written_while_the_step_runs(tmp_path: Path) -> None:
    async def watch() -> tuple[str, Ended]:
        async with engine_in(tmp_path) as runs:
            run = runs.submit(
                one("echo early; while [ ! -e $KFOPS_MODEL_STORE/go ]; do sleep 0.05; done; echo late >&2")
            )
            logs = tmp_path / "runs" / run
            await runs.until(lambda: any("early" in log.read_text() for log in logs.glob("*/main.log")))
            seen = next(logs.glob("*/main.log")).read_text()
            (tmp_path / "models" / "go").touch()
            return seen, await runs.ended(run)

    seen, ended = asyncio.run(watch())
    assert seen == "early\n"
    assert ended.log("a") == "early\nlate\n"


def test_nothing_of_a_step_outlives_it(tmp_path: Path) -> None:
    sleep = long_sleep()
    script = f"setsid {sleep} & (setsid sh -c '{sleep} & {sleep}' &) ; sleep 0.3; echo done"
    ended = executed(one(script), tmp_path)
    assert ended.phase == "Succeeded"
    assert alive(sleep) == []


def test_a_step_that_ignores_sigterm_is_killed_all_the_same(tmp_path: Path) -> None:
    sleep = long_sleep()

    async def stop() -> Ended:
        async with engine_in(tmp_path) as runs:
            run = runs.submit(one(f"trap '' TERM; echo ready; while true; do {sleep}; done"))
            await runs.until(lambda: any("ready" in p.read_text() for p in tmp_path.glob("runs/*/*/main.log")))
            runs.engine.terminate(run)
            return await runs.ended(run)

    ended = asyncio.run(stop())
    assert (ended.phase, ended.nodes["a"]["message"]) == ("Failed", "terminated")
    assert alive(sleep) == []


def test_a_step_can_end_in_its_own_way_when_it_is_stopped(tmp_path: Path) -> None:
    async def stop() -> Ended:
        async with engine_in(tmp_path) as runs:
            run = runs.submit(one("trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.05; done"))
            await runs.until(lambda: any("ready" in p.read_text() for p in tmp_path.glob("runs/*/*/main.log")))
            runs.engine.terminate(run)
            return await runs.ended(run)

    assert "bye" in asyncio.run(stop()).log("a")


def test_a_step_may_delete_its_working_folder_and_its_files(tmp_path: Path) -> None:
    assert executed(one("touch /tmp/mine; rmdir $PWD; rm /tmp/mine"), tmp_path).phase == "Succeeded"


def test_the_folders_of_ended_steps_are_removed_and_their_logs_kept(tmp_path: Path) -> None:
    executed(one("echo hello; dd if=/dev/zero of=/tmp/big bs=1k count=10"), tmp_path)
    left = sorted(path.name for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert left == ["main.log"]


def test_the_run_says_that_images_are_not_used(tmp_path: Path) -> None:
    [condition] = executed(one("true"), tmp_path).status["conditions"]
    assert condition["message"].startswith("Images are not used")


def test_without_namespaces_declared_paths_and_tmp_are_private_all_the_same(tmp_path: Path) -> None:
    made = workflow(
        dag("main", task("a"), task("b", "a", after=("a",))),
        shell("a", "mkdir /tmp/models && echo 7 > /tmp/out && cd /tmp && pwd", outputs=output("/tmp/out")),
    )
    ended = executed(made, tmp_path, executor=ProcessExecutor(namespaces=False))
    assert ended.phase == "Succeeded", ended.log("a") + ended.log("b")
    assert ended.output("b", "o") == "7"
    assert str(tmp_path) in ended.log("a")
    assert "They share the file system" in ended.status["conditions"][0]["message"]


def test_without_namespaces_nothing_of_a_step_outlives_it_either(tmp_path: Path) -> None:
    sleep = long_sleep()
    script = f"setsid {sleep} & (setsid sh -c '{sleep} & {sleep}' &) ; sleep 0.3; exit 4"
    ended = executed(one(script), tmp_path, executor=ProcessExecutor(namespaces=False))
    assert ended.nodes["a"]["message"] == "Error (exit code 4)"
    assert alive(sleep) == []


def test_a_step_cannot_change_the_interpreter_that_lies_below_tmp(tmp_path: Path) -> None:
    """A stand-in for the interpreter's folder, so that a failure of this test costs nothing."""
    interpreter = tmp_path / "stand-in"
    interpreter.mkdir()
    (interpreter / "file").write_text("kept")
    root, folder = tmp_path / "root", tmp_path / "step"
    root.mkdir()
    folder.mkdir()
    job = Job(
        id="run/node",
        argv=["sh", "-c", f"cat {interpreter}/file; rm {interpreter}/file; touch {interpreter}/new"],
        env={"PATH": os.environ["PATH"]},
        root=str(root),
        folder=str(folder),
        cwd="/tmp",
        private=["/tmp"],
        visible=[str(interpreter)],
    )

    async def run() -> bool:
        executor = ProcessExecutor()
        await executor.start()
        try:
            assert not (await executor.run(job)).succeeded
        finally:
            await executor.close()
        return executor.isolated

    assert asyncio.run(run())
    assert [path.name for path in interpreter.iterdir()] == ["file"]
    assert (folder / "main.log").read_text().startswith("kept")
