"""The executor warm: kfp v2 components come from a process that has imported kfp, with the results they always have."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest

from kfops.local.execution.environment import inherited
from kfops.local.executors.base import Job
from kfops.local.executors.process import ProcessExecutor
from kfops.local.executors.warm import WarmExecutor
from kfops.local.executors.warm_command import component_source
from kfops.local.executors.warm_component import looked_at
from tests.fakes import v2_components
from tests.fakes.engine import Ended, Runs, engine_in, executed

#: Unlike /tmp, which every step has for itself.
SEEN_BY_STEPS = "/var/tmp"
PROGRAM = (
    'program_path=$(mktemp -d)\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    "python3 -m kfp.components.executor_main                         --component_module_path"
    '                         "$program_path/ephemeral_component.py"                         "$@"\n'
)
NAMES = v2_components.NAMES


def warm(**options: Any) -> WarmExecutor:
    return WarmExecutor(environment=inherited(os.environ), **options)


def nodes(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [template for template in workflow["spec"]["templates"] if "container" in template]


def uncached(workflow: dict[str, Any]) -> dict[str, Any]:
    for template in nodes(workflow):
        template["metadata"]["labels"].pop("pipelines.kubeflow.org/enable_caching")
    return workflow


def of(pipeline: Callable[[], None], folder: Path) -> dict[str, Any]:
    return uncached(v2_components.compiled(pipeline, folder))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """The same components by either executor, each going on although others fail."""
    workflow = of(v2_components.everything, tmp_path_factory.mktemp("compiled"))
    for template in workflow["spec"]["templates"]:
        if "dag" in template:
            template["dag"]["failFast"] = False
    executors = {"process": ProcessExecutor(), "warm": warm()}
    return {
        name: executed(workflow, tmp_path_factory.mktemp(name), executor=executor)
        for name, executor in executors.items()
    }


def shown(ended: Ended, name: str) -> dict[str, Any]:
    """Return all that is seen of a component's end, without what differs from run to run."""
    node = ended.nodes[name]
    text = json.dumps(
        {
            "phase": node["phase"],
            "message": node.get("message"),
            "outputs": node.get("outputs"),
            "log": ended.log(name).splitlines(),
        },
        indent=1,
    )
    text = text.replace(str(ended.folder.parents[1]), "<folder>")
    text = re.sub(r"/tmp/tmp\.\w+", "/tmp/<made>", text)
    text = re.sub(r"\btmp\.\w{10}\b", "<made>", text)
    return json.loads(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name.replace("_", "-") for name in NAMES])
def test_a_component_has_the_result_that_it_has_as_a_command(name: str, both: dict[str, Ended]) -> None:
    assert shown(both["warm"], name) == shown(both["process"], name)


def component_of(workflow: dict[str, Any]) -> dict[str, Any]:
    """Return the container of a workflow's only component."""
    [template] = nodes(workflow)
    return dict(template["container"])


def test_the_components_of_a_run_are_forked_from_one_process(tmp_path: Path) -> None:
    def pipeline() -> None:
        for _ in range(3):
            v2_components.tells_its_parent()

    ended = executed(of(pipeline, tmp_path), tmp_path / "data", executor=warm())
    told = [json.loads(ended.log(name).splitlines()[-1]) for name in ended.nodes if name]
    assert len(told) == 3
    assert {facts["parent"] for facts in told} == {0}, "the parent is outside of the step's namespace"
    assert len({facts["hash"] for facts in told}) == 1
    assert len({facts["random"] for facts in told}) == 3


def test_a_step_that_needs_another_interpreter_gets_one(tmp_path: Path) -> None:
    workflow = of(v2_components.tells_its_parent, tmp_path)
    component_of(workflow)["env"].append({"name": "PYTHONHASHSEED", "value": "7"})
    ended = executed(workflow, tmp_path / "data", executor=warm())
    told = json.loads(ended.log("tells-its-parent").splitlines()[-1])
    assert told["parent"] != 0
    assert told["hash_seed"] == "7"
    assert told["descriptors"] == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda words: [*words[:-1], words[-1] + "\n"],
        lambda words: words[:2],
        lambda words: ["sh", "-c", "echo"],
        lambda words: [word.replace("python3", "python3.11") for word in words],
        lambda words: ["sh", "-c", '"$0" "$@"; true', *words],
    ],
)
def test_only_the_very_command_of_a_component_is_one(change: Callable[[list[str]], list[str]]) -> None:
    job = Job(id="r/n", argv=[], env={"PATH": os.path.dirname(sys.executable)}, root="/", folder="/", cwd="/")
    words = ["sh", "-ec", PROGRAM]
    source = "def f(): pass"
    assert component_source(replace(job, argv=[*words, source, "--x"]), sys.executable) == 3
    assert component_source(replace(job, argv=["sh", "-c", '"$0" "$@"', *words, source]), sys.executable) == 6
    assert component_source(replace(job, argv=[*words, source], env={"PATH": "/nowhere"}), sys.executable) is None
    assert component_source(replace(job, argv=change(words)), sys.executable) is None
    assert component_source(replace(job, argv=[*change(words), source]), sys.executable) is None


