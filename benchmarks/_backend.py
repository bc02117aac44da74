"""An embedded backend of its own for a measurement, in a new folder on the disk, asked over plain HTTP."""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional
from urllib.parse import urlsplit

from kfops.local import daemon
from kfops.local.settings import HEADER, Settings

_FINAL = ("Succeeded", "Failed", "Error")
_LOOK_AGAIN = 0.02
_ASK_AGAIN = 0.5
_PATIENCE = 300.0


class Backend:
    """Client of a backend that is running; keeps one connection open."""

    def __init__(self, endpoint: daemon.Endpoint) -> None:
        address = urlsplit(endpoint.url)
        self.url = endpoint.url
        self.pid = endpoint.pid
        self.folder = endpoint.data_dir
        self._connection = http.client.HTTPConnection(str(address.hostname), int(address.port or 80))
        self.headers = {"Authorization": f"Bearer {endpoint.token_path.read_text()}"}
        self.use("process")  # said, because clients of Kubeflow's are told times in whole seconds

    def use(self, executor: str) -> None:
        """Have the runs to come executed in another way."""
        self.headers[HEADER] = Settings(executor=executor).to_text()

    def ask(self, method: str, path: str, body: Optional[bytes] = None) -> Any:
        """Make a request and return its answer."""
        self._connection.request(method, f"/apis/v1beta1{path}", body, self.headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def start(self, workflow: Dict[str, Any]) -> str:
        """Start a run and return its id."""
        return self.start_written(self.written(workflow))

    def written(self, workflow: Dict[str, Any]) -> bytes:
        """Return the body of a request that starts a run."""
        body = {"name": "measured", "pipeline_spec": {"workflow_manifest": json.dumps(workflow)}}
        return json.dumps(body).encode()

    def start_written(self, body: bytes) -> str:
        """Start a run by a body that has been written and return its id."""
        return str(self.ask("POST", "/runs", body)["run"]["id"])

    def status(self, run_id: str) -> Dict[str, Any]:
        """Return the Argo status of a run."""
        manifest = self.ask("GET", f"/runs/{run_id}")["pipeline_runtime"]["workflow_manifest"]
        return dict(json.loads(manifest).get("status") or {})

    def ended(self, run_id: str) -> Dict[str, Any]:
        """Wait for a run to succeed, asking seldom, and return its status."""
        path = self.folder / "runs" / run_id / "journal.jsonl"
        deadline = time.monotonic() + _PATIENCE
        begun, ask_at = False, time.monotonic() + _ASK_AGAIN
        while time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)
            # Its journal is there from the first step's end to the run's; asking for its status costs the backend time.
            if path.exists():
                begun = True
            elif begun or time.monotonic() > ask_at:
                ask_at = time.monotonic() + _ASK_AGAIN
                status = self.status(run_id)
                if status.get("phase") in _FINAL:
                    if status["phase"] != "Succeeded":
                        raise RuntimeError(f"the run ended {status['phase']}: {status.get('message')}")
                    return status
        raise RuntimeError(f"the run has not ended within {_PATIENCE:.0f} s")


@contextlib.contextmanager
def backend(fill: Optional[Callable[[Path], None]] = None) -> Iterator[Backend]:
    """Start a backend in a folder of its own, which ``fill`` may put something into, and stop it at the end.

    The folder is deleted when all is measured: a file system without a journal is slow for minutes after that.
    """
    folder = Path(tempfile.mkdtemp(prefix="kfops-benchmark-", dir=_disk()))
    try:
        if fill is not None:
            fill(folder)
        yield Backend(daemon.ensure_running(folder))
    finally:
        daemon.stop(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _disk() -> str:
    """Return a folder that is on a disk wherever there is one; ``/tmp`` may be memory."""
    return "/var/tmp" if os.access("/var/tmp", os.W_OK) else tempfile.gettempdir()


def workflow(templates: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Return a Workflow without parameters; its entrypoint is the first of ``templates``."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "measured-"},
        "spec": {"entrypoint": templates[0]["name"], "arguments": {"parameters": []}, "templates": templates},
    }
