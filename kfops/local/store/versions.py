"""Pipeline versions and the packages they were made from."""

from __future__ import annotations

import uuid
from typing import Any, Mapping

import sqlalchemy as sa

from ..problems import Exists, Missing
from .filters import Fields
from .listing import parse_listing
from .schema import Database, in_any_case, now, packages, pipelines, versions

_name = in_any_case(versions.c.name)
_FIELDS = Fields({**{name: versions.c[name] for name in ("id", "created_at", "status")}, "name": _name})


class Versions:
    """The pipeline versions in the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        pipeline_id: str,
        name: str,
        description: str,
        text: str,
        workflow: str,
        parameters: list[dict[str, str]],
        package_url: str = "",
        code_source_url: str = "",
    ) -> sa.Row[Any]:
        """Add a version, which becomes the pipeline's default; raises Exists when the pipeline has one of that name."""
        version_id = str(uuid.uuid4())
        with self._database.begin(durable=True) as connection:
            if connection.scalar(sa.select(pipelines.c.id).where(pipelines.c.id == pipeline_id)) is None:
                raise Missing("Pipeline", pipeline_id)
            taken = sa.select(versions.c.id).where(versions.c.pipeline_id == pipeline_id, _name == name)
            if connection.scalar(taken) is not None:
                raise Exists(f"Failed to create a new pipeline version. The name {name} already exist.")
            connection.execute(
                versions.insert().values(
                    id=version_id,
                    pipeline_id=pipeline_id,
                    name=name,
                    description=description,
                    created_at=now(),
                    parameters=parameters,
                    package_url=package_url,
                    code_source_url=code_source_url,
                )
            )
            connection.execute(packages.insert().values(version_id=version_id, text=text, workflow=workflow))
            connection.execute(
                pipelines.update().where(pipelines.c.id == pipeline_id).values(default_version_id=version_id)
            )
        return self.get(version_id)

    def get(self, version_id: str) -> sa.Row[Any]:
        """Return one version; raises Missing."""
        with self._database.begin() as connection:
            found = connection.execute(versions.select().where(versions.c.id == version_id)).first()
        if found is None:
            raise Missing("PipelineVersion", version_id)
        return found

    def text(self, version_id: str) -> str:
        """Return the package of a version as it was uploaded; raises Missing."""
        return self._package(packages.c.text, version_id)

    def workflow(self, version_id: str) -> str:
        """Return the workflow of a version as JSON; raises Missing."""
        return self._package(packages.c.workflow, version_id)

    def page(self, pipeline_id: str, query: Mapping[str, str]) -> tuple[list[sa.Row[Any]], int, str]:
        """Return the page of a pipeline's versions that ``query`` asks for, the number of all, and the next token."""
        listing = parse_listing("PipelineVersion", _FIELDS, versions.c.id, query)
        with self._database.begin() as connection:
            return listing.page(connection, versions.select(), [versions.c.pipeline_id == pipeline_id])

    def delete(self, version_id: str) -> None:
        """Delete a version; when it was the default, the newest of the others takes its place."""
        pipeline_id = self.get(version_id).pipeline_id
        with self._database.begin(durable=True) as connection:
            connection.execute(versions.delete().where(versions.c.id == version_id))
            newest = connection.scalar(
                sa.select(versions.c.id)
                .where(versions.c.pipeline_id == pipeline_id)
                .order_by(versions.c.created_at.desc(), versions.c.id.desc())
                .limit(1)
            )
            connection.execute(
                pipelines.update()
                .where(pipelines.c.id == pipeline_id, pipelines.c.default_version_id == version_id)
                .values(default_version_id=newest or "")
            )

    def _package(self, column: sa.Column[str], version_id: str) -> str:
        with self._database.begin() as connection:
            found = connection.scalar(sa.select(column).where(packages.c.version_id == version_id))
        if found is None:
            raise Missing("PipelineVersion", version_id)
        return found