async def running(runs: Runs, workflow: dict[str, Any], run_id: str = "run-1") -> None:
    """Submit a run and wait until its only component says that it has begun."""
    name = next(template["name"] for template in nodes(workflow))
    runs.submit(workflow, run_id)
    await runs.until(lambda: run_id in runs.records.statuses and "begun" in runs.log(run_id, name), timeout=60)


def test_a_component_is_stopped_and_may_say_goodbye(tmp_path: Path) -> None:
    async def run() -> Ended:
        async with engine_in(tmp_path / "data", executor=warm()) as runs:
            await running(runs, of(v2_components.waits_for_the_end, tmp_path))
            runs.engine.terminate("run-1")
            return await runs.ended("run-1")

    ended = asyncio.run(run())
    assert (ended.phase, ended.status["message"]) == ("Failed", "terminated")
    assert "goodbye" in ended.log("waits-for-the-end")
    assert is_gone("waiting for the end")


def test_when_the_warm_process_is_killed_its_steps_end_and_later_ones_run(tmp_path: Path) -> None:
    async def run() -> tuple[Ended, Ended]:
        async with engine_in(tmp_path / "data", executor=warm()) as runs:
            await running(runs, of(v2_components.waits_for_the_end, tmp_path))
            for pid in servers():
                os.kill(pid, signal.SIGKILL)
            first = await runs.ended("run-1")
            return first, await runs.run(of(v2_components.tells_its_parent, tmp_path), "run-2")

    first, second = asyncio.run(run())
    assert first.phase == "Error"
    assert is_gone("waiting for the end")
    assert second.phase == "Succeeded"


def test_an_idle_warm_process_goes_and_comes_again(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with engine_in(tmp_path / "data", executor=warm(idle=0.1)) as runs:
            phases = []
            for number in range(2):
                run_id = f"run-{number}"
                assert servers() == []
                phases.append((await runs.run(of(v2_components.tells_its_parent, tmp_path), run_id)).phase)
                await runs.until(lambda: not servers(), timeout=60)
            return phases

    assert asyncio.run(run()) == ["Succeeded", "Succeeded"]


def test_what_is_installed_meanwhile_is_found(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    packages = Path(tempfile.mkdtemp(dir=SEEN_BY_STEPS))
    request.addfinalizer(lambda: shutil.rmtree(packages))

    async def run() -> list[str]:
        executor = WarmExecutor(environment={**inherited(os.environ), "PYTHONPATH": str(packages)})
        async with engine_in(tmp_path / "data", executor=executor) as runs:
            phases = []
            for number in range(2):
                workflow = of(v2_components.imports_a_package, tmp_path)
                component_of(workflow)["env"].append({"name": "PYTHONPATH", "value": str(packages)})
                phases.append((await runs.run(workflow, f"run-{number}")).phase)
                (packages / "installed_meanwhile.py").write_text("")
                os.utime(packages, (1, 1))
            return phases

    assert asyncio.run(run()) == ["Failed", "Succeeded"]


def servers() -> list[int]:
    """Return the ids of this process's warm processes."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and b"warm_server.py" in (entry / "cmdline").read_bytes():
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                found += [int(entry.name)] if int(parent) == os.getpid() else []
    return found


def alive(mark: str) -> list[str]:
    """Return the ids of the processes that carry a mark, but for those that have ended and wait to be told of."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark[:15] == (entry / "comm").read_text().strip():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [] if state == "Z" else [entry.name]
    return found


def is_gone(mark: str) -> bool:
    """Tell whether no process carries a mark; those that were killed may take the kernel a moment."""
    deadline = time.monotonic() + 10
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(mark)


def test_the_variables_at_which_the_imports_look_are_known(tmp_path: Path) -> None:
    program = (
        "import os, _collections_abc\n"
        "seen = set()\n"
        "kind, get = type(os.environ), type(os.environ).__getitem__\n"
        "kind.__getitem__ = lambda self, name: (seen.add(name), get(self, name))[1]\n"
        "kind.__contains__ = lambda self, name: (seen.add(name), name in list(self))[1]\n"
        "import kfp.v2.dsl\n"
        "print('\\n'.join(sorted(seen)))\n"
    )
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = asked.stdout.split()
    assert "HOME" in names
    assert [name for name in names if not looked_at(name)] == []
