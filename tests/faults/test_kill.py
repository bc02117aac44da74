"""kill -9 of the backend at any moment: every run that it accepted comes to its right end, and nothing is left over."""

from __future__ import annotations

import calendar
import contextlib
import functools
import json
import os
import signal
import sqlite3
import tempfile
import time
import urllib.error
import uuid
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest

from kfops.local import daemon
from kfops.local.spawning import spawn
from tests.effort import FINDINGS, SEED, chance, effort
from tests.fakes.engine import dag, shell, task, workflow

from .backends import (
    RUNS,
    ask,
    complaints,
    ended,
    gone,
    helpers,
    integrity,
    kill,
    processes,
    run_of,
    steps,
    submit,
    wait_for,
)
from .components import FILE, chain_of_components

KILLS = effort(3, 100)
AT_A_TIME = effort(12, 50)
LENGTH = 5
JOBS = "/apis/v1beta1/jobs"
TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
WIDTH = max(4, os.cpu_count() or 1)


def step(name: str, marker: str, script: str = "", **template: Any) -> Dict[str, Any]:
    """A step that tells its end in a file outside; its ``marker`` stands in its command line."""
    made = shell(name, f': {marker}; sleep 0.1; {script} echo "$0" >> "$KFOPS_MODEL_STORE/{marker}"', **template)
    made["container"]["args"] = ["{{inputs.parameters.x}}"]
    return {**made, "inputs": {"parameters": [{"name": "x"}]}}


def chain(marker: str) -> Dict[str, Any]:
    """Steps one after the other."""
    tasks = [task(f"s{n}", "s", after=(f"s{n - 1}",) if n else (), x=str(n)) for n in range(LENGTH)]
    return workflow(dag("main", *tasks), step("s", marker))


def loop(marker: str) -> Dict[str, Any]:
    """Steps beside each other and one after them all; each of the first fails once."""
    tasks = [task("s", x="{{item}}", withItems=["0", "1", "2", "3"]), task("last", after=("s",), x="4")]
    fails = '[ "{{retries}}" = 0 ] && exit 1;'
    return workflow(dag("main", *tasks), step("s", marker, fails, retryStrategy={"limit": 1}), step("last", marker))


def failing(marker: str) -> Dict[str, Any]:
    """A step that fails, and an exit handler."""
    tasks = [task("s0", "s", x="0"), task("bad", after=("s0",), x="1"), task("never", "s", after=("bad",), x="2")]
    bye = shell("bye", f': {marker}; echo 3 >> "$KFOPS_MODEL_STORE/{marker}"')
    return workflow(dag("main", *tasks), step("s", marker), step("bad", marker, "exit 3;"), bye, onExit="bye")


@functools.lru_cache(maxsize=None)
def compiled() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return chain_of_components(3, Path(folder))


def components(marker: str) -> Dict[str, Any]:
    """Components of kfp v2, which are forked from a process that has imported kfp."""
    return dict(json.loads(compiled().replace(FILE, marker)))


#: Of each kind of workflow its making, its end, and what its steps have told then.
KINDS = {
    "chain": (chain, "Succeeded", ["0", "1", "2", "3", "4"]),
    "loop": (loop, "Succeeded", ["0", "1", "2", "3", "4"]),
    "failing": (failing, "Failed", ["0", "3"]),
    "components": (components, "Succeeded", ["0", "1", "2"]),
}


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    daemon.stop(tmp_path / "data")


@pytest.mark.soak
@pytest.mark.slow
def test_accepted_runs_end_well_though_the_backend_is_killed_again_and_again(folder):
    moments = chance("kills")
    marker = f"kill-{uuid.uuid4().hex}"
    accepted: Dict[str, List[str]] = {}
    pids: Set[int] = set()
    began = time.monotonic()
    endpoint = daemon.ensure_running(folder)
    for killed in range(KILLS):
        while ask(endpoint, "GET", "/apis/kfops/status", timeout=30)["active_runs"] < AT_A_TIME:
            kind = moments.choice(list(KINDS))
            own = f"{marker}-{len(accepted)}-"
            executor = "warm" if kind == "components" else "process"
            accepted[submit(endpoint, KINDS[kind][0](own), executor)] = [kind, own]
        pids.add(endpoint.pid)
        time.sleep(moments.uniform(0, 1.2))
        kill(endpoint.pid)
        assert integrity(folder) == ["ok"]
        if killed % 4 == 3:  # and while it takes up again what the last one has left
            process = spawn(folder)
            pids.add(process.pid)
            time.sleep(moments.uniform(0, 1.0))
            process.kill()
            process.wait()
            assert integrity(folder) == ["ok"]
        endpoint = daemon.ensure_running(folder)
    repeated = 0
    for run_id, (kind, own) in accepted.items():
        _, phase, told = KINDS[kind]
        status = ended(endpoint, run_id, timeout=300)
        assert status["phase"] == phase, (kind, status)
        assert all(node["phase"] in ("Succeeded", "Failed") for node in steps(status).values())
        ran = (folder / "models" / own).read_text().split()
        assert sorted(set(ran)) == told, (kind, status)
        # A step that is being executed when the backend dies is executed again. One whose end something followed from
        # is not: what came after it never stands before it.
        assert kind == "loop" or ran == sorted(ran)
        assert kind != "loop" or ran.index("4") == len(ran) - ran.count("4")
        repeated += len(ran) - len(told)
    assert repeated <= KILLS * WIDTH * 2
    daemon.stop(folder)
    gone(marker)
    wait_for(lambda: not helpers(pids), "the end of what starts the steps", 10)
    assert integrity(folder) == ["ok"]
    assert complaints(folder) == []
    if SEED:
        FINDINGS.append(
            f"{KILLS + KILLS // 4} kills, {len(accepted)} runs, {AT_A_TIME} at a time; each ended as it should; "
            f"{repeated} steps that were being executed were executed again; {time.monotonic() - began:.0f} s"
        )


