"""The unmodified kfp.Client 1.7.0 on an embedded backend."""

from __future__ import annotations

import time
from typing import Any

import kfp
from kfp.auth import ServiceAccountTokenVolumeCredentials

from kfops.local import daemon


def client_of(endpoint: daemon.Endpoint) -> Any:
    """Return the client as somebody makes it who has kfp alone."""
    credentials = ServiceAccountTokenVolumeCredentials(path=str(endpoint.token_path))
    return kfp.Client(host=endpoint.url, credentials=credentials)


def ended(client: Any, run_id: str, timeout: float = 120) -> Any:
    """Return a run when it has ended; kfp's own waiting looks every five seconds."""
    deadline = time.monotonic() + timeout
    while True:
        run = client.get_run(run_id).run
        if run.status in ("Succeeded", "Failed", "Error"):
            return run
        assert time.monotonic() < deadline, f"the run has not ended: {run}"
        time.sleep(0.05)
