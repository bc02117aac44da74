"""Routes of pipelines, their versions, and the versions' images."""

from __future__ import annotations

from ..body import Field
from .base import KfopsHandler, guarded


class PipelinesHandler(KfopsHandler):
    """All pipelines."""

    @guarded
    async def get(self) -> None:
        """Answer with the backend's pipelines."""
        self.reply({"pipelines": await self.ask("pipelines.list")})


class PipelineHandler(KfopsHandler):
    """One pipeline."""

    @guarded
    async def patch(self, pipeline_id: str) -> None:
        """Make one of its versions the default."""
        version_id = self.body(Field("default_version_id", required=True))["default_version_id"]
        self.check_id(version_id)
        await self.ask("pipelines.default", pipeline_id=pipeline_id, version_id=version_id)
        self.done()

    @guarded
    async def delete(self, pipeline_id: str) -> None:
        """Delete the pipeline with its versions."""
        await self.ask("pipelines.delete", pipeline_id=pipeline_id)
        self.done()


class PipelineVersionsHandler(KfopsHandler):
    """The versions of a pipeline."""

    @guarded
    async def get(self, pipeline_id: str) -> None:
        """Answer with the versions, newest first."""
        self.reply({"versions": await self.ask("versions.list", pipeline_id=pipeline_id)})


class VersionHandler(KfopsHandler):
    """One pipeline version."""

    @guarded
    async def get(self, version_id: str) -> None:
        """Answer with the version, its graph, parameters, images and source."""
        self.reply(await self.ask("versions.get", version_id=version_id))

    @guarded
    async def delete(self, version_id: str) -> None:
        """Delete the version; its runs stay."""
        await self.ask("versions.delete", version_id=version_id)
        self.done()


class VersionPackageHandler(KfopsHandler):
    """The package of a version."""

    @guarded
    async def get(self, version_id: str) -> None:
        """Answer with its text."""
        self.reply(await self.ask("versions.package", version_id=version_id))


class VersionStepHandler(KfopsHandler):
    """A step of a version."""

    @guarded
    async def get(self, version_id: str, step_id: str) -> None:
        """Answer with what the step asks for."""
        self.reply(await self.ask("versions.step", version_id=version_id, step_id=step_id))


class VersionChangesHandler(KfopsHandler):
    """What is different in a version."""

    @guarded
    async def get(self, version_id: str) -> None:
        """Answer with the difference from the version that the query names."""
        since = self.get_query_argument("since")
        self.check_id(since)
        self.reply(await self.ask("versions.changes", version_id=version_id, since=since))


class ImagesHandler(KfopsHandler):
    """The images of all versions."""

    @guarded
    async def get(self) -> None:
        """Answer with the newest versions that have images of their own."""
        self.reply({"versions": await self.ask("images.list")})
