"""From a recurring run to its next run."""

from __future__ import annotations

import json
import uuid
from typing import Any

import sqlalchemy as sa

from ..api.macros import Macros
from ..api.submission import prepare, set_parameters
from ..settings import Settings, stamp
from ..store import NewRun
from ..store.schema import now

_LABEL = "scheduledworkflows.kubeflow.org/"


def next_run(job: sa.Row[Any], due: int) -> NewRun:
    """Return the run that follows the last one of ``job``, due at ``due`` in seconds since 1970."""
    run_id, index, created_at = str(uuid.uuid4()), job.last_index + 1, now()
    name = run_name(job.resource_name, index)
    workflow = json.loads(job.submitted)
    macros = Macros(run_id, created_at // 1_000_000, due, index)
    given = [{"name": found["name"], "value": macros.expand(found["value"])} for found in job.parameters]
    set_parameters(workflow, given)
    workflow["spec"]["serviceAccountName"] = job.service_account
    submitted = json.dumps(workflow, separators=(",", ":"))
    labels = {
        f"{_LABEL}isOwnedByScheduledWorkflow": "true",
        f"{_LABEL}scheduledWorkflowName": job.resource_name,
        f"{_LABEL}workflowEpoch": str(due),
        f"{_LABEL}workflowIndex": str(index),
    }
    executed = prepare(workflow, run_id=run_id, run_name=name, created_at=created_at, name=name, labels=labels)
    stamp(executed, Settings.from_text(job.settings))
    return NewRun(
        id=run_id,
        name=name,
        submitted=submitted,
        workflow=json.dumps(executed, separators=(",", ":")),
        experiment_id=job.experiment_id,
        experiment_name=job.experiment_name,
        service_account=job.service_account,
        created_at=created_at,
        scheduled_at=due * 1_000_000,
        job_id=job.id,
        job_name=job.name,
        parameters=given,
    )


def run_name(resource_name: str, index: int) -> str:
    """Return the name of run number ``index``, which ends with a hash (FNV-1a) of what comes before.

    Examples
    --------
    >>> run_name("nightly4x7qk", 1)
    'nightly4x7qk-1-3316188403'
    """
    name = f"{resource_name}-{index}"
    digest = 0x811C9DC5
    for byte in name.encode():
        digest = (digest ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{name}-{digest}"
