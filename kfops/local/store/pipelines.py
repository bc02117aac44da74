"""Pipelines: a name, and a default version."""

from __future__ import annotations

import uuid
from typing import Any, Mapping

import sqlalchemy as sa

from ..problems import Exists, Missing
from .filters import Fields
from .listing import parse_listing
from .schema import Database, in_any_case, now, packages, pipelines, versions

_name = in_any_case(pipelines.c.name)
_FIELDS = Fields(
    {
        **{name: pipelines.c[name] for name in ("id", "created_at", "description")},
        "name": _name,
        "namespace": sa.literal(""),
    }
)


class Pipelines:
    """The pipelines in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        description: str,
        text: str,
        workflow: str,
        parameters: list[dict[str, str]],
        package_url: str = "",
    ) -> sa.Row[Any]:
        """Add a pipeline with its first version, which has the pipeline's id and name; raises Exists."""
        new_id = str(uuid.uuid4())
        with self._database.begin(durable=True) as connection:
            if connection.scalar(sa.select(pipelines.c.id).where(_name == name)) is not None:
                raise Exists(f"Failed to create a new pipeline. The name {name} already exist.")
            made_at = now()
            connection.execute(
                pipelines.insert().values(
                    id=new_id, name=name, description=description, created_at=made_at, default_version_id=new_id
                )
            )
            connection.execute(
                versions.insert().values(
                    id=new_id,
                    pipeline_id=new_id,
                    name=name,
                    created_at=made_at,
                    parameters=parameters,
                    package_url=package_url,
                )
            )
            connection.execute(packages.insert().values(version_id=new_id, text=text, workflow=workflow))
        return self.get(new_id)

    def get(self, pipeline_id: str) -> sa.Row[Any]:
        """Return one pipeline; raises Missing."""
        with self._database.begin() as connection:
            found = connection.execute(pipelines.select().where(pipelines.c.id == pipeline_id)).first()
        if found is None:
            raise Missing("Pipeline", pipeline_id)
        return found

    def default_versions(self, rows: list[sa.Row[Any]]) -> dict[str, sa.Row[Any]]:
        """Return the default versions of pipelines by the pipeline's id."""
        wanted = [row.default_version_id for row in rows if row.default_version_id]
        with self._database.begin() as connection:
            found = connection.execute(versions.select().where(versions.c.id.in_(wanted)))
            return {row.pipeline_id: row for row in found}

    def page(self, query: Mapping[str, str]) -> tuple[list[sa.Row[Any]], int, str]:
        """Return the page that ``query`` asks for, the number of all, and the next page's token."""
        listing = parse_listing("Pipeline", _FIELDS, pipelines.c.id, query)
        with self._database.begin() as connection:
            return listing.page(connection, pipelines.select())

    def delete(self, pipeline_id: str) -> None:
        """Delete a pipeline with all its versions; their runs stay."""
        self.get(pipeline_id)
        with self._database.begin(durable=True) as connection:
            connection.execute(pipelines.delete().where(pipelines.c.id == pipeline_id))

    def set_default(self, pipeline_id: str, version_id: str) -> None:
        """Make ``version_id`` the version that is run when a run names only the pipeline."""
        self.get(pipeline_id)
        with self._database.begin(durable=True) as connection:
            owner = connection.scalar(sa.select(versions.c.pipeline_id).where(versions.c.id == version_id))
            if owner != pipeline_id:
                raise Missing("Pipeline version", version_id)
            connection.execute(
                pipelines.update().where(pipelines.c.id == pipeline_id).values(default_version_id=version_id)
            )
