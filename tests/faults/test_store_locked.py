"""Another program holds the store, or many backends want it at once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import time
import urllib.error
from pathlib import Path
from typing import Iterator

import pytest

from kfops.local import daemon
from kfops.local.spawning import spawn
from tests.fakes.engine import dag, shell, task, workflow

from .backends import RUNS, ask, ended, integrity, run_of, steps, submit, wait_for


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    daemon.stop(tmp_path / "data")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep everybody else from writing to the store."""
    with contextlib.closing(sqlite3.connect(folder / "kfops.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_a_lock_of_seconds_is_waited_for(folder: Path) -> None:
    endpoint = daemon.ensure_running(folder)
    short = workflow(dag("main", task("s"), task("t", "s", after=("s",))), shell("s", "sleep 0.3"))
    run_id = submit(endpoint, short)
    with locked(folder):
        time.sleep(2)
    assert ended(endpoint, run_id)["phase"] == "Succeeded"


@pytest.mark.slow
def test_a_longer_lock_refuses_requests_by_name_and_loses_no_run(folder: Path) -> None:
    endpoint = daemon.ensure_running(folder)
    made = workflow(dag("main", task("s")), shell("s", "sleep 1; echo once >> $KFOPS_MODEL_STORE/ran"))
    run_id = submit(endpoint, made)
    wait_for(lambda: steps(run_of(endpoint, run_id)), "the step")
    with locked(folder):
        with pytest.raises(urllib.error.HTTPError) as refused:
            submit(endpoint, made)
        assert refused.value.code == 503
        assert "locked" in json.loads(refused.value.read())["message"]
        time.sleep(3)
    assert ended(endpoint, run_id)["phase"] == "Succeeded"
    assert (folder / "models" / "ran").read_text().split() == ["once"]
    assert len(ask(endpoint, "GET", RUNS)["runs"]) == 1


def test_of_many_backends_that_are_begun_at_once_on_one_folder_one_stays(folder: Path) -> None:
    daemon.ensure_running(folder)
    daemon.stop(folder)
    begun = [spawn(folder) for _ in range(3)]
    try:
        wait_for(lambda: sum(process.poll() is None for process in begun) == 1, "the others' end", 30)
        endpoint = daemon.ensure_running(folder)
        [staying] = [process for process in begun if process.poll() is None]
        assert endpoint.pid == staying.pid
        assert {process.returncode for process in begun} == {None, 1}
        made = workflow(dag("main", task("s")), shell("s", "true"))
        assert ended(endpoint, submit(endpoint, made))["phase"] == "Succeeded"
        assert integrity(folder) == ["ok"]
        assert (folder / "backend.log").read_text().count("Another embedded backend is running") == 2
    finally:
        for process in begun:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
