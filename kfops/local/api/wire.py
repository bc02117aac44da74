"""Stored rows as the messages of the v1beta1 API.

The real server leaves out every field that has its type's default, so an empty list is ``{}``; ``present`` does that.
A point in time is never left out.
"""

from __future__ import annotations

import time
from typing import Any, Sequence

import sqlalchemy as sa

from ..store.experiments import ARCHIVED


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that do not have their type's default."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [], {})}


def moment(microseconds: int) -> str:
    """Return a point in time in RFC 3339 form, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(microseconds // 1_000_000))


def reference(kind: str, resource_id: str, relationship: str, name: str = "") -> dict[str, Any]:
    """Return a reference to another resource."""
    return present(key={"type": kind, "id": resource_id}, name=name, relationship=relationship)


def experiment(row: sa.Row[Any]) -> dict[str, Any]:
    """Return an ApiExperiment."""
    return present(
        id=row.id,
        name=row.name,
        description=row.description,
        created_at=moment(row.created_at),
        storage_state=row.storage_state,
    )


def version(row: sa.Row[Any]) -> dict[str, Any]:
    """Return an ApiPipelineVersion."""
    return present(
        id=row.id,
        name=row.name,
        description=row.description,
        created_at=moment(row.created_at),
        parameters=parameters(row.parameters),
        code_source_url=row.code_source_url,
        package_url=present(pipeline_url=row.package_url),
        resource_references=[reference("PIPELINE", row.pipeline_id, "OWNER")],
    )


def pipeline(row: sa.Row[Any], default: sa.Row[Any] | None) -> dict[str, Any]:
    """Return an ApiPipeline."""
    return present(
        id=row.id,
        created_at=moment(row.created_at),
        name=row.name,
        description=row.description,
        parameters=parameters(default.parameters) if default is not None else [],
        default_version=version(default) if default is not None else None,
    )


def parameters(found: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Return ApiParameters."""
    return [present(**parameter) for parameter in found]


def run(row: sa.Row[Any], submitted: str, metrics: Sequence[sa.Row[Any]]) -> dict[str, Any]:
    """Return an ApiRun; ``submitted`` is the workflow as it was submitted, as JSON."""
    owners = [("EXPERIMENT", row.experiment_id, "OWNER", row.experiment_name)]
    if row.job_id:
        owners.append(("JOB", row.job_id, "CREATOR", row.job_name))
    if row.version_id:
        owners.append(("PIPELINE_VERSION", row.version_id, "CREATOR", row.version_name))
    return present(
        id=row.id,
        name=row.name,
        storage_state=row.storage_state if row.storage_state == ARCHIVED else None,
        description=row.description,
        pipeline_spec=present(
            pipeline_id=row.pipeline_id,
            pipeline_name=row.pipeline_name,
            workflow_manifest=submitted,
            parameters=parameters(row.parameters),
        ),
        resource_references=[reference(*owner) for owner in owners],
        service_account=row.service_account,
        created_at=moment(row.created_at),
        scheduled_at=moment(row.scheduled_at),
        finished_at=moment(row.finished_at),
        status=row.status,
        metrics=[metric(found) for found in metrics],
    )


def job(row: sa.Row[Any], submitted: str) -> dict[str, Any]:
    """Return an ApiJob; ``submitted`` is its workflow as JSON."""
    owners = [reference("EXPERIMENT", row.experiment_id, "OWNER", row.experiment_name)]
    if row.version_id:
        owners.append(reference("PIPELINE_VERSION", row.version_id, "CREATOR", row.version_name))
    found = present(
        id=row.id,
        name=row.name,
        description=row.description,
        pipeline_spec=present(
            pipeline_id=row.pipeline_id,
            pipeline_name=row.pipeline_name,
            workflow_manifest=submitted,
            parameters=parameters(row.parameters),
        ),
        resource_references=owners,
        service_account=row.service_account,
        max_concurrency=str(row.max_concurrency),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        status=row.status,
        enabled=row.enabled,
        no_catchup=row.no_catchup,
    )
    return {**found, "trigger": trigger(row)}  # of one that runs once it is there, and empty


def trigger(row: sa.Row[Any]) -> dict[str, Any]:
    """Return an ApiTrigger; 64-bit numbers are text on the wire."""
    times = {
        name: moment(value * 1_000_000)
        for name, value in (("start_time", row.start_time), ("end_time", row.end_time))
        if value is not None
    }
    if row.cron:
        return {"cron_schedule": {**times, "cron": row.cron}}
    if row.interval:
        return {"periodic_schedule": {**times, "interval_second": str(row.interval)}}
    return {}


def metric(row: sa.Row[Any]) -> dict[str, Any]:
    """Return an ApiRunMetric."""
    return present(name=row.name, node_id=row.node_id, number_value=row.value, format=row.format)