@pytest.mark.soak
def test_a_run_is_either_accepted_or_refused_never_half_there(folder):
    """Kill the backend while it accepts: what it answered is there, whole, and what it did not is whole or absent."""
    answered = []
    moments = chance("accepting")
    made = workflow(dag("main", task("s")), shell("s", "true"))
    for _ in range(effort(3, 20)):
        endpoint = daemon.ensure_running(folder)
        child = os.fork()
        if child == 0:
            time.sleep(moments.uniform(0.1, 0.4))
            os.kill(endpoint.pid, signal.SIGKILL)
            os._exit(0)
        with contextlib.suppress(urllib.error.URLError, OSError):
            while True:
                answered.append(submit(endpoint, made))
        os.waitpid(child, 0)
        kill(endpoint.pid)
        assert integrity(folder) == ["ok"]
    endpoint = daemon.ensure_running(folder)
    assert answered
    for run_id in answered:
        run = ask(endpoint, "GET", f"{RUNS}/{run_id}")
        assert json.loads(run["pipeline_runtime"]["workflow_manifest"])["metadata"]["uid"] == run_id
    with contextlib.closing(sqlite3.connect(folder / "kfops.db")) as connection:
        query = "SELECT count(*) FROM runs LEFT JOIN run_workflows ON run_id = id WHERE run_id IS NULL"
        assert connection.execute(query).fetchone() == (0,)


@pytest.mark.soak
def test_every_tick_of_a_recurring_run_has_one_run_though_the_backend_is_killed(folder):
    """Ticks that fall into the time without a backend are caught up; none is lost, none has two runs."""
    moments = chance("ticks")
    endpoint = daemon.ensure_running(folder)
    made = json.dumps(workflow(dag("main", task("s")), shell("s", "true")))
    job = {
        "name": "each second",
        "pipeline_spec": {"workflow_manifest": made},
        "max_concurrency": "10",
        "trigger": {"periodic_schedule": {"interval_second": "1"}},
        "enabled": True,
    }
    job_id = ask(endpoint, "POST", JOBS, job)["id"]
    for _ in range(effort(3, 20)):
        time.sleep(moments.uniform(0.2, 1.5))
        kill(endpoint.pid)
        endpoint = daemon.ensure_running(folder)
    wait_for(lambda: len(runs_of_job(endpoint, job_id)) > 3, "runs", 30)
    ask(endpoint, "POST", f"{JOBS}/{job_id}/disable", {})
    runs = runs_of_job(endpoint, job_id)
    scheduled = sorted(int(calendar.timegm(time.strptime(run["scheduled_at"], TIMESTAMP))) for run in runs)
    assert scheduled == list(range(scheduled[0], scheduled[0] + len(runs)))
    assert len({run["name"] for run in runs}) == len(runs)
    for run in runs:
        assert ended(endpoint, run["id"])["phase"] == "Succeeded"
    assert complaints(folder) == []


def runs_of_job(endpoint: daemon.Endpoint, job_id: str) -> List[Dict[str, Any]]:
    query = f"?page_size=200&resource_reference_key.type=JOB&resource_reference_key.id={job_id}"
    return list(ask(endpoint, "GET", RUNS + query).get("runs", []))


def test_a_terminated_run_stays_terminated_over_a_kill(folder):
    marker = f"kill-{uuid.uuid4().hex}"
    endpoint = daemon.ensure_running(folder)
    run_id = submit(endpoint, workflow(dag("main", task("s")), shell("s", f": {marker}; sleep 600")))
    wait_for(lambda: processes(marker), "the step's process")
    ask(endpoint, "POST", f"{RUNS}/{run_id}/terminate", {})
    kill(endpoint.pid)
    endpoint = daemon.ensure_running(folder)
    assert ended(endpoint, run_id, 30)["phase"] == "Failed"
    gone(marker)


def test_a_journal_that_was_cut_off_in_a_line_loses_that_line_alone(folder):
    """Power goes while a line is written: what stands before it is kept, and the step of that line is run again."""
    endpoint = daemon.ensure_running(folder)
    told = folder / "models" / "told"
    script = 'echo "$0" >> "$KFOPS_MODEL_STORE/told"; [ "$0" = 2 ] && sleep 600; true'
    made = shell("s", script, inputs={"parameters": [{"name": "x"}]})
    made["container"]["args"] = ["{{inputs.parameters.x}}"]
    tasks = [task(f"s{n}", "s", after=(f"s{n - 1}",) if n else (), x=str(n)) for n in range(3)]
    run_id = submit(endpoint, workflow(dag("main", *tasks), made))
    wait_for(lambda: told.exists() and told.read_text().split() == ["0", "1", "2"], "the third step")
    kill(endpoint.pid)
    for journal in (folder / "runs" / run_id).glob("journal*"):
        with journal.open("ab") as file:
            file.write(b'{"id": "half a li')
    endpoint = daemon.ensure_running(folder)
    wait_for(lambda: len(told.read_text().split()) > 3, "the third step again")
    assert told.read_text().split() == ["0", "1", "2", "2"]
    ask(endpoint, "POST", f"{RUNS}/{run_id}/terminate", {})
    phases = {name: node["phase"] for name, node in steps(ended(endpoint, run_id)).items()}
    assert phases == {"s0": "Succeeded", "s1": "Succeeded", "s2": "Failed"}
    assert run_of(endpoint, run_id)["message"] == "terminated"
