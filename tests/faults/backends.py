"""A backend to be broken: what a test asks of it, what it can kill, and what is left to look at."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Set

from kfops.local import daemon
from kfops.local.settings import HEADER, Settings

RUNS = "/apis/v1beta1/runs"
ENDED = ("Succeeded", "Failed", "Error")


def ask(
    endpoint: daemon.Endpoint,
    method: str,
    path: str,
    body: Any = None,
    *,
    timeout: float = 30,
    headers: Optional[Dict[str, str]] = None,
) -> Any:
    """Return what the backend answers; raises URLError when it is gone or refuses."""
    request = urllib.request.Request(
        endpoint.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {endpoint.token_path.read_text()}", **(headers or {})},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read())


def submit(endpoint: daemon.Endpoint, workflow: Dict[str, Any], executor: str = "process") -> str:
    """Return the id of a run that the backend has accepted."""
    body = {"name": "r", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
    settings = {HEADER: Settings(executor=executor).to_text()}
    return str(ask(endpoint, "POST", RUNS, body, headers=settings)["run"]["id"])


def run_of(endpoint: daemon.Endpoint, run_id: str) -> Dict[str, Any]:
    """Return a run's Argo status, with a phase even before it has one."""
    found = ask(endpoint, "GET", f"{RUNS}/{run_id}")
    status = json.loads(found["pipeline_runtime"]["workflow_manifest"]).get("status") or {}
    return {**status, "phase": found["run"].get("status", ""), "nodes": status.get("nodes") or {}}


def wait_for(condition: Callable[[], Any], what: str, timeout: float = 60) -> Any:
    """Return the first truth that ``condition`` gives."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.05)


def ended(endpoint: daemon.Endpoint, run_id: str, timeout: float = 60) -> Dict[str, Any]:
    """Return a run's status when it has come to its end."""

    def status() -> Any:
        found = run_of(endpoint, run_id)
        return found if found["phase"] in ENDED else None

    return wait_for(status, f"the end of run {run_id}", timeout)  # type: ignore[no-any-return]


def steps(status: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return a run's container steps by their names without the workflow's."""
    return {node["name"].partition(".")[2]: node for node in status["nodes"].values() if node["type"] == "Pod"}


def log_of(folder: Path, run_id: str, node: Dict[str, Any]) -> str:
    """Return what a step has written."""
    return (folder / "runs" / run_id / node["id"] / "main.log").read_text(errors="replace")


def kill(pid: int) -> None:
    """Kill a backend that this process has started, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def processes(marker: str) -> List[str]:
    """Return the command lines of the processes that name ``marker``, this test's own excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if marker in command:
                    found.append(command)
    return found


def helpers(backends: Set[int]) -> List[str]:
    """Return the command lines of what backends have started to start their steps; it is told their process ids."""
    return [line for pid in backends for line in processes("kfops/local/executors/") if str(pid) in line.split()]


def gone(marker: str, timeout: float = 5) -> None:
    """Check that no process that names ``marker`` is left; the kernel may need a moment."""
    wait_for(lambda: not processes(marker), f"the end of every process of {marker}", timeout)


def integrity(folder: Path) -> List[str]:
    """Return what SQLite says of the store."""
    with contextlib.closing(sqlite3.connect(folder / "kfops.db")) as connection:
        return [row[0] for row in connection.execute("PRAGMA integrity_check")]


def complaints(folder: Path) -> List[str]:
    """Return the tracebacks in the backend's log."""
    log = (folder / "backend.log").read_text(errors="replace")
    return [part[:2000] for part in log.split("Traceback (most recent call last)")[1:]]
