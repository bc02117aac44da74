"""Steps that do what no step should: each has an end that is known beforehand, and harms nothing but itself."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import time
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from kfops.local import daemon
from tests.effort import effort
from tests.fakes.engine import dag, shell, task, workflow

from .backends import RUNS, ask, ended, gone, log_of, processes, run_of, steps, submit, wait_for

LOG_SIZE = effort(100, 1024) * 1024 * 1024

DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        os.closerange(0, 64)
        time.sleep(600)
    os._exit(0)
time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuple[daemon.Endpoint, Path]]:
    folder = tmp_path_factory.mktemp("steps") / "data"
    yield daemon.ensure_running(folder), folder
    daemon.stop(folder)


def one(script: str, **template: Any) -> Dict[str, Any]:
    return workflow(dag("main", task("s")), shell("s", script, **template))


def lives(endpoint: daemon.Endpoint) -> bool:
    """Tell whether the backend answers, and is the same process as before."""
    facts = json.loads((endpoint.data_dir / "connection.json").read_text())
    return "multi_user" in ask(endpoint, "GET", "/apis/v1beta1/healthz") and facts["pid"] == endpoint.pid


def memory(pid: int, what: str = "VmHWM") -> int:
    """Return a figure of a process's memory, in bytes; VmHWM is the most that it ever had."""
    found = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found.group(1)) * 1024


def test_a_daemon_that_a_step_leaves_behind_ends_with_the_step(backend):
    endpoint, _ = backend
    marker = f"step-{uuid.uuid4().hex}"
    made = one("")
    made["spec"]["templates"][1]["container"]["command"] = ["python", "-c", DAEMON, marker]
    assert ended(endpoint, submit(endpoint, made))["phase"] == "Succeeded"
    gone(marker)


def test_a_daemon_that_ignores_every_signal_ends_when_its_run_is_stopped(backend):
    endpoint, _ = backend
    marker = f"step-{uuid.uuid4().hex}"
    made = one("")
    made["spec"]["templates"][1]["container"]["command"] = ["python", "-c", DAEMON + "time.sleep(600)", marker]
    run_id = submit(endpoint, made)
    wait_for(lambda: len(processes(marker)) >= 2, "the daemon")
    ask(endpoint, "POST", f"{RUNS}/{run_id}/terminate", {})
    status = ended(endpoint, run_id)
    assert (status["phase"], status["message"]) == ("Failed", "terminated")
    gone(marker)


def test_a_step_that_forks_without_end_is_stopped_whole(backend):
    endpoint, _ = backend
    marker = f"step-{uuid.uuid4().hex}"
    run_id = submit(endpoint, one(f": {marker}; for i in $(seq 200); do (sleep 600; : {marker}) & done; wait"))
    wait_for(lambda: len(processes(marker)) > 150, "many processes")
    ask(endpoint, "POST", f"{RUNS}/{run_id}/terminate", {})
    assert ended(endpoint, run_id)["phase"] == "Failed"
    gone(marker)


def test_a_step_may_close_its_output(backend):
    endpoint, _ = backend
    status = ended(endpoint, submit(endpoint, one("echo before; exec >&- 2>&-; sleep 0.2; exit 0")))
    assert status["phase"] == "Succeeded"


def test_a_step_may_delete_everything_that_it_can_write_to(backend):
    """Its own files are gone with it; its outputs are missing, which is its error and nobody else's."""
    endpoint, _ = backend
    outputs = {"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/outputs/o/data"}}]}
    status = ended(
        endpoint, submit(endpoint, one('rm -rf "$PWD" /tmp/* /tmp/.[!.]* 2>/dev/null; exit 0', outputs=outputs))
    )
    assert status["phase"] == "Error"
    assert "output parameter o was not written" in steps(status)["s"]["message"]
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"


@pytest.mark.soak
def test_a_log_of_any_size_is_kept_whole_and_costs_the_backend_no_memory(backend):
    endpoint, folder = backend
    line = "x" * 1023
    status = ended(endpoint, submit(endpoint, one("true")))
    before = memory(endpoint.pid)
    run_id = submit(endpoint, one(f"yes {line} | head -c {LOG_SIZE}"))
    status = ended(endpoint, run_id, timeout=300)
    node = steps(status)["s"]
    assert status["phase"] == "Succeeded"
    assert (folder / "runs" / run_id / node["id"] / "main.log").stat().st_size == LOG_SIZE
    host, port = endpoint.url.rpartition("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request(
        "GET",
        f"/apis/v1alpha1/runs/{run_id}/nodes/{node['id']}/log",
        headers={"Authorization": f"Bearer {endpoint.token_path.read_text()}"},
    )
    answer, size = connection.getresponse(), 0
    while True:
        chunk = answer.read(1 << 20)
        if not chunk:
            break
        size += len(chunk)
    connection.close()
    assert size == LOG_SIZE
    assert memory(endpoint.pid) - before < 32 * 1024 * 1024


def test_a_step_that_writes_one_endless_line_can_be_watched_and_stopped(backend):
    endpoint, folder = backend
    run_id = submit(endpoint, one("while true; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"))

    def written() -> bool:
        return any(log.stat().st_size > 1 << 16 for log in (folder / "runs" / run_id).glob("*/main.log"))

    wait_for(written, "output")
    began = time.monotonic()
    assert run_of(endpoint, run_id)["phase"] in ("Running", "")
    ask(endpoint, "POST", f"{RUNS}/{run_id}/terminate", {})
    assert ended(endpoint, run_id)["phase"] == "Failed"
    assert time.monotonic() - began < 30
    assert "x" in log_of(folder, run_id, next(iter(steps(run_of(endpoint, run_id)).values())))[:10]


@pytest.mark.parametrize("script", ["kill -9 $$", "kill -SEGV $$", "kill -9 $PPID; exit 3"])
def test_a_step_that_kills_can_kill_only_itself(backend, script):
    endpoint, _ = backend
    status = ended(endpoint, submit(endpoint, one(script)))
    assert status["phase"] == "Failed", status
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"
    assert lives(endpoint)


def test_secrets_of_the_backends_environment_are_not_in_a_steps(backend):
    endpoint, folder = backend
    run_id = submit(endpoint, one("env; cat /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'; true"))
    text = log_of(folder, run_id, steps(ended(endpoint, run_id))["s"])
    assert endpoint.token_path.read_text() not in text


def test_when_what_starts_the_steps_is_killed_they_fail_with_that_reason_and_the_next_are_started(backend):
    endpoint, _ = backend
    marker = f"step-{uuid.uuid4().hex}"
    run_id = submit(endpoint, one(f": {marker}; sleep 600"))
    wait_for(lambda: processes(marker), "the step")
    for server in children(endpoint.pid):
        os.kill(server, signal.SIGKILL)
    status = ended(endpoint, run_id)
    assert status["phase"] == "Error"
    assert "was killed" in steps(status)["s"]["message"]
    gone(marker)
    assert ended(endpoint, submit(endpoint, one("true")))["phase"] == "Succeeded"
    assert lives(endpoint)


def children(pid: int) -> List[int]:
    """Return the processes whose parent is ``pid``."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if re.search(rf"^PPid:\s+{pid}$", status.read_text(), re.MULTILINE):
                found.append(int(status.parent.name))
    return found
