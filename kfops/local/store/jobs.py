"""Recurring runs, which the API calls jobs: what they run, when they are due, and how far they are."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Mapping, Sequence

import sqlalchemy as sa

from ..problems import Invalid, Missing
from .filters import Fields
from .listing import parse_listing
from .progress import FINAL_PHASES
from .runs import NewRun, add
from .schema import Database, in_any_case, job_workflows, jobs, now, runs

#: Until the scheduler has looked at a recurring run for the first time.
NO_STATUS = "NO_STATUS"

_FIELDS = Fields(
    {
        **{name: jobs.c[name] for name in ("id", "created_at")},
        "name": in_any_case(jobs.c.name),
        "package_id": jobs.c.pipeline_id,
    }
)
_REFERENCES = {"EXPERIMENT": jobs.c.experiment_id, "PIPELINE_VERSION": jobs.c.version_id}


@dataclass(frozen=True)
class NewJob:
    """A recurring run as it is accepted; points in time are seconds since 1970."""

    name: str
    resource_name: str
    submitted: str
    experiment_id: str
    experiment_name: str
    service_account: str
    settings: str
    max_concurrency: int
    description: str = ""
    enabled: bool = False
    no_catchup: bool = False
    cron: str = ""
    interval: int = 0
    start_time: int | None = None
    end_time: int | None = None
    pipeline_id: str = ""
    pipeline_name: str = ""
    version_id: str = ""
    version_name: str = ""
    parameters: list[dict[str, str]] = field(default_factory=list)


class Jobs:
    """The recurring runs in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, job: NewJob) -> sa.Row[Any]:
        """Add a recurring run."""
        values, made_at, job_id = asdict(job), now(), str(uuid.uuid4())
        submitted = values.pop("submitted")
        with self._database.begin(durable=True) as connection:
            connection.execute(
                jobs.insert().values(id=job_id, status=NO_STATUS, created_at=made_at, updated_at=made_at, **values)
            )
            connection.execute(job_workflows.insert().values(job_id=job_id, submitted=submitted))
        return self.get(job_id)

    def get(self, job_id: str) -> sa.Row[Any]:
        """Return one recurring run, with ``submitted``; raises Missing."""
        query = sa.select(jobs, job_workflows.c.submitted).join(job_workflows).where(jobs.c.id == job_id)
        with self._database.begin() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise Missing("Job", job_id)
        return found

    def page(
        self, query: Mapping[str, str], reference: tuple[str, str] | None = None
    ) -> tuple[list[sa.Row[Any]], dict[str, str], int, str]:
        """Return a page of recurring runs, their workflows by id, the number of all, and the next page's token.

        ``reference`` is the type and id of the experiment or pipeline version they belong to.
        """
        listing = parse_listing("Job", _FIELDS, jobs.c.id, query)
        conditions: Sequence[sa.ColumnElement[bool]] = ()
        if reference is not None:
            kind, owner = reference
            if kind not in _REFERENCES:
                raise Invalid(f"Jobs cannot be listed by {kind}; use {', '.join(_REFERENCES)}.")
            conditions = [_REFERENCES[kind] == owner]
        with self._database.begin() as connection:
            rows, total, token = listing.page(connection, jobs.select(), conditions)
            texts = connection.execute(
                job_workflows.select().where(job_workflows.c.job_id.in_([row.id for row in rows]))
            )
            return rows, {text.job_id: text.submitted for text in texts}, total, token

    def set_enabled(self, job_id: str, enabled: bool) -> None:
        """Let a recurring run go on, or pause it."""
        self.get(job_id)
        with self._database.begin(durable=True) as connection:
            connection.execute(jobs.update().where(jobs.c.id == job_id).values(enabled=enabled, updated_at=now()))

    def delete(self, job_id: str) -> None:
        """Delete a recurring run; the runs it has started stay."""
        self.get(job_id)
        with self._database.begin(durable=True) as connection:
            connection.execute(jobs.delete().where(jobs.c.id == job_id))

    # The scheduler's side

    def all(self) -> list[sa.Row[Any]]:
        """Return every recurring run, the oldest first."""
        with self._database.begin() as connection:
            return list(connection.execute(jobs.select().order_by(jobs.c.created_at, jobs.c.id)))

    def active(self, job_id: str) -> int:
        """Return how many of a recurring run's runs have not ended."""
        query = sa.select(sa.func.count()).where(runs.c.job_id == job_id, runs.c.status.not_in(FINAL_PHASES))
        with self._database.begin() as connection:
            return connection.scalar(query) or 0

    def set_status(self, job_id: str, status: str) -> None:
        """Record what the scheduler has found."""
        with self._database.begin() as connection:
            connection.execute(jobs.update().where(jobs.c.id == job_id).values(status=status))

    def fire(self, job_id: str, index: int, due: int, run: NewRun) -> bool:
        """Add the run number ``index``, due at ``due``, and remember both at once; return whether it was to be added.

        It is not when the recurring run has been paused or deleted meanwhile, or has had that number.
        """
        still = (jobs.c.id == job_id, jobs.c.enabled, jobs.c.last_index == index - 1)
        with self._database.begin(durable=True) as connection:
            changed = connection.execute(jobs.update().where(*still).values(last_index=index, last_due=due))
            if changed.rowcount:
                add(connection, run)
            return bool(changed.rowcount)
