"""Steps that follow each other in the same namespaces do not notice each other.

The data folder is outside of ``/tmp``, which every step has for itself: else a step needs mounts of its own.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.fakes.engine import Ended, dag, engine_in, executed, shell, task, workflow


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def after(first: str, second: str) -> dict[str, Any]:
    """Return a workflow of two shell steps, the second of which has the first one's root.

    Between them there is one that has another root, while that of the first is emptied.
    """
    steps = [task("a"), task("pause", after=("a",)), task("b", after=("pause",))]
    return workflow(dag("main", *steps), shell("a", first), shell("pause", "sleep 0.1"), shell("b", second))


NAMESPACE = "readlink /proc/self/ns/pid"


def test_one_step_after_another_has_the_same_namespaces(data: Path) -> None:
    names = "abcdef"
    steps = [task(name, after=tuple(names[max(at - 1, 0) : at])) for at, name in enumerate(names)]
    ended = executed(workflow(dag("main", *steps), *(shell(name, NAMESPACE) for name in names)), data)
    seen = {ended.log(name).strip() for name in names}
    # Whatever the machine mounts meanwhile ends a namespace: a container that starts, for example.
    assert 1 <= len(seen) < len(names)
    assert not seen & {"", os.readlink("/proc/self/ns/pid")}


@pytest.mark.parametrize(
    "trace",
    [
        "echo x > /tmp/x",
        "mkdir -p /tmp/a/b; echo x > /tmp/a/b/c; chmod 0 /tmp/a/b",
        "echo x > here; mkdir there",
        "for number in $(seq 200); do echo x > /tmp/$number; done",
        "head -c 200000 /dev/zero > /tmp/much; mkdir -p /tmp/little/folder; ln -s /etc /tmp/little/etc",
        "echo x > /.kfops/x",
        "echo x > /x",
        "mkdir -p /x/y",
        "ln -s /etc /minio/etc",
        "rm -r /gcs; ln -s /etc /gcs",
        "chmod 700 /tmp; chmod 700 /",
        "echo x > /mnt/kfops-x",
        "umask 077; cd /tmp; sleep 3075 & sleep 3075 &",
        "(setsid sleep 3075 &)",
        "mount -t tmpfs none /mnt && echo x > /mnt/x; true",
        "umount -l /proc; true",
        "kill -9 -1; true",
    ],
)
def test_what_a_step_leaves_is_not_there_for_the_next_one(data: Path, trace: str) -> None:
    # Of the mounts only those where a step has its own: the machine mounts and unmounts others meanwhile.
    look = (
        "ls -A / /.kfops /tmp /minio /gcs /s3 /mnt .; stat -c %a / /tmp; umask;"
        r" grep -E '^[^ ]+ /((tmp|\.kfops|minio|gcs|s3|mnt|proc)(/[^ ]*)?)? ' /proc/mounts | sort;"
        " grep -l sleep /proc/[0-9]*/comm; true"
    )
    fresh = executed(after("true", look), data / "fresh").log("b")
    ended = executed(after(trace, look), data / "used")
    assert ended.phase in ("Succeeded", "Failed")
    if ended.phase == "Succeeded":
        roots = [path.name for path in (data / "fresh").glob("roots/*")] + ["fresh", "used"]
        assert fresh
        assert _without(ended.log("b"), roots) == _without(fresh, roots)
    assert not os.path.exists("/x")
    assert not os.path.exists("/mnt/kfops-x")
    assert os.listdir("/etc")


def _without(log: str, names: list[str]) -> list[str]:
    """Return the lines of a log but for those of mounts that name a data folder."""
    return [line for line in log.splitlines() if not any(f"/{name}" in line for name in names)]


def test_a_step_that_is_stopped_takes_its_namespaces_with_it_and_the_next_one_has_others(data: Path) -> None:
    slow = workflow(dag("main", task("a")), shell("a", f"{NAMESPACE}; trap '' TERM; sleep 60"))
    slow["spec"]["templates"][1]["activeDeadlineSeconds"] = 1
    quick = workflow(dag("main", task("a")), shell("a", NAMESPACE))

    async def run() -> tuple[Ended, Ended]:
        async with engine_in(data) as runs:
            return await runs.run(slow, "run-1"), await runs.run(quick, "run-2")

    stopped, ended = asyncio.run(run())
    assert (stopped.phase, ended.phase) == ("Failed", "Succeeded")
    assert stopped.log("a") != ended.log("a")


def test_an_init_that_is_killed_fails_its_step_alone(data: Path) -> None:
    mark = f"3076.{uuid.uuid4().int % 10**6}"
    slow = workflow(dag("main", task("a")), shell("a", f"exec sleep {mark}"))
    quick = workflow(dag("main", task("a")), shell("a", "true"))

    def init() -> int:
        """Return the process id of pid 1 of the step's namespace, 0 while there is no step."""
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"sleep\0{mark}" in (entry / "cmdline").read_text():
                    return _parent(int(entry.name))
            except OSError:
                continue
        return 0

    async def run() -> tuple[Ended, Ended]:
        async with engine_in(data) as runs:
            runs.submit(slow, "run-1")
            await runs.until(init)
            os.kill(init(), 9)
            return await runs.ended("run-1"), await runs.run(quick, "run-2")

    killed, ended = asyncio.run(run())
    assert killed.phase == "Failed"
    assert "SIGKILL" in killed.nodes["a"]["message"] or "exit code 137" in killed.nodes["a"]["message"]
    assert ended.phase == "Succeeded"


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_step_sees_what_has_come_to_the_hosts_top_level_meanwhile(data: Path) -> None:
    if os.geteuid() != 0:
        return  # nobody else can put anything there
    new = Path(f"/kfops-test-{uuid.uuid4().hex[:8]}")
    look = workflow(dag("main", task("a")), shell("a", f"cat {new}/file 2>&1; true"))

    async def run() -> Ended:
        async with engine_in(data) as runs:
            await runs.run(look, "run-1")
            new.mkdir()
            (new / "file").write_text("seen")
            return await runs.run(look, "run-2")

    try:
        assert asyncio.run(run()).log("a") == "seen"
    finally:
        (new / "file").unlink()
        new.rmdir()
