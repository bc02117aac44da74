# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The recurring run service, whose recurring runs are called jobs."""

from __future__ import annotations

import json
import re
from typing import Any

from ..problems import Invalid
from ..scheduling import cron
from ..settings import HEADER, asked_for, stamp
from ..store.filters import parse_time
from ..store.jobs import NewJob
from . import wire
from .base import Handler, flag, listed_by, section, text, whole_number
from .macros import Macros
from .pipeline_spec import check_workflow, read_spec
from .submission import expand_macros, prepare, random_suffix, set_parameters

MAX_CONCURRENCY = 10


class Jobs(Handler):
    """/apis/v1beta1/jobs."""

    def get(self) -> None:
        query = self.query
        rows, submitted, total, token = self.backend.store.jobs.page(query, listed_by(query))
        self.reply(
            wire.present(
                jobs=[wire.job(row, submitted[row.id]) for row in rows], total_size=total, next_page_token=token
            )
        )

    async def post(self) -> None:
        body = self.body()
        max_concurrency = whole_number(body, "max_concurrency")
        if not 1 <= max_concurrency <= MAX_CONCURRENCY:
            raise Invalid(
                f"The max concurrency of the job is out of range. Support 1-{MAX_CONCURRENCY}. "
                f"Received {max_concurrency}."
            )
        trigger = _trigger(section(body, "trigger"))
        name, description = text(body, "name"), text(body, "description")
        enabled, no_catchup = flag(body, "enabled"), flag(body, "no_catchup")
        spec = await read_spec(self.backend.store, body)
        workflow = spec.workflow
        submitted = json.dumps(workflow, separators=(",", ":"))
        account = text(body, "service_account") or workflow["spec"].get("serviceAccountName") or "pipeline-runner"
        settings = asked_for(self.request.headers.get(HEADER), self.backend.data_dir)
        await self.backend.engine.check(settings)
        # What could not be run is refused now, and not each time that it is due.
        set_parameters(workflow, spec.parameters)
        expand_macros(workflow, Macros("", 0, 0, 1))
        executed = prepare(workflow, run_id="", run_name=name, created_at=0)
        stamp(executed, settings)
        self.backend.engine.check_needs(check_workflow(executed), settings)
        row = self.backend.store.jobs.create(
            NewJob(
                name=name,
                resource_name=_resource_name(name),
                description=description,
                submitted=submitted,
                enabled=enabled,
                no_catchup=no_catchup,
                max_concurrency=max_concurrency,
                service_account=account,
                settings=settings.to_text(),
                parameters=spec.parameters,
                **trigger,
                **spec.owners,
            )
        )
        self.backend.scheduler.look()
        self.reply(wire.job(row, row.submitted))


class Job(Handler):
    """/apis/v1beta1/jobs/{id}."""

    def get(self, job_id: str) -> None:
        row = self.backend.store.jobs.get(job_id)
        self.reply(wire.job(row, row.submitted))

    def delete(self, job_id: str) -> None:
        self.backend.store.jobs.delete(job_id)
        self.backend.scheduler.look()
        self.reply({})


class JobVerb(Handler):
    """/apis/v1beta1/jobs/{id}/enable and /disable."""

    def post(self, job_id: str, verb: str) -> None:
        self.backend.store.jobs.set_enabled(job_id, verb == "enable")
        self.backend.scheduler.look()
        self.reply({})


def _trigger(wire_trigger: dict[str, Any]) -> dict[str, Any]:
    """Return a trigger as the store keeps it; {} for none, which is a recurring run that runs once."""
    by_cron, by_interval = section(wire_trigger, "cron_schedule"), section(wire_trigger, "periodic_schedule")
    if by_cron and by_interval:
        raise Invalid("A trigger has a cron_schedule or a periodic_schedule, not both.")
    if by_cron:
        expression = text(by_cron, "cron")
        cron.parse(expression)
        return {"cron": expression, **_times(by_cron)}
    if by_interval:
        interval = whole_number(by_interval, "interval_second")
        if interval < 1:
            raise Invalid(f"Found invalid period schedule interval {interval}. Set at interval to least 1 second.")
        return {"interval": interval, **_times(by_interval)}
    return {}


def _times(schedule: dict[str, Any]) -> dict[str, int]:
    return {name: parse_time(text(schedule, name)) for name in ("start_time", "end_time") if schedule.get(name)}


def _resource_name(name: str) -> str:
    return (re.sub("[^a-z0-9-]+", "", name.lower()) or "job-")[:25] + random_suffix()
