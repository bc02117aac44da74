"""Experiments: named groups of runs."""

from __future__ import annotations

import uuid
from typing import Any, Mapping

import sqlalchemy as sa

from ..problems import Exists, Missing
from .filters import Fields
from .listing import parse_listing
from .schema import Database, experiments, in_any_case, jobs, now, runs

AVAILABLE = "STORAGESTATE_AVAILABLE"
ARCHIVED = "STORAGESTATE_ARCHIVED"
DEFAULT_NAME = "Default"

_name = in_any_case(experiments.c.name)
_FIELDS = Fields(
    {
        **{name: experiments.c[name] for name in ("id", "created_at", "description", "storage_state")},
        "name": _name,
        "namespace": sa.literal(""),
    }
)


class Experiments:
    """The experiments in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, description: str = "") -> sa.Row[Any]:
        """Add an experiment; raises Exists when the name is taken."""
        experiment_id = str(uuid.uuid4())
        with self._database.begin(durable=True) as connection:
            if connection.scalar(sa.select(experiments.c.id).where(_name == name)) is not None:
                raise Exists(f"Failed to create a new experiment. The name {name} already exists.")
            connection.execute(
                experiments.insert().values(
                    id=experiment_id, name=name, description=description, created_at=now(), storage_state=AVAILABLE
                )
            )
        return self.get(experiment_id)

    def get(self, experiment_id: str) -> sa.Row[Any]:
        """Return one experiment; raises Missing."""
        with self._database.begin() as connection:
            found = connection.execute(experiments.select().where(experiments.c.id == experiment_id)).first()
        if found is None:
            raise Missing("Experiment", experiment_id)
        return found

    def default(self) -> sa.Row[Any]:
        """Return the experiment of runs that name none; it is made when it is not there."""
        with self._database.begin() as connection:
            found = connection.execute(experiments.select().where(_name == DEFAULT_NAME)).first()
        return found if found is not None else self.create(DEFAULT_NAME, "All runs created without an experiment.")

    def page(self, query: Mapping[str, str]) -> tuple[list[sa.Row[Any]], int, str]:
        """Return the page that ``query`` asks for, the number of all, and the next page's token."""
        listing = parse_listing("Experiment", _FIELDS, experiments.c.id, query)
        with self._database.begin() as connection:
            return listing.page(connection, experiments.select())

    def delete(self, experiment_id: str) -> None:
        """Delete an experiment; its runs stay."""
        self.get(experiment_id)
        with self._database.begin(durable=True) as connection:
            connection.execute(experiments.delete().where(experiments.c.id == experiment_id))

    def set_archived(self, experiment_id: str, archived: bool) -> None:
        """Archive an experiment with its runs and pause its recurring runs, or bring back the experiment alone."""
        self.get(experiment_id)
        state = ARCHIVED if archived else AVAILABLE
        with self._database.begin(durable=True) as connection:
            connection.execute(
                experiments.update().where(experiments.c.id == experiment_id).values(storage_state=state)
            )
            if archived:
                connection.execute(
                    runs.update().where(runs.c.experiment_id == experiment_id).values(storage_state=ARCHIVED)
                )
                self._database.changes.note(None)
                connection.execute(
                    jobs.update().where(jobs.c.experiment_id == experiment_id).values(enabled=False, updated_at=now())
                )

    def name_of(self, experiment_id: str) -> str | None:
        """Return the name of an experiment, None when there is none."""
        with self._database.begin() as connection:
            return connection.scalar(sa.select(experiments.c.name).where(experiments.c.id == experiment_id))
