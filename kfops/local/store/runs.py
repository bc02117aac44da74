"""The API's side of runs: create, look at, stop, retry, archive, delete."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..problems import Conflict, Invalid, Missing
from . import by_metric
from .changes import changes_of
from .experiments import ARCHIVED, AVAILABLE
from .filters import Fields
from .listing import parse_listing
from .progress import FINAL_PHASES, TERMINATING, Progress
from .schema import Database, in_any_case, metrics, runs, workflows

_FIELDS = Fields(
    {
        **{
            name: runs.c[name]
            for name in ("id", "created_at", "description", "scheduled_at", "storage_state", "status")
        },
        "name": in_any_case(runs.c.name),
    },
    metric=by_metric.value_of,
    indexed={
        "created_at": [runs.c.experiment_id, runs.c.status, runs.c.version_id, runs.c.job_id],
        "name": [],
        "status": [],
        "scheduled_at": [],
        "id": [],
    },
)

_REFERENCES = {"EXPERIMENT": runs.c.experiment_id, "JOB": runs.c.job_id, "PIPELINE_VERSION": runs.c.version_id}


@dataclass(frozen=True)
class NewRun:
    """A run as it is accepted: who it belongs to, and the texts of its workflow as submitted and as it is executed."""

    id: str
    name: str
    submitted: str
    workflow: str
    experiment_id: str
    experiment_name: str
    created_at: int
    description: str = ""
    service_account: str = ""
    pipeline_id: str = ""
    pipeline_name: str = ""
    version_id: str = ""
    version_name: str = ""
    job_id: str = ""
    job_name: str = ""
    scheduled_at: int = 0
    parameters: list[dict[str, str]] = field(default_factory=list)


def add(connection: sa.Connection, run: NewRun) -> None:
    """Add a run in a transaction that may be about more than the run."""
    values = asdict(run)
    texts = {"submitted": values.pop("submitted"), "workflow": values.pop("workflow")}
    connection.execute(runs.insert().values(storage_state=AVAILABLE, **values))
    connection.execute(workflows.insert().values(run_id=run.id, **texts))
    changes_of(connection).note(run.id)


class Runs:
    """The runs in the store."""

    def __init__(self, database: Database, progress: Progress) -> None:
        self._database = database
        self._progress = progress

    def create(self, run: NewRun) -> sa.Row[Any]:
        """Add a run; when this returns it is accepted, and will be executed whatever happens to this process."""
        with self._database.begin(durable=True) as connection:
            add(connection, run)
        return self.get(run.id)

    def get(self, run_id: str) -> sa.Row[Any]:
        """Return one run, with ``submitted``; raises Missing."""
        query = sa.select(runs, workflows.c.submitted).join(workflows).where(runs.c.id == run_id)
        with self._database.begin() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise Missing("Run", run_id)
        return found

    def row(self, run_id: str) -> sa.Row[Any] | None:
        """Return one run without its texts, None when there is none."""
        with self._database.begin() as connection:
            return connection.execute(runs.select().where(runs.c.id == run_id)).first()

    def workflow_text(self, run_id: str) -> str:
        """Return the run's Workflow with its status, as JSON; raises Missing."""
        return self._progress.workflow_text(run_id)

    def page(
        self, query: Mapping[str, str], reference: tuple[str, str] | None = None
    ) -> tuple[list[sa.Row[Any]], dict[str, str], int, str]:
        """Return a page of runs, their submitted workflows by id, the number of all, and the next page's token.

        ``reference`` is the type and id of the experiment, recurring run or pipeline version the runs belong to.
        """
        listing = parse_listing("Run", _FIELDS, runs.c.id, query)
        conditions: Sequence[sa.ColumnElement[bool]] = ()
        if reference is not None:
            kind, owner = reference
            if kind not in _REFERENCES:
                raise Invalid(f"Runs cannot be listed by {kind}; use {', '.join(_REFERENCES)}.")
            conditions = [_REFERENCES[kind] == owner]
        with self._database.begin() as connection:
            kind, _, metric = listing.sort_name.partition(":")
            if kind == "metric":
                rows, total, token = by_metric.page(connection, listing, metric, conditions)
            else:
                rows, total, token = listing.page(connection, runs.select(), conditions)
            texts = connection.execute(
                sa.select(workflows.c.run_id, workflows.c.submitted).where(
                    workflows.c.run_id.in_([row.id for row in rows])
                )
            )
            return rows, {text.run_id: text.submitted for text in texts}, total, token

    def metrics(self, run_ids: Sequence[str]) -> dict[str, list[sa.Row[Any]]]:
        """Return the metrics of runs by run id."""
        found: dict[str, list[sa.Row[Any]]] = {}
        query = metrics.select().where(metrics.c.run_id.in_(run_ids)).order_by(metrics.c.node_id, metrics.c.name)
        with self._database.begin() as connection:
            for row in connection.execute(query):
                found.setdefault(row.run_id, []).append(row)
        return found

    def report_metric(self, run_id: str, node_id: str, name: str, value: float, kind: str) -> bool:
        """Record one metric; return False when the step has already reported one of that name."""
        try:
            with self._database.begin(durable=True) as connection:
                connection.execute(
                    metrics.insert().values(run_id=run_id, node_id=node_id, name=name, value=value, format=kind)
                )
                self._database.changes.note(run_id)
        except IntegrityError:
            return False
        return True

    def terminate(self, run_id: str) -> None:
        """Mark a run as asked to stop; raises Invalid when it has ended or has been asked already."""
        row = self.get(run_id)
        if row.status in FINAL_PHASES or row.status == TERMINATING:
            raise Invalid("Failed to terminate a run. Row not found.", f"Run {run_id} is {row.status}.")
        self._update(run_id, status=TERMINATING, terminating=True)

    def allow_retry(self, run_id: str) -> None:
        """Forget that a failed run was asked to stop; raises Conflict when it has not failed."""
        row = self.get(run_id)
        if row.status not in ("Failed", "Error"):
            raise Conflict(
                "Retry run failed. Only failed runs can be retried.",
                f"Workflow must be Failed/Error to retry, but run {run_id} is {row.status or 'Pending'}.",
            )
        self._update(run_id, terminating=False)

    def set_archived(self, run_id: str, archived: bool) -> None:
        """Put a run away, or bring it back."""
        self.get(run_id)
        self._update(run_id, storage_state=ARCHIVED if archived else AVAILABLE)

    def delete(self, run_id: str) -> None:
        """Forget a run."""
        with self._database.begin(durable=True) as connection:
            connection.execute(runs.delete().where(runs.c.id == run_id))
            self._database.changes.note(run_id)

    def active(self) -> int:
        """Return how many runs have not ended."""
        with self._database.begin() as connection:
            query = sa.select(sa.func.count()).select_from(runs).where(runs.c.status.not_in(FINAL_PHASES))
            return connection.scalar(query) or 0

    def _update(self, run_id: str, **values: Any) -> None:
        with self._database.begin(durable=True) as connection:
            connection.execute(runs.update().where(runs.c.id == run_id).values(**values))
            self._database.changes.note(run_id)
