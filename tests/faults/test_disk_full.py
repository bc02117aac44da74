"""No space left: a step fails by its own error, a run waits or fails with that reason, nothing is half stored."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from kfops.errors import LocalBackendError
from kfops.local import daemon
from tests.fakes.engine import dag, shell, task, workflow

from .backends import ENDED, RUNS, ask, ended, integrity, log_of, run_of, steps, submit, wait_for

pytestmark = pytest.mark.needs("root")
SIZE = 48


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for the data folder, so small that it can be filled."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        daemon.stop(path / "data")
        deadline = time.monotonic() + 10
        while subprocess.run(["umount", str(path)], check=False, capture_output=True).returncode:
            assert time.monotonic() < deadline, "the disk is still in use"
            time.sleep(0.1)


def fill(disk: Path) -> Path:
    """Leave no byte free."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


def one(script: str) -> Dict[str, Any]:
    return workflow(dag("main", task("s"), task("t", after=("s",))), shell("s", script), shell("t", "true"))


def test_a_step_that_fills_the_disk_fails_by_its_own_error_and_leaves_room_for_the_next(disk: Path) -> None:
    endpoint = daemon.ensure_running(disk / "data")
    run_id = submit(endpoint, one("echo begins; dd if=/dev/zero of=/tmp/big bs=1M count=500"))
    status = ended(endpoint, run_id)
    assert status["phase"] == "Failed"
    assert steps(status)["s"]["message"].startswith("Error (exit code 1)")
    assert "begins" in log_of(disk / "data", run_id, steps(status)["s"])
    wait_for(lambda: os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize > SIZE << 19, "the step's files to be gone")
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"
    assert integrity(disk / "data") == ["ok"]


def test_a_run_whose_steps_end_while_the_disk_is_full_comes_to_its_end_when_there_is_room(disk: Path) -> None:
    """It is waited for: what has ended is recorded later, and is not executed again."""
    endpoint = daemon.ensure_running(disk / "data")
    models = disk / "data" / "models"
    models.mkdir(exist_ok=True)
    for name in ("stay", "ran"):
        (models / name).touch()
    script = 'while [ -e "$KFOPS_MODEL_STORE/stay" ]; do sleep 0.05; done; chmod a+x "$KFOPS_MODEL_STORE/ran"'
    run_id = submit(endpoint, one(f'[ -x "$KFOPS_MODEL_STORE/ran" ] && exit 9; {script}'))
    wait_for(lambda: run_of(endpoint, run_id)["phase"] == "Running" and steps(run_of(endpoint, run_id)), "the step")
    ballast = fill(disk)
    (models / "stay").unlink()
    time.sleep(1.5)
    assert run_of(endpoint, run_id)["phase"] == "Running"
    ballast.unlink()
    assert ended(endpoint, run_id)["phase"] == "Succeeded"
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"
    assert integrity(disk / "data") == ["ok"]


def test_a_run_that_cannot_be_stored_is_refused_and_is_not_there(disk: Path) -> None:
    endpoint = daemon.ensure_running(disk / "data")
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"
    time.sleep(1)
    ballast = fill(disk)
    accepted = []
    refusal = ""
    for _ in range(200):
        try:
            accepted.append(submit(endpoint, one("true: " + "x" * 20000)))
        except urllib.error.HTTPError as error:
            refusal = error.read().decode()
            break
    assert "space" in refusal or "full" in refusal, refusal
    ballast.unlink()
    found = ask(endpoint, "GET", f"{RUNS}?page_size=200").get("runs", [])
    assert len(found) == len(accepted) + 1
    for run_id in accepted:
        assert ended(endpoint, run_id)["phase"] in ENDED
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"
    assert integrity(disk / "data") == ["ok"]


def test_a_folder_that_cannot_be_written_to_is_named_and_not_waited_for(disk: Path) -> None:
    (disk / "data").mkdir(mode=0o700)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        with pytest.raises(LocalBackendError, match=r"(?s)data.*[Rr]ead-only"):
            daemon.ensure_running(disk / "data")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
