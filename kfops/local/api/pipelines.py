# ruff: noqa: D102 - a route's methods are the verbs of HTTP; its class says what it is
"""The pipeline service: pipelines and their versions."""

from __future__ import annotations

import asyncio
from typing import Any

from ..problems import Invalid, Missing
from . import wire
from .base import Handler, listed_by, references, section, text
from .downloading import check_url, download, file_name
from .package import UploadedPackage, read_package
from .submission import v2_pipeline_name
from .uploads import checked_name


class Pipelines(Handler):
    """/apis/v1beta1/pipelines."""

    def get(self) -> None:
        query = self.query
        if listed_by(query) is not None:
            raise Invalid("Pipelines are listed by namespace, or all of them.")
        rows, total, token = self.backend.store.pipelines.page(query)
        defaults = self.backend.store.pipelines.default_versions(rows)
        self.reply(
            wire.present(
                pipelines=[wire.pipeline(row, defaults.get(row.id)) for row in rows],
                total_size=total,
                next_page_token=token,
            )
        )

    async def post(self) -> None:
        body = self.body()
        package, name, url = await _fetch(body, "url")
        v2_pipeline_name(package.workflow, name)
        row = self.backend.store.pipelines.create(
            name, text(body, "description"), package.text, package.workflow_json, package.parameters, url
        )
        self.reply(wire.pipeline(row, self.backend.store.versions.get(row.id)))


class Pipeline(Handler):
    """/apis/v1beta1/pipelines/{id}."""

    def get(self, pipeline_id: str) -> None:
        row = self.backend.store.pipelines.get(pipeline_id)
        self.reply(wire.pipeline(row, self.backend.store.pipelines.default_versions([row]).get(row.id)))

    def delete(self, pipeline_id: str) -> None:
        self.backend.store.pipelines.delete(pipeline_id)
        self.reply({})


class PipelineTemplate(Handler):
    """/apis/v1beta1/pipelines/{id}/templates."""

    def get(self, pipeline_id: str) -> None:
        version_id = self.backend.store.pipelines.get(pipeline_id).default_version_id
        if not version_id:
            raise Missing("Default version of pipeline", pipeline_id)
        self.reply(wire.present(template=self.backend.store.versions.text(version_id)))


class DefaultVersion(Handler):
    """/apis/v1beta1/pipelines/{id}/default_version/{version id}."""

    def post(self, pipeline_id: str, version_id: str) -> None:
        self.backend.store.pipelines.set_default(pipeline_id, version_id)
        self.reply({})


class Versions(Handler):
    """/apis/v1beta1/pipeline_versions."""

    def get(self) -> None:
        query = self.query
        kind, pipeline_id = listed_by(query, "resource_key") or ("", "")
        if kind != "PIPELINE":
            raise Invalid("Pipeline versions are listed by pipeline: resource_key.type PIPELINE and resource_key.id.")
        rows, total, token = self.backend.store.versions.page(pipeline_id, query)
        self.reply(wire.present(versions=[wire.version(row) for row in rows], total_size=total, next_page_token=token))

    async def post(self) -> None:
        body = self.body()
        owners = [owner_id for kind, owner_id in references(body) if kind == "PIPELINE"]
        if len(owners) != 1:
            raise Invalid("Create pipeline version failed due to missing pipeline id.")
        pipeline = self.backend.store.pipelines.get(owners[0])
        description, code = text(body, "description"), text(body, "code_source_url")
        package, name, url = await _fetch(body, "package_url")
        v2_pipeline_name(package.workflow, pipeline.name)
        row = self.backend.store.versions.create(
            pipeline.id, name, description, package.text, package.workflow_json, package.parameters, url, code
        )
        self.reply(wire.version(row))


class Version(Handler):
    """/apis/v1beta1/pipeline_versions/{id}."""

    def get(self, version_id: str) -> None:
        self.reply(wire.version(self.backend.store.versions.get(version_id)))

    def delete(self, version_id: str) -> None:
        self.backend.store.versions.delete(version_id)
        self.reply({})


class VersionTemplate(Handler):
    """/apis/v1beta1/pipeline_versions/{id}/templates."""

    def get(self, version_id: str) -> None:
        self.reply(wire.present(template=self.backend.store.versions.text(version_id)))


async def _fetch(body: dict[str, Any], field: str) -> tuple[UploadedPackage, str, str]:
    """Return the package at the URL in ``field``, the name it is to have, and the URL."""
    url = text(section(body, field), "pipeline_url")
    check_url(url)
    name = checked_name(text(body, "name") or file_name(url))
    loop = asyncio.get_running_loop()
    content = await loop.run_in_executor(None, download, url)
    return await loop.run_in_executor(None, read_package, content), name, url
